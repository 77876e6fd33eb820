#include "merkle/keytrans/transcript.h"

#include "tests/vectors/check.h"

/* A source without a tree: every version up to greatest is there, every prefix root is the byte
 * root. */
struct fake {
    int64_t greatest;
    uint8_t root;
    uint32_t looked[128];
    unsigned n, opened;
};

static enum result
timestamp(void *arg, uint64_t position, uint64_t *ret)
{
    (void)arg;
    *ret = position;
    return RES_OK;
}

static enum result
open_series(void *arg, uint64_t position)
{
    struct fake *f = arg;

    (void)position;
    f->opened++;
    f->n = 0;
    return RES_OK;
}

static enum result
look(void *arg, uint32_t version, bool *ret)
{
    struct fake *f = arg;

    f->looked[f->n++] = version;
    *ret = version <= f->greatest;
    return RES_OK;
}

static enum result
close_series(void *arg, struct hash *ret)
{
    struct fake *f = arg;

    *ret = (struct hash){{f->root}};
    return RES_OK;
}

static void
begin(struct transcript *t, struct fake *f)
{
    struct transcript_source source = {f, timestamp, open_series, look, close_series, NULL};

    assert_int_equal(transcript_init(t, 1000, &(struct kt_window){.monitoring = 0}, NULL, &source),
                     RES_OK);
}

static void
looked(const struct fake *f, const uint32_t *versions, unsigned n)
{
    assert_int_equal(f->n, n);
    assert_memory_equal(f->looked, versions, n * sizeof(versions[0]));
}

static void
what_was_shown_is_not_looked_up_again(void **state)
{
    static struct transcript t;
    struct fake f = {.greatest = 2};
    enum ladder_end end;

    (void)state;
    begin(&t, &f);
    assert_int_equal(transcript_search(&t, 10, 2, true, &end), RES_OK);
    assert_int_equal(end, LADDER_EQUAL);
    looked(&f, (uint32_t[]){0, 1, 3, 2}, 4);
    /* to the right, what is there; to the left, what is not */
    assert_int_equal(transcript_search(&t, 20, 2, true, &end), RES_OK);
    looked(&f, (uint32_t[]){3}, 1);
    assert_int_equal(transcript_search(&t, 5, 2, true, &end), RES_OK);
    looked(&f, (uint32_t[]){0, 1, 2}, 3);
    /* in the same entry, everything */
    assert_int_equal(transcript_search(&t, 20, 2, true, &end), RES_OK);
    looked(&f, (uint32_t[]){3}, 1);
    assert_int_equal(transcript_search(&t, 20, 2, false, &end), RES_OK);
    looked(&f, (uint32_t[]){0, 1, 3, 2}, 4);
    assert_int_equal(transcript_search_known(&t, 5, 2, 1, &end), RES_OK);
    looked(&f, (uint32_t[]){2}, 1);
    assert_int_equal(end, LADDER_EQUAL);
}

/* All that a ladder for the greatest version there can be needs was shown: no series is opened. */
static void
a_ladder_of_nothing_opens_nothing(void **state)
{
    static struct transcript t;
    struct fake f = {.greatest = UINT32_MAX};
    enum ladder_end end;

    (void)state;
    begin(&t, &f);
    assert_int_equal(transcript_search(&t, 10, UINT32_MAX, true, &end), RES_OK);
    assert_int_equal(end, LADDER_EQUAL);
    assert_int_equal(f.opened, 1);
    assert_int_equal(transcript_search(&t, 20, UINT32_MAX, true, &end), RES_OK);
    assert_int_equal(end, LADDER_EQUAL);
    assert_int_equal(f.opened, 1);
}

static void
versions_stay_and_roots_agree(void **state)
{
    static struct transcript t;
    struct fake f = {.greatest = 2};
    enum ladder_end end;
    bool all;

    (void)state;
    begin(&t, &f);
    assert_int_equal(transcript_search(&t, 10, 2, false, &end), RES_OK);
    f.greatest = 1; /* version 2 has gone */
    assert_int_equal(transcript_search(&t, 20, 2, false, &end), RES_KT_LADDER);
    assert_int_equal(transcript_monitor(&t, 30, 2), RES_KT_LADDER);
    f.greatest = 2;
    begin(&t, &f);
    assert_int_equal(transcript_search(&t, 10, 2, false, &end), RES_OK);
    f.root = 7;
    assert_int_equal(transcript_search(&t, 10, 2, false, &end), RES_KT_ROOTS);
    f.opened = 0;
    assert_int_equal(transcript_versions(&t, 40, NULL, 0, &all), RES_OK);
    assert_true(all && f.opened == 0);
    assert_null(transcript_find(&t, 40));
    assert_int_equal(transcript_versions(&t, 40, (uint32_t[]){1, 2}, 2, &all), RES_OK);
    assert_true(all && transcript_find(&t, 40)->has_root);
}

static void
there_is_an_end_to_entries_and_versions(void **state)
{
    static struct transcript t;
    struct fake f = {.greatest = UINT32_MAX};
    uint64_t leaves[LOGTREE_LEAVES_MAX], time;
    unsigned n, roots;
    enum result rc = RES_OK;
    uint32_t version = 0;
    bool all;

    (void)state;
    begin(&t, &f);
    for (uint64_t i = 0; i < LOGTREE_LEAVES_MAX; i++)
        assert_int_equal(transcript_timestamp(&t, i, &time), RES_OK);
    assert_int_equal(transcript_leaves(&t, leaves, &n, &roots), RES_OK);
    assert_true(n == LOGTREE_LEAVES_MAX && roots == n && leaves[9] == 9);
    for (uint64_t i = LOGTREE_LEAVES_MAX; i < TRANSCRIPT_ENTRIES_MAX; i++)
        assert_int_equal(transcript_timestamp(&t, i, &time), RES_OK);
    assert_int_equal(transcript_timestamp(&t, TRANSCRIPT_ENTRIES_MAX, &time), RES_TOO_LARGE);
    assert_int_equal(transcript_leaves(&t, leaves, &n, &roots), RES_TOO_LARGE);
    for (; rc == RES_OK; version++)
        rc = transcript_versions(&t, 0, &version, 1, &all);
    assert_int_equal(rc, RES_TOO_LARGE);
    assert_int_equal(version, TRANSCRIPT_VERSIONS_MAX + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_shown_is_not_looked_up_again),
        cmocka_unit_test(a_ladder_of_nothing_opens_nothing),
        cmocka_unit_test(versions_stay_and_roots_agree),
        cmocka_unit_test(there_is_an_end_to_entries_and_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
