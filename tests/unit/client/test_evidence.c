/* client/evidence: what a file proves about a log, checked by its own bytes. */
#include "client/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

static const struct entry ENTRY = {.type = ENTRY_X509,
                                   .body = {.p = (const uint8_t *)"a certificate", .n = 13}};

static const struct {
    const char *says;
    uint64_t size[2], timestamp[2];
    bool fork, answered;
    enum evidence_verdict verdict;
    const char *finding;
} heads[] = {
    {"two roots of one size", {5, 5}, {1000, 2000}, true, false, EVIDENCE_PROVED, "fork"},
    {"smaller and later", {5, 4}, {1000, 2000}, false, false, EVIDENCE_PROVED, "shrank"},
    {"one instant, two sizes", {5, 6}, {1000, 1000}, false, false, EVIDENCE_PROVED, "same-time"},
    {"grown, nobody asked for the proof",
     {5, 6},
     {1000, 2000},
     false,
     false,
     EVIDENCE_UNPROVED,
     "unproved"},
    {"grown from a forked prefix", {5, 6}, {1000, 2000}, true, true, EVIDENCE_UNPROVED, "unproved"},
    {"grown, and the answer shows it",
     {5, 6},
     {1000, 2000},
     false,
     true,
     EVIDENCE_AGREES,
     "agrees"},
    {"the same, the newer one first", {6, 5}, {2000, 1000}, false, true, EVIDENCE_AGREES, "agrees"},
    {"the same tree signed twice", {5, 5}, {1000, 2000}, false, false, EVIDENCE_AGREES, "agrees"},
};

static void
make_heads(struct testlog *l, size_t i, struct buf *out)
{
    struct view_head h[2];
    struct buf answer = BUF_INIT(65536);
    for (size_t k = 0; k < 2; k++) {
        if (k == 1 && heads[i].fork)
            l->leaf[0].b[0] ^= 1;
        testlog_view_head(l, heads[i].size[k], heads[i].timestamp[k], &h[k]);
    }
    if (heads[i].answered)
        testlog_consistency(l, 5, 6, &answer);
    buf_clear(out);
    assert_int_equal(evidence_write_heads(l->log,
                                          (struct evidence_head){h[0].form, buf_span(&h[0].bytes)},
                                          (struct evidence_head){h[1].form, buf_span(&h[1].bytes)},
                                          buf_span(&answer), out),
                     RES_OK);
    buf_release(&h[0].bytes);
    buf_release(&h[1].bytes);
    buf_release(&answer);
}

static void
two_heads_prove_what_they_prove(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        make_heads(&l, i, &b);
        enum result r = evidence_check(buf_span(&b), l.policy, &e);
        if (r != RES_OK || e.verdict != heads[i].verdict ||
            strcmp(e.finding, heads[i].finding) != 0)
            fail_msg("%s: %s, %s", heads[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        assert_string_equal(e.note.name, TESTLOG_ORIGIN);
        assert_true(hash_equal(&e.log_id, p256_key_id(l.log->p256)));
    }
    buf_release(&b);
    testlog_release(&l);
}

static void
every_changed_byte_is_refused(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    make_heads(&l, 0, &b);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 1;
        assert_int_not_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
        b.p[i] ^= 1;
        assert_int_not_equal(evidence_check(span_of(b.p, i), l.policy, &e), RES_OK);
    }
    buf_release(&b);
    testlog_release(&l);
}

/* Nobody can accuse a log with heads that it did not sign. */
static void
evidence_cannot_be_forged(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct view_head mine, theirs;
    struct evidence_report e;
    struct testlog l, other;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    other.leaf[0].b[0] ^= 1;
    testlog_view_head(&l, 5, 1000, &mine);
    testlog_view_head(&other, 5, 2000, &theirs);
    assert_int_equal(
        evidence_write_heads(l.log, (struct evidence_head){mine.form, buf_span(&mine.bytes)},
                             (struct evidence_head){theirs.form, buf_span(&theirs.bytes)},
                             span_of(NULL, 0), &b),
        RES_OK);
    assert_int_not_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
    buf_release(&mine.bytes);
    buf_release(&theirs.bytes);
    buf_release(&b);
    testlog_release(&l);
    testlog_release(&other);
}

static const struct {
    const char *says;
    uint64_t size, timestamp; /* the head's */
    uint64_t placed;          /* where the answer shows the leaf; 99: no answer */
    enum evidence_verdict verdict;
    const char *finding;
} promises[] = {
    {"not merged in time", 5, 61000, 99, EVIDENCE_PROVED, "not-merged"},
    {"not merged, but there is still time", 5, 60999, 99, EVIDENCE_UNPROVED, "unproved"},
    {"at another index", 9, 61000, 6, EVIDENCE_PROVED, "misplaced"},
    {"where it was promised", 9, 61000, 5, EVIDENCE_AGREES, "agrees"},
    {"covered, no proof given", 9, 61000, 99, EVIDENCE_UNPROVED, "unproved"},
};

static void
a_promise_is_kept_or_broken(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX), sct = BUF_INIT(4096), answer = BUF_INIT(65536);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        struct view_head h;
        testlog_sct(&l, &ENTRY, 1000, 5, &sct);
        buf_clear(&answer);
        if (promises[i].placed != 99) {
            if (promises[i].placed != 5) {
                l.leaf[promises[i].placed] = l.leaf[5];
                l.leaf[5].b[0] ^= 1;
            }
            testlog_proof(&l, promises[i].placed, promises[i].size, &answer);
        }
        testlog_view_head(&l, promises[i].size, promises[i].timestamp, &h);
        buf_clear(&b);
        assert_int_equal(evidence_write_promise(l.log, buf_span(&sct), &ENTRY,
                                                (struct evidence_head){h.form, buf_span(&h.bytes)},
                                                buf_span(&answer), &b),
                         RES_OK);
        enum result r = evidence_check(buf_span(&b), l.policy, &e);
        if (r != RES_OK || e.verdict != promises[i].verdict ||
            strcmp(e.finding, promises[i].finding) != 0)
            fail_msg("%s: %s, %s", promises[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        buf_release(&h.bytes);
    }
    /* An SCT over something else accuses nobody. */
    struct entry other = ENTRY;
    struct view_head h;
    other.body.n--;
    testlog_view_head(&l, 5, 61000, &h);
    buf_clear(&b);
    assert_int_equal(evidence_write_promise(l.log, buf_span(&sct), &other,
                                            (struct evidence_head){h.form, buf_span(&h.bytes)},
                                            span_of(NULL, 0), &b),
                     RES_OK);
    assert_int_equal(evidence_check(buf_span(&b), l.policy, &e), RES_SIGNATURE);
    buf_release(&h.bytes);
    buf_release(&b);
    buf_release(&sct);
    buf_release(&answer);
    testlog_release(&l);
}

static const struct {
    const char *says;
    uint64_t claimed, timestamp; /* what the file says; the head's */
    bool policy;
    enum evidence_verdict verdict;
} delays[] = {
    {"no delay at all, made up", 0, 60999, true, EVIDENCE_UNPROVED},
    {"a shorter one than the policy's, made up", 1000, 60999, true, EVIDENCE_UNPROVED},
    {"none, but the policy's has passed as well", 0, 61000, true, EVIDENCE_PROVED},
    {"a longer one than the policy's, made up", 604800000, 61000, true, EVIDENCE_PROVED},
    {"the right one, but nobody to vouch for it", 60000, 61000, false, EVIDENCE_UNPROVED},
    {"no delay and nobody to vouch for it", 0, 1001, false, EVIDENCE_UNPROVED},
};

/* Nothing that the log signed says how long it may take: the file must not. */
static void
the_merge_delay_is_the_policys(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX), sct = BUF_INIT(4096);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    testlog_sct(&l, &ENTRY, 1000, 5, &sct);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct policy_log liar = *l.log;
        struct view_head h;
        liar.mmd_ms = delays[i].claimed;
        testlog_view_head(&l, 5, delays[i].timestamp, &h);
        buf_clear(&b);
        assert_int_equal(evidence_write_promise(&liar, buf_span(&sct), &ENTRY,
                                                (struct evidence_head){h.form, buf_span(&h.bytes)},
                                                span_of(NULL, 0), &b),
                         RES_OK);
        enum result r = evidence_check(buf_span(&b), delays[i].policy ? l.policy : NULL, &e);
        if (r != RES_OK || e.verdict != delays[i].verdict || e.mmd_known != delays[i].policy)
            fail_msg("%s: %s, %s", delays[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        buf_release(&h.bytes);
    }
    buf_release(&b);
    buf_release(&sct);
    testlog_release(&l);
}

static void
a_wrong_answer_proves_nothing(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    assert_int_equal(
        evidence_write_answer(l.log, "/checkpoint", span_str("nonsense"), RES_NOTE, &b), RES_OK);
    assert_int_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
    assert_int_equal(e.kind, EVIDENCE_ANSWER);
    assert_int_equal(e.verdict, EVIDENCE_UNPROVED);
    buf_release(&b);
    testlog_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_heads_prove_what_they_prove),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(evidence_cannot_be_forged),
        cmocka_unit_test(a_promise_is_kept_or_broken),
        cmocka_unit_test(the_merge_delay_is_the_policys),
        cmocka_unit_test(a_wrong_answer_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
