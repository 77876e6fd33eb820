/* client/session: handing a certificate in to a log that is honest, busy, refusing or lying. */
#include "client/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/json.h"
#include "tests/unit/client/testlog.h"

#define INDEX 5
#define DER_TEXT "0 a certificate"

struct play {
    unsigned busy; /* so many 503 first */
    uint64_t retry_after;
    unsigned refuse;       /* not 0: this status to the submission */
    bool bad_signature;    /* the SCT's signature is damaged */
    bool other_leaf;       /* the SCT is over something else */
    bool no_index;         /* the SCT carries no leaf_index */
    uint64_t sct_time;     /* 0: TESTLOG_NOW */
    uint64_t head_size;    /* 0: 11 */
    uint64_t head_time;    /* 0: TESTLOG_NOW */
    unsigned heads_behind; /* so many heads do not cover the entry yet */
    unsigned unknown;      /* not 0: this status to get-proof-by-hash */
    bool wrong_proof;      /* the proof is that of the leaf before */
    bool moved;            /* the tree has the leaf at INDEX + 1 */
};

static void
serve_submission(struct testlog *l, const struct play *p, struct buf *body, struct answer *a)
{
    struct entry e = {.type = ENTRY_X509, .body = span_str(DER_TEXT)};
    struct buf sct = BUF_INIT(4096);
    if (p->refuse != 0) {
        a->status = p->refuse;
        assert_int_equal(buf_printf(body, "{\"type\":\"urn:x:error:unknown-root\",\"title\":\"t\","
                                          "\"detail\":\"RFC 6962 3.1: no\\u001b root\"}"),
                         RES_OK);
        return;
    }
    if (p->other_leaf)
        e.body.n--;
    testlog_sct(l, &e, p->sct_time == 0 ? TESTLOG_NOW : p->sct_time,
                p->no_index ? UINT64_MAX : INDEX, &sct);
    if (p->bad_signature)
        sct.p[sct.n - 1] ^= 1;
    if (p->no_index) {
        struct timestamped_entry t = {.timestamp = TESTLOG_NOW, .entry = e};
        entry_leaf_hash(&t, &l->leaf[INDEX]);
    }
    if (p->moved) {
        l->leaf[INDEX + 1] = l->leaf[INDEX];
        l->leaf[INDEX].b[0] ^= 1;
    }
    testlog_sct_json(buf_span(&sct), body);
    buf_release(&sct);
}

static void
serve(struct testlog *l, const struct play *p, unsigned *busy, const struct ask *ask,
      struct buf *body, struct answer *a)
{
    buf_clear(body);
    a->status = 200;
    if (*busy > 0) {
        (*busy)--;
        a->status = 503;
        a->retry_after = p->retry_after;
    } else if (ask->body.n > 0) {
        assert_string_equal(ask->path, "/ct/v1/add-chain");
        assert_true(
            span_equal(ask->body, span_str("{\"chain\":[\"MCBhIGNlcnRpZmljYXRl\",\"MQ==\"]}")));
        serve_submission(l, p, body, a);
    } else {
        assert_memory_equal(ask->path, "/ct/v1/get-proof-by-hash?hash=", 30);
        assert_null(strpbrk(ask->path + 30, "+/"));
        assert_non_null(
            strstr(ask->path, p->head_size == 0 ? "%3D&tree_size=11" : "%3D&tree_size="));
        if (p->unknown != 0) {
            a->status = p->unknown;
        } else {
            uint64_t i = p->wrong_proof ? INDEX - 1 : p->moved ? INDEX + 1 : INDEX;
            testlog_proof(l, i, p->head_size == 0 ? 11 : p->head_size, body);
        }
    }
    a->body = buf_span(body);
}

static struct session *
run(struct testlog *l, const struct play *p)
{
    static const struct span certs[2] = {{(const uint8_t *)DER_TEXT, sizeof DER_TEXT - 1},
                                         {(const uint8_t *)"1", 1}};
    const struct subject_chain chain = {.certs = certs, .n = 2};
    const struct session_config c = {.log = l->log};
    struct subject subject = SUBJECT_INIT;
    struct buf body = BUF_INIT(1 << 20);
    unsigned busy = p->busy, behind = p->heads_behind;
    uint64_t now = TESTLOG_NOW;
    struct session *s;
    subject.type = ENTRY_X509;
    assert_int_equal(buf_add(&subject.body, certs[0]), RES_OK);
    assert_int_equal(session_submit(&c, &subject, &chain, now, &s), RES_OK);
    for (unsigned steps = 0;; steps++) {
        struct answer a = {.transport = RES_OK};
        struct view_head h;
        struct ask ask;
        assert_true(steps < 4000);
        session_ask(s, &ask);
        if (ask.kind == ASK_DONE)
            break;
        if (ask.kind == ASK_WAIT) {
            now += ask.wait_ms;
            session_answer(s, &a, now);
        } else if (ask.kind == ASK_HEAD) {
            testlog_view_head(l,
                              behind > 0          ? INDEX
                              : p->head_size == 0 ? 11
                                                  : p->head_size,
                              p->head_time == 0 ? now : p->head_time, &h);
            behind -= behind > 0;
            session_head(s, &h, now);
            buf_release(&h.bytes);
        } else {
            serve(l, p, &busy, &ask, &body, &a);
            session_answer(s, &a, now);
        }
    }
    buf_release(&body);
    return s;
}

static const struct {
    const char *says;
    struct play play;
    enum verdict_kind kind;
    enum result why;
    const char *finding;
} rows[] = {
    {"an honest log", {0}, VERDICT_YES, RES_OK, NULL},
    {"a busy one", {.busy = 3, .retry_after = 2}, VERDICT_YES, RES_OK, NULL},
    {"a log that stays busy", {.busy = 99}, VERDICT_LATER, RES_BUSY, NULL},
    {"heads that come later", {.heads_behind = 5}, VERDICT_YES, RES_OK, NULL},
    {"an SCT without index", {.no_index = true}, VERDICT_YES, RES_OK, NULL},
    {"refused with a reason", {.refuse = 400}, VERDICT_INPUT, RES_CHAIN_ROOT, NULL},
    {"a redirect", {.refuse = 307}, VERDICT_LATER, RES_UNREACHABLE, NULL},
    {"an SCT that does not verify",
     {.bad_signature = true},
     VERDICT_REFUSED,
     RES_SIGNATURE,
     "unproved"},
    {"an SCT for another certificate",
     {.other_leaf = true},
     VERDICT_REFUSED,
     RES_SIGNATURE,
     "unproved"},
    {"an SCT from the future", {.sct_time = TESTLOG_NOW + 300001}, VERDICT_LATER, RES_CLOCK, NULL},
    {"an old SCT is a duplicate's", {.sct_time = 1000}, VERDICT_YES, RES_OK, NULL},
    {"never merged", {.heads_behind = 9999}, VERDICT_REFUSED, RES_CONFLICT, "not-merged"},
    {"no head after the submission at all",
     {.heads_behind = 9999, .head_time = TESTLOG_NOW - 1},
     VERDICT_LATER,
     RES_STALE,
     NULL},
    {"the log does not know its leaf",
     {.unknown = 404},
     VERDICT_REFUSED,
     RES_UNKNOWN_HASH,
     "unproved"},
    {"something in between denies the proof",
     {.unknown = 403},
     VERDICT_LATER,
     RES_UNREACHABLE,
     NULL},
    {"the proof of another leaf",
     {.wrong_proof = true},
     VERDICT_REFUSED,
     RES_ROOT_DIFFERS,
     "unproved"},
    {"the leaf stands elsewhere", {.moved = true}, VERDICT_REFUSED, RES_CONFLICT, "misplaced"},
};

static void
each_story_ends_as_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct entry e = {.type = ENTRY_X509, .body = span_str(DER_TEXT)};
        struct evidence_report report;
        struct receipt_verdict v;
        struct receipt receipt;
        struct testlog l;
        testlog_init(&l);
        struct session *s = run(&l, &rows[i].play);
        const struct verdict *got = session_verdict(s);
        if (got->kind != rows[i].kind || got->why != rows[i].why)
            fail_msg("%s: %d %s: %s", rows[i].says, got->kind, result_name(got->why), got->detail);
        assert_int_equal(got->evidence.n > 0, rows[i].finding != NULL);
        if (rows[i].finding != NULL) {
            assert_int_equal(evidence_check(buf_span(&got->evidence), l.policy, &report), RES_OK);
            if (strcmp(report.finding, rows[i].finding) != 0)
                fail_msg("%s: %s", rows[i].says, report.finding);
        }
        if (got->kind == VERDICT_YES) {
            receipt_init(&receipt);
            assert_int_equal(session_receipt(s, span_str("f"), &receipt), RES_OK);
            assert_int_equal(receipt_verify(&receipt, l.policy, &e, &v), RES_OK);
            receipt_release(&receipt);
        }
        session_free(s);
        testlog_release(&l);
    }
}

static void
a_refusal_names_its_rule_and_hides_escapes(void **state)
{
    const struct play p = {.refuse = 400};
    struct testlog l;
    (void)state;
    testlog_init(&l);
    struct session *s = run(&l, &p);
    const char *detail = session_verdict(s)->detail;
    assert_non_null(strstr(detail, "400 unknown-root: RFC 6962 3.1: no"));
    assert_null(strchr(detail, '\033'));
    session_free(s);
    testlog_release(&l);
}

static void
an_sct_at_hand_is_located(void **state)
{
    const struct session_config base = {0};
    struct buf sct = BUF_INIT(4096);
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (int damaged = 0; damaged < 2; damaged++) {
        struct session_config c = base;
        struct subject subject = SUBJECT_INIT;
        struct session *s;
        struct ask ask;
        c.log = l.log;
        assert_int_equal(buf_add(&subject.body, span_str(DER_TEXT)), RES_OK);
        const struct entry e = subject_entry(&subject);
        testlog_sct(&l, &e, TESTLOG_NOW, INDEX, &sct);
        if (damaged)
            sct.p[sct.n - 1] ^= 1;
        assert_int_equal(session_locate(&c, &subject, buf_span(&sct), TESTLOG_NOW, &s), RES_OK);
        session_ask(s, &ask);
        assert_int_equal(ask.kind, damaged ? ASK_DONE : ASK_HEAD);
        if (damaged) {
            assert_int_equal(session_verdict(s)->kind, VERDICT_INPUT);
            assert_int_equal(session_verdict(s)->why, RES_SIGNATURE);
            assert_null(session_promise(s));
        } else {
            struct verdict none;
            verdict_init(&none);
            verdict_end(&none, VERDICT_LATER, RES_UNREACHABLE, "gone");
            assert_int_equal(session_promise(s)->index, INDEX);
            session_no_head(s, &none);
            assert_int_equal(session_verdict(s)->kind, VERDICT_LATER);
            verdict_release(&none);
        }
        session_free(s);
    }
    buf_release(&sct);
    testlog_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_story_ends_as_it_must),
        cmocka_unit_test(a_refusal_names_its_rule_and_hides_escapes),
        cmocka_unit_test(an_sct_at_hand_is_located),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
