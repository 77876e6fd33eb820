/*
 * Tiles: subtrees of height 8, C2SP tlog-tiles and static-ct-api, and the record in which a log
 * keeps one.
 *
 * A tile (level, index) covers the nodes of heights [8 level, 8 level + 8) under one node of height
 * 8 level + 8.  On the wire it is its bottom row: up to 256 hashes of 32 bytes.
 *
 * A tile RECORD holds all 510 nodes below the tile's root at fixed places, so that any node is read
 * without hashing: 256 hashes of the bottom row, then 128, 64, 32, 16, 8, 4, 2.  In the record of a
 * partial tile the places of incomplete nodes are zero.  510 * 32 = 16,320 bytes: four pages of
 * 4,096 less what the store's page header takes.
 *
 * Pure.  Uses hash, node, span, buf, result.
 */
#ifndef MERKLE_TREE_TILE_H
#define MERKLE_TREE_TILE_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"

#define TILE_HEIGHT 8
#define TILE_WIDTH 256
#define TILE_NODES 510
#define TILE_RECORD_SIZE (TILE_NODES * HASH_SIZE)
/* tlog-tiles allows levels 0 to 63, a tree of 2^62 leaves has 0 to 7; static-ct-api allows 0 to 5.
 */
#define TILE_LEVEL_MAX 7
/* Longest path of a tile: "data/" + 7 groups "x123/" + ".p/255", with its NUL. */
#define TILE_PATH_MAX 64

enum tile_kind { TILE_HASHES, TILE_DATA, TILE_ENTRIES };

struct tile {
    enum tile_kind kind;
    unsigned level; /* 0 for data and entries */
    uint64_t index;
    unsigned width; /* 1 to 256; 256 is a full tile */
};

/*
 * Reads the path after "/tile/": "<L>/<N>[.p/<W>]", "data/<N>[.p/<W>]" or "entries/<N>[.p/<W>]".
 * One canonical form: 3-digit groups, all but the last with 'x', no group "x000" in front, no
 * leading zeros in L and W, W from 1 to 255, L at most TILE_LEVEL_MAX.  RES_ENCODING otherwise;
 * RES_NUMBER when N is so large that its last leaf passes NODE_LEAVES_MAX.
 */
MUST_CHECK enum result tile_parse_path(struct span path, struct tile *ret);

/* Writes that path, with a NUL, to out; returns its length.  Requires a valid *t. */
size_t tile_path(const struct tile *t, char out[static TILE_PATH_MAX]);

/* Width of the rightmost, partial tile of that level in a tree of size leaves; 0 when there is
 * none. */
unsigned tile_partial_width(unsigned level, uint64_t size);

/* Number of full tiles of that level in a tree of size leaves. */
uint64_t tile_full_count(unsigned level, uint64_t size);

/* Whether the tile t stands, full or as a prefix of what there is, in a tree of size leaves. */
bool tile_within(const struct tile *t, uint64_t size);

/*
 * Where the node n lies: its tile's level and index, and its place in that tile's record in
 * [0, TILE_NODES).
 */
struct tile_slot {
    unsigned level;
    uint64_t index;
    unsigned slot;
};
struct tile_slot tile_slot_of(struct node n);

/* The inverse: the node at a place.  Requires slot < TILE_NODES. */
struct node tile_slot_node(unsigned level, uint64_t index, unsigned slot);

#endif
