/*
 * Every LMDB call of a batch fails once, before it takes effect and after.
 *
 * After each failure: nobody has a receipt for what is not durable; a failure that may have reached
 * the disk has halted the log, any other leaves it able to go on; and what is on disk opens and
 * audits sound, as the store before the batch or with all of it.
 *
 * One call in 11 fails; CARTULARY_EVERY=1 in the environment: each.
 */
#include "mdbfail.h"
#include "testlog.h"

#include "log/fsck.h"
#include "log/marker.h"
#include "tests/vectors/check.h"

#include <stdio.h>
#include <stdlib.h>

#define CHAINS 5
/* The batch fills a bundle and a tile. */
#define BASE 253

static struct testca ca;
static struct testchain chain[CHAINS];
static char path[256];
static struct buf golden;
static struct testlog_directory golden_directory;

static struct pending *
make_list(struct log *l, struct testlog_outcome *o)
{
    struct pending *list = NULL, **end = &list;
    static const bool none[CHAIN_MAX];
    struct roots *roots = log_roots(l);
    memset(o, 0, CHAINS * sizeof(*o));
    for (unsigned i = 0; i < CHAINS; i++) {
        struct chain got = CHAIN_INIT;
        struct chain_refusal refusal;
        assert_int_equal(chain_accept(&l->config.policy, roots, l->issuers, chain[i].type,
                                      chain[i].cert, chain[i].n, &got, &refusal),
                         RES_OK);
        assert_int_equal(pending_new(&got, none, testlog_done, &o[i], end), RES_OK);
        end = &(*end)->next;
        chain_release(&got);
    }
    roots_unref(roots);
    return list;
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    print_error("%s: %s\n", where, what);
}

struct tally {
    unsigned calls, halted, went_on, committed;
};

/* What the directory holds after the process would have ended. */
static void
check_disk(const struct testlog_outcome *o, bool answered, struct tally *t)
{
    struct fsck_options options = {.dir = path, .sct_every = 64, .finding = on_finding};
    struct fsck_report report;
    struct log_trouble why;
    assert_true(marker_clear(path, MARKER_HALTED) != RES_IO);
    assert_int_equal(fsck_run(&options, &report, &why), RES_OK);
    assert_true(report.size == BASE || report.size == BASE + CHAINS);
    t->committed += report.size != BASE;
    if (answered)
        assert_int_equal(report.size, BASE + CHAINS);
    /* It opens, takes the batch (again), and whoever had a receipt gets the same one. */
    struct log *l = testlog_serve(path);
    struct log_worker *w;
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    for (unsigned i = 0; i < CHAINS; i++) {
        struct log_receipt r;
        assert_int_equal(testlog_submit(l, w, &chain[i], &r), RES_OK);
        assert_int_equal(r.duplicate, report.size != BASE);
        assert_true(testlog_included(l, &ca, &chain[i], &r));
        if (answered) {
            assert_int_equal(r.index, o[i].receipt.index);
            assert_int_equal(r.timestamp, o[i].receipt.timestamp);
            assert_memory_equal(r.signature, o[i].receipt.signature, r.signature_n);
        }
    }
    log_worker_free(w);
    testlog_stop(l);
    assert_int_equal(fsck_run(&options, &report, &why), RES_OK);
    assert_int_equal(report.size, BASE + CHAINS);
}

/* Fails call n of a batch; false when the batch has fewer. */
static bool
fail_call(size_t n, enum mdbfail_when when, struct tally *t)
{
    struct testlog_outcome o[CHAINS];
    struct log *l;
    char text[MARKER_TEXT_MAX];
    testlog_put_store(path, buf_span(&golden));
    testlog_put_directory(path, &golden_directory);
    assert_int_equal(testlog_open(path, &l, NULL), RES_OK);
    struct pending *list = make_list(l, o);
    mdbfail_at(n, when);
    enum result rc = sequencer_turn(l->sequencer, list);
    const char *what = mdbfail_what();
    mdbfail_at(0, when);
    for (unsigned i = 0; i < CHAINS; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].rc, rc);
    }
    bool answered = rc == RES_OK;
    bool halted = marker_get(path, MARKER_HALTED, text) == RES_OK;
    /* What the store will not write after must not be left running. */
    if (store_latched(l->store))
        assert_true(halted && log_ready(l) != RES_OK);
    if (what)
        t->calls++;
    t->halted += halted;
    if (!answered && !halted) { /* the next batch goes through, in the same process */
        list = make_list(l, o);
        assert_int_equal(sequencer_turn(l->sequencer, list), RES_OK);
        answered = true;
        t->went_on++;
    }
    log_close(l);
    check_disk(o, answered, t);
    return what != NULL;
}

static void
run(enum mdbfail_when when, const char *name)
{
    struct tally t = {0};
    const char *every = getenv("CARTULARY_EVERY");
    size_t step = every ? (size_t)strtoul(every, NULL, 10) : 11;
    for (size_t n = 1; fail_call(n, when, &t); n += step)
        ;
    print_message("%u calls failed %s taking effect: %u halted, %u went on, %u stand on disk\n",
                  t.calls, name, t.halted, t.went_on, t.committed);
    assert_true(t.calls > 10 && t.halted > 0);
}

static void
test_before(void **state)
{
    (void)state;
    run(MDBFAIL_BEFORE, "before");
}

static void
test_after(void **state)
{
    (void)state;
    run(MDBFAIL_AFTER, "after");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_before), cmocka_unit_test(test_after)};
    char *scratch = scratch_new();
    golden = BUF_INIT(64 << 20);
    testca_init(&ca);
    testlog_create(scratch, &ca, "", path);
    struct log *l = testlog_serve(path);
    testlog_fill(l, &ca, 100, 100 + BASE);
    testlog_stop(l);
    testlog_take_store(path, &golden);
    testlog_take_directory(path, &golden_directory);
    for (unsigned i = 0; i < CHAINS; i++)
        chain[i] = testchain_mint(&ca, (enum testchain_kind)(i % CHAIN_KINDS), i);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (unsigned i = 0; i < CHAINS; i++)
        testchain_release(&chain[i]);
    buf_release(&golden);
    testlog_release_directory(&golden_directory);
    testca_release(&ca);
    scratch_free(scratch);
    return failed;
}
