/* log/directory/target: what a label is in any snapshot, against the model of a test's directory.
 */
#include "log/directory/target.h"

#include "merkle/keytrans/vrf.h"
#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define ENTRIES 60

static struct testdir t;
static struct proofs *proofs;
static struct target_parts parts;
static struct target target;
static unsigned made;

static void
on_made(void *arg, uint64_t seq, struct span record)
{
    (void)arg;
    assert_true(seq < t.rows);
    assert_true(record.n > 0 && record.n % STEP_SIZE == 0);
    made++;
}

static int
setup(void **state)
{
    struct rng r = rng_start("target");

    (void)state;
    testdir_init(&t, &(struct kt_window){.monitoring = 50});
    testdir_random(&t, &r, ENTRIES);
    assert_int_equal(proofs_new(t.signer, t.keys, &proofs), RES_OK);
    parts = (struct target_parts){
        .view = t.view, .versions = t.versions, .keys = t.keys, .proofs = proofs, .made = on_made};
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    shelf_view_end(t.view);
    proofs_free(proofs);
    testdir_release(&t);
    return 0;
}

/* Rows in the tree of that size. */
static uint64_t
rows_of(uint64_t size)
{
    uint64_t n = 0;

    for (unsigned label = 0; label < TESTDIR_LABELS; label++)
        n += testdir_versions(&t, label, size);
    return n;
}

static void
find(unsigned label, uint64_t size)
{
    assert_int_equal(target_find(&target, &parts, rows_of(size), testdir_name(&t, label)), RES_OK);
    assert_int_equal(target.present, testdir_versions(&t, label, size) > 0);
}

/* ---- rows ---- */

static void
check_row(unsigned label, uint32_t version)
{
    const struct testdir_version *want = &t.label[label].at[version];
    struct version_row row;
    uint64_t seq;

    assert_int_equal(target_row(&target, version, &seq, &row), RES_OK);
    assert_int_equal(row.version, version);
    assert_int_equal(row.entry, want->entry);
    assert_true(hash_equal(&row.leaf.commitment, &want->commitment));
    assert_true(hash_equal(&row.leaf.key, testdir_key(&t, label, version)));
    struct version_row stored;
    assert_int_equal(shelf_get_version(t.view, seq, &stored), RES_OK);
    assert_int_equal(stored.version, version);
}

static void
versions_of_every_snapshot(void **state)
{
    struct rng r = rng_start("target: rows");

    (void)state;
    for (uint64_t size = 1; size <= t.n; size++) {
        for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
            uint32_t n = testdir_versions(&t, label, size);
            struct version_row row;
            uint64_t seq;

            find(label, size);
            assert_int_equal(target_row(&target, n, &seq, &row), RES_ABSENT);
            if (n == 0)
                continue;
            assert_int_equal(target.greatest, n - 1);
            assert_int_equal(target.last_entry, t.label[label].at[n - 1].entry);
            for (unsigned i = 0; i < 8; i++)
                check_row(label, (uint32_t)(rng_next(&r) % n));
        }
    }
}

static void
versions_in_any_order(void **state)
{
    uint32_t n = (uint32_t)t.label[0].n;

    (void)state;
    assert_true(n > TARGET_ROWS); /* some must be forgotten */
    find(0, t.n);
    for (uint32_t v = 0; v < n; v++)
        check_row(0, v);
    for (uint32_t v = n; v-- > 0;)
        check_row(0, v);
    find(0, t.n);
    for (uint32_t v = n; v-- > 0;)
        check_row(0, v);
    for (uint32_t v = 0; v < n; v++) {
        check_row(0, v);
        check_row(0, (v + TARGET_ROWS) % n); /* in the same place */
    }
}

static void
the_greatest_version_at_every_entry(void **state)
{
    (void)state;
    for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
        for (uint64_t size = 1; size <= t.n; size += 7) {
            find(label, size);
            for (uint64_t x = 0; x < size; x++) {
                int64_t greatest = -7;

                assert_int_equal(target_greatest_at(&target, x, &greatest), RES_OK);
                assert_int_equal(greatest, (int64_t)testdir_versions(&t, label, x + 1) - 1);
            }
        }
    }
}

/* ---- steps ---- */

static void
check_step(unsigned label, uint32_t version)
{
    struct vrf_public key;
    struct vrf_input alpha;
    uint8_t beta[VRF_BETA_SIZE];
    const uint8_t *step;

    assert_int_equal(target_step(&target, version, &step), RES_OK);
    assert_int_equal(vrf_public_parse(t.kt.vrf_key, &key), RES_OK);
    assert_int_equal(vrf_input(testdir_name(&t, label), version, &alpha), RES_OK);
    assert_int_equal(vrf_verify(&key, vrf_input_span(&alpha), step + HASH_SIZE, beta), RES_OK);
    assert_memory_equal(beta, step, HASH_SIZE);
}

/* The steps of the ladders of all versions, more than are remembered; made once. */
static void
steps_are_those_of_ladders(void **state)
{
    uint32_t n = (uint32_t)t.label[1].n, ladder[LADDER_STEPS_MAX];

    (void)state;
    assert_true(n > TARGET_RECORDS);
    for (unsigned round = 0; round < 2; round++) {
        find(1, t.n);
        for (uint32_t v = n; v-- > 0;) {
            unsigned steps = ladder_base(v, ladder);
            for (unsigned i = 0; i < steps; i++)
                check_step(1, ladder[i]);
        }
        if (round == 0) {
            assert_true(made > 0);
            made = 0;
        }
    }
    assert_int_equal(made, 0);
}

static void
strangers_have_two_steps(void **state)
{
    const uint8_t *first, *again;

    (void)state;
    find(TESTDIR_STRANGER, t.n);
    made = 0;
    check_step(TESTDIR_STRANGER, 0);
    check_step(TESTDIR_STRANGER, 1);
    assert_int_equal(target_step(&target, 0, &first), RES_OK);
    assert_int_equal(target_step(&target, 0, &again), RES_OK);
    assert_ptr_equal(first, again);
    assert_int_equal(made, 0); /* nobody writes them */
    assert_int_equal(target_step(&target, 2, &first), RES_STORE_DAMAGED);
}

/* ---- for a recorder ---- */

static void
a_recorder_is_told_the_same(void **state)
{
    (void)state;
    for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
        struct record_label l;
        uint32_t n = testdir_versions(&t, label, t.n), ladder[LADDER_STEPS_MAX];
        unsigned steps = ladder_base(n == 0 ? 0 : n - 1, ladder);

        find(label, t.n);
        l = target_label(&target);
        for (unsigned i = 0; i < steps; i++) {
            uint64_t entry = 0;
            struct hash key;
            bool there = false;

            assert_int_equal(l.key(l.arg, ladder[i], &key), RES_OK);
            assert_true(hash_equal(&key, testdir_key(&t, label, ladder[i])));
            assert_int_equal(l.inserted(l.arg, ladder[i], &entry, &there), RES_OK);
            assert_int_equal(there, ladder[i] < n);
            if (there)
                assert_int_equal(entry, t.label[label].at[ladder[i]].entry);
        }
    }
}

/* The last test: whose key is gone has a tombstone, or is about to get it. */
static void
a_key_that_is_gone_waits_for_its_tombstone(void **state)
{
    (void)state;
    find(2, t.n);
    assert_true(target.present);
    assert_int_equal(keyring_erase(t.keys, target.number), RES_OK);
    assert_int_equal(target_find(&target, &parts, t.rows, testdir_name(&t, 2)), RES_BUSY);
    find(1, t.n);
    check_row(1, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_of_every_snapshot),
        cmocka_unit_test(versions_in_any_order),
        cmocka_unit_test(the_greatest_version_at_every_entry),
        cmocka_unit_test(steps_are_those_of_ladders),
        cmocka_unit_test(strangers_have_two_steps),
        cmocka_unit_test(a_recorder_is_told_the_same),
        cmocka_unit_test(a_key_that_is_gone_waits_for_its_tombstone),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
