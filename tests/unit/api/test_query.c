/* api/http/query: which parameters are taken, and what counts as one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http/query.h"

static const struct {
    const char *says;
    const char *query;
    enum result want;
    const char *a; /* value of "a" when taken */
} rows[] = {
    {"both", "a=1&b=2", RES_OK, "1"},
    {"the other order", "b=2&a=1", RES_OK, "1"},
    {"an unknown one beside them", "a=1&c=3&b=2&c=3", RES_OK, "1"},
    {"empty pairs", "&&a=1&&b=2&", RES_OK, "1"},
    {"percent-decoded", "a=%2B%2f%3D&b=2", RES_OK, "+/="},
    {"a plus is a blank", "a=x+y&b=2", RES_OK, "x y"},
    {"an equals sign in the value", "a=x==&b=2", RES_OK, "x=="},
    {"an encoded name is that name", "%61=1&b=2", RES_OK, "1"},
    {"no value is an empty value", "a&b=2", RES_OK, ""},
    {"one is missing", "a=1", RES_PARAMETER, NULL},
    {"none", "", RES_PARAMETER, NULL},
    {"one twice", "a=1&b=2&a=1", RES_PARAMETER, NULL},
    {"one twice, once encoded", "a=1&b=2&%61=1", RES_PARAMETER, NULL},
    {"a name in the other case", "A=1&b=2", RES_PARAMETER, NULL},
    {"a name that only begins so", "aa=1&b=2", RES_PARAMETER, NULL},
    {"a broken sequence", "a=%4&b=2", RES_PARAMETER, NULL},
    {"a sequence that is no hex", "a=%4g&b=2", RES_PARAMETER, NULL},
    {"a broken sequence in an unknown one", "a=1&b=2&c=%", RES_PARAMETER, NULL},
    {"a value that is too long",
     "a=11111111111111111111111111111111111111111111111111111111111111111&b=2", RES_PARAMETER,
     NULL},
};

static void
every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct query_param p[2] = {{.name = "a"}, {.name = "b"}};
        const char *name;
        enum result r = query_read(span_str(rows[i].query), p, 2, &name);

        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r == RES_OK && !span_equal(span_of(p[0].value, p[0].n), span_str(rows[i].a)))
            fail_msg("%s: \"%.*s\"", rows[i].says, (int)p[0].n, p[0].value);
    }
}

static const struct {
    const char *text;
    enum result want;
    uint64_t value;
} numbers[] = {
    {"0", RES_OK, 0},
    {"18446744073709551615", RES_OK, UINT64_MAX},
    {"18446744073709551616", RES_PARAMETER, 0},
    {"99999999999999999999999", RES_PARAMETER, 0},
    {"", RES_PARAMETER, 0},
    {"-1", RES_PARAMETER, 0},
    {"+1", RES_PARAMETER, 0},
    {"01", RES_PARAMETER, 0},
    {"1.0", RES_PARAMETER, 0},
    {"1e3", RES_PARAMETER, 0},
    {"0x1", RES_PARAMETER, 0},
    {" 1", RES_PARAMETER, 0},
};

static void
every_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct query_param p = {.name = "a", .n = strlen(numbers[i].text)};
        uint64_t v = 0;

        memcpy(p.value, numbers[i].text, p.n);
        if (query_u64(&p, &v) != numbers[i].want || v != numbers[i].value)
            fail_msg("\"%s\"", numbers[i].text);
    }
}

static void
too_many_pairs(void **state)
{
    char text[4 * QUERY_PAIRS_MAX + 16] = "a=1&b=2";
    size_t n = strlen(text);
    const char *name;

    (void)state;
    for (int i = 2; i <= QUERY_PAIRS_MAX; i++) {
        struct query_param p[2] = {{.name = "a"}, {.name = "b"}};

        assert_int_equal(query_read(span_str(text), p, 2, &name), RES_OK);
        memcpy(text + n, "&c=3", 5);
        n += 4;
    }
    struct query_param p[2] = {{.name = "a"}, {.name = "b"}};
    assert_int_equal(query_read(span_str(text), p, 2, &name), RES_PARAMETER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(every_number),
        cmocka_unit_test(too_many_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
