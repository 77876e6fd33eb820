#include "merkle/base/text.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/rng.h"

static struct guard guard;

static int
setup(void **state)
{
    (void)state;
    guard_init(&guard, 4096);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    guard_release(&guard);
    return 0;
}

/* RFC 4648 section 10, and the digits that standard base64 has and base64url has not. */
static const struct {
    const char *bytes, *text;
} base64_rows[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void
base64_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(base64_rows) / sizeof(base64_rows[0]); i++) {
        struct span bytes = span_str(base64_rows[i].bytes), text = span_str(base64_rows[i].text);
        struct buf b = BUF_INIT(text.n), back = BUF_INIT(bytes.n);
        uint8_t exact[8];

        assert_int_equal(text_base64(guard_put(&guard, bytes), &b), RES_OK);
        assert_true(span_equal(buf_span(&b), text));
        assert_int_equal(text_unbase64(guard_put(&guard, text), &back), RES_OK);
        assert_true(span_equal(buf_span(&back), bytes));
        assert_int_equal(text_unbase64_exact(guard_put(&guard, text), exact, bytes.n), RES_OK);
        assert_true(span_equal(span_of(exact, bytes.n), bytes));
        assert_int_equal(text_unbase64_exact(text, exact, bytes.n + 1), RES_VALUE);
        if (bytes.n > 0)
            assert_int_equal(text_unbase64_exact(text, exact, bytes.n - 1), RES_VALUE);
        buf_release(&b);
        buf_release(&back);
    }
}

static void
base64_appends_below_the_ceiling(void **state)
{
    struct buf b = BUF_INIT(9);

    (void)state;
    assert_int_equal(buf_add(&b, span_str("x")), RES_OK);
    assert_int_equal(text_base64(span_str("foobar"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("xZm9vYmFy")));
    assert_int_equal(text_base64(span_str("f"), &b), RES_TOO_LARGE);
    assert_int_equal(b.n, 9);
    buf_clear(&b);
    assert_int_equal(text_base64(span_str("1234567"), &b), RES_TOO_LARGE);
    assert_int_equal(text_unbase64(span_str("MTIzNDU2Nzg5MA=="), &b), RES_TOO_LARGE);
    assert_int_equal(b.n, 0);
    assert_int_equal(text_unbase64(span_str("MTIzNDU2Nzg5"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("123456789")));
    buf_release(&b);
}

static void
lax_base64_is_refused(void **state)
{
    static const struct {
        const char *says, *text;
    } rows[] = {
        {"no padding", "Zg"},
        {"half the padding", "Zg="},
        {"padding alone", "===="},
        {"padding in front", "=Zg="},
        {"three of padding", "Z==="},
        {"padding in the middle", "Zg==Zg=="},
        {"one '=' in the middle", "Zm8=Zm9v"},
        {"'=' before the last digit", "Zg=v"},
        {"too much padding", "Zm9v===="},
        {"bits of the padding set, two bytes", "Zm9="},
        {"bits of the padding set, one byte", "Zh=="},
        {"spaces in front", "    Zm9v"},
        {"spaces behind", "Zm9v    "},
        {"line feed behind", "Zm9v\n"},
        {"line feeds behind", "Zm9v\n\n\n\n"},
        {"a line break inside", "Zm9v\r\n\r\nZm9v"},
        {"a space within a group", "Zm v"},
        {"tabs in front", "\t\t\t\tZm9v"},
        {"base64url", "-_-_"},
        {"dashes behind", "Zm9v----"},
        {"a byte beyond ASCII", "Zm9\xff"},
        {"a vertical tab", "Zm9\v"},
        {"one digit", "Z"},
        {"five digits", "Zm9vZ"},
    };
    struct buf nul = BUF_INIT(9);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b = BUF_INIT(100);
        uint8_t exact[16], before[16];

        assert_int_equal(buf_add(&b, span_str("x")), RES_OK);
        if (text_unbase64(guard_put(&guard, span_str(rows[i].text)), &b) != RES_ENCODING)
            fail_msg("%s: accepted", rows[i].says);
        assert_true(span_equal(buf_span(&b), span_str("x")));
        memset(exact, 7, sizeof(exact));
        memset(before, 7, sizeof(before));
        for (size_t n = 0; n < 8; n++)
            assert_int_equal(text_unbase64_exact(span_str(rows[i].text), exact, n), RES_ENCODING);
        assert_memory_equal(exact, before, sizeof(exact));
        buf_release(&b);
    }
    assert_int_equal(text_unbase64(span_of("Zm9v\0\0\0\0", 8), &nul), RES_ENCODING);
    buf_release(&nul);
}

/* Every byte in every place: what is accepted is what would be written, and is as much as it should
 * be. */
static void
one_form_of_base64_is_accepted(void **state)
{
    static const unsigned expected[8] = {64, 64, 64, 64, 64, 64, 16, 65};
    struct buf bytes = BUF_INIT(6), again = BUF_INIT(8);

    (void)state;
    for (size_t at = 0; at < 8; at++) {
        unsigned accepted = 0;

        for (unsigned c = 0; c < 256; c++) {
            uint8_t text[8], exact[6];
            enum result rc;

            memcpy(text, "Zm9vYmE=", 8);
            text[at] = (uint8_t)c;
            buf_clear(&bytes);
            buf_clear(&again);
            rc = text_unbase64(guard_put(&guard, span_of(text, 8)), &bytes);
            assert_int_equal(text_unbase64_exact(span_of(text, 8), exact, bytes.n),
                             rc == RES_OK ? RES_OK : RES_ENCODING);
            if (rc != RES_OK)
                continue;
            accepted++;
            assert_true(span_equal(buf_span(&bytes), span_of(exact, bytes.n)));
            assert_int_equal(text_base64(buf_span(&bytes), &again), RES_OK);
            assert_true(span_equal(buf_span(&again), span_of(text, 8)));
        }
        assert_int_equal(accepted, expected[at]);
    }
    buf_release(&bytes);
    buf_release(&again);
}

static void
random_bytes_come_back(void **state)
{
    struct rng rng = rng_start("random_bytes_come_back");
    struct buf text = BUF_INIT(2000), back = BUF_INIT(1000);
    uint8_t bytes[1000], exact[1000];

    (void)state;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        buf_clear(&text);
        buf_clear(&back);
        rng_fill(&rng, bytes, n);
        assert_int_equal(text_base64(guard_put(&guard, span_of(bytes, n)), &text), RES_OK);
        assert_int_equal(text.n, BASE64_ENCODED(n));
        assert_true(BASE64_DECODED_MAX(text.n) >= n);
        assert_int_equal(text_unbase64(guard_put(&guard, buf_span(&text)), &back), RES_OK);
        assert_true(span_equal(buf_span(&back), span_of(bytes, n)));

        buf_clear(&text);
        assert_int_equal(text_hex(guard_put(&guard, span_of(bytes, n)), &text), RES_OK);
        assert_int_equal(text_unhex(guard_put(&guard, buf_span(&text)), exact, n), RES_OK);
        assert_true(span_equal(span_of(exact, n), span_of(bytes, n)));
    }
    buf_release(&text);
    buf_release(&back);
}

static void
hex_is_lower_case_and_whole(void **state)
{
    static const char *const wrong[] = {"0",  "000", "0G", "0g", "AB", "aB",
                                        " 0", "0x",  "0:", "0/", "0`"};
    struct buf b = BUF_INIT(4);
    uint8_t ret[2] = {7, 7};
    char text[5];

    (void)state;
    assert_int_equal(text_hex(span_of("\x0f\xa9", 2), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("0fa9")));
    assert_int_equal(text_hex(span_of("a", 1), &b), RES_TOO_LARGE);
    text_hex_to(span_of("\x0f\xa9", 2), text);
    assert_string_equal(text, "0fa9");
    text_hex_to(span_of(NULL, 0), text);
    assert_string_equal(text, "");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(text_unhex(guard_put(&guard, span_str(wrong[i])), ret, 1), RES_ENCODING);
    assert_int_equal(text_unhex(span_str("0fa"), ret, 2), RES_ENCODING);
    assert_int_equal(text_unhex(span_str("0fa9"), ret, 1), RES_ENCODING);
    assert_int_equal(text_unhex(span_str("0fag"), ret, 2), RES_ENCODING);
    assert_true(ret[0] == 7 && ret[1] == 7);
    assert_int_equal(text_unhex(span_str("0fa9"), ret, 2), RES_OK);
    assert_true(ret[0] == 0x0f && ret[1] == 0xa9);
    buf_release(&b);
}

static void
numbers_have_one_form_and_a_maximum(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, v;
        enum result rc;
    } rows[] = {
        {"0", 0, 0, RES_OK},
        {"1", 0, 0, RES_NUMBER},
        {"9", 9, 9, RES_OK},
        {"10", 9, 0, RES_NUMBER},
        {"255", 255, 255, RES_OK},
        {"256", 255, 0, RES_NUMBER},
        {"1000", 255, 0, RES_NUMBER},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, RES_OK},
        {"18446744073709551616", UINT64_MAX, 0, RES_NUMBER},
        {"184467440737095516150", UINT64_MAX, 0, RES_NUMBER},
        {"", UINT64_MAX, 0, RES_NUMBER},
        {"00", UINT64_MAX, 0, RES_NUMBER},
        {"01", UINT64_MAX, 0, RES_NUMBER},
        {"+1", UINT64_MAX, 0, RES_NUMBER},
        {"-1", UINT64_MAX, 0, RES_NUMBER},
        {" 1", UINT64_MAX, 0, RES_NUMBER},
        {"1 ", UINT64_MAX, 0, RES_NUMBER},
        {"1.0", UINT64_MAX, 0, RES_NUMBER},
        {"1e3", UINT64_MAX, 0, RES_NUMBER},
        {"0x1", UINT64_MAX, 0, RES_NUMBER},
        {"\xd9\xa1", UINT64_MAX, 0, RES_NUMBER},
        {"/", UINT64_MAX, 0, RES_NUMBER},
        {":", UINT64_MAX, 0, RES_NUMBER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t v = 4711;

        if (text_u64(guard_put(&guard, span_str(rows[i].text)), rows[i].max, &v) != rows[i].rc)
            fail_msg("\"%s\" up to %llu", rows[i].text, (unsigned long long)rows[i].max);
        assert_true(v == (rows[i].rc == RES_OK ? rows[i].v : 4711));
    }
}

static void
utf8_of_every_character(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        uint8_t b[4];
        size_t n;

        if (c < 0x80) {
            n = 1;
            b[0] = (uint8_t)c;
        } else if (c < 0x800) {
            n = 2;
            b[0] = (uint8_t)(0xc0 | c >> 6);
        } else if (c < 0x10000) {
            n = 3;
            b[0] = (uint8_t)(0xe0 | c >> 12);
        } else {
            n = 4;
            b[0] = (uint8_t)(0xf0 | c >> 18);
        }
        for (size_t i = 1; i < n; i++)
            b[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
        bool is = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        bool shown = is && c >= 0x20 && (c < 0x7f || c > 0x9f);

        if (text_is_utf8(span_of(b, n)) != is)
            fail_msg("U+%04X", c);
        if (text_printable(span_of(b, n)) != (shown ? n : 0))
            fail_msg("U+%04X shown", c);
    }
}

/* RFC 3629 has 128, 1,920, 61,440 and 1,048,576 sequences of one to four bytes. */
static void
utf8_of_all_short_strings(void **state)
{
    unsigned long pairs = 0, triples = 0, quads = 0;
    uint8_t b[4];

    (void)state;
    for (unsigned v = 0; v < 0x10000; v++) {
        b[0] = (uint8_t)(v >> 8);
        b[1] = (uint8_t)v;
        pairs += text_is_utf8(span_of(b, 2));
    }
    assert_int_equal(pairs, 128 * 128 + 1920);
    for (unsigned v = 0; v < 0x1000000; v++) {
        b[0] = (uint8_t)(v >> 16);
        b[1] = (uint8_t)(v >> 8);
        b[2] = (uint8_t)v;
        triples += text_is_utf8(span_of(b, 3));
    }
    assert_int_equal(triples, 128 * 128 * 128 + 2 * 128 * 1920 + 61440);
    /* Of four bytes: every first, second and last byte, and the third at its limits and within. */
    for (unsigned v = 0; v < 0x1000000; v++) {
        static const uint8_t thirds[] = {0x00, 0x7f, 0x80, 0x9a, 0xbf, 0xc0, 0xff};

        b[0] = (uint8_t)(v >> 16);
        if (b[0] < 0xf0)
            continue;
        b[1] = (uint8_t)(v >> 8);
        b[3] = (uint8_t)v;
        for (size_t i = 0; i < sizeof(thirds); i++) {
            b[2] = thirds[i];
            quads += text_is_utf8(span_of(b, 4));
        }
    }
    assert_int_equal(quads, 1048576 / 64 * 3);
}

static void
utf8_cut_or_overlong_is_refused(void **state)
{
    static const struct {
        const char *says, *text;
        bool ok;
    } rows[] = {
        {"nothing", "", true},
        {"words", "Gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac \xf0\x9f\x99\x82", true},
        {"a continuation alone", "\x80", false},
        {"the second half of a pair", "a\xbf", false},
        {"two bytes cut", "a\xc3", false},
        {"three bytes cut", "a\xe2\x82", false},
        {"four bytes cut", "a\xf0\x9f\x99", false},
        {"an overlong slash", "\xc0\xaf", false},
        {"an overlong slash of three", "\xe0\x80\xaf", false},
        {"an overlong slash of four", "\xf0\x80\x80\xaf", false},
        {"an overlong NUL", "\xc0\x80", false},
        {"a surrogate", "\xed\xa0\x80", false},
        {"a pair of surrogates", "\xed\xa0\x81\xed\xb0\x80", false},
        {"beyond U+10FFFF", "\xf4\x90\x80\x80", false},
        {"five bytes", "\xf8\x88\x80\x80\x80", false},
        {"a byte that never occurs", "\xff", false},
        {"Latin-1", "Gr\xfc\xdf", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_is_utf8(guard_put(&guard, span_str(rows[i].text))) != rows[i].ok)
            fail_msg("%s", rows[i].says);
    assert_true(text_is_utf8(span_of("a\0b", 3)));
}

static void
only_the_printable_front_is_shown(void **state)
{
    static const struct {
        const char *says, *text;
        size_t shown;
    } rows[] = {
        {"nothing", "", 0},
        {"words", "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82", 15},
        {"a no-break space, the first after the C1 controls", "\xc2\xa0", 2},
        {"a C1 control in two bytes",
         "\xc2\x9b"
         "31m",
         0},
        {"the last C1 control, within words",
         "ab\xc2\x9f"
         "cd",
         2},
        {"a C1 control in one byte",
         "ab\x9b"
         "cd",
         2},
        {"an escape", "ab\x1b[31m", 2},
        {"a line feed", "ab\ncd", 2},
        {"a tabulator", "\tab", 0},
        {"DEL", "ab\x7f", 2},
        {"a character that was cut", "ab\xe2\x82", 2},
        {"a surrogate", "ab\xed\xa0\x80", 2},
        {"an overlong escape", "ab\xc0\x9b", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (text_printable(guard_put(&guard, span_str(rows[i].text))) != rows[i].shown)
            fail_msg("%s", rows[i].says);
    assert_int_equal(text_printable(span_of("a\0b", 3)), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(base64_appends_below_the_ceiling),
        cmocka_unit_test(lax_base64_is_refused),
        cmocka_unit_test(one_form_of_base64_is_accepted),
        cmocka_unit_test(random_bytes_come_back),
        cmocka_unit_test(hex_is_lower_case_and_whole),
        cmocka_unit_test(numbers_have_one_form_and_a_maximum),
        cmocka_unit_test(utf8_of_every_character),
        cmocka_unit_test(utf8_of_all_short_strings),
        cmocka_unit_test(utf8_cut_or_overlong_is_refused),
        cmocka_unit_test(only_the_printable_front_is_shown),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
