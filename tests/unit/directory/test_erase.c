/* Erasing a mailbox: what is answered afterwards, what is gone, and what a crash leaves of it. */
#include "log/directory/erasure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "log/files.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/keytrans/response.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/directory/client.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"
#include "tests/vectors/testdata.h"

#define ANSWER_MAX (8u << 20)
#define WINDOW_MS 5000
#define SLOT 32

static const struct kt_window window = {.monitoring = WINDOW_MS};

static struct kt_optional
some(uint64_t value)
{
    return (struct kt_optional){true, value};
}

/* ---- the act ---- */

/* FORMATS.md, "recipes" */
#define ERASURE_EXAMPLE                                                \
    "0000000000000005"                                                 \
    "000000000000000c"                                                 \
    "5555555555555555555555555555555555555555555555555555555555555555" \
    "6666666666666666666666666666666666666666666666666666666666666666" \
    "77777777777777777777777777777777"                                 \
    "8888888888888888"                                                 \
    "99999999999999999999999999999999"                                 \
    "01"                                                               \
    "00000001"                                                         \
    "00000001"                                                         \
    "0000000000000003"                                                 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
    "00000001"                                                         \
    "0000000000000007"                                                 \
    "01"                                                               \
    "0000000006"                                                       \
    "02"                                                               \
    "cccc"

static enum result
read_erasure(struct span bytes, struct erasure *ret)
{
    struct reader r = reader_of(bytes);

    erasure_get(&r, ret);
    return reader_end(&r);
}

static void
the_example_is_as_written(void **state)
{
    struct buf bytes = BUF_INIT(1024), out = BUF_INIT(1024);
    struct writer w = writer_to(&out);
    struct erasure e;
    struct erasure_version v;

    (void)state;
    testdata_hex(ERASURE_EXAMPLE, &bytes);
    assert_int_equal(read_erasure(buf_span(&bytes), &e), RES_OK);
    assert_int_equal(e.number, 5);
    assert_int_equal(e.newest, 12);
    assert_int_equal(e.reason, MAILBOX_ERASED_REQUEST);
    assert_int_equal(e.count, 1);
    struct reader r = reader_of(e.versions);
    erasure_version_get(&r, &v);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_int_equal(v.entry, 3);
    assert_int_equal(v.output.b[0], 0xaa);
    assert_int_equal(v.commitment.b[31], 0xbb);
    struct erasure_body b;
    r = reader_of(e.bodies);
    erasure_body_get(&r, &b);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(e.bodies_n == 1 && b.index == 7 && b.domains_n == 1 && b.domains.n == 8);
    erasure_put(&w, &e);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_true(span_equal(buf_span(&bytes), buf_span(&out)));
    for (size_t n = 0; n < bytes.n; n++)
        assert_int_not_equal(read_erasure(span_of(bytes.p, n), &e), RES_OK);
    bytes.p[0] = 1; /* a number that no label has */
    assert_int_equal(read_erasure(buf_span(&bytes), &e), RES_VALUE);
    bytes.p[0] = 0;
    bytes.p[128] = 0; /* without a version */
    assert_int_not_equal(read_erasure(buf_span(&bytes), &e), RES_OK);
    buf_release(&bytes);
    buf_release(&out);
}

static void
a_tombstone_is_read_as_written(void **state)
{
    const struct tombstone t = {.opening = {1, 2, 3}, .time = 1790000000, .reason = 1, .count = 1};
    struct buf out = BUF_INIT(256), value = BUF_INIT(256);
    struct tombstone again;

    (void)state;
    assert_int_equal(tombstone_write(&t, &out), RES_OK);
    assert_int_equal(out.n, ERASURE_STATE_SIZE);
    assert_int_equal(tombstone_load(buf_span(&out), &again), RES_OK);
    assert_memory_equal(again.opening, t.opening, sizeof(t.opening));
    assert_true(again.time == t.time && again.reason == 1 && again.count == 1);
    assert_int_equal(tombstone_load(span_of(out.p, out.n - 1), &again), RES_TRUNCATED);
    out.p[0] = 1;
    assert_int_equal(tombstone_load(buf_span(&out), &again), RES_VALUE);
    assert_int_equal(tombstone_value(&t, &value), RES_OK);
    struct reader r = reader_of(buf_span(&value));
    struct mailbox_state s;
    mailbox_state_get(&r, &s);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(s.tombstone && s.time == t.time && s.reason == t.reason && s.count == t.count);
    buf_release(&out);
    buf_release(&value);
}

/* ---- a directory, and what it answers ---- */

/* Label 0 has a version in each entry but the first and the newest few, label 1 in every fourth,
 * the domain in all. */
static void
fill(struct testdir *t)
{
    testdir_init(t, &window);
    for (uint64_t i = 0; i < 24; i++) {
        unsigned labels = i == 0 ? 0 : 1u << TESTDIR_DOMAIN;

        if (i > 0 && i < 20)
            labels |= 1;
        if (i % 4 == 1)
            labels |= 2;
        testdir_append(t, 1000000 + 1000 * i, labels);
    }
    testdir_open(t);
}

static uint64_t
late(const struct testdir *t)
{
    return t->entries[t->n - 1].timestamp + WINDOW_MS;
}

static enum result
answer(struct testdir *t, const struct client *c, struct buf *out)
{
    struct buf request = BUF_INIT(KT_REQUEST_MAX);
    enum result rc;

    client_request(t, c, &request);
    rc = directory_answer(t->r, client_kind(c), buf_span(&request), out);
    buf_release(&request);
    return rc;
}

static void
holds(struct testdir *t, struct client *c)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    enum result rc = answer(t, c, &out);

    if (rc == RES_OK)
        rc = client_verify(t, c, buf_span(&out));
    if (rc == RES_OK && (c->ask == CLIENT_SEARCH || c->ask == CLIENT_UPDATE)) {
        const struct testdir_version *v = &t->label[c->label].at[c->found];

        assert_true(span_equal(c->value, span_of(v->value, v->value_n)));
    }
    if (rc != RES_OK)
        fail_msg("ask %d label %u last %u: %s", (int)c->ask, c->label, (unsigned)c->last.value,
                 result_name(rc));
    buf_release(&out);
}

/* 410, with what stays of the versions [first, last]. */
static void
gone(struct testdir *t, const struct client *c, uint32_t first, uint32_t last)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct proof_queue q;

    assert_int_equal(answer(t, c, &out), RES_ERASED);
    struct reader r = reader_of(buf_span(&out));
    erased_response_get(&r, &q);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_int_equal(q.n, last - first + 1);
    r = reader_of(q.bytes);
    for (uint32_t v = first; v <= last; v++) {
        const struct testdir_version *m = &t->label[c->label].at[v];
        struct erased_version e;

        erased_version_get(&r, &e);
        assert_true(e.version == v && e.entry == m->entry);
        assert_true(hash_equal(&e.commitment, &m->commitment));
        assert_true(hash_equal(&e.output, testdir_key(t, c->label, v)));
    }
    buf_release(&out);
}

static void
check_tombstone(struct testdir *t, unsigned label, uint32_t versions)
{
    for (uint64_t last = 0; last <= t->n; last++) {
        struct client c = {.ask = CLIENT_SEARCH, .label = label, .last = {last > 0, last}};
        struct mailbox_state s;

        holds(t, &c);
        assert_int_equal(c.found, versions);
        const struct testdir_version *v = &t->label[label].at[versions];
        struct reader r = reader_of(span_of(v->value, v->value_n));
        mailbox_state_get(&r, &s);
        assert_int_equal(reader_end(&r), RES_OK);
        assert_true(s.tombstone);
        assert_int_equal(s.count, versions);
        assert_int_equal(s.reason, MAILBOX_ERASED_REQUEST);
        assert_int_equal(s.time, t->entries[v->entry].timestamp / 1000);
    }
}

static void
check_gone(struct testdir *t, unsigned label)
{
    uint32_t last = (uint32_t)t->label[label].n - 1;

    for (uint32_t v = 0; v < last; v++) {
        const struct testdir_version *m = &t->label[label].at[v];
        struct client fixed = {.ask = CLIENT_SEARCH, .label = label, .version = some(v)};
        struct client then = {
            .ask = CLIENT_AS_OF, .label = label, .time = t->entries[m->entry].timestamp};
        struct client owner = {
            .ask = CLIENT_UPDATE, .label = label, .greatest = {v > 0, (uint64_t)v - (v > 0)}};

        gone(t, &fixed, v, v);
        gone(t, &then, v, v);
        gone(t, &owner, v, last);
    }
    struct client fixed = {.ask = CLIENT_SEARCH, .label = label, .version = some(last)};
    struct client update = {.ask = CLIENT_UPDATE, .label = label, .greatest = some(last - 1)};
    struct client now = {.ask = CLIENT_AS_OF, .label = label, .time = UINT64_MAX};
    struct client before = {.ask = CLIENT_AS_OF, .label = label, .time = 1};
    holds(t, &fixed);
    holds(t, &update);
    holds(t, &now);
    assert_int_equal(now.as_of.version, last);
    holds(t, &before);
    assert_false(before.as_of.has_version);
}

/* Who follows the label needs hashes alone, and has all of them. */
static void
check_followers(struct testdir *t, unsigned label)
{
    for (uint32_t v = 0; v < t->label[label].n; v++) {
        struct client c = {.ask = CLIENT_CONTACT,
                           .label = label,
                           .map = {.entries = {{t->label[label].at[v].entry, v}}, .n = 1}};

        holds(t, &c);
    }
    for (uint64_t start = 0; start < t->n; start++) {
        struct client c = {.ask = CLIENT_OWNER_INIT, .label = label, .start = start};
        struct buf out = BUF_INIT(ANSWER_MAX);
        enum result rc = answer(t, &c, &out);
        uint32_t n = testdir_versions(t, label, start + 1);

        buf_release(&out);
        if (rc == RES_KT_START)
            continue;
        holds(t, &c);
        struct client m = {.ask = CLIENT_OWNER_MONITOR,
                           .label = label,
                           .start = start,
                           .greatest = {n > 0, (uint64_t)n - (n > 0)}};
        holds(t, &m);
    }
}

/* Other labels are as they were. */
static void
check_others(struct testdir *t, unsigned label)
{
    for (unsigned other = 0; other < TESTDIR_LABELS; other++) {
        for (uint32_t v = 0; other != label && v < t->label[other].n; v++) {
            struct client c = {.ask = CLIENT_SEARCH, .label = other, .version = some(v)};
            const struct testdir_version *m = &t->label[other].at[v];

            holds(t, &c);
            assert_int_equal(c.found, v);
            assert_non_null(m->value);
        }
    }
}

static void
check_erased(struct testdir *t, unsigned label)
{
    check_tombstone(t, label, (uint32_t)t->label[label].n - 1);
    check_gone(t, label);
    check_followers(t, label);
    check_others(t, label);
}

static void
remove_index(const struct testdir *t)
{
    char path[FILES_PATH_MAX];

    assert_int_equal(files_path(t->path, "directory/index", path), RES_OK);
    assert_int_equal(index_remove(path), RES_OK);
}

static void
an_erased_mailbox_is_answered_with_its_tombstone(void **state)
{
    struct testdir t;

    (void)state;
    fill(&t);
    assert_int_equal(testdir_erase(&t, 0, late(&t)), RES_OK);
    assert_int_equal(t.feed[t.n - 1].additions, 1);
    check_erased(&t, 0);
    /* Other mailboxes go on, and the erased one may be followed over what comes. */
    for (unsigned i = 0; i < 5; i++) {
        testdir_fill(&t);
        testdir_append(&t, late(&t), 1u << TESTDIR_DOMAIN | 2);
        testdir_open(&t);
        check_erased(&t, 0);
    }
    remove_index(&t);
    testdir_fill(&t);
    testdir_open(&t);
    check_erased(&t, 0);
    assert_int_equal(testdir_erase(&t, 1, late(&t)), RES_OK);
    check_tombstone(&t, 1, 7 + 4);
    check_gone(&t, 1);
    check_followers(&t, 1);
    check_tombstone(&t, 0, 19);
    check_gone(&t, 0);
    testdir_release(&t);
}

static void
a_search_for_an_erased_mailbox_is_tampered_with(void **state)
{
    struct rng r = rng_start("a_search_for_an_erased_mailbox_is_tampered_with");
    struct client c = {.ask = CLIENT_SEARCH};
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct testdir t;

    (void)state;
    fill(&t);
    assert_int_equal(testdir_erase(&t, 0, late(&t)), RES_OK);
    assert_int_equal(answer(&t, &c, &out), RES_OK);
    assert_int_equal(client_verify(&t, &c, buf_span(&out)), RES_OK);
    for (unsigned i = 0; i < 60; i++) {
        struct client again = {.ask = CLIENT_SEARCH};
        size_t at = rng_next(&r) % out.n;
        uint8_t bit = (uint8_t)(1u << rng_next(&r) % 8);

        out.p[at] ^= bit;
        if (client_verify(&t, &again, buf_span(&out)) == RES_OK)
            fail_msg("byte %zu of %zu may be another", at, out.n);
        out.p[at] ^= bit;
    }
    buf_release(&out);
    testdir_release(&t);
}

/* ---- what is refused ---- */

static uint64_t
bytes_of(const struct testdir *t, const char *name)
{
    char path[FILES_PATH_MAX];
    struct buf bytes = BUF_INIT((size_t)64 << 20);

    assert_int_equal(files_path(t->path, name, path), RES_OK);
    assert_int_equal(files_read(path, &bytes), RES_OK);
    uint64_t n = bytes.n;
    buf_release(&bytes);
    return n;
}

static void
what_may_not_be_erased_is_not(void **state)
{
    struct testdir t;

    (void)state;
    fill(&t);
    const uint64_t newest = t.entries[t.label[0].at[t.label[0].n - 1].entry].timestamp;
    uint64_t recipes = bytes_of(&t, "directory/recipes");
    assert_int_equal(testdir_erase(&t, TESTDIR_STRANGER, late(&t)), RES_KT_NO_LABEL);
    assert_int_equal(testdir_erase(&t, TESTDIR_DOMAIN, late(&t)), RES_VALUE);
    assert_int_equal(testdir_erase(&t, 0, newest + WINDOW_MS - 1), RES_ERASE_EARLY);
    assert_int_equal(bytes_of(&t, "directory/recipes"), recipes);
    assert_int_equal(testdir_erase(&t, 0, newest + WINDOW_MS), RES_OK);
    assert_true(bytes_of(&t, "directory/recipes") > recipes);
    recipes = bytes_of(&t, "directory/recipes");
    assert_int_equal(testdir_erase(&t, 0, late(&t)), RES_ERASED);
    assert_int_equal(bytes_of(&t, "directory/recipes"), recipes);
    assert_int_equal(directory_start(t.d), RES_OK);
    assert_int_equal(directory_erase(t.d, &t.label[1].name, MAILBOX_ERASED_ORDER), RES_BUG);
    testdir_release(&t);
}

/* What names the mailbox afterwards makes no version of it, and does of its domain. */
static void
a_tombstone_is_the_last_version(void **state)
{
    struct testdir t;
    struct touch touch = {.index = 99}, *at = &touch;

    (void)state;
    fill(&t);
    assert_int_equal(testdir_erase(&t, 0, late(&t)), RES_OK);
    testdir_fill(&t);
    struct change_parts parts = {
        .view = t.view, .rows = t.rows, .versions = t.versions, .keys = t.keys, .held = &t.held};
    touch.label = t.label[0].name;
    changes_clear(&t.changes, t.labels);
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    assert_int_equal(changes_add(&t.changes, &parts, &at, 1, late(&t)), RES_OK);
    assert_int_equal(t.changes.n, 0);
    touch.label = t.label[TESTDIR_DOMAIN].name;
    assert_int_equal(changes_add(&t.changes, &parts, &at, 1, late(&t)), RES_OK);
    assert_int_equal(t.changes.n, 1);
    /* A key that is gone without a tombstone was not erased. */
    touch.label = t.label[1].name;
    assert_int_equal(keyring_erase(t.keys, 1), RES_OK);
    enum result rc = changes_add(&t.changes, &parts, &at, 1, late(&t));
    if (rc == RES_OK) { /* number 1 is the domain's */
        assert_int_equal(keyring_erase(t.keys, 2), RES_OK);
        rc = changes_add(&t.changes, &parts, &at, 1, late(&t));
    }
    assert_int_equal(rc, RES_STORE_DAMAGED);
    shelf_view_end(t.view);
    testdir_release(&t);
}

/* ---- keys and crashes ---- */

static void
copy_file(const struct testdir *t, const char *from, const char *to)
{
    char a[FILES_PATH_MAX], b[FILES_PATH_MAX];
    struct buf bytes = BUF_INIT((size_t)64 << 20);

    assert_int_equal(files_path(t->path, from, a), RES_OK);
    assert_int_equal(files_path(t->path, to, b), RES_OK);
    assert_int_equal(files_read(a, &bytes), RES_OK);
    FILE *f = fopen(b, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(b, 0600), 0);
    buf_release(&bytes);
}

/* Slots of the file of keys that are zeros. */
static unsigned
erased_slots(const struct testdir *t, const char *name)
{
    static const uint8_t zeros[SLOT];
    char path[FILES_PATH_MAX];
    struct buf bytes = BUF_INIT((size_t)64 << 20);
    unsigned n = 0;

    assert_int_equal(files_path(t->path, name, path), RES_OK);
    assert_int_equal(files_read(path, &bytes), RES_OK);
    for (size_t at = 0; at + SLOT <= bytes.n; at += SLOT)
        n += memcmp(bytes.p + at, zeros, SLOT) == 0;
    buf_release(&bytes);
    return n;
}

/* The recipe stands; the epoch does not; its key is still there, or gone. */
static void
a_crash_leads_to_the_same_bytes(void **state)
{
    struct testdir t;

    (void)state;
    fill(&t);
    testdir_fill(&t); /* all of it is on disk */
    copy_file(&t, "directory/data.mdb", "data.before");
    copy_file(&t, "directory/keys", "keys.before");
    testdir_open(&t);
    assert_int_equal(testdir_erase(&t, 0, late(&t)), RES_OK);
    const struct hash root = t.feed[t.n - 1].root;
    assert_int_equal(erased_slots(&t, "keys.before"), 0);
    assert_int_equal(erased_slots(&t, "directory/keys"), 1);
    for (unsigned gone = 0; gone < 2; gone++) {
        testdir_fill(&t);
        copy_file(&t, "data.before", "directory/data.mdb");
        if (!gone)
            copy_file(&t, "keys.before", "directory/keys");
        testdir_open(&t); /* which completes it */
        assert_int_equal(t.d->head.size, t.n);
        assert_true(hash_equal(&t.d->head.root, &root));
        assert_int_equal(erased_slots(&t, "directory/keys"), 1);
        check_erased(&t, 0);
    }
    testdir_release(&t);
}

/* While its key is gone and its tombstone not there yet, nothing is said of the mailbox. */
static void
between_key_and_tombstone_is_not_now(void **state)
{
    struct client c = {.ask = CLIENT_SEARCH};
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct testdir t;

    (void)state;
    fill(&t);
    assert_int_equal(keyring_erase(t.d->keys, 0), RES_OK);
    assert_int_equal(answer(&t, &c, &out), RES_BUSY);
    assert_int_equal(out.n, 0);
    buf_release(&out);
    testdir_release(&t);
}

/* Whatever allocation fails: then it is not done, or whole, and can be gone on with. */
static void
memory_that_fails_leaves_it_undone_or_done(void **state)
{
    struct testdir t;
    enum result rc = RES_MEMORY;

    (void)state;
    fill(&t);
    testdir_clock(late(&t));
    for (unsigned i = 1; rc != RES_OK && rc != RES_ERASED; i++) {
        uint64_t n = t.d->head.size;

        failalloc_at(i);
        rc = directory_erase(t.d, &t.label[0].name, MAILBOX_ERASED_REQUEST);
        failalloc_at(0);
        if (rc != RES_OK && rc != RES_ERASED) {
            assert_int_equal(rc, RES_MEMORY);
            assert_int_equal(t.d->head.size, n);
        }
        assert_true(i < 10000);
    }
    testdir_take_epoch(&t, 0); /* also when its recipe stood already and memory was short */
    check_erased(&t, 0);
    testdir_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_as_written),
        cmocka_unit_test(a_tombstone_is_read_as_written),
        cmocka_unit_test(an_erased_mailbox_is_answered_with_its_tombstone),
        cmocka_unit_test(a_search_for_an_erased_mailbox_is_tampered_with),
        cmocka_unit_test(what_may_not_be_erased_is_not),
        cmocka_unit_test(a_tombstone_is_the_last_version),
        cmocka_unit_test(a_crash_leads_to_the_same_bytes),
        cmocka_unit_test(between_key_and_tombstone_is_not_now),
        cmocka_unit_test(memory_that_fails_leaves_it_undone_or_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
