/* client/directory/landmarks over a real directory: what is learned in steps is what is learned at
 * once, it outlives a run, and no other answer gets into it. */
#include "client/directory/landmarks.h"

#include <string.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/fed.h"
#include "tests/vectors/check.h"

#define FILE_ROOM ((size_t)1 << 20)

static struct testdir t;
static struct testlog keys;
static struct policy_log the_log;

static void
begin(uint64_t monitoring)
{
    testlog_init(&keys);
    testdir_init(&t, &(struct kt_window){.monitoring = monitoring});
    fed_log(&t, &keys, &the_log);
}

static void
end(void)
{
    testdir_release(&t);
    testlog_release(&keys);
}

static void
append(struct rng *r, size_t n)
{
    uint64_t timestamp = t.n == 0 ? 1000000 : fed_now(&t);

    if (t.d != NULL)
        testdir_fill(&t);
    for (size_t i = 0; i < n; i++, timestamp += rng_next(r) % 20)
        testdir_append(&t, timestamp, (unsigned)(rng_next(r) % 2));
    testdir_open(&t);
}

static bool
same_view(const struct kt_view *a, const struct kt_view *b)
{
    struct hash x, y;
    bool same = a->peaks.size == b->peaks.size && a->n == b->n;

    logtree_root(&a->peaks, &x);
    logtree_root(&b->peaks, &y);
    for (unsigned i = 0; same && i < a->n; i++)
        same = a->frontier[i].position == b->frontier[i].position &&
               a->frontier[i].entry.timestamp == b->frontier[i].entry.timestamp &&
               hash_equal(&a->frontier[i].entry.prefix_root, &b->frontier[i].entry.prefix_root);
    return same && hash_equal(&x, &y);
}

/* Each is the model's view of the tree that ends there. */
static void
check_views(const struct memory *m)
{
    struct kt_view view;

    for (unsigned i = 0; i < m->recent_n; i++) {
        testdir_view(&t, m->recent[i].peaks.size, &view);
        assert_true(same_view(&m->recent[i], &view));
        assert_true(i == 0 || m->recent[i].peaks.size < m->recent[i - 1].peaks.size);
    }
    testdir_view(&t, t.n, &view);
    assert_true(same_view(&m->view, &view));
}

static bool
same_recent(const struct memory *a, const struct memory *b)
{
    bool same = a->recent_n == b->recent_n;

    for (unsigned i = 0; same && i < a->recent_n; i++)
        same = same_view(&a->recent[i], &b->recent[i]);
    return same;
}

/* Written and read again. */
static void
check_file(const struct memory *m)
{
    struct buf file = BUF_INIT(FILE_ROOM);
    struct memory back;

    memory_init(&back);
    assert_int_equal(memory_write(m, &the_log, &file), RES_OK);
    assert_int_equal(memory_parse(buf_span(&file), &the_log, &back), RES_OK);
    assert_true(same_recent(m, &back));
    memory_release(&back);
    buf_release(&file);
}

static void
in_steps_as_at_once(void **state)
{
    static const uint64_t monitoring[] = {1, 50, 400, 100000};
    struct rng r = rng_start("landmarks: steps");

    (void)state;
    for (size_t w = 0; w < sizeof(monitoring) / sizeof(monitoring[0]); w++) {
        struct memory often, rarely, once;

        begin(monitoring[w]);
        memory_init(&often);
        memory_init(&rarely);
        for (unsigned i = 0; i < 24; i++) {
            append(&r, 1 + rng_next(&r) % 4);
            memory_init(&once);
            assert_int_equal(fed_learn(&t, &the_log, &once), VERDICT_YES);
            assert_int_equal(fed_learn(&t, &the_log, &often), VERDICT_YES);
            check_views(&once);
            assert_true(same_recent(&often, &once));
            if (rng_next(&r) % 5 == 0) {
                assert_int_equal(fed_learn(&t, &the_log, &rarely), VERDICT_YES);
                assert_true(same_recent(&rarely, &once));
            }
            check_file(&often);
        }
        /* Nothing is new. */
        assert_int_equal(fed_learn(&t, &the_log, &often), VERDICT_YES);
        check_views(&often);
        end();
    }
}

/* ---- what is not learned ---- */

static struct buf out = {.max = 1 << 20};

/* What becomes of the answer a to somebody who knows m; m stays as it is unless it is believed. */
static enum verdict_kind
feed(struct memory *m, const struct answer *a, uint64_t now)
{
    const struct landmarks_config c = {.log = &the_log, .memory = m};
    struct memory before = *m;
    enum verdict_kind kind;
    struct landmarks *l;
    struct ask ask;

    assert_int_equal(landmarks_new(&c, &l), RES_OK);
    for (landmarks_ask(l, &ask); ask.kind != ASK_DONE; landmarks_ask(l, &ask))
        landmarks_answer(l, a, now);
    kind = landmarks_verdict(l)->kind;
    if (kind != VERDICT_YES)
        assert_memory_equal(m, &before, sizeof(before));
    assert_int_equal(landmarks_verdict(l)->evidence.n > 0, kind == VERDICT_REFUSED);
    landmarks_free(l);
    return kind;
}

static void
ask_for(const struct memory *m)
{
    struct buf body = BUF_INIT(KT_REQUEST_MAX);
    struct ask ask = {.path = LANDMARKS_PATH};

    assert_int_equal(landmarks_write(m, &body), RES_OK);
    ask.body = buf_span(&body);
    buf_clear(&out);
    assert_int_equal(fed_answer(&t, &ask, &out).status, 200);
    buf_release(&body);
}

static void
other_answers(void **state)
{
    struct rng r = rng_start("landmarks: changed");
    struct memory some, none;
    struct answer a = {.status = 200};
    size_t changed = 0;

    (void)state;
    begin(50);
    memory_init(&some);
    append(&r, 13);
    assert_int_equal(fed_learn(&t, &the_log, &some), VERDICT_YES);
    append(&r, 20);
    for (unsigned who = 0; who < 2; who++) {
        memory_init(&none);
        ask_for(who == 0 ? &none : &some);
        a.body = buf_span(&out);
        for (size_t at = rng_next(&r) % 5; at < out.n; at += 5, changed++) {
            uint8_t bit = (uint8_t)(1u << rng_next(&r) % 8);

            out.p[at] ^= bit;
            if (feed(who == 0 ? &none : &some, &a, fed_now(&t)) != VERDICT_REFUSED)
                fail_msg("who %u: byte %zu of %zu, bit %#x", who, at, out.n, bit);
            out.p[at] ^= bit;
        }
        /* What is an answer to one is none to the other. */
        assert_int_equal(feed(who == 0 ? &some : &none, &a, fed_now(&t)), VERDICT_REFUSED);
        assert_int_equal(feed(who == 0 ? &none : &some, &a, fed_now(&t)), VERDICT_YES);
    }
    print_message("%zu changed bytes\n", changed);
    end();
}

static void
other_times_and_statuses(void **state)
{
    static const struct {
        const char *says;
        struct answer a;
        enum verdict_kind kind;
    } rows[] = {
        {"a refusal", {.status = 404}, VERDICT_REFUSED},
        {"another server", {.status = 302}, VERDICT_LATER},
        {"busy", {.status = 503}, VERDICT_LATER},
        {"no answer", {.transport = RES_UNREACHABLE}, VERDICT_LATER},
        {"no memory", {.transport = RES_MEMORY}, VERDICT_FAULT},
        {"nothing", {.status = 200}, VERDICT_REFUSED},
    };
    struct rng r = rng_start("landmarks: times");
    struct memory m;

    (void)state;
    begin(50);
    append(&r, 20);
    memory_init(&m);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (feed(&m, &rows[i].a, fed_now(&t)) != rows[i].kind)
            fail_msg("%s", rows[i].says);
    ask_for(&m);
    struct answer a = {.status = 200, .body = buf_span(&out)};
    assert_int_equal(feed(&m, &a, fed_now(&t) + t.kt.max_behind + 1), VERDICT_LATER);
    assert_int_equal(feed(&m, &a, fed_now(&t) - t.kt.max_ahead - 1), VERDICT_LATER);
    for (size_t i = 0, n = 1; i <= n; i++) {
        failalloc_at(i);
        enum result rc = landmarks_take(&m, &the_log, a.body, fed_now(&t));
        n = i == 0 ? failalloc_count() : n;
        failalloc_at(0);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        memory_init(&m);
    }
    end();
}

static void
when_to_ask(void **state)
{
    struct rng r = rng_start("landmarks: when");
    struct memory m;
    uint64_t newest;

    (void)state;
    begin(50);
    append(&r, 20);
    memory_init(&m);
    assert_true(landmarks_due(&m, &the_log, fed_now(&t)));
    assert_true(landmarks_stale(&m, &the_log, fed_now(&t)));
    assert_int_equal(fed_learn(&t, &the_log, &m), VERDICT_YES);
    newest = t.entries[m.recent[0].peaks.size - 1].timestamp;
    assert_false(landmarks_due(&m, &the_log, newest + 49));
    assert_true(landmarks_due(&m, &the_log, newest + 50));
    assert_false(landmarks_stale(&m, &the_log, fed_now(&t) + 100));
    assert_true(landmarks_stale(&m, &the_log, fed_now(&t) + 101));
    /* A log that shows newer heads, and no newer distinguished entry. */
    m.view.frontier[m.view.n - 1].entry.timestamp = newest + 150;
    assert_false(landmarks_stale(&m, &the_log, newest + 150));
    assert_true(landmarks_stale(&m, &the_log, newest + 151));
    end();
}

/* Files that nobody wrote: another order, more than are recent, beyond the head, none without it.
 */
static void
other_files(void **state)
{
    struct rng r = rng_start("landmarks: files");
    struct buf file = BUF_INIT(FILE_ROOM);
    struct memory m, back;

    (void)state;
    begin(1);
    append(&r, 40);
    memory_init(&m);
    assert_int_equal(fed_learn(&t, &the_log, &m), VERDICT_YES);
    assert_true(m.recent_n > 2);
    for (unsigned i = 0; i < 3; i++) {
        struct memory twin = m;

        if (i == 0)
            twin.recent[0] = m.recent[1], twin.recent[1] = m.recent[0];
        else if (i == 1)
            twin.recent[1] = m.recent[0];
        else
            testdir_view(&t, t.n - 1, &twin.view); /* and so its head is another */
        buf_clear(&file);
        assert_int_equal(memory_write(&twin, &the_log, &file), RES_OK);
        memory_init(&back);
        assert_int_equal(memory_parse(buf_span(&file), &the_log, &back),
                         i < 2 ? RES_VALUE : RES_SIGNATURE);
        assert_int_equal(back.recent_n, 0);
    }
    buf_release(&file);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_steps_as_at_once),
        cmocka_unit_test(other_answers),
        cmocka_unit_test(other_times_and_statuses),
        cmocka_unit_test(when_to_ask),
        cmocka_unit_test(other_files),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    buf_release(&out);
    return rc;
}
