/* client/directory/warden and a mailbox that was erased, or is said to be. */
#include "client/directory/warden.h"

#include "merkle/keytrans/response.h"
#include "tests/unit/directory/watch.h"
#include "tests/vectors/check.h"

/* A window that makes each entry distinguished, and one that makes few. */
#define EACH 1
#define FEW 8000

static struct desk d;
static struct memory m;
static struct buf before = {.max = 1 << 20}, after = {.max = 1 << 20};

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
    buf_release(&before);
    buf_release(&after);
}

static void
append(size_t n, unsigned labels)
{
    desk_append(&d, n, labels);
}

/* A run in which nobody lies, that tells of those versions. */
static void
watch(const char *says, size_t from, size_t to)
{
    struct watch w = {.desk = &d, .memory = &m, .label = 0};

    watch_run(&w);
    watch_ends(says, &w, VERDICT_YES, RES_OK);
    assert_int_equal(warden_missed(w.warden), 0);
    watch_told(says, &w, from, to);
    desk_audit(&d, &m, 0);
    watch_release(&w);
}

/* ---- nobody lies ---- */

/* Erases label 0 when its newest version has stood for the window. */
static void
erase(uint64_t window)
{
    assert_int_equal(testdir_erase(&d.t, 0, desk_now(&d) + window), RES_OK);
}

/* A run that tells of versions that were erased unseen, and of the tombstone alone. */
static void
missed(const char *says, uint32_t n)
{
    struct watch w = {.desk = &d, .memory = &m, .label = 0};
    size_t tombstone = d.t.label[0].n - 1;

    watch_run(&w);
    watch_ends(says, &w, VERDICT_YES, RES_OK);
    assert_false(w.began);
    assert_int_equal(warden_missed(w.warden), n);
    assert_int_equal(w.asks[WATCH_SEARCH], 1);
    watch_told(says, &w, tombstone, tombstone + 1);
    desk_audit(&d, &m, 0);
    watch_release(&w);
}

static void
what_was_seen_is_erased(void **state)
{
    (void)state;
    begin(EACH);
    append(4, 1);
    watch("begins", 4, 4);
    append(3, 1);
    watch("sees all", 4, 7);
    erase(EACH);
    watch("and then the tombstone", 7, 8);
    watch("once", 8, 8);
    append(4, 2);
    watch("nothing comes behind it", 8, 8);
    end();
}

static void
what_was_not_seen_is_erased(void **state)
{
    (void)state;
    begin(EACH);
    append(4, 1);
    watch("begins", 4, 4);
    append(6, 1);
    erase(EACH);
    missed("six versions and their tombstone", 6);
    watch("once", 11, 11);
    append(4, 2);
    watch("nothing comes behind it", 11, 11);
    end();
}

/* The rightmost distinguished entry shows what was erased, wherever it stands: the newest of that
 * had stood for a window. */
static void
the_watch_goes_on_behind_what_was_erased(void **state)
{
    (void)state;
    for (size_t later = 0; later < 24; later++) {
        begin(FEW);
        append(20 + later, 1);
        struct watch w = {.desk = &d, .memory = &m, .label = 0};
        watch_run(&w);
        watch_ends("begins", &w, VERDICT_YES, RES_OK);
        watch_release(&w);
        append(2 + later % 5, 1);
        append(later % 3, 2);
        erase(FEW);
        append(later, 2);
        missed("behind", (uint32_t)(2 + later % 5));
        watch("and no more", d.t.label[0].n, d.t.label[0].n);
        end();
    }
}

/* ---- a log that lies ---- */

/* A lie of label 0, and what goes before it. */
struct lie {
    uint32_t first, last;     /* versions that are called erased, the last one the tombstone */
    unsigned after;           /* answers to updates that are honest before */
    enum watch_step grows_at; /* before that step's first answer behind the 410 there is */
    unsigned grows;           /* so many versions more */
    unsigned updates;         /* its own: that were answered */
    bool told, grown;
};
static struct lie lie;

/* 410 for versions that are there. */
static void
call_erased(struct buf *body, struct answer *a)
{
    struct writer out = writer_to(body);

    buf_clear(body);
    put_u16(&out, lie.last - lie.first + 1);
    for (uint32_t v = lie.first; v <= lie.last; v++) {
        const struct testdir_version *at = &d.t.label[0].at[v];

        erased_version_put(
            &out, &(struct erased_version){v, at->entry, *testdir_key(&d.t, 0, v), at->commitment});
    }
    assert_int_equal(writer_end(&out), RES_OK);
    *a = (struct answer){.status = 410, .body = buf_span(body)};
}

/* The value that the tombstone is committed to, for the one that the directory has. */
static void
open_search(const struct ask *ask, struct buf *body, struct answer *a)
{
    const struct testdir_version *at = &d.t.label[0].at[d.t.tombstone];
    struct reader question = reader_of(ask->body), in = reader_of(a->body);
    struct buf text = BUF_INIT(DESK_ANSWER_MAX);
    struct writer out = writer_to(&text);
    struct search_response s;
    struct search_request q;

    search_request_get(&question, &q);
    search_response_get(&in, !q.version.has, &s);
    assert_int_equal(reader_end(&in), RES_OK);
    if ((q.version.has ? q.version.value : s.version) == d.t.tombstone)
        s.value = span_of(at->value, at->value_n);
    search_response_put(&out, !q.version.has, &s);
    assert_int_equal(writer_end(&out), RES_OK);
    buf_clear(body);
    assert_int_equal(buf_add(body, buf_span(&text)), RES_OK);
    a->body = buf_span(body);
    buf_release(&text);
}

/* As open_search, of an update that shows the tombstone alone. */
static void
open_update(struct buf *body, struct answer *a)
{
    const struct testdir_label *l = &d.t.label[0];
    struct reader in = reader_of(a->body);
    struct buf text = BUF_INIT(DESK_ANSWER_MAX), value = BUF_INIT(64);
    struct writer out = writer_to(&text), one = writer_to(&value);
    struct update_response u;

    update_response_get(&in, &u);
    assert_int_equal(reader_end(&in), RES_OK);
    if (u.position == l->at[d.t.tombstone].entry) {
        label_value_put(&one, span_of(l->at[d.t.tombstone].value, l->at[d.t.tombstone].value_n));
        assert_int_equal(writer_end(&one), RES_OK);
        u.values.bytes = buf_span(&value);
    }
    update_response_put(&out, &u);
    assert_int_equal(writer_end(&out), RES_OK);
    buf_clear(body);
    assert_int_equal(buf_add(body, buf_span(&text)), RES_OK);
    a->body = buf_span(body);
    buf_release(&text);
    buf_release(&value);
}

static void
lies(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    if (lie.told && !lie.grown && lie.grows > 0 && w->step == lie.grows_at) {
        append(lie.grows, 1);
        lie.grown = true;
        desk_answer(&d, ask, body, a);
    }
    if (w->step == WATCH_UPDATE && !lie.told && lie.updates++ == lie.after) {
        call_erased(body, a);
        lie.told = true;
    } else if (w->step == WATCH_UPDATE && a->status == 200 && d.t.tombstone > 0) {
        open_update(body, a);
    } else if (w->step == WATCH_SEARCH && a->status == 200 && d.t.tombstone > 0) {
        open_search(ask, body, a);
    }
}

/* A run of who knows the versions before lie.first. */
static struct watch
run_lie(struct lie l, const char *says, enum verdict_kind kind, enum result why)
{
    struct watch w = {.desk = &d, .memory = &m, .label = 0, .meddle = lies};

    lie = l;
    watch_run(&w);
    watch_ends(says, &w, kind, why);
    assert_true(lie.told);
    return w;
}

/* Watched with versions 0 to 3; 5 will be a tombstone. */
static void
begin_lie(uint64_t monitoring)
{
    begin(monitoring);
    append(4, 1);
    append(20, 2);
    watch_honest("begins", &d, &m, 0);
    d.t.tombstone = 5;
}

static void
what_is_called_erased_must_be(void **state)
{
    (void)state;
    begin(EACH);
    append(4, 1);
    watch("begins", 4, 4);
    append(3, 1);
    desk_write(&d, &m, &before);
    struct watch w = run_lie((struct lie){.first = 4, .last = 6}, "its newest is no tombstone",
                             VERDICT_REFUSED, RES_CONFLICT);
    assert_int_equal(warden_missed(w.warden), 0);
    assert_int_equal(w.news_n, 0);
    watch_release(&w);
    desk_write(&d, &m, &after);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    watch("and honest again", 4, 7);
    end();
}

/* 6 and 7 stand behind the tombstone when it is told. */
static void
a_version_behind_the_tombstone_is_refused(void **state)
{
    static const uint64_t windows[] = {EACH, FEW};

    (void)state;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        begin_lie(windows[i]);
        append(1, 1);
        append(10, 2);
        append(3, 1);
        desk_write(&d, &m, &before);
        struct watch w = run_lie((struct lie){.first = 4, .last = 5}, "two versions behind it",
                                 VERDICT_REFUSED, RES_CONFLICT);
        assert_int_equal(warden_missed(w.warden), 0);
        assert_int_equal(w.news_n, 0);
        watch_release(&w);
        desk_write(&d, &m, &after);
        assert_true(span_equal(buf_span(&before), buf_span(&after)));
        end();
    }
}

/* A greatest version that is a tombstone, but not the one that the 410 named. */
static void
another_tombstone_is_refused(void **state)
{
    (void)state;
    for (uint32_t last = 5; last < 8; last++) {
        begin_lie(EACH);
        d.t.tombstone = 7;
        append(4, 1);
        struct watch w =
            run_lie((struct lie){.first = 4, .last = last}, "another tombstone",
                    last == 7 ? VERDICT_YES : VERDICT_REFUSED, last == 7 ? RES_OK : RES_CONFLICT);
        assert_int_equal(warden_missed(w.warden), last == 7 ? 3 : 0);
        watch_release(&w);
        end();
    }
}

/* The tombstone was the greatest version, until it was proved. */
static void
a_version_that_comes_behind_the_tombstone_is_refused(void **state)
{
    static const struct {
        const char *says;
        uint64_t monitoring;
        enum watch_step grows_at;
        unsigned grows;
        enum result why;
    } rows[] = {
        {"none", EACH, WATCH_HEADS, 0, RES_OK},
        {"none, the watch begins before it", FEW, WATCH_HEADS, 0, RES_OK},
        {"before the watch begins again", EACH, WATCH_HEADS, 1, RES_CONFLICT},
        {"when it has begun behind the tombstone", EACH, WATCH_UPDATE, 1, RES_CONFLICT},
        {"when it has begun before the tombstone", FEW, WATCH_MONITOR, 9, RES_CONFLICT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin_lie(rows[i].monitoring);
        append(1, 1);
        append(10, 2);
        append(1, 1);
        struct watch w = run_lie(
            (struct lie){
                .first = 4, .last = 5, .grows_at = rows[i].grows_at, .grows = rows[i].grows},
            rows[i].says, rows[i].why == RES_OK ? VERDICT_YES : VERDICT_REFUSED, rows[i].why);
        assert_int_equal(lie.grown, rows[i].grows > 0);
        assert_int_equal(warden_missed(w.warden), 1); /* the tombstone was proved */
        watch_told(rows[i].says, &w, 5, 6);
        watch_release(&w);
        end();
    }
}

/* Made so soon behind what it erases that no distinguished entry shows that: the watch would begin
 * nowhere, and the next tombstone could follow before it did. */
static void
a_tombstone_that_comes_too_early_is_refused(void **state)
{
    (void)state;
    begin_lie(FEW);
    append(2, 1);
    int64_t start = (int64_t)desk_kept(&d, &m, 0)->start;
    for (int i = 0; i < 3; i++) {
        struct watch w = run_lie((struct lie){.first = 4, .last = d.t.tombstone},
                                 "version 4 has not stood", VERDICT_REFUSED, RES_CONFLICT);
        assert_int_equal(desk_kept(&d, &m, 0)->start, start);
        watch_release(&w);
        d.t.tombstone += 2;
        append(2, 1);
    }
    end();
}

/* The run has no room for the tombstone's value: the next one asks again. */
static void
a_full_run_leaves_the_tombstone(void **state)
{
    const uint32_t tombstone = WARDEN_VERSIONS_MAX + 1;

    (void)state;
    begin(EACH);
    append(2, 2);
    watch("begins", 0, 0);
    d.t.tombstone = tombstone;
    append(tombstone + 1, 1);
    struct watch w = run_lie(
        (struct lie){.first = tombstone - 1, .last = tombstone, .after = WARDEN_VERSIONS_MAX},
        "full", VERDICT_LATER, RES_BUSY);
    assert_int_equal(w.asks[WATCH_SEARCH], 0);
    assert_int_equal(warden_missed(w.warden), 0);
    watch_told("full", &w, 0, WARDEN_VERSIONS_MAX);
    watch_release(&w);
    w = run_lie((struct lie){.first = tombstone - 1, .last = tombstone}, "the next", VERDICT_YES,
                RES_OK);
    assert_int_equal(warden_missed(w.warden), 1);
    watch_told("the next", &w, tombstone, tombstone + 1);
    watch_release(&w);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_seen_is_erased),
        cmocka_unit_test(what_was_not_seen_is_erased),
        cmocka_unit_test(the_watch_goes_on_behind_what_was_erased),
        cmocka_unit_test(what_is_called_erased_must_be),
        cmocka_unit_test(a_version_behind_the_tombstone_is_refused),
        cmocka_unit_test(another_tombstone_is_refused),
        cmocka_unit_test(a_version_that_comes_behind_the_tombstone_is_refused),
        cmocka_unit_test(a_tombstone_that_comes_too_early_is_refused),
        cmocka_unit_test(a_full_run_leaves_the_tombstone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
