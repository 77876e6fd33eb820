/* client/record: the line files of views and evidence. */
#include "client/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
make(struct buf *out, const char *body)
{
    buf_clear(out);
    assert_int_equal(record_write_heading("view", out), RES_OK);
    assert_int_equal(buf_add(out, span_str(body)), RES_OK);
    assert_int_equal(record_write_digest(out), RES_OK);
}

static const struct {
    const char *says, *body;
    enum result want;
} rows[] = {
    {"no lines at all", "", RES_OK},
    {"a key and a value", "a-1 b c\n", RES_OK},
    {"a key without value", "a\n", RES_ENCODING},
    {"a key with an empty value", "a \n", RES_ENCODING},
    {"an upper-case key", "A b\n", RES_ENCODING},
    {"an empty line", "a b\n\n", RES_ENCODING},
    {"a tab in a value", "a b\tc\n", RES_ENCODING},
    {"a carriage return", "a b\r\n", RES_ENCODING},
    {"NUL cannot be told from the end by a careless reader", "a b\x01\n", RES_ENCODING},
    {"DEL", "a b\x7f\n", RES_ENCODING},
    {"a C1 byte alone, which is CSI to some terminals", "a b\x9b[m\n", RES_ENCODING},
    {"a C1 character in UTF-8", "a b\xc2\x9b[m\n", RES_ENCODING},
    {"the first C1 character", "a b\xc2\x80\n", RES_ENCODING},
    {"the last C1 character", "a b\xc2\x9f\n", RES_ENCODING},
    {"the first character behind them", "a b\xc2\xa0\n", RES_OK},
    {"bytes of C1's range inside other characters", "a b\xe2\x80\x94\xc3\x9b\n", RES_OK},
    {"a character cut short", "a b\xe2\x80\n", RES_ENCODING},
    {"the last line without its newline", "a b", RES_ENCODING},
};

static void
lines_have_one_form(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct record r;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&b, rows[i].body);
        enum result rc = record_open(buf_span(&b), "view", &r);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
    }
    buf_release(&b);
}

static void
values_come_back_in_order(void **state)
{
    struct buf b = BUF_INIT(4096), out = BUF_INIT(64);
    struct record r;
    struct span s;
    (void)state;
    make(&b, "one x y\ntwo AAEC\n");
    assert_int_equal(record_open(buf_span(&b), "evidence", &r), RES_VALUE);
    assert_int_equal(record_open(buf_span(&b), "view", &r), RES_OK);
    assert_int_equal(record_text(&r, "two", &s), RES_ABSENT);
    assert_true(record_next_is(&r, "one"));
    assert_false(record_next_is(&r, "on"));
    assert_int_equal(record_text(&r, "one", &s), RES_OK);
    assert_true(span_equal(s, span_str("x y")));
    assert_int_equal(record_end(&r), RES_TRAILING);
    assert_int_equal(record_base64(&r, "two", &out), RES_OK);
    assert_true(span_equal(buf_span(&out), span_of("\0\1\2", 3)));
    assert_true(record_done(&r));
    assert_int_equal(record_end(&r), RES_OK);
    buf_release(&b);
    buf_release(&out);
}

static void
every_changed_or_missing_byte_is_refused(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct record r;
    (void)state;
    make(&b, "one x y\ntwo AAEC\n");
    for (size_t i = 0; i < b.n; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            b.p[i] ^= (uint8_t)bit;
            assert_int_not_equal(record_open(buf_span(&b), "view", &r), RES_OK);
            b.p[i] ^= (uint8_t)bit;
        }
        assert_int_not_equal(record_open(span_of(b.p, i), "view", &r), RES_OK);
    }
    assert_int_equal(record_open(buf_span(&b), "view", &r), RES_OK);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_one_form),
        cmocka_unit_test(values_come_back_in_order),
        cmocka_unit_test(every_changed_or_missing_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
