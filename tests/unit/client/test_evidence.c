/* client/evidence: what a file proves about a log, checked by its own bytes. */
#include "client/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "merkle/base/text.h"
#include "tests/unit/client/testfeed.h"
#include "tests/unit/client/testlog.h"

static const struct entry ENTRY = {.type = ENTRY_X509,
                                   .body = {.p = (const uint8_t *)"a certificate", .n = 13}};

static const struct {
    const char *says;
    uint64_t size[2], timestamp[2];
    bool fork, answered;
    enum evidence_verdict verdict;
    const char *finding;
} heads[] = {
    {"two roots of one size", {5, 5}, {1000, 2000}, true, false, EVIDENCE_PROVED, "fork"},
    {"smaller and later", {5, 4}, {1000, 2000}, false, false, EVIDENCE_PROVED, "shrank"},
    {"one instant, two sizes", {5, 6}, {1000, 1000}, false, false, EVIDENCE_PROVED, "same-time"},
    {"grown, nobody asked for the proof",
     {5, 6},
     {1000, 2000},
     false,
     false,
     EVIDENCE_UNPROVED,
     "unproved"},
    {"grown from a forked prefix", {5, 6}, {1000, 2000}, true, true, EVIDENCE_UNPROVED, "unproved"},
    {"grown, and the answer shows it",
     {5, 6},
     {1000, 2000},
     false,
     true,
     EVIDENCE_AGREES,
     "agrees"},
    {"the same, the newer one first", {6, 5}, {2000, 1000}, false, true, EVIDENCE_AGREES, "agrees"},
    {"the same tree signed twice", {5, 5}, {1000, 2000}, false, false, EVIDENCE_AGREES, "agrees"},
};

static void
make_heads(struct testlog *l, size_t i, struct buf *out)
{
    struct view_head h[2];
    struct buf answer = BUF_INIT(65536);
    for (size_t k = 0; k < 2; k++) {
        if (k == 1 && heads[i].fork)
            l->leaf[0].b[0] ^= 1;
        testlog_view_head(l, heads[i].size[k], heads[i].timestamp[k], &h[k]);
    }
    if (heads[i].answered)
        testlog_consistency(l, 5, 6, &answer);
    buf_clear(out);
    assert_int_equal(evidence_write_heads(l->log,
                                          (struct evidence_head){h[0].form, buf_span(&h[0].bytes)},
                                          (struct evidence_head){h[1].form, buf_span(&h[1].bytes)},
                                          buf_span(&answer), out),
                     RES_OK);
    buf_release(&h[0].bytes);
    buf_release(&h[1].bytes);
    buf_release(&answer);
}

static void
two_heads_prove_what_they_prove(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        make_heads(&l, i, &b);
        enum result r = evidence_check(buf_span(&b), l.policy, &e);
        if (r != RES_OK || e.verdict != heads[i].verdict ||
            strcmp(e.finding, heads[i].finding) != 0)
            fail_msg("%s: %s, %s", heads[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        assert_string_equal(e.note.name, TESTLOG_ORIGIN);
        assert_true(hash_equal(&e.log_id, p256_key_id(l.log->p256)));
    }
    buf_release(&b);
    testlog_release(&l);
}

static void
every_changed_byte_is_refused(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    make_heads(&l, 0, &b);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 1;
        assert_int_not_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
        b.p[i] ^= 1;
        assert_int_not_equal(evidence_check(span_of(b.p, i), l.policy, &e), RES_OK);
    }
    buf_release(&b);
    testlog_release(&l);
}

/* Nobody can accuse a log with heads that it did not sign. */
static void
evidence_cannot_be_forged(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct view_head mine, theirs;
    struct evidence_report e;
    struct testlog l, other;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    other.leaf[0].b[0] ^= 1;
    testlog_view_head(&l, 5, 1000, &mine);
    testlog_view_head(&other, 5, 2000, &theirs);
    assert_int_equal(
        evidence_write_heads(l.log, (struct evidence_head){mine.form, buf_span(&mine.bytes)},
                             (struct evidence_head){theirs.form, buf_span(&theirs.bytes)},
                             span_of(NULL, 0), &b),
        RES_OK);
    assert_int_not_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
    buf_release(&mine.bytes);
    buf_release(&theirs.bytes);
    buf_release(&b);
    testlog_release(&l);
    testlog_release(&other);
}

static const struct {
    const char *says;
    uint64_t size, timestamp; /* the head's */
    uint64_t placed;          /* where the answer shows the leaf; 99: no answer */
    enum evidence_verdict verdict;
    const char *finding;
} promises[] = {
    {"not merged in time", 5, 61000, 99, EVIDENCE_PROVED, "not-merged"},
    {"not merged, but there is still time", 5, 60999, 99, EVIDENCE_UNPROVED, "unproved"},
    {"at another index", 9, 61000, 6, EVIDENCE_PROVED, "misplaced"},
    {"where it was promised", 9, 61000, 5, EVIDENCE_AGREES, "agrees"},
    {"covered, no proof given", 9, 61000, 99, EVIDENCE_UNPROVED, "unproved"},
};

static void
a_promise_is_kept_or_broken(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX), sct = BUF_INIT(4096), answer = BUF_INIT(65536);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        struct view_head h;
        testlog_sct(&l, &ENTRY, 1000, 5, &sct);
        buf_clear(&answer);
        if (promises[i].placed != 99) {
            if (promises[i].placed != 5) {
                l.leaf[promises[i].placed] = l.leaf[5];
                l.leaf[5].b[0] ^= 1;
            }
            testlog_proof(&l, promises[i].placed, promises[i].size, &answer);
        }
        testlog_view_head(&l, promises[i].size, promises[i].timestamp, &h);
        buf_clear(&b);
        assert_int_equal(evidence_write_promise(l.log, buf_span(&sct), &ENTRY,
                                                (struct evidence_head){h.form, buf_span(&h.bytes)},
                                                buf_span(&answer), &b),
                         RES_OK);
        enum result r = evidence_check(buf_span(&b), l.policy, &e);
        if (r != RES_OK || e.verdict != promises[i].verdict ||
            strcmp(e.finding, promises[i].finding) != 0)
            fail_msg("%s: %s, %s", promises[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        buf_release(&h.bytes);
    }
    /* An SCT over something else accuses nobody. */
    struct entry other = ENTRY;
    struct view_head h;
    other.body.n--;
    testlog_view_head(&l, 5, 61000, &h);
    buf_clear(&b);
    assert_int_equal(evidence_write_promise(l.log, buf_span(&sct), &other,
                                            (struct evidence_head){h.form, buf_span(&h.bytes)},
                                            span_of(NULL, 0), &b),
                     RES_OK);
    assert_int_equal(evidence_check(buf_span(&b), l.policy, &e), RES_SIGNATURE);
    buf_release(&h.bytes);
    buf_release(&b);
    buf_release(&sct);
    buf_release(&answer);
    testlog_release(&l);
}

static const struct {
    const char *says;
    uint64_t claimed, timestamp; /* what the file says; the head's */
    bool policy;
    enum evidence_verdict verdict;
} delays[] = {
    {"no delay at all, made up", 0, 60999, true, EVIDENCE_UNPROVED},
    {"a shorter one than the policy's, made up", 1000, 60999, true, EVIDENCE_UNPROVED},
    {"none, but the policy's has passed as well", 0, 61000, true, EVIDENCE_PROVED},
    {"a longer one than the policy's, made up", 604800000, 61000, true, EVIDENCE_PROVED},
    {"the right one, but nobody to vouch for it", 60000, 61000, false, EVIDENCE_UNPROVED},
    {"no delay and nobody to vouch for it", 0, 1001, false, EVIDENCE_UNPROVED},
};

/* Nothing that the log signed says how long it may take: the file must not. */
static void
the_merge_delay_is_the_policys(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX), sct = BUF_INIT(4096);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    testlog_sct(&l, &ENTRY, 1000, 5, &sct);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct policy_log liar = *l.log;
        struct view_head h;
        liar.mmd_ms = delays[i].claimed;
        testlog_view_head(&l, 5, delays[i].timestamp, &h);
        buf_clear(&b);
        assert_int_equal(evidence_write_promise(&liar, buf_span(&sct), &ENTRY,
                                                (struct evidence_head){h.form, buf_span(&h.bytes)},
                                                span_of(NULL, 0), &b),
                         RES_OK);
        enum result r = evidence_check(buf_span(&b), delays[i].policy ? l.policy : NULL, &e);
        if (r != RES_OK || e.verdict != delays[i].verdict || e.mmd_known != delays[i].policy)
            fail_msg("%s: %s, %s", delays[i].says, result_name(r), r == RES_OK ? e.finding : "-");
        buf_release(&h.bytes);
    }
    buf_release(&b);
    buf_release(&sct);
    testlog_release(&l);
}

static void
a_wrong_answer_proves_nothing(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    assert_int_equal(
        evidence_write_answer(l.log, "/checkpoint", span_str("nonsense"), RES_NOTE, &b), RES_OK);
    assert_int_equal(evidence_check(buf_span(&b), l.policy, &e), RES_OK);
    assert_int_equal(e.kind, EVIDENCE_ANSWER);
    assert_int_equal(e.verdict, EVIDENCE_UNPROVED);
    buf_release(&b);
    testlog_release(&l);
}

/* ---- directories ---- */

struct pair {
    enum statement_kind kind[2];
    struct buf bytes[2];
};

static void
head_of(struct testfeed *f, uint64_t size, struct pair *p, size_t i)
{
    p->kind[i] = STATEMENT_KT_HEAD;
    testfeed_head(f, size, &f->entries[size - 1].root, &p->bytes[i]);
}

static void
anchor_of(struct testfeed *f, uint64_t size, uint64_t feed_size, struct pair *p, size_t i)
{
    p->kind[i] = STATEMENT_ANCHOR;
    testfeed_anchor(f, size, feed_size, &p->bytes[i]);
}

static void
log_head_of(struct testfeed *f, uint64_t size, struct pair *p, size_t i)
{
    p->kind[i] = STATEMENT_LOG_HEAD;
    testlog_checkpoint(&f->log, size, 9000, &p->bytes[i]);
}

static void
two_heads(struct testfeed *f, bool lie, struct pair *p)
{
    head_of(f, 7, p, 0);
    f->entries[6].root.b[31] ^= lie;
    head_of(f, 7, p, 1);
}

static void
heads_of_two_sizes(struct testfeed *f, bool lie, struct pair *p)
{
    (void)lie;
    head_of(f, 7, p, 0);
    head_of(f, 8, p, 1);
}

static void
head_then_feed(struct testfeed *f, bool lie, struct pair *p)
{
    head_of(f, 7, p, 0);
    f->entries[6].root.b[0] ^= lie;
    anchor_of(f, 7, 12, p, 1);
}

static void
feed_then_head(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[6].root.b[0] ^= lie;
    head_of(f, 7, p, 1);
}

static void
head_and_another_entry(struct testfeed *f, bool lie, struct pair *p)
{
    f->entries[6].root.b[0] ^= lie;
    head_of(f, 7, p, 0);
    anchor_of(f, 8, 12, p, 1);
}

static void
entries_at_one_index(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[6].additions_hash.b[9] ^= lie;
    anchor_of(f, 7, 13, p, 1);
}

static void
entries_that_differ_in_a_count(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[6].additions ^= lie;
    anchor_of(f, 7, 13, p, 1);
}

static void
feeds_of_one_size(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[9].prefix_root.b[0] ^= lie;
    anchor_of(f, 8, 12, p, 1);
}

static void
one_log_size_in_two_entries(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[7].certificates = f->entries[6].certificates;
    f->entries[7].certificates_root = f->entries[6].certificates_root;
    f->entries[7].certificates_root.b[0] ^= lie;
    anchor_of(f, 8, 13, p, 1);
}

static void
time_goes_back(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->entries[8].timestamp = f->entries[6].timestamp - lie;
    anchor_of(f, 9, 13, p, 1);
}

static void
certificates_go_back(struct testfeed *f, bool lie, struct pair *p)
{
    f->entries[8].certificates = f->entries[6].certificates + 1 - 2 * (uint64_t)lie;
    anchor_of(f, 9, 13, p, 0);
    anchor_of(f, 7, 12, p, 1);
}

static void
log_then_feed(struct testfeed *f, bool lie, struct pair *p)
{
    log_head_of(f, 14, p, 0);
    f->entries[6].certificates_root.b[0] ^= lie;
    anchor_of(f, 7, 12, p, 1);
}

static void
feed_then_another_log(struct testfeed *f, bool lie, struct pair *p)
{
    anchor_of(f, 7, 12, p, 0);
    f->log.leaf[3].b[0] ^= lie;
    log_head_of(f, 14, p, 1);
}

static void
log_of_another_size(struct testfeed *f, bool lie, struct pair *p)
{
    f->log.leaf[3].b[0] ^= lie;
    log_head_of(f, 13, p, 0);
    anchor_of(f, 7, 12, p, 1);
}

/* Each is made with the lie, and without. */
static const struct {
    const char *says;
    void (*make)(struct testfeed *f, bool lie, struct pair *p);
    const char *lie, *truth;
} directories[] = {
    {"two heads of one size", two_heads, "kt-fork", "agrees"},
    {"two heads of two sizes", heads_of_two_sizes, "unproved", "unproved"},
    {"a head, and the feed's entry of that size", head_then_feed, "head-and-feed", "agrees"},
    {"the same the other way round", feed_then_head, "head-and-feed", "agrees"},
    {"a head, and an entry of another size", head_and_another_entry, "unproved", "unproved"},
    {"two entries at one index", entries_at_one_index, "feed-fork", "agrees"},
    {"two that count differently", entries_that_differ_in_a_count, "feed-fork", "agrees"},
    {"two feeds of one size", feeds_of_one_size, "feed-fork", "agrees"},
    {"one size of the log, in two entries", one_log_size_in_two_entries, "feed-fork", "unproved"},
    {"an entry earlier than the one before", time_goes_back, "feed-back", "unproved"},
    {"fewer certificates than before", certificates_go_back, "feed-back", "unproved"},
    {"a head of the log, and the directory's", log_then_feed, "log-and-feed", "agrees"},
    {"the same the other way round", feed_then_another_log, "log-and-feed", "agrees"},
    {"a head of the log of another size", log_of_another_size, "unproved", "unproved"},
};
#define DIRECTORIES (sizeof directories / sizeof *directories)

static void
make_directory(struct testfeed *f, size_t i, bool lie, struct buf *out)
{
    struct pair p = {.bytes = {BUF_INIT(STATEMENT_MAX), BUF_INIT(STATEMENT_MAX)}};
    directories[i].make(f, lie, &p);
    const struct statement_told a = {p.kind[0], HEAD_CHECKPOINT, buf_span(&p.bytes[0])};
    const struct statement_told b = {p.kind[1], HEAD_CHECKPOINT, buf_span(&p.bytes[1])};
    buf_clear(out);
    assert_int_equal(evidence_write_directory(f->of, &a, &b, out), RES_OK);
    buf_release(&p.bytes[0]);
    buf_release(&p.bytes[1]);
}

static void
a_directory_is_proved_to_lie_by_what_it_signed(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    (void)state;
    for (size_t i = 0; i < 2 * DIRECTORIES; i++) {
        bool lie = i % 2 == 0;
        const char *want = lie ? directories[i / 2].lie : directories[i / 2].truth;
        struct evidence_report e;
        struct testfeed f;
        testfeed_init(&f);
        make_directory(&f, i / 2, lie, &b);
        for (size_t k = 0; k < 2; k++) {
            enum result r = evidence_check(buf_span(&b), k == 0 ? f.policy : NULL, &e);
            if (r != RES_OK || strcmp(e.finding, want) != 0)
                fail_msg("%s: %s, %s", directories[i / 2].says, result_name(r),
                         r == RES_OK ? e.finding : "-");
            assert_int_equal(e.kind, EVIDENCE_DIRECTORY);
            assert_int_equal(e.verdict, strcmp(want, "unproved") == 0 ? EVIDENCE_UNPROVED
                                        : strcmp(want, "agrees") == 0 ? EVIDENCE_AGREES
                                                                      : EVIDENCE_PROVED);
            assert_memory_equal(e.directory_key, f.kt_public, KT_KEY_SIZE);
        }
        testfeed_release(&f);
    }
    buf_release(&b);
}

/* The digest of a file that somebody changed, as he would write it. */
static void
seal(struct buf *b)
{
    char line[80] = "sha256 ";
    struct hash h;
    size_t n = b->n - (sizeof "sha256 " - 1 + (size_t)2 * HASH_SIZE + 1);
    hash_sha256(span_of(b->p, n), &h);
    text_hex_to(hash_span(&h), line + 7);
    memcpy(b->p + n, line, 7 + (size_t)2 * HASH_SIZE);
}

static bool
proves(const struct buf *b, const struct policy *policy)
{
    struct evidence_report e;
    return evidence_check(buf_span(b), policy, &e) == RES_OK && e.verdict == EVIDENCE_PROVED;
}

/* For each finding, each byte of the file, also with a digest that fits: refused, or not proved. */
static void
no_byte_of_it_can_be_changed(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    (void)state;
    for (size_t i = 0; i < DIRECTORIES; i++) {
        struct testfeed f;
        if (strcmp(directories[i].lie, "unproved") == 0)
            continue;
        testfeed_init(&f);
        make_directory(&f, i, true, &b);
        assert_true(proves(&b, f.policy));
        for (size_t k = 0; k < b.n; k++) {
            b.p[k] ^= 1;
            assert_false(proves(&b, f.policy));
            if (k < b.n - 72) {
                seal(&b);
                if (proves(&b, f.policy))
                    fail_msg("%s: byte %zu", directories[i].says, k);
            }
            b.p[k] ^= 1;
            seal(&b);
        }
        assert_true(proves(&b, f.policy));
        testfeed_release(&f);
    }
    buf_release(&b);
}

/* Who has keys of his own cannot accuse a log of the policy with them. */
static void
the_keys_of_a_directory_are_the_policys(void **state)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX);
    struct testfeed f, mallory;
    struct evidence_report e;
    (void)state;
    testfeed_init(&f);
    testfeed_init(&mallory);
    for (size_t i = 0; i < DIRECTORIES; i++) {
        struct policy_log blamed = *f.of;
        if (strstr(directories[i].says, "of the log") != NULL || directories[i].lie[0] == 'l')
            continue; /* signed with the log's own keys as well */
        blamed.directory = mallory.of->directory;
        blamed.feed = mallory.of->feed;
        const struct policy_log *own = mallory.of;
        mallory.of = &blamed;
        make_directory(&mallory, i, true, &b);
        mallory.of = own;
        assert_int_equal(evidence_check(buf_span(&b), f.policy, &e), RES_OK);
        assert_int_equal(e.verdict, EVIDENCE_UNPROVED);
        if (strcmp(directories[i].lie, "unproved") != 0)
            assert_string_equal(e.finding, "other-keys");
        assert_int_equal(evidence_check(buf_span(&b), f.log.policy, &e), RES_OK);
        assert_int_equal(e.verdict, EVIDENCE_UNPROVED);
    }
    /* Nor with statements that its keys did not sign. */
    make_directory(&mallory, 0, true, &b);
    assert_true(proves(&b, mallory.policy));
    mallory.of = f.of;
    make_directory(&mallory, 0, true, &b);
    assert_int_equal(evidence_check(buf_span(&b), NULL, &e), RES_SIGNATURE);
    buf_release(&b);
    testfeed_release(&f);
    mallory.of = policy_log(mallory.policy, 0);
    testfeed_release(&mallory);
}

/* The example of client/FORMATS.md, which another implementation signed. */
static const char EXAMPLE[] =
    "cartulary evidence 1\n"
    "log log.example/1+b2d5b188+AXJLRNFqboItHwoxAPGo4T+pKsTy6gmh4J3Qyx4CJl4F\n"
    "ct-key MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsvvsr4PuV7iGBzehUGR1C6fScPL064DtKu2Ff"
    "31HzYIVz5CGwn2DukqI3zJzrlccxeWUborID8rBDcbulNtJIQ==\n"
    "kind directory\n"
    "configuration AAIBACBu4JH9KAqbaFVPpzxYgSXUfTQlxoomuiNrTa2Q+QqPkgAgQej94TKtZw5TTN"
    "iyddLNfux3czxm+NtIocraf6v8RVUAAAAAAAST4AAAAAAANu6AAAAAAAUmXAAA\n"
    "feed log.example/1/feed+c79b854f+AbR0C6Tg9+BXbxHoFJ27slKcISIT22eYMftdGyIehFUt\n"
    "kt-head AAAAAAAAAAGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmTLHtXOqfCUR7ANOSmIb"
    "165I0omN+PmJEtnyc+gsxsiz6b5/JBF+84sOzu93rjk2zt0cTgOkLnQMofz37P/yng4=\n"
    "anchor AAAAAAAAAAEAAAGbdtqoAHaPDJg3gOf4ol63V6jIs8jCji/qkXmCM2yPltFCfuwLNHQ/w9wQw"
    "urvXMpiV+750eqbA+mpYd/07HCSneiLWLoAAAAAAAAACHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d"
    "3d3d3d3AAAAAAAAAADjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkbeFK4VQAAAAHA52PDX7muZT4n2"
    "IkH3HpY4wEvfO27wD+RJPJajcLS2gBsb2cuZXhhbXBsZS8xL2ZlZWQKMQpIb0t1WkwyVE9ib3VmeWtUZ"
    "El0Q1dQTm55ampad1FaNGxCek1SV1ZWd0U0PQoK4oCUIGxvZy5leGFtcGxlLzEvZmVlZCB4NXVGVDVuQ"
    "0UvU1ZNRVFUaE5NMTB5ZElSTjFlT0JpNkdEOGlySzFnbHQ5RFR5TVZpZkx3SHdURTFHODd0bUMzamYva"
    "UV1bytOdjMwbG5pZ1QxT1BBcGZBVWcwPQo=\n"
    "sha256 34f3661af5063ff7b631e5fe4b305a92e7d329892d497305848e5d6c4ee7cba1\n";

static void
the_example_is_proved(void **state)
{
    struct evidence_report e;
    (void)state;
    assert_int_equal(evidence_check(span_str(EXAMPLE), NULL, &e), RES_OK);
    assert_int_equal(e.verdict, EVIDENCE_PROVED);
    assert_string_equal(e.finding, "head-and-feed");
    assert_string_equal(e.note.name, "log.example/1");
    assert_int_equal(e.statement[0].size, 1);
    assert_int_equal(e.statement[0].root.b[0], 0x99);
    assert_int_equal(e.statement[1].entry.certificates, 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_heads_prove_what_they_prove),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(evidence_cannot_be_forged),
        cmocka_unit_test(a_promise_is_kept_or_broken),
        cmocka_unit_test(the_merge_delay_is_the_policys),
        cmocka_unit_test(a_wrong_answer_proves_nothing),
        cmocka_unit_test(a_directory_is_proved_to_lie_by_what_it_signed),
        cmocka_unit_test(no_byte_of_it_can_be_changed),
        cmocka_unit_test(the_keys_of_a_directory_are_the_policys),
        cmocka_unit_test(the_example_is_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
