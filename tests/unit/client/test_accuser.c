/* client/directory/accuser: what is asked after a refusal, and what comes of it. */
#include "client/directory/accuser.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/client/testfeed.h"

/* What one client kept, and what the log tells it now. */
struct scene {
    struct testfeed f;
    struct memory m;
    struct view view;
    uint64_t feed_size; /* of the feed that answers; 0: it refuses */
    unsigned busy;      /* answers 503 before it answers */
    bool hasty;         /* does not wait */
    unsigned asked, waited;
    uint64_t other; /* not 0: answers about this size, whatever is asked */
    bool grows;     /* between two answers */
    bool linked;    /* what came of it */
    char first[ASK_PATH_MAX];
};

/* A head that memory can hold: a view of size 4, whose root is that of one subtree. */
static void
keep_head(struct scene *s)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    s->m.has_view = true;
    s->m.view.peaks.size = 4;
    s->m.view.peaks.heads[0] = s->f.entries[3].root;
    testfeed_head(&s->f, 4, &s->f.entries[3].root, &b);
    memcpy(s->m.signature, b.p + b.n - 64, 64);
    buf_release(&b);
}

static void
keep_anchor(struct scene *s, uint64_t size, uint64_t feed_size)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    testfeed_anchor(&s->f, size, feed_size, &b);
    assert_int_equal(memory_anchor(&s->m, buf_span(&b)), RES_OK);
    buf_release(&b);
}

static void
begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    testfeed_init(&s->f);
    memory_init(&s->m);
    s->feed_size = 12;
}

static void
end(struct scene *s)
{
    memory_release(&s->m);
    view_release(&s->view);
    testfeed_release(&s->f);
}

static void
tell(struct scene *s, struct accuser *a, const struct ask *ask)
{
    struct buf body = BUF_INIT(65536);
    struct answer answer = {.status = 400};
    uint64_t size = 0;
    if (s->asked++ == 0)
        (void)snprintf(s->first, sizeof(s->first), "%s", ask->path);
    assert_int_equal(sscanf(ask->path, "/feed/anchor?size=%" SCNu64, &size), 1);
    if (s->busy > 0) {
        s->busy--;
        answer.status = 503;
    } else if (size >= 1 && size <= s->feed_size) {
        testfeed_answer(&s->f, s->other > 0 ? s->other : size, s->feed_size, &body);
        s->feed_size += s->grows;
        answer.status = 200;
    }
    answer.body = buf_span(&body);
    accuser_answer(a, &answer, TESTLOG_NOW);
    buf_release(&body);
}

/* Runs it to its end: "none", or the finding, which must be what the evidence proves. */
static const char *
run(struct scene *s, const struct proved_head *newest, struct span anchor)
{
    const struct accuser_config c = {.log = s->f.of,
                                     .memory = &s->m,
                                     .view = &s->view,
                                     .newest = newest,
                                     .anchor = anchor,
                                     .patient = !s->hasty};
    struct buf file = BUF_INIT(EVIDENCE_MAX);
    enum statement_relation relation;
    const char *found = "none";
    struct evidence_report e;
    struct accuser *a;
    struct ask ask;
    assert_int_equal(accuser_new(&c, &a), RES_OK);
    for (accuser_ask(a, &ask); ask.kind != ASK_DONE; accuser_ask(a, &ask)) {
        const struct answer waited = {.transport = RES_OK};
        if (ask.kind == ASK_FETCH) {
            tell(s, a, &ask);
            continue;
        }
        s->waited++;
        accuser_answer(a, &waited, TESTLOG_NOW);
    }
    s->linked = accuser_linked(a);
    enum result r = accuser_evidence(a, &relation, &file);
    if (r == RES_OK) {
        found = statement_relation_name(relation);
        assert_int_equal(evidence_check(buf_span(&file), s->f.policy, &e), RES_OK);
        assert_int_equal(e.verdict, EVIDENCE_PROVED);
        assert_string_equal(e.finding, found);
    } else {
        assert_int_equal(r, RES_ABSENT);
        assert_int_equal(file.n, 0);
    }
    accuser_free(a);
    buf_release(&file);
    return found;
}

static const struct {
    const char *says;
    bool head, anchor; /* what is kept */
    bool forks;        /* the log's directory is another one now */
    uint64_t feed_size;
    unsigned busy;
    const char *found;
    unsigned asked;
} rows[] = {
    {"nothing is kept: nothing is asked", false, false, true, 12, 0, "none", 0},
    {"the feed holds another root", true, false, true, 12, 0, "head-and-feed", 1},
    {"its twin: the same root", true, false, false, 12, 0, "none", 1},
    {"an entry became another one", false, true, true, 12, 0, "feed-fork", 1},
    {"its twin: the same entry", false, true, false, 12, 0, "none", 1},
    {"both: the head is enough", true, true, true, 12, 0, "head-and-feed", 1},
    {"their twin", true, true, false, 12, 0, "none", 2},
    {"a feed that is too short by now", true, true, true, 3, 0, "none", 2},
    {"a log that answers nothing", true, true, true, 0, 0, "none", 2},
    {"a log that is busy, and answers then", true, false, true, 12, 2, "head-and-feed", 3},
    {"a log that stays busy", true, false, true, 12, 3, "none", 3},
};

static void
what_was_kept_is_compared_with_what_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct scene s;
        begin(&s);
        if (rows[i].head)
            keep_head(&s);
        if (rows[i].anchor)
            keep_anchor(&s, 6, 8);
        for (size_t k = 0; k < TESTFEED_ENTRIES && rows[i].forks; k++)
            s.f.entries[k].root.b[7] ^= 1;
        s.feed_size = rows[i].feed_size;
        s.busy = rows[i].busy;
        const char *found = run(&s, NULL, span_of(NULL, 0));
        if (strcmp(found, rows[i].found) != 0 || s.asked != rows[i].asked)
            fail_msg("%s: %s, asked %u times", rows[i].says, found, s.asked);
        if (s.asked > 0)
            assert_string_equal(s.first,
                                rows[i].head ? "/feed/anchor?size=4" : "/feed/anchor?size=6");
        assert_int_equal(s.waited, rows[i].busy < 3 ? rows[i].busy : 2);
        end(&s);
    }
}

/* After a refusal nobody waits because the log says so: what is kept already must be told. */
static void
a_busy_log_holds_nobody_up(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    keep_head(&s);
    for (size_t k = 0; k < TESTFEED_ENTRIES; k++)
        s.f.entries[k].root.b[7] ^= 1;
    s.feed_size = 12;
    s.busy = 1;
    s.hasty = true;
    assert_string_equal(run(&s, NULL, span_of(NULL, 0)), "none");
    assert_int_equal(s.asked, 1);
    assert_int_equal(s.waited, 0);
    end(&s);
}

/* What held in the refused answer may be enough, and the log is asked about its tree. */
static void
the_refused_answer_is_taken_at_its_word(void **state)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    struct proved_head newest = {.size = 9, .is_signed = true};
    struct scene s;
    (void)state;
    for (unsigned lie = 0; lie < 2; lie++) {
        begin(&s);
        newest.root = s.f.entries[8].root;
        testfeed_head(&s.f, 9, &newest.root, &b);
        memcpy(newest.signature, b.p + b.n - 64, 64);
        s.f.entries[8].root.b[0] ^= (uint8_t)lie;
        assert_string_equal(run(&s, &newest, span_of(NULL, 0)), lie ? "head-and-feed" : "none");
        assert_string_equal(s.first, "/feed/anchor?size=9");
        s.asked = 0;
        testfeed_anchor(&s.f, 9, 12, &b);
        assert_string_equal(run(&s, &newest, buf_span(&b)), lie ? "head-and-feed" : "none");
        assert_int_equal(s.asked, lie ? 0 : 1);
        newest.is_signed = false;
        s.asked = 0;
        assert_string_equal(run(&s, &newest, span_of(NULL, 0)), "none");
        assert_int_equal(s.asked, 0);
        newest.is_signed = true;
        end(&s);
    }
    buf_release(&b);
}

/* The heads of the certificate log are statements, too. */
static void
the_certificate_log_is_compared(void **state)
{
    (void)state;
    for (unsigned lie = 0; lie < 2; lie++) {
        struct scene s;
        begin(&s);
        s.f.log.leaf[0].b[0] ^= (uint8_t)lie;
        testlog_view_head(&s.f.log, 12, 500, &s.view.heads[0]);
        s.view.n = 1;
        keep_anchor(&s, 6, 8);
        assert_string_equal(run(&s, NULL, span_of(NULL, 0)), lie ? "log-and-feed" : "none");
        assert_int_equal(s.asked, lie ? 0 : 1);
        end(&s);
    }
}

/* Bytes that the log did not sign accuse nobody. */
static void
what_is_not_signed_is_passed_over(void **state)
{
    struct proved_head newest = {.size = 9, .is_signed = true};
    struct scene s;
    (void)state;
    begin(&s);
    keep_head(&s);
    s.m.signature[3] ^= 1;
    keep_anchor(&s, 6, 8);
    s.m.anchor.p[20] ^= 1;
    for (size_t k = 0; k < TESTFEED_ENTRIES; k++)
        s.f.entries[k].root.b[7] ^= 1;
    assert_string_equal(run(&s, &newest, span_str("nonsense")), "none");
    end(&s);
}

static const struct {
    const char *says;
    uint64_t feed_size, other;
    bool grows, lie, linked;
    const char *found;
} friends[] = {
    {"both trees are in one feed", 12, 0, false, false, true, "none"},
    {"a friend was shown another tree", 12, 0, false, true, false, "head-and-feed"},
    {"the feed grew in between: to be asked again", 11, 0, true, false, false, "none"},
    {"the friend's tree is not in it yet", 8, 0, false, false, false, "none"},
    {"nothing is said", 0, 0, false, false, false, "none"},
    {"something is said of another tree", 12, 5, false, false, false, "none"},
};

/* What a friend was shown stands where the refused answer does. */
static void
both_are_linked_by_one_feed(void **state)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof(friends) / sizeof(*friends); i++) {
        struct proved_head theirs = {.size = 9, .is_signed = true};
        struct scene s;
        begin(&s);
        keep_head(&s);
        theirs.root = s.f.entries[8].root;
        testfeed_head(&s.f, 9, &theirs.root, &b);
        memcpy(theirs.signature, b.p + b.n - 64, 64);
        s.f.entries[8].root.b[5] ^= friends[i].lie;
        s.feed_size = friends[i].feed_size;
        s.other = friends[i].other;
        s.grows = friends[i].grows;
        const char *found = run(&s, &theirs, span_of(NULL, 0));
        if (strcmp(found, friends[i].found) != 0 || s.linked != friends[i].linked)
            fail_msg("%s: %s, %d", friends[i].says, found, s.linked);
        end(&s);
    }
    struct scene s;
    begin(&s);
    assert_string_equal(run(&s, NULL, span_of(NULL, 0)), "none");
    assert_false(s.linked);
    end(&s);
    buf_release(&b);
}

/* ---- no memory ---- */

static void
without_memory_nothing_is_claimed(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    keep_head(&s);
    keep_anchor(&s, 6, 8);
    const struct accuser_config c = {.log = s.f.of, .memory = &s.m, .view = &s.view};
    failalloc_at(0);
    struct accuser *a;
    assert_int_equal(accuser_new(&c, &a), RES_OK);
    accuser_free(a);
    for (size_t i = 1, n = failalloc_count(); i <= n; i++) {
        a = NULL;
        failalloc_at(i);
        assert_int_equal(accuser_new(&c, &a), RES_MEMORY);
        assert_null(a);
    }
    failalloc_at(0);
    end(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_compared_with_what_is_told),
        cmocka_unit_test(a_busy_log_holds_nobody_up),
        cmocka_unit_test(the_refused_answer_is_taken_at_its_word),
        cmocka_unit_test(the_certificate_log_is_compared),
        cmocka_unit_test(what_is_not_signed_is_passed_over),
        cmocka_unit_test(both_are_linked_by_one_feed),
        cmocka_unit_test(without_memory_nothing_is_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
