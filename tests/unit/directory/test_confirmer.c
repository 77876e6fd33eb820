/*
 * client/directory/confirmer, pending and followup over a real directory: a provisional credential
 * is confirmed as soon as a distinguished entry allows it, by whichever way; what the directory
 * does not confirm is refused and kept as evidence.
 */
#include "client/directory/confirmer.h"
#include "client/directory/followup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merkle/base/text.h"
#include "merkle/keytrans/response.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/directory/fed.h"
#include "tests/vectors/check.h"

#define ANSWER_MAX (1u << 20)
#define SINCE 1234567

static struct testdir t;
static struct testlog keys;
static struct policy_log the_log;
static struct memory memory;
static struct pendings waiting;

static void
begin(uint64_t monitoring)
{
    testlog_init(&keys);
    testdir_init(&t, &(struct kt_window){.monitoring = monitoring});
    fed_log(&t, &keys, &the_log);
    memory_init(&memory);
    pendings_init(&waiting);
}

static void
end(void)
{
    pendings_release(&waiting);
    memory_release(&memory);
    testdir_release(&t);
    testlog_release(&keys);
}

/* One entry so many milliseconds after the last, with a new version of label 0 or not; and what is
 * to be known of it. */
static void
append(uint64_t after, bool version)
{
    uint64_t timestamp = t.n == 0 ? 1000000 : fed_now(&t) + after;

    if (t.d != NULL)
        testdir_fill(&t);
    testdir_append(&t, timestamp, version ? 1 : 0);
    testdir_open(&t);
}

static void
learn(void)
{
    assert_int_equal(fed_learn(&t, &the_log, &memory), VERDICT_YES);
}

/* ---- credentials ---- */

/* The credential of label 0 by the rightmost distinguished entry that is known, in the tree as it
 * is; appended to bytes.  Whether it is provisional. */
static bool
make(struct buf *bytes)
{
    const struct kt_view *basis = &memory.recent[0];
    struct search_request q = {.last = {true, basis->peaks.size}, .label = testdir_name(&t, 0)};
    const struct proved_by by = {&the_log.directory, &the_log.vrf, basis, fed_now(&t)};
    struct buf body = BUF_INIT(KT_REQUEST_MAX), out = BUF_INIT(ANSWER_MAX);
    struct writer w = writer_to(&body), to = writer_to(bytes);
    struct ask ask = {.path = "/kt/v1/search"};
    struct search_response a;
    struct proved_search s;
    struct credential c;
    struct reader in;

    search_request_put(&w, &q);
    assert_int_equal(writer_end(&w), RES_OK);
    ask.body = buf_span(&body);
    assert_int_equal(fed_answer(&t, &ask, &out).status, 200);
    assert_int_equal(
        proved_search(&by, q.label, (struct kt_optional){false, 0}, buf_span(&out), &s), RES_OK);
    in = reader_of(buf_span(&out));
    search_response_get(&in, true, &a);
    c = (struct credential){.label = q.label,
                            .version = a.version,
                            .opening = a.opening,
                            .value = a.value,
                            .ladder = a.ladder,
                            .position = basis->peaks.size - 1,
                            .provisional = s.terminal >= basis->peaks.size,
                            .head = a.head,
                            .search = a.proof};
    if (c.provisional) {
        credential_put(&to, &c);
        assert_int_equal(writer_end(&to), RES_OK);
    }
    buf_release(&body);
    buf_release(&out);
    return c.provisional;
}

/* Makes one and lets it wait. */
static struct pending *
wait_for_one(void)
{
    struct buf bytes = BUF_INIT(ANSWER_MAX);
    struct pending *p = NULL;

    if (make(&bytes)) {
        assert_int_equal(
            pendings_add(&waiting, &the_log, buf_span(&bytes), &memory.recent[0], SINCE), RES_OK);
        p = waiting.at[waiting.n - 1];
        assert_true(span_equal(buf_span(&p->bytes), buf_span(&bytes)));
    }
    buf_release(&bytes);
    return p;
}

/* ---- confirming ---- */

static const struct answer *instead; /* of the directory's answer */
static bool offline;
static struct buf update = {.max = ANSWER_MAX}; /* what the directory gave, the last time it did */
static unsigned asked;

static enum verdict_kind
confirm(const struct pending *p, uint64_t *ret_position)
{
    const struct confirmer_config c = {
        .log = &the_log, .memory = &memory, .pending = p, .offline = offline};
    struct confirmer *f;
    enum verdict_kind kind;
    struct ask ask;

    asked = 0;
    assert_int_equal(confirmer_new(&c, &f), RES_OK);
    for (confirmer_ask(f, &ask); ask.kind != ASK_DONE; confirmer_ask(f, &ask)) {
        struct answer a = {.transport = RES_OK};
        struct buf out = BUF_INIT(ANSWER_MAX);

        if (ask.kind == ASK_FETCH)
            a = instead != NULL ? *instead : fed_answer(&t, &ask, &out);
        asked += ask.kind == ASK_FETCH;
        confirmer_answer(f, &a, fed_now(&t));
        buf_release(&out);
    }
    kind = confirmer_verdict(f)->kind;
    assert_int_equal(confirmer_verdict(f)->evidence.n > 0, kind == VERDICT_REFUSED);
    *ret_position = kind == VERDICT_YES ? confirmer_position(f) : 0;
    assert_int_equal(confirmer_update(f).n > 0, kind == VERDICT_YES && asked > 0);
    if (confirmer_update(f).n > 0) {
        buf_clear(&update);
        assert_int_equal(buf_add(&update, confirmer_update(f)), RES_OK);
    }
    confirmer_free(f);
    return kind;
}

static bool
is_known(uint64_t position)
{
    for (unsigned i = 0; i < memory.recent_n; i++)
        if (memory.recent[i].peaks.size - 1 == position)
            return true;
    return false;
}

/* The first of the known entries that are not in that tree; UINT64_MAX: none. */
static uint64_t
first_beyond(uint64_t size)
{
    uint64_t first = UINT64_MAX;

    for (unsigned i = 0; i < memory.recent_n; i++)
        if (memory.recent[i].peaks.size - 1 >= size)
            first = memory.recent[i].peaks.size - 1;
    return first;
}

static unsigned by_terminal, by_update, too_early;

/* What must come of it, by the model. */
static bool
check(const struct pending *p)
{
    const struct credential_pending *c = &p->proof.pending;
    uint64_t beyond = first_beyond(c->view.peaks.size), position;
    enum verdict_kind kind = confirm(p, &position);

    if (is_known(c->terminal)) {
        assert_int_equal(kind, VERDICT_YES);
        assert_int_equal(position, c->terminal);
        assert_int_equal(asked, 0);
        by_terminal++;
    } else if (beyond != UINT64_MAX) {
        assert_int_equal(kind, VERDICT_YES);
        assert_int_equal(position, beyond);
        assert_int_equal(asked, 1);
        by_update++;
    } else {
        assert_int_equal(kind, VERDICT_LATER);
        assert_int_equal(asked, 0);
        too_early++;
    }
    return kind == VERDICT_YES;
}

static void
confirmed_when_it_can_be(void **state)
{
    static const uint64_t monitoring[] = {20, 60, 100000};
    struct rng r = rng_start("confirmer: confirmed");

    (void)state;
    for (size_t w = 0; w < sizeof(monitoring) / sizeof(monitoring[0]); w++) {
        begin(monitoring[w]);
        append(0, false);
        append(5, true);
        for (unsigned i = 0; i < 60; i++) {
            learn();
            for (size_t k = waiting.n; k-- > 0;)
                if (check(waiting.at[k]))
                    pendings_drop(&waiting, k);
            (void)wait_for_one();
            append(rng_next(&r) % 20, rng_next(&r) % 3 == 0);
        }
        end();
    }
    print_message("confirmed: %u by their own entries, %u by updates; too early %u times\n",
                  by_terminal, by_update, too_early);
    assert_true(by_terminal > 0 && by_update > 0 && too_early > 0);
}

/* A credential that waits for an update: a long window, so that only entries 3, 7, 15, … are
 * distinguished. */
static const struct pending *
scene(void)
{
    const struct pending *p;

    begin(100000);
    append(0, false);
    for (unsigned i = 0; i < 4; i++)
        append(5, i == 0);
    append(5, true);
    append(5, true); /* entries 0 to 6, of which 3 is the basis */
    learn();
    p = wait_for_one();
    assert_non_null(p);
    assert_int_equal(p->c.position, 3);
    return p;
}

static void
what_is_no_confirmation(void **state)
{
    static const struct {
        const char *says;
        struct answer a;
        enum verdict_kind kind;
    } rows[] = {
        {"a refusal, though there is an entry", {.status = 404}, VERDICT_REFUSED},
        {"another server", {.status = 403}, VERDICT_LATER},
        {"busy", {.status = 503}, VERDICT_LATER},
        {"no answer", {.transport = RES_UNREACHABLE}, VERDICT_LATER},
        {"no memory", {.transport = RES_MEMORY}, VERDICT_FAULT},
        {"nothing", {.status = 200}, VERDICT_REFUSED},
    };
    const struct pending *p = scene();
    uint64_t position;

    (void)state;
    assert_int_equal(confirm(p, &position), VERDICT_LATER);
    append(5, true);
    assert_int_equal(confirm(p, &position), VERDICT_LATER); /* entry 7, of which nobody knows */
    learn();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        instead = &rows[i].a;
        if (confirm(p, &position) != rows[i].kind)
            fail_msg("%s", rows[i].says);
    }
    instead = NULL;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(position, 7);
    end();
}

/* Each byte of the CredentialUpdate. */
static void
changed_updates(void **state)
{
    struct rng r = rng_start("confirmer: changed");
    const struct pending *p = scene();
    const struct credential_update_request q = {.label = p->c.label,
                                                .version = p->c.version,
                                                .tree_size = p->proof.pending.view.peaks.size,
                                                .terminal = p->proof.pending.terminal};
    struct buf body = BUF_INIT(KT_REQUEST_MAX), out = BUF_INIT(ANSWER_MAX);
    struct writer w = writer_to(&body);
    struct ask ask = {.path = "/kt/v1/credential-update"};
    struct answer a;
    uint64_t position;

    (void)state;
    append(5, true);
    learn();
    credential_update_request_put(&w, &q);
    assert_int_equal(writer_end(&w), RES_OK);
    ask.body = buf_span(&body);
    a = fed_answer(&t, &ask, &out);
    instead = &a;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    for (size_t at = 0; at < out.n; at++) {
        uint8_t bit = (uint8_t)(1u << rng_next(&r) % 8);

        out.p[at] ^= bit;
        if (confirm(p, &position) != VERDICT_REFUSED)
            fail_msg("byte %zu of %zu, bit %#x", at, out.n, bit);
        out.p[at] ^= bit;
    }
    print_message("%zu changed bytes\n", out.n);
    instead = NULL;
    buf_release(&body);
    buf_release(&out);
    end();
}

/* What its sender sends: kept until it can be verified, then enough; a false one is none, and the
 * directory is asked if it may be. */
static void
what_was_sent(void **state)
{
    struct buf file = BUF_INIT(PENDING_FILE_MAX);
    struct pending *p;
    struct pendings back;
    uint64_t position;

    (void)state;
    scene();
    p = waiting.at[0];
    append(5, true);
    struct memory early = memory;
    learn();
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(asked, 1);
    assert_int_equal(pending_queue(p, buf_span(&update)), RES_OK);
    /* One of anybody's is bounded, and does not take the place of that. */
    static const uint8_t big[PENDING_UPDATE_MAX + 1];
    assert_int_equal(pending_queue(p, span_of(big, sizeof(big))), RES_TOO_LARGE);
    assert_true(span_equal(buf_span(&p->update), buf_span(&update)));
    offline = true;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(position, 7);
    struct memory late = memory;
    memory = early;
    assert_int_equal(confirm(p, &position), VERDICT_LATER);
    memory = late;
    assert_int_equal(pendings_write(&waiting, &the_log, &file), RES_OK);
    pendings_init(&back);
    assert_int_equal(pendings_parse(buf_span(&file), &the_log, &back), RES_OK);
    assert_int_equal(confirm(back.at[0], &position), VERDICT_YES);
    for (size_t at = 0; at < p->update.n; at++) {
        p->update.p[at] ^= 1;
        assert_int_equal(confirm(p, &position), VERDICT_INPUT);
        p->update.p[at] ^= 1;
    }
    p->update.p[10] ^= 1;
    offline = false;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(asked, 1);
    assert_int_equal(pending_queue(p, span_of(NULL, 0)), RES_OK);
    offline = true;
    assert_int_equal(confirm(p, &position), VERDICT_LATER);
    offline = false;
    pendings_release(&back);
    buf_release(&file);
    end();
}

/* A policy that names the directory in which the credentials here are. */
static struct policy *
policy_of(void)
{
    struct buf text = BUF_INIT(1 << 16), config = BUF_INIT(256), line = BUF_INIT(4096);
    char name[KEY_NAME_MAX + 1];
    struct note_key feed;
    struct writer w = writer_to(&config);
    char detail[POLICY_DETAIL_MAX];
    struct policy *policy;
    size_t at;

    kt_config_put(&w, &the_log.directory);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(buf_add(&text, buf_span(&keys.policy_text)), RES_OK);
    assert_int_equal(buf_printf(&text, "\n#cartulary directory %s ", the_log.note.name), RES_OK);
    assert_int_equal(text_base64(buf_span(&config), &text), RES_OK);
    assert_true(snprintf(name, sizeof(name), "%s/feed", the_log.note.name) < (int)sizeof(name));
    assert_int_equal(note_key_ed25519(name, KEY_ED25519, the_log.note.public, &feed), RES_OK);
    assert_int_equal(note_key_write(&feed, &line), RES_OK);
    assert_int_equal(buf_printf(&text, "\n#cartulary feed %s %.*s\n", the_log.note.name,
                                (int)line.n, (const char *)line.p),
                     RES_OK);
    if (policy_parse(buf_span(&text), &policy, &at, detail) != RES_OK)
        fail_msg("line %zu: %s", at, detail);
    buf_release(&text);
    buf_release(&config);
    buf_release(&line);
    return policy;
}

/* The file in which it is sent, and each of its lines another. */
static void
sent_in_a_file(void **state)
{
    const struct pending *p = scene();
    struct buf file = BUF_INIT(FOLLOWUP_FILE_MAX), twin = BUF_INIT(FOLLOWUP_FILE_MAX);
    struct policy *policy = policy_of();
    struct followup u;
    uint64_t position;

    (void)state;
    append(5, true);
    learn();
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(followup_write(&the_log, buf_span(&p->bytes), buf_span(&update), &file),
                     RES_OK);
    for (size_t i = 0, n = 1; i <= n; i++) {
        failalloc_at(i);
        enum result rc = followup_parse(buf_span(&file), policy, &u);
        n = i == 0 ? failalloc_count() : n;
        failalloc_at(0);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        if (rc != RES_OK)
            continue;
        assert_true(span_equal(buf_span(&u.update), buf_span(&update)));
        assert_ptr_equal(pendings_find_hash(&waiting, &u.credential), p);
        followup_release(&u);
    }
    assert_true(followup_is(buf_span(&file)));
    assert_false(followup_is(span_of(file.p, 8)));
    for (size_t at = 0; at < file.n; at++) {
        file.p[at] ^= 1;
        assert_int_not_equal(followup_parse(buf_span(&file), policy, &u), RES_OK);
        file.p[at] ^= 1;
    }
    assert_int_equal(
        followup_write(&the_log, buf_span(&p->bytes), span_of(update.p, update.n - 1), &twin),
        RES_OK);
    assert_int_equal(followup_parse(buf_span(&twin), policy, &u), RES_TRUNCATED);
    assert_int_equal(followup_parse(buf_span(&file), keys.policy, &u), RES_KEY_UNKNOWN);
    policy_free(policy);
    buf_release(&file);
    buf_release(&twin);
    end();
}

/* The credential was of another tree than the directory's. */
static void
a_fork(void **state)
{
    struct pending *p;
    uint64_t position;

    (void)state;
    scene();
    p = waiting.at[0];
    append(5, true);
    learn();
    p->proof.pending.view.peaks.heads[0].b[7] ^= 1;
    assert_int_equal(confirm(p, &position), VERDICT_REFUSED);
    p->proof.pending.view.peaks.heads[0].b[7] ^= 1;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    p->proof.pending.terminal = 7; /* as if it had ended where an entry is distinguished */
    assert_int_equal(confirm(p, &position), VERDICT_REFUSED);
    assert_int_equal(asked, 0);
    p->proof.pending.prefix_root =
        memory.recent[0].frontier[memory.recent[0].n - 1].entry.prefix_root;
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    end();
}

/* Nobody confirmed it while its entry was recent: the directory is asked once more, while what
 * would confirm it is known; then it is lost, which proves nothing about the log. */
static void
expired(void **state)
{
    static const struct answer refusal = {.status = 404}, none = {.transport = RES_UNREACHABLE};
    const struct pending *p;
    uint64_t position;
    unsigned n;

    (void)state;
    begin(40);
    append(0, false);
    do { /* until one has to wait for an update */
        append(15, true);
        learn();
        p = wait_for_one();
        append(1, false);
        append(70, false);
        learn();
    } while (p == NULL || is_known(p->proof.pending.terminal));
    for (n = 0; memory.recent_n < HEADS_RECENT_MAX || first_beyond(p->c.position) == UINT64_MAX ||
                memory.recent[memory.recent_n - 1].peaks.size - 1 <= p->c.position;
         n++) {
        append(50, false);
        learn();
        assert_true(n < 100);
    }
    /* The entry that confirms it is known still, or no more. */
    assert_int_equal(confirm(p, &position), VERDICT_YES);
    assert_int_equal(position, first_beyond(p->proof.pending.view.peaks.size));
    assert_true(pending_due(p, &memory));
    instead = &refusal;
    assert_int_equal(confirm(p, &position), VERDICT_INPUT);
    assert_int_equal(asked, 1);
    instead = &none;
    assert_int_equal(confirm(p, &position), VERDICT_LATER);
    instead = NULL;
    for (n = 0; n < 40; n++) {
        append(50, false);
        learn();
    }
    assert_false(pending_confirmable(p, &memory));
    assert_int_equal(confirm(p, &position), VERDICT_INPUT);
    assert_int_equal(asked, 1);
    end();
}

/* A credential in a directory that goes on, its user learning the heads once in so many windows:
 * what comes of it.  VERDICT_PENDING: none could be made. */
static enum verdict_kind
followed(unsigned every, unsigned before)
{
    enum verdict_kind kind = VERDICT_PENDING;
    const struct pending *p;
    uint64_t position;

    begin(1000);
    append(0, false);
    for (unsigned i = 0; i < before; i++)
        append(97, i % 11 == 0);
    append(50, true);
    learn();
    p = wait_for_one();
    append(50, false);
    for (unsigned day = 0; p != NULL && day < 16; day++) {
        for (unsigned k = 0; k < every * 10; k++)
            append(100, false);
        learn();
        offline = !pending_due(p, &memory);
        kind = confirm(p, &position);
        if (kind != VERDICT_LATER)
            break;
    }
    offline = false;
    end();
    return kind;
}

/* Nobody lies, so nobody is accused, however seldom one looks; who looks often has it confirmed. */
static void
nobody_is_accused_of_ones_own_delay(void **state)
{
    static const unsigned every[] = {1, 2, 3, 12};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        unsigned made = 0;
        for (unsigned before = 40; before < 110; before += 14) {
            enum verdict_kind kind = followed(every[i], before);
            made += kind != VERDICT_PENDING;
            if (kind != VERDICT_YES && kind != VERDICT_PENDING &&
                (kind != VERDICT_INPUT || every[i] < 3))
                fail_msg("every %u windows, %u entries before: verdict %d", every[i], before, kind);
        }
        assert_true(made > 2);
    }
}

/* ---- the file ---- */

static void
what_waits_outlives_a_run(void **state)
{
    struct buf file = BUF_INIT(PENDING_FILE_MAX), again = BUF_INIT(PENDING_FILE_MAX);
    const struct pending *p = scene();
    struct policy_log other = the_log;
    struct pendings back;

    (void)state;
    append(5, true); /* entry 7: what is made now has another tree */
    assert_non_null(wait_for_one());
    assert_int_equal(waiting.n, 2);
    pendings_init(&back);
    assert_int_equal(pendings_write(&waiting, &the_log, &file), RES_OK);
    assert_int_equal(pendings_parse(buf_span(&file), &the_log, &back), RES_OK);
    assert_int_equal(back.n, 2);
    assert_int_equal(back.at[0]->since, SINCE);
    assert_memory_equal(&back.at[0]->proof.pending.prefix_root, &p->proof.pending.prefix_root,
                        HASH_SIZE);
    assert_ptr_equal(pendings_find(&back, buf_span(&p->bytes)), back.at[0]);
    assert_int_equal(pendings_write(&back, &the_log, &again), RES_OK);
    assert_true(span_equal(buf_span(&file), buf_span(&again)));
    for (size_t i = 0, n = 1; i <= n; i++) {
        pendings_release(&back);
        failalloc_at(i);
        enum result rc = pendings_parse(buf_span(&file), &the_log, &back);
        n = i == 0 ? failalloc_count() : n;
        failalloc_at(0);
        if (rc != (i == 0 ? RES_OK : RES_MEMORY))
            fail_msg("allocation %zu of %zu: %s", i, n, result_name(rc));
        assert_int_equal(back.n, i == 0 ? 2 : 0);
    }
    /* Damaged, another log's, and verified by another entry. */
    file.p[file.n / 2] ^= 1;
    assert_int_not_equal(pendings_parse(buf_span(&file), &the_log, &back), RES_OK);
    file.p[file.n / 2] ^= 1;
    other.note.name[0] ^= 1;
    assert_int_equal(pendings_parse(buf_span(&file), &other, &back), RES_KEY);
    buf_clear(&file);
    testdir_view(&t, 3, &waiting.at[0]->basis);
    assert_int_equal(pendings_write(&waiting, &the_log, &file), RES_OK);
    assert_int_equal(pendings_parse(buf_span(&file), &the_log, &back), RES_KT_NOT_RECENT);
    testdir_view(&t, 4, &waiting.at[0]->basis);
    waiting.at[0]->basis.peaks.heads[0].b[0] ^= 1;
    buf_clear(&file);
    assert_int_equal(pendings_write(&waiting, &the_log, &file), RES_OK);
    assert_int_equal(result_class(pendings_parse(buf_span(&file), &the_log, &back)), CLASS_FALSE);
    assert_int_equal(back.n, 0);
    buf_release(&file);
    buf_release(&again);
    end();
}

static void
what_may_not_wait(void **state)
{
    const struct pending *p = scene();
    const struct kt_view *basis = &memory.recent[0];
    struct buf bytes = BUF_INIT(ANSWER_MAX);
    struct kt_view twin;

    (void)state;
    assert_int_equal(buf_add(&bytes, buf_span(&p->bytes)), RES_OK);
    assert_int_equal(pendings_add(&waiting, &the_log, buf_span(&bytes), basis, SINCE + 1), RES_OK);
    assert_int_equal(waiting.n, 1); /* it waits already */
    assert_int_equal(waiting.at[0]->since, SINCE);
    for (size_t at = 0; at < bytes.n; at += 3) {
        bytes.p[at] ^= 4;
        if (pendings_add(&waiting, &the_log, buf_span(&bytes), basis, SINCE) == RES_OK)
            fail_msg("byte %zu of %zu", at, bytes.n);
        bytes.p[at] ^= 4;
    }
    pendings_drop(&waiting, 0);
    assert_null(pendings_find(&waiting, buf_span(&bytes)));
    testdir_view(&t, 3, &twin);
    assert_int_equal(pendings_add(&waiting, &the_log, buf_span(&bytes), &twin, SINCE),
                     RES_KT_NOT_RECENT);
    for (size_t i = 0; i < PENDING_MAX; i++) /* more than there is room for */
        waiting.at[i] = calloc(1, sizeof(*waiting.at[i]));
    waiting.n = PENDING_MAX;
    assert_int_equal(pendings_add(&waiting, &the_log, buf_span(&bytes), basis, SINCE),
                     RES_TOO_LARGE);
    buf_release(&bytes);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confirmed_when_it_can_be),
        cmocka_unit_test(what_is_no_confirmation),
        cmocka_unit_test(changed_updates),
        cmocka_unit_test(a_fork),
        cmocka_unit_test(expired),
        cmocka_unit_test(nobody_is_accused_of_ones_own_delay),
        cmocka_unit_test(what_waits_outlives_a_run),
        cmocka_unit_test(what_may_not_wait),
        cmocka_unit_test(what_was_sent),
        cmocka_unit_test(sent_in_a_file),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    buf_release(&update);
    return rc;
}
