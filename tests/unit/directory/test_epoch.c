/* Epochs: what stands follows from the recipes, whoever makes them, however often they are begun.
 */
#include "log/directory/bindings.h"
#include "log/directory/erasure.h"
#include "log/directory/state.h"
#include "merkle/leaf/address.h"
#include "tests/fault/failalloc.h"
#include "tests/fault/mdbfail.h"
#include "tests/unit/directory/ground.h"
#include "tests/vectors/check.h"

#define VALUE_MAX ((size_t)1 << 20)

static struct ground_log ground;

/* The log's entries: addresses and what they are good for. */
enum {
    ALICE_PRE,    /* announced */
    ALICE,        /* and issued */
    ALICE_AGAIN,  /* the same TBS under another signature */
    BOB_OLD,      /* expires before the epochs begin */
    BOB,          /* two mailboxes in two domains */
    CAROL_BOUND,  /* under the second root */
    ALICE_SECOND, /* another certificate */
    NOBODY,       /* names no mailbox */
    BOB_THIRD,
    MAILS
};

static int
make_log(void **state)
{
    static const struct mail mails[] = {
        [ALICE_PRE] = {.san = "email:Alice@one.example", .serial = 1, .precert = true},
        [ALICE] = {.san = "email:Alice@one.example", .serial = 1, .scts = true},
        [ALICE_AGAIN] = {.san = "email:Alice@one.example", .serial = 1},
        [BOB_OLD] = {.san = "email:bob@one.example", .serial = 2, .not_after = GROUND_S},
        [BOB] = {.san = "email:bob@one.example,email:bob@two.example",
                 .serial = 3,
                 .usage = "critical,keyAgreement"},
        [CAROL_BOUND] = {.san = "email:carol@one.example,email:carol@two.example",
                         .serial = 4,
                         .bound = true},
        [ALICE_SECOND] = {.san = "email:alice@one.example", .serial = 5},
        [NOBODY] = {.san = "DNS:www.one.example", .serial = 6},
        [BOB_THIRD] = {.san = "email:bob@one.example", .serial = 7},
    };

    (void)state;
    ground_log_init(&ground, mails, MAILS);
    return 0;
}

static int
drop_log(void **state)
{
    (void)state;
    ground_log_release(&ground);
    return 0;
}

static struct mailbox_state
mailbox_of(struct ground *d, const char *name, uint32_t version, struct buf *out,
           struct mailbox_record *ret, unsigned n)
{
    struct mailbox_state s;

    (void)ground_value(d, LABEL_MAILBOX, name, version, out);
    struct reader in = reader_of(buf_span(out));
    mailbox_state_get(&in, &s);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_int_equal(s.n, n);
    in = reader_of(s.records);
    for (unsigned i = 0; i < n; i++)
        mailbox_record_get(&in, &ret[i]);
    return s;
}

/* ---- what epochs hold ---- */

static void
one_entry_an_epoch(void **state)
{
    struct buf out = BUF_INIT(VALUE_MAX);
    struct mailbox_record r[4];
    struct ground d;

    (void)state;
    ground_new(&d, &ground, NULL);
    ground_run(&d, 0);
    ground_audit(&d);
    for (uint64_t i = 1; i <= MAILS; i++) {
        ground_run(&d, i);
        ground_audit(&d);
    }
    /* announced; issued; the same again is nothing new; another */
    assert_int_equal(ground_versions(&d, LABEL_MAILBOX, "alice@one.example"), 3);
    (void)mailbox_of(&d, "alice@one.example", 0, &out, r, 1);
    assert_int_equal(r[0].precert_index, ALICE_PRE);
    assert_int_equal(r[0].final_index, MAILBOX_NO_INDEX);
    assert_true(span_equal(r[0].address, span_str("Alice@one.example")));
    assert_int_equal(r[0].source, MAILBOX_SAN_RFC822);
    (void)mailbox_of(&d, "alice@one.example", 1, &out, r, 1);
    assert_int_equal(r[0].precert_index, ALICE_PRE);
    assert_int_equal(r[0].final_index, ALICE);
    (void)mailbox_of(&d, "alice@one.example", 2, &out, r, 2);
    /* what has expired is counted alone */
    assert_int_equal(ground_versions(&d, LABEL_MAILBOX, "bob@one.example"), 3);
    assert_int_equal(mailbox_of(&d, "bob@one.example", 0, &out, r, 0).total, 1);
    assert_int_equal(mailbox_of(&d, "bob@one.example", 1, &out, r, 1).total, 2);
    assert_int_equal(r[0].purpose, MAILBOX_ENCRYPT);
    assert_int_equal(ground_versions(&d, LABEL_MAILBOX, "bob@two.example"), 1);
    assert_int_equal(ground_versions(&d, LABEL_MAILBOX, "carol@one.example"), 1);
    assert_int_equal(ground_versions(&d, LABEL_MAILBOX, "nobody@one.example"), 0);
    /* a domain counts every entry under it */
    assert_int_equal(ground_versions(&d, LABEL_DOMAIN, "one.example"), 8);
    assert_int_equal(ground_versions(&d, LABEL_DOMAIN, "two.example"), 2);
    assert_int_equal(ground_head(&d).labels, 7);
    ground_release(&d);
    buf_release(&out);
}

/* The leaf of an entry under a domain, by hand: index and leaf hash. */
static void
domain_leaf(uint64_t index, struct hash *ret)
{
    uint8_t bytes[8 + HASH_SIZE] = {[7] = (uint8_t)index};
    struct hash leaf;

    ground_leaf(&ground, index, &leaf);
    memcpy(bytes + 8, leaf.b, HASH_SIZE);
    hash_leaf(span_of(bytes, sizeof(bytes)), ret);
}

static void
all_entries_in_one_epoch(void **state)
{
    static const uint64_t TWO[] = {BOB, CAROL_BOUND};
    struct buf out = BUF_INIT(VALUE_MAX);
    struct mailbox_record r[4];
    struct domain_state domain;
    struct hash leaf[2], root;
    struct ground d;

    (void)state;
    ground_new(&d, &ground, NULL);
    ground_run(&d, 0);
    ground_run(&d, MAILS);
    ground_audit(&d);
    assert_int_equal(ground_head(&d).versions, 7); /* of each label one */
    (void)mailbox_of(&d, "alice@one.example", 0, &out, r, 2);
    (void)mailbox_of(&d, "bob@one.example", 0, &out, r, 2);
    (void)ground_value(&d, LABEL_DOMAIN, "two.example", 0, &out);
    struct reader in = reader_of(buf_span(&out));
    domain_state_get(&in, &domain);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_int_equal(domain.count, 2);
    for (size_t i = 0; i < 2; i++)
        domain_leaf(TWO[i], &leaf[i]);
    testlog_mth(leaf, 2, &root);
    assert_true(hash_equal(&domain.root, &root));
    ground_release(&d);
    buf_release(&out);
}

static void
an_epoch_of_nothing_changes_no_label(void **state)
{
    struct ground d;

    (void)state;
    ground_new(&d, &ground, NULL);
    ground_run(&d, BOB);
    struct directory_head before = ground_head(&d);
    ground_run(&d, BOB);
    ground_audit(&d);
    assert_int_equal(ground_head(&d).versions, before.versions);
    assert_int_equal(ground_head(&d).size, before.size + 1);
    ground_release(&d);
}

static void
put_binding(struct buf *acts, const char *domain)
{
    struct buf body = BUF_INIT(1024);
    struct writer w = writer_to(&body);

    if (domain != NULL) {
        put_u16(&w, 1);
        put_bytes(&w, hash_span(&ground.second_sha256));
        put_u16(&w, 1);
        put_vec8(&w, span_str(domain));
    }
    assert_int_equal(writer_end(&w), RES_OK);
    w = writer_to(acts);
    act_put(&w, &(struct act){ACT_BINDINGS, buf_span(&body)});
    assert_int_equal(writer_end(&w), RES_OK);
    buf_release(&body);
}

/* A binding acts from its epoch on, over restarts, until another act. */
static void
bound_roots_enter_for_their_domains(void **state)
{
    static const struct {
        const char *says;
        const char *domain;
        unsigned one, two;
    } ROWS[] = {
        {"public", NULL, 1, 1},
        {"bound to the first", "one.example", 1, 0},
        {"bound to the second", "two.example", 0, 1},
        {"bound to another", "three.example", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct buf acts = BUF_INIT(1024);
        struct ground d;
        bool committed;

        ground_new(&d, &ground, NULL);
        struct recipe q = ground_recipe(&d, BOB);
        if (ROWS[i].domain != NULL) {
            put_binding(&acts, ROWS[i].domain);
            q.acts_n = 1;
            q.acts = buf_span(&acts);
        }
        assert_int_equal(epoch_run(d.epoch, &q, 1, NULL, 0, &committed), RES_OK);
        ground_close(&d); /* it is read again */
        ground_open(&d);
        assert_int_equal(epoch_bindings(d.epoch).n > 0, ROWS[i].domain != NULL);
        ground_run(&d, MAILS);
        ground_audit(&d);
        if (ground_versions(&d, LABEL_MAILBOX, "carol@one.example") != ROWS[i].one ||
            ground_versions(&d, LABEL_MAILBOX, "carol@two.example") != ROWS[i].two)
            fail_msg("%s", ROWS[i].says);
        /* the domain's list follows the mailboxes that enter; bob is in both as well */
        assert_int_equal(ground_versions(&d, LABEL_DOMAIN, "two.example"), 1);
        buf_clear(&acts);
        put_binding(&acts, NULL);
        q = ground_recipe(&d, MAILS);
        q.acts_n = 1;
        q.acts = buf_span(&acts);
        assert_int_equal(epoch_run(d.epoch, &q, 1, NULL, 0, &committed), RES_OK);
        assert_int_equal(epoch_bindings(d.epoch).n, 0);
        ground_close(&d);
        ground_open(&d);
        assert_int_equal(epoch_bindings(d.epoch).n, 0);
        ground_release(&d);
        buf_release(&acts);
    }
}

/* ---- the same bytes ---- */

static const uint64_t STEPS[] = {0, 2, 2, 5, 6, MAILS};
#define STEPS_N (sizeof(STEPS) / sizeof(STEPS[0]))

static void
run_all(struct ground *d, bool reopen)
{
    while (epoch_size(d->epoch) < STEPS_N) {
        ground_run(d, STEPS[epoch_size(d->epoch)]);
        if (reopen) {
            ground_close(d);
            ground_open(d);
        }
    }
}

static void
the_same_recipes_and_keys_make_the_same_bytes(void **state)
{
    struct ground a, b, c;

    (void)state;
    ground_new(&a, &ground, NULL);
    ground_new(&b, &ground, &a);
    ground_new(&c, &ground, NULL);
    run_all(&a, false);
    run_all(&b, true);
    run_all(&c, false);
    ground_audit(&a);
    ground_same(&a, &b);
    /* other keys: other commitments */
    struct directory_head x = ground_head(&a), y = ground_head(&c);
    assert_false(hash_equal(&x.root, &y.root));
    ground_release(&a);
    ground_release(&b);
    ground_release(&c);
}

/* The proof record of alice's version 0, which owns the steps 0 and 1. */
static struct epoch_proof
proof_of_alice(struct ground *d, uint8_t record[static 2 * STEP_SIZE])
{
    static const uint8_t NAME[] = "\001alice@one.example";
    struct span label = span_of(NAME, sizeof(NAME) - 1);
    struct epoch_proof p = {0, span_of(record, (size_t)2 * STEP_SIZE)};
    struct version_row row;

    for (uint32_t v = 0; v < 2; v++) {
        uint8_t *at = record + (size_t)v * STEP_SIZE;
        struct hash h;

        assert_int_equal(signer_vrf_output(ground.signer, label, v, &h), RES_OK);
        memcpy(at, h.b, HASH_SIZE);
        assert_int_equal(signer_vrf_prove(ground.signer, label, v, at + HASH_SIZE), RES_OK);
    }
    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    assert_int_equal(versions_find(d->versions, d->view, 2, label, 0, &p.seq, &row), RES_OK);
    shelf_view_end(d->view);
    return p;
}

/* Outputs that stand in proof records are taken, and are those that the signer would make. */
static void
outputs_are_taken_from_proofs(void **state)
{
    struct ground a, b;
    uint8_t record[2 * STEP_SIZE];
    bool committed;

    (void)state;
    ground_new(&a, &ground, NULL);
    ground_new(&b, &ground, &a);
    ground_run(&a, ALICE);
    ground_run(&b, ALICE);
    struct epoch_proof p = proof_of_alice(&b, record);
    assert_int_equal(epoch_proofs(b.epoch, &p, 1, &committed), RES_OK);
    assert_true(committed);
    ground_run(&a, MAILS);
    ground_run(&b, MAILS);
    ground_audit(&b);
    ground_same(&a, &b);
    ground_release(&a);
    ground_release(&b);
}

/* ---- refused recipes ---- */

static void
what_does_not_follow_is_refused(void **state)
{
    static const struct {
        const char *says;
        int number, certificates, time;
        bool root;
        enum result rc;
    } ROWS[] = {
        {"an epoch is left out", 1, 0, 0, false, RES_BUG},
        {"the same one again", -1, 0, 0, false, RES_BUG},
        {"time goes back", 0, 0, -2001, false, RES_BUG},
        {"the log shrinks", 0, -5, 0, false, RES_BUG},
        {"the log has another root", 0, 0, 0, true, RES_STORE_DAMAGED},
        {"the log does not have so many", 0, 1, 0, false, RES_STORE_DAMAGED},
    };
    struct ground d, twin;

    (void)state;
    ground_new(&d, &ground, NULL);
    ground_new(&twin, &ground, &d);
    for (int i = 0; i < 2; i++) {
        ground_run(&d, 4);
        ground_run(&twin, 4);
    }
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct recipe q = ground_recipe(&d, MAILS);
        bool committed = true;

        q.number += (uint64_t)ROWS[i].number;
        q.timestamp += (uint64_t)ROWS[i].time;
        if (ROWS[i].certificates < 0)
            q.certificates = 3;
        else
            q.certificates += (uint64_t)ROWS[i].certificates;
        q.certificates_root.b[31] ^= ROWS[i].root;
        enum result rc = epoch_run(d.epoch, &q, 1, NULL, 0, &committed);
        if (rc != ROWS[i].rc || committed)
            fail_msg("%s: %s", ROWS[i].says, result_name(rc));
        assert_int_equal(ground_head(&d).size, 2);
    }
    ground_run(&d, MAILS);
    ground_run(&twin, MAILS);
    ground_same(&d, &twin);
    ground_release(&d);
    ground_release(&twin);
}

/* ---- failures ---- */

static void
memory_that_fails_leaves_the_epoch_to_be_made(void **state)
{
    struct ground twin;
    size_t n = 1;
    unsigned told = 0;

    (void)state;
    ground_new(&twin, &ground, NULL);
    run_all(&twin, false);
    for (size_t i = 1; i <= n; i += 1 + i / 50) {
        struct ground d;
        bool committed;

        ground_new(&d, &ground, &twin);
        for (size_t k = 0; k + 1 < STEPS_N; k++)
            ground_run(&d, STEPS[k]);
        struct recipe q = ground_recipe(&d, MAILS);
        failalloc_at(i);
        enum result rc = epoch_run(d.epoch, &q, 110 * STEPS_N, NULL, 0, &committed);
        if (i == 1)
            n = 200; /* until one passes */
        if (rc == RES_OK && failalloc_count() < i)
            n = i;
        failalloc_at(0);
        if (rc != RES_OK) {
            assert_int_equal(rc, RES_MEMORY);
            told++;
            if (committed) { /* the process would end */
                ground_close(&d);
                ground_open(&d);
            }
            if (ground_head(&d).size < STEPS_N) /* the same recipe again, by the same epoch */
                assert_int_equal(epoch_run(d.epoch, &q, 110 * STEPS_N, NULL, 0, &committed),
                                 RES_OK);
        }
        ground_same(&d, &twin);
        ground_release(&d);
    }
    print_message("%u allocations failed\n", told);
    assert_true(told > 20);
    ground_release(&twin);
}

/* A call of LMDB's that fails, before or after it did its work: the epoch stands whole or not at
 * all. */
static void
a_store_that_fails_has_the_epoch_or_not(void **state)
{
    struct ground twin;
    unsigned stood = 0, gone = 0;

    (void)state;
    ground_new(&twin, &ground, NULL);
    run_all(&twin, false);
    for (enum mdbfail_when when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++) {
        size_t n = 1;
        /* i = 0 counts; many read, and the last ones commit */
        for (size_t i = 0; i <= n; i += i + 20 < n ? 1 + i / 8 : 1) {
            struct ground d;
            bool committed;

            ground_new(&d, &ground, &twin);
            for (size_t k = 0; k + 1 < STEPS_N; k++)
                ground_run(&d, STEPS[k]);
            struct recipe q = ground_recipe(&d, MAILS);
            mdbfail_at(i, when);
            enum result rc = epoch_run(d.epoch, &q, 110 * STEPS_N, NULL, 0, &committed);
            if (i == 0)
                n = mdbfail_count();
            mdbfail_at(0, MDBFAIL_BEFORE);
            ground_close(&d); /* the process ends */
            ground_open(&d);
            bool stands = ground_head(&d).size == STEPS_N;
            if (rc == RES_OK)
                assert_true(stands);
            if (!committed)
                assert_false(stands);
            stood += rc != RES_OK && stands;
            gone += rc != RES_OK && !stands;
            if (!stands)
                assert_int_equal(epoch_run(d.epoch, &q, 110 * STEPS_N, NULL, 0, &committed),
                                 RES_OK);
            ground_same(&d, &twin);
            ground_release(&d);
        }
    }
    print_message("failed with the epoch %u times, without it %u times\n", stood, gone);
    assert_true(stood > 0 && gone > 5);
    ground_audit(&twin);
    ground_release(&twin);
}

/* ---- erasing ---- */

static const uint64_t alices[] = {ALICE_PRE, ALICE, ALICE_AGAIN, ALICE_SECOND};
#define ALICES (sizeof(alices) / sizeof(alices[0]))

/* The act that erases alice, whose bodies are hers alone. */
static void
erasure_of_alice(struct ground *d, struct buf *out)
{
    static const uint8_t one_version[ERASURE_VERSION_SIZE];
    const struct span name = span_str("\1alice@one.example");
    struct buf bodies = BUF_INIT(1024), body = BUF_INIT(4096);
    struct writer b = writer_to(&bodies), w = writer_to(&body), act = writer_to(out);
    struct erasure e = {.reason = MAILBOX_ERASED_REQUEST,
                        .count = 3,
                        .versions = span_of(one_version, sizeof(one_version)),
                        .bodies_n = ALICES};
    struct version_row row;
    struct label text;
    uint64_t rows = ground_head(d).versions;

    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    assert_int_equal(versions_newest(d->versions, d->view, rows, name, &e.newest, &row), RES_OK);
    assert_int_equal(versions_label(d->view, d->keys, row.label, &text, &e.number), RES_OK);
    shelf_view_end(d->view);
    versions_erasure_text(d->keys, name, row.version + 1, &e.text);
    hash_sha256(span_str("output"), &e.output);
    hash_sha256(span_str("commitment"), &e.commitment);
    for (size_t i = 0; i < ALICES; i++)
        erasure_body_put(&b, &(struct erasure_body){.index = alices[i]});
    assert_int_equal(writer_end(&b), RES_OK);
    e.bodies = buf_span(&bodies);
    erasure_put(&w, &e);
    assert_int_equal(writer_end(&w), RES_OK);
    act_put(&act, &(struct act){ACT_ERASE, buf_span(&body)});
    assert_int_equal(writer_end(&act), RES_OK);
    buf_release(&bodies);
    buf_release(&body);
}

/* Bodies and key are gone, others not. */
static void
check_gone(struct ground *d)
{
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    unsigned erased = 0;
    struct store_view *v;

    assert_int_equal(store_view_new(d->log->store, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    for (uint64_t i = 0; i < MAILS; i++) {
        struct store_entry e;
        bool hers = false;

        for (size_t k = 0; k < ALICES; k++)
            hers = hers || alices[k] == i;
        assert_int_equal(store_get_entry(v, i, &e), hers ? RES_ERASED : RES_OK);
    }
    store_view_end(v);
    store_view_free(v);
    for (uint64_t n = 0; n < 20; n++)
        erased += keyring_opening(d->keys, n, 0, opening) == RES_ABSENT;
    assert_int_equal(erased, 1);
}

/* Whichever call of LMDB's fails, of the certificate log's store or the directory's: the same
 * recipe leads to the same bytes, with bodies and key gone. */
static void
a_store_that_fails_while_a_mailbox_is_erased(void **state)
{
    struct ground donor, twin;
    struct buf acts = BUF_INIT(8192), saved = BUF_INIT((size_t)64 << 20);
    unsigned stood = 0, undone = 0;
    bool committed;

    (void)state;
    ground_log_save(&ground, &saved);
    ground_new(&donor, &ground, NULL);
    ground_close(&donor);
    ground_new(&twin, &ground, &donor);
    run_all(&twin, false);
    erasure_of_alice(&twin, &acts);
    struct recipe q = ground_recipe(&twin, MAILS);
    q.acts_n = 1;
    q.acts = buf_span(&acts);
    assert_int_equal(epoch_run(twin.epoch, &q, 999, NULL, 0, &committed), RES_OK);
    check_gone(&twin);
    ground_close(&twin);
    for (enum mdbfail_when when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++) {
        size_t n = 1;

        for (size_t i = 0; i <= n; i++) {
            struct ground d;

            ground_log_restore(&ground, &saved);
            ground_new(&d, &ground, &donor);
            run_all(&d, false);
            mdbfail_at(i, when);
            enum result rc = epoch_run(d.epoch, &q, 999, NULL, 0, &committed);
            if (i == 0)
                n = mdbfail_count();
            mdbfail_at(0, MDBFAIL_BEFORE);
            ground_close(&d); /* the process ends */
            ground_log_reopen(&ground);
            ground_open(&d);
            bool stands = ground_head(&d).size == q.number + 1;
            assert_true(rc != RES_OK || stands);
            stood += rc != RES_OK && stands;
            undone += rc != RES_OK && !stands;
            if (!stands)
                assert_int_equal(epoch_run(d.epoch, &q, 999, NULL, 0, &committed), RES_OK);
            ground_open(&twin);
            ground_same(&d, &twin);
            ground_close(&twin);
            check_gone(&d);
            ground_release(&d);
        }
    }
    print_message("failed with the epoch %u times, without it %u times\n", stood, undone);
    assert_true(stood > 0 && undone > 5);
    ground_log_restore(&ground, &saved);
    ground_release(&twin);
    ground_release(&donor);
    buf_release(&acts);
    buf_release(&saved);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_entry_an_epoch),
        cmocka_unit_test(all_entries_in_one_epoch),
        cmocka_unit_test(an_epoch_of_nothing_changes_no_label),
        cmocka_unit_test(bound_roots_enter_for_their_domains),
        cmocka_unit_test(the_same_recipes_and_keys_make_the_same_bytes),
        cmocka_unit_test(outputs_are_taken_from_proofs),
        cmocka_unit_test(what_does_not_follow_is_refused),
        cmocka_unit_test(memory_that_fails_leaves_the_epoch_to_be_made),
        cmocka_unit_test(a_store_that_fails_has_the_epoch_or_not),
        cmocka_unit_test(a_store_that_fails_while_a_mailbox_is_erased),
    };

    return cmocka_run_group_tests(tests, make_log, drop_log);
}
