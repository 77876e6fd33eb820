#include "merkle/keytrans/credential.h"

#include <sodium.h>
#include <stdlib.h>

#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/search.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

#define VERSIONS_MAX 400

/* ---- a log in which one label has what a credential speaks of ---- */

/* In place of the VRF: 80 bytes that only the label and the version lead to, and of them a key. */
static void
stand_in(const char *what, struct span label, uint32_t version, uint8_t ret[KT_VRF_PROOF_SIZE])
{
    uint8_t bytes[16 + KT_LABEL_MAX + sizeof(version)];
    size_t n = strlen(what);
    struct hash h;

    assert_true(n < 16 && label.n <= KT_LABEL_MAX);
    memcpy(bytes, what, n);
    memcpy(bytes + n, label.p, label.n);
    n += label.n;
    memcpy(bytes + n, &version, sizeof(version));
    hash_sha256(span_of(bytes, n + sizeof(version)), &h);
    for (unsigned i = 0; i < KT_VRF_PROOF_SIZE; i++)
        ret[i] = h.b[i % HASH_SIZE];
}

static void
key_of(struct span label, uint32_t version, struct hash *ret)
{
    uint8_t bytes[KT_VRF_PROOF_SIZE];

    stand_in("key", label, version, bytes);
    memcpy(ret->b, bytes, HASH_SIZE);
}

static struct span
value_of(uint32_t version, char ret[32])
{
    snprintf(ret, 32, "value %u", version);
    return span_str(ret);
}

static enum result
commit(struct span opening, struct span label, uint32_t version, struct span value,
       struct hash *ret)
{
    struct buf update = BUF_INIT(1u << 16);
    struct writer w = writer_to(&update);
    enum result rc;

    label_value_put(&w, value);
    rc = writer_end(&w);
    if (rc == RES_OK)
        rc = commitment_make(opening.p, label, version, buf_span(&update), ret);
    buf_release(&update);
    return rc;
}

/* The log, its key, and where the label's versions are. */
struct log {
    struct memtree tree;
    struct kt_config config;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct span label;
    uint64_t inserted[VERSIONS_MAX];
    uint32_t n;
    unsigned fails; /* which call for an entry or head of the tree fails; 0: none */
    unsigned calls; /* so far */
};

static void
leaf_of(struct span label, uint32_t version, struct prefix_leaf *ret)
{
    uint8_t opening[KT_VRF_PROOF_SIZE];
    char value[32];

    key_of(label, version, &ret->key);
    stand_in("opening", label, version, opening);
    assert_int_equal(commit(span_of(opening, KT_OPENING_SIZE), label, version,
                            value_of(version, value), &ret->commitment),
                     RES_OK);
}

/* Entries with, now and then, new versions of the label, and always something else. */
static void
log_make(struct rng *r, struct log *log, uint64_t entries, unsigned every,
         const struct kt_window *window)
{
    uint64_t now = 1000;
    uint8_t seed[crypto_sign_SEEDBYTES];

    memset(log, 0, sizeof(*log));
    memtree_init(&log->tree);
    log->label = span_str("\1alice@example.com");
    log->config = (struct kt_config){.max_ahead = 1, .max_behind = 1, .window = *window};
    rng_fill(r, seed, sizeof(seed));
    assert_int_equal(crypto_sign_seed_keypair(log->config.signature_key, log->secret, seed), 0);
    for (uint64_t i = 0; i < entries; i++) {
        struct prefix_leaf leaves[4];
        unsigned n = rng_next(r) % every == 0 ? 1 + (unsigned)(rng_next(r) % 3) : 0;

        rng_fill(r, &leaves[n], sizeof(leaves[n]));
        for (unsigned k = 0; k < n; k++) {
            assert_true(log->n < VERSIONS_MAX);
            leaf_of(log->label, log->n, &leaves[k]);
            log->inserted[log->n++] = i;
        }
        memtree_append_leaves(&log->tree, now, leaves, n + 1);
        now += rng_next(r) % 20;
    }
}

static void
log_drop(struct log *log)
{
    memtree_release(&log->tree);
}

static enum result
give_key(void *arg, uint32_t version, struct hash *ret)
{
    const struct log *log = arg;

    key_of(log->label, version, ret);
    return RES_OK;
}

static enum result
give_inserted(void *arg, uint32_t version, uint64_t *ret, bool *ret_there)
{
    const struct log *log = arg;

    *ret_there = version < log->n;
    if (*ret_there)
        *ret = log->inserted[version];
    return RES_OK;
}

/* How many versions there are in the tree of that size. */
static uint32_t
versions_at(const struct log *log, uint64_t size)
{
    uint32_t n = 0;

    while (n < log->n && log->inserted[n] < size)
        n++;
    return n;
}

static bool
breaks(void *arg)
{
    struct log *log = arg;

    return ++log->calls == log->fails;
}

/* The tree behind a door that may stick. */
static enum result
try_entry(void *arg, uint64_t position, struct log_entry *ret)
{
    struct log *log = arg;
    struct record_tree tree = memtree_tree(&log->tree);

    return breaks(log) ? RES_IO : tree.entry(tree.arg, position, ret);
}

static enum result
try_prefix(void *arg, uint64_t position, struct prefix_ref *ret)
{
    struct log *log = arg;
    struct record_tree tree = memtree_tree(&log->tree);

    return breaks(log) ? RES_IO : tree.prefix(tree.arg, position, ret);
}

static enum result
try_head(void *arg, struct node n, struct hash *ret)
{
    struct log *log = arg;
    struct record_tree tree = memtree_tree(&log->tree);

    return breaks(log) ? RES_IO : tree.head(tree.arg, n, ret);
}

static void
log_faces(struct log *log, struct record_tree *ret_tree, struct record_label *ret_label)
{
    *ret_tree = (struct record_tree){
        log, try_entry, try_prefix, try_head, memtree_tree(&log->tree).store, NULL};
    *ret_label = (struct record_label){log, give_key, give_inserted};
}

/* ---- the two sides ---- */

/* What stands in a credential besides its proof, and its bytes. */
static enum result
put_credential(const struct log *log, struct credential *c, uint32_t version, struct buf *out)
{
    struct buf steps = BUF_INIT(1u << 16);
    struct writer ladder = writer_to(&steps), w = writer_to(out);
    uint32_t versions[LADDER_STEPS_MAX];
    unsigned n = ladder_base(version, versions);
    uint8_t opening[KT_VRF_PROOF_SIZE], signature[crypto_sign_BYTES];
    char value[32];
    enum result rc;

    for (unsigned i = 0; i < n; i++) {
        uint8_t proof[KT_VRF_PROOF_SIZE];
        struct prefix_leaf leaf;
        struct ladder_step s = {.proof = {proof, KT_VRF_PROOF_SIZE}};

        stand_in("proof", log->label, versions[i], proof);
        leaf_of(log->label, versions[i], &leaf);
        s.has_commitment = versions[i] < version;
        s.commitment = leaf.commitment;
        ladder_step_put(&ladder, &s);
    }
    stand_in("opening", log->label, version, opening);
    c->label = log->label;
    c->version = version;
    c->opening = span_of(opening, KT_OPENING_SIZE);
    c->value = value_of(version, value);
    c->ladder = (struct proof_queue){buf_span(&steps), n};
    if (c->provisional) {
        struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
        struct writer t = writer_to(&tbs);
        struct hash root;

        logtree_root(&log->tree.peaks[c->head.size - 1], &root);
        kt_head_tbs(&t, &log->config, c->head.size, &root);
        assert_int_equal(crypto_sign_detached(signature, NULL, tbs.p, tbs.n, log->secret), 0);
        c->head.signature = span_of(signature, sizeof(signature));
        buf_release(&tbs);
    }
    credential_put(&w, c);
    rc = writer_end(&w);
    buf_release(&steps);
    return rc;
}

/* Makes the credential for the greatest version at position (size 0), or in the tree of size
 * entries; its bytes into out, unless that is NULL. */
static enum result
make(struct log *log, uint64_t position, uint64_t size, uint32_t version, struct buf *out)
{
    static struct recorder r;
    struct record_tree tree;
    struct record_label label;
    struct credential c = {.label = {0}};
    enum result rc;

    log_faces(log, &tree, &label);
    record_init(&r, &tree, &label);
    rc = size == 0 ? credential_standard(&r, &log->config.window, position, version, &c)
                   : credential_provisional(&r, &log->config.window, position, size, version, &c);
    if (rc == RES_OK && out != NULL)
        rc = put_credential(log, &c, version, out);
    record_release(&r);
    return rc;
}

static enum result
make_update(struct log *log, uint64_t size, const struct credential_pending *p, struct buf *out)
{
    static struct recorder r;
    struct record_tree tree;
    struct record_label label;
    struct credential_update_request q = {log->label, p->version, p->view.peaks.size, p->terminal};
    struct combined_proof proof;
    enum result rc;

    log_faces(log, &tree, &label);
    record_init(&r, &tree, &label);
    rc = credential_update(&r, &log->config.window, size, &q, &proof);
    if (rc == RES_OK && out != NULL) {
        struct writer w = writer_to(out);

        combined_proof_put(&w, &proof);
        rc = writer_end(&w);
    }
    record_release(&r);
    return rc;
}

/* What a recipient knows of versions, from the credential: steps 2 to 4. */
struct known {
    struct consume_version versions[LADDER_STEPS_MAX];
    unsigned n;
};

static int
by_version(const void *a, const void *b)
{
    const struct consume_version *x = a, *y = b;

    return x->version < y->version ? -1 : x->version > y->version;
}

static enum result
know(const struct credential *c, struct known *k)
{
    uint32_t versions[LADDER_STEPS_MAX];
    struct reader r = reader_of(c->ladder.bytes);

    k->n = ladder_base(c->version, versions);
    if (c->ladder.n != k->n)
        return RES_KT_COUNT;
    for (unsigned i = 0; i < k->n; i++) {
        struct consume_version *v = &k->versions[i];
        uint8_t proof[KT_VRF_PROOF_SIZE];
        struct ladder_step s;
        enum result rc = RES_OK;

        ladder_step_get(&r, &s);
        stand_in("proof", c->label, versions[i], proof);
        if (!span_equal(s.proof, span_of(proof, sizeof(proof))))
            return RES_VRF;
        *v = (struct consume_version){versions[i], {{0}}, s.has_commitment, s.commitment};
        key_of(c->label, versions[i], &v->key);
        if (versions[i] == c->version) {
            if (s.has_commitment)
                return RES_VALUE;
            v->has_commitment = true;
            rc = commit(c->opening, c->label, c->version, c->value, &v->commitment);
        }
        if (rc != RES_OK)
            return rc;
    }
    qsort(k->versions, k->n, sizeof(k->versions[0]), by_version);
    return RES_OK;
}

/* Verifies the bytes of a credential. */
static enum result
check(const struct log *log, const struct credential_recent *recent, struct span bytes,
      struct credential *c, struct known *k, struct credential_pending *p)
{
    struct reader r = reader_of(bytes);
    enum result rc;

    credential_get(&r, c);
    rc = reader_end(&r);
    if (rc == RES_OK)
        rc = know(c, k);
    return rc == RES_OK ? credential_verify(&log->config, recent, c, k->versions, k->n, p) : rc;
}

static enum result
check_update(const struct log *log, const struct credential_recent *recent, struct span bytes,
             const struct credential_pending *p, const struct known *k, uint64_t *ret)
{
    struct reader r = reader_of(bytes);
    struct combined_proof monitor;
    enum result rc;

    combined_proof_get(&r, &monitor);
    rc = reader_end(&r);
    return rc == RES_OK
               ? credential_verify_update(&log->config, recent, p, &monitor, k->versions, k->n, ret)
               : rc;
}

/* What a recipient has who walks the recent distinguished entries of the tree of size entries,
 * having seen last: taken from an answer, not from the tree. */
struct recipient {
    struct kt_view views[HEADS_RECENT_MAX];
    struct credential_recent recent;
};

static void
walk_heads(struct log *log, uint64_t size, uint64_t last, struct recipient *ret)
{
    static struct transcript t;
    static struct recorder r;
    static struct consumer c;
    struct record_tree tree = memtree_tree(&log->tree);
    struct transcript_source source;
    struct combined_proof proof;
    struct kt_view view, kept;
    struct hash root;
    struct heads heads;

    if (last > 0)
        memtree_view(&log->tree, last, &view);
    record_init(&r, &tree, NULL);
    for (unsigned side = 0; side < 2; side++) {
        if (side == 1)
            consume_init(&c, &proof, NULL, 0);
        source = side == 0 ? record_source(&r) : consume_source(&c);
        assert_int_equal(
            transcript_init(&t, size, &log->config.window, last > 0 ? &view : NULL, &source),
            RES_OK);
        assert_int_equal(view_update(&t), RES_OK);
        assert_int_equal(heads_walk(&t, NULL, &heads), RES_OK);
        if (side == 0)
            assert_int_equal(record_finish(&r, &t, &proof), RES_OK);
    }
    assert_int_equal(consume_finish(&c, &t, &root, &kept), RES_OK);
    for (unsigned i = 0; i < heads.n; i++)
        assert_int_equal(consume_earlier(&c, &t, heads.at[i] + 1, &ret->views[i]), RES_OK);
    ret->recent = (struct credential_recent){ret->views, heads.n};
    record_release(&r);
}

/* ---- tests ---- */

static void
same_view(const struct kt_view *a, const struct kt_view *b)
{
    assert_int_equal(a->peaks.size, b->peaks.size);
    assert_memory_equal(a->peaks.heads, b->peaks.heads,
                        (size_t)__builtin_popcountll(a->peaks.size) * HASH_SIZE);
    assert_int_equal(a->n, b->n);
    for (unsigned i = 0; i < a->n; i++) {
        assert_int_equal(a->frontier[i].position, b->frontier[i].position);
        assert_int_equal(a->frontier[i].entry.timestamp, b->frontier[i].entry.timestamp);
        assert_true(
            hash_equal(&a->frontier[i].entry.prefix_root, &b->frontier[i].entry.prefix_root));
    }
}

/* From one answer, whatever was seen before it: the view of each recent entry is the one of a
 * client who was there when it was the last. */
static void
a_walk_gives_the_views_of_recent_entries(void **state)
{
    struct rng r = rng_start("a_walk_gives_the_views_of_recent_entries");
    static struct recipient who;
    static struct log log;

    (void)state;
    for (unsigned round = 0; round < 2 * ASKED_WINDOWS; round++) {
        uint64_t size = 1 + rng_next(&r) % 70;

        log_make(&r, &log, size, 5, &asked_windows[round % ASKED_WINDOWS]);
        for (uint64_t last = 0; last <= size; last++) {
            walk_heads(&log, size, last, &who);
            for (size_t i = 0; i < who.recent.n; i++) {
                struct record_tree tree = memtree_tree(&log.tree);
                struct kt_view there, made;

                memtree_view(&log.tree, who.views[i].peaks.size, &there);
                same_view(&who.views[i], &there);
                assert_int_equal(record_view(&tree, there.peaks.size, &made), RES_OK);
                same_view(&made, &there);
            }
        }
        log_drop(&log);
    }
}

/* How many of each were seen: a test that sees none shows nothing. */
struct seen {
    unsigned standard, needless, provisional, confirmed, updated, waiting;
};

/* The provisional credential of a tree is finally verified in the whole log, by one way or the
 * other. */
static void
confirm(struct log *log, const struct credential_pending *p, const struct known *k,
        struct seen *seen)
{
    static struct recipient who;
    struct buf bytes = BUF_INIT(1u << 20);
    uint64_t goal = 0;
    enum result made, rc;

    walk_heads(log, log->tree.n, 0, &who);
    made = make_update(log, log->tree.n, p, &bytes);
    if (made != RES_OK && made != RES_ABSENT)
        fail_msg("terminal %u, tree %u: %s", (unsigned)p->terminal, (unsigned)p->view.peaks.size,
                 result_name(made));
    rc = credential_confirm(p, &who.recent);
    assert_true(rc == RES_OK || rc == RES_KT_NOT_RECENT);
    seen->confirmed += rc == RES_OK;
    assert_true(rc != RES_OK || made == RES_ABSENT);
    seen->waiting += rc != RES_OK && made == RES_ABSENT;
    rc = check_update(log, &who.recent, buf_span(&bytes), p, k, &goal);
    if (made == RES_OK && goal > 0) {
        assert_int_equal(rc, RES_OK);
        assert_true(goal > p->terminal);
        seen->updated++;
    } else if (made == RES_ABSENT) {
        assert_true(rc == RES_TRUNCATED);
    }
    buf_release(&bytes);
}

/* Every recent entry of one tree with the greatest version of a greater one. */
static void
try_position(struct log *log, const struct recipient *who, uint64_t size, uint64_t position,
             struct seen *seen)
{
    static struct credential c;
    static struct credential_pending p;
    struct known k;
    struct buf bytes = BUF_INIT(1u << 20);
    uint32_t there = versions_at(log, position + 1), all = versions_at(log, size);

    if (there > 0) {
        assert_int_equal(make(log, position, 0, there - 1, &bytes), RES_OK);
        assert_int_equal(check(log, &who->recent, buf_span(&bytes), &c, &k, &p), RES_OK);
        assert_false(c.provisional);
        seen->standard++;
    }
    buf_clear(&bytes);
    assert_int_equal(make(log, position, 0, there, &bytes), RES_KT_LADDER);
    if (there > 0 && there == all && position + 1 < size) {
        enum result rc = make(log, position, size, all - 1, &bytes);

        assert_true(rc == RES_KT_CREDENTIAL || rc == RES_OK);
        seen->needless++;
    }
    buf_clear(&bytes);
    if (all > there) {
        assert_int_equal(make(log, position, size, all - 1, &bytes), RES_OK);
        assert_int_equal(check(log, &who->recent, buf_span(&bytes), &c, &k, &p), RES_OK);
        assert_true(c.provisional && p.terminal > position && p.version == all - 1);
        seen->provisional++;
        confirm(log, &p, &k, seen);
    }
    buf_release(&bytes);
}

static void
what_is_made_is_verified(void **state)
{
    struct rng r = rng_start("what_is_made_is_verified");
    static struct recipient who;
    static struct log log;
    struct seen seen = {0};

    (void)state;
    for (unsigned round = 0; round < 6 * ASKED_WINDOWS; round++) {
        uint64_t entries = 2 + rng_next(&r) % 90;

        log_make(&r, &log, entries, 2 + (unsigned)(rng_next(&r) % 8),
                 &asked_windows[round % ASKED_WINDOWS]);
        for (unsigned i = 0; i < 4; i++) {
            uint64_t seen_size = 1 + rng_next(&r) % entries;
            uint64_t size = seen_size + rng_next(&r) % (entries - seen_size + 1);

            walk_heads(&log, seen_size, 0, &who);
            for (size_t k = 0; k < who.recent.n; k++)
                try_position(&log, &who, size, who.views[k].peaks.size - 1, &seen);
        }
        log_drop(&log);
    }
    print_message(
        "%u standard, %u needless, %u provisional, %u confirmed, %u updated, %u waiting\n",
        seen.standard, seen.needless, seen.provisional, seen.confirmed, seen.updated, seen.waiting);
    assert_true(seen.standard > 0 && seen.provisional > 0);
    assert_true(seen.confirmed > 0 && seen.updated > 0);
}

/* One provisional credential, with what its recipient knows, the update that confirms it and a
 * standard one beside. */
struct scene {
    struct log log;
    struct recipient before, after;
    struct buf standard, provisional, update;
    struct credential c;
    struct known known;
    struct credential_pending pending;
};

static bool
scene_try(struct scene *s, struct rng *r)
{
    uint64_t size = 12 + rng_next(r) % 12, position, goal;
    uint32_t n;

    log_make(r, &s->log, 60, 3, &asked_windows[2]);
    walk_heads(&s->log, size, 0, &s->before);
    walk_heads(&s->log, 60, 0, &s->after);
    n = versions_at(&s->log, size);
    if (s->before.recent.n == 0 || n < 3)
        return false;
    position = s->before.views[0].peaks.size - 1;
    return versions_at(&s->log, position + 1) > 1 && versions_at(&s->log, position + 1) < n &&
           make(&s->log, position, 0, versions_at(&s->log, position + 1) - 1, &s->standard) ==
               RES_OK &&
           make(&s->log, position, size, n - 1, &s->provisional) == RES_OK &&
           check(&s->log, &s->before.recent, buf_span(&s->provisional), &s->c, &s->known,
                 &s->pending) == RES_OK &&
           make_update(&s->log, 60, &s->pending, &s->update) == RES_OK &&
           check_update(&s->log, &s->after.recent, buf_span(&s->update), &s->pending, &s->known,
                        &goal) == RES_OK &&
           credential_confirm(&s->pending, &s->after.recent) == RES_KT_NOT_RECENT;
}

static void
scene_drop(struct scene *s)
{
    log_drop(&s->log);
    buf_release(&s->standard);
    buf_release(&s->provisional);
    buf_release(&s->update);
}

/* The first of random logs that has all of it. */
static struct scene *
scene_set(struct rng *r)
{
    static struct scene s;

    for (;;) {
        memset(&s, 0, sizeof(s));
        buf_init(&s.standard, 1u << 20);
        buf_init(&s.provisional, 1u << 20);
        buf_init(&s.update, 1u << 20);
        if (scene_try(&s, r))
            return &s;
        scene_drop(&s);
    }
}

typedef enum result verify_fn(struct scene *s, struct span bytes);

static enum result
verify_one(struct scene *s, struct span bytes)
{
    static struct credential c;
    static struct credential_pending p;
    struct known k;

    return check(&s->log, &s->before.recent, bytes, &c, &k, &p);
}

static enum result
verify_other(struct scene *s, struct span bytes)
{
    uint64_t goal;

    return check_update(&s->log, &s->after.recent, bytes, &s->pending, &s->known, &goal);
}

/* Each byte changed in two ways.  There is none that may be: what stands before the proof is bound
 * by the search keys and the commitment, and a ladder for a greatest version looks up every version
 * that binary_ladder has. */
static void
flip(struct scene *s, struct rng *r, verify_fn *verify, struct buf *bytes, const char *says)
{
    assert_int_equal(verify(s, buf_span(bytes)), RES_OK);
    for (size_t i = 0; i < bytes->n; i++) {
        uint8_t kept = bytes->p[i],
                masks[2] = {(uint8_t)(1u << rng_next(r) % 8), (uint8_t)(1 + rng_next(r) % 255)};

        for (unsigned m = 0; m < 2; m++) {
            bytes->p[i] = kept ^ masks[m];
            if (verify(s, buf_span(bytes)) == RES_OK)
                fail_msg("%s: byte %zu of %zu can be changed", says, i, bytes->n);
        }
        bytes->p[i] = kept;
    }
}

static void
no_byte_can_be_changed(void **state)
{
    struct rng r = rng_start("no_byte_can_be_changed");

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct scene *s = scene_set(&r);

        flip(s, &r, verify_one, &s->standard, "standard");
        flip(s, &r, verify_one, &s->provisional, "provisional");
        flip(s, &r, verify_other, &s->update, "update");
        scene_drop(s);
    }
}

/* A recipient whose log is another one refuses, by what differs. */
static void
forks_are_found(void **state)
{
    struct rng r = rng_start("forks_are_found");
    struct scene *s = scene_set(&r);
    struct kt_view *before = &s->before.views[0];
    struct credential_recent none = {s->before.views, 0};
    struct hash *root = &before->frontier[before->n - 1].entry.prefix_root;
    struct credential_recent at;
    struct kt_view terminal;

    (void)state;
    root->b[0] ^= 1;
    assert_int_equal(verify_one(s, buf_span(&s->standard)), RES_KT_ROOTS);
    root->b[0] ^= 1;
    before->peaks.heads[0].b[0] ^= 1;
    assert_int_equal(verify_one(s, buf_span(&s->provisional)), RES_SIGNATURE);
    before->peaks.heads[0].b[0] ^= 1;
    s->log.config.signature_key[3] ^= 1;
    assert_int_equal(verify_one(s, buf_span(&s->provisional)), RES_SIGNATURE);
    s->log.config.signature_key[3] ^= 1;
    assert_int_equal(verify_one(s, buf_span(&s->provisional)), RES_OK);

    for (size_t i = 0; i < s->after.recent.n; i++)
        s->after.views[i].peaks.heads[0].b[31] ^= 1;
    assert_int_equal(verify_other(s, buf_span(&s->update)), RES_ROOT_DIFFERS);

    memtree_view(&s->log.tree, s->pending.terminal + 1, &terminal);
    at = (struct credential_recent){&terminal, 1};
    assert_int_equal(credential_confirm(&s->pending, &at), RES_OK);
    terminal.frontier[terminal.n - 1].entry.prefix_root.b[5] ^= 4;
    assert_int_equal(credential_confirm(&s->pending, &at), RES_KT_ROOTS);

    s->before.recent = none;
    assert_int_equal(verify_one(s, buf_span(&s->standard)), RES_KT_NOT_RECENT);
    assert_int_equal(verify_one(s, buf_span(&s->provisional)), RES_KT_NOT_RECENT);
    s->after.recent = none;
    assert_int_equal(verify_other(s, buf_span(&s->update)), RES_KT_NOT_RECENT);
    scene_drop(s);
}

/* What a maker may ask of a log that does not have it. */
static void
entries_outside_the_log_are_refused(void **state)
{
    struct rng r = rng_start("entries_outside_the_log_are_refused");
    struct scene *s = scene_set(&r);
    struct credential_pending p = s->pending;
    struct buf out = BUF_INIT(1u << 20);

    (void)state;
    assert_int_equal(make(&s->log, UINT64_MAX, 0, 0, &out), RES_RANGE);
    assert_int_equal(make(&s->log, 20, 20, 0, &out), RES_RANGE);
    assert_int_equal(make_update(&s->log, p.view.peaks.size - 1, &p, &out), RES_RANGE);
    assert_int_equal(make_update(&s->log, p.view.peaks.size, &p, &out), RES_ABSENT);
    p.terminal = p.view.peaks.size;
    assert_int_equal(make_update(&s->log, 60, &p, &out), RES_RANGE);
    p.view.peaks.size = 0;
    assert_int_equal(make_update(&s->log, 60, &p, &out), RES_RANGE);
    assert_int_equal(out.n, 0);
    buf_release(&out);
    scene_drop(s);
}

/* Each call for an entry or a head of the tree fails once, then each allocation. */
static void
what_fails_is_said(void **state)
{
    struct rng r = rng_start("what_fails_is_said");
    struct scene *s = scene_set(&r);
    uint64_t position = s->before.views[0].peaks.size - 1, size = s->pending.view.peaks.size;
    uint32_t there = versions_at(&s->log, position + 1);

    (void)state;
    for (unsigned what = 0; what < 6; what++) {
        size_t n = 1;

        for (size_t i = 0; i <= n; i++) {
            bool store = what < 3;
            enum result rc;

            if (store) {
                s->log.calls = 0;
                s->log.fails = (unsigned)i;
            } else {
                failalloc_at(i);
            }
            rc = what % 3 == 0   ? make(&s->log, position, 0, there - 1, NULL)
                 : what % 3 == 1 ? make(&s->log, position, size, s->pending.version, NULL)
                                 : make_update(&s->log, 60, &s->pending, NULL);
            if (i == 0)
                n = store ? s->log.calls : failalloc_count();
            failalloc_at(0);
            s->log.fails = 0;
            assert_int_equal(rc, i == 0 ? RES_OK : store ? RES_IO : RES_MEMORY);
        }
        assert_true(n > 2);
    }
    scene_drop(s);
}

static void
a_verifier_without_memory_says_so(void **state)
{
    struct rng r = rng_start("a_verifier_without_memory_says_so");
    struct scene *s = scene_set(&r);

    (void)state;
    for (unsigned what = 0; what < 3; what++) {
        static struct combined_proof monitor;
        static struct credential c;
        struct reader in = reader_of(what == 0   ? buf_span(&s->standard)
                                     : what == 1 ? buf_span(&s->provisional)
                                                 : buf_span(&s->update));
        struct credential_pending p = s->pending;
        struct known k = s->known;
        uint64_t goal = 77;
        enum result rc;

        if (what == 2)
            combined_proof_get(&in, &monitor);
        else
            credential_get(&in, &c);
        if (what < 2)
            assert_int_equal(know(&c, &k), RES_OK);
        failalloc_at(1);
        rc = what == 2
                 ? credential_verify_update(&s->log.config, &s->after.recent, &p, &monitor,
                                            k.versions, k.n, &goal)
                 : credential_verify(&s->log.config, &s->before.recent, &c, k.versions, k.n, &p);
        failalloc_at(0);
        assert_int_equal(rc, RES_MEMORY);
        assert_int_equal(goal, 77);
        assert_memory_equal(&p, &s->pending, sizeof(p));
    }
    scene_drop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_gives_the_views_of_recent_entries),
        cmocka_unit_test(what_is_made_is_verified),
        cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(forks_are_found),
        cmocka_unit_test(entries_outside_the_log_are_refused),
        cmocka_unit_test(what_fails_is_said),
        cmocka_unit_test(a_verifier_without_memory_says_so),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
