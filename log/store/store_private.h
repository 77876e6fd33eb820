/*
 * What the files of the store share and nobody else sees: its tables, its structs, its keys.
 *
 * Uses store.h.
 */
#ifndef LOG_STORE_STORE_PRIVATE_H
#define LOG_STORE_STORE_PRIVATE_H

#include "log/store/store.h"

enum store_table {
    TABLE_META,
    TABLE_TAIL,
    TABLE_BUNDLE,
    TABLE_TILE,
    TABLE_EDGE,
    TABLE_ISSUER,
    TABLE_COUNT
};

#define META_FORMAT "format"
#define META_HEAD "head"
#define META_ORIGIN "origin"

/* A level's edge that is not there. */
#define EDGE_NONE UINT64_MAX

struct store_view {
    struct lmdb_txn *txn;
    bool sized;                        /* size and edge are known for this snapshot */
    uint64_t size;                     /* entries that must be there */
    uint64_t edge[TILE_LEVEL_MAX + 1]; /* which tile each level's edge record is */
};

/* An entry that store_append has copied: where in the pending bytes it lies. */
struct pending {
    size_t at; /* the leaf, then the signature */
    size_t leaf_n;
    size_t signature_n;
};

struct store_txn {
    struct store *store;
    struct store_view view;
    uint64_t base; /* entries before this transaction */
    uint64_t next; /* entries with those appended */
    bool flushed;
    bool headed; /* a head over next entries was put */
};

struct store {
    struct lmdb *env;
    struct store_txn txn; /* the one open write transaction; the sequencer's thread */
    struct buf bytes;     /* of pending entries; kept for the next transaction */
    struct pending *pending;
    size_t pending_cap;
    char origin[STORE_ORIGIN_MAX + 1];
};

/* Reads the head's size and which edges follow from it, once for each snapshot. */
MUST_CHECK enum result view_know_size(struct store_view *v);

/* Whether a leaf was erased: it is all zeros. */
bool view_erased(struct span leaf);

/* Big-endian keys; write to out, return its span. */
struct span key_u64(uint64_t v, uint8_t out[static 8]);
struct span key_tile(unsigned level, uint64_t index, uint8_t out[static 9]);
struct span key_level(unsigned level, uint8_t out[static 1]);

#endif
