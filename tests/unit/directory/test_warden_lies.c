/* client/directory/warden and a directory that lies: nothing of it is believed, and nothing else
 * that is kept changes. */
#include "client/directory/warden.h"

#include <stdlib.h>

#include "merkle/keytrans/response.h"
#include "tests/unit/directory/watch.h"
#include "tests/vectors/check.h"

/* Windows in which every entry is distinguished, some are, and none but the root of the tree. */
#define EACH 1
#define FEW 8000
#define ROOT 1000000

static struct desk d;
static struct memory m;
static struct buf before = {.max = 1 << 20}, after = {.max = 1 << 20};

static void
append(size_t n, unsigned labels)
{
    desk_append(&d, n, labels);
}

static void
watch(const char *says, unsigned label)
{
    watch_honest(says, &d, &m, label);
}

/* A directory in which labels 0 and 1 have three versions, and both are watched. */
static void
begin(uint64_t monitoring)
{
    desk_init(&d, &(struct kt_window){.monitoring = monitoring});
    memory_init(&m);
    testdir_append(&d.t, 1000000, 0);
    append(3, 3);
    append(6, 2);
    watch("the first label", 0);
    watch("the second", 1);
}

static void
end(void)
{
    memory_release(&m);
    desk_release(&d);
    buf_release(&before);
    buf_release(&after);
}

/* What was kept of a label as bytes: a memory of its own with nothing but it. */
static void
write_label(unsigned label, struct buf *out)
{
    struct memory alone = {.has_view = false};
    struct memory_label *l = desk_kept(&d, &m, label);

    alone.labels = &l;
    alone.n = l == NULL ? 0 : 1;
    desk_write(&d, &alone, out);
}

/* A run about label 0 that ends so; nothing is believed of it that is not true, and of label 1
 * nothing changes. */
static struct watch
run(const char *says, struct watch w, enum verdict_kind kind, enum result why)
{
    w.desk = &d;
    w.memory = &m;
    write_label(1, &before);
    watch_run(&w);
    watch_ends(says, &w, kind, why);
    write_label(1, &after);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    if (w.began)
        assert_true(desk_kept(&d, &m, 0)->watched);
    watch_release(&w);
    return w;
}

/* ---- less is shown than there is ---- */

/* Answers the monitor's question as if it came from one who knows fewer versions: the walk ends
 * before the first entry that has more. */
static void
cuts_the_walk(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    struct buf request = BUF_INIT(KT_REQUEST_MAX);
    struct reader in = reader_of(ask->body);
    struct writer out = writer_to(&request);
    struct owner_monitor_request q;
    struct ask other = *ask;

    if (w->step != WATCH_MONITOR)
        return;
    owner_monitor_request_get(&in, &q);
    assert_int_equal(reader_end(&in), RES_OK);
    q.greatest_version.value -= w->arg;
    owner_monitor_request_put(&out, &q);
    assert_int_equal(writer_end(&out), RES_OK);
    other.body = buf_span(&request);
    desk_answer(&d, &other, body, a);
    buf_release(&request);
}

static void
denies_versions(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)ask;
    (void)body;
    if (w->step == WATCH_UPDATE)
        *a = (struct answer){.status = 409};
}

/* An answer without proofs, which a directory may give once: before a version that just came. */
static void
a_walk_that_is_cut_is_refused(void **state)
{
    struct watch w;

    (void)state;
    begin(EACH);
    append(2, 3);
    w = run("cut where it begins", (struct watch){.meddle = cuts_the_walk, .arg = 2},
            VERDICT_REFUSED, RES_KT_COUNT);
    assert_int_equal(w.asks[WATCH_MONITOR], 2);
    assert_int_equal(w.asks[WATCH_UPDATE], 4); /* two versions, none, and none again */
    watch("what is told after all", 0);
    append(1, 0);
    append(2, 3);
    w = run("cut later", (struct watch){.meddle = cuts_the_walk, .arg = 1}, VERDICT_REFUSED,
            RES_KT_COUNT);
    assert_int_equal(w.asks[WATCH_MONITOR], 3); /* the first came further */
    watch("what is told after all, again", 0);
    end();
}

static void
a_version_that_is_denied_is_found(void **state)
{
    struct watch w;

    (void)state;
    begin(EACH);
    append(1, 1);
    w = run("in a distinguished entry", (struct watch){.meddle = denies_versions}, VERDICT_REFUSED,
            RES_KT_COUNT);
    assert_int_equal(w.news_n, 0);
    assert_int_equal(w.asks[WATCH_UPDATE], 2);
    watch("what is told after all", 0);
    end();

    begin(ROOT);
    append(1, 1);
    w = run("not yet in one", (struct watch){.meddle = denies_versions}, VERDICT_YES, RES_OK);
    assert_int_equal(w.news_n, 0);
    append(6, 0); /* 17 entries: the 16th is the root now */
    (void)run("in one", (struct watch){.meddle = denies_versions}, VERDICT_REFUSED, RES_KT_COUNT);
    end();
}

/* ---- something else is shown ---- */

/* What is known of a version of label 0, that a look-up may have shown. */
static struct consume_version *
known(uint32_t version)
{
    struct memory_label *l = desk_kept(&d, &m, 0);

    for (size_t i = 0; i < l->steps_n; i++)
        if (l->steps[i].version == version)
            return &l->steps[i];
    fail_msg("nothing is known of version %u", version);
    return NULL;
}

/* Version 3 is one of the ladder of 2, 4 of that of 3; 5 is in none before its own. */
static void
another_value_than_was_shown_is_refused(void **state)
{
    (void)state;
    for (uint32_t version = 3; version < 8; version++) {
        begin(FEW);
        append(5, 1);
        watch_know(&d, &m, 0, version);
        struct consume_version *s = known(version);
        assert_true(s->has_commitment);
        s->commitment.b[7] ^= 1;
        struct watch w =
            run("another value", (struct watch){.label = 0}, VERDICT_REFUSED, RES_CONFLICT);
        assert_int_equal(w.news_n, version - 3);
        known(version)->commitment.b[7] ^= 1;
        watch("the same value", 0);
        end();
    }
}

/* A version that was seen to be there before the watch began is still there where it begins. */
static void
a_version_that_is_gone_is_refused(void **state)
{
    struct memory_label *l;

    (void)state;
    desk_init(&d, &(struct kt_window){.monitoring = FEW});
    memory_init(&m);
    testdir_append(&d.t, 1000000, 0);
    append(2, 3);
    append(30, 2);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 0), &l), RES_OK);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 1), &l), RES_OK);
    l = desk_kept(&d, &m, 0);
    assert_int_equal(contact_add(&l->map, 2, 2), RES_OK); /* it has versions 0 and 1 */
    struct watch w = run("gone", (struct watch){.label = 0}, VERDICT_REFUSED, RES_KT_LADDER);
    assert_false(w.began);
    assert_false(l->watched);
    assert_int_equal(l->map.n, 1);
    l->map.entries[0].version = 1;
    watch("there", 0);
    assert_int_equal(l->map.n, 0);
    end();
}

/* Answers as if the label had never been looked up. */
static void
forgets_what_was_shown(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    struct buf request = BUF_INIT(KT_REQUEST_MAX);
    struct reader in = reader_of(ask->body);
    struct writer out = writer_to(&request);
    struct owner_monitor_request q;
    struct ask other = *ask;

    if (w->step != WATCH_MONITOR)
        return;
    owner_monitor_request_get(&in, &q);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_true(q.map.n > 0);
    q.map.n = 0;
    owner_monitor_request_put(&out, &q);
    assert_int_equal(writer_end(&out), RES_OK);
    other.body = buf_span(&request);
    desk_answer(&d, &other, body, a);
    buf_release(&request);
}

/* A version that a look-up showed, in an entry before the next distinguished one, is still there in
 * that one: the owner's walk comes to it, and would be content with less. */
static void
a_version_that_was_shown_once_is_refused(void **state)
{
    (void)state;
    begin(FEW);
    struct memory_label *l = desk_kept(&d, &m, 0);
    uint64_t shown = d.t.n; /* not distinguished: it is too close to others */
    append(12, 2);
    assert_int_equal(contact_add(&l->map, shown, 3), RES_OK); /* there are 0 to 2 */
    struct watch w = run("gone", (struct watch){.meddle = forgets_what_was_shown}, VERDICT_REFUSED,
                         RES_KT_LADDER);
    assert_int_equal(w.news_n, 0);
    assert_int_equal(l->map.n, 1);
    l->map.entries[0].version = 2; /* what the label has there */
    (void)run("there", (struct watch){.meddle = forgets_what_was_shown}, VERDICT_YES, RES_OK);
    assert_int_equal(l->map.n, 0);
    end();
}

/* ---- other bytes ---- */

struct flip {
    enum watch_step step;
    size_t at, n; /* byte, and how many the answer had */
    uint8_t bits;
};
static struct flip flip;

static void
flips_a_byte(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a)
{
    (void)ask;
    if (w->step != flip.step || w->asks[w->step] > 1 || a->status != 200)
        return;
    flip.n = body->n;
    if (flip.at < body->n)
        body->p[flip.at] ^= flip.bits;
}

/* A label whose watch begins, with two versions later. */
static void
forget(void)
{
    struct memory_label *l;

    memory_release(&m);
    assert_int_equal(memory_label(&m, testdir_name(&d.t, 1), &l), RES_OK);
}

/* One byte of the first answer of each kind is another.  Refused; or told and kept is what would
 * have been: answers to an owner's first question name commitments that no entry shows. */
static void
no_byte_can_be_another(void **state)
{
    struct rng r = rng_start("warden: changed");
    struct buf honest = BUF_INIT(1 << 20), kept = BUF_INIT(1 << 20);
    unsigned changed = 0, same = 0;

    (void)state;
    begin(FEW);
    append(2, 1);
    append(20, 2);
    append(2, 1);
    forget();
    watch("honest", 0);
    desk_write(&d, &m, &honest);
    for (flip.step = WATCH_HEADS; flip.step < WATCH_STEPS; flip.step++) {
        for (flip.at = rng_next(&r) % 11, flip.n = SIZE_MAX; flip.at < flip.n;
             flip.at += 1 + rng_next(&r) % 21) {
            struct watch w = {.desk = &d, .memory = &m, .label = 0, .meddle = flips_a_byte};

            flip.bits = (uint8_t)(1 + rng_next(&r) % 255);
            forget();
            watch_run(&w);
            desk_write(&d, &m, &kept);
            bool as_honest =
                w.verdict->kind == VERDICT_YES && span_equal(buf_span(&honest), buf_span(&kept));
            if (w.verdict->kind != VERDICT_REFUSED && w.verdict->kind != VERDICT_LATER &&
                flip.at < flip.n && !as_honest)
                fail_msg("answer %d, byte %zu of %zu with %#x: verdict %d", (int)flip.step, flip.at,
                         flip.n, flip.bits, (int)w.verdict->kind);
            same += as_honest;
            changed++;
            watch_release(&w);
        }
    }
    print_message("%u changed bytes, %u of them told and kept nothing else\n", changed, same);
    assert_true(changed > 100 && same < changed / 10);
    buf_release(&honest);
    buf_release(&kept);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_that_is_cut_is_refused),
        cmocka_unit_test(a_version_that_is_denied_is_found),
        cmocka_unit_test(another_value_than_was_shown_is_refused),
        cmocka_unit_test(a_version_that_is_gone_is_refused),
        cmocka_unit_test(a_version_that_was_shown_once_is_refused),
        cmocka_unit_test(no_byte_can_be_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
