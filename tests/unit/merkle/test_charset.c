/* merkle/leaf/charset: what a string of ASN.1 says, once or twice. */
#include "merkle/leaf/charset.h"

#include "merkle/base/text.h"
#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"

#define BYTES_MAX 4096

static const struct {
    const char *says;
    unsigned tag;
    const char *bytes;       /* in hex */
    const char *readings[2]; /* NULL: none */
    enum result first;       /* of reading 0 */
    bool agreed;
} rows[] = {
    {"UTF8String", 12, "61c3a4", {"a\xc3\xa4", NULL}, RES_OK, true},
    {"UTF8String of four bytes a character",
     12,
     "f09f9880",
     {"\xf0\x9f\x98\x80", NULL},
     RES_OK,
     true},
    {"UTF8String that is none", 12, "61e4", {NULL, NULL}, RES_ENCODING, true},
    {"UTF8String with a surrogate", 12, "eda080", {NULL, NULL}, RES_ENCODING, true},
    {"UTF8String with a byte order mark", 12, "efbbbf61", {"a", NULL}, RES_OK, false},
    {"a byte order mark in the middle is a character",
     12,
     "61efbbbf",
     {"a\xef\xbb\xbf", NULL},
     RES_OK,
     true},
    {"empty", 12, "", {"", NULL}, RES_OK, true},
    {"IA5String", 22, "6140", {"a@", NULL}, RES_OK, true},
    {"IA5String with UTF-8", 22, "c3a4", {"\xc3\xa4", "\xc3\x83\xc2\xa4"}, RES_OK, false},
    {"IA5String with ISO 8859-1", 22, "e4", {"\xc3\xa4", NULL}, RES_OK, false},
    {"IA5String with the last of ISO 8859-1", 22, "61ff", {"a\xc3\xbf", NULL}, RES_OK, false},
    {"IA5String with a byte order mark",
     22,
     "efbbbf61",
     {"a", "\xc3\xaf\xc2\xbb\xc2\xbf"
           "a"},
     RES_OK,
     false},
    {"PrintableString against its alphabet",
     19,
     "40c3a4",
     {"@\xc3\xa4", "@\xc3\x83\xc2\xa4"},
     RES_OK,
     false},
    {"NumericString", 18, "31", {"1", NULL}, RES_OK, true},
    {"TeletexString",
     20,
     "e461",
     {"\xc3\xa4"
      "a",
      NULL},
     RES_OK,
     false},
    {"VideotexString", 21, "61", {"a", NULL}, RES_OK, true},
    {"GraphicString", 25, "61", {"a", NULL}, RES_OK, true},
    {"VisibleString", 26, "61", {"a", NULL}, RES_OK, true},
    {"GeneralString", 27, "61", {"a", NULL}, RES_OK, true},
    {"BMPString", 30, "006100e4 4e2d", {"a\xc3\xa4\xe4\xb8\xad", NULL}, RES_OK, true},
    {"BMPString with a pair", 30, "d83dde00", {"\xf0\x9f\x98\x80", NULL}, RES_OK, true},
    {"BMPString with half a pair at the end", 30, "0061d83d", {NULL, NULL}, RES_ENCODING, true},
    {"BMPString with half a pair before a letter",
     30,
     "d83d0061",
     {NULL, NULL},
     RES_ENCODING,
     true},
    {"BMPString with the halves the wrong way round",
     30,
     "de00d83d",
     {NULL, NULL},
     RES_ENCODING,
     true},
    {"BMPString of odd length", 30, "006100", {NULL, NULL}, RES_ENCODING, true},
    {"BMPString with a byte order mark", 30, "feff0061", {"a", NULL}, RES_OK, false},
    {"UniversalString", 28, "00000061 0001f600", {"a\xf0\x9f\x98\x80", NULL}, RES_OK, true},
    {"UniversalString with a byte order mark", 28, "0000feff 00000061", {"a", NULL}, RES_OK, false},
    {"UniversalString beyond U+10FFFF", 28, "00110000", {NULL, NULL}, RES_ENCODING, true},
    {"UniversalString far beyond", 28, "80000061", {NULL, NULL}, RES_ENCODING, true},
    {"UniversalString with a surrogate", 28, "0000d800", {NULL, NULL}, RES_ENCODING, true},
    {"UniversalString of three bytes", 28, "000061", {NULL, NULL}, RES_ENCODING, true},
    {"OCTET STRING", 4, "61", {NULL, NULL}, RES_ABSENT, true},
    {"no tag", 0, "61", {NULL, NULL}, RES_ABSENT, true},
};

static void
rows_are_read(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT(BYTES_MAX), text = BUF_INIT(BYTES_MAX);
    struct guard g;
    guard_init(&g, BYTES_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mkcert_hex(rows[i].bytes, &bytes);
        struct span s = guard_put(&g, buf_span(&bytes));
        for (size_t nth = 0; nth <= CHARSET_READINGS_MAX; nth++) {
            const char *want = nth < CHARSET_READINGS_MAX ? rows[i].readings[nth] : NULL;
            enum result r = charset_read(rows[i].tag, s, nth, &text);
            if (r != (want != NULL ? RES_OK : nth == 0 ? rows[i].first : RES_ABSENT))
                fail_msg("%s, reading %zu: %s", rows[i].says, nth, result_name(r));
            assert_true(span_equal(buf_span(&text), span_str(want == NULL ? "" : want)));
            assert_true(text_is_utf8(buf_span(&text)));
        }
        if (charset_agreed(rows[i].tag, s) != rows[i].agreed)
            fail_msg("%s: agreed or not", rows[i].says);
    }
    guard_release(&g);
    buf_release(&bytes);
    buf_release(&text);
}

/* A character changed is a reading changed: nothing is mapped together. */
static void
a_changed_byte_is_another_text(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT(BYTES_MAX), one = BUF_INIT(BYTES_MAX), other = BUF_INIT(BYTES_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mkcert_hex(rows[i].bytes, &bytes);
        if (rows[i].first != RES_OK || strstr(rows[i].says, "byte order mark") != NULL)
            continue;
        assert_int_equal(charset_read(rows[i].tag, buf_span(&bytes), 0, &one), RES_OK);
        for (size_t k = 0; k < bytes.n; k++) {
            bytes.p[k] ^= 1;
            if (charset_read(rows[i].tag, buf_span(&bytes), 0, &other) == RES_OK)
                assert_false(span_equal(buf_span(&one), buf_span(&other)));
            bytes.p[k] ^= 1;
        }
    }
    buf_release(&bytes);
    buf_release(&one);
    buf_release(&other);
}

static void
ceilings_are_kept(void **state)
{
    (void)state;
    struct buf two = BUF_INIT(2);
    static const unsigned tags[] = {12, 22, 28, 30};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        assert_int_equal(charset_read(tags[i], span_of("\0\0\0a\0\0\0a\0\0\0a", 12), 0, &two),
                         RES_TOO_LARGE);
        assert_int_equal(two.n, 0);
    }
    buf_release(&two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(a_changed_byte_is_another_text),
        cmocka_unit_test(ceilings_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
