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

/* One entry: from the bytes that come back to the hash that the tree holds. */
static enum result
check_entry(struct guard *g, struct store_view *v, uint64_t index, const struct hash *key,
            const struct hash *in_tile, const char **what)
{
    struct tile_leaf l;
    struct span signature;
    struct hash h;
    *what = "entry";
    enum result rc = stored_leaf(v, index, &l, &signature);
    if (rc != RES_OK)
        return rc;
    entry_leaf_hash(&l.timestamped, &h);
    *what = "leaf-hash";
    if (!hash_equal(&h, in_tile))
        return RES_GUARD;
    entry_key(&l.timestamped.entry, &h);
    *what = "entry-key";
    if (!hash_equal(&h, key))
        return RES_GUARD;
    *what = "tbs";
    rc = stored_check(v, index, &l, &g->scratch);
    if (rc != RES_OK)
        return rc;
    *what = "sct-signature";
    return index % GUARD_SCT_EVERY == 0 ? stored_check_signature(g->key, &l, signature) : RES_OK;
}

static enum result
check_entries(struct guard *g, struct store_view *v, uint64_t first, uint64_t size,
              const struct hash *const *keys, const char **what)
{
    const struct hash *nodes = NULL;
    for (uint64_t i = first; i < size; i++) {
        if (!nodes || i % TILE_WIDTH == 0) {
            *what = "tile";
            enum result rc = store_get_tile(v, 0, i / TILE_WIDTH, &nodes);
            if (rc != RES_OK)
                return rc;
        }
        enum result rc = check_entry(g, v, i, keys[i - first], &nodes[i % TILE_WIDTH], what);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* Every tile that these entries made full folds into its place one level up. */
static enum result
check_full_tiles(struct store_view *v, uint64_t first, uint64_t size, const char **what)
{
    *what = "full-tile";
    for (unsigned level = 0; level < TILE_LEVEL_MAX; level++) {
        uint64_t end = tile_full_count(level, size);
        for (uint64_t i = tile_full_count(level, first); i < end; i++) {
            const struct hash *nodes, *above;
            enum result rc = store_get_tile(v, level, i, &nodes);
            if (rc == RES_OK)
                rc = store_get_tile(v, level + 1, i / TILE_WIDTH, &above);
            if (rc != RES_OK)
                return rc;
            struct hash row[TILE_WIDTH], root;
            memcpy(row, nodes, sizeof(row));
            guard_fold(row, TILE_WIDTH, &root);
            if (!hash_equal(&root, &above[i % TILE_WIDTH]))
                return RES_GUARD;
        }
    }
    return RES_OK;
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
    if (stored.size != head->size || stored.timestamp != head->timestamp ||
        !hash_equal(&stored.root, &head->root))
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
            const struct hash *const *keys, const char **ret_what)
{
    enum result rc = check_entries(g, v, first, head->size, keys, ret_what);
    if (rc == RES_OK)
        rc = check_full_tiles(v, first, head->size, ret_what);
    if (rc == RES_OK)
        rc = check_head(g, v, head, ret_what);
    if (rc == RES_OK || rc == RES_IO || rc == RES_MEMORY)
        return rc;
    return RES_GUARD;
}
