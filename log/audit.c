#include "log/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "log/guard.h"
#include "log/stored.h"
#include "merkle/leaf/entry.h"

static void
report(struct audit *a, const char *kind, uint64_t major, uint64_t minor, const char *what)
{
    char where[96];
    if (minor == UINT64_MAX)
        (void)snprintf(where, sizeof(where), "%s %" PRIu64, kind, major);
    else
        (void)snprintf(where, sizeof(where), "%s %" PRIu64 "/%" PRIu64, kind, major, minor);
    a->findings++;
    a->finding(a->arg, where, what);
}

static bool
cannot_go_on(enum result rc)
{
    return rc == RES_IO || rc == RES_MEMORY || rc == RES_CRYPTO;
}

static enum result
audit_issuers(struct audit *a, uint64_t index, const struct tile_leaf *l)
{
    for (size_t i = 0; i < l->chain_count; i++) {
        struct span der;
        struct hash h;
        if (known_has(a->issuers, &l->chain[i]))
            continue;
        enum result rc = store_get_issuer(a->view, &l->chain[i], &der);
        if (cannot_go_on(rc))
            return rc;
        if (rc != RES_OK) {
            report(a, "entry", index, UINT64_MAX, "an issuer of its chain is missing");
            continue;
        }
        hash_sha256(der, &h);
        if (!hash_equal(&h, &l->chain[i])) {
            report(a, "entry", index, UINT64_MAX, "an issuer does not hash to its name");
            continue;
        }
        rc = known_add(a->issuers, &h);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

static enum result
audit_entry(struct audit *a, uint64_t index, const struct hash *in_tile)
{
    struct tile_leaf l;
    struct span signature;
    struct hash h;
    enum result rc = stored_leaf(a->view, index, &l, &signature);
    if (cannot_go_on(rc))
        return rc;
    if (rc == RES_ERASED) {
        a->erased++;
        return RES_OK;
    }
    if (rc != RES_OK) {
        report(a, "entry", index, UINT64_MAX, "cannot be read");
        return RES_OK;
    }
    entry_leaf_hash(&l.timestamped, &h);
    if (!hash_equal(&h, in_tile))
        report(a, "entry", index, UINT64_MAX, "does not hash to its leaf hash");
    rc = stored_check(a->view, index, &l, &a->scratch);
    if (cannot_go_on(rc))
        return rc;
    if (rc != RES_OK)
        report(a, "entry", index, UINT64_MAX,
               "contradicts itself (index, precertificate or issuer)");
    if (a->sct_every && index % a->sct_every == 0) {
        rc = stored_check_signature(a->key, &l, signature);
        if (cannot_go_on(rc))
            return rc;
        if (rc != RES_OK)
            report(a, "entry", index, UINT64_MAX, "its SCT does not verify");
        rc = stored_check_precert_signature(a->view, &l);
        if (cannot_go_on(rc))
            return rc;
        if (rc != RES_OK)
            report(a, "entry", index, UINT64_MAX, "its precertificate's signature does not verify");
    }
    return audit_issuers(a, index, &l);
}

static unsigned
width_of(const struct audit *a, unsigned level, uint64_t index)
{
    if (index < tile_full_count(level, a->size))
        return TILE_WIDTH;
    return index == tile_full_count(level, a->size) ? tile_partial_width(level, a->size) : 0;
}

/* Reads and audits one tile; *ret is NULL when it cannot be read. */
static enum result
audit_tile(struct audit *a, unsigned level, uint64_t index, const struct hash **ret)
{
    enum result rc = store_get_tile(a->view, level, index, ret);
    if (rc == RES_OK) {
        if (!guard_record(*ret, width_of(a, level, index)))
            report(a, "tile", level, index, "a node is not the hash of its children");
        return RES_OK;
    }
    *ret = NULL;
    if (cannot_go_on(rc))
        return rc;
    report(a, "tile", level, index, "is missing or of the wrong size");
    return RES_OK;
}

/* A full tile's root must stand in its place one level up. */
static enum result
audit_place(struct audit *a, unsigned level, uint64_t index, const struct hash *nodes)
{
    const struct hash *above;
    struct hash root;
    enum result rc = store_get_tile(a->view, level + 1, index / TILE_WIDTH, &above);
    if (cannot_go_on(rc))
        return rc;
    hash_node(&nodes[TILE_NODES - 2], &nodes[TILE_NODES - 1], &root);
    if (rc != RES_OK || !hash_equal(&root, &above[index % TILE_WIDTH]))
        report(a, "tile", level, index, "its root does not stand in the tile above");
    return RES_OK;
}

/* The tiles above that end with this one: each is audited once, with its last child. */
static enum result
audit_above(struct audit *a, uint64_t n)
{
    uint64_t index = n;
    for (unsigned level = 0; level < TILE_LEVEL_MAX; level++) {
        bool last_child =
            index % TILE_WIDTH == TILE_WIDTH - 1 || index + 1 == tile_full_count(level, a->size);
        if (!last_child || index >= tile_full_count(level, a->size))
            return RES_OK;
        const struct hash *nodes;
        index /= TILE_WIDTH;
        enum result rc = audit_tile(a, level + 1, index, &nodes);
        if (rc == RES_OK && nodes && width_of(a, level + 1, index) == TILE_WIDTH)
            rc = audit_place(a, level + 1, index, nodes);
        if (rc != RES_OK || width_of(a, level + 1, index) != TILE_WIDTH)
            return rc;
    }
    return RES_OK;
}

enum result
audit_bundle(struct audit *a, uint64_t n)
{
    const struct hash *nodes;
    unsigned width = width_of(a, 0, n);
    enum result rc = audit_tile(a, 0, n, &nodes);
    if (rc != RES_OK || !nodes)
        return rc;
    for (unsigned i = 0; i < width; i++) {
        rc = audit_entry(a, n * TILE_WIDTH + i, &nodes[i]);
        if (rc != RES_OK)
            return rc;
    }
    if (width == TILE_WIDTH)
        rc = audit_place(a, 0, n, nodes);
    return rc == RES_OK ? audit_above(a, n) : rc;
}

enum result
audit_root(struct audit *a, const struct hash *root)
{
    struct hash found;
    enum result rc = guard_root(a->view, a->size, &found);
    if (cannot_go_on(rc))
        return rc;
    if (rc != RES_OK || !hash_equal(&found, root))
        report(a, "head", a->size, UINT64_MAX, "its root is not the root of the tiles");
    return RES_OK;
}
