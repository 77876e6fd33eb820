/* The door to LMDB: tables, transactions, the latch, files that are none. */
#include "storedata.h"

#include "log/store/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(s) span_str(s)

static struct lmdb_options
options(const char *path)
{
    return (struct lmdb_options){
        .path = path, .tables = {"a", "b"}, .map_size = TEST_MAP, .readers = 16};
}

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

static struct lmdb *
open_at(const char *path)
{
    struct lmdb_options o = options(path);
    struct lmdb *env = NULL;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    return env;
}

static void
put_one(struct lmdb *env, const char *key, const char *value)
{
    struct lmdb_txn *t;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_put(t, 0, TEXT(key), TEXT(value), false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
}

static enum result
get_one(struct lmdb *env, unsigned table, const char *key, char *out, size_t n)
{
    struct lmdb_txn *t;
    struct span v;
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    enum result r = lmdb_get(t, table, TEXT(key), &v);
    if (r == RES_OK) {
        assert_true(v.n < n);
        memcpy(out, v.p, v.n);
        out[v.n] = '\0';
    }
    lmdb_reader_reset(t);
    lmdb_reader_free(t);
    return r;
}

static void
what_is_committed_is_found_after_reopening(void **state)
{
    char v[32];
    struct lmdb *env = open_at(*state);
    put_one(env, "k", "v");
    lmdb_close(env);
    env = open_at(*state);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "v");
    assert_int_equal(get_one(env, 1, "k", v, sizeof(v)), RES_ABSENT);
    assert_int_equal(get_one(env, 0, "l", v, sizeof(v)), RES_ABSENT);
    lmdb_close(env);
}

static void
what_is_aborted_is_not_found(void **state)
{
    char v[32];
    struct lmdb *env = open_at(*state);
    struct lmdb_txn *t;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_put(t, 0, TEXT("k"), TEXT("v"), false), RES_OK);
    struct span got;
    assert_int_equal(lmdb_get(t, 0, TEXT("k"), &got), RES_OK);
    lmdb_abort(t);
    lmdb_abort(NULL);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_ABSENT);
    assert_false(lmdb_latched(env));
    lmdb_close(env);
}

static void
a_reader_sees_the_snapshot_of_its_renewal(void **state)
{
    struct lmdb *env = open_at(*state);
    struct lmdb_txn *t;
    struct span v;
    put_one(env, "k", "old");
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    put_one(env, "k", "new");
    assert_int_equal(lmdb_get(t, 0, TEXT("k"), &v), RES_OK);
    assert_true(span_equal(v, TEXT("old")));
    lmdb_reader_reset(t);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    assert_int_equal(lmdb_get(t, 0, TEXT("k"), &v), RES_OK);
    assert_true(span_equal(v, TEXT("new")));
    lmdb_reader_free(t);
    lmdb_close(env);
}

static void
order_is_kept_and_asked_for(void **state)
{
    struct lmdb *env = open_at(*state);
    struct lmdb_txn *t;
    struct span k, v;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_last(t, 0, &k, &v), RES_ABSENT);
    assert_int_equal(lmdb_seek(t, 0, TEXT("a"), &k, &v), RES_ABSENT);
    assert_int_equal(lmdb_put(t, 0, TEXT("b"), TEXT("1"), true), RES_OK);
    assert_int_equal(lmdb_put(t, 0, TEXT("d"), TEXT("2"), true), RES_OK);
    assert_int_equal(lmdb_put(t, 0, TEXT("d"), TEXT("x"), true), RES_EXISTS);
    assert_int_equal(lmdb_put(t, 0, TEXT("c"), TEXT("x"), true), RES_EXISTS);
    uint8_t *p;
    assert_int_equal(lmdb_reserve(t, 0, TEXT("e"), 3, true, &p), RES_OK);
    memcpy(p, "abc", 3);
    assert_int_equal(lmdb_last(t, 0, &k, &v), RES_OK);
    assert_true(span_equal(k, TEXT("e")) && span_equal(v, TEXT("abc")));
    assert_int_equal(lmdb_seek(t, 0, TEXT("b0"), &k, &v), RES_OK);
    assert_true(span_equal(k, TEXT("d")) && span_equal(v, TEXT("2")));
    assert_int_equal(lmdb_seek(t, 0, TEXT("f"), &k, &v), RES_ABSENT);
    assert_int_equal(lmdb_put(t, 0, TEXT("d"), TEXT("new"), false), RES_OK);
    assert_int_equal(lmdb_get(t, 0, TEXT("d"), &v), RES_OK);
    assert_true(span_equal(v, TEXT("new")));
    assert_int_equal(lmdb_delete(t, 0, TEXT("d")), RES_OK);
    assert_int_equal(lmdb_delete(t, 0, TEXT("d")), RES_ABSENT);
    assert_int_equal(lmdb_put(t, 1, TEXT("z"), TEXT(""), false), RES_OK);
    assert_int_equal(lmdb_drop(t, 0), RES_OK);
    assert_int_equal(lmdb_last(t, 0, &k, &v), RES_ABSENT);
    assert_int_equal(lmdb_get(t, 1, TEXT("z"), &v), RES_OK);
    assert_int_equal(v.n, 0);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
}

static void
a_full_map_is_told_and_not_latched(void **state)
{
    struct lmdb_options o = options(*state);
    o.map_size = 1 << 20;
    struct lmdb *env;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    struct lmdb_txn *t;
    uint8_t *p;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_reserve(t, 0, TEXT("k"), 2 << 20, false, &p), RES_STORE_FULL);
    lmdb_abort(t);
    assert_false(lmdb_latched(env));
    put_one(env, "k", "v");
    lmdb_close(env);
}

static void
only_an_environment_is_opened(void **state)
{
    char name[600];
    const char *path = *state;
    struct lmdb_options o = options(path);
    struct lmdb *env = NULL;
    o.read_only = true;
    assert_int_equal(lmdb_open(&o, &env), RES_ABSENT);
    snprintf(name, sizeof(name), "%s/data.mdb", path);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    for (int i = 0; i < 10000; i++)
        fputc(i * 7 & 0xff, f);
    fclose(f);
    assert_int_equal(lmdb_open(&o, &env), RES_STORE_DAMAGED);
    o.read_only = false;
    assert_int_equal(lmdb_open(&o, &env), RES_STORE_DAMAGED);
    assert_int_equal(truncate(name, 0), 0); /* its making was interrupted at once */
    o.read_only = true;
    assert_int_equal(lmdb_open(&o, &env), RES_ABSENT);
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_size, 0);
    o.read_only = false;
    assert_int_equal(unlink(name), 0);
    o.path = "/nonexistent/directory";
    assert_int_equal(lmdb_open(&o, &env), RES_IO);
    assert_null(env);
}

static void
an_impossible_map_is_no_memory(void **state)
{
    struct lmdb_options o = options(*state);
    o.map_size = UINT64_C(1) << 60;
    struct lmdb *env = NULL;
    assert_int_equal(lmdb_open(&o, &env), RES_MEMORY);
}

static void
a_truncated_file_is_damage_and_no_signal(void **state)
{
    char name[600];
    snprintf(name, sizeof(name), "%s/data.mdb", (char *)*state);
    struct lmdb *env = open_at(*state);
    struct lmdb_txn *t;
    uint8_t *p;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    for (int i = 0; i < 100; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%03d", i);
        assert_int_equal(lmdb_reserve(t, 0, TEXT(key), 2000, true, &p), RES_OK);
        memset(p, i, 2000);
    }
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    for (off_t size = st.st_size - 4096; size >= 8192; size -= 4096) {
        assert_int_equal(truncate(name, size), 0);
        struct lmdb_options o = options(*state);
        o.read_only = size % 8192 == 0;
        if (lmdb_open(&o, &env) != RES_OK)
            continue;
        unsigned lost = 0;
        assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
        assert_int_equal(lmdb_reader_renew(t), RES_OK);
        for (int i = 0; i < 100; i++) {
            char key[8];
            struct span v;
            snprintf(key, sizeof(key), "%03d", i);
            enum result r = lmdb_get(t, 0, TEXT(key), &v);
            lost += r != RES_OK;
        }
        assert_true(lost > 0 || size + 4096 >= st.st_size);
        lmdb_reader_free(t);
        lmdb_close(env);
    }
}

static void
a_copy_holds_the_snapshot(void **state)
{
    char v[32];
    struct lmdb *env = open_at(*state);
    put_one(env, "k", "v");
    char *dest = scratch_new();
    assert_int_equal(lmdb_copy(env, dest), RES_OK);
    assert_int_equal(lmdb_copy(env, dest), RES_EXISTS);
    put_one(env, "k", "later");
    struct lmdb *copy = open_at(dest);
    assert_int_equal(get_one(copy, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "v");
    lmdb_close(copy);
    assert_int_equal(lmdb_copy(env, "/nonexistent/directory"), RES_IO);
    scratch_free(dest);
    lmdb_close(env);
}

static void
sizes_count_pages(void **state)
{
    struct lmdb *env = open_at(*state);
    struct lmdb_sizes z;
    put_one(env, "k", "v");
    assert_int_equal(lmdb_sizes(env, &z), RES_OK);
    assert_int_equal(z.entries[0], 1);
    assert_int_equal(z.entries[1], 0);
    assert_int_equal(z.table[0], 4096);
    assert_int_equal(z.map, TEST_MAP);
    struct lmdb_txn *t;
    uint8_t *p;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_reserve(t, 1, TEXT("big"), 100000, false, &p), RES_OK);
    memset(p, 1, 100000);
    assert_int_equal(lmdb_commit(t), RES_OK);
    assert_int_equal(lmdb_sizes(env, &z), RES_OK);
    assert_int_equal(z.table[1], 26 * 4096);
    assert_true(z.file >= z.table[0] + z.table[1]);
    assert_int_equal(lmdb_bytes(env), z.file);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_drop(t, 1), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    assert_int_equal(lmdb_sizes(env, &z), RES_OK);
    assert_true(z.freed >= 25 * 4096);
    assert_int_equal(lmdb_bytes(env), z.file);
    lmdb_close(env);
}

/* What a child does until it is killed: a write transaction that never ends. */
static void
hold_the_lock(const char *path, int ready)
{
    struct lmdb_options o = options(path);
    struct lmdb *env;
    struct lmdb_txn *t;
    if (lmdb_open(&o, &env) != RES_OK || lmdb_begin_write(env, &t) != RES_OK ||
        lmdb_put(t, 0, TEXT("k"), TEXT("killed"), false) != RES_OK)
        _exit(1);
    if (write(ready, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void
a_writer_killed_with_the_lock_leaves_the_last_commit(void **state)
{
    char v[32];
    struct lmdb_options o = options(*state);
    struct lmdb *env = open_at(*state);
    put_one(env, "k", "before");
    lmdb_close(env);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        hold_the_lock(*state, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], v, 1), 1);
    close(ready[0]);

    /* A reader beside the living writer sees the last commit. */
    o.read_only = true;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "before");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "before");
    lmdb_close(env);

    env = open_at(*state);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "before");
    put_one(env, "k", "after");
    lmdb_close(env);
}

/* A reader sees commits that were not synced, and so does who opens the file after it was. */
static void
an_unsynced_environment_is_synced_once(void **state)
{
    struct lmdb_options o = options(*state);
    struct lmdb *env;
    char v[16];

    o.unsynced = true;
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    put_one(env, "k", "first");
    put_one(env, "k", "second");
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "second");
    assert_int_equal(lmdb_sync(env), RES_OK);
    assert_false(lmdb_latched(env));
    lmdb_close(env);
    env = open_at(*state);
    assert_int_equal(get_one(env, 0, "k", v, sizeof(v)), RES_OK);
    assert_string_equal(v, "second");
    lmdb_close(env);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(what_is_committed_is_found_after_reopening),
        ROW(what_is_aborted_is_not_found),
        ROW(a_reader_sees_the_snapshot_of_its_renewal),
        ROW(order_is_kept_and_asked_for),
        ROW(a_full_map_is_told_and_not_latched),
        ROW(only_an_environment_is_opened),
        ROW(an_impossible_map_is_no_memory),
        ROW(a_truncated_file_is_damage_and_no_signal),
        ROW(a_copy_holds_the_snapshot),
        ROW(sizes_count_pages),
        ROW(a_writer_killed_with_the_lock_leaves_the_last_commit),
        ROW(an_unsynced_environment_is_synced_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
