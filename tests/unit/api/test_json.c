/* api/http/json: what is refused before and after cJSON, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http/json.h"
#include "api/http/limits.h"

/* A literal that may hold NUL. */
#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *says;
    const char *text;
    size_t n;
    enum result want;
} rows[] = {
    {"an object", TEXT("{\"a\":1}"), RES_OK},
    {"nothing in it", TEXT("{}"), RES_OK},
    {"blanks around it", TEXT(" \t\r\n{} \n"), RES_OK},
    {"unknown members and all kinds", TEXT("{\"a\":[1,true,null,{\"b\":\"c\"}]}"), RES_OK},
    {"UTF-8 in a string", TEXT("{\"a\":\"\xc3\xa9\"}"), RES_OK},
    {"an escape", TEXT("{\"a\":\"\\u00e9\\n\\\"\"}"), RES_OK},
    {"a backslash before u0000", TEXT("{\"a\":\"\\\\u0000\"}"), RES_OK},
    {"the same key in two objects", TEXT("{\"a\":{\"b\":1},\"c\":{\"b\":1}}"), RES_OK},
    {"keys that differ in case", TEXT("{\"a\":1,\"A\":2}"), RES_OK},
    {"numbers of every form", TEXT("{\"a\":[0,-0,10,1.5,1e5,1E-05,-0.0e+1]}"), RES_OK},
    {"a number with a zero in front", TEXT("{\"a\":01}"), RES_JSON},
    {"a negative one", TEXT("{\"a\":-01}"), RES_JSON},
    {"no digit before the point", TEXT("{\"a\":-.5}"), RES_JSON},
    {"no digit behind it", TEXT("{\"a\":1.}"), RES_JSON},
    {"no digit before the exponent", TEXT("{\"a\":1.e5}"), RES_JSON},
    {"no digit in it", TEXT("{\"a\":1e}"), RES_JSON},
    {"a sign alone", TEXT("{\"a\":-}"), RES_JSON},
    {"no object", TEXT("[]"), RES_JSON},
    {"a string", TEXT("\"a\""), RES_JSON},
    {"nothing", TEXT(""), RES_JSON},
    {"trailing bytes", TEXT("{} x"), RES_JSON},
    {"two documents", TEXT("{}{}"), RES_JSON},
    {"cut short", TEXT("{\"a\":"), RES_JSON},
    {"a string without its end", TEXT("{\"a\":\"b"), RES_JSON},
    {"a trailing comma", TEXT("{\"a\":1,}"), RES_JSON},
    {"a comment", TEXT("{/**/}"), RES_JSON},
    {"closed twice", TEXT("{}}"), RES_JSON},
    {"a key twice", TEXT("{\"a\":1,\"a\":1}"), RES_JSON_DUPLICATE},
    {"a key twice, once escaped", TEXT("{\"a\":1,\"\\u0061\":1}"), RES_JSON_DUPLICATE},
    {"a key twice, deep down", TEXT("{\"a\":[{\"b\":1,\"c\":2,\"b\":3}]}"), RES_JSON_DUPLICATE},
    {"an escaped NUL", TEXT("{\"a\":\"b\\u0000c\"}"), RES_JSON_TEXT},
    {"an escaped NUL behind a backslash", TEXT("{\"a\":\"\\\\\\u0000\"}"), RES_JSON_TEXT},
    {"a NUL in a string", TEXT("{\"a\":\"b\0c\"}"), RES_JSON_TEXT},
    {"a NUL behind the end", TEXT("{}\0"), RES_JSON_TEXT},
    {"a line break in a string", TEXT("{\"a\":\"b\nc\"}"), RES_JSON_TEXT},
    {"a control byte between", TEXT("{\x01}"), RES_JSON_TEXT},
    {"a byte order mark", TEXT("\xef\xbb\xbf{}"), RES_JSON_TEXT},
    {"a lone continuation byte", TEXT("{\"a\":\"\x80\"}"), RES_JSON_TEXT},
    {"an overlong slash", TEXT("{\"a\":\"\xc0\xaf\"}"), RES_JSON_TEXT},
    {"a surrogate in UTF-8", TEXT("{\"a\":\"\xed\xa0\x80\"}"), RES_JSON_TEXT},
    {"a lone escaped surrogate", TEXT("{\"a\":\"\\ud800\"}"), RES_JSON},
};

static void
every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *v = NULL;
        /* As long as it must be, so that a sanitizer sees the next byte being read. */
        char *copy = malloc(rows[i].n + 1);
        enum result r;

        memcpy(copy, rows[i].text, rows[i].n);
        copy[rows[i].n] = '\0';
        r = json_read_strict(span_of(copy, rows[i].n), &v);
        if (r != rows[i].want)
            fail_msg("%s: %s, not %s", rows[i].says, result_name(r), result_name(rows[i].want));
        json_document_free(v);
        free(copy);
    }
}

/* begin, then n times piece with i in place of '#', then end. */
static enum result
parse_repeated(const char *begin, const char *piece, unsigned n, const char *end)
{
    struct buf b = BUF_INIT(1 << 20);
    struct json *v = NULL;
    enum result r;

    assert_int_equal(buf_add(&b, span_str(begin)), RES_OK);
    for (unsigned i = 0; i < n; i++)
        for (const char *p = piece; *p != '\0'; p++)
            assert_int_equal(*p == '#' ? buf_printf(&b, "%u", i) : buf_printf(&b, "%c", *p),
                             RES_OK);
    assert_int_equal(buf_printf(&b, "%s%c", end, 0), RES_OK);
    r = json_read_strict(span_of(b.p, b.n - 1), &v);
    json_document_free(v);
    buf_release(&b);
    return r;
}

static void
limits(void **state)
{
    char deep[2 * JSON_DEPTH_MAX + 16];
    struct json *v = NULL;

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        int n = JSON_DEPTH_MAX - 1 + extra;

        snprintf(deep, sizeof deep, "{\"a\":");
        memset(deep + 5, '[', (size_t)n);
        memset(deep + 5 + n, ']', (size_t)n);
        memcpy(deep + 5 + 2 * n, "}", 2);
        assert_int_equal(json_read_strict(span_str(deep), &v), extra ? RES_JSON : RES_OK);
        if (!extra)
            json_document_free(v);
    }
    assert_int_equal(parse_repeated("{\"x\":1", ",\"k#\":1", JSON_MEMBERS_MAX - 1, "}"), RES_OK);
    assert_int_equal(parse_repeated("{\"x\":1", ",\"k#\":1", JSON_MEMBERS_MAX, "}"), RES_JSON);
    assert_int_equal(parse_repeated("{\"x\":[1", ",#", JSON_VALUES_MAX - 4, "]}"), RES_OK);
    assert_int_equal(parse_repeated("{\"x\":[1", ",#", JSON_VALUES_MAX, "]}"), RES_JSON);
}

static void
walking(void **state)
{
    struct json *v;
    struct span s;
    const struct json *e;

    (void)state;
    assert_int_equal(json_read_strict(span_str("{\"Chain\":1,\"chain\":[\"a\",\"bc\",7]}"), &v),
                     RES_OK);
    assert_null(json_find(v, "CHAIN"));
    assert_false(json_is_array(json_find(v, "Chain")));
    e = json_array_first(json_find(v, "chain"));
    assert_int_equal(json_string(e, &s), RES_OK);
    assert_true(span_equal(s, span_str("a")));
    e = json_array_next(e);
    assert_int_equal(json_string(e, &s), RES_OK);
    assert_true(span_equal(s, span_str("bc")));
    e = json_array_next(e);
    assert_int_equal(json_string(e, &s), RES_JSON);
    assert_null(json_array_next(e));
    assert_null(json_array_first(json_find(v, "Chain")));
    assert_int_equal(json_string(NULL, &s), RES_JSON);
    json_document_free(v);
}

/* What json_escape writes reads back as what went in. */
static void
escape_round_trip(void **state)
{
    const char *text = "a\"b\\c\n\x01\x7f\xc3\xa9/";
    struct buf b = BUF_INIT(1000);
    struct json *v;
    struct span s;

    (void)state;
    assert_int_equal(buf_printf(&b, "{\"a\":\""), RES_OK);
    assert_int_equal(json_escape(span_str(text), &b), RES_OK);
    assert_int_equal(buf_printf(&b, "\"}%c", 0), RES_OK);
    assert_int_equal(json_read_strict(span_of(b.p, b.n - 1), &v), RES_OK);
    assert_int_equal(json_string(json_find(v, "a"), &s), RES_OK);
    assert_true(span_equal(s, span_str(text)));
    json_document_free(v);
    b.n = 0;
    assert_int_equal(json_escape(span_str("\xff"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("?")));
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(limits),
        cmocka_unit_test(walking),
        cmocka_unit_test(escape_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
