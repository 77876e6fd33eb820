/* client/monitor: following a log that is honest, slow, wrong or lying. */
#include "client/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

/* What the log does in one run. */
struct play {
    uint64_t size, timestamp;         /* of /checkpoint */
    uint64_t sth_size, sth_timestamp; /* of get-sth; 0: as the checkpoint */
    bool fork;                        /* the checkpoint is of another tree than before */
    bool sth_fork;                    /* get-sth is of another tree than the checkpoint */
    bool wrong_proof;                 /* consistency proofs are those of another tree */
    unsigned no_proof;                /* consistency is answered with this status */
    unsigned fails;                   /* so many requests get no answer first */
    unsigned status;                  /* not 0: this status for heads */
    const char *garbage;              /* this body for heads */
};

static void
serve(struct testlog *l, const struct play *p, const struct ask *ask, struct buf *body,
      struct answer *a)
{
    uint64_t first, second;
    buf_clear(body);
    a->status = 200;
    if (sscanf(ask->path, "/ct/v1/get-sth-consistency?first=%" SCNu64 "&second=%" SCNu64, &first,
               &second) == 2) {
        if (p->wrong_proof)
            l->leaf[1].b[0] ^= 1;
        testlog_consistency(l, first, second, body);
        if (p->wrong_proof)
            l->leaf[1].b[0] ^= 1;
        if (p->no_proof != 0) {
            a->status = p->no_proof;
            buf_clear(body);
            assert_int_equal(buf_printf(body, "{}"), RES_OK);
        }
    } else if (p->garbage != NULL || p->status != 0) {
        assert_int_equal(buf_printf(body, "%s", p->garbage == NULL ? "" : p->garbage), RES_OK);
        a->status = p->status == 0 ? 200 : p->status;
    } else if (strcmp(ask->path, "/checkpoint") == 0) {
        testlog_checkpoint(l, p->size, p->timestamp, body);
    } else {
        assert_string_equal(ask->path, "/ct/v1/get-sth");
        if (p->sth_fork)
            l->leaf[0].b[0] ^= 1;
        testlog_sth(l, p->sth_size == 0 ? p->size : p->sth_size,
                    p->sth_timestamp == 0 ? p->timestamp : p->sth_timestamp, body);
        if (p->sth_fork)
            l->leaf[0].b[0] ^= 1;
    }
    a->body = buf_span(body);
}

static struct monitor *
run(struct testlog *l, struct view *v, const struct play *p)
{
    const struct monitor_config c = {
        .log = l->log, .policy = l->policy, .view = v, .cross_check = true, .seed = 1};
    struct buf body = BUF_INIT(1 << 20);
    unsigned fails = p->fails;
    struct monitor *m;
    assert_int_equal(monitor_new(&c, &m), RES_OK);
    for (unsigned steps = 0;; steps++) {
        struct answer a = {.transport = RES_OK};
        struct ask ask;
        assert_true(steps < 40);
        monitor_ask(m, &ask);
        if (ask.kind == ASK_DONE)
            break;
        if (ask.kind == ASK_FETCH && fails > 0) {
            fails--;
            a.transport = RES_UNREACHABLE;
        } else if (ask.kind == ASK_FETCH) {
            serve(l, p, &ask, &body, &a);
        } else {
            assert_int_equal(ask.kind, ASK_WAIT);
            assert_true(ask.wait_ms >= 250 && ask.wait_ms <= 375000);
        }
        monitor_answer(m, &a, TESTLOG_NOW);
    }
    buf_release(&body);
    return m;
}

#define T0 (TESTLOG_NOW - 600000)

static const struct {
    const char *says;
    struct play play; /* after a first run that saw size 5 at T0 */
    enum verdict_kind kind;
    enum result why;
    const char *finding; /* of the evidence */
    uint64_t size;       /* of the view afterwards */
} rows[] = {
    {"the same head again", {.size = 5, .timestamp = T0}, VERDICT_YES, RES_OK, NULL, 5},
    {"a fresh signature", {.size = 5, .timestamp = TESTLOG_NOW}, VERDICT_YES, RES_OK, NULL, 5},
    {"grown", {.size = 9, .timestamp = TESTLOG_NOW}, VERDICT_YES, RES_OK, NULL, 9},
    {"grown, after two failures",
     {.size = 9, .timestamp = TESTLOG_NOW, .fails = 2},
     VERDICT_YES,
     RES_OK,
     NULL,
     9},
    {"grown, get-sth is ahead",
     {.size = 9, .timestamp = TESTLOG_NOW - 1, .sth_size = 11, .sth_timestamp = TESTLOG_NOW},
     VERDICT_YES,
     RES_OK,
     NULL,
     9},
    {"grown, get-sth is behind",
     {.size = 9, .timestamp = TESTLOG_NOW, .sth_size = 7, .sth_timestamp = TESTLOG_NOW - 1},
     VERDICT_YES,
     RES_OK,
     NULL,
     9},
    {"no answer at all", {.fails = 99}, VERDICT_LATER, RES_UNREACHABLE, NULL, 5},
    {"busy", {.status = 503}, VERDICT_LATER, RES_BUSY, NULL, 5},
    {"no log there", {.status = 404}, VERDICT_LATER, RES_UNREACHABLE, NULL, 5},
    {"a redirect is not followed", {.status = 302}, VERDICT_LATER, RES_UNREACHABLE, NULL, 5},
    {"a web page", {.garbage = "<html>"}, VERDICT_REFUSED, RES_NOTE, "unproved", 5},
    {"an older head", {.size = 3, .timestamp = T0 - 1000}, VERDICT_LATER, RES_STALE, NULL, 5},
    {"an older signature", {.size = 5, .timestamp = T0 - 1000}, VERDICT_LATER, RES_STALE, NULL, 5},
    {"a head from the future",
     {.size = 9, .timestamp = TESTLOG_NOW + 300001},
     VERDICT_LATER,
     RES_CLOCK,
     NULL,
     5},
    {"just not from the future",
     {.size = 9, .timestamp = TESTLOG_NOW + 300000},
     VERDICT_YES,
     RES_OK,
     NULL,
     9},
    {"shrunk", {.size = 4, .timestamp = TESTLOG_NOW}, VERDICT_REFUSED, RES_CONFLICT, "shrank", 5},
    {"another tree of the same size",
     {.size = 5, .timestamp = TESTLOG_NOW, .fork = true},
     VERDICT_REFUSED,
     RES_CONFLICT,
     "fork",
     5},
    {"grown at the same instant",
     {.size = 6, .timestamp = T0},
     VERDICT_REFUSED,
     RES_CONFLICT,
     "same-time",
     5},
    {"grown out of another tree",
     {.size = 9, .timestamp = TESTLOG_NOW, .fork = true},
     VERDICT_REFUSED,
     RES_ROOT_DIFFERS,
     "unproved",
     5},
    {"a proof of something else",
     {.size = 9, .timestamp = TESTLOG_NOW, .wrong_proof = true},
     VERDICT_REFUSED,
     RES_ROOT_DIFFERS,
     "unproved",
     5},
    {"the proof is denied",
     {.size = 9, .timestamp = TESTLOG_NOW, .no_proof = 400},
     VERDICT_REFUSED,
     RES_UNKNOWN_HASH,
     "unproved",
     5},
    {"something in between denies the proof",
     {.size = 9, .timestamp = TESTLOG_NOW, .no_proof = 403},
     VERDICT_LATER,
     RES_UNREACHABLE,
     NULL,
     5},
    {"get-sth tells another story",
     {.size = 9, .timestamp = TESTLOG_NOW, .sth_fork = true},
     VERDICT_REFUSED,
     RES_CONFLICT,
     "fork",
     5},
    {"get-sth grew out of another story",
     {.size = 9,
      .timestamp = TESTLOG_NOW - 1,
      .sth_size = 11,
      .sth_timestamp = TESTLOG_NOW,
      .sth_fork = true},
     VERDICT_REFUSED,
     RES_ROOT_DIFFERS,
     "unproved",
     5},
};

static void
each_story_ends_as_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct play first = {.size = 5, .timestamp = T0};
        struct view *v = calloc(1, sizeof *v);
        struct evidence_report e;
        struct testlog l;
        testlog_init(&l);
        struct monitor *m = run(&l, v, &first);
        assert_int_equal(monitor_verdict(m)->kind, VERDICT_YES);
        assert_true(monitor_first_contact(m));
        monitor_free(m);
        if (rows[i].play.fork)
            l.leaf[0].b[0] ^= 1;
        m = run(&l, v, &rows[i].play);
        const struct verdict *got = monitor_verdict(m);
        if (got->kind != rows[i].kind || got->why != rows[i].why ||
            view_newest(v)->head.size != rows[i].size)
            fail_msg("%s: %d %s, size %" PRIu64 ": %s", rows[i].says, got->kind,
                     result_name(got->why), view_newest(v)->head.size, got->detail);
        assert_false(monitor_first_contact(m));
        assert_int_equal(got->evidence.n > 0, rows[i].finding != NULL);
        if (rows[i].finding != NULL) {
            assert_int_equal(evidence_check(buf_span(&got->evidence), l.policy, &e), RES_OK);
            if (strcmp(e.finding, rows[i].finding) != 0)
                fail_msg("%s: %s", rows[i].says, e.finding);
        }
        monitor_free(m);
        view_release(v);
        free(v);
        testlog_release(&l);
    }
}

static void
an_idle_head_goes_stale(void **state)
{
    static const struct {
        const char *says;
        uint64_t age;
        enum verdict_kind kind;
    } ages[] = {{"twenty minutes", MONITOR_STALE_MS, VERDICT_YES},
                {"a moment more", MONITOR_STALE_MS + 1, VERDICT_LATER}};
    (void)state;
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        const struct play p = {.size = 5, .timestamp = TESTLOG_NOW - ages[i].age};
        struct view *v = calloc(1, sizeof *v);
        struct testlog l;
        testlog_init(&l);
        struct monitor *m = run(&l, v, &p);
        if (monitor_verdict(m)->kind != ages[i].kind)
            fail_msg("%s: %s", ages[i].says, monitor_verdict(m)->detail);
        /* It was verified all the same, and is remembered. */
        assert_int_equal(view_newest(v)->head.size, 5);
        monitor_free(m);
        view_release(v);
        free(v);
        testlog_release(&l);
    }
}

static void
two_known_heads_are_linked(void **state)
{
    struct buf body = BUF_INIT(65536);
    struct view_head a, b;
    struct monitor *m;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    const struct monitor_config c = {.log = l.log, .policy = l.policy};
    for (int lie = 0; lie < 2; lie++) {
        const struct play p = {.wrong_proof = lie != 0};
        struct answer answer = {.transport = RES_OK};
        struct ask ask;
        testlog_view_head(&l, 5, 1000, &a);
        testlog_view_head(&l, 8, 2000, &b);
        assert_int_equal(monitor_new_link(&c, &a, &b, &m), RES_OK);
        monitor_ask(m, &ask);
        assert_string_equal(ask.path, "/ct/v1/get-sth-consistency?first=5&second=8");
        serve(&l, &p, &ask, &body, &answer);
        monitor_answer(m, &answer, TESTLOG_NOW);
        assert_int_equal(monitor_verdict(m)->kind, lie ? VERDICT_REFUSED : VERDICT_YES);
        monitor_free(m);
        buf_release(&a.bytes);
        buf_release(&b.bytes);
    }
    buf_release(&body);
    testlog_release(&l);
}

static void
waiting_grows_and_obeys_retry_after(void **state)
{
    struct answer a = {.status = 503};
    (void)state;
    assert_true(answer_backoff(&a, 1, 0) >= 250 && answer_backoff(&a, 1, 0) < 320);
    assert_true(answer_backoff(&a, 4, 9) >= 2000);
    assert_true(answer_backoff(&a, 60, 9) >= 30000 && answer_backoff(&a, 60, 9) <= 37500);
    a.retry_after = 7;
    assert_true(answer_backoff(&a, 1, 3) >= 7000 && answer_backoff(&a, 1, 3) <= 8750);
    a.retry_after = UINT64_MAX;
    assert_true(answer_backoff(&a, 1, 3) <= 375000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_story_ends_as_it_must),
        cmocka_unit_test(an_idle_head_goes_stale),
        cmocka_unit_test(two_known_heads_are_linked),
        cmocka_unit_test(waiting_grows_and_obeys_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
