/*
 * Random histories: prover and verifier of every algorithm against what the history says, slowly.
 *
 * CARTULARY_ROUNDS=N looks at N histories in place of HISTORIES; CARTULARY_SEED (rng.h) runs one
 * again.
 */
#include <stdlib.h>

#include "merkle/keytrans/contact.h"
#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

#define HISTORIES 60
#define ENTRIES_MAX 5000
#define VERSIONS_MAX 300
/* Trees up to this size are asked about with every value of last. */
#define ALL_LASTS 20
/* Answers longer than this are not changed byte by byte, but at this many places. */
#define CHANGES_MAX 400

struct history {
    struct memtree tree;
    struct memlabel labels[2], nobody;
    struct kt_window window;
    bool *distinguished; /* of the tree that is asked */
    uint64_t newest;
};

static struct {
    unsigned histories, answers, refusals, changes;
} counted;

static unsigned
histories_wanted(void)
{
    const char *rounds = getenv("CARTULARY_ROUNDS");

    return rounds == NULL ? HISTORIES : (unsigned)strtoul(rounds, NULL, 10);
}

/* ---- the history, and the truth about it ---- */

static void
history_make(struct rng *r, struct history *h, unsigned round)
{
    uint64_t entries = 1 + rng_scaled(r, round % 10 == 9 ? ENTRIES_MAX : 200), now = 1000;
    uint64_t every = 1 + rng_scaled(r, entries), most = 1 + rng_scaled(r, 12);

    memset(h, 0, sizeof(*h));
    memtree_init(&h->tree);
    h->labels[1].name = 1;
    h->nobody.name = 7;
    for (uint64_t i = 0; i < entries; i++) {
        unsigned new[2] = {rng_next(r) % every == 0 ? 1 + (unsigned)(rng_next(r) % most) : 0,
                           (unsigned)(rng_next(r) % 2)};

        if (h->labels[0].n + new[0] > VERSIONS_MAX)
            new[0] = (unsigned)(VERSIONS_MAX - h->labels[0].n);
        memtree_append(&h->tree, now, h->labels, new, 2);
        now += rng_next(r) % 20;
    }
    h->window = asked_windows[round % ASKED_WINDOWS];
    h->distinguished = calloc(entries, sizeof(bool));
    assert_non_null(h->distinguished);
}

static void
history_drop(struct history *h)
{
    memlabel_release(&h->labels[0]);
    memlabel_release(&h->labels[1]);
    memtree_release(&h->tree);
    free(h->distinguished);
}

static uint64_t
time_at(const struct history *h, uint64_t position)
{
    return h->tree.entries[position].timestamp;
}

/* KEYTRANS, "Reasonable Monitoring Window": the recursion as it stands. */
static void
mark(struct history *h, uint64_t size, uint64_t at, uint64_t left, uint64_t right)
{
    uint64_t child;

    if (right - left < h->window.monitoring)
        return;
    h->distinguished[at] = true;
    if (search_tree_left(at, &child))
        mark(h, size, child, left, time_at(h, at));
    if (search_tree_right(at, size, &child))
        mark(h, size, child, time_at(h, at), right);
}

/* Makes h tell about the tree of that size. */
static void
history_at(struct history *h, uint64_t size)
{
    memset(h->distinguished, 0, h->tree.n * sizeof(bool));
    h->newest = time_at(h, size - 1);
    mark(h, size, search_tree_root(size), 0, h->newest);
}

static bool
expired(const struct history *h, uint64_t position)
{
    return h->window.has_lifetime && h->newest - time_at(h, position) >= h->window.lifetime;
}

/* The leftmost entry with all n versions on the frontier, from the rightmost distinguished one on.
 */
static uint64_t
terminal_of(const struct history *h, uint64_t size, uint32_t n)
{
    struct search_path path;
    unsigned from = 0;

    search_tree_frontier(size, &path);
    for (unsigned i = 0; i < path.n; i++)
        if (h->distinguished[path.at[i]])
            from = i;
    while (asked_versions(&h->labels[0], path.at[from] + 1) != n)
        from++;
    return path.at[from];
}

/* Where a watched version is found in the end; false when a distinguished entry has it. */
static bool
watched_at(const struct history *h, uint64_t size, uint64_t position, uint64_t *ret)
{
    struct search_path path;

    search_tree_path(position, size, &path);
    *ret = position;
    if (h->distinguished[position])
        return false;
    for (unsigned i = path.n - 1; i-- > 0;) {
        if (path.at[i] > position) {
            *ret = path.at[i];
            if (h->distinguished[path.at[i]])
                return false;
        }
    }
    return true;
}

/* ---- what is asked ---- */

/* Everything but the proof is the same on both sides; a change of the proof is refused, or leads to
 * a root that nobody signed.  No byte may be another without effect. */
static void
change_bytes(struct rng *r, const struct asked_of *of, const struct asked *a)
{
    struct buf bytes = BUF_INIT(8u << 20);
    static struct asked prover, verifier;
    struct hash root, expected;
    struct kt_view view;
    size_t step;

    prover = *a;
    assert_int_equal(asked_prove(of, &prover, &bytes), RES_OK);
    logtree_root(&of->tree->peaks[of->size - 1], &expected);
    step = 1 + bytes.n / CHANGES_MAX;
    for (size_t i = rng_next(r) % step; i < bytes.n; i += step) {
        uint8_t kept = bytes.p[i];

        bytes.p[i] = (uint8_t)(kept ^ (1 + rng_next(r) % 255));
        verifier = *a;
        verifier.greatest_n = prover.greatest_n;
        memcpy(verifier.greatest, prover.greatest, sizeof(prover.greatest));
        if (asked_check(of, &verifier, buf_span(&bytes), &root, &view) == RES_OK &&
            hash_equal(&root, &expected))
            fail_msg("kind %d, size %llu, last %llu: byte %zu of %zu can be changed", (int)a->kind,
                     (unsigned long long)of->size, (unsigned long long)of->last, i, bytes.n);
        bytes.p[i] = kept;
        counted.changes++;
    }
    buf_release(&bytes);
}

/* Asks both sides for what must hold. */
static void
holds(struct rng *r, const struct asked_of *of, const struct asked *a, struct asked *ret)
{
    enum result rc = asked_both(of, a, ret);

    if (rc != RES_OK)
        fail_msg("kind %d, version %u, size %llu, last %llu: %s", (int)a->kind, a->version,
                 (unsigned long long)of->size, (unsigned long long)of->last, result_name(rc));
    counted.answers++;
    if (rng_next(r) % 16 == 0)
        change_bytes(r, of, a);
}

static void
fails(const struct asked_of *of, const struct asked *a)
{
    struct asked out;

    assert_int_not_equal(asked_both(of, a, &out), RES_OK);
    counted.refusals++;
}

static void
ask_versions(struct rng *r, struct history *h, const struct asked_of *of, uint32_t n)
{
    struct asked a = {.kind = ASK_GREATEST, .version = n - 1}, out;
    enum result rc;

    holds(r, of, &a, &out);
    assert_int_equal(out.terminal, terminal_of(h, of->size, n));
    a.version = n;
    fails(of, &a);
    if (n > 1) {
        a.version = (uint32_t)(rng_next(r) % (n - 1));
        fails(of, &a);
    }
    a = (struct asked){.kind = ASK_FIXED, .version = (uint32_t)rng_scaled(r, n)};
    rc = asked_both(of, &a, &out);
    assert_true(rc == RES_OK || h->window.has_lifetime);
    if (rc == RES_OK) {
        holds(r, of, &a, &out);
        assert_true(out.terminal >= of->label->inserted[a.version]);
    }
    a.version = n + (uint32_t)rng_scaled(r, 100);
    fails(of, &a);
}

/* The versions of some entries, as somebody watches them who has looked them up there. */
static void
ask_contacts(struct rng *r, struct history *h, const struct asked_of *of, uint32_t n)
{
    struct asked a = {.kind = ASK_CONTACT}, out;
    struct contact_map left = {.n = 0};

    for (uint32_t v = 0; v < n; v++) {
        bool last_of_entry = v + 1 == n || of->label->inserted[v + 1] > of->label->inserted[v];

        if (last_of_entry && rng_next(r) % 3 == 0 && a.map.n < 20)
            assert_int_equal(contact_add(&a.map, of->label->inserted[v], v), RES_OK);
    }
    holds(r, of, &a, &out);
    for (unsigned i = 0; i < a.map.n; i++) {
        uint64_t at;

        if (watched_at(h, of->size, a.map.entries[i].position, &at))
            assert_int_equal(contact_add(&left, at, a.map.entries[i].version), RES_OK);
    }
    assert_int_equal(out.map.n, left.n);
    for (unsigned i = 0; i < left.n; i++) {
        assert_int_equal(out.map.entries[i].position, left.entries[i].position);
        assert_int_equal(out.map.entries[i].version, left.entries[i].version);
    }
}

static void
ask_past(struct rng *r, struct history *h, const struct asked_of *of, uint32_t n)
{
    struct asked a = {.kind = ASK_AS_OF, .time = time_at(h, rng_next(r) % of->size)}, out;
    uint32_t v = 0;

    a.time -= rng_next(r) % 2;
    while (v < n && time_at(h, of->label->inserted[v]) <= a.time)
        v++;
    a.as_of = (struct as_of){.has_version = v > 0, .followed = v < n};
    if (v > 0) {
        a.as_of.version = v - 1;
        a.as_of.first = of->label->inserted[v - 1];
    }
    if (v < n)
        a.as_of.next = of->label->inserted[v];
    if (!h->window.has_lifetime)
        holds(r, of, &a, &out);
    else if (asked_both(of, &a, &out) == RES_OK)
        counted.answers++;
    if (v > 1) {
        a.as_of.version--;
        fails(of, &a);
    }
}

static void
ask_heads(struct rng *r, struct history *h, const struct asked_of *of, struct asked *out)
{
    struct asked a = {.kind = ASK_HEADS, .position = rng_next(r) % 3 == 0 ? of->size / 2 : 0};
    unsigned n = 0;

    holds(r, of, &a, out);
    for (uint64_t x = of->size; x-- > 0 && n < HEADS_RECENT_MAX;)
        if (h->distinguished[x] && !expired(h, x) && (a.position == 0 || x > a.position))
            assert_true(n < out->heads.n && out->heads.at[n++] == x);
    assert_int_equal(out->heads.n, n);
}

/* From a start on, as an owner would. */
static void
ask_owner(struct rng *r, struct history *h, struct asked_of *of, uint64_t start, uint32_t n)
{
    uint32_t there = asked_versions(of->label, start + 1), v;
    struct asked a = {.kind = ASK_OWNER_INIT, .position = start}, out;
    uint64_t end = start;

    holds(r, of, &a, &out);
    a = (struct asked){.kind = ASK_OWNER_MONITOR};
    a.owner =
        (struct owner_state){start, (int64_t)there - 1, of->label->inserted + there, n - there};
    holds(r, of, &a, &out);
    for (uint64_t x = start; x < of->size; x++)
        if (h->distinguished[x])
            end = x;
    assert_int_equal(out.terminal, end);
    if (there == n)
        return;
    v = there + (uint32_t)(rng_next(r) % (n - there));
    while (v > there && of->label->inserted[v - 1] == of->label->inserted[v])
        v--;
    a = (struct asked){.kind = ASK_UPDATE, .position = of->label->inserted[v], .count = 1};
    while (v + a.count < n && of->label->inserted[v + a.count] == a.position)
        a.count++;
    a.owner =
        (struct owner_state){start, (int64_t)there - 1, of->label->inserted + there, v - there};
    holds(r, of, &a, &out);
}

static void
ask_everything(struct rng *r, struct history *h, struct asked_of *of)
{
    uint32_t n = asked_versions(&h->labels[0], of->size);
    struct asked a = {.kind = ASK_NOTHING}, out;

    of->label = &h->labels[0];
    holds(r, of, &a, &out);
    if (n > 0)
        ask_versions(r, h, of, n);
    ask_contacts(r, h, of, n);
    ask_past(r, h, of, n);
    ask_heads(r, h, of, &out);
    if (out.heads.n > 0)
        ask_owner(r, h, of, out.heads.at[rng_next(r) % out.heads.n], n);
    a.kind = ASK_ABSENT;
    if (n > 0)
        fails(of, &a);
    of->label = &h->nobody;
    holds(r, of, &a, &out);
}

static void
histories_are_told_as_they_are(void **state)
{
    struct rng r = rng_start("histories_are_told_as_they_are");

    (void)state;
    for (unsigned round = 0; round < histories_wanted(); round++, counted.histories++) {
        static struct history h;
        struct asked_of of = {.tree = &h.tree, .window = &h.window};
        unsigned sizes;

        history_make(&r, &h, round);
        sizes = h.tree.n > 1000 ? 2 : 4;
        for (unsigned i = 0; i < sizes; i++) {
            of.size = i == 0 ? h.tree.n : 1 + rng_next(&r) % h.tree.n;
            history_at(&h, of.size);
            for (of.last = 0; of.size <= ALL_LASTS && of.last < of.size; of.last++)
                ask_everything(&r, &h, &of);
            of.last = of.size;
            ask_everything(&r, &h, &of);
            for (unsigned k = 0; k < 3; k++) {
                of.last = rng_next(&r) % (of.size + 1);
                ask_everything(&r, &h, &of);
            }
        }
        history_drop(&h);
    }
    print_message("%u histories: %u answers hold, %u requests are refused, %u changed bytes\n",
                  counted.histories, counted.answers, counted.refusals, counted.changes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories_are_told_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
