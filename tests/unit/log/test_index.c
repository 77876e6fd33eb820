/* The index: against a plain array, over restarts at every step of a merge, and with damage. */
#include "storedata.h"

#include "log/store/index.h"
#include "log/store/merger.h"
#include "log/store/store_lmdb.h"
#include <lmdb.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* How the keys of entry i are chosen. */
typedef uint64_t key_fn(uint64_t i, unsigned map);

static uint64_t
key_random(uint64_t i, unsigned map)
{
    return mix(2 * i + map);
}

static uint64_t
key_few(uint64_t i, unsigned map)
{
    return mix(i % 3000 + map); /* each prefix many times, and the maps share them */
}

static uint64_t
key_one(uint64_t i, unsigned map)
{
    return map == 0 ? UINT64_MAX : i % 2 == 0 ? 0 : UINT64_MAX / 2;
}

static uint64_t
key_sorted(uint64_t i, unsigned map)
{
    return map == 0 ? i : UINT64_MAX - i;
}

static struct hash
hash_with(uint64_t prefix)
{
    struct hash h;
    for (unsigned k = 0; k < HASH_SIZE; k++)
        h.b[k] = k < 8 ? (uint8_t)(prefix >> (56 - 8 * k)) : (uint8_t)k;
    return h;
}

static struct index *
open_index(const char *path, uint64_t want_covered)
{
    struct index_options o = {.path = path, .map_size = TEST_MAP};
    struct index *x = NULL;
    uint64_t covered;
    assert_int_equal(index_open(&o, &covered, &x), RES_OK);
    if (want_covered != UINT64_MAX)
        assert_int_equal(covered, want_covered);
    return x;
}

static void
add(struct index *x, key_fn *key, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct hash keys[INDEX_MAPS];
        for (unsigned map = 0; map < INDEX_MAPS; map++)
            keys[map] = hash_with(key(i, map));
        assert_int_equal(index_add(x, i, keys), RES_OK);
    }
}

/* Waits until all full units below n are covered by runs. */
static void
settle(struct index *x, uint64_t n)
{
    for (unsigned k = 0; index_covered(x) < n / INDEX_UNIT * INDEX_UNIT; k++) {
        assert_true(k < 30000);
        usleep(1000);
    }
}

/* Compares one look-up with a walk over all n entries. */
static void
assert_found(struct index *x, key_fn *key, uint64_t n, unsigned map, uint64_t prefix)
{
    enum { CAP = 8 };
    uint64_t got[CAP], want[CAP];
    size_t got_n = 99, want_n = 0;
    bool more = false;
    for (uint64_t i = 0; i < n && !more; i++)
        if (key(i, map) == prefix) {
            more = want_n == CAP;
            if (!more)
                want[want_n++] = i;
        }
    struct hash h = hash_with(prefix);
    assert_int_equal(index_find(x, (enum index_map)map, &h, got, CAP, &got_n),
                     more ? RES_TOO_LARGE : RES_OK);
    assert_int_equal(got_n, want_n);
    assert_memory_equal(got, want, want_n * sizeof(*got));
}

/* Compares the newest below with a walk backwards. */
static void
assert_newest(struct index *x, key_fn *key, uint64_t n, unsigned map, uint64_t prefix,
              uint64_t below)
{
    struct hash h = hash_with(prefix);
    uint64_t got = 4711, i = below < n ? below : n;
    while (i > 0 && key(i - 1, map) != prefix)
        i--;
    assert_int_equal(index_find_newest(x, (enum index_map)map, &h, below, &got),
                     i > 0 ? RES_OK : RES_ABSENT);
    if (i > 0)
        assert_int_equal(got, i - 1);
}

static void
assert_all_newest(struct index *x, key_fn *key, uint64_t n, unsigned map, unsigned probes)
{
    for (unsigned k = 0; k < probes; k++) {
        uint64_t i = n == 0 ? 0 : mix(k + n) % n, prefix = key(i, map);
        assert_newest(x, key, n, map, prefix, UINT64_MAX);
        assert_newest(x, key, n, map, prefix, n);
        assert_newest(x, key, n, map, prefix, i + 1);
        assert_newest(x, key, n, map, prefix, i);
        assert_newest(x, key, n, map, prefix, n == 0 ? 0 : mix(k) % n);
        assert_newest(x, key, n, map, prefix + 1, n);
    }
    assert_newest(x, key, n, map, 0, n);
    assert_newest(x, key, n, map, UINT64_MAX, n);
    assert_newest(x, key, n, map, UINT64_MAX, 0);
}

static void
assert_all(struct index *x, key_fn *key, uint64_t n, unsigned probes)
{
    for (unsigned map = 0; map < INDEX_MAPS; map++) {
        assert_all_newest(x, key, n, map, probes);
        for (unsigned k = 0; k < probes; k++) {
            uint64_t i = n == 0 ? 0 : mix(k + n) % n;
            assert_found(x, key, n, map, key(i, map));
            assert_found(x, key, n, map, key(i, map) + 1);
        }
        assert_found(x, key, n, map, 0);
        assert_found(x, key, n, map, UINT64_MAX);
        if (n > 0) {
            assert_found(x, key, n, map, key(n - 1, map));
            assert_found(x, key, n, map, key(0, map));
            assert_found(x, key, n, map, key(n, map)); /* the next one is not there */
        }
    }
}

static void
every_size_is_found_like_in_a_plain_array(void **state)
{
    static const struct {
        const char *says;
        key_fn *key;
    } keys[] = {
        {"random keys", key_random},
        {"each prefix many times", key_few},
        {"two prefixes only, the least and the greatest", key_one},
        {"ascending and descending", key_sorted},
    };
    static const uint64_t sizes[] = {0,    1,    4095, 4096,      4097,      8191,
                                     8192, 8193, 9000, 3 * 4096L, 4 * 4096L, 5 * 4096L + 17};
    (void)state;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        print_message("    %s\n", keys[k].says);
        char *path = scratch_new();
        struct index *x = open_index(path, 0);
        uint64_t n = 0;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            add(x, keys[k].key, n, sizes[i]);
            n = sizes[i];
            assert_all(x, keys[k].key, n, 20); /* while it merges */
            settle(x, n);
            assert_all(x, keys[k].key, n, 20);
            assert_int_equal(index_check(x), RES_OK);
            assert_int_equal(index_covered(x), n / INDEX_UNIT * INDEX_UNIT);
        }
        index_close(x);
        x = open_index(path, 5 * INDEX_UNIT);
        add(x, keys[k].key, 5 * INDEX_UNIT, n);
        assert_all(x, keys[k].key, n, 20);
        index_close(x);
        scratch_free(path);
    }
}

static void
two_hundred_thousand_are_found(void **state)
{
    enum { N = 200000 };
    struct index *x = open_index(*state, 0);
    add(x, key_random, 0, N);
    for (uint64_t i = 0; i < N; i += 7) { /* the background thread is still at it */
        struct hash h = hash_with(key_random(i, 1));
        uint64_t at;
        size_t n;
        assert_int_equal(index_find(x, INDEX_LEAF_HASH, &h, &at, 1, &n), RES_OK);
        assert_true(n == 1 && at == i);
    }
    settle(x, N);
    assert_int_equal(index_check(x), RES_OK);
    for (uint64_t i = 0; i < N; i++)
        for (unsigned map = 0; map < INDEX_MAPS; map++) {
            struct hash h = hash_with(key_random(i, map));
            uint64_t at;
            size_t n;
            assert_int_equal(index_find(x, (enum index_map)map, &h, &at, 1, &n), RES_OK);
            assert_true(n == 1 && at == i);
        }
    assert_all(x, key_random, N, 5);
    assert_true(index_bytes(x) < N * 100);
    index_close(x);
    index_close(NULL);
}

struct seeker {
    struct index *x;
    _Atomic uint64_t added; /* entries that must be found */
    atomic_bool stop;
    atomic_uint missed;
    atomic_ulong looked;
};

static void *
seek(void *arg)
{
    struct seeker *s = arg;
    for (uint64_t k = 0; !atomic_load(&s->stop); k++) {
        uint64_t n = atomic_load(&s->added);
        if (n == 0)
            continue;
        /* Mostly the youngest, which are on their way from memory to disk. */
        uint64_t i = k % 2 == 0 ? mix(k) % n : n - 1 - mix(k) % (n < 9000 ? n : 9000);
        struct hash h = hash_with(key_random(i, k / 2 % 2));
        uint64_t at[2];
        size_t found;
        if (index_find(s->x, (enum index_map)(k / 2 % 2), &h, at, 2, &found) != RES_OK ||
            found != 1 || at[0] != i)
            atomic_fetch_add(&s->missed, 1);
        if (index_find_newest(s->x, (enum index_map)(k / 2 % 2), &h, UINT64_MAX, at) != RES_OK ||
            at[0] != i)
            atomic_fetch_add(&s->missed, 1);
        atomic_fetch_add(&s->looked, 1);
    }
    return NULL;
}

static void
threads_find_what_is_added_while_it_moves_to_disk(void **state)
{
    static struct seeker s;
    pthread_t thread[3];
    s.x = open_index(*state, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, seek, &s), 0);
    for (uint64_t n = 0; n < 20 * (uint64_t)INDEX_UNIT; n += 512) {
        add(s.x, key_random, n, n + 512);
        atomic_store(&s.added, n + 512);
        usleep(300);
    }
    settle(s.x, 20 * (uint64_t)INDEX_UNIT);
    atomic_store(&s.stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&s.missed), 0);
    assert_true(atomic_load(&s.looked) > 100);
    index_close(s.x);
}

static void
what_is_lost_is_built_again(void **state)
{
    char name[600];
    struct index *x = open_index(*state, 0);
    add(x, key_random, 0, 10000);
    settle(x, 10000);
    index_close(x);
    assert_int_equal(index_remove(*state), RES_OK);
    assert_int_equal(index_remove(*state), RES_OK);
    x = open_index(*state, 0);
    add(x, key_random, 0, 10000);
    assert_all(x, key_random, 10000, 10);
    settle(x, 10000);
    index_close(x);

    snprintf(name, sizeof(name), "%s/data.mdb", (char *)*state);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    for (int i = 0; i < 9000; i++)
        fputc('x', f);
    fclose(f);
    x = open_index(*state, 0); /* what is no environment is removed */
    add(x, key_random, 0, 5000);
    settle(x, 5000);
    index_close(x);
    snprintf(name, sizeof(name), "%s/sub", (char *)*state);
    x = open_index(name, 0); /* a directory is made */
    index_close(x);
}

/* ---- merging, step by step ---- */

static void
fill(struct unit *u, uint64_t number)
{
    struct recent q = RECENT_INIT;
    for (unsigned i = 0; i < INDEX_UNIT; i++) {
        struct hash keys[INDEX_MAPS];
        for (unsigned map = 0; map < INDEX_MAPS; map++)
            keys[map] = hash_with(key_random(number * INDEX_UNIT + i, map));
        assert_int_equal(recent_add(&q, number * INDEX_UNIT + i, keys), RES_OK);
    }
    *u = *recent_full(&q);
    recent_release(&q);
}

static void
assert_snapshot(struct lmdb *env, uint64_t want_units)
{
    struct lmdb_txn *t;
    uint64_t units;
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    assert_int_equal(runs_units(t, &units), RES_OK);
    assert_int_equal(units, want_units);
    assert_int_equal(runs_check(t), RES_OK);
    lmdb_reader_free(t);
}

/* Stops after each step of the merge of every unit up to `units`, as a crash would: nothing but the
 * disk goes on. */
static void
a_merge_stopped_at_any_step_is_done_again(void **state)
{
    enum { UNITS = 64 };
    struct index_options o = {.path = *state, .map_size = TEST_MAP};
    static struct unit u;
    unsigned most = 0;
    for (uint64_t number = 0; number < UNITS; number++) {
        fill(&u, number);
        for (unsigned stop = 0;; stop++) {
            struct lmdb *env;
            struct merger *m;
            uint64_t units;
            assert_int_equal(runs_open(&o, &env, &units), RES_OK);
            assert_true(units == number || units == number + 1);
            assert_int_equal(merger_new(env, units, &m), RES_OK);
            unsigned steps = 0;
            while (steps < stop && (m->state != MERGER_IDLE || m->units == number)) {
                if (m->state == MERGER_IDLE)
                    merger_begin(m, &u);
                assert_int_equal(merger_step(m), RES_OK);
                assert_snapshot(env, m->units);
                steps++;
            }
            bool done = m->state == MERGER_IDLE && m->units == number + 1;
            merger_free(m);
            lmdb_close(env);
            if (steps > most)
                most = steps;
            if (done)
                break;
        }
    }
    assert_true(most >= 4); /* large merges take several transactions */
    struct index *x = open_index(*state, (uint64_t)UNITS * INDEX_UNIT);
    assert_int_equal(index_check(x), RES_OK);
    assert_all(x, key_random, (uint64_t)UNITS * INDEX_UNIT, 5);
    /* Nothing is left over: one run of 64 chunks a map, at 14 pages a chunk. */
    index_close(x);
    struct lmdb *env;
    uint64_t units;
    struct lmdb_sizes z;
    assert_int_equal(runs_open(&o, &env, &units), RES_OK);
    assert_int_equal(lmdb_sizes(env, &z), RES_OK);
    assert_int_equal(z.entries[RUNS_CHUNK], INDEX_MAPS * UNITS);
    lmdb_close(env);
}

static void
closing_at_any_moment_loses_nothing_covered(void **state)
{
    uint64_t covered = 0;
    for (unsigned round = 0; round < 40 && covered < 40 * (uint64_t)INDEX_UNIT; round++) {
        struct index *x = open_index(*state, covered);
        add(x, key_random, covered, covered + 3 * INDEX_UNIT + round * 13);
        usleep(round * 500);
        assert_int_equal(index_check(x), RES_OK);
        index_close(x);
        struct index_options o = {.path = *state, .map_size = TEST_MAP, .read_only = true};
        uint64_t now;
        assert_int_equal(index_open(&o, &now, &x), RES_OK);
        assert_true(now >= covered);
        covered = now;
        assert_int_equal(index_check(x), RES_OK);
        assert_all(x, key_random, covered, 2);
        index_close(x);
    }
    assert_true(covered > 0);
}

/* ---- damage ---- */

static void
change_chunk(const char *path, struct chunk_id id, size_t at, int how)
{
    struct index_options o = {.path = path, .map_size = TEST_MAP};
    struct lmdb *env;
    struct lmdb_txn *t;
    uint64_t units;
    struct span v;
    uint8_t key[RUNS_KEY_SIZE];
    assert_int_equal(runs_open(&o, &env, &units), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_get(t, RUNS_CHUNK, runs_key(id, key), &v), RES_OK);
    uint8_t *copy = malloc(v.n);
    assert_non_null(copy);
    memcpy(copy, v.p, v.n);
    size_t n = v.n;
    if (how >= 0)
        copy[at % n] ^= (uint8_t)(1 << how);
    else
        n -= at;
    assert_int_equal(lmdb_put(t, RUNS_CHUNK, runs_key(id, key), span_of(copy, n), false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    free(copy);
}

static void
a_flipped_bit_is_found(void **state)
{
    struct index *x = open_index(*state, 0);
    add(x, key_random, 0, 3 * INDEX_UNIT);
    settle(x, 3 * INDEX_UNIT);
    index_close(x);
    for (unsigned k = 0; k < 60; k++) {
        struct chunk_id id = {.map = k % 2, .level = k / 2 % 2};
        id.number = id.level == 0 ? 2 : 0;
        id.chunk = id.level == 0 ? 0 : k / 4 % 2;
        size_t at = k < 30 ? k : (size_t)(mix(k) % 20000000);
        change_chunk(*state, id, at, (int)(k % 8));
        x = open_index(*state, 3 * INDEX_UNIT);
        assert_int_equal(index_check(x), RES_STORE_DAMAGED);
        uint64_t found[4];
        size_t n;
        for (uint64_t i = 0; i < 2000; i++) { /* whatever it finds, it stays within bounds */
            struct hash h = hash_with(key_random(i, 0));
            enum result r = index_find(x, INDEX_ENTRY_KEY, &h, found, 4, &n);
            assert_true(r == RES_OK);
        }
        index_close(x);
        change_chunk(*state, id, at, (int)(k % 8));
    }
    x = open_index(*state, 3 * INDEX_UNIT);
    assert_int_equal(index_check(x), RES_OK);
    index_close(x);

    change_chunk(*state, (struct chunk_id){.level = 0, .number = 2}, 1, -1);
    x = open_index(*state, 3 * INDEX_UNIT);
    assert_int_equal(index_check(x), RES_STORE_DAMAGED);
    index_close(x);
}

static void
damage_met_by_a_merge_makes_everything_anew(void **state)
{
    struct index *x = open_index(*state, 0);
    add(x, key_random, 0, 3 * INDEX_UNIT);
    settle(x, 3 * INDEX_UNIT);
    index_close(x);
    change_chunk(*state, (struct chunk_id){.level = 1, .chunk = 1}, 1000, 3);
    x = open_index(*state, 3 * INDEX_UNIT);
    struct hash keys[INDEX_MAPS] = {0};
    enum result r = RES_OK;
    for (uint64_t i = 3 * INDEX_UNIT; r == RES_OK && i < 200 * (uint64_t)INDEX_UNIT; i++)
        r = index_add(x, i, keys);
    assert_int_equal(r, RES_IO);
    index_close(x);
    x = open_index(*state, 0);
    add(x, key_random, 0, 9000);
    settle(x, 9000);
    assert_all(x, key_random, 9000, 5);
    index_close(x);
}

/* Its making was interrupted: between LMDB's first write and the first commit, and after that. */
static void
half_made_is_none(void **state)
{
    struct index_options o = {.path = *state, .map_size = TEST_MAP, .read_only = true};
    struct lmdb_options l = {
        .path = *state, .tables = {"meta", "chunk"}, .map_size = TEST_MAP, .readers = 16};
    struct index *x = NULL;
    struct lmdb *env;
    struct lmdb_txn *t;
    uint64_t covered;
    MDB_env *bare;
    assert_int_equal(mdb_env_create(&bare), 0);
    assert_int_equal(mdb_env_open(bare, *state, 0, 0600), 0);
    mdb_env_close(bare);
    assert_int_equal(index_open(&o, &covered, &x), RES_ABSENT);
    assert_int_equal(lmdb_open(&l, &env), RES_OK);
    assert_int_equal(index_open(&o, &covered, &x), RES_ABSENT);
    /* Something in it and no format: not half made. */
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_put(t, 1, span_str("k"), span_str("v"), false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    assert_int_equal(index_open(&o, &covered, &x), RES_STORE_DAMAGED);
    x = open_index(*state, 0);
    index_close(x);
    assert_int_equal(index_open(&o, &covered, &x), RES_OK);
    index_close(x);
}

static void
read_only_changes_nothing(void **state)
{
    struct index_options o = {.path = *state, .map_size = TEST_MAP, .read_only = true};
    struct index *x = NULL;
    uint64_t covered;
    assert_int_equal(index_open(&o, &covered, &x), RES_ABSENT);
    struct index *writer = open_index(*state, 0);
    index_close(writer);
    assert_int_equal(index_open(&o, &covered, &x), RES_OK);
    assert_int_equal(covered, 0);
    assert_int_equal(index_check(x), RES_OK);
    index_close(x);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(every_size_is_found_like_in_a_plain_array),
        ROW(two_hundred_thousand_are_found),
        ROW(threads_find_what_is_added_while_it_moves_to_disk),
        ROW(what_is_lost_is_built_again),
        ROW(a_merge_stopped_at_any_step_is_done_again),
        ROW(closing_at_any_moment_loses_nothing_covered),
        ROW(a_flipped_bit_is_found),
        ROW(damage_met_by_a_merge_makes_everything_anew),
        ROW(half_made_is_none),
        ROW(read_only_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
