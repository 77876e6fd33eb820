/*
 * The growing right edge of the log's tree: the compact range, and the records of the partial tiles
 * that its nodes fall into.
 *
 * Appending a leaf completes nodes; each takes its place in its tile's record.  A tile whose root
 * is completed is full and is handed out; the partial ones are handed out on request.  What the
 * edge holds in memory is what the store holds as edge records: loading is the same as never having
 * stopped. No I/O: the store is reached through the functions handed in and through store_view in
 * edge_load. Uses merkle/tree, store (reading).
 */
#ifndef LOG_EDGE_H
#define LOG_EDGE_H

#include "log/store/store.h"
#include "merkle/tree/range.h"
#include "merkle/tree/tile.h"

#define EDGE_LEVELS (TILE_LEVEL_MAX + 1)

struct edge {
    struct range range;
    struct hash record[EDGE_LEVELS][TILE_NODES]; /* incomplete nodes are zero */
    bool dirty[EDGE_LEVELS];                     /* changed since the last edge_partials */
};

/* Takes a tile's record: full ones as they complete, partial ones from edge_partials. */
typedef enum result edge_tile_fn(void *arg, unsigned level, uint64_t index, bool full,
                                 const struct hash *nodes);

/* The edge of the empty tree. */
void edge_init(struct edge *e);

/* The edge of the tree of size leaves, from the store's tiles: their bottom rows are hashed anew
 * and every stored node is compared.  RES_STORE_DAMAGED when one differs or is missing. */
MUST_CHECK enum result edge_load(struct edge *e, struct store_view *v, uint64_t size);

/* Appends a leaf hash.  full is called for each tile that this completes; its error is returned and
 * the edge is then of no use until loaded again. */
MUST_CHECK enum result edge_append(struct edge *e, const struct hash *leaf, edge_tile_fn *full,
                                   void *arg);

/* Hands out the partial tiles that changed since the last call. */
MUST_CHECK enum result edge_partials(struct edge *e, edge_tile_fn *partial, void *arg);

#endif
