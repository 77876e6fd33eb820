/*
 * Where a label's versions stand: from a label to its newest version, and to each.
 *
 * Over the index (log/store/index) and the shelf's rows.  A row whose label was erased stands in
 * the index under hashes of nothing when that is built anew, so that nobody finds it and the
 * numbers stay in step; but the tombstone, which stands where the label would.
 *
 * Threads: versions_add by the builder's; finding by any with its own view.  Uses keyring, shelf,
 * index.
 */
#ifndef LOG_DIRECTORY_VERSIONS_H
#define LOG_DIRECTORY_VERSIONS_H

#include "log/directory/erasure.h"
#include "log/directory/keyring.h"
#include "log/directory/shelf.h"
#include "log/store/index.h"
#include "merkle/leaf/address.h"

/* The LabelText at offset, decrypted, and its number.  RES_ABSENT when the label was erased (its
 * number is told all the same); RES_STORE_DAMAGED, RES_IO. */
MUST_CHECK enum result versions_label(struct shelf_view *v, struct keyring *k, uint64_t offset,
                                      struct label *ret, uint64_t *ret_number);

/* Appends the LabelText at offset as it stands.  Errors of the shelf's reads, of buf_add. */
MUST_CHECK enum result versions_text(struct shelf_view *v, uint64_t offset, struct buf *out);

/*
 * Whether the LabelText at offset is the tombstone's of that label: *ret.  Errors of the shelf's
 * reads; RES_STORE_DAMAGED.
 */
MUST_CHECK enum result versions_is_tombstone(struct shelf_view *v, struct keyring *k,
                                             uint64_t offset, struct span label, bool *ret);

/* What stands in a tombstone's LabelText, which is that version of the label. */
void versions_erasure_text(const struct keyring *k, struct span label, uint32_t version,
                           struct erasure_text *ret);

struct versions; /* the index with what it needs; shared by all readers */

/* Opens the index in the directory path (made when missing) and adds the rows that it does not
 * cover; one that covers more than there are is built anew.  Errors of index_open and of the
 * shelf's reads. */
MUST_CHECK enum result versions_open(const char *path, uint64_t map_size, struct shelf *s,
                                     struct keyring *k, struct versions **ret);
void versions_close(struct versions *x); /* NULL does nothing */

/* After a commit: the next row.  RES_MEMORY, RES_IO. */
MUST_CHECK enum result versions_add(struct versions *x, uint64_t seq, struct span label,
                                    uint32_t version);

/* The same where the keys are there already; of a tombstone nothing else is known. */
MUST_CHECK enum result versions_add_keys(struct versions *x, uint64_t seq,
                                         const struct erasure_text *keys);

/* The newest row of the label among the first `rows` (the head's count): *ret and its seq.
 * RES_ABSENT. */
MUST_CHECK enum result versions_newest(struct versions *x, struct shelf_view *v, uint64_t rows,
                                       struct span label, uint64_t *ret_seq,
                                       struct version_row *ret);

/* The row of one version.  RES_ABSENT. */
MUST_CHECK enum result versions_find(struct versions *x, struct shelf_view *v, uint64_t rows,
                                     struct span label, uint32_t version, uint64_t *ret_seq,
                                     struct version_row *ret);

uint64_t versions_index_bytes(struct versions *x);

#endif
