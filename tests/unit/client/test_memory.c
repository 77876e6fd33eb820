/* client/directory/memory: what is taken up, kept and forgotten. */
#include "client/directory/memory.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/client/memorydata.h"
#include "tests/vectors/check.h"

static struct span
name_of(const struct label *l)
{
    return span_of(l->b, l->n);
}

static struct memory_label *
new_label(struct memory *m, uint64_t number)
{
    struct label name = memorydata_name(number);
    struct memory_label *l;

    assert_int_equal(memory_label(m, name_of(&name), &l), RES_OK);
    return l;
}

/* ---- labels ---- */

static void
a_label_is_made_once(void **state)
{
    struct memory m;
    struct memory_label *at[40];

    (void)state;
    memory_init(&m);
    for (uint64_t i = 0; i < 40; i++) {
        struct label name = memorydata_name(i);

        assert_null(memory_find(&m, name_of(&name)));
        at[i] = new_label(&m, i);
        assert_int_equal(m.n, i + 1);
        assert_false(at[i]->watched);
        assert_int_equal(at[i]->map.n + at[i]->steps_n + at[i]->upcoming_n, 0);
    }
    for (uint64_t i = 0; i < 40; i++) {
        struct label name = memorydata_name(i);

        assert_ptr_equal(memory_find(&m, name_of(&name)), at[i]);
        assert_ptr_equal(new_label(&m, i), at[i]);
        assert_null(memory_find(&m, span_of(name.b, name.n - 1)));
    }
    assert_int_equal(m.n, 40);
    memory_release(&m);
    assert_int_equal(m.n, 0);
    memory_release(&m);
}

static void
labels_have_limits(void **state)
{
    static struct memory_label *labels[MEMORY_LABELS_MAX];
    struct memory m = {.labels = labels, .n = MEMORY_LABELS_MAX, .cap = MEMORY_LABELS_MAX};
    struct memory_label known = {.label = memorydata_name(1)}, *l = &known;
    struct label other = memorydata_name(2);
    uint8_t longest[LABEL_MAX + 1] = {LABEL_MAILBOX};

    (void)state;
    for (size_t i = 0; i < MEMORY_LABELS_MAX; i++)
        labels[i] = &known;
    assert_int_equal(memory_label(&m, name_of(&other), &l), RES_TOO_LARGE);
    assert_int_equal(memory_label(&m, name_of(&known.label), &l), RES_OK);
    assert_ptr_equal(l, &known);
    memory_init(&m);
    assert_int_equal(memory_label(&m, span_of(longest, sizeof(longest)), &l), RES_TOO_LARGE);
    assert_int_equal(m.n, 0);
    assert_int_equal(memory_label(&m, span_of(longest, sizeof(longest) - 1), &l), RES_OK);
    memory_release(&m);
}

static void
a_label_that_cannot_be_made_leaves_the_others(void **state)
{
    struct label name = memorydata_name(16);
    struct memory_label *l;
    struct memory m;

    (void)state;
    memory_init(&m);
    for (uint64_t i = 0; i < 16; i++) /* so many that the next one needs room */
        (void)new_label(&m, i);
    for (size_t nth = 1; nth <= 2; nth++) {
        failalloc_at(nth);
        assert_int_equal(memory_label(&m, name_of(&name), &l), RES_MEMORY);
        failalloc_at(nth);
        assert_int_equal(memory_follow(&m, name_of(&name), 3, 1, NULL, 0),
                         nth == 1 ? RES_MEMORY : RES_OK);
        failalloc_at(0);
    }
    assert_int_equal(m.n, 17);
    memory_release(&m);
}

static void
only_what_nobody_needs_is_dropped(void **state)
{
    struct rng r = rng_start("memory: tidy");
    struct memory m;

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        uint64_t n = rng_next(&r) % 20, want = 0;
        bool stays[20];

        memory_init(&m);
        for (uint64_t i = 0; i < n; i++) {
            struct memory_label *l = memorydata_label(&r, i, 3, &m);
            stays[i] = l->watched || l->map.n > 0;
            want += stays[i];
        }
        memory_tidy(&m);
        assert_int_equal(m.n, want);
        for (uint64_t i = 0, k = 0; i < n; i++) {
            struct label name = memorydata_name(i);
            struct memory_label *l = memory_find(&m, name_of(&name));

            assert_int_equal(l != NULL, stays[i]);
            if (stays[i]) /* in the order in which they were */
                assert_ptr_equal(m.labels[k++], l);
        }
        memory_release(&m);
    }
}

/* ---- the view ---- */

static void
a_head_that_is_not_signed_keeps_the_signature(void **state)
{
    struct proved_head h = {.size = 5, .is_signed = true, .view = {.peaks = {.size = 5}}};
    struct memory m;

    (void)state;
    memory_init(&m);
    assert_null(memory_last(&m));
    memset(h.signature, 1, sizeof(h.signature));
    memory_advance(&m, &h);
    assert_ptr_equal(memory_last(&m), &m.view);
    assert_int_equal(m.view.peaks.size, 5);
    assert_memory_equal(m.signature, h.signature, sizeof(h.signature));
    struct proved_head same = {.size = 5, .view = {.peaks = {.size = 5}, .n = 1}};
    memory_advance(&m, &same);
    assert_int_equal(m.view.n, 1);
    assert_memory_equal(m.signature, h.signature, sizeof(h.signature));
    memset(h.signature, 2, sizeof(h.signature));
    memory_advance(&m, &h);
    assert_memory_equal(m.signature, h.signature, sizeof(h.signature));
    memory_release(&m);
    assert_null(memory_last(&m));
}

/* ---- steps ---- */

static struct consume_version
lie(struct consume_version s)
{
    s.commitment.b[3] ^= 0x10;
    return s;
}

static void
steps_are_taken_up(void **state)
{
    const struct consume_version with = memorydata_step(5, true), without = memorydata_step(5, 0);
    struct consume_version many[3];
    struct memory_label *l;
    struct memory m;

    (void)state;
    memory_init(&m);
    l = new_label(&m, 0);
    assert_int_equal(memory_steps(l, &without, 1), RES_OK);
    assert_false(l->steps[0].has_commitment);
    assert_int_equal(memory_steps(l, &with, 1), RES_OK);
    assert_true(l->steps[0].has_commitment); /* it was missing */
    assert_int_equal(memory_steps(l, &without, 1), RES_OK);
    assert_true(l->steps[0].has_commitment); /* and is not forgotten */
    assert_int_equal(l->steps_n, 1);
    many[0] = memorydata_step(9, true);
    many[1] = lie(with);
    many[2] = memorydata_step(1, true);
    assert_int_equal(memory_steps(l, many, 3), RES_CONFLICT);
    assert_int_equal(l->steps_n, 1);
    assert_true(hash_equal(&l->steps[0].commitment, &with.commitment));
    many[1] = with;
    assert_int_equal(memory_steps(l, many, 3), RES_OK);
    assert_int_equal(l->steps_n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(l->steps[i].version, ((uint32_t[]){1, 5, 9})[i]);
    memory_release(&m);
}

static void
steps_have_a_limit(void **state)
{
    struct memory_label *l;
    struct consume_version s;
    struct memory m;

    (void)state;
    memory_init(&m);
    l = new_label(&m, 0);
    for (uint32_t i = PROVED_STEPS_MAX; i > 0; i--) {
        s = memorydata_step(2 * i, false);
        assert_int_equal(memory_steps(l, &s, 1), RES_OK);
    }
    assert_int_equal(l->steps_n, PROVED_STEPS_MAX);
    s = memorydata_step(2 * 7 + 1, true);
    assert_int_equal(memory_steps(l, &s, 1), RES_TOO_LARGE);
    s = memorydata_step(2 * 7, true); /* one that is known needs no room */
    assert_int_equal(memory_steps(l, &s, 1), RES_OK);
    for (uint32_t i = 0; i < PROVED_STEPS_MAX; i++)
        assert_int_equal(l->steps[i].version, 2 * (i + 1));
    assert_true(l->steps[6].has_commitment);
    memory_release(&m);
}

#define VERSIONS 40
enum shown { UNKNOWN, KEY, COMMITMENT, LIE };

/* Against a table with a row for each version. */
static void
steps_are_those_of_a_table(void **state)
{
    struct rng r = rng_start("memory: steps");
    unsigned refused = 0;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        enum shown table[VERSIONS] = {UNKNOWN};
        struct memory m;
        struct memory_label *l;

        memory_init(&m);
        l = new_label(&m, 0);
        for (unsigned step = 0; step < 12; step++) {
            struct consume_version given[8];
            enum shown next[VERSIONS];
            size_t n = 0;
            bool conflict = false;

            memcpy(next, table, sizeof(table));
            for (uint32_t v = (uint32_t)(rng_next(&r) % 10); v < VERSIONS && n < 8;
                 v += 1 + (uint32_t)(rng_next(&r) % 9)) {
                enum shown what = rng_next(&r) % 8 == 0 ? LIE : KEY + (unsigned)rng_next(&r) % 2;

                given[n] = memorydata_step(v, what != KEY);
                if (what == LIE)
                    given[n] = lie(given[n]);
                n++;
                conflict = conflict || (what != KEY && table[v] >= COMMITMENT && table[v] != what);
                if (what > next[v] && next[v] < COMMITMENT)
                    next[v] = what;
            }
            assert_int_equal(memory_steps(l, given, n), conflict ? RES_CONFLICT : RES_OK);
            if (!conflict)
                memcpy(table, next, sizeof(table));
            refused += conflict;
            size_t k = 0;
            for (uint32_t v = 0; v < VERSIONS; v++) {
                if (table[v] == UNKNOWN)
                    continue;
                struct consume_version s = memorydata_step(v, table[v] != KEY);
                if (table[v] == LIE)
                    s = lie(s);
                assert_int_equal(l->steps[k].version, v);
                assert_int_equal(l->steps[k].has_commitment, s.has_commitment);
                assert_true(!s.has_commitment ||
                            hash_equal(&l->steps[k].commitment, &s.commitment));
                k++;
            }
            assert_int_equal(l->steps_n, k);
        }
        memory_release(&m);
    }
    assert_true(refused > 100);
}

/* ---- following ---- */

static void
what_is_followed_needs_its_steps(void **state)
{
    struct label name = memorydata_name(4);
    struct consume_version steps[2] = {memorydata_step(0, true), memorydata_step(1, false)};
    struct memory_label *l;
    struct memory m;

    (void)state;
    memory_init(&m);
    assert_int_equal(memory_follow(&m, name_of(&name), 12, 0, steps, 2), RES_OK);
    l = memory_find(&m, name_of(&name));
    assert_non_null(l);
    assert_int_equal(l->map.n, 1);
    assert_int_equal(l->map.entries[0].position, 12);
    assert_int_equal(l->steps_n, 2);
    steps[0] = lie(steps[0]);
    assert_int_equal(memory_follow(&m, name_of(&name), 20, 1, steps, 2), RES_CONFLICT);
    assert_int_equal(l->map.n, 1);
    assert_int_equal(l->steps_n, 2);
    assert_int_equal(memory_follow(&m, name_of(&name), 15, 0, NULL, 0), RES_OK);
    assert_int_equal(l->map.n, 1); /* the version is followed already */
    for (uint32_t v = 1; v < CONTACT_ENTRIES_MAX; v++)
        assert_int_equal(memory_follow(&m, name_of(&name), 100 + v, v, NULL, 0), RES_OK);
    assert_int_equal(l->map.n, CONTACT_ENTRIES_MAX);
    assert_int_equal(memory_follow(&m, name_of(&name), 99, 1000, NULL, 0), RES_TOO_LARGE);
    assert_int_equal(memory_follow(&m, name_of(&name), 101, 1000, NULL, 0), RES_OK);
    assert_int_equal(m.n, 1);
    memory_release(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_made_once),
        cmocka_unit_test(labels_have_limits),
        cmocka_unit_test(a_label_that_cannot_be_made_leaves_the_others),
        cmocka_unit_test(only_what_nobody_needs_is_dropped),
        cmocka_unit_test(a_head_that_is_not_signed_keeps_the_signature),
        cmocka_unit_test(steps_are_taken_up),
        cmocka_unit_test(steps_have_a_limit),
        cmocka_unit_test(steps_are_those_of_a_table),
        cmocka_unit_test(what_is_followed_needs_its_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
