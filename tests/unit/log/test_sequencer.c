/* The sequencer and the pool: batches by hand, the clock, duplicates in one batch and long after.
 */
#include "testlog.h"

#include "log/batch.h"
#include "tests/mint/mint.h"
#include "tests/vectors/check.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t fake_now;

static uint64_t
now_fake(void)
{
    return fake_now;
}

struct heard {
    unsigned published, answered, clock_wrong, halted;
    struct store_head head;
    enum result why;
    const char *step;
};

static void
on_published(void *arg, const struct store_head *h, unsigned entries, double ms)
{
    struct heard *e = arg;
    (void)entries;
    (void)ms;
    e->published++;
    e->head = *h;
}

static void
on_answered(void *arg, bool duplicate, enum result r)
{
    (void)duplicate;
    (void)r;
    ((struct heard *)arg)->answered++;
}

static void
on_clock(void *arg, bool wrong)
{
    ((struct heard *)arg)->clock_wrong = wrong;
}

static void
on_halted(void *arg, enum result why, const char *what)
{
    struct heard *e = arg;
    e->halted++;
    e->why = why;
    e->step = what;
}

/* A sequencer of our own over the parts of a log that is open and not started. */
struct fixture {
    char *scratch;
    char path[256];
    struct log *log;
    struct sequencer *s;
    struct heard heard;
};

static void
new_sequencer(struct fixture *f, struct sequencer **ret)
{
    struct sequencer_parts parts = {.origin = TESTLOG_ORIGIN,
                                    .store = f->log->store,
                                    .index = f->log->index,
                                    .signer = f->log->signer,
                                    .highwater = f->log->highwater,
                                    .pool = f->log->pool,
                                    .known = f->log->known,
                                    .heartbeat_ms = 1000,
                                    .now_ms = now_fake,
                                    .arg = &f->heard,
                                    .published = on_published,
                                    .answered = on_answered,
                                    .clock = on_clock,
                                    .halted = on_halted};
    memset(&f->heard, 0, sizeof(f->heard));
    assert_int_equal(sequencer_new(&parts, ret), RES_OK);
}

static void
open_parts(struct fixture *f)
{
    assert_int_equal(testlog_open(f->path, &f->log, NULL), RES_OK);
    new_sequencer(f, &f->s);
}

static void
close_parts(struct fixture *f)
{
    sequencer_free(f->s);
    log_close(f->log);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->scratch = scratch_new();
    testlog_create(f->scratch, &testlog_ca, "", f->path);
    open_parts(f);
    fake_now = 1000000;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    close_parts(f);
    scratch_free(f->scratch);
    free(f);
    return 0;
}

/* What log_submit hands to the pool, as if nothing were known of it. */
static struct pending *
make_pending(struct fixture *f, const struct testchain *c, struct testlog_outcome *o)
{
    struct chain chain = CHAIN_INIT;
    struct chain_refusal refusal;
    struct pending *p;
    static const bool none[CHAIN_MAX];
    struct roots *roots = log_roots(f->log);
    enum result rc = chain_accept(&f->log->config.policy, roots, f->log->issuers, c->type, c->cert,
                                  c->n, &chain, &refusal);
    if (rc != RES_OK)
        fail_msg("%s", refusal.detail);
    memset(o, 0, sizeof(*o));
    assert_int_equal(pending_new(&chain, none, testlog_done, o, &p), RES_OK);
    chain_release(&chain);
    roots_unref(roots);
    return p;
}

static enum result
turn_one(struct fixture *f, const struct testchain *c, struct testlog_outcome *o)
{
    return sequencer_turn(f->s, make_pending(f, c, o));
}

static bool
same_sct(const struct log_receipt *a, const struct log_receipt *b)
{
    return a->timestamp == b->timestamp && a->index == b->index &&
           a->signature_n == b->signature_n &&
           memcmp(a->signature, b->signature, a->signature_n) == 0;
}

static void
test_first_heads(void **state)
{
    struct fixture *f = *state;
    struct hash empty;
    hash_empty(&empty);
    for (unsigned i = 1; i <= 3; i++) {
        fake_now += 5;
        assert_int_equal(sequencer_turn(f->s, NULL), RES_OK);
        assert_int_equal(f->heard.published, i);
        assert_int_equal(f->heard.head.timestamp, fake_now);
        assert_int_equal(f->heard.head.size, 0);
        assert_true(hash_equal(&f->heard.head.root, &empty));
    }
}

static void
test_clock_goes_back(void **state)
{
    struct fixture *f = *state;
    struct testlog_outcome o;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    assert_int_equal(turn_one(f, &c, &o), RES_OK);
    uint64_t newest = f->heard.head.timestamp;
    fake_now = newest - 1001;
    struct testchain d = testchain_mint(&testlog_ca, CHAIN_LEAF, 2);
    assert_int_equal(turn_one(f, &d, &o), RES_CLOCK);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.rc, RES_CLOCK);
    assert_true(f->heard.clock_wrong);
    assert_int_equal(f->heard.halted, 0);
    assert_int_equal(f->heard.head.timestamp, newest);
    /* It has caught up: nothing was lost. */
    fake_now = newest + 1;
    assert_int_equal(turn_one(f, &d, &o), RES_OK);
    assert_false(f->heard.clock_wrong);
    assert_int_equal(o.receipt.index, 1);
    assert_int_equal(o.receipt.timestamp, newest + 1);
    testchain_release(&c);
    testchain_release(&d);
}

/* A time once signed would hold the log up until it has come: a leap is not signed. */
static void
test_clock_leaps(void **state)
{
    struct fixture *f = *state;
    struct testlog_outcome o;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    uint64_t right = fake_now;
    assert_int_equal(turn_one(f, &c, &o), RES_OK);
    fake_now = right + 310000;
    struct testchain d = testchain_mint(&testlog_ca, CHAIN_LEAF, 2);
    assert_int_equal(turn_one(f, &d, &o), RES_CLOCK);
    assert_true(f->heard.clock_wrong);
    assert_int_equal(f->heard.halted, 0);
    assert_int_equal(f->heard.head.timestamp, right);
    fake_now = right + 290000;
    assert_int_equal(turn_one(f, &d, &o), RES_OK);
    assert_false(f->heard.clock_wrong);
    assert_int_equal(o.receipt.timestamp, right + 290000);
    testchain_release(&c);
    testchain_release(&d);
}

static void
test_duplicates_in_one_batch(void **state)
{
    struct fixture *f = *state;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1),
                     d = testchain_mint(&testlog_ca, 0, 2);
    struct testlog_outcome o[5];
    struct pending *p[5];
    for (unsigned i = 0; i < 5; i++) {
        p[i] = make_pending(f, i == 2 ? &d : &c, &o[i]);
        if (i > 0)
            p[i - 1]->next = p[i];
    }
    assert_int_equal(sequencer_turn(f->s, p[0]), RES_OK);
    assert_int_equal(f->heard.head.size, 2);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].rc, RES_OK);
        assert_int_equal(o[i].receipt.duplicate, i != 0 && i != 2);
        if (i != 2)
            assert_true(same_sct(&o[0].receipt, &o[i].receipt));
    }
    assert_int_equal(o[2].receipt.index, 1);
    assert_false(same_sct(&o[0].receipt, &o[2].receipt));
    testchain_release(&c);
    testchain_release(&d);
}

/* 20,000 entries go through the tables of the newest keys more than once. */
static void
test_duplicates_long_after(void **state)
{
    struct fixture *f = *state;
    enum { N = 20000, BATCH = 500 };
    static struct testlog_outcome o[N];
    static const uint64_t ASKED[] = {0, 1, 255, 256, 3616, 4096, 16384, 19999};
    struct testchain kept[sizeof(ASKED) / sizeof(ASKED[0])];
    unsigned k = 0, kinds = sizeof(ASKED) / sizeof(ASKED[0]);
    for (unsigned i = 0; i < N; i += BATCH) {
        struct pending *list = NULL, **end = &list;
        for (unsigned n = i; n < i + BATCH; n++) {
            struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, n);
            *end = make_pending(f, &c, &o[n]);
            end = &(*end)->next;
            if (k < kinds && ASKED[k] == n)
                kept[k++] = c;
            else
                testchain_release(&c);
        }
        fake_now++;
        assert_int_equal(sequencer_turn(f->s, list), RES_OK);
    }
    assert_int_equal(k, kinds);
    for (unsigned round = 0; round < 2; round++) {
        for (k = 0; k < kinds; k++) {
            struct testlog_outcome again;
            fake_now++;
            assert_int_equal(turn_one(f, &kept[k], &again), RES_OK);
            assert_true(again.receipt.duplicate);
            assert_int_equal(again.receipt.index, ASKED[k]);
            assert_true(same_sct(&again.receipt, &o[ASKED[k]].receipt));
        }
        assert_int_equal(f->heard.head.size, N);
        close_parts(f);
        open_parts(f);
    }
    assert_int_equal(testlog_audit(f->log), N);
    for (k = 0; k < kinds; k++)
        testchain_release(&kept[k]);
}

static void
test_pool(void **state)
{
    struct fixture *f = *state;
    struct pool *pool;
    struct testlog_outcome o[4];
    struct pending *p[4], *list;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_PRECERT, 1);
    assert_int_equal(pool_new(3, &pool), RES_OK);
    for (unsigned i = 0; i < 4; i++)
        p[i] = make_pending(f, &c, &o[i]);
    assert_true(pool_take(pool, 10, 1, &list));
    assert_null(list);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pool_put(pool, p[i]), RES_OK);
    assert_int_equal(pool_put(pool, p[3]), RES_BUSY);
    assert_int_equal(pool_waiting(pool), 3);
    assert_true(pool_take(pool, 2, 1000, &list));
    assert_ptr_equal(list, p[0]);
    assert_ptr_equal(list->next, p[1]);
    assert_null(p[1]->next);
    assert_int_equal(pool_put(pool, p[3]), RES_OK);
    pool_close(pool);
    assert_int_equal(pool_put(pool, p[0]), RES_DRAINING);
    assert_true(pool_take(pool, 10, 1000, &list));
    assert_ptr_equal(list, p[2]);
    assert_ptr_equal(list->next, p[3]);
    assert_false(pool_take(pool, 10, 1000, &list));
    assert_null(list);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(span_equal(p[i]->precertificate, c.cert[0]));
        pending_free(p[i]);
    }
    pool_free(pool);
    testchain_release(&c);
}

static void
test_busy(void **state)
{
    struct fixture *f = *state;
    struct log_worker *w;
    struct testlog_outcome o[2] = {{0}};
    struct chain_refusal refusal;
    struct pending *list;
    testdir_append(f->path, "cartulary.conf", "pool = 1\n");
    close_parts(f);
    open_parts(f);
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1),
                     d = testchain_mint(&testlog_ca, 0, 2);
    assert_int_equal(log_worker_new(f->log, &w), RES_OK);
    assert_int_equal(log_submit(w, c.type, c.cert, c.n, testlog_done, &o[0], &refusal), RES_OK);
    assert_int_equal(log_submit(w, d.type, d.cert, d.n, testlog_done, &o[1], &refusal), RES_BUSY);
    assert_true(pool_take(f->log->pool, 10, 0, &list));
    assert_int_equal(sequencer_turn(f->s, list), RES_OK);
    assert_int_equal(o[0].calls, 1);
    assert_int_equal(o[1].calls, 0);
    log_worker_free(w);
    testchain_release(&c);
    testchain_release(&d);
}

/* A drained log answers what it holds. */
static void
test_drain_answers(void **state)
{
    struct fixture *f = *state;
    struct log *l;
    struct log_worker *w;
    struct testlog_outcome o[20] = {{0}};
    struct chain_refusal refusal;
    close_parts(f);
    l = testlog_serve(f->path);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    for (unsigned i = 0; i < 20; i++) {
        struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, i);
        assert_int_equal(log_submit(w, c.type, c.cert, c.n, testlog_done, &o[i], &refusal), RES_OK);
        testchain_release(&c);
    }
    log_drain(l);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].rc, RES_OK);
    }
    assert_int_equal(testlog_audit(l), 20);
    log_worker_free(w);
    log_close(l);
    open_parts(f);
}

static void
test_halted_answers(void **state)
{
    struct fixture *f = *state;
    struct testlog_outcome o;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    sequencer_halt(f->s);
    assert_int_equal(turn_one(f, &c, &o), RES_HALTED);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.rc, RES_HALTED);
    assert_int_equal(f->heard.published, 0);
    testchain_release(&c);
}

/* Whoever else writes to the store, by an entry or by no more than a newer head, ends this one
 * before it signs. */
static void
test_other_writer(void **state)
{
    struct fixture *f = *state;
    struct testlog_outcome o;
    for (unsigned entries = 0; entries < 2; entries++) {
        struct sequencer *other;
        struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 2 * entries);
        struct testchain d = testchain_mint(&testlog_ca, CHAIN_LEAF, 2 * entries + 1);
        assert_int_equal(sequencer_turn(f->s, NULL), RES_OK);
        new_sequencer(f, &other);
        fake_now++;
        assert_int_equal(entries ? turn_one(f, &d, &o) : sequencer_turn(f->s, NULL), RES_OK);
        struct store_head newest = f->heard.head;
        fake_now++;
        assert_int_equal(sequencer_turn(other, make_pending(f, &c, &o)), RES_STORE_DAMAGED);
        assert_int_equal(o.calls, 1);
        assert_int_equal(o.rc, RES_STORE_DAMAGED);
        assert_int_equal(f->heard.halted, 1);
        assert_string_equal(f->heard.step, "other-writer");
        assert_int_equal(f->heard.published, 1);
        assert_int_equal(sequencer_turn(other, NULL), RES_HALTED);
        sequencer_free(other);
        /* It left nothing behind: the first goes on. */
        assert_int_equal(turn_one(f, &c, &o), RES_OK);
        assert_int_equal(o.receipt.index, newest.size);
        fake_now++;
        testchain_release(&c);
        testchain_release(&d);
    }
    close_parts(f);
    open_parts(f);
    assert_int_equal(testlog_audit(f->log), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_heads),
        TEST(test_clock_goes_back),
        TEST(test_clock_leaps),
        TEST(test_duplicates_in_one_batch),
        TEST(test_duplicates_long_after),
        TEST(test_pool),
        TEST(test_busy),
        TEST(test_drain_answers),
        TEST(test_halted_answers),
        TEST(test_other_writer),
    };
    return cmocka_run_group_tests(tests, testlog_make_ca, testlog_drop_ca);
}
