/* client/verdict: what a person is shown of a log's words. */
#include "client/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What a log says reaches a terminal: nothing in it may steer one. */
static void
a_verdict_steers_no_terminal(void **state)
{
    static const struct {
        const char *text, *shown;
    } said[] = {
        {"a\033[2Jb\x7f\n", "a?[2Jb??"},
        {"a\x9bJ", "a?J"},
        {"a\xc2\x9bJ", "a??J"},
        {"a\xc2\x80\xc2\x9f\xc2\xa0", "a????\xc2\xa0"},
        {"\xe2\x80\x94 \xc3\x9b", "\xe2\x80\x94 \xc3\x9b"},
        {"cut \xe2\x80", "cut ??"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct verdict v;
        verdict_init(&v);
        verdict_end(&v, VERDICT_INPUT, RES_VALUE, "%s", said[i].text);
        assert_string_equal(v.detail, said[i].shown);
        verdict_release(&v);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_steers_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
