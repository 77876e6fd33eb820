/* Proof records: made, kept, asked for when they are not there, and written by the prover. */
#include <pthread.h>
#include <time.h>

#include "merkle/keytrans/vrf.h"
#include "tests/unit/directory/client.h"
#include "tests/vectors/check.h"

#define ENTRIES 60
#define ANSWER_MAX (8u << 20)
#define PATIENCE_MS 60000

static const struct kt_window window = {.monitoring = 50};

static void
wait_a_little(void)
{
    const struct timespec ms = {0, 1000000};

    (void)nanosleep(&ms, NULL);
}

/* Waits until the prover has passed all rows. */
static void
wait_for_proofs(struct testdir *t)
{
    struct directory_stats s = {.versions = 1};

    for (unsigned i = 0; i < PATIENCE_MS && s.proofs < s.versions; i++) {
        wait_a_little();
        directory_stats(t->d, &s);
    }
    assert_int_equal(s.proofs, s.versions);
}

static void
check_step(struct testdir *t, unsigned label, uint32_t version, const uint8_t *step)
{
    struct vrf_public key;
    struct vrf_input alpha;
    uint8_t beta[VRF_BETA_SIZE];

    assert_int_equal(vrf_public_parse(t->kt.vrf_key, &key), RES_OK);
    assert_int_equal(vrf_input(testdir_name(t, label), version, &alpha), RES_OK);
    assert_int_equal(vrf_verify(&key, vrf_input_span(&alpha), step + HASH_SIZE, beta), RES_OK);
    assert_memory_equal(beta, step, HASH_SIZE);
}

/* The record of each version of a label is there and holds its steps; there are none of nothing.
 * Returns how many records there are. */
static size_t
check_label(struct testdir *t, struct shelf_view *v, unsigned label)
{
    size_t records = 0;

    for (uint32_t version = 0; version < t->label[label].n; version++) {
        uint32_t steps[LADDER_STEPS_MAX];
        unsigned n = steps_of(version, steps);
        struct version_row row;
        struct span record;
        uint64_t seq;

        assert_int_equal(
            versions_find(t->versions, v, t->rows, testdir_name(t, label), version, &seq, &row),
            RES_OK);
        if (n == 0) {
            assert_int_equal(shelf_get_proofs(v, seq, &record), RES_ABSENT);
            continue;
        }
        assert_int_equal(shelf_get_proofs(v, seq, &record), RES_OK);
        assert_int_equal(record.n, n * STEP_SIZE);
        for (unsigned i = 0; i < n; i++)
            check_step(t, label, steps[i], record.p + i * STEP_SIZE);
        records++;
    }
    return records;
}

static void
ask(struct testdir *t, unsigned label, struct buf *out)
{
    struct client c = {.ask = CLIENT_SEARCH, .label = label};
    struct buf request = BUF_INIT(KT_REQUEST_MAX);

    client_request(t, &c, &request);
    assert_int_equal(directory_answer(t->r, DIRECTORY_SEARCH, buf_span(&request), out), RES_OK);
    assert_int_equal(client_verify(t, &c, buf_span(out)), RES_OK);
    buf_release(&request);
}

/* Answers are the same, whether their proofs were made for them, by the prover, or read. */
static void
test_same_answers(void **state)
{
    struct buf made[TESTDIR_LABELS], again = BUF_INIT(ANSWER_MAX);
    struct rng r = rng_start("prover: same answers");
    size_t records = 0;
    struct testdir t;

    (void)state;
    testdir_init(&t, &window);
    testdir_random(&t, &r, ENTRIES);
    testdir_append(&t, t.entries[t.n - 1].timestamp, (1u << TESTDIR_LABELS) - 1);
    testdir_open(&t);
    for (unsigned i = 0; i < TESTDIR_LABELS; i++) {
        made[i] = BUF_INIT(ANSWER_MAX);
        ask(&t, i, &made[i]);
    }
    assert_int_equal(directory_start(t.d), RES_OK);
    wait_for_proofs(&t);
    directory_stop(t.d);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < TESTDIR_LABELS; i++) {
            buf_clear(&again);
            ask(&t, i, &again);
            assert_true(span_equal(buf_span(&made[i]), buf_span(&again)));
        }
        testdir_fill(&t);
        assert_int_equal(shelf_view_begin(t.view), RES_OK);
        records = 0;
        for (unsigned i = 0; i < TESTDIR_LABELS; i++)
            records += check_label(&t, t.view, i);
        shelf_view_end(t.view);
        testdir_open(&t);
    }
    assert_true(records > 0);
    for (unsigned i = 0; i < TESTDIR_LABELS; i++)
        buf_release(&made[i]);
    buf_release(&again);
    testdir_release(&t);
}

/* It goes on where it was when it is stopped and started, and as rows are added. */
static void
test_stops(void **state)
{
    struct rng r = rng_start("prover: stops");
    struct testdir t;

    (void)state;
    testdir_init(&t, &window);
    testdir_random(&t, &r, ENTRIES);
    for (unsigned i = 0; i < 5; i++) {
        testdir_open(&t);
        assert_int_equal(directory_start(t.d), RES_OK);
        for (uint64_t ms = rng_next(&r) % 10; ms > 0; ms--)
            wait_a_little();
        directory_stop(t.d);
        testdir_fill(&t);
        testdir_append(&t, t.entries[t.n - 1].timestamp + 1, 1);
    }
    testdir_open(&t);
    assert_int_equal(directory_start(t.d), RES_OK);
    wait_for_proofs(&t);
    directory_stop(t.d);
    testdir_fill(&t);
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    for (unsigned i = 0; i < TESTDIR_LABELS; i++)
        (void)check_label(&t, t.view, i);
    shelf_view_end(t.view);
    testdir_release(&t);
}

/* ---- records in memory ---- */

static void
test_kept(void **state)
{
    uint8_t record[PROOF_RECORD_MAX], again[PROOF_RECORD_MAX];
    struct testdir t;
    struct proofs *p;
    size_t n, m;

    (void)state;
    testdir_init(&t, &window);
    assert_int_equal(proofs_new(t.signer, t.keys, &p), RES_OK);
    assert_int_equal(proofs_make(p, testdir_name(&t, 0), 0, record, &n), RES_OK);
    assert_int_equal(n, 2 * STEP_SIZE);
    check_step(&t, 0, 0, record);
    check_step(&t, 0, 1, record + STEP_SIZE);
    assert_false(proofs_get(p, 5, again, &m));
    proofs_keep(p, 5, span_of(record, n));
    assert_true(proofs_get(p, 5, again, &m));
    assert_int_equal(m, n);
    assert_memory_equal(again, record, n);
    /* The newest of two in one place stays. */
    proofs_keep(p, 5 + PROOFS_KEPT, span_of(record, STEP_SIZE));
    assert_false(proofs_get(p, 5, again, &m));
    assert_true(proofs_get(p, 5 + PROOFS_KEPT, again, &m));
    assert_int_equal(m, STEP_SIZE);
    proofs_free(p);
    testdir_release(&t);
}

/* ---- strangers ---- */

struct crowd {
    struct testdir *t;
    struct proofs *p;
    uint32_t first;
    unsigned busy, made;
};

#define CROWD 8
#define STRANGERS 40

static void *
ask_for_strangers(void *arg)
{
    struct crowd *c = arg;

    for (uint32_t i = 0; i < STRANGERS; i++) {
        uint8_t step[STEP_SIZE];
        enum result rc =
            proofs_absent(c->p, testdir_name(c->t, TESTDIR_STRANGER), c->first + i, step);

        c->busy += rc == RES_BUSY;
        c->made += rc == RES_OK;
    }
    return NULL;
}

/* Many at once: some wait, and what was made is right; then nobody waits any more. */
static void
test_strangers(void **state)
{
    uint8_t step[STEP_SIZE], again[STEP_SIZE];
    struct crowd crowd[CROWD];
    pthread_t thread[CROWD];
    struct testdir t;
    struct proofs *p;

    (void)state;
    testdir_init(&t, &window);
    assert_int_equal(proofs_new(t.signer, t.keys, &p), RES_OK);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = (struct crowd){.t = &t, .p = p, .first = i * STRANGERS};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_for_strangers, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(crowd[i].busy + crowd[i].made, STRANGERS);
    }
    for (uint32_t v = 0; v < 4; v++) {
        assert_int_equal(proofs_absent(p, testdir_name(&t, TESTDIR_STRANGER), v, step), RES_OK);
        check_step(&t, TESTDIR_STRANGER, v, step);
        assert_int_equal(proofs_absent(p, testdir_name(&t, TESTDIR_STRANGER), v, again), RES_OK);
        assert_memory_equal(step, again, STEP_SIZE);
    }
    proofs_free(p);
    testdir_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
