/* client/directory/memory: of steps all are kept that a ladder needs, and no others. */
#include <stdlib.h>
#include <string.h>

#include "client/directory/memory.h"
#include "merkle/keytrans/ladder.h"
#include "tests/unit/client/memorydata.h"
#include "tests/vectors/check.h"

static struct memory_label *
new_label(struct memory *m, uint64_t number)
{
    struct label name = memorydata_name(number);
    struct memory_label *l;

    assert_int_equal(memory_label(m, span_of(name.b, name.n), &l), RES_OK);
    return l;
}

/* Whether the search ladder of greatest, when it is the greatest version, looks version up: the
 * ladder is walked. */
static bool
asks_for(int64_t greatest, uint32_t version)
{
    struct ladder l = ladder_search(greatest < 0 ? 0 : (uint32_t)greatest);
    uint32_t next;

    while (ladder_next(&l, &next)) {
        if (next == version)
            return true;
        ladder_feed(&l, (int64_t)next <= greatest);
    }
    return false;
}

static bool
is_needed(const struct memory_label *l, uint32_t version)
{
    bool needed = false;

    for (size_t i = 0; l->watched && i <= l->upcoming_n; i++)
        needed = needed || asks_for(l->at_start + (int64_t)i, version);
    for (unsigned i = 0; i < l->map.n; i++)
        needed = needed || asks_for(l->map.entries[i].version, version);
    return needed;
}

static void
what_a_ladder_needs_is_kept(void **state)
{
    struct rng r = rng_start("memory: prune");
    size_t kept = 0, dropped = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct memory before, m;
        struct memory_label *l, *was;
        uint64_t start = r.state;

        memory_init(&m);
        memory_init(&before);
        l = memorydata_label(&r, 0, 1 + rng_scaled(&r, 60), &m);
        uint64_t end = r.state;
        r.state = start;
        was = memorydata_label(&r, 0, 1 + rng_scaled(&r, 60), &before);
        assert_int_equal(r.state, end);
        /* Versions that ladders ask for are close together. */
        for (uint32_t v = 0; v < 40 && l->steps_n < PROVED_STEPS_MAX; v++) {
            struct consume_version s = memorydata_step(v, rng_next(&r) % 2);
            assert_int_equal(memory_steps(l, &s, 1), RES_OK);
            assert_int_equal(memory_steps(was, &s, 1), RES_OK);
        }
        if (rng_next(&r) % 2) {
            l->at_start = was->at_start = (int64_t)(rng_next(&r) % 40) - 1;
            l->upcoming_n = was->upcoming_n = l->upcoming_n % 10;
        }
        memory_prune(l);
        size_t k = 0;
        for (size_t i = 0; i < was->steps_n; i++) {
            if (!is_needed(was, was->steps[i].version))
                continue;
            assert_true(k < l->steps_n);
            assert_memory_equal(&l->steps[k++], &was->steps[i], sizeof(was->steps[i]));
        }
        assert_int_equal(l->steps_n, k);
        kept += k;
        dropped += was->steps_n - k;
        memory_release(&m);
        memory_release(&before);
    }
    assert_true(kept > 1000 && dropped > 1000);
}

static void
nothing_is_needed_of_who_is_not_followed(void **state)
{
    struct memory_label *l;
    struct consume_version s = memorydata_step(0, true);
    struct memory m;

    (void)state;
    memory_init(&m);
    l = new_label(&m, 0);
    assert_int_equal(memory_steps(l, &s, 1), RES_OK);
    memory_prune(l);
    assert_int_equal(l->steps_n, 0);
    assert_int_equal(memory_steps(l, &s, 1), RES_OK);
    l->watched = true;
    l->at_start = -1; /* that there is none, is shown by version 0 */
    memory_prune(l);
    assert_int_equal(l->steps_n, 1);
    struct owner_state owner = memory_owner(l);
    assert_int_equal(owner_greatest(&owner), -1);
    assert_ptr_equal(owner.upcoming, l->upcoming);
    memory_release(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_ladder_needs_is_kept),
        cmocka_unit_test(nothing_is_needed_of_who_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
