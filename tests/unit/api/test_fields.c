/* api/http/fields: what each field says, and what they say together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/http/fields.h"

#define FIELDS_MAX 2

static const struct {
    const char *says;
    const char *field[FIELDS_MAX][2]; /* name, value */
    bool http10;
    enum result r; /* of the first that objects */
} rows[] = {
    {"a Host", {{"Host", "a"}}, false, RES_OK},
    {"in any letters", {{"hOST", "a"}}, false, RES_OK},
    {"with a port", {{"Host", "[::1]:80"}}, false, RES_OK},
    {"an empty one", {{"Host", ""}}, false, RES_OK},
    {"none", {{"X", "y"}}, false, RES_HTTP_HOST},
    {"none in HTTP/1.0", {{"X", "y"}}, true, RES_OK},
    {"two", {{"Host", "a"}, {"Host", "a"}}, false, RES_HTTP_HOST},
    {"two in HTTP/1.0", {{"Host", "a"}, {"Host", "a"}}, true, RES_HTTP_HOST},
    {"with a path", {{"Host", "a/b"}}, false, RES_HTTP_HOST},
    {"with a user", {{"Host", "u@a"}}, false, RES_HTTP_HOST},
    {"above ASCII", {{"Host", "\xc3\xa9"}}, false, RES_HTTP_HOST},
    {"chunked", {{"Host", "a"}, {"Transfer-Encoding", "chunked"}}, false, RES_OK},
    {"chunked in HTTP/1.0",
     {{"Host", "a"}, {"Transfer-Encoding", "chunked"}},
     true,
     RES_HTTP_TRANSFER_CODING},
    {"chunked twice",
     {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     false,
     RES_HTTP_TRANSFER_CODING},
    {"gzip, chunked", {{"Transfer-Encoding", "gzip, chunked"}}, false, RES_HTTP_TRANSFER_CODING},
    {"a body as it is", {{"Host", "a"}, {"Content-Encoding", "identity"}}, false, RES_OK},
    {"a compressed body", {{"Content-Encoding", "gzip"}}, false, RES_HTTP_MEDIA},
    {"one credential", {{"Authorization", "Bearer a"}}, true, RES_OK},
    {"two credentials",
     {{"Authorization", "Bearer a"}, {"Authorization", "Bearer a"}},
     true,
     RES_HTTP_SYNTAX},
};

static void
each_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fields f = {.hosts = 0};
        enum result r = RES_OK;

        for (int n = 0; n < FIELDS_MAX && rows[i].field[n][0] != NULL && r == RES_OK; n++)
            r = fields_take(&f, span_str(rows[i].field[n][0]), span_str(rows[i].field[n][1]));
        if (r == RES_OK)
            r = fields_check(&f, rows[i].http10);
        if (r != rows[i].r)
            fail_msg("%s: %s, not %s", rows[i].says, result_name(r), result_name(rows[i].r));
    }
}

static void
values_without_blanks(void **state)
{
    struct fields f = {.hosts = 0};

    (void)state;
    assert_int_equal(fields_take(&f, span_str("Authorization"), span_str(" Bearer a\t")), RES_OK);
    assert_int_equal(fields_take(&f, span_str("Accept-Encoding"), span_str("gzip")), RES_OK);
    assert_int_equal(fields_take(&f, span_str("Expect"), span_str("200-ok")), RES_OK);
    assert_true(span_equal(f.authorization, span_str("Bearer a")));
    assert_true(span_equal(f.accept_encoding, span_str("gzip")));
    assert_false(f.expects);
    /* The second of its kind takes the opinion away. */
    assert_int_equal(fields_take(&f, span_str("Accept-Encoding"), span_str("gzip")), RES_OK);
    assert_int_equal(f.accept_encoding.n, 0);
    assert_int_equal(fields_take(&f, span_str("Expect"), span_str("100-Continue")), RES_OK);
    assert_true(f.expects);
}

/* X-Forwarded-For: every line, in its order, the last ones when there are many. */
static void
forwarded_lines_are_kept(void **state)
{
    static const char *const lines[] = {"1", " 2", "3 ", "4, 4", "5", "", "7", "8", "9"};
    struct fields f = {.expects = false};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(fields_take(&f, span_str("X-FORWARDED-for"), span_str(lines[i])), RES_OK);
        assert_int_equal(fields_take(&f, span_str("X-Forwarded-Foo"), span_str("x")), RES_OK);
        assert_int_equal(f.forwarded.n, i < 8 ? i + 1 : 8);
    }
    assert_true(span_equal(f.forwarded.line[0], span_str("2")));
    assert_true(span_equal(f.forwarded.line[2], span_str("4, 4")));
    assert_true(span_equal(f.forwarded.line[7], span_str("9")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(values_without_blanks),
        cmocka_unit_test(forwarded_lines_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
