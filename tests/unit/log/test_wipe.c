/* Erased entries, and wiping: what is not in use is gone from the file, and nothing else. */
#include "log/store/wipe.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storedata.h"
#include "tests/vectors/rng.h"

#define TABLES 2
#define KEYS 60
#define TAG 16 /* bytes of a value's mark, which it repeats */
#define VALUE_MAX_HERE 20000
#define FILE_MAX ((size_t)1 << 26)

static int
setup(void **state)
{
    *state = scratch_new();
    return 0;
}

static int
teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

/* ---- an environment, and a model of it ---- */

struct value {
    unsigned mark; /* 0: there is none */
    size_t n;
};

struct world {
    const char *path;
    struct lmdb *env;
    struct value now[TABLES][KEYS];
    unsigned marks;
    struct buf file;
};

static void
open_world(struct world *w)
{
    struct lmdb_options o = {
        .path = w->path, .tables = {"a", "b"}, .map_size = TEST_MAP, .readers = 16};

    assert_int_equal(lmdb_open(&o, &w->env), RES_OK);
}

static void
fill(uint8_t *p, size_t n, unsigned mark)
{
    char tag[TAG + 8];

    (void)snprintf(tag, sizeof(tag), "<value%09u>", mark);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)tag[i % TAG];
}

static struct span
key_of(unsigned k, char out[static 16])
{
    return span_of(out, (size_t)snprintf(out, 16, "key%03u", k));
}

static size_t
some_size(struct rng *r)
{
    static const size_t most[] = {40, 600, 2100, 4200, VALUE_MAX_HERE};

    return TAG + rng_next(r) % most[rng_next(r) % (sizeof(most) / sizeof(most[0]))];
}

/* A transaction of some puts and deletions; one in eight comes to nothing. */
static void
change(struct world *w, struct rng *r)
{
    static uint8_t bytes[TAG + VALUE_MAX_HERE];
    struct value next[TABLES][KEYS];
    struct lmdb_txn *t;

    memcpy(next, w->now, sizeof(next));
    assert_int_equal(lmdb_begin_write(w->env, &t), RES_OK);
    for (uint64_t i = 1 + rng_next(r) % 6; i > 0; i--) {
        unsigned table = (unsigned)(rng_next(r) % TABLES), k = (unsigned)(rng_next(r) % KEYS);
        struct value *v = &next[table][k];
        char key[16];

        if (v->mark != 0 && rng_next(r) % 3 == 0) {
            assert_int_equal(lmdb_delete(t, table, key_of(k, key)), RES_OK);
            v->mark = 0;
            continue;
        }
        if (v->mark == 0 || rng_next(r) % 2 == 0)
            v->n = some_size(r); /* else as long as before */
        v->mark = ++w->marks;
        fill(bytes, v->n, v->mark);
        assert_int_equal(lmdb_put(t, table, key_of(k, key), span_of(bytes, v->n), false), RES_OK);
    }
    if (rng_next(r) % 8 == 0) {
        lmdb_abort(t);
        return;
    }
    assert_int_equal(lmdb_commit(t), RES_OK);
    memcpy(w->now, next, sizeof(next));
}

static void
check_values(struct world *w)
{
    static uint8_t want[TAG + VALUE_MAX_HERE];
    struct lmdb_txn *t;

    assert_int_equal(lmdb_reader_new(w->env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    for (unsigned table = 0; table < TABLES; table++) {
        for (unsigned k = 0; k < KEYS; k++) {
            const struct value *v = &w->now[table][k];
            struct span got;
            char key[16];
            enum result r = lmdb_get(t, table, key_of(k, key), &got);

            assert_int_equal(r, v->mark == 0 ? RES_ABSENT : RES_OK);
            fill(want, v->mark == 0 ? 0 : v->n, v->mark);
            assert_true(r != RES_OK || span_equal(got, span_of(want, v->n)));
        }
    }
    lmdb_reader_reset(t);
    lmdb_reader_free(t);
}

static void
read_file(struct world *w)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/data.mdb", w->path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    buf_release(&w->file);
    w->file = BUF_INIT(FILE_MAX);
    assert_int_equal(buf_reserve(&w->file, FILE_MAX), RES_OK);
    ssize_t n = read(fd, w->file.p, FILE_MAX);
    assert_true(n > 0);
    w->file.n = (size_t)n;
    (void)close(fd);
}

static bool
lives(const struct world *w, unsigned mark)
{
    for (unsigned table = 0; table < TABLES; table++)
        for (unsigned k = 0; k < KEYS; k++)
            if (w->now[table][k].mark == mark)
                return true;
    return false;
}

/* How often a value stands in the file that is none any more. */
static unsigned
leftovers(struct world *w)
{
    static const char BEGIN[] = "<value";
    unsigned n = 0;

    read_file(w);
    for (size_t at = 0; at + TAG <= w->file.n; at++) {
        char digits[10] = {0};

        if (memcmp(w->file.p + at, BEGIN, sizeof(BEGIN) - 1) != 0)
            continue;
        memcpy(digits, w->file.p + at + sizeof(BEGIN) - 1, 9);
        if (strspn(digits, "0123456789") != 9 || w->file.p[at + TAG - 1] != '>')
            continue; /* a value that ends within its mark */
        n += !lives(w, (unsigned)strtoul(digits, NULL, 10));
    }
    return n;
}

static void
what_is_not_in_use_is_gone_and_nothing_else(void **state)
{
    struct rng r = rng_start("what_is_not_in_use_is_gone_and_nothing_else");
    struct world w = {.path = *state};
    unsigned had = 0;

    open_world(&w);
    for (unsigned round = 0; round < 40; round++) {
        for (uint64_t i = rng_next(&r) % 20; i > 0; i--)
            change(&w, &r);
        if (rng_next(&r) % 4 == 0) {
            lmdb_close(w.env);
            open_world(&w);
        }
        had += leftovers(&w);
        assert_int_equal(wipe_unused(w.env), RES_OK);
        assert_int_equal(leftovers(&w), 0);
        check_values(&w);
    }
    assert_true(had > 1000); /* or this shows nothing */
    lmdb_close(w.env);
    open_world(&w);
    check_values(&w);
    lmdb_close(w.env);
    buf_release(&w.file);
}

static void
while_somebody_reads_nothing_is_wiped(void **state)
{
    struct rng r = rng_start("while_somebody_reads_nothing_is_wiped");
    struct world w = {.path = *state};
    struct lmdb_txn *t;

    open_world(&w);
    for (unsigned i = 0; i < 60; i++)
        change(&w, &r);
    unsigned had = leftovers(&w);
    assert_true(had > 0);
    assert_int_equal(lmdb_reader_new(w.env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    assert_int_equal(wipe_unused(w.env), RES_BUSY);
    assert_int_equal(leftovers(&w), had);
    lmdb_reader_reset(t); /* it may be there, without a snapshot */
    assert_int_equal(wipe_unused(w.env), RES_OK);
    assert_int_equal(leftovers(&w), 0);
    lmdb_reader_free(t);
    lmdb_close(w.env);
    buf_release(&w.file);
}

static void
an_empty_one_is_wiped(void **state)
{
    struct world w = {.path = *state};

    open_world(&w);
    assert_int_equal(wipe_unused(w.env), RES_OK);
    check_values(&w);
    lmdb_close(w.env);
}

/* ---- erased entries ---- */

#define ENTRIES 700

static bool
stands_in(struct world *w, struct span bytes)
{
    read_file(w);
    return memmem(w->file.p, w->file.n, bytes.p, bytes.n) != NULL;
}

static void
erase(struct store *s, const uint64_t *at, size_t n)
{
    struct store_txn *t;

    assert_int_equal(store_begin(s, &t), RES_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(store_erase(t, at[i]), RES_OK);
    assert_int_equal(store_commit(t), RES_OK);
}

static bool
is_one_of(uint64_t i, const uint64_t *at, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (at[k] == i)
            return true;
    return false;
}

/* Every entry and data tile: as it was, or erased. */
static void
check_entries(struct store *s, uint64_t size, const uint64_t *at, size_t n)
{
    struct buf scratch = BUF_INIT((size_t)64 << 20);
    struct store_view *v;

    assert_int_equal(store_view_new(s, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    bool whole = true;
    for (uint64_t i = 0; i < size; i++) {
        struct store_entry e, want = data_entry(i);
        enum result r = store_get_entry(v, i, &e);
        struct span tile;

        if (r == RES_OK)
            assert_true(span_equal(e.leaf, want.leaf));
        assert_int_equal(r, is_one_of(i, at, n) ? RES_ERASED : RES_OK);
        assert_true(span_equal(e.sct_signature, want.sct_signature));
        whole = (i % STORE_BUNDLE == 0 || whole) && r == RES_OK;
        buf_clear(&scratch);
        assert_int_equal(store_get_data_tile(v, i / STORE_BUNDLE, (unsigned)(i % STORE_BUNDLE) + 1,
                                             &scratch, &tile),
                         whole ? RES_OK : RES_ERASED);
        assert_true(whole || scratch.n == 0);
    }
    store_view_end(v);
    store_view_free(v);
    buf_release(&scratch);
}

static void
what_is_erased_is_gone_and_nothing_else(void **state)
{
    static const uint64_t at[] = {1, 255, 300, 512, 513, 699};
    const size_t n = sizeof(at) / sizeof(at[0]);
    struct store *s = data_create(*state);
    struct world w = {.path = *state};
    struct store_txn *t;

    for (uint64_t size = 0; size < ENTRIES; size += 50)
        assert_int_equal(data_commit(s, size, size + 50), RES_OK);
    check_entries(s, ENTRIES, NULL, 0);
    for (size_t i = 0; i < n; i++)
        assert_true(stands_in(&w, data_entry(at[i]).leaf));
    erase(s, at, n);
    check_entries(s, ENTRIES, at, n);
    erase(s, at, n); /* again */
    check_entries(s, ENTRIES, at, n);
    assert_int_equal(store_wipe(s), RES_OK);
    for (size_t i = 0; i < n; i++)
        assert_false(stands_in(&w, data_entry(at[i]).leaf));
    /* The tail is packed with what is gone of it. */
    assert_int_equal(data_commit(s, ENTRIES, 800), RES_OK);
    check_entries(s, 800, at, n);
    assert_int_equal(store_begin(s, &t), RES_OK);
    assert_int_equal(store_erase(t, 800), RES_ABSENT);
    store_abort(t);
    /* One that came to nothing. */
    assert_int_equal(store_begin(s, &t), RES_OK);
    assert_int_equal(store_erase(t, 700), RES_OK);
    store_abort(t);
    check_entries(s, 800, at, n);
    store_close(s);
    buf_release(&w.file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_in_use_is_gone_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(while_somebody_reads_nothing_is_wiped, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_one_is_wiped, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_erased_is_gone_and_nothing_else, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
