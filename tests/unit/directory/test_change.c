/* log/directory/change: the new version that an epoch makes of one label. */
#include "log/directory/change.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/keytrans/commitment.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define NOW UINT64_C(2000000)
#define LABELS 40 /* that the directory is said to have */

static struct testdir t;
static struct changes changes;

/* Labels 0 and 1 and the domain have three versions, label 2 none. */
static int
setup(void **state)
{
    (void)state;
    testdir_init(&t, &(struct kt_window){.monitoring = 50});
    testdir_append(&t, 1000000, 0);
    for (uint64_t i = 1; i <= 3; i++)
        testdir_append(&t, 1000000 + i, 3 | 1u << TESTDIR_DOMAIN);
    changes_init(&changes);
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    shelf_view_end(t.view);
    changes_release(&changes);
    changes_release(&changes); /* twice does no harm */
    testdir_release(&t);
    return 0;
}

static struct change_parts
parts(void)
{
    return (struct change_parts){
        .view = t.view, .rows = t.rows, .versions = t.versions, .keys = t.keys, .held = &t.held};
}

static enum result
add(struct touch *touches, size_t n)
{
    struct change_parts p = parts();
    struct touch *at[4];

    assert_true(n <= 4);
    for (size_t i = 0; i < n; i++)
        at[i] = &touches[i];
    return changes_add(&changes, &p, at, n, NOW);
}

/* A record that nothing but its number has. */
static struct touch
touch(unsigned label, uint64_t number)
{
    struct touch ret = {.label = t.label[label].name, .index = number};
    struct mailbox_record *m = &ret.record;

    hash_sha256(span_of(&number, sizeof(number)), &m->key_id);
    hash_leaf(span_of(&number, sizeof(number)), &ret.leaf_hash);
    m->precert_index = number;
    m->final_index = MAILBOX_NO_INDEX;
    m->not_before = number;
    m->not_after = NOW;
    m->purpose = MAILBOX_BOTH;
    m->source = MAILBOX_SAN_RFC822;
    m->status = MAILBOX_GOOD;
    m->address = span_of(t.label[label].name.b + 1, t.label[label].name.n - 1);
    return ret;
}

static const struct change *
last(void)
{
    assert_true(changes.n > 0);
    return &changes.at[changes.n - 1];
}

/* The value of the last change, behind its length; its commitment follows from it. */
static struct mailbox_state
value_of_last(void)
{
    const struct change *c = last();
    struct span all = buf_span(&changes.value), value = span_of(all.p + 4, all.n - 4);
    struct reader in = reader_of(value), length = reader_of(span_of(all.p, 4));
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct mailbox_state s = {.n = 0};
    struct hash commitment;

    assert_int_equal(get_u32(&length), value.n);
    assert_int_equal(keyring_opening(t.keys, c->number, c->version, opening), RES_OK);
    assert_int_equal(
        commitment_make(opening, span_of(c->label.b, c->label.n), c->version, all, &commitment),
        RES_OK);
    assert_true(hash_equal(&commitment, &c->commitment));
    assert_true(c->state_n > 0);
    assert_int_equal(c->state + c->state_n, changes.bytes.n);
    if (c->label.b[0] == LABEL_MAILBOX) {
        mailbox_state_get(&in, &s);
        assert_int_equal(reader_end(&in), RES_OK);
    }
    return s;
}

/* ---- versions ---- */

static void
a_new_label_gets_the_next_number(void **state)
{
    struct touch one = touch(2, 100), other = touch(3, 101);

    (void)state;
    changes_clear(&changes, LABELS);
    assert_int_equal(add(&one, 1), RES_OK);
    assert_true(last()->fresh);
    assert_int_equal(last()->number, LABELS);
    assert_int_equal(last()->version, 0);
    assert_int_equal(last()->previous, VERSION_NONE);
    assert_int_equal(changes.labels, LABELS + 1);
    struct mailbox_state s = value_of_last();
    assert_int_equal(s.n, 1);
    assert_int_equal(s.total, 1);
    assert_int_equal(add(&other, 1), RES_OK);
    assert_int_equal(last()->number, LABELS + 1);
    assert_int_equal(changes.n, 2);
    assert_int_equal(changes.at[0].state, 0);
    assert_int_equal(changes.at[1].state, changes.at[0].state_n);
    (void)value_of_last();
    changes_clear(&changes, LABELS);
    assert_int_equal(changes.n + changes.bytes.n, 0);
    assert_int_equal(changes.labels, LABELS);
}

static void
a_known_label_gets_the_next_version(void **state)
{
    struct touch one = touch(1, 100);
    struct version_row row;
    uint64_t seq;

    (void)state;
    changes_clear(&changes, LABELS);
    assert_int_equal(add(&one, 1), RES_OK);
    assert_false(last()->fresh);
    assert_int_equal(last()->version, 3);
    assert_int_equal(changes.labels, LABELS);
    assert_int_equal(versions_newest(t.versions, t.view, t.rows, testdir_name(&t, 1), &seq, &row),
                     RES_OK);
    assert_int_equal(last()->previous, seq);
    assert_int_equal(last()->text, row.label);
    struct mailbox_state s = value_of_last();
    assert_int_equal(s.total, 4); /* with those of the versions before */
}

static void
what_is_there_already_makes_no_version(void **state)
{
    struct touch one = touch(1, 100), same[2] = {touch(0, 100), touch(0, 100)};
    size_t bytes;

    (void)state;
    changes_clear(&changes, LABELS);
    assert_int_equal(add(&one, 1), RES_OK);
    bytes = changes.bytes.n;
    /* The record that version 0 of label 0 holds, as testdir made it. */
    struct reader in = reader_of(span_of(t.label[0].at[0].value, t.label[0].at[0].value_n));
    struct mailbox_state s;
    mailbox_state_get(&in, &s);
    assert_int_equal(s.n, 1);
    in = reader_of(s.records);
    struct touch known = touch(0, 0);
    mailbox_record_get(&in, &known.record);
    assert_int_equal(add(&known, 1), RES_OK);
    assert_int_equal(changes.n, 1);
    assert_int_equal(changes.bytes.n, bytes);
    assert_int_equal(changes.labels, LABELS);
    /* Twice the same is once. */
    assert_int_equal(add(same, 2), RES_OK);
    assert_int_equal(changes.n, 2);
    assert_int_equal(value_of_last().total, 4);
}

/* A precertificate and its certificate in one epoch are one record. */
static void
touches_of_one_label_make_one_version(void **state)
{
    struct touch pair[3] = {touch(2, 100), touch(2, 100), touch(2, 102)};
    struct mailbox_record m;

    (void)state;
    pair[1].index = 101;
    pair[1].record.precert_index = MAILBOX_NO_INDEX;
    pair[1].record.final_index = 101;
    memset(pair[1].record.certificate_sha256.b, 5, HASH_SIZE);
    changes_clear(&changes, LABELS);
    assert_int_equal(add(pair, 3), RES_OK);
    assert_int_equal(changes.n, 1);
    struct mailbox_state s = value_of_last();
    assert_int_equal(s.n, 2);
    struct reader in = reader_of(s.records);
    mailbox_record_get(&in, &m); /* the newest first */
    assert_int_equal(m.precert_index, 102);
    mailbox_record_get(&in, &m);
    assert_int_equal(m.precert_index, 100);
    assert_int_equal(m.final_index, 101);
}

static void
a_domain_has_its_entries(void **state)
{
    struct touch two[2] = {touch(TESTDIR_DOMAIN, 3), touch(TESTDIR_DOMAIN, 4)};
    struct domain_state d;

    (void)state;
    changes_clear(&changes, LABELS);
    assert_int_equal(add(two, 2), RES_OK);
    assert_int_equal(last()->version, 3);
    (void)value_of_last();
    struct reader in = reader_of(span_of(changes.value.p + 4, changes.value.n - 4));
    domain_state_get(&in, &d);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_int_equal(d.count, 5);
}

/* ---- outputs ---- */

/* Ladders ask for versions to come, so that their outputs stand in proof records. */
static void
an_output_that_was_made_is_taken(void **state)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    struct touch one = touch(0, 100);
    struct shelf_txn *txn;
    struct version_row row;
    struct proofs *proofs;
    uint8_t record[PROOF_RECORD_MAX];
    uint64_t seq;
    size_t n;

    (void)state;
    changes_clear(&changes, LABELS);
    assert_int_equal(add(&one, 1), RES_OK);
    assert_int_equal(last()->version, 3);
    assert_false(last()->has_output);
    uint32_t owner = steps_owner(3);
    assert_true(owner < 3);
    assert_true(steps_of(owner, ladder) > 0);
    assert_int_equal(
        versions_find(t.versions, t.view, t.rows, testdir_name(&t, 0), owner, &seq, &row), RES_OK);
    assert_int_equal(proofs_new(t.signer, t.keys, &proofs), RES_OK);
    assert_int_equal(proofs_make(proofs, testdir_name(&t, 0), owner, record, &n), RES_OK);
    proofs_free(proofs);
    shelf_view_end(t.view);
    assert_int_equal(shelf_begin(t.shelf, &txn), RES_OK);
    assert_int_equal(shelf_put_proofs(txn, seq, span_of(record, n)), RES_OK);
    assert_int_equal(shelf_commit(txn), RES_OK);
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    changes_clear(&changes, LABELS);
    assert_int_equal(add(&one, 1), RES_OK);
    assert_true(last()->has_output);
    assert_true(hash_equal(&last()->output, testdir_key(&t, 0, 3)));
}

/* ---- no memory ---- */

static void
each_allocation_may_fail(void **state)
{
    struct touch one = touch(0, 100), fresh = touch(3, 101);
    enum result rc = RES_MEMORY;
    size_t nth;

    (void)state;
    for (nth = 1; rc != RES_OK; nth++) {
        changes_release(&changes);
        changes_init(&changes);
        changes_clear(&changes, LABELS);
        failalloc_at(nth);
        rc = add(&one, 1);
        if (rc == RES_OK)
            rc = add(&fresh, 1);
        failalloc_at(0);
        assert_true(rc == RES_OK || rc == RES_MEMORY);
        assert_true(changes.n < 2 || rc == RES_OK);
        assert_int_equal(changes.labels, changes.n < 2 ? LABELS : LABELS + 1);
    }
    assert_int_equal(changes.n, 2);
    assert_true(nth > 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_label_gets_the_next_number),
        cmocka_unit_test(a_known_label_gets_the_next_version),
        cmocka_unit_test(what_is_there_already_makes_no_version),
        cmocka_unit_test(touches_of_one_label_make_one_version),
        cmocka_unit_test(a_domain_has_its_entries),
        cmocka_unit_test(an_output_that_was_made_is_taken),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
