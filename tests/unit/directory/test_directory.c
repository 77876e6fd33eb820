/* The directory of a log: it follows what is committed, and does not open over another log. */
#include "log/directory/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/create.h"
#include "log/directory/directory_private.h"
#include "log/files.h"
#include "tests/unit/log/testlog.h"
#include "tests/vectors/check.h"

#define MAP (UINT64_C(1) << 30)

struct fixture {
    char *scratch;
    char path[256];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->scratch = scratch_new();
    testlog_create(f->scratch, &testlog_ca, "", f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    scratch_free(f->scratch);
    free(f);
    return 0;
}

static void
nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

static const char *
in(const struct fixture *f, const char *name)
{
    static char path[2][FILES_PATH_MAX];
    static unsigned next;
    char *p = path[next++ % 2];

    assert_int_equal(files_path(f->path, name, p), RES_OK);
    return p;
}

static void
serve_and_fill(struct fixture *f, uint64_t from, uint64_t to)
{
    struct log *l = testlog_serve(f->path);

    testlog_fill(l, &testlog_ca, from, to);
    testlog_stop(l);
}

static struct directory_stats
stats_of(struct log *l)
{
    struct directory_stats s;

    directory_stats(log_directory(l), &s);
    return s;
}

static void
must_refuse(struct fixture *f, enum result rc, const char *word)
{
    struct log *l;
    struct log_trouble why;

    assert_int_equal(testlog_open(f->path, &l, &why), rc);
    if (strstr(why.text, word) == NULL)
        fail_msg("'%s' does not say '%s'", why.text, word);
}

static void
must_open(struct fixture *f)
{
    struct log *l;
    struct log_trouble why;

    if (testlog_open(f->path, &l, &why) != RES_OK)
        fail_msg("%s", why.text);
    log_close(l);
}

/* ---- following ---- */

static void
a_new_log_has_the_empty_tree(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    struct log *l;

    assert_int_equal(stat(in(f, "directory"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(in(f, "directory/keys"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    struct directory_stats s = stats_of(l);
    const struct kt_config *c = directory_config(log_directory(l));
    assert_int_equal(s.size, 1);
    assert_int_equal(s.certificates + s.versions + s.labels + s.lag_ms, 0);
    assert_int_equal(c->max_ahead, 5 * 60 * 1000);
    assert_int_equal(c->max_behind, 60 * 60 * 1000);
    assert_int_equal(c->window.monitoring, 24 * 60 * 60 * 1000);
    log_close(l);
}

static void
what_was_taken_is_in_a_signed_head_a_second_later(void **state)
{
    struct fixture *f = *state;
    struct log *l = testlog_serve(f->path);
    uint64_t lag = 0;

    testlog_fill(l, &testlog_ca, 0, 5);
    for (unsigned ms = 0; ms < 5000 && stats_of(l).certificates < 5; ms += 10) {
        uint64_t now = directory_lag(log_directory(l));
        lag = now > lag ? now : lag;
        nap(10);
    }
    struct directory_stats s = stats_of(l);
    assert_int_equal(s.certificates, 5);
    assert_int_equal(s.lag_ms, 0);
    assert_int_equal(s.labels, 6); /* five mailboxes, one domain */
    assert_in_range(lag, 1, 4000); /* a second, on a machine that does nothing else */
    testlog_stop(l);
}

static void
stopping_covers_all(void **state)
{
    struct fixture *f = *state;
    struct log *l;

    for (uint64_t i = 0; i < 3; i++) {
        serve_and_fill(f, 4 * i, 4 * i + 4);
        assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
        assert_int_equal(stats_of(l).certificates, 4 * i + 4);
        assert_int_equal(stats_of(l).labels, 4 * i + 5);
        testlog_audit(l);
        log_close(l);
    }
}

static void
a_log_for_a_time_has_none(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct log *l;
    struct log_trouble why;
    struct create_options o = {.dir = path,
                               .origin = TESTLOG_ORIGIN,
                               .url = "https://log.example",
                               .not_after_start = "1767225600",
                               .not_after_limit = "1798761600"};

    (void)snprintf(path, sizeof(path), "%.200s/window", f->scratch);
    if (create_log(&o, &why) != RES_OK)
        fail_msg("%s", why.text);
    testdir_append(path, "cartulary.conf", "map-size = " TESTLOG_MAP "\n");
    (void)snprintf(f->path, sizeof(f->path), "%s", path);
    assert_int_equal(access(in(f, "directory"), F_OK), -1);
    assert_int_equal(testlog_open(path, &l, &why), RES_OK);
    assert_null(log_directory(l));
    log_close(l);
}

/* An entry waits for most of a second: longer than half of the delay that this log declares. */
static void
a_log_that_its_directory_cannot_follow_takes_no_more(void **state)
{
    struct fixture *f = *state;
    enum result rc = RES_OK;
    unsigned taken = 0;

    testdir_append(f->path, "cartulary.conf", "directory-delay = 1\n");
    struct log *l = testlog_serve(f->path);
    struct log_worker *w;
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    for (unsigned i = 0; i < 40 && rc == RES_OK; i++) {
        struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, i);
        struct log_receipt receipt;
        rc = testlog_submit(l, w, &c, &receipt);
        taken += rc == RES_OK;
        testchain_release(&c);
        nap(50);
    }
    assert_int_equal(rc, RES_DIRECTORY_BEHIND);
    assert_true(taken > 0);
    assert_int_equal(result_class(rc), CLASS_LATER);
    for (unsigned ms = 0; ms < 5000 && rc != RES_OK; ms += 50) { /* and then it does again */
        struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 100);
        struct log_receipt receipt;
        rc = testlog_submit(l, w, &c, &receipt);
        testchain_release(&c);
        nap(50);
    }
    assert_int_equal(rc, RES_OK);
    log_worker_free(w);
    testlog_stop(l);
}

/* ---- refusing to open ---- */

static void
a_log_that_was_set_back_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf store = BUF_INIT(64 << 20);

    serve_and_fill(f, 0, 3);
    testlog_take_store(f->path, &store);
    serve_and_fill(f, 3, 5);
    testlog_put_store(f->path, buf_span(&store));
    must_refuse(f, RES_STORE_BEHIND, "older than the directory");
    buf_release(&store);
}

static void
a_fork_of_the_log_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf store = BUF_INIT(64 << 20);
    struct testlog_directory before, after;

    serve_and_fill(f, 0, 3);
    testlog_take_store(f->path, &store);
    testlog_take_directory(f->path, &before);
    serve_and_fill(f, 3, 5);
    testlog_take_directory(f->path, &after);
    testlog_put_store(f->path, buf_span(&store));
    testlog_put_directory(f->path, &before);
    serve_and_fill(f, 10, 13); /* one more */
    testlog_put_directory(f->path, &after);
    must_refuse(f, RES_STORE_DAMAGED, "fork");
    buf_release(&store);
    testlog_release_directory(&before);
    testlog_release_directory(&after);
}

static void
move(struct fixture *f, const char *from, const char *to)
{
    assert_int_equal(rename(in(f, from), in(f, to)), 0);
}

static void
a_directory_that_is_not_whole_is_refused(void **state)
{
    static const struct {
        const char *name, *says;
    } ROWS[] = {
        {"directory", "--rebuild"},
        {"directory/data.mdb", "directory/data.mdb is not there: 'cartularyd fsck "},
        {"directory/keys", "directory/keys is not there: nothing can make it again"},
        {"directory/recipes", "directory/recipes is not there: nothing can make it again"},
    };
    struct fixture *f = *state;

    serve_and_fill(f, 0, 3);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct log *l;
        struct log_trouble why;

        move(f, ROWS[i].name, "away");
        enum result rc = testlog_open(f->path, &l, &why);
        if (rc == RES_OK || strstr(why.text, ROWS[i].says) == NULL)
            fail_msg("without %s: %s, %s", ROWS[i].name, result_name(rc), why.text);
        assert_int_not_equal(access(in(f, ROWS[i].name), F_OK), 0); /* nothing is made instead */
        move(f, "away", ROWS[i].name);
        must_open(f);
    }
    assert_int_equal(files_replace(in(f, "away"), span_str("noise"), 0600), RES_OK);
    move(f, "directory/data.mdb", "kept");
    move(f, "away", "directory/data.mdb");
    must_refuse(f, RES_STORE_DAMAGED, "directory/data.mdb is damaged: 'cartularyd fsck ");
    move(f, "kept", "directory/data.mdb");
    assert_int_equal(chmod(in(f, "directory/keys"), 0644), 0);
    must_refuse(f, RES_KEY, "directory");
    assert_int_equal(chmod(in(f, "directory/keys"), 0600), 0);
    must_open(f);
}

static void
another_logs_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.scratch = scratch_new()};

    testlog_create(other.scratch, &testlog_ca, "", other.path);
    move(f, "directory", "away");
    assert_int_equal(rename(in(&other, "directory"), in(f, "directory")), 0);
    must_refuse(f, RES_STORE_DAMAGED, "another log");
    scratch_free(other.scratch);
}

/* Flips a bit of the head's record, at that byte. */
static void
flip_head(struct fixture *f, size_t at)
{
    uint8_t copy[512];
    struct lmdb_options o = {.path = in(f, "directory"),
                             .tables = {"page", "entry", "version", "proof", "meta"},
                             .map_size = MAP,
                             .readers = 8};
    struct lmdb *env;
    struct lmdb_txn *t;
    struct span v;

    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_get(t, 4, span_str("head"), &v), RES_OK);
    assert_true(v.n == 232 && at < v.n);
    memcpy(copy, v.p, v.n);
    copy[at] ^= 1;
    assert_int_equal(lmdb_put(t, 4, span_str("head"), span_of(copy, v.n), false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
}

static void
a_head_that_was_not_signed_is_refused(void **state)
{
    /* size, root, its signature, the feed's root (FORMATS.md, Head) */
    static const size_t AT[] = {7, 8, 39, 40, 103, 104, 135};
    struct fixture *f = *state;

    serve_and_fill(f, 0, 2);
    for (size_t i = 0; i < sizeof(AT) / sizeof(AT[0]); i++) {
        struct log *l;
        struct log_trouble why;

        flip_head(f, AT[i]);
        enum result rc = testlog_open(f->path, &l, &why);
        if (rc != RES_STORE_DAMAGED || why.text[0] == 0)
            fail_msg("byte %zu: %s", AT[i], result_name(rc));
        flip_head(f, AT[i]);
        must_open(f);
    }
}

/* The index follows from the rest. */
static void
without_its_index_it_is_made_again(void **state)
{
    struct fixture *f = *state;
    struct log *l;

    serve_and_fill(f, 0, 4);
    assert_int_equal(index_remove(in(f, "directory/index")), RES_OK);
    serve_and_fill(f, 4, 6);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    assert_int_equal(stats_of(l).labels, 7);
    assert_int_equal(stats_of(l).certificates, 6);
    log_close(l);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(a_new_log_has_the_empty_tree),
        ROW(what_was_taken_is_in_a_signed_head_a_second_later),
        ROW(stopping_covers_all),
        ROW(a_log_for_a_time_has_none),
        ROW(a_log_that_its_directory_cannot_follow_takes_no_more),
        ROW(a_log_that_was_set_back_is_refused),
        ROW(a_fork_of_the_log_is_refused),
        ROW(a_directory_that_is_not_whole_is_refused),
        ROW(another_logs_directory_is_refused),
        ROW(a_head_that_was_not_signed_is_refused),
        ROW(without_its_index_it_is_made_again),
    };

    return cmocka_run_group_tests(tests, testlog_make_ca, testlog_drop_ca);
}
