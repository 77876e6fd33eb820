/* client/directory/finder over a real directory: what was looked up before is followed, then the
 * question, then the link to the certificate log that was seen; and lies on the way.  What it waits
 * for is in test_finder_waits.c. */
#include "client/directory/finder.h"

#include "merkle/keytrans/ladder.h"
#include "tests/unit/directory/search.h"
#include "tests/unit/directory/watch.h"
#include "tests/vectors/check.h"

#define COVERED 20
/* A window in which no entry but the root of the tree is distinguished. */
#define ROOT 1000000

static struct lookup l;
static struct memory m;
static struct view seen;
static struct mailbox_record record;
static struct buf before = {.max = 1 << 20}, after = {.max = 1 << 20};

/* Label 0 has one certificate, entry 0, and so many versions; label 1 two versions with nothing
 * that is in the log, which nobody asks for. */
static void
begin(uint64_t monitoring)
{
    lookup_init(&l, &(struct kt_window){.monitoring = monitoring});
    memory_init(&m);
    seen = VIEW_INIT;
    record = lookup_record(&l, lookup_certify(&l, 0), 0);
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

/* What runs of a label end with: a certificate or none. */
static void
look_up(const char *says, unsigned label, struct kt_optional at, size_t followed)
{
    struct search s = {.l = &l, .memory = &m, .view = &seen, .label = label, .at = at};

    search_run(&s);
    search_ends(says, &s, VERDICT_YES, RES_OK);
    if (s.followed != followed)
        fail_msg("%s: %zu labels were followed", says, s.followed);
    assert_int_equal(s.asks[SEARCH_FOLLOW], followed);
    const struct memory_label *k = desk_kept(&l.desk, &m, label);
    if (k != NULL && !k->watched) /* what its owner knows is another matter */
        desk_audit(&l.desk, &m, label);
    search_release(&s);
}

static const struct kt_optional newest;

/* Entries without anything, up to the 16th, which then is the root of the tree up to the 32nd. */
static void
fill(void)
{
    while (l.desk.t.n < 16)
        lookup_append(&l, NULL, 0, COVERED);
}

/* Another certificate of label 0, in the log and in an entry of the directory. */
static void
another(void)
{
    record = lookup_record(&l, lookup_certify(&l, 0), 0);
    lookup_append(&l, &record, 1, COVERED);
}

/* ---- what is followed ---- */

/* Entries 0 to 6: the root is 3, the only one that is distinguished. */
static void
what_must_be_followed_is(void **state)
{
    (void)state;
    begin(ROOT);
    another();
    another();
    lookup_append(&l, NULL, 0, COVERED);
    look_up("the newest version", 0, newest, 0);
    struct memory_label *k = desk_kept(&l.desk, &m, 0);
    assert_non_null(k);
    assert_int_equal(k->map.n, 1);
    assert_int_equal(k->map.entries[0].version, 2);
    look_up("another label, and the first is followed", TESTDIR_STRANGER, newest, 1);
    assert_null(desk_kept(&l.desk, &m, TESTDIR_STRANGER));
    fill();
    look_up("it comes to a distinguished entry", TESTDIR_STRANGER, newest, 1);
    assert_int_equal(k->map.n, 0);
    assert_int_equal(k->steps_n, 0);
    look_up("and is followed no more", TESTDIR_STRANGER, newest, 0);
    memory_tidy(&m);
    assert_int_equal(m.n, 0);
    end();
}

/* Steps that following needs no more are forgotten with it. */
static void
only_what_is_needed_is_kept(void **state)
{
    uint32_t ladder[LADDER_STEPS_MAX];

    (void)state;
    begin(ROOT);
    fill();
    for (int i = 0; i < 9; i++) {
        another();
        look_up("each version", 0, newest, i > 0);
    }
    struct search s = {.l = &l, .memory = &m, .follow_only = true};
    search_run(&s);
    search_ends("only what is due", &s, VERDICT_YES, RES_OK);
    assert_int_equal(s.asks[SEARCH_LOOK_UP] + s.asks[SEARCH_LINK], 0);
    search_release(&s);
    const struct memory_label *k = desk_kept(&l.desk, &m, 0);
    assert_true(k->map.n > 0 && k->map.n < 6);
    for (size_t i = 0; i < k->steps_n; i++) {
        bool needed = false;

        for (unsigned e = 0; e < k->map.n; e++) {
            unsigned n = ladder_base(k->map.entries[e].version, ladder);
            for (unsigned j = 0; j < n; j++)
                needed = needed || ladder[j] == k->steps[i].version;
        }
        assert_true(needed);
    }
    end();
}

static void
a_version_of_a_time_is_followed(void **state)
{
    struct kt_optional at = {true, 0};

    (void)state;
    begin(ROOT);
    fill();
    another();
    another();
    const struct testdir_label *model = &l.desk.t.label[0];
    at.value = l.desk.t.entries[model->at[1].entry].timestamp;
    look_up("the version of then", 0, at, 0);
    struct memory_label *k = desk_kept(&l.desk, &m, 0);
    assert_non_null(k);
    assert_int_equal(k->map.n, 1);
    assert_int_equal(k->map.entries[0].version, 1);
    assert_int_equal(k->map.entries[0].position, model->at[1].entry);
    look_up("that of now besides", 0, newest, 1);
    assert_int_equal(k->map.entries[k->map.n - 1].version, 2);
    at.value = l.desk.t.entries[0].timestamp;
    look_up("there was none", 0, at, 1);
    end();
}

/* Its owner's walk sees more: it is not asked for, and what is shown is followed by the walk. */
static void
what_is_shown_of_a_watched_label_is_followed(void **state)
{
    (void)state;
    begin(ROOT);
    fill();
    another();
    watch_honest("watched", &l.desk, &m, 0);
    another();
    look_up("before its owner is told", 0, newest, 0);
    struct memory_label *k = desk_kept(&l.desk, &m, 0);
    assert_true(k->watched);
    assert_true(k->map.n > 0);
    assert_int_equal(k->map.entries[k->map.n - 1].version, 2);
    look_up("again", 0, newest, 0);
    watch_honest("its owner is told", &l.desk, &m, 0);
    end();
}

/* ---- lies about versions ---- */

static void
changes_nothing(const char *says, struct search s, enum verdict_kind kind, enum result why)
{
    s.l = &l;
    s.memory = &m;
    s.view = &seen;
    desk_write(&l.desk, &m, &before);
    search_run(&s);
    search_ends(says, &s, kind, why);
    desk_write(&l.desk, &m, &after);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    search_release(&s);
}

static void
another_value_than_was_shown_is_refused(void **state)
{
    struct memory_label *k;

    (void)state;
    begin(ROOT);
    another();
    look_up("the first time", 0, newest, 0);
    k = desk_kept(&l.desk, &m, 0);
    for (size_t i = 0; i < k->steps_n; i++) {
        if (!k->steps[i].has_commitment)
            continue;
        k->steps[i].commitment.b[4] ^= 1;
        struct contact_map map = k->map;
        k->map.n = 0; /* so that it is the question that shows it */
        changes_nothing("another value", (struct search){.label = 0}, VERDICT_REFUSED,
                        RES_CONFLICT);
        k->map = map;
        struct search s = {.l = &l, .memory = &m, .view = &seen, .label = 0};
        search_run(&s);
        assert_int_equal(s.verdict->kind, VERDICT_REFUSED);
        assert_int_equal(s.asks[SEARCH_LOOK_UP], s.followed);
        search_release(&s);
        k->steps[i].commitment.b[4] ^= 1;
    }
    look_up("the same value", 0, newest, 1);
    end();
}

static void
what_is_gone_is_refused(void **state)
{
    (void)state;
    begin(ROOT);
    another();
    lookup_append(&l, NULL, 0, COVERED);
    look_up("the first time", 0, newest, 0);
    lookup_append(&l, NULL, 0, COVERED);
    struct memory_label *k = desk_kept(&l.desk, &m, 0);
    k->map.entries[0].version = 2; /* it has 0 and 1 */
    watch_know(&l.desk, &m, 0, 1);
    changes_nothing("version 2 is gone", (struct search){.label = 0}, VERDICT_REFUSED,
                    RES_KT_NO_VERSION);
    end();
}

/* ---- the certificate log ---- */

static struct answer instead;

static void
bends_the_link(struct search *s, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)ask;
    if (s->step != SEARCH_LINK)
        return;
    if (s->arg == 0) {
        *a = instead;
    } else {
        lookup_flip(body, "\"consistency\":[\"", s->arg);
        a->body = buf_span(body);
    }
}

static struct search
linked(const char *says, struct search s, enum verdict_kind kind, enum result why)
{
    s.l = &l;
    s.memory = &m;
    s.view = &seen;
    search_run(&s);
    search_ends(says, &s, kind, why);
    search_release(&s);
    return s;
}

static void
the_log_is_the_one_that_was_seen(void **state)
{
    struct search s;

    (void)state;
    begin(ROOT);
    s = linked("a log that was never seen", (struct search){.label = 0}, VERDICT_YES, RES_OK);
    assert_int_equal(s.asks[SEARCH_LINK], 0);
    lookup_see(&l, 4, desk_now(&l.desk), &seen);
    s = linked("seen before", (struct search){.label = 0}, VERDICT_YES, RES_OK);
    assert_int_equal(s.asks[SEARCH_LINK], 1);
    s = linked("a proof of something else", (struct search){.meddle = bends_the_link, .arg = 20},
               VERDICT_REFUSED, RES_ROOT_DIFFERS);
    instead = (struct answer){.status = 200, .body = span_str("{\"consistency\":[]}")};
    (void)linked("no proof", (struct search){.meddle = bends_the_link}, VERDICT_REFUSED,
                 RES_PROOF_LENGTH);
    instead.body = span_str("{}");
    (void)linked("no answer", (struct search){.meddle = bends_the_link}, VERDICT_REFUSED, RES_JSON);
    instead.status = 400;
    (void)linked("denied", (struct search){.meddle = bends_the_link}, VERDICT_REFUSED,
                 RES_UNKNOWN_HASH);
    instead.status = 403;
    (void)linked("denied by what stands before it", (struct search){.meddle = bends_the_link},
                 VERDICT_LATER, RES_UNREACHABLE);
    instead.status = 503;
    s = linked("busy", (struct search){.meddle = bends_the_link}, VERDICT_LATER, RES_BUSY);
    assert_int_equal(s.asks[SEARCH_LINK], FINDER_TRIES);
    lookup_see(&l, COVERED, desk_now(&l.desk) + 1, &seen);
    s = linked("the same head", (struct search){.label = 0}, VERDICT_YES, RES_OK);
    assert_int_equal(s.asks[SEARCH_LINK], 0);
    end();
}

static void
another_log_is_refused(void **state)
{
    (void)state;
    for (uint64_t size = 4; size <= COVERED; size += COVERED - 4) {
        begin(ROOT);
        l.desk.ct.leaf[2].b[0] ^= 1;
        lookup_see(&l, size, desk_now(&l.desk), &seen);
        l.desk.ct.leaf[2].b[0] ^= 1;
        (void)linked("another log", (struct search){.label = 0}, VERDICT_REFUSED,
                     size < COVERED ? RES_ROOT_DIFFERS : RES_CONFLICT);
        end();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_followed_is),
        cmocka_unit_test(only_what_is_needed_is_kept),
        cmocka_unit_test(a_version_of_a_time_is_followed),
        cmocka_unit_test(what_is_shown_of_a_watched_label_is_followed),
        cmocka_unit_test(another_value_than_was_shown_is_refused),
        cmocka_unit_test(what_is_gone_is_refused),
        cmocka_unit_test(the_log_is_the_one_that_was_seen),
        cmocka_unit_test(another_log_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
