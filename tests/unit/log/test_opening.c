/* What a log refuses to start with, its backups and what makes them logs again, its scrubber. */
#include "testlog.h"

#include "log/copy.h"
#include "log/directory/directory.h"
#include "log/files.h"
#include "log/fsck.h"
#include "log/marker.h"
#include "log/opening.h"
#include "log/scrub.h"
#include "log/stored.h"
#include "tests/vectors/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char *scratch;
    char path[256];
    struct buf store;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char extra[600];
    f->scratch = scratch_new();
    f->store = BUF_INIT(64 << 20);
    (void)snprintf(extra, sizeof(extra), "highwater = %s/high\n", f->scratch);
    testlog_create(f->scratch, &testlog_ca, extra, f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->store);
    scratch_free(f->scratch);
    free(f);
    return 0;
}

static void
serve_and_fill(struct fixture *f, uint64_t from, uint64_t to)
{
    struct log *l = testlog_serve(f->path);
    testlog_fill(l, &testlog_ca, from, to);
    testlog_stop(l);
}

static void
must_refuse(struct fixture *f, enum result rc, const char *word)
{
    struct log *l;
    struct log_trouble why;
    assert_int_equal(testlog_open(f->path, &l, &why), rc);
    if (!strstr(why.text, word))
        fail_msg("'%s' does not say '%s'", why.text, word);
}

/* ---- rolled back ---- */

static void
test_rolled_back(void **state)
{
    struct fixture *f = *state;
    serve_and_fill(f, 0, 3);
    testlog_take_store(f->path, &f->store);
    serve_and_fill(f, 3, 5);
    struct buf newer = BUF_INIT(64 << 20);
    testlog_take_store(f->path, &newer);
    testlog_put_store(f->path, buf_span(&f->store));
    must_refuse(f, RES_STORE_BEHIND, "rolled back");
    /* Looking does not lower the mark. */
    must_refuse(f, RES_STORE_BEHIND, "rolled back");
    testlog_put_store(f->path, buf_span(&newer));
    testlog_stop(testlog_serve(f->path));
    buf_release(&newer);
}

/* An idle log's older head is behind too: a newer one has been seen. */
static void
test_rolled_back_by_a_heartbeat(void **state)
{
    struct fixture *f = *state;
    serve_and_fill(f, 0, 3);
    testlog_take_store(f->path, &f->store);
    testlog_stop(testlog_serve(f->path));
    testlog_put_store(f->path, buf_span(&f->store));
    must_refuse(f, RES_STORE_BEHIND, "rolled back");
}

static void
test_other_tree(void **state)
{
    struct fixture *f = *state;
    char high[300];
    struct buf mark = BUF_INIT(4096);
    struct testlog_directory before;
    testlog_take_store(f->path, &f->store);
    testlog_take_directory(f->path, &before);
    serve_and_fill(f, 0, 3);
    (void)snprintf(high, sizeof(high), "%s/high", f->scratch);
    assert_int_equal(files_read(high, &mark), RES_OK);
    testdir_write(f->scratch, "high", "");
    /* The same keys over other entries, as many and more. */
    testlog_put_store(f->path, buf_span(&f->store));
    testlog_put_directory(f->path, &before);
    testlog_release_directory(&before);
    serve_and_fill(f, 100, 103);
    assert_int_equal(files_replace(high, buf_span(&mark), 0644), RES_OK);
    must_refuse(f, RES_STORE_DAMAGED, "not a continuation");
    assert_int_equal(files_replace(high, span_of(NULL, 0), 0644), RES_OK);
    serve_and_fill(f, 103, 107);
    assert_int_equal(files_replace(high, buf_span(&mark), 0644), RES_OK);
    must_refuse(f, RES_STORE_DAMAGED, "not a continuation");
    buf_release(&mark);
}

/* A disk that is not mounted looks like a file that never was. */
static void
test_mark_gone(void **state)
{
    struct fixture *f = *state;
    char high[300];
    (void)snprintf(high, sizeof(high), "%s/high", f->scratch);
    serve_and_fill(f, 0, 3);
    assert_int_equal(unlink(high), 0);
    must_refuse(f, RES_STORE_BEHIND, "is not there");
    assert_false(files_exist(high));
    /* The operator's word that there never was one. */
    assert_int_equal(files_replace(high, span_of(NULL, 0), 0644), RES_OK);
    testlog_stop(testlog_serve(f->path));
}

/* ---- keys, origin ---- */

static void
test_keys(void **state)
{
    struct fixture *f = *state;
    char name[300], away[300];
    serve_and_fill(f, 0, 2);
    static const char *const NAMES[] = {"log", "checkpoint"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "%s/keys/%s.pem", f->path, NAMES[i]);
        (void)snprintf(away, sizeof(away), "%s/away", f->scratch);
        assert_int_equal(chmod(name, 0640), 0);
        must_refuse(f, RES_KEY, "open to others: chmod 600");
        assert_int_equal(chmod(name, 0600), 0);
        assert_int_equal(rename(name, away), 0);
        must_refuse(f, RES_ABSENT, "key files");
        assert_int_equal(rename(away, name), 0);
    }
    char *second = scratch_new();
    char other[256];
    testlog_create(second, &testlog_ca, "", other);
    for (size_t i = 0; i < 2; i++) {
        struct buf ours = BUF_INIT(4096), theirs = BUF_INIT(4096);
        (void)snprintf(name, sizeof(name), "%s/keys/%s.pem", other, NAMES[i]);
        assert_int_equal(files_read(name, &theirs), RES_OK);
        (void)snprintf(name, sizeof(name), "%s/keys/%s.pem", f->path, NAMES[i]);
        assert_int_equal(files_read(name, &ours), RES_OK);
        assert_int_equal(files_replace(name, buf_span(&theirs), 0600), RES_OK);
        must_refuse(f, RES_STORE_DAMAGED, "not signed by the keys");
        assert_int_equal(files_replace(name, buf_span(&ours), 0600), RES_OK);
        buf_release(&ours);
        buf_release(&theirs);
    }
    scratch_free(second);
    testlog_stop(testlog_serve(f->path));
}

/* ---- a byte of the newest entries ---- */

/* Finds the bytes in the file and flips one; returns how often they stand there. */
static unsigned
flip_in_store(struct fixture *f, struct span bytes, size_t at)
{
    unsigned found = 0;
    testlog_take_store(f->path, &f->store);
    for (size_t i = 0; i + bytes.n <= f->store.n; i++) {
        if (memcmp(f->store.p + i, bytes.p, bytes.n) != 0)
            continue;
        f->store.p[i + at] ^= 4;
        found++;
    }
    return found;
}

static void
test_flipped_entry(void **state)
{
    struct fixture *f = *state;
    struct log_receipt r;
    struct log_worker *w;
    struct log *l = testlog_serve(f->path);
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    assert_int_equal(testlog_submit(l, w, &c, &r), RES_OK);
    log_worker_free(w);
    testlog_stop(l);
    assert_true(flip_in_store(f, span_of(c.cert[0].p + 100, 60), 30) > 0);
    testlog_put_store(f->path, buf_span(&f->store));
    must_refuse(f, RES_STORE_DAMAGED, "entry 0");
    testchain_release(&c);
}

/* A store that has lost its head must not pass for a new log. */
static void
test_lost_head(void **state)
{
    struct fixture *f = *state;
    char name[300];
    struct lmdb *env;
    struct lmdb_txn *t;
    serve_and_fill(f, 0, 3);
    testdir_write(f->scratch, "high", "");
    (void)snprintf(name, sizeof(name), "%s/store", f->path);
    struct lmdb_options o = {
        .path = name, .tables = {"meta"}, .map_size = UINT64_C(1) << 30, .readers = 8};
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_delete(t, 0, span_str("head")), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    must_refuse(f, RES_STORE_DAMAGED, "");
}

/* ---- backup and promotion ---- */

/* LMDB may not be opened twice in one process: as the program of its own that backup is. */
static enum result
backup(const char *dir, const char *dest)
{
    pid_t child = fork();
    if (child == 0) {
        struct store_head head;
        struct log_trouble why;
        _exit((int)copy_backup(dir, dest, &head, &why));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (enum result)WEXITSTATUS(status);
}

static void
no_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    print_error("%s: %s\n", where, what);
}

static void
checkpoint_of(struct log *l, struct buf *ret)
{
    struct store_head head;
    buf_clear(ret);
    log_head(l, &head, NULL);
    assert_int_equal(log_checkpoint(l, &head, ret), RES_OK);
}

static void
bring_keys(const char *from, const char *to)
{
    static const char *const NAMES[] = {"keys/log.pem", "keys/checkpoint.pem", "keys/directory.pem",
                                        "keys/feed.pem", "keys/vrf.pem"};
    char name[FILES_PATH_MAX];
    assert_int_equal(files_path(to, "keys", name), RES_OK);
    assert_int_equal(mkdir(name, 0700), 0);
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct buf key = BUF_INIT(4096);
        assert_int_equal(files_path(from, NAMES[i], name), RES_OK);
        assert_int_equal(files_read(name, &key), RES_OK);
        assert_int_equal(files_path(to, NAMES[i], name), RES_OK);
        assert_int_equal(files_replace(name, buf_span(&key), 0600), RES_OK);
        buf_release(&key);
    }
}

/* The newest head of the feed that is known outside. */
static struct buf feed_head = {.max = 4096};

static void
feed_of(struct log *l, struct buf *ret)
{
    struct directory_reader *r;
    assert_int_equal(directory_reader_new(log_directory(l), &r), RES_OK);
    buf_clear(ret);
    assert_int_equal(directory_feed_checkpoint(r, ret), RES_OK);
    directory_reader_free(r);
}

/* With a clock that is right and a head that is young. */
static enum result
promote(const char *dest, struct span head, struct log_trouble *why)
{
    return copy_promote(dest, head, buf_span(&feed_head), log_now_ms() + 1, COPY_HEAD_AGE_MS, why);
}

/* A head of time at, by clocks that stand otherwise: none promotes. */
static void
promote_minds_the_time(const char *dest, struct span head, uint64_t at)
{
    static const uint64_t AGE = COPY_HEAD_AGE_MS;
    const struct {
        const char *says;
        uint64_t now, max_age;
        enum result rc;
    } ROWS[] = {
        {"a clock before the head", at - 1, AGE, RES_CLOCK},
        {"a clock at the head: the next could not be later", at, AGE, RES_CLOCK},
        {"also when any age will do", at, UINT64_MAX, RES_CLOCK},
        {"a head that is too old", at + AGE + 1, AGE, RES_STALE},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct log_trouble why;
        enum result rc =
            copy_promote(dest, head, buf_span(&feed_head), ROWS[i].now, ROWS[i].max_age, &why);
        if (rc != ROWS[i].rc || !why.text[0])
            fail_msg("%s: %s", ROWS[i].says, result_name(rc));
    }
}

/* The directory's feed may be forked as the log may. */
static void
feed_decides(const char *dest, struct span head, const struct buf *newer)
{
    struct log_trouble why;
    uint64_t now = log_now_ms() + 1;
    struct buf touched = BUF_INIT(4096);
    assert_int_equal(copy_promote(dest, head, span_of(NULL, 0), now, UINT64_MAX, &why), RES_CONFIG);
    assert_non_null(strstr(why.text, "--feed"));
    assert_int_equal(copy_promote(dest, head, buf_span(newer), now, UINT64_MAX, &why),
                     RES_STORE_BEHIND);
    assert_non_null(strstr(why.text, "fork"));
    assert_int_equal(buf_add(&touched, buf_span(&feed_head)), RES_OK);
    touched.p[sizeof(TESTLOG_ORIGIN) + 5] ^= 1; /* its size */
    assert_int_equal(copy_promote(dest, head, buf_span(&touched), now, UINT64_MAX, &why),
                     RES_SIGNATURE);
    buf_release(&touched);
}

static void
test_backup(void **state)
{
    struct fixture *f = *state;
    char dest[300], name[400];
    struct log_trouble why;
    struct fsck_report report;
    struct fsck_options o = {.dir = dest, .sct_every = 1, .finding = no_finding};
    struct buf older = BUF_INIT(4096), same = BUF_INIT(4096), newer = BUF_INIT(4096);
    struct buf forked = BUF_INIT(4096), newer_feed = BUF_INIT(4096);
    struct store_head at;
    (void)snprintf(dest, sizeof(dest), "%s/copy", f->scratch);
    struct fixture twin = *f;
    struct testlog_directory before;
    testlog_take_store(f->path, &f->store);
    testlog_take_directory(f->path, &before);

    struct log *l = testlog_serve(f->path);
    testlog_fill(l, &testlog_ca, 0, 3);
    checkpoint_of(l, &older);
    feed_of(l, &feed_head);
    log_head(l, &at, NULL);
    testlog_fill(l, &testlog_ca, 3, 300);
    checkpoint_of(l, &same);
    assert_int_equal(backup(f->path, dest), RES_OK);
    assert_int_equal(backup(f->path, dest), RES_EXISTS);
    testlog_fill(l, &testlog_ca, 300, 302);
    checkpoint_of(l, &newer);
    testlog_stop(l);
    l = testlog_serve(f->path); /* what waited came into the directory when it stopped */
    feed_of(l, &newer_feed);
    testlog_stop(l);

    (void)snprintf(name, sizeof(name), "%s/keys", dest);
    assert_false(files_exist(name));
    assert_int_equal(fsck_run(&o, &report, &why), RES_OK);
    assert_int_equal(report.size, 300);
    (void)snprintf(twin.path, sizeof(twin.path), "%.250s", dest);
    must_refuse(&twin, RES_COPY, "promote");
    assert_int_equal(promote(dest, buf_span(&same), &why), RES_ABSENT); /* no keys */
    bring_keys(f->path, dest);

    /* A head over another tree, signed by the same keys. */
    testdir_write(f->scratch, "high", "");
    testlog_put_store(f->path, buf_span(&f->store));
    testlog_put_directory(f->path, &before);
    testlog_release_directory(&before);
    l = testlog_serve(f->path);
    testlog_fill(l, &testlog_ca, 1000, 1007);
    checkpoint_of(l, &forked);
    testlog_stop(l);
    testdir_write(f->scratch, "high", "");

    assert_int_equal(promote(dest, buf_span(&newer), &why), RES_STORE_BEHIND);
    assert_non_null(strstr(why.text, "fork"));
    assert_int_equal(promote(dest, buf_span(&forked), &why), RES_CONFLICT);
    older.p[sizeof(TESTLOG_ORIGIN)] ^= 1; /* its size */
    assert_int_not_equal(promote(dest, buf_span(&older), &why), RES_OK);
    older.p[sizeof(TESTLOG_ORIGIN)] ^= 1;
    assert_int_equal(marker_set(dest, MARKER_COPY, "unfinished"), RES_OK);
    assert_int_equal(promote(dest, buf_span(&older), &why), RES_COPY);
    must_refuse(&twin, RES_COPY, "promote");
    assert_int_equal(marker_set(dest, MARKER_COPY, "of it"), RES_OK);
    promote_minds_the_time(dest, buf_span(&older), at.timestamp);
    must_refuse(&twin, RES_COPY, "promote");
    feed_decides(dest, buf_span(&older), &newer_feed);
    assert_int_equal(copy_promote(dest, buf_span(&older), buf_span(&feed_head),
                                  at.timestamp + COPY_HEAD_AGE_MS + 1, UINT64_MAX, &why),
                     RES_OK); /* an old one, when told so */
    assert_int_equal(promote(dest, buf_span(&older), &why), RES_ABSENT);
    l = testlog_serve(dest);
    testlog_fill(l, &testlog_ca, 2000, 2001);
    assert_int_equal(testlog_audit(l), 301);
    testlog_stop(l);
    buf_release(&older);
    buf_release(&same);
    buf_release(&newer);
    buf_release(&forked);
    buf_release(&newer_feed);
    buf_release(&feed_head);
}

/* ---- the scrubber ---- */

static _Atomic unsigned halts;

static void
on_halt(void *arg)
{
    (void)arg;
    atomic_fetch_add(&halts, 1);
}

/* Waits until one pass is over or the log has halted; in seconds. */
static void
wait_for(struct log *l, uint64_t entries, unsigned halted)
{
    for (unsigned i = 0; i < 2000; i++) {
        struct log_stats stats;
        log_stats(l, &stats);
        if (atomic_load(&halts) >= halted && (halted || stats.scrub_checked >= entries))
            return;
        (void)usleep(10000);
    }
    fail_msg("nothing happened");
}

static void
test_scrub(void **state)
{
    struct fixture *f = *state;
    struct log *l;
    char text[MARKER_TEXT_MAX];
    struct log_stats stats;
    serve_and_fill(f, 0, 520);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    struct tile_leaf leaf;
    struct span signature;
    struct store_view *v;
    uint8_t bytes[60];
    assert_int_equal(store_view_new(l->store, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_int_equal(stored_leaf(v, 17, &leaf, &signature), RES_OK);
    memcpy(bytes, leaf.timestamped.entry.body.p + 100, sizeof(bytes));
    store_view_end(v);
    store_view_free(v);

    /* Sound: passes go by.  A place behind the end is no finding. */
    testdir_write(f->path, "scrub", "99999 1 1\n");
    log_close(l);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    l->config.scrub_seconds = 1;
    atomic_store(&halts, 0);
    log_on_halt(l, on_halt, NULL);
    assert_int_equal(log_start(l), RES_OK);
    wait_for(l, 2 * 520, 0);
    assert_int_equal(log_ready(l), RES_OK);
    testlog_stop(l);

    /* A bit of entry 17 decays: opening looks at the newest only, the scrubber at all. */
    assert_true(flip_in_store(f, span_of(bytes, sizeof(bytes)), 30) > 0);
    testlog_put_store(f->path, buf_span(&f->store));
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    l->config.scrub_seconds = 1;
    log_on_halt(l, on_halt, NULL);
    assert_int_equal(log_start(l), RES_OK);
    wait_for(l, 0, 1);
    log_stats(l, &stats);
    assert_true(stats.scrub_failures > 0);
    assert_int_equal(log_ready(l), RES_HALTED);
    assert_int_equal(marker_get(f->path, MARKER_HALTED, text), RES_OK);
    testlog_stop(l);
    assert_int_equal(atomic_load(&halts), 1);
    must_refuse(f, RES_HALTED, "fsck");
}

/* ---- the index ---- */

static void
test_index_is_derived(void **state)
{
    struct fixture *f = *state;
    serve_and_fill(f, 0, 10);
    char name[400];
    struct log_worker *w;
    struct log_receipt first, again;
    struct log *l = testlog_serve(f->path);
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    assert_int_equal(testlog_submit(l, w, &c, &first), RES_OK);
    log_worker_free(w);
    testlog_stop(l);
    (void)snprintf(name, sizeof(name), "%s/store/index/data.mdb", f->path);
    testdir_write(f->path, "store/index/data.mdb", "this is no index at all");
    l = testlog_serve(f->path);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    assert_int_equal(testlog_submit(l, w, &c, &again), RES_OK);
    assert_true(again.duplicate);
    assert_int_equal(again.index, first.index);
    assert_true(testlog_included(l, &testlog_ca, &c, &again));
    log_worker_free(w);
    testlog_stop(l);
    testchain_release(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rolled_back), TEST(test_rolled_back_by_a_heartbeat),
        TEST(test_other_tree),  TEST(test_mark_gone),
        TEST(test_keys),        TEST(test_flipped_entry),
        TEST(test_lost_head),   TEST(test_backup),
        TEST(test_scrub),       TEST(test_index_is_derived),
    };
    return cmocka_run_group_tests(tests, testlog_make_ca, testlog_drop_ca);
}
