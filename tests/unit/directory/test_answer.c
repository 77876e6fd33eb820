/* Answers to every kind of request, each verified by a client from its bytes alone. */
#include "merkle/keytrans/mailbox.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/directory/client.h"
#include "tests/vectors/check.h"

#define ANSWER_MAX (8u << 20)

static const struct kt_optional none;

static const struct kt_window windows[] = {
    {.monitoring = 1},
    {.monitoring = 50},
    {.monitoring = 100000},
};

static struct kt_optional
some(uint64_t value)
{
    return (struct kt_optional){true, value};
}

/* A last of 0 is none. */
static struct kt_optional
last_of(uint64_t last)
{
    return (struct kt_optional){last > 0, last};
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

/* Asks, and believes it; c is then what the answer said. */
static void
holds(struct testdir *t, struct client *c)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    enum result rc = answer(t, c, &out);

    if (rc != (c->ask == CLIENT_ABSENT ? RES_KT_NO_LABEL : RES_OK))
        fail_msg("ask %d label %u last %d/%u: %s", (int)c->ask, c->label, c->last.has,
                 (unsigned)c->last.value, result_name(rc));
    rc = client_verify(t, c, buf_span(&out));
    if (rc != RES_OK)
        fail_msg("ask %d label %u last %d/%u: not believed: %s", (int)c->ask, c->label, c->last.has,
                 (unsigned)c->last.value, result_name(rc));
    assert_int_equal(c->size, t->n);
    if (c->ask == CLIENT_SEARCH || c->ask == CLIENT_UPDATE ||
        (c->ask == CLIENT_AS_OF && c->as_of.has_version)) {
        const struct testdir_version *v = &t->label[c->label].at[c->found];

        assert_true(span_equal(c->value, span_of(v->value, v->value_n)));
    }
    buf_release(&out);
}

/* Whether the client believes an answer in which one bit is another. */
static bool
believed(struct testdir *t, const struct client *c, struct buf *out, size_t at, uint8_t bit)
{
    struct client again = *c;
    bool yes;

    out->p[at] ^= bit;
    yes = client_verify(t, &again, buf_span(out)) == RES_OK;
    out->p[at] ^= bit;
    return yes;
}

/* No byte of the answer can be another. */
static void
holds_only_so(struct testdir *t, struct rng *r, const struct client *c, unsigned tries)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct client asked = *c;
    enum result rc = answer(t, c, &out);

    assert_true(rc == RES_OK || rc == RES_KT_NO_LABEL);
    assert_int_equal(client_verify(t, &asked, buf_span(&out)), RES_OK);
    for (unsigned i = 0; i < tries; i++) {
        size_t at = rng_next(r) % out.n;
        uint8_t bit = (uint8_t)(1u << rng_next(r) % 8);

        if (believed(t, c, &out, at, bit))
            fail_msg("ask %d label %u: byte %zu of %zu may be another", (int)c->ask, c->label, at,
                     out.n);
    }
    asked = *c;
    assert_int_not_equal(client_verify(t, &asked, span_of(out.p, out.n - 1)), RES_OK);
    buf_release(&out);
}

static enum result
refused(struct testdir *t, const struct client *c)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    enum result rc = answer(t, c, &out);

    assert_int_equal(out.n, 0);
    buf_release(&out);
    return rc;
}

/* ---- searches ---- */

static struct client
search(unsigned label, uint64_t last, struct kt_optional version)
{
    return (struct client){
        .ask = CLIENT_SEARCH, .label = label, .last = last_of(last), .version = version};
}

static struct client
absent(uint64_t last)
{
    return (struct client){.ask = CLIENT_ABSENT, .label = TESTDIR_STRANGER, .last = last_of(last)};
}

/* The greatest version of every label, for every view. */
static void
check_searches(struct testdir *t)
{
    for (uint64_t last = 0; last <= t->n; last++) {
        for (unsigned label = 0; label < TESTDIR_LABELS; label++) {
            struct client c = search(label, last, none);

            if (t->label[label].n == 0)
                continue;
            holds(t, &c);
            assert_int_equal(c.found, t->label[label].n - 1);
        }
    }
}

/* Each version of a label, for some views. */
static void
check_fixed(struct testdir *t, struct rng *r)
{
    for (unsigned label = 0; label < TESTDIR_LABELS; label++) {
        for (uint32_t v = 0; v < t->label[label].n; v++) {
            struct client c = search(label, rng_next(r) % (t->n + 1), some(v));

            holds(t, &c);
        }
        if (t->label[label].n > 0) {
            struct client c = search(label, 0, some(t->label[label].n));

            assert_int_equal(refused(t, &c), RES_KT_NO_VERSION);
            c.version.value = UINT32_MAX;
            assert_int_equal(refused(t, &c), RES_KT_NO_VERSION);
        }
    }
}

static void
check_absence(struct testdir *t)
{
    struct client c = search(TESTDIR_STRANGER, 0, some(0));

    assert_int_equal(refused(t, &c), RES_KT_NO_LABEL);
    for (uint64_t last = 0; last <= t->n; last++) {
        c = absent(last);
        holds(t, &c);
    }
}

/* ---- times ---- */

static void
check_as_of(struct testdir *t, struct rng *r, unsigned label, uint64_t time)
{
    struct client c = {.ask = CLIENT_AS_OF,
                       .label = label,
                       .last = last_of(rng_next(r) % (t->n + 1)),
                       .time = time};
    uint64_t size = 0;
    uint32_t n;

    while (size < t->n && t->entries[size].timestamp <= time)
        size++;
    n = testdir_versions(t, label, size);
    holds(t, &c);
    assert_int_equal(c.as_of.has_version, n > 0);
    if (n > 0)
        assert_int_equal(c.as_of.version, n - 1);
}

static void
check_times(struct testdir *t, struct rng *r)
{
    for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
        check_as_of(t, r, label, 0);
        check_as_of(t, r, label, UINT64_MAX);
        for (unsigned i = 0; i < 10; i++)
            check_as_of(t, r, label, t->entries[rng_next(r) % t->n].timestamp - rng_next(r) % 2);
    }
}

/* ---- those who follow a label ---- */

static void
check_contacts(struct testdir *t, struct rng *r)
{
    for (unsigned label = 0; label < TESTDIR_LABELS; label++) {
        for (unsigned i = 0; i < 10 && t->label[label].n > 0; i++) {
            struct client c = {
                .ask = CLIENT_CONTACT, .label = label, .last = last_of(rng_next(r) % (t->n + 1))};
            uint32_t step = 1 + (uint32_t)(rng_next(r) % 40);

            for (uint32_t v = (uint32_t)(rng_next(r) % step); v < t->label[label].n; v += step)
                assert_int_equal(contact_add(&c.map, t->label[label].at[v].entry, v), RES_OK);
            holds(t, &c);
            /* What is left may be asked about again. */
            struct client again = {
                .ask = CLIENT_CONTACT, .label = label, .last = last_of(t->n), .map = c.map};
            holds(t, &again);
            assert_int_equal(again.map.n, c.map.n);
        }
    }
}

static struct client
owner_init_at(unsigned label, uint64_t last, uint64_t start)
{
    return (struct client){
        .ask = CLIENT_OWNER_INIT, .label = label, .last = last_of(last), .start = start};
}

/* An owner who begins at start, then follows the label as far as there are answers. */
static void
follow(struct testdir *t, struct rng *r, unsigned label, uint64_t start)
{
    uint32_t known = testdir_versions(t, label, start + 1);
    uint64_t at = start;

    for (;;) {
        struct client m = {.ask = CLIENT_OWNER_MONITOR,
                           .label = label,
                           .last = last_of(rng_next(r) % (t->n + 1)),
                           .start = at,
                           .greatest = {known > 0, (uint64_t)known - (known > 0)}};
        struct client u = m;

        holds(t, &m);
        assert_true(m.terminal >= at);
        u.ask = CLIENT_UPDATE;
        if (known == t->label[label].n) {
            assert_int_equal(refused(t, &u), RES_KT_NOTHING_NEW);
            if (m.terminal == at)
                return;
            at = m.terminal;
            continue;
        }
        holds(t, &u);
        assert_int_equal(u.position, t->label[label].at[known].entry);
        at = m.terminal;
        known++;
    }
}

/* Every entry as a start: those that are not distinguished are refused. */
static void
check_owners(struct testdir *t, struct rng *r)
{
    for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
        unsigned followed = 0;

        for (uint64_t start = 0; start < t->n; start++) {
            struct client c = owner_init_at(label, rng_next(r) % (t->n + 1), start);
            struct buf out = BUF_INIT(ANSWER_MAX);
            enum result rc = answer(t, &c, &out);

            buf_release(&out);
            if (rc == RES_KT_START)
                continue;
            holds(t, &c);
            assert_int_equal(c.init_n > 0 ? c.init[0] + 1 : 0,
                             testdir_versions(t, label, start + 1));
            if (followed++ < 2 && label != TESTDIR_STRANGER)
                follow(t, r, label, start);
        }
    }
}

static void
check_heads(struct testdir *t)
{
    for (uint64_t last = 0; last <= t->n; last++) {
        struct client c = {.ask = CLIENT_HEADS, .last = last_of(last)};
        struct client few = c;

        holds(t, &c);
        if (c.heads.n < 2)
            continue;
        few.stop = some(c.heads.at[c.heads.n / 2]);
        holds(t, &few);
        assert_int_equal(few.heads.n, c.heads.n / 2);
    }
}

/* ---- credentials ---- */

/* Whether the entry is one of those that were walked over. */
static bool
is_recent(const struct heads *h, uint64_t at)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->at[i] == at)
            return true;
    return false;
}

/* Where a search in the tree of size entries ends that does not begin right of it: at the first
 * entry of the frontier that has the version. */
static uint64_t
terminal_of(const struct testdir *t, unsigned label, uint32_t version, uint64_t size)
{
    struct kt_view view;
    unsigned i = 0;

    testdir_view(t, size, &view);
    while (view.frontier[i].position < t->label[label].at[version].entry)
        i++;
    return view.frontier[i].position;
}

/* A credential that was made in the tree of size entries, for its greatest version of the label. */
static void
check_credential(struct testdir *t, struct rng *r, unsigned label, uint64_t size,
                 const struct heads *recent, unsigned *ret_updates)
{
    uint32_t n = testdir_versions(t, label, size);
    struct client c = {.ask = CLIENT_CREDENTIAL, .label = label, .start = size, .heads = *recent};
    struct buf out = BUF_INIT(ANSWER_MAX);
    enum result rc;

    if (n == 0)
        return;
    c.version = some(n - 1);
    c.terminal = terminal_of(t, label, n - 1, size);
    rc = answer(t, &c, &out);
    buf_release(&out);
    if (rc == RES_ABSENT)
        return;
    holds(t, &c);
    assert_true(is_recent(recent, c.position) && c.position >= size);
    if (*ret_updates % 16 == 0)
        holds_only_so(t, r, &c, 40);
    ++*ret_updates;
}

static void
test_credentials(void **state)
{
    struct rng r = rng_start("answer: credentials");
    struct client all = {.ask = CLIENT_HEADS};
    unsigned updates = 0;
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[1]);
    testdir_random(&t, &r, 60);
    testdir_open(&t);
    holds(&t, &all);
    for (uint64_t size = all.heads.at[all.heads.n - 1] + 1; size <= t.n; size++)
        for (unsigned label = 0; label < TESTDIR_LABELS; label++)
            check_credential(&t, &r, label, size, &all.heads, &updates);
    assert_true(updates > 0);
    testdir_release(&t);
}

/* ---- tests ---- */

static void
test_small(void **state)
{
    struct rng r = rng_start("answer: small");

    (void)state;
    for (size_t n = 1; n <= 9; n++) {
        struct testdir t;

        testdir_init(&t, &windows[n % 3]);
        testdir_random(&t, &r, n);
        testdir_open(&t);
        check_searches(&t);
        check_absence(&t);
        check_heads(&t);
        check_times(&t, &r);
        check_owners(&t, &r);
        testdir_release(&t);
    }
}

static void
test_random(void **state)
{
    struct rng r = rng_start("answer: random");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct testdir t;

        testdir_init(&t, &windows[i]);
        testdir_random(&t, &r, 60);
        testdir_open(&t);
        check_searches(&t);
        check_fixed(&t, &r);
        check_absence(&t);
        check_heads(&t);
        check_times(&t, &r);
        check_contacts(&t, &r);
        check_owners(&t, &r);
        testdir_release(&t);
    }
}

/* An answer of each kind is believed as it is, and in no other way. */
static void
test_tampering(void **state)
{
    struct rng r = rng_start("answer: tampering");
    struct testdir t;
    uint64_t start = 0;

    (void)state;
    testdir_init(&t, &windows[1]);
    testdir_random(&t, &r, 80);
    testdir_open(&t);
    for (uint64_t last = 0; last <= t.n; last += 20) {
        struct client c = search(1, last, none);

        holds_only_so(&t, &r, &c, 60);
        c = search(TESTDIR_DOMAIN, last, none);
        if (t.label[TESTDIR_DOMAIN].n > 0)
            holds_only_so(&t, &r, &c, 60);
        c = absent(last);
        holds_only_so(&t, &r, &c, 60);
        c = (struct client){.ask = CLIENT_HEADS, .last = last_of(last)};
        holds_only_so(&t, &r, &c, 60);
        c = owner_init_at(1, last, search_tree_root(t.n));
        holds_only_so(&t, &r, &c, 60);
        start = c.start;
        c = (struct client){.ask = CLIENT_OWNER_MONITOR,
                            .label = 1,
                            .last = last_of(last),
                            .start = start,
                            .greatest = some(t.label[1].n - 1)};
        holds_only_so(&t, &r, &c, 60);
        c = (struct client){.ask = CLIENT_CONTACT, .label = 0, .last = last_of(last)};
        assert_int_equal(contact_add(&c.map, t.label[0].at[40].entry, 40), RES_OK);
        holds_only_so(&t, &r, &c, 60);
    }
    testdir_release(&t);
}

/* ---- refusals ---- */

static struct client
contact(unsigned label, uint64_t position, uint32_t version)
{
    return (struct client){
        .ask = CLIENT_CONTACT, .label = label, .map = {.entries = {{position, version}}, .n = 1}};
}

static struct client
owner(enum client_ask ask, unsigned label, uint64_t start, struct kt_optional greatest)
{
    return (struct client){.ask = ask, .label = label, .start = start, .greatest = greatest};
}

/* Label 0's version, found at terminal in the tree of size entries. */
static struct client
credential(uint32_t version, uint64_t size, uint64_t terminal)
{
    return (struct client){
        .ask = CLIENT_CREDENTIAL, .version = {true, version}, .start = size, .terminal = terminal};
}

/* t has 40 entries, of which each but the first has a version of label 0; all are distinguished. */
static void
check_refusals(struct testdir *t)
{
    const struct {
        const char *says;
        struct client c;
        enum result rc;
    } rows[] = {
        {"a last beyond the tree", search(0, t->n + 1, none), RES_RANGE},
        {"an absence beyond the tree", absent(t->n + 1), RES_RANGE},
        {"a last of 2^64-1", search(0, UINT64_MAX, none), RES_RANGE},
        {"heads beyond the tree", {.ask = CLIENT_HEADS, .last = {true, UINT64_MAX}}, RES_RANGE},
        {"a contact's label that is not there", contact(TESTDIR_STRANGER, 1, 0), RES_KT_NO_LABEL},
        {"a version that is not there", contact(0, 39, 39), RES_KT_NO_VERSION},
        {"the greatest version number", contact(0, 39, UINT32_MAX), RES_KT_NO_VERSION},
        {"a position before the version", contact(0, 4, 4), RES_RANGE},
        {"a position that is no ancestor", contact(0, 6, 4), RES_RANGE},
        {"a position beyond the tree", contact(0, 40, 4), RES_RANGE},
        {"an ancestor to the left", contact(0, 3, 4), RES_RANGE},
        {"an ancestor to the right", contact(0, 7, 3), RES_OK},
        {"where it first stands", contact(0, 5, 4), RES_OK},
        {"a start beyond the tree", owner_init_at(0, 0, 40), RES_RANGE},
        {"a start at 2^64-1", owner_init_at(0, 0, UINT64_MAX), RES_RANGE},
        {"monitoring from beyond the tree", owner(CLIENT_OWNER_MONITOR, 0, 40, none), RES_RANGE},
        {"monitoring a version to come",
         owner(CLIENT_OWNER_MONITOR, 0, 39, (struct kt_optional){true, 39}), RES_KT_NO_VERSION},
        {"monitoring a version less than at the start",
         owner(CLIENT_OWNER_MONITOR, 0, 39, (struct kt_optional){true, 37}), RES_KT_NO_VERSION},
        {"monitoring none where there is one", owner(CLIENT_OWNER_MONITOR, 0, 39, none),
         RES_KT_NO_VERSION},
        {"a credential's version that is not there", credential(39, 38, 39), RES_KT_NO_VERSION},
        {"a credential's terminal entry to the left", credential(4, 6, 3), RES_RANGE},
        {"a credential's terminal entry beyond its tree", credential(4, 5, 5), RES_RANGE},
        {"a credential's tree beyond the log", credential(38, 41, 39), RES_RANGE},
        {"a credential's tree of nothing", credential(4, 0, 5), RES_RANGE},
        {"a credential that needs none", credential(4, 6, 5), RES_ABSENT},
        {"an update to come", owner(CLIENT_UPDATE, 0, 0, (struct kt_optional){true, 39}),
         RES_KT_NOT_YET},
        {"an update of the greatest number",
         owner(CLIENT_UPDATE, 0, 0, (struct kt_optional){true, UINT32_MAX}), RES_KT_NOT_YET},
        {"an update with nothing new", owner(CLIENT_UPDATE, 0, 0, (struct kt_optional){true, 38}),
         RES_KT_NOTHING_NEW},
        {"an update of nothing", owner(CLIENT_UPDATE, TESTDIR_STRANGER, 0, none),
         RES_KT_NOTHING_NEW},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT(ANSWER_MAX);
        enum result rc = answer(t, &rows[i].c, &out);

        if (rc != rows[i].rc || (rc != RES_OK && out.n != 0))
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        buf_release(&out);
    }
}

/* One value, of which a log that is told by certificates alone takes none. */
static void
check_values(struct testdir *t)
{
    static const uint8_t value[] = {0, 0, 0, 1, 'x'};
    const struct {
        struct kt_optional greatest;
        enum result rc;
    } rows[] = {
        {{true, 38}, RES_KT_OWN_VALUES}, {{true, 39}, RES_KT_NOT_YET}, {{true, 12}, RES_OK}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf request = BUF_INIT(KT_REQUEST_MAX), out = BUF_INIT(ANSWER_MAX);
        struct client c = owner(CLIENT_UPDATE, 0, 0, rows[i].greatest);
        struct writer w = writer_to(&request);

        update_request_put(&w, &(struct update_request){none, testdir_name(t, 0), rows[i].greatest,
                                                        1, span_of(value, sizeof(value))});
        assert_int_equal(writer_end(&w), RES_OK);
        assert_int_equal(directory_answer(t->r, DIRECTORY_UPDATE, buf_span(&request), &out),
                         rows[i].rc);
        if (rows[i].rc == RES_OK)
            assert_int_equal(client_verify(t, &c, buf_span(&out)), RES_OK);
        buf_release(&request);
        buf_release(&out);
    }
}

/* Requests that end too early or too late, and labels that are none. */
static void
check_shapes(struct testdir *t)
{
    static const uint8_t no_label[] = {0, 4, 1, 'A', '@', 'b', 0}, empty[] = {0, 0, 0};
    struct buf out = BUF_INIT(ANSWER_MAX);

    for (int ask = 0; ask < CLIENT_ASKS; ask++) {
        struct client c = {.ask = (enum client_ask)ask};
        struct buf request = BUF_INIT(KT_REQUEST_MAX);

        client_request(t, &c, &request);
        for (size_t n = 0; n < request.n; n++)
            assert_int_equal(directory_answer(t->r, client_kind(&c), span_of(request.p, n), &out),
                             RES_TRUNCATED);
        assert_int_equal(buf_add(&request, span_str("x")), RES_OK);
        assert_int_equal(directory_answer(t->r, client_kind(&c), buf_span(&request), &out),
                         RES_TRAILING);
        buf_release(&request);
    }
    assert_int_equal(
        directory_answer(t->r, DIRECTORY_SEARCH, span_of(no_label, sizeof(no_label)), &out),
        RES_VALUE);
    assert_int_equal(directory_answer(t->r, DIRECTORY_SEARCH, span_of(empty, sizeof(empty)), &out),
                     RES_VALUE);
    assert_int_equal(out.n, 0);
    buf_release(&out);
}

static void
test_refusals(void **state)
{
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[0]);
    for (uint64_t i = 0; i < 40; i++)
        testdir_append(&t, 1000 * (i + 1), i > 0);
    testdir_open(&t);
    check_refusals(&t);
    check_values(&t);
    check_shapes(&t);
    testdir_release(&t);
}

/* ---- look-ups ---- */

static void
look_up(struct testdir *t, unsigned label, uint64_t last, struct kt_optional at)
{
    struct client c = {.ask = at.has                      ? CLIENT_AS_OF
                              : label == TESTDIR_STRANGER ? CLIENT_ABSENT
                                                          : CLIENT_SEARCH,
                       .label = label,
                       .last = last_of(last),
                       .time = at.value};
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct directory_found found;
    enum result rc = directory_lookup(t->r, &t->label[label].name, c.last, at, &out, &found);

    assert_int_equal(rc, c.ask == CLIENT_ABSENT ? RES_KT_NO_LABEL : RES_OK);
    assert_int_equal(client_verify(t, &c, buf_span(&out)), RES_OK);
    assert_int_equal(found.size, t->n);
    assert_memory_equal(&found.feed.root, &t->feed[t->n - 1].root, HASH_SIZE);
    assert_int_equal(found.present,
                     c.ask == CLIENT_SEARCH || (c.ask == CLIENT_AS_OF && c.as_of.has_version));
    if (found.present)
        assert_true(span_equal(found.value, c.value));
    buf_release(&out);
}

static void
test_lookup(void **state)
{
    struct rng r = rng_start("answer: look-ups");
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[1]);
    testdir_random(&t, &r, 30);
    testdir_open(&t);
    for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
        if (label < TESTDIR_LABELS && t.label[label].n == 0)
            continue;
        for (uint64_t last = 0; last <= t.n; last += 10) {
            look_up(&t, label, last, none);
            look_up(&t, label, last, some(0));
            look_up(&t, label, last, some(t.entries[last / 2].timestamp));
            look_up(&t, label, last, some(UINT64_MAX));
        }
    }
    testdir_release(&t);
}

/* ---- a snapshot that has more than was published ---- */

/* Lets the directory answer in the tree of the first size entries, as it does when the builder has
 * committed and the index is not told yet; the model too. */
static void
publish(struct testdir *t, uint64_t size)
{
    struct directory_head *h = &t->d->head;

    t->n = size;
    h->size = size;
    h->versions = 0;
    for (unsigned label = 0; label < TESTDIR_LABELS; label++) {
        t->label[label].n = testdir_versions(t, label, size);
        h->versions += t->label[label].n;
    }
    logtree_root(&t->peaks[size - 1], &h->root);
    assert_int_equal(signer_directory_head(t->signer, &t->kt, size, &h->root, h->signature),
                     RES_OK);
}

static void
test_published(void **state)
{
    static const uint64_t sizes[] = {59, 33, 32, 7, 2, 1};
    struct rng r = rng_start("answer: published");
    size_t n, versions[TESTDIR_LABELS];
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[1]);
    testdir_random(&t, &r, 60);
    testdir_open(&t);
    n = t.n;
    for (unsigned label = 0; label < TESTDIR_LABELS; label++)
        versions[label] = t.label[label].n;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        publish(&t, sizes[i]);
        for (unsigned label = 0; label <= TESTDIR_LABELS; label++) {
            struct client c = search(label, rng_next(&r) % (t.n + 1), none);

            if (t.label[label].n == 0)
                c.ask = CLIENT_ABSENT;
            holds(&t, &c);
        }
        check_fixed(&t, &r);
        check_times(&t, &r);
        check_contacts(&t, &r);
        check_owners(&t, &r);
    }
    t.n = n;
    for (unsigned label = 0; label < TESTDIR_LABELS; label++)
        t.label[label].n = versions[label];
    testdir_release(&t);
}

/* ---- many versions ---- */

/* Ladders of several hundred versions, and owners who are shown some distinguished entries only. */
static void
test_deep(void **state)
{
    struct rng r = rng_start("answer: deep");
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[0]);
    for (uint64_t i = 0; i < 400; i++)
        testdir_append(&t, 1000 + 10 * i, i > 0);
    testdir_open(&t);
    for (unsigned i = 0; i < 60; i++) {
        struct client c = search(0, rng_next(&r) % (t.n + 1), none);
        uint32_t v = (uint32_t)rng_scaled(&r, t.label[0].n);

        holds(&t, &c);
        c = search(0, rng_next(&r) % (t.n + 1), some(v));
        holds(&t, &c);
        check_as_of(&t, &r, 0, 1000 + rng_next(&r) % 4000);
        c = owner_init_at(0, rng_next(&r) % (t.n + 1), rng_next(&r) % t.n);
        holds(&t, &c);
        c = owner(CLIENT_UPDATE, 0, rng_next(&r) % (v + 1), some(v));
        if (v + 1 < t.label[0].n)
            holds(&t, &c);
        c = owner(CLIENT_OWNER_MONITOR, 0, rng_next(&r) % (v + 2), some(v));
        holds(&t, &c);
        /* All entries are distinguished: no more than those up to the version, and no more than so
         * many in one answer. */
        assert_true(c.terminal >= c.start && c.terminal <= v + 1 && c.terminal <= c.start + 64);
        assert_true(c.terminal == v + 1 || c.terminal == c.start + 64);
    }
    testdir_release(&t);
}

/* ---- when memory runs out ---- */

/* Each allocation of a new reader and its answer fails once: then there is none, and nothing of it;
 * the next is as it was. */
static void
check_memory(struct testdir *t, const struct client *c)
{
    struct buf whole = BUF_INIT(ANSWER_MAX), request = BUF_INIT(KT_REQUEST_MAX);
    enum result expected = answer(t, c, &whole), rc = RES_MEMORY;

    client_request(t, c, &request);
    for (size_t i = 1; rc != expected; i++) {
        struct buf out = BUF_INIT(ANSWER_MAX);
        struct directory_reader *r = NULL;

        failalloc_at(i);
        rc = directory_reader_new(t->d, &r);
        if (rc == RES_OK)
            rc = directory_answer(r, client_kind(c), buf_span(&request), &out);
        failalloc_at(0);
        if (rc != expected) {
            /* A label whose form cannot be made is none. */
            assert_true(rc == RES_MEMORY || rc == RES_VALUE);
            assert_int_equal(out.n, 0);
        } else {
            assert_true(span_equal(buf_span(&out), buf_span(&whole)));
        }
        directory_reader_free(r);
        buf_release(&out);
        assert_true(i < 10000);
    }
    buf_release(&whole);
    buf_release(&request);
}

static void
test_memory(void **state)
{
    struct testdir t;

    (void)state;
    testdir_init(&t, &windows[0]);
    for (uint64_t i = 0; i < 20; i++)
        testdir_append(&t, 1000 * (i + 1), i > 0);
    testdir_open(&t);
    const struct client asked[] = {
        search(0, 0, none),
        search(0, 7, some(4)),
        absent(3),
        contact(0, 7, 3),
        owner_init_at(0, 0, 9),
        owner(CLIENT_OWNER_MONITOR, 0, 9, some(12)),
        owner(CLIENT_UPDATE, 0, 9, some(12)),
        {.ask = CLIENT_HEADS},
        {.ask = CLIENT_AS_OF, .time = 5000},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        check_memory(&t, &asked[i]);
    testdir_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),   cmocka_unit_test(test_deep),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_credentials), cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_tampering),   cmocka_unit_test(test_small),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
