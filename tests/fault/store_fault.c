/*
 * Every LMDB call and every allocation of a store's life fails once: before it took effect, and
 * after.
 *
 * After each failure the store is opened again and all of it audited: it holds the commit before or
 * the one after, whole; and the log goes on from there.
 */
#include "failalloc.h"
#include "mdbfail.h"
#include "storedata.h"

#include "log/store/index.h"
#include "log/store/merger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Commits of one run: over bundle borders and not, a bundle at once, and the tail dropped. */
static const uint64_t steps[] = {3, 200, 300, 301, 700, 1024, 1030};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct progress {
    size_t step;      /* commits that were answered RES_OK */
    bool in_flight;   /* the next one was tried */
    enum result last; /* what ended the run */
};

static bool
is_honest(enum result r)
{
    return r == RES_IO || r == RES_MEMORY || r == RES_STORE_LATCHED || r == RES_STORE_DAMAGED;
}

/* Reads of every kind; errors are as good as values here, a wrong value is not. */
static enum result
read_some(struct store *s, uint64_t size)
{
    struct store_view *v;
    enum result r = store_view_new(s, &v);
    if (r != RES_OK)
        return r;
    struct store_entry e;
    struct store_head h;
    struct hash node, expected = data_node((struct node){0, size - 1});
    r = store_view_begin(v);
    if (r == RES_OK)
        r = store_get_head(v, &h);
    if (r == RES_OK) {
        assert_int_equal(h.size, size);
        r = store_get_entry(v, size - 1, &e);
    }
    if (r == RES_OK) {
        assert_true(span_equal(e.leaf, data_entry(size - 1).leaf));
        r = store_get_node(v, (struct node){0, size - 1}, &node);
    }
    if (r == RES_OK)
        assert_true(hash_equal(&node, &expected));
    store_view_end(v);
    store_view_free(v);
    return r;
}

/* Opens, commits step after step, reads; ends at the first failure. */
static struct progress
life(const char *path, size_t from)
{
    struct progress p = {.step = from};
    struct store *s = data_open(path, false, &p.last);
    if (s == NULL)
        return p;
    while (p.last == RES_OK && p.step < STEPS) {
        p.in_flight = true;
        p.last = data_commit(s, p.step == 0 ? 0 : steps[p.step - 1], steps[p.step]);
        if (p.last != RES_OK)
            break;
        p.in_flight = false;
        p.step++;
        p.last = read_some(s, steps[p.step - 1]);
    }
    const char *what = mdbfail_what();
    if (p.in_flight && what != NULL && strcmp(what, "mdb_txn_commit") == 0)
        assert_true(store_latched(s));
    if (p.last != RES_OK && store_latched(s)) {
        struct store_txn *t;
        assert_int_equal(store_begin(s, &t), RES_STORE_LATCHED);
    }
    store_close(s);
    return p;
}

/* What stands after the failure is one of the two commits it may be; and it goes on from there to
 * the end. */
static void
assert_whole_and_goes_on(const char *path, struct progress p)
{
    enum result r;
    uint64_t size;
    struct store *s = data_open(path, false, &r);
    assert_int_equal(r, RES_OK);
    assert_true(data_audit_store(s, &size));
    store_close(s);
    uint64_t before = p.step == 0 ? 0 : steps[p.step - 1];
    size_t next = p.step;
    if (p.in_flight && size == steps[p.step])
        next++;
    else
        assert_int_equal(size, before);
    p = life(path, next);
    assert_int_equal(p.last, RES_OK);
    s = data_open(path, true, &r);
    assert_true(data_audit_store(s, &size));
    assert_int_equal(size, steps[STEPS - 1]);
    store_close(s);
}

static void
every_lmdb_call_fails_once(enum mdbfail_when when)
{
    char *path = scratch_new();
    store_close(data_create(path));
    mdbfail_at(0, when);
    assert_int_equal(life(path, 0).last, RES_OK);
    size_t calls = mdbfail_count();
    assert_true(calls > 1000);
    scratch_free(path);
    size_t failed = 0;
    /* The calls of the larger commits repeat themselves: of those every seventh is enough. */
    for (size_t k = 1; k <= calls; k += k < 300 || k + 100 > calls ? 1 : 7) {
        path = scratch_new();
        store_close(data_create(path));
        mdbfail_at(k, when);
        struct progress p = life(path, 0);
        bool hit = mdbfail_what() != NULL;
        mdbfail_at(0, when);
        if (p.last == RES_OK)
            assert_false(hit && when == MDBFAIL_BEFORE);
        else
            assert_true(is_honest(p.last));
        failed += p.last != RES_OK;
        assert_whole_and_goes_on(path, p);
        scratch_free(path);
    }
    print_message("    %zu calls, %zu runs failed\n", calls, failed);
    assert_true(failed > 400);
}

static void
every_lmdb_call_fails_before_it_took_effect(void **state)
{
    (void)state;
    every_lmdb_call_fails_once(MDBFAIL_BEFORE);
}

static void
every_lmdb_call_fails_after_it_took_effect(void **state)
{
    (void)state;
    every_lmdb_call_fails_once(MDBFAIL_AFTER);
}

static void
every_allocation_fails(void **state)
{
    (void)state;
    (void)data_node((struct node){0, steps[STEPS - 1]}); /* the test's own memory is there before */
    char *path = scratch_new();
    store_close(data_create(path));
    failalloc_at(0);
    assert_int_equal(life(path, 0).last, RES_OK);
    size_t n = failalloc_count();
    scratch_free(path);
    print_message("    %zu allocations\n", n);
    assert_true(n > 20);
    for (size_t k = 1; k <= n; k++) {
        path = scratch_new();
        store_close(data_create(path));
        failalloc_at(k);
        struct progress p = life(path, 0);
        failalloc_at(0);
        assert_int_equal(p.last, RES_MEMORY);
        assert_whole_and_goes_on(path, p);
        scratch_free(path);
    }
}

/* ---- creation ---- */

static void
a_creation_that_fails_leaves_none_or_a_whole_store(void **state)
{
    (void)state;
    for (int when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++)
        for (size_t k = 1;; k++) {
            char *path = scratch_new();
            struct store_options o = {.path = path, .map_size = TEST_MAP};
            mdbfail_at(k, (enum mdbfail_when)when);
            enum result r = store_create(&o, "log.example/test");
            bool over = mdbfail_count() < k;
            mdbfail_at(0, MDBFAIL_BEFORE);
            assert_true(over ? r == RES_OK : r == RES_OK || r == RES_EXISTS || is_honest(r));
            struct store *s = data_open(path, false, &r);
            if (s != NULL) {
                uint64_t size;
                assert_true(data_audit_store(s, &size));
                assert_int_equal(size, 0);
            } else
                assert_true(r == RES_ABSENT || r == RES_STORE_DAMAGED);
            store_close(s);
            scratch_free(path);
            if (over)
                break;
        }
}

/* ---- the index ---- */

static void
keys_of(uint64_t i, struct hash keys[static INDEX_MAPS])
{
    for (unsigned map = 0; map < INDEX_MAPS; map++) {
        uint64_t v = 2 * i + map;
        hash_sha256(span_of(&v, sizeof(v)), &keys[map]);
    }
}

/* Adds what is not covered up to n, then closes; whatever fails. */
static void
index_life(const char *path, uint64_t n)
{
    struct index_options o = {.path = path, .map_size = TEST_MAP};
    struct index *x;
    uint64_t i;
    if (index_open(&o, &i, &x) != RES_OK)
        return;
    enum result r = RES_OK;
    for (; r == RES_OK && i < n; i++) {
        struct hash keys[INDEX_MAPS];
        keys_of(i, keys);
        r = index_add(x, i, keys);
    }
    for (unsigned k = 0; r == RES_OK && k < 100 && index_covered(x) < n / INDEX_UNIT * INDEX_UNIT;
         k++)
        usleep(1000);
    index_close(x);
}

static void
assert_index_recovers(const char *path, uint64_t n)
{
    struct index_options o = {.path = path, .map_size = TEST_MAP};
    struct index *x;
    uint64_t covered;
    assert_int_equal(index_open(&o, &covered, &x), RES_OK);
    assert_true(covered <= n);
    for (uint64_t i = covered; i < n; i++) {
        struct hash keys[INDEX_MAPS];
        keys_of(i, keys);
        assert_int_equal(index_add(x, i, keys), RES_OK);
    }
    for (uint64_t i = 0; i < n; i += 101) {
        struct hash keys[INDEX_MAPS];
        uint64_t at;
        size_t found;
        keys_of(i, keys);
        assert_int_equal(index_find(x, INDEX_LEAF_HASH, &keys[INDEX_LEAF_HASH], &at, 1, &found),
                         RES_OK);
        assert_true(found == 1 && at == i);
    }
    assert_int_equal(index_check(x), RES_OK);
    index_close(x);
}

static void
the_index_recovers_from_every_failed_call(void **state)
{
    enum { N = 4 * INDEX_UNIT + 5 };
    (void)state;
    for (int when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++)
        for (size_t k = 1;; k++) {
            char *path = scratch_new();
            mdbfail_at(k, (enum mdbfail_when)when);
            index_life(path, N);
            bool over = mdbfail_count() < k;
            mdbfail_at(0, MDBFAIL_BEFORE);
            assert_index_recovers(path, N);
            scratch_free(path);
            if (over)
                break;
        }
}

static void
the_index_recovers_from_every_failed_allocation(void **state)
{
    enum { N = 4 * INDEX_UNIT + 5 };
    (void)state;
    for (size_t k = 1;; k++) {
        char *path = scratch_new();
        failalloc_at(k);
        index_life(path, N);
        bool over = failalloc_count() < k;
        failalloc_at(0);
        assert_index_recovers(path, N);
        scratch_free(path);
        if (over)
            break;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lmdb_call_fails_before_it_took_effect),
        cmocka_unit_test(every_lmdb_call_fails_after_it_took_effect),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(a_creation_that_fails_leaves_none_or_a_whole_store),
        cmocka_unit_test(the_index_recovers_from_every_failed_call),
        cmocka_unit_test(the_index_recovers_from_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
