/* client/directory/warden and a directory that does not answer, or a machine that fails. */
#include "client/directory/warden.h"

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/watch.h"
#include "tests/vectors/check.h"

static struct desk d;
static struct memory m;

/* A directory with versions of labels 0 and 1. */
static void
begin(uint64_t monitoring)
{
    desk_init(&d, &(struct kt_window){.monitoring = monitoring});
    memory_init(&m);
    testdir_append(&d.t, 1000000, 0);
    desk_append(&d, 3, 3);
    desk_append(&d, 6, 2);
    desk_append(&d, 2, 1);
}

static void
end(void)
{
    memory_release(&m);
    desk_release(&d);
}

/* Label 0 is known again, and nothing of it. */
static struct memory_label *
forget(void)
{
    struct memory_label *l;

    memory_release(&m);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 0), &l), RES_OK);
    return l;
}

/* ---- no answer ---- */

static struct answer instead;
static unsigned times;

static void
answers_otherwise(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)ask;
    (void)body;
    if ((size_t)w->step == w->arg && times > 0) {
        times--;
        *a = instead;
    }
}

static const struct {
    const char *says;
    enum result transport;
    unsigned status, times;
    enum verdict_kind kind;
    enum result why;
} rows[] = {
    {"down twice", RES_UNREACHABLE, 0, 2, VERDICT_YES, RES_OK},
    {"down", RES_UNREACHABLE, 0, 99, VERDICT_LATER, RES_UNREACHABLE},
    {"busy twice", RES_OK, 503, 2, VERDICT_YES, RES_OK},
    {"busy", RES_OK, 503, 99, VERDICT_LATER, RES_BUSY},
    {"too many requests", RES_OK, 429, 99, VERDICT_LATER, RES_BUSY},
    {"broken", RES_OK, 500, 99, VERDICT_LATER, RES_BUSY},
    {"a front that forbids", RES_OK, 403, 99, VERDICT_LATER, RES_UNREACHABLE},
    {"a redirect", RES_OK, 302, 99, VERDICT_LATER, RES_UNREACHABLE},
    {"the log says it is wrong", RES_OK, 400, 99, VERDICT_REFUSED, RES_KT_NO_VERSION},
    {"the log says it is not there", RES_OK, 404, 99, VERDICT_REFUSED, RES_KT_NO_VERSION},
    {"the log says it was there", RES_OK, 410, 99, VERDICT_REFUSED, RES_KT_NO_VERSION},
    {"nothing is in it", RES_OK, 200, 99, VERDICT_REFUSED, RES_TRUNCATED},
    {"more than is taken", RES_TOO_LARGE, 0, 99, VERDICT_REFUSED, RES_TOO_LARGE},
    {"no memory", RES_MEMORY, 0, 99, VERDICT_FAULT, RES_MEMORY},
};

static void
statuses_mean_what_they_say(void **state)
{
    (void)state;
    begin(1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 0; step < WATCH_STEPS; step++) {
            struct watch w = {.desk = &d, .memory = &m, .meddle = answers_otherwise, .arg = step};
            struct memory_label *l = forget();
            bool begun = rows[i].kind == VERDICT_YES || step > WATCH_INIT;
            /* What was erased has to be told. */
            enum result why =
                rows[i].status == 410 && step == WATCH_UPDATE ? RES_TRUNCATED : rows[i].why;
            unsigned waits = rows[i].times < WARDEN_TRIES ? rows[i].times : WARDEN_TRIES - 1;

            instead = (struct answer){.transport = rows[i].transport, .status = rows[i].status};
            times = rows[i].times;
            watch_run(&w);
            watch_ends(rows[i].says, &w, rows[i].kind, why);
            assert_int_equal(w.began, begun);
            assert_int_equal(l->watched, begun);
            assert_int_equal(w.waits, answer_is_later(&instead) ? waits : 0);
            watch_release(&w);
        }
    }
    end();
}

/* An answer of another time: our clock, or theirs. */
static void
another_time_is_told_as_such(void **state)
{
    struct buf body = BUF_INIT(DESK_ANSWER_MAX);
    struct warden_config c = {.log = &d.log, .memory = &m};

    (void)state;
    begin(1);
    c.label = d.t.label[0].name;
    for (int later = 0; later < 2; later++) {
        uint64_t now =
            later ? desk_now(&d) + d.t.kt.max_behind + 1 : desk_now(&d) - d.t.kt.max_ahead - 1;
        struct warden *w;
        struct answer a;
        struct ask ask;

        (void)forget();
        assert_int_equal(warden_new(&c, &w), RES_OK);
        warden_ask(w, &ask);
        desk_answer(&d, &ask, &body, &a);
        warden_answer(w, &a, now);
        assert_int_equal(warden_verdict(w)->kind, VERDICT_LATER);
        assert_int_equal(warden_verdict(w)->why, later ? RES_KT_BEHIND : RES_KT_AHEAD);
        assert_false(m.has_view);
        warden_free(w);
    }
    buf_release(&body);
    end();
}

/* ---- no memory ---- */

#define ANSWERS_MAX 16

/* The answers of an honest run, to be given again. */
static struct {
    struct buf body[ANSWERS_MAX];
    unsigned status[ANSWERS_MAX];
    size_t n;
} tape;

static void
is_recorded(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)w;
    (void)ask;
    assert_true(tape.n < ANSWERS_MAX);
    tape.body[tape.n] = BUF_INIT(DESK_ANSWER_MAX);
    assert_int_equal(buf_add(&tape.body[tape.n], buf_span(body)), RES_OK);
    tape.status[tape.n++] = a->status;
}

/* A run with the answers of the tape, of which one allocation fails: with what it ends. */
static enum verdict_kind
replay(size_t failing)
{
    struct warden_config c = {.log = &d.log, .memory = &m, .label = d.t.label[0].name};
    struct warden *w;
    enum verdict_kind kind = VERDICT_FAULT;

    failalloc_at(failing);
    enum result rc = warden_new(&c, &w);
    for (size_t i = 0; rc == RES_OK; i++) {
        struct ask ask;

        warden_ask(w, &ask);
        if (ask.kind == ASK_DONE)
            break;
        assert_true(i < tape.n);
        struct answer a = {.status = tape.status[i], .body = buf_span(&tape.body[i])};
        warden_answer(w, &a, desk_now(&d));
    }
    if (rc == RES_OK) {
        rc = warden_verdict(w)->why;
        kind = warden_verdict(w)->kind;
        warden_free(w);
    }
    failalloc_at(0);
    assert_int_equal(rc, kind == VERDICT_YES ? RES_OK : RES_MEMORY);
    return kind;
}

static void
each_allocation_may_fail(void **state)
{
    struct watch w = {.desk = &d, .memory = &m, .meddle = is_recorded};
    enum verdict_kind kind = VERDICT_FAULT;
    size_t n = 0;

    (void)state;
    begin(1000000); /* the watch begins before the last versions: there are news */
    memory_release(&m);
    watch_run(&w);
    watch_ends("recorded", &w, VERDICT_YES, RES_OK);
    watch_release(&w);
    while (kind != VERDICT_YES) {
        memory_release(&m);
        kind = replay(++n);
        assert_true(kind == VERDICT_FAULT || kind == VERDICT_YES);
        watch_honest("afterwards", &d, &m, 0);
    }
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
        cmocka_unit_test(statuses_mean_what_they_say),
        cmocka_unit_test(another_time_is_told_as_such),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
