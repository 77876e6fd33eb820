/* client/quorum: names, groups, and who must have cosigned. */
#include "client/quorum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Reads witness, group and quorum lines; a witness line is its name alone. */
static enum result
take(struct quorum *q, const char *text, size_t *ret_line)
{
    char detail[POLICY_DETAIL_MAX] = "";
    struct policy_line l = {.detail = detail};
    struct span rest = span_str(text);
    size_t witnesses = 0;
    enum result r;
    while ((r = policy_line_next(&l, &rest, false)) == RES_OK) {
        if (policy_word_is(l.word[0], "group"))
            r = quorum_take_group(q, &l);
        else if (policy_word_is(l.word[0], "quorum"))
            r = quorum_take(q, &l);
        else
            r = quorum_name_witness(q, &l, l.word[1], witnesses++);
        if (r != RES_OK)
            break;
    }
    *ret_line = l.number;
    assert_int_equal(detail[0] != '\0', r == RES_CONFIG);
    return r == RES_ABSENT ? RES_OK : r;
}

#define ABC "w a\nw b\nw c\n"

static const struct {
    const char *says, *text;
    unsigned met; /* bit m: it holds for the witnesses in the bits of m (a: 1, b: 2, c: 4) */
} good[] = {
    {"none", ABC "quorum none\n", 0xff},
    {"one witness", ABC "quorum b\n", 0xcc},
    {"any of three", ABC "group g any a b c\nquorum g\n", 0xfe},
    {"all of three", ABC "group g all a b c\nquorum g\n", 0x80},
    {"two of three", ABC "group g 2 a b c\nquorum g\n", 0xe8},
    {"a group with another", ABC "group g any a b\ngroup h all g c\nquorum h\n", 0xe0},
    {"a group that is not the quorum", ABC "group g all a b c\nquorum a\n", 0xaa},
};

static void
a_quorum_holds_for_whom_it_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct quorum *q = calloc(1, sizeof *q);
        size_t line;
        assert_non_null(q);
        assert_int_equal(take(q, good[i].text, &line), RES_OK);
        assert_true(q->given);
        for (unsigned m = 0; m < 8; m++) {
            const bool witnessed[3] = {(m & 1) != 0, (m & 2) != 0, (m & 4) != 0};
            if (quorum_met(q, witnessed) != ((good[i].met >> m & 1) != 0))
                fail_msg("%s: of witnesses %u", good[i].says, m);
        }
        free(q);
    }
}

static const struct {
    const char *says, *text;
    size_t line;
} bad[] = {
    {"a witness called all", "w all\n", 1},
    {"a group called any", ABC "group any all a b\n", 4},
    {"a group with a witness's name", ABC "group a all b c\n", 4},
    {"a group of nobody", ABC "group g all\n", 4},
    {"of none", ABC "group g all none\n", 4},
    {"of a name that comes later", "w a\ngroup g all a b\nw b\n", 2},
    {"of one twice", ABC "group g all a a\n", 4},
    {"of one that another has", ABC "group g all a b\ngroup h all a c\n", 5},
    {"of itself", ABC "group g all a g\n", 4},
    {"threshold 0", ABC "group g 0 a b\n", 4},
    {"threshold above the members", ABC "group g 3 a b\n", 4},
    {"threshold that is no number", ABC "group g most a b\n", 4},
    {"a quorum of two words", ABC "quorum a b\n", 4},
    {"a quorum of nobody", ABC "quorum\n", 4},
    {"an unknown quorum", ABC "quorum d\n", 4},
    {"a second one", ABC "quorum a\nquorum b\n", 5},
    {"a second one, after none", ABC "quorum none\nquorum b\n", 5},
};

static void
what_is_no_quorum_is_refused_at_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct quorum *q = calloc(1, sizeof *q);
        size_t line;
        assert_non_null(q);
        if (take(q, bad[i].text, &line) != RES_CONFIG || line != bad[i].line)
            fail_msg("%s: line %zu", bad[i].says, line);
        free(q);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quorum_holds_for_whom_it_names),
        cmocka_unit_test(what_is_no_quorum_is_refused_at_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
