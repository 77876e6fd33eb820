/* merkle/leaf/ber: what readers that are not strict would take. */
#include "merkle/leaf/ber.h"

#include "merkle/leaf/der.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"

#include <stdio.h>

#define BYTES_MAX 4096

/* Elements as text: "81:6162 30:" for [1] "ab" and an empty SEQUENCE. */
static const struct {
    const char *says, *bytes, *want;
} rows[] = {
    {"nothing", "", ""},
    {"one element", "0401aa", "04:aa"},
    {"two", "0401aa 0500", "04:aa 05:"},
    {"an empty one", "0400", "04:"},
    {"a length in the long form", "048101aa", "04:aa"},
    {"with zeros in front", "04840000 0001aa", "04:aa"},
    {"in nine octets", "0489 000000000000000001aa", "04:aa"},
    {"that is too great for a machine", "0489 010000000000000001aa", ""},
    {"past the end", "0402aa", ""},
    {"past the end, after a good element", "0401aa 0402bb", "04:aa"},
    {"an indefinite length", "3080 0401aa 0000", "30:0401aa"},
    {"and something behind it", "3080 0401aa 0000 0500", "30:0401aa 05:"},
    {"that is empty", "3080 0000", "30:"},
    {"inside another", "3080 3080 0401aa 0000 0000", "30:30800401aa0000"},
    {"inside a definite one", "3007 3080 0401aa 0000 0500", "30:30800401aa0000 05:"},
    {"without its end", "3080 0401aa", ""},
    {"with half of its end", "3080 0401aa 00", ""},
    {"with a breakage inside", "3080 0405aa 0000", ""},
    {"zeros in a definite element end nothing", "3080 04020000 0000", "30:04020000"},
    {"of a primitive element", "0480 0000", ""},
    {"a length of no form", "04ff", ""},
    {"a long tag", "1f8101 01aa 0500", "1f:aa 05:"},
    {"a short one in the long form", "9f01 01aa bf02 00", "81:aa a2:"},
    {"with zeros in front", "9f8080 01 01aa", "81:aa"},
    {"thirty, and thirty-one", "1f1e 00 1f1f 00", "1e: 1f:"},
    {"one that only its last bits would make short", "9f a080808001 01aa", "9f:aa"},
    {"a long tag without end", "1f8181", ""},
    {"a tag alone", "04", ""},
    {"a zero tag with a length is an element", "000161 0500", "00:61 05:"},
    {"inside an indefinite length too", "3080 000161 0000", "30:000161"},
    {"end-of-contents octets", "0401aa 0000 0500", "04:aa"},
    {"a constructed string", "2403 0401aa", "24:0401aa"},
};

static void
tell(struct span s, char *out, size_t cap)
{
    struct ber_element e;
    size_t n = 0;
    out[0] = '\0';
    while (ber_next(&s, &e)) {
        n += (size_t)snprintf(out + n, cap - n, "%s%02x:", n == 0 ? "" : " ", e.tag);
        for (size_t i = 0; i < e.content.n; i++)
            n += (size_t)snprintf(out + n, cap - n, "%02x", e.content.p[i]);
    }
    assert_int_equal(s.n, 0);
}

static void
rows_are_read(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT(BYTES_MAX);
    struct guard g;
    char got[256];
    guard_init(&g, BYTES_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mkcert_hex(rows[i].bytes, &bytes);
        tell(guard_put(&g, buf_span(&bytes)), got, sizeof got);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: %s, not %s", rows[i].says, got, rows[i].want);
    }
    guard_release(&g);
    buf_release(&bytes);
}

/* Whatever is DER reads the same: of each row cut at each place, when der.h takes it. */
static void
der_reads_the_same(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT(BYTES_MAX);
    size_t same = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mkcert_hex(rows[i].bytes, &bytes);
        for (size_t n = 1; n <= bytes.n; n++) {
            enum result err = RES_OK;
            struct der d = der_of(span_of(bytes.p, n), &err);
            struct span rest = span_of(bytes.p, n);
            struct der_element strict = der_any(&d);
            struct ber_element e;
            if (err != RES_OK)
                continue;
            assert_true(ber_next(&rest, &e));
            assert_int_equal(e.tag, strict.tag);
            assert_true(span_equal(e.content, strict.content));
            assert_int_equal(rest.n, d.end - d.p);
            same++;
        }
    }
    assert_true(same >= 10);
    buf_release(&bytes);
}

static void
another_tag_stays(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x04, 0x01, 0xaa, 0x05, 0x00};
    struct span rest = span_of(bytes, sizeof bytes);
    struct ber_element e = {.tag = 7};
    assert_false(ber_take(&rest, 0x30, &e));
    assert_int_equal(rest.n, sizeof bytes);
    assert_int_equal(e.tag, 7);
    assert_false(ber_take(&rest, 0x44, &e));
    assert_true(ber_take(&rest, 0x24, &e)); /* constructed or not */
    assert_int_equal(rest.n, 2);
    assert_int_equal(e.tag, 0x04);
    assert_int_equal(e.content.n, 1);
}

/* n indefinite lengths inside one another. */
static bool
nested(unsigned n)
{
    uint8_t bytes[128];
    struct ber_element e;
    for (unsigned i = 0; i < n; i++)
        memcpy(bytes + 2 * i, "\x30\x80", 2);
    memset(bytes + 2 * n, 0, 2 * n);
    struct span rest = span_of(bytes, 4 * (size_t)n);
    return ber_next(&rest, &e);
}

static void
depth_ends(void **state)
{
    (void)state;
    assert_true(nested(BER_DEPTH_MAX));
    assert_false(nested(BER_DEPTH_MAX + 1));
}

static void
pieces_come_together(void **state)
{
    (void)state;
    static const struct {
        const char *says, *bytes, *want;
        enum result r;
    } strings[] = {
        {"one piece", "0403 616263", "abc", RES_OK},
        {"two", "2407 0401 61 0402 6263", "abc", RES_OK},
        {"pieces of other tags, at which readers do not look", "2407 0c01 61 8102 6263", "abc",
         RES_OK},
        {"pieces of pieces", "2409 2407 0401 61 0402 6263", "abc", RES_OK},
        {"of indefinite length", "2480 0401 61 0402 6263 0000", "abc", RES_OK},
        {"none", "2400", "", RES_OK},
        {"a breakage after the first", "2407 0401 61 0409 6263", "a", RES_OK},
        {"five deep", "240b 2409 2407 2405 2403 0401 61", "a", RES_OK},
        {"six deep", "240d 240b 2409 2407 2405 2403 0401 61", "", RES_TOO_LARGE},
        {"more than there is room for", "2415 0413 61616161616161616161616161616161616161", "",
         RES_TOO_LARGE},
    };
    struct buf bytes = BUF_INIT(BYTES_MAX), pieces = BUF_INIT(16);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct ber_element e;
        struct span got = span_of(NULL, 0);
        mkcert_hex(strings[i].bytes, &bytes);
        struct span rest = buf_span(&bytes);
        assert_true(ber_next(&rest, &e));
        enum result r = ber_string(e, &pieces, &got);
        if (r != strings[i].r || !span_equal(got, span_str(strings[i].want)))
            fail_msg("%s: %s, %.*s", strings[i].says, result_name(r), (int)got.n,
                     (const char *)got.p);
    }
    buf_release(&pieces);
    mkcert_hex("2403 0401 61", &bytes);
    struct span rest = buf_span(&bytes), got;
    struct ber_element e;
    assert_true(ber_next(&rest, &e));
    failalloc_at(1);
    assert_int_equal(ber_string(e, &pieces, &got), RES_MEMORY);
    failalloc_at(0);
    buf_release(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),        cmocka_unit_test(der_reads_the_same),
        cmocka_unit_test(another_tag_stays),    cmocka_unit_test(depth_ends),
        cmocka_unit_test(pieces_come_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
