/*
 * Reading a log: one snapshot, one answer.
 *
 * A reader belongs to one thread at a time.  begin takes a snapshot and says at which head; every
 * other call reads in it; end lets it go.  What is returned borrows from the snapshot and lives
 * until end, or stands in the caller's buffers.  Uses store, index, merkle/tree, merkle/leaf.
 */
#ifndef LOG_READER_H
#define LOG_READER_H

#include "log/log.h"
#include "merkle/leaf/datatile.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/tile.h"

struct log_reader;

MUST_CHECK enum result log_reader_new(struct log *l, struct log_reader **ret);
void log_reader_free(struct log_reader *r);

/* *ret_head is the head published last; it may be NULL.  RES_ABSENT before the first head; RES_IO.
 */
MUST_CHECK enum result log_reader_begin(struct log_reader *r, struct store_head *ret_head);
void log_reader_end(struct log_reader *r);

/* The index of the entry with that leaf hash in the tree of size leaves.  RES_UNKNOWN_HASH. */
MUST_CHECK enum result log_reader_find_leaf(struct log_reader *r, const struct hash *leaf,
                                            uint64_t size, uint64_t *ret);

/* Audit path of index in the tree of size leaves (size <= the head's).  RES_RANGE.  ret holds
 * PROOF_HASHES_MAX. */
MUST_CHECK enum result log_reader_inclusion(struct log_reader *r, uint64_t index, uint64_t size,
                                            struct hash *ret, unsigned *ret_n);

/* Consistency proof; first == 0 or first == second: no hashes.  RES_RANGE. */
MUST_CHECK enum result log_reader_consistency(struct log_reader *r, uint64_t first, uint64_t second,
                                              struct hash *ret, unsigned *ret_n);

/* An entry as it is stored; *ret borrows from the snapshot.  RES_RANGE; RES_ERASED;
 * RES_STORE_DAMAGED. */
MUST_CHECK enum result log_reader_leaf(struct log_reader *r, uint64_t index, struct tile_leaf *ret);

/* An entry as get-entries gives it; both appended to the caller's buffers.  RES_RANGE,
 * RES_ERASED. */
MUST_CHECK enum result log_reader_entry(struct log_reader *r, uint64_t index,
                                        struct buf *leaf_input, struct buf *extra_data);

/*
 * The bytes of a hash tile or data tile, t->width wide: *ret borrows from the snapshot, or from
 * *room, to which a data tile that is not full yet is appended.  RES_ERASED when one of a data
 * tile's entries is; RES_ABSENT when it does not stand in the head's tree (also when it is of kind
 * TILE_ENTRIES); errors of buf_add.  *room is unchanged on failure.
 */
MUST_CHECK enum result log_reader_tile(struct log_reader *r, const struct tile *t, struct buf *room,
                                       struct span *ret);

/* The issuer certificate, DER, borrowed.  RES_ABSENT. */
MUST_CHECK enum result log_reader_issuer(struct log_reader *r, const struct hash *sha256,
                                         struct span *ret);

#endif
