/* client/directory/finder and time: a directory that is behind its log, stopped, stale or silent;
 * and a machine without memory. */
#include "client/directory/finder.h"

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/search.h"
#include "tests/vectors/check.h"

/* Entries of the certificate log that the directory covers, and that it has. */
#define COVERED 9
#define SEEN 12
#define WINDOW 1000000

static struct lookup l;
static struct memory m;
static struct view seen;
static struct mailbox_record record;
static struct buf before = {.max = 1 << 20}, after = {.max = 1 << 20};

/* Label 0 has a certificate. */
static void
begin(void)
{
    lookup_init(&l, &(struct kt_window){.monitoring = WINDOW});
    memory_init(&m);
    seen = VIEW_INIT;
    record = lookup_record(&l, lookup_certify(&l, 0), 0);
    lookup_append(&l, NULL, 2, COVERED);
    lookup_append(&l, NULL, 2, COVERED);
    lookup_append(&l, NULL, 2, COVERED);
    lookup_append(&l, &record, 1, COVERED);
}

static void
end(void)
{
    memory_release(&m);
    view_release(&seen);
    lookup_release(&l);
    buf_release(&before);
    buf_release(&after);
}

static struct search
run(const char *says, struct search s, enum verdict_kind kind, enum result why)
{
    s.l = &l;
    s.memory = &m;
    s.view = &seen;
    search_run(&s);
    search_ends(says, &s, kind, why);
    search_release(&s);
    return s;
}

/* ---- a directory that is behind ---- */

static void
catches_up(struct search *s, const struct ask *ask, struct buf *body, struct answer *a)
{
    if (s->step != SEARCH_LOOK_UP || s->asks[SEARCH_LOOK_UP] != s->arg)
        return;
    lookup_append(&l, NULL, 0, SEEN);
    lookup_answer(&l, ask, body, a);
}

static void
a_directory_that_is_behind_is_waited_for(void **state)
{
    struct search s;

    (void)state;
    for (size_t nth = 1; nth < 8; nth++) {
        begin();
        lookup_see(&l, SEEN, desk_now(&l.desk), &seen);
        s = run("it catches up", (struct search){.meddle = catches_up, .arg = nth}, VERDICT_YES,
                RES_OK);
        assert_int_equal(s.asks[SEARCH_LOOK_UP], nth);
        assert_int_equal(s.waits, nth - 1);
        assert_int_equal(s.asks[SEARCH_LINK], 0);
        uint64_t waited = 0, wait = FINDER_WAIT_MS / 8;
        for (size_t i = 1; i < nth; i++) { /* longer each time, up to a bound */
            waited += wait;
            wait = 2 * wait < FINDER_WAIT_MS ? 2 * wait : FINDER_WAIT_MS;
        }
        assert_int_equal(s.waited, waited);
        end();
    }
}

static void
a_directory_that_stays_behind_is_told_as_such(void **state)
{
    (void)state;
    begin();
    l.desk.log.delay_ms = 10000;
    lookup_see(&l, SEEN, desk_now(&l.desk), &seen);
    struct search s = run("behind", (struct search){.label = 0}, VERDICT_LATER, RES_STALE);
    assert_true(s.waited > 10000 && s.waited <= 10000 + 3 * FINDER_WAIT_MS);
    s = run("that there is nobody is not believed either",
            (struct search){.label = TESTDIR_STRANGER}, VERDICT_LATER, RES_STALE);
    s = run("what was followed is", (struct search){.follow_only = true}, VERDICT_YES, RES_OK);
    assert_int_equal(s.waits, 0);
    end();
}

/* Each head that was seen must be covered, the delay after its time. */
static void
a_directory_that_left_something_out_is_refused(void **state)
{
    uint64_t delay, newest;

    (void)state;
    for (unsigned older = 0; older < 2; older++) {
        begin();
        delay = l.desk.log.delay_ms;
        newest = desk_now(&l.desk);
        lookup_see(&l, 5, newest - delay - 100, &seen); /* covered, so of any age */
        lookup_see(&l, COVERED + 1, newest - delay - 1, &seen);
        if (older)
            lookup_see(&l, SEEN, newest, &seen);
        (void)run("a millisecond more than the delay", (struct search){.label = 0}, VERDICT_REFUSED,
                  RES_CONFLICT);
        view_release(&seen);
        lookup_see(&l, 5, newest - delay - 100, &seen);
        lookup_see(&l, COVERED + 1, newest - delay, &seen);
        if (older)
            lookup_see(&l, SEEN, newest, &seen);
        (void)run("the delay", (struct search){.label = 0}, VERDICT_LATER, RES_STALE);
        end();
    }
}

/* ---- stale heads ---- */

static void
a_head_is_good_for_a_while(void **state)
{
    (void)state;
    begin();
    desk_write(&l.desk, &m, &before);
    (void)run("a millisecond too old", (struct search){.late = FINDER_FRESH_MS + 1}, VERDICT_LATER,
              RES_STALE);
    (void)run("an hour and more", (struct search){.late = l.desk.t.kt.max_behind + 1},
              VERDICT_LATER, RES_KT_BEHIND);
    desk_write(&l.desk, &m, &after);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    (void)run("just not", (struct search){.late = FINDER_FRESH_MS}, VERDICT_YES, RES_OK);
    end();
}

/* ---- statuses ---- */

static struct answer instead;
static unsigned times;

static void
answers_otherwise(struct search *s, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)ask;
    (void)body;
    if ((size_t)s->step == s->arg && times > 0) {
        times--;
        *a = instead;
    }
}

static const struct {
    const char *says;
    enum result transport;
    unsigned status, times;
    enum verdict_kind kind; /* of the question; of what is followed, unless there is another */
    enum result why;
    enum verdict_kind follow_kind;
    enum result follow_why;
} rows[] = {
    {"down twice", RES_UNREACHABLE, 0, 2, VERDICT_YES, RES_OK, VERDICT_YES, RES_OK},
    {"down", RES_UNREACHABLE, 0, 99, VERDICT_LATER, RES_UNREACHABLE, VERDICT_LATER,
     RES_UNREACHABLE},
    {"busy", RES_OK, 503, 99, VERDICT_LATER, RES_BUSY, VERDICT_LATER, RES_BUSY},
    {"too many requests", RES_OK, 429, 99, VERDICT_LATER, RES_BUSY, VERDICT_LATER, RES_BUSY},
    {"forbidden", RES_OK, 403, 99, VERDICT_LATER, RES_UNREACHABLE, VERDICT_LATER, RES_UNREACHABLE},
    {"wrong", RES_OK, 400, 99, VERDICT_LATER, RES_UNREACHABLE, VERDICT_REFUSED, RES_KT_NO_VERSION},
    {"gone", RES_OK, 410, 99, VERDICT_LATER, RES_UNREACHABLE, VERDICT_REFUSED, RES_KT_NO_VERSION},
    {"nobody, without a proof", RES_OK, 404, 99, VERDICT_REFUSED, RES_JSON, VERDICT_REFUSED,
     RES_KT_NO_VERSION},
    {"nothing is in it", RES_OK, 200, 99, VERDICT_REFUSED, RES_JSON, VERDICT_REFUSED,
     RES_TRUNCATED},
    {"more than is taken", RES_TOO_LARGE, 0, 99, VERDICT_REFUSED, RES_TOO_LARGE, VERDICT_REFUSED,
     RES_TOO_LARGE},
    {"no memory", RES_MEMORY, 0, 99, VERDICT_FAULT, RES_MEMORY, VERDICT_FAULT, RES_MEMORY},
};

static void
statuses_mean_what_they_say(void **state)
{
    (void)state;
    begin();
    (void)run("so that something is followed", (struct search){.label = 0}, VERDICT_YES, RES_OK);
    assert_int_equal(m.labels[0]->map.n, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = SEARCH_FOLLOW; step <= SEARCH_LOOK_UP; step++) {
            bool follow = step == SEARCH_FOLLOW;

            instead = (struct answer){.transport = rows[i].transport, .status = rows[i].status};
            times = rows[i].times;
            desk_write(&l.desk, &m, &before);
            (void)run(rows[i].says, (struct search){.meddle = answers_otherwise, .arg = step},
                      follow ? rows[i].follow_kind : rows[i].kind,
                      follow ? rows[i].follow_why : rows[i].why);
            desk_write(&l.desk, &m, &after);
            assert_true(span_equal(buf_span(&before), buf_span(&after)));
        }
    }
    end();
}

/* ---- no memory ---- */

#define ANSWERS_MAX 8

static struct {
    struct buf body[ANSWERS_MAX];
    unsigned status[ANSWERS_MAX];
    size_t n;
} tape;

static void
is_recorded(struct search *s, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)s;
    (void)ask;
    assert_true(tape.n < ANSWERS_MAX);
    tape.body[tape.n] = BUF_INIT(body->max);
    assert_int_equal(buf_add(&tape.body[tape.n], buf_span(body)), RES_OK);
    tape.status[tape.n++] = a->status;
}

/* A run with the answers of the tape, of which one allocation fails. */
static enum result
replay(size_t failing)
{
    struct finder_config c = {.log = &l.desk.log,
                              .view = &seen,
                              .memory = &m,
                              .look_up = true,
                              .label = l.desk.t.label[0].name};
    struct finder *f;

    failalloc_at(failing);
    enum result rc = finder_new(&c, &f);
    for (size_t i = 0; rc == RES_OK; i++) {
        struct ask ask;

        finder_ask(f, &ask);
        if (ask.kind == ASK_DONE)
            break;
        assert_true(i < tape.n);
        struct answer a = {.status = tape.status[i], .body = buf_span(&tape.body[i])};
        finder_answer(f, &a, desk_now(&l.desk));
    }
    if (rc == RES_OK) {
        rc = finder_verdict(f)->why;
        assert_int_equal(finder_verdict(f)->kind, rc == RES_OK ? VERDICT_YES : VERDICT_FAULT);
        finder_free(f);
    }
    failalloc_at(0);
    assert_true(rc == RES_OK || rc == RES_MEMORY);
    return rc;
}

static void
each_allocation_may_fail(void **state)
{
    enum result rc = RES_MEMORY;
    size_t n = 0;

    (void)state;
    begin();
    lookup_see(&l, 5, desk_now(&l.desk), &seen);
    (void)run("recorded", (struct search){.meddle = is_recorded}, VERDICT_YES, RES_OK);
    assert_int_equal(tape.n, 2);
    while (rc != RES_OK) {
        memory_release(&m);
        rc = replay(++n);
    }
    assert_int_equal(m.n, 1);
    print_message("%zu allocations\n", n - 1);
    assert_true(n > 20);
    while (tape.n > 0)
        buf_release(&tape.body[--tape.n]);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_that_is_behind_is_waited_for),
        cmocka_unit_test(a_directory_that_stays_behind_is_told_as_such),
        cmocka_unit_test(a_directory_that_left_something_out_is_refused),
        cmocka_unit_test(a_head_is_good_for_a_while),
        cmocka_unit_test(statuses_mean_what_they_say),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
