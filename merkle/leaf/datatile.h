/*
 * TileLeaf, the entry as a data tile holds it: C2SP static-ct-api "Log entries".
 *
 * Pure but for the buffer's memory.  Uses codec, entry, hash.
 */
#ifndef MERKLE_LEAF_DATATILE_H
#define MERKLE_LEAF_DATATILE_H

#include "merkle/base/codec.h"
#include "merkle/leaf/entry.h"

/* Issuers in one chain: a log takes chains of 10 at most (CHAIN_MAX), other logs' may be longer. */
#define DATATILE_CHAIN_MAX 16

struct tile_leaf {
    struct timestamped_entry timestamped;  /* borrows */
    struct span precertificate;            /* precert only, borrowed */
    struct hash chain[DATATILE_CHAIN_MAX]; /* SHA-256 of each issuer's DER, first issuer to root */
    size_t chain_count;
};

/* Appends the TileLeaf.  Errors of timestamped_entry_write; RES_VALUE for a precertificate that is
 * empty or too long.  *out as it was on failure.  Requires chain_count <= DATATILE_CHAIN_MAX. */
MUST_CHECK enum result tile_leaf_write(const struct tile_leaf *l, struct buf *out);

/* Reads one TileLeaf from r, which may hold more after it; borrows.  The error is r's and is
 * returned: RES_TRUNCATED; RES_VALUE; RES_TOO_LARGE for more issuers than DATATILE_CHAIN_MAX.  *ret
 * is written only on success. */
MUST_CHECK enum result tile_leaf_read(struct reader *r, struct tile_leaf *ret);

#endif
