/* client/exchange: what an answer means before anyone reads it. */
#include "client/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

#define PATH "/ct/v1/get-sth"
#define TRIES 3

static struct testlog l;

static int
setup(void **state)
{
    (void)state;
    testlog_init(&l);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    testlog_release(&l);
    return 0;
}

/* Gives the same answer until it is taken, refused, or the exchange has ended; every wait is ended
 * at once. */
static bool
give(struct exchange *x, const struct answer *a, unsigned *ret_waits)
{
    *ret_waits = 0;
    for (;;) {
        struct ask ask;
        bool fetch = exchange_ask(x, &ask);
        if (ask.kind == ASK_DONE)
            return false;
        assert_int_equal(fetch, ask.kind == ASK_FETCH);
        bool taken = exchange_take(x, a, PATH);
        if (taken)
            return true;
        if (ask.kind == ASK_WAIT)
            (*ret_waits)++;
    }
}

static const struct {
    const char *says;
    struct answer answer;
    bool taken;
    unsigned waits;
    enum verdict_kind kind;
    enum result why;
} rows[] = {
    {"an answer", {.status = 200}, true, 0, VERDICT_PENDING, RES_OK},
    {"a refusal is for the engine", {.status = 404}, true, 0, VERDICT_PENDING, RES_OK},
    {"and so is a redirect", {.status = 307}, true, 0, VERDICT_PENDING, RES_OK},
    {"busy for ever", {.status = 503}, false, TRIES - 1, VERDICT_LATER, RES_BUSY},
    {"asked too often", {.status = 429}, false, TRIES - 1, VERDICT_LATER, RES_BUSY},
    {"nobody there",
     {.transport = RES_UNREACHABLE, .error = "no route"},
     false,
     TRIES - 1,
     VERDICT_LATER,
     RES_UNREACHABLE},
    {"more than an engine takes",
     {.transport = RES_TOO_LARGE, .status = 200},
     false,
     0,
     VERDICT_REFUSED,
     RES_TOO_LARGE},
    {"no memory", {.transport = RES_MEMORY}, false, 0, VERDICT_FAULT, RES_MEMORY},
};

static void
each_answer_has_one_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exchange x;
        unsigned waits;
        exchange_init(&x, l.log, TRIES, 1);
        bool taken = give(&x, &rows[i].answer, &waits);
        if (taken != rows[i].taken || waits != rows[i].waits || x.verdict.kind != rows[i].kind)
            fail_msg("%s: %d after %u waits, %d", rows[i].says, taken, waits, x.verdict.kind);
        if (rows[i].kind != VERDICT_PENDING && x.verdict.why != rows[i].why)
            fail_msg("%s: %s", rows[i].says, result_name(x.verdict.why));
        assert_int_equal(x.verdict.evidence.n > 0, rows[i].kind == VERDICT_REFUSED);
        assert_int_equal(exchange_ended(&x), rows[i].kind != VERDICT_PENDING);
        exchange_release(&x);
    }
}

static void
tries_are_counted_for_each_request(void **state)
{
    const struct answer busy = {.status = 503, .retry_after = 7}, good = {.status = 200};
    struct exchange x;
    struct ask ask;
    (void)state;
    exchange_init(&x, l.log, 2, 1);
    for (unsigned request = 0; request < 4; request++) {
        assert_false(exchange_take(&x, &busy, PATH));
        assert_false(exchange_ask(&x, &ask));
        assert_int_equal(ask.kind, ASK_WAIT);
        assert_true(ask.wait_ms >= 7000 && ask.wait_ms <= 8751);
        assert_false(exchange_take(&x, &good, PATH)); /* the end of the wait, not an answer */
        assert_true(exchange_ask(&x, &ask));
        assert_true(exchange_take(&x, &good, PATH));
    }
    assert_false(exchange_ended(&x));
    exchange_release(&x);
}

static void
a_wrong_answer_is_kept_as_evidence(void **state)
{
    const struct answer a = {.status = 200, .body = span_str("{\"tree_size\":-1}")};
    struct evidence_report report;
    struct exchange x;
    (void)state;
    exchange_init(&x, l.log, TRIES, 1);
    exchange_wrong(&x, &a, PATH, RES_JSON);
    assert_int_equal(x.verdict.kind, VERDICT_REFUSED);
    assert_int_equal(x.verdict.evidence_kind, EVIDENCE_ANSWER);
    assert_non_null(strstr(x.verdict.detail, PATH));
    assert_int_equal(evidence_check(buf_span(&x.verdict.evidence), l.policy, &report), RES_OK);
    exchange_release(&x);

    /* What this machine could not do speaks against nobody. */
    exchange_init(&x, l.log, TRIES, 1);
    exchange_wrong(&x, &a, PATH, RES_MEMORY);
    assert_int_equal(x.verdict.kind, VERDICT_FAULT);
    assert_int_equal(x.verdict.why, RES_MEMORY);
    exchange_release(&x);
}

static void
no_log_names_its_url_and_path(void **state)
{
    const struct answer a = {.status = 418};
    struct exchange x;
    (void)state;
    exchange_init(&x, l.log, TRIES, 1);
    exchange_no_log(&x, &a, PATH);
    assert_int_equal(x.verdict.kind, VERDICT_LATER);
    assert_int_equal(x.verdict.why, RES_UNREACHABLE);
    assert_non_null(strstr(x.verdict.detail, l.log->url));
    assert_non_null(strstr(x.verdict.detail, "418 to " PATH));
    exchange_release(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_one_meaning),
        cmocka_unit_test(tries_are_counted_for_each_request),
        cmocka_unit_test(a_wrong_answer_is_kept_as_evidence),
        cmocka_unit_test(no_log_names_its_url_and_path),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
