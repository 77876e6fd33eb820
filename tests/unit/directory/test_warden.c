/* client/directory/warden over a real directory: what it begins, tells and keeps.  The lies are in
 * test_warden_lies.c, what is erased in test_warden_erased.c. */
#include "client/directory/warden.h"

#include "tests/unit/directory/watch.h"
#include "tests/vectors/check.h"

/* A window that makes each entry distinguished, and one that makes few. */
#define EACH 1
#define FEW 8000

static struct desk d;
static struct memory m;

static void
begin(uint64_t monitoring)
{
    desk_init(&d, &(struct kt_window){.monitoring = monitoring});
    memory_init(&m);
    testdir_append(&d.t, 1000000, 0);
}

static void
end(void)
{
    memory_release(&m);
    desk_release(&d);
}

static void
append(size_t n, unsigned labels)
{
    desk_append(&d, n, labels);
}

/* A run in which nobody lies: it succeeds, what is kept follows from the directory, and its news
 * are those versions of the label, oldest first. */
static void
watch(const char *says, unsigned label, bool begins, size_t from, size_t to)
{
    struct watch w = {.desk = &d, .memory = &m, .label = label};

    watch_run(&w);
    watch_ends(says, &w, VERDICT_YES, RES_OK);
    if (w.began != begins)
        fail_msg("%s: began %d", says, w.began);
    watch_told(says, &w, from, to);
    desk_audit(&d, &m, label);
    watch_release(&w);
}

/* ---- what is told ---- */

static void
a_watch_begins_where_an_entry_is_distinguished(void **state)
{
    static const uint64_t windows[] = {EACH, FEW, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        begin(windows[i]);
        append(5, 1);
        append(5, 3);
        append(3, 0);
        struct watch w = {.desk = &d, .memory = &m, .label = 0};
        watch_run(&w);
        watch_ends("begins", &w, VERDICT_YES, RES_OK);
        assert_true(w.began);
        assert_int_equal(w.asks[WATCH_HEADS], 1);
        assert_int_equal(w.asks[WATCH_INIT], 1);
        desk_audit(&d, &m, 0);
        const struct memory_label *l = desk_kept(&d, &m, 0);
        assert_true(l->watched);
        assert_int_equal(w.news_n, l->upcoming_n);
        watch_told("what came after the start", &w, (size_t)(l->at_start + 1), 10);
        watch_release(&w);
        watch("the next run does not begin again", 0, false, 10, 10);
        end();
    }
}

static void
news_are_told_once_oldest_first(void **state)
{
    (void)state;
    begin(FEW);
    append(4, 2);
    watch("somebody who is not there", 0, true, 0, 0);
    assert_int_equal(desk_kept(&d, &m, 0)->at_start, -1);
    append(1, 3);
    watch("is there", 0, false, 0, 1);
    watch("nothing new", 0, false, 1, 1);
    append(7, 2);
    watch("others change", 0, false, 1, 1);
    append(3, 1);
    append(2, 0);
    append(2, 1);
    watch("changes five times", 0, false, 1, 6);
    watch("nothing new again", 0, false, 6, 6);
    append(30, 0);
    watch("time passes", 0, false, 6, 6);
    assert_int_equal(desk_kept(&d, &m, 0)->upcoming_n, 0);
    end();
}

static void
nobody_appears_later(void **state)
{
    (void)state;
    begin(EACH);
    append(3, 2);
    watch("a stranger", TESTDIR_STRANGER, true, 0, 0);
    append(90, 2);
    watch("a stranger still", TESTDIR_STRANGER, false, 0, 0);
    end();
}

static void
nothing_new_changes_nothing(void **state)
{
    struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);

    (void)state;
    begin(FEW);
    append(20, 1);
    struct watch w = {.desk = &d, .memory = &m, .label = 0};
    watch_run(&w);
    watch_ends("begins", &w, VERDICT_YES, RES_OK);
    watch_release(&w);
    desk_write(&d, &m, &before);
    w = (struct watch){.desk = &d, .memory = &m, .label = 0};
    watch_run(&w);
    watch_ends("again", &w, VERDICT_YES, RES_OK);
    assert_int_equal(w.asks[WATCH_HEADS] + w.asks[WATCH_INIT], 0);
    assert_int_equal(w.asks[WATCH_UPDATE], 1);
    assert_int_equal(w.asks[WATCH_MONITOR], 1);
    watch_release(&w);
    desk_write(&d, &m, &after);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    buf_release(&before);
    buf_release(&after);
    end();
}

/* ---- long walks ---- */

/* A directory shows 64 distinguished entries in one answer. */
static void
a_walk_takes_several_answers(void **state)
{
    (void)state;
    begin(EACH);
    append(2, 1);
    watch("begins", 0, true, 2, 2);
    uint64_t start = desk_kept(&d, &m, 0)->start;
    append(100, 2);
    append(1, 1);
    append(100, 2);
    struct watch w = {.desk = &d, .memory = &m, .label = 0};
    watch_run(&w);
    watch_ends("far behind", &w, VERDICT_YES, RES_OK);
    watch_told("far behind", &w, 2, 3);
    assert_true(w.asks[WATCH_MONITOR] >= 4);
    assert_true(desk_kept(&d, &m, 0)->start >= start + 200);
    desk_audit(&d, &m, 0);
    watch_release(&w);
    end();
}

/* So many news in runs until all are told; the last of them ends so. */
static size_t
watch_many(size_t most, enum verdict_kind kind, enum result why)
{
    enum verdict_kind ended = VERDICT_LATER;
    size_t told = 0;

    for (unsigned runs = 0; ended == VERDICT_LATER; runs++) {
        struct watch w = {.desk = &d, .memory = &m, .label = 0};

        watch_run(&w);
        ended = w.verdict->kind;
        assert_true(runs < 5 && w.news_n <= WARDEN_VERSIONS_MAX);
        watch_ends("many", &w, ended, ended == VERDICT_LATER ? RES_BUSY : why);
        watch_told("many", &w, told, told + w.news_n);
        told += w.news_n;
        watch_release(&w);
    }
    assert_int_equal(ended, kind);
    assert_true(told <= most);
    return told;
}

/* More than one run takes. */
static void
many_news_take_several_runs(void **state)
{
    (void)state;
    begin(EACH);
    append(2, 0);
    watch("begins", 0, true, 0, 0);
    append(300, 1);
    assert_int_equal(watch_many(300, VERDICT_YES, RES_OK), 300);
    desk_audit(&d, &m, 0);
    watch("and no more", 0, false, 300, 300);
    end();
}

/* Behind the 1024th entry, the root of the tree and the last that is distinguished: first more than
 * a contact map has room for, then more than is kept. */
static void
news_behind_a_distinguished_entry(void **state)
{
    (void)state;
    begin(2000000);
    append(1023, 0);
    watch("begins", 0, true, 0, 0);
    append(300, 1);
    assert_int_equal(watch_many(300, VERDICT_YES, RES_OK), 300);
    desk_audit(&d, &m, 0);
    append(250, 1);
    struct watch w = {.desk = &d, .memory = &m, .label = 0};
    watch_run(&w);
    watch_ends("more than is kept", &w, VERDICT_LATER, RES_BUSY);
    assert_true(w.news_n > 200);
    size_t told = 300 + w.news_n;
    watch_told("more than is kept", &w, 300, told);
    watch_release(&w);
    for (int i = 0; i < 2; i++) {
        w = (struct watch){.desk = &d, .memory = &m, .label = 0};
        watch_run(&w);
        watch_ends("no run comes further", &w, VERDICT_FAULT, RES_TOO_LARGE);
        watch_told("no run comes further", &w, told, told);
        watch_release(&w);
    }
    end();
}

/* ---- while it is asked ---- */

/* Once, before the first question after the update: a version more. */
static void
grows(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    if (w->step != WATCH_MONITOR || w->asks[WATCH_MONITOR] > 1)
        return;
    append(w->arg, 1);
    append(1, 0);
    desk_answer(&d, ask, body, a);
}

static void
a_version_comes_between(void **state)
{
    (void)state;
    begin(EACH);
    append(3, 1);
    watch("begins", 0, true, 3, 3);
    struct watch w = {.desk = &d, .memory = &m, .label = 0, .meddle = grows, .arg = 1};
    watch_run(&w);
    watch_ends("distinguished at once: asked for again", &w, VERDICT_YES, RES_OK);
    watch_told("distinguished at once", &w, 3, 4);
    assert_int_equal(w.asks[WATCH_UPDATE], 3);
    desk_audit(&d, &m, 0);
    watch_release(&w);
    append(70, 0); /* the walk comes to its end, and then to where it begins */
    w = (struct watch){.desk = &d, .memory = &m, .label = 0, .meddle = grows, .arg = 2};
    watch_run(&w);
    watch_ends("two, after a walk", &w, VERDICT_YES, RES_OK);
    watch_told("two, after a walk", &w, 4, 6);
    desk_audit(&d, &m, 0);
    watch_release(&w);
    end();
}

/* In an entry that is not distinguished it is no part of the walk: the next run tells of it. */
static void
a_version_comes_between_unseen(void **state)
{
    (void)state;
    begin(1000000);
    append(3, 2);
    watch("begins", 0, true, 0, 0);
    struct watch w = {.desk = &d, .memory = &m, .label = 0, .meddle = grows, .arg = 1};
    watch_run(&w);
    watch_ends("not distinguished", &w, VERDICT_YES, RES_OK);
    watch_told("not distinguished", &w, 0, 0);
    watch_release(&w);
    watch("the next run", 0, false, 0, 1);
    end();
}

/* ---- with what was looked up before ---- */

static void
what_was_looked_up_goes_on_to_be_followed(void **state)
{
    struct contact_map *map;
    struct memory_label *l;
    (void)state;

    begin(FEW);
    append(6, 1);
    append(20, 0);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 0), &l), RES_OK);
    map = &l->map;
    assert_int_equal(contact_add(map, d.t.label[0].at[2].entry, 2), RES_OK);
    assert_int_equal(contact_add(map, d.t.label[0].at[5].entry, 5), RES_OK);
    watch("all of it left of the start: settled", 0, true, 6, 6);
    assert_int_equal(map->n, 0);
    end();

    begin(1000000);
    append(2, 1);
    append(14, 0);
    append(2, 1);
    append(1, 0);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 0), &l), RES_OK);
    map = &l->map;
    assert_int_equal(contact_add(map, d.t.label[0].at[1].entry, 1), RES_OK);
    assert_int_equal(contact_add(map, d.t.label[0].at[3].entry, 3), RES_OK);
    watch_know(&d, &m, 0, 3);
    watch("one of them right of it: followed", 0, true, 2, 4);
    assert_true(map->n > 0);
    assert_true(map->entries[map->n - 1].position > l->start);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_begins_where_an_entry_is_distinguished),
        cmocka_unit_test(news_are_told_once_oldest_first),
        cmocka_unit_test(nobody_appears_later),
        cmocka_unit_test(nothing_new_changes_nothing),
        cmocka_unit_test(a_walk_takes_several_answers),
        cmocka_unit_test(many_news_take_several_runs),
        cmocka_unit_test(news_behind_a_distinguished_entry),
        cmocka_unit_test(a_version_comes_between),
        cmocka_unit_test(a_version_comes_between_unseen),
        cmocka_unit_test(what_was_looked_up_goes_on_to_be_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
