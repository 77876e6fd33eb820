#include "log/guard.h"

#include "log/stored.h"
#include "merkle/leaf/entry.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/checkpoint.h"

void
guard_fold(struct hash *row, unsigned n, struct hash *ret)
{
    for (; n > 1; n /= 2)
        for (unsigned i = 0; i < n / 2; i++)
            hash_node(&row[2 * i], &row[2 * i + 1], &row[i]);
    *ret = row[0];
}

bool
guard_record(const struct hash *nodes, unsigned width)
{
    static const struct hash none;
    struct hash row[TILE_WIDTH];
    unsigned below = 0, have = width;
    memcpy(row, nodes, width * sizeof(*row));
    for (unsigned i = width; i < TILE_WIDTH; i++)
        if (!hash_equal(&nodes[i], &none))
            return false;
    for (unsigned size = TILE_WIDTH; size > 2; size /= 2) {
        below += size;
        have /= 2;
        for (unsigned i = 0; i < size / 2; i++) {
            if (i < have)
                hash_node(&row[2 * i], &row[2 * i + 1], &row[i]);
            if (!hash_equal(i < have ? &row[i] : &none, &nodes[below + i]))
                return false;
        }
    }
    return true;
}

/* Folds the partial tile of one level onto what lies to its right, smallest subtree first. */
static void
fold_level(const struct hash *row, unsigned width, struct hash *acc, bool *some)
{
    unsigned end = width;
    for (unsigned size = 1; end > 0; size *= 2) {
        if (!(end & size))
            continue;
        struct hash copy[TILE_WIDTH], subtree;
        end -= size;
        memcpy(copy, row + end, size * sizeof(*copy));
        guard_fold(copy, size, &subtree);
        if (*some)
            hash_node(&subtree, acc, acc);
        else
            *acc = subtree;
        *some = true;
    }
}

enum result
guard_root(struct store_view *v, uint64_t size, struct hash *ret)
{
    bool some = false;
    hash_empty(ret);
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++) {
        unsigned width = tile_partial_width(level, size);
        if (width == 0)
            continue;
        const struct hash *nodes;
        enum result rc = store_get_tile(v, level, tile_full_count(level, size), &nodes);
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        fold_level(nodes, width, ret, &some);
    }
    return RES_OK;
}

enum result
guard_head(const struct guard *g, const struct store_head *head)
{
    uint8_t data[STH_SIGNED_SIZE];
    sth_signed_data(head->timestamp, head->size, &head->root, data);
    enum result rc = p256_verify(g->key, span_of(data, sizeof(data)),
                                 span_of(head->sth_signature, head->sth_signature_n));
    if (rc != RES_OK)
        return rc;
    struct buf text = BUF_INIT(1024);
    rc = checkpoint_write(g->origin, head->size, &head->root, &text);
    if (rc == RES_OK)
        rc = ed25519_verify(g->note_public, buf_span(&text),
                            span_of(head->note_signature, sizeof(head->note_signature)));
    buf_release(&text);
    return rc;
}

/* The issuers of an entry are there and hash to their names. */
static enum result
check_issuers(struct guard *g, struct store_view *v, const struct tile_leaf *l)
{
    for (size_t i = 0; i < l->chain_count; i++) {
        struct span der;
        struct hash h;
        if (g->issuers && known_has(g->issuers, &l->chain[i]))
            continue;
        enum result rc = store_get_issuer(v, &l->chain[i], &der);
        if (rc != RES_OK)
            return rc;
        hash_sha256(der, &h);
        if (!hash_equal(&h, &l->chain[i]))
            return RES_GUARD;
        if (g->issuers)
            rc = known_add(g->issuers, &h);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* What is stored is what was taken and what will be answered. */
static enum result
check_claim(const struct guard_claim *c, uint64_t index, const struct tile_leaf *l,
            struct span signature, const char **what)
{
    struct hash h;
    const struct log_receipt *r = c->receipt;
    entry_key(&l->timestamped.entry, &h);
    *what = "entry-key";
    if (!hash_equal(&h, c->key))
        return RES_GUARD;
    *what = "precertificate";
    if ((c->precertificate_sha256 != NULL) != (l->timestamped.entry.type == ENTRY_PRECERT))
        return RES_GUARD;
    if (c->precertificate_sha256) {
        hash_sha256(l->precertificate, &h);
        if (!hash_equal(&h, c->precertificate_sha256))
            return RES_GUARD;
    }
    *what = "receipt";
    if (r->index != index || r->timestamp != l->timestamped.timestamp ||
        !span_equal(span_of(r->signature, r->signature_n), signature))
        return RES_GUARD;
    return RES_OK;
}

/* One entry: from the bytes that come back to the hash that the tree holds. */
static enum result
check_hash(struct store_view *v, uint64_t index, const struct hash *in_tile, struct tile_leaf *l,
           struct span *signature, const char **what)
{
    struct hash h;
    *what = "entry";
    enum result rc = stored_leaf(v, index, l, signature);
    if (rc != RES_OK)
        return rc;
    entry_leaf_hash(&l->timestamped, &h);
    *what = "leaf-hash";
    return hash_equal(&h, in_tile) ? RES_OK : RES_GUARD;
}

static enum result
check_entry(struct guard *g, struct store_view *v, uint64_t index, const struct guard_claim *c,
            bool sct, const struct hash *in_tile, const char **what)
{
    struct tile_leaf l;
    struct span signature;
    enum result rc = check_hash(v, index, in_tile, &l, &signature, what);
    if (rc == RES_OK)
        rc = check_claim(c, index, &l, signature, what);
    if (rc != RES_OK)
        return rc;
    *what = "tbs";
    rc = stored_check(v, index, &l, &g->scratch);
    if (rc != RES_OK)
        return rc;
    *what = "issuer";
    rc = check_issuers(g, v, &l);
    if (rc != RES_OK)
        return rc;
    *what = "sct-signature";
    return sct ? stored_check_signature(g->key, &l, signature) : RES_OK;
}

static enum result
check_entries(struct guard *g, struct store_view *v, uint64_t first, uint64_t size,
              const struct guard_claim *claims, const char **what)
{
    const struct hash *nodes = NULL;
    bool all = size - first <= GUARD_SCT_ALL;
    /* The commit that fills a bundle writes the older ones of its entries anew. */
    bool packed = first / STORE_BUNDLE < size / STORE_BUNDLE;
    for (uint64_t i = packed ? first - first % STORE_BUNDLE : first; i < size; i++) {
        struct tile_leaf l;
        struct span signature;
        enum result rc = RES_OK;
        if (!nodes || i % TILE_WIDTH == 0) {
            *what = "tile";
            rc = store_get_tile(v, 0, i / TILE_WIDTH, &nodes);
            if (rc != RES_OK)
                return rc;
        }
        const struct hash *in_tile = &nodes[i % TILE_WIDTH];
        if (i < first) {
            rc = check_hash(v, i, in_tile, &l, &signature, what);
            if (rc == RES_ERASED)
                rc = RES_OK;
        } else
            rc = check_entry(g, v, i, &claims[i - first], all || i % GUARD_SCT_EVERY == 0, in_tile,
                             what);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* A full tile folds into its place one level up. */
static enum result
check_full_tile(struct store_view *v, unsigned level, uint64_t i)
{
    const struct hash *nodes, *above;
    enum result rc = store_get_tile(v, level, i, &nodes);
    if (rc == RES_OK)
        rc = store_get_tile(v, level + 1, i / TILE_WIDTH, &above);
    if (rc != RES_OK)
        return rc;
    struct hash row[TILE_WIDTH], root;
    memcpy(row, nodes, sizeof(row));
    guard_fold(row, TILE_WIDTH, &root);
    bool sound = guard_record(nodes, TILE_WIDTH) && hash_equal(&root, &above[i % TILE_WIDTH]);
    return sound ? RES_OK : RES_GUARD;
}

/* Every tile that these entries made full, and every partial one that they changed. */
static enum result
check_tiles(struct store_view *v, uint64_t first, uint64_t size, const char **what)
{
    bool grown = first < size;
    for (unsigned level = 0; level <= TILE_LEVEL_MAX && grown; level++) {
        uint64_t end = tile_full_count(level, size), i = tile_full_count(level, first);
        unsigned width = tile_partial_width(level, size);
        *what = "full-tile";
        for (uint64_t n = i; level < TILE_LEVEL_MAX && n < end; n++) {
            enum result rc = check_full_tile(v, level, n);
            if (rc != RES_OK)
                return rc;
        }
        *what = "partial-tile";
        if (width > 0) {
            const struct hash *nodes;
            enum result rc = store_get_tile(v, level, end, &nodes);
            if (rc != RES_OK)
                return rc;
            if (!guard_record(nodes, width))
                return RES_GUARD;
        }
        grown = i < end;
    }
    return RES_OK;
}

/* The head as it was signed, as it is stored and as it will be published are one. */
static bool
same_head(const struct store_head *a, const struct store_head *b)
{
    return a->size == b->size && a->timestamp == b->timestamp && hash_equal(&a->root, &b->root) &&
           span_equal(span_of(a->sth_signature, a->sth_signature_n),
                      span_of(b->sth_signature, b->sth_signature_n)) &&
           memcmp(a->note_signature, b->note_signature, sizeof(a->note_signature)) == 0;
}

static enum result
check_head(struct guard *g, struct store_view *v, const struct store_head *head, const char **what)
{
    struct store_head stored;
    struct hash root;
    *what = "head";
    enum result rc = store_get_head(v, &stored);
    if (rc != RES_OK)
        return rc;
    if (!same_head(&stored, head))
        return RES_GUARD;
    *what = "root";
    rc = guard_root(v, stored.size, &root);
    if (rc != RES_OK)
        return rc;
    if (!hash_equal(&root, &stored.root))
        return RES_GUARD;
    *what = "head-signature";
    return guard_head(g, &stored);
}

enum result
guard_check(struct guard *g, struct store_view *v, uint64_t first, const struct store_head *head,
            const struct guard_claim *claims, const char **ret_what)
{
    enum result rc = check_entries(g, v, first, head->size, claims, ret_what);
    if (rc == RES_OK)
        rc = check_tiles(v, first, head->size, ret_what);
    if (rc == RES_OK)
        rc = check_head(g, v, head, ret_what);
    if (rc == RES_OK || rc == RES_IO || rc == RES_MEMORY)
        return rc;
    return RES_GUARD;
}
