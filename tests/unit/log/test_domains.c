/* log/accept/domains: which texts are lists of domains, and back again. */
#include "log/accept/domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LABEL "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijab." /* 63 */
#define LONGEST LABEL LABEL LABEL LABEL "a"                                     /* 253 */

static const struct {
    const char *says;
    const char *in;
    const char *out; /* NULL: refused with RES_VALUE */
} rows[] = {
    {"one", "a.example", "a.example"},
    {"two", "a.example,b.example", "a.example,b.example"},
    {"capitals are small ones", "Example.ORG,mail.EXAMPLE", "example.org,mail.example"},
    {"digits, hyphens and underscores", "_1-2.example", "_1-2.example"},
    {"the longest", LONGEST, LONGEST},
    {"one more", LONGEST "b", NULL},
    {"an empty list is not public", "", NULL},
    {"an empty domain", "a.example,,b", NULL},
    {"a comma behind the last", "a.example,", NULL},
    {"a comma before the first", ",a.example", NULL},
    {"a blank", "a b", NULL},
    {"a mark", "a.example,a!b", NULL},
    {"a byte above ASCII", "\xc3\xa9.example", NULL},
};

static void
texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = BUF_INIT(1024);
        char **list = NULL;
        enum result r = domains_parse(rows[i].in, &list);

        if (r != (rows[i].out == NULL ? RES_VALUE : RES_OK))
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r == RES_OK) {
            assert_int_equal(domains_text(list, &out), RES_OK);
            assert_int_equal(out.p[out.n - 1], '\0');
            assert_string_equal((const char *)out.p, rows[i].out);
        } else {
            assert_null(list);
        }
        domains_free(list);
        buf_release(&out);
    }
}

static void
none_is_public(void **state)
{
    char **list = (char **)&list;

    (void)state;
    assert_int_equal(domains_parse(NULL, &list), RES_OK);
    assert_null(list);
    domains_free(list);
}

static void
ends_with_null(void **state)
{
    struct buf small = BUF_INIT(4);
    char **list;

    (void)state;
    assert_int_equal(domains_parse("a,b", &list), RES_OK);
    assert_string_equal(list[0], "a");
    assert_string_equal(list[1], "b");
    assert_null(list[2]);
    assert_int_equal(domains_text(list, &small), RES_OK);
    buf_release(&small);
    small.max = 3; /* no room for the NUL */
    assert_int_equal(domains_text(list, &small), RES_TOO_LARGE);
    buf_release(&small);
    domains_free(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(none_is_public),
        cmocka_unit_test(ends_with_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
