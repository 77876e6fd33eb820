/* client/json: JSON without cJSON's laxness. */
#include "client/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *says;
    struct span text;
    enum result want;
} rows[] = {
#define T(s)                                          \
    {                                                 \
        .p = (const uint8_t *)(s), .n = sizeof(s) - 1 \
    }
    {"an object", T("{}"), RES_OK},
    {"white space around it", T(" {\n\t} \r\n"), RES_OK},
    {"nothing", T(""), RES_JSON},
    {"an array at the top", T("[]"), RES_JSON},
    {"a number at the top", T("1"), RES_JSON},
    {"bytes after it", T("{} x"), RES_JSON},
    {"a second object", T("{}{}"), RES_JSON},
    {"a comma too many", T("{\"a\":1,}"), RES_JSON},
    {"a key twice", T("{\"a\":1,\"a\":1}"), RES_JSON_DUPLICATE},
    {"a key twice, further down", T("{\"b\":[{\"a\":1,\"a\":2}]}"), RES_JSON_DUPLICATE},
    {"keys that differ in case are two", T("{\"a\":1,\"A\":1}"), RES_OK},
    {"an escaped NUL", T("{\"a\":\"x\\u0000y\"}"), RES_JSON_TEXT},
    {"an escaped backslash before u0000", T("{\"a\":\"x\\\\u0000y\"}"), RES_OK},
    {"a raw NUL", T("{\"a\":\"x\0y\"}"), RES_JSON_TEXT},
    {"NUL after the object", T("{}\0"), RES_JSON_TEXT},
    {"a raw newline in a string", T("{\"a\":\"x\ny\"}"), RES_JSON_TEXT},
    {"invalid UTF-8", T("{\"a\":\"\xc0\x80\"}"), RES_JSON_TEXT},
    {"a byte order mark", T("\xef\xbb\xbf{}"), RES_JSON},
    {"eight levels", T("{\"a\":[[[[[[[1]]]]]]]}"), RES_OK},
    {"nine levels", T("{\"a\":[[[[[[[[1]]]]]]]]}"), RES_JSON},
    {"brackets in a string are no levels", T("{\"a\":\"[[[[[[[[[[[[\"}"), RES_OK},
};

static void
documents_are_taken_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json *j = NULL;
        enum result r = json_parse(rows[i].text, &j);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        json_free(j);
    }
}

static const struct {
    const char *says, *text;
    enum result want;
    uint64_t value;
} numbers[] = {
    {"zero", "{\"n\":0}", RES_OK, 0},
    {"the largest exact integer", "{\"n\":9007199254740991}", RES_OK, JSON_INTEGER_MAX},
    {"one more is not exact", "{\"n\":9007199254740992}", RES_NUMBER, 0},
    {"below zero", "{\"n\":-1}", RES_NUMBER, 0},
    {"a fraction", "{\"n\":1.5}", RES_NUMBER, 0},
    {"infinity by exponent", "{\"n\":1e400}", RES_NUMBER, 0},
    {"a string", "{\"n\":\"1\"}", RES_JSON, 0},
    {"another name", "{\"N\":1}", RES_JSON, 0},
    {"true", "{\"n\":true}", RES_JSON, 0},
};

static void
numbers_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct json *j;
        uint64_t v = 0;
        assert_int_equal(json_parse(span_str(numbers[i].text), &j), RES_OK);
        enum result r = json_u64(json_get(j, "n"), JSON_INTEGER_MAX, &v);
        if (r != numbers[i].want || v != numbers[i].value)
            fail_msg("%s: %s", numbers[i].says, result_name(r));
        json_free(j);
    }
}

static void
hashes_are_exactly_32_bytes_each(void **state)
{
    static const char z[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    struct buf b = BUF_INIT(4096);
    struct hash h[2];
    struct json *j;
    size_t n = 9;
    (void)state;
    assert_int_equal(buf_printf(&b,
                                "{\"a\":[\"%s\",\"%s\"],\"b\":[\"%s\",\"AA==\"],\"c\":[1],\"d\":[],"
                                "\"e\":[\"%s\",\"%s\",\"%s\"]}",
                                z, z, z, z, z, z),
                     RES_OK);
    assert_int_equal(json_parse(buf_span(&b), &j), RES_OK);
    assert_int_equal(json_hashes(json_get(j, "b"), h, 2, &n), RES_VALUE);
    assert_int_equal(json_hashes(json_get(j, "c"), h, 2, &n), RES_JSON);
    assert_int_equal(json_hashes(json_get(j, "e"), h, 2, &n), RES_TOO_LARGE);
    assert_int_equal(json_hashes(json_get(j, "x"), h, 2, &n), RES_JSON);
    assert_int_equal(n, 9);
    assert_int_equal(json_hashes(json_get(j, "d"), h, 2, &n), RES_OK);
    assert_int_equal(n, 0);
    assert_int_equal(json_hashes(json_get(j, "a"), h, 2, &n), RES_OK);
    assert_int_equal(n, 2);
    json_free(j);
    buf_release(&b);
}

static void
strings_that_are_written_read_back(void **state)
{
    static const struct {
        const char *says;
        struct span in, out;
    } strings[] = {
        {"plain", T("abc"), T("{\"s\":\"abc\"}")},
        {"quotes and backslashes", T("a\"\\b"), T("{\"s\":\"a\\\"\\\\b\"}")},
        {"newline, tab, DEL", T("\n\t\x7f"), T("{\"s\":\"\\n\\u0009\\u007f\"}")},
        {"UTF-8 stays", T("\xc3\xa9\xf0\x9f\x93\x9c"), T("{\"s\":\"\xc3\xa9\xf0\x9f\x93\x9c\"}")},
        {"a byte that is none is replaced",
         T("a\xff"
           "b"),
         T("{\"s\":\"a\xef\xbf\xbd"
           "b\"}")},
    };
    struct buf b = BUF_INIT(4096);
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct json *j;
        struct span s;
        buf_clear(&b);
        assert_int_equal(buf_printf(&b, "{\"s\":"), RES_OK);
        assert_int_equal(json_write_string(strings[i].in, &b), RES_OK);
        assert_int_equal(buf_printf(&b, "}"), RES_OK);
        if (!span_equal(buf_span(&b), strings[i].out))
            fail_msg("%s: %.*s", strings[i].says, (int)b.n, (const char *)b.p);
        assert_int_equal(json_parse(buf_span(&b), &j), RES_OK);
        assert_int_equal(json_text(json_get(j, "s"), &s), RES_OK);
        if (i < 4)
            assert_true(span_equal(s, strings[i].in));
        json_free(j);
    }
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_taken_or_refused),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(hashes_are_exactly_32_bytes_each),
        cmocka_unit_test(strings_that_are_written_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
