/*
 * The entries of a batch: which of a list are new, and these into store and tree.
 *
 * A duplicate, of the store's or of one before it in the list, is answered by what it repeats and
 * gets no place of its own.  Thread: the sequencer's.  Uses batch_private, edge, fresh, signer,
 * stored, store, index.
 */
#ifndef LOG_ENTRIES_H
#define LOG_ENTRIES_H

#include <stdint.h>

#include "merkle/base/result.h"

struct batch;
struct pending;

/*
 * Gives each of the list that is new its index and its receipt for time now, and writes entries,
 * issuers and tiles into b's open transaction; a duplicate gets the receipt that stands, or its
 * twin in the list.  Requires b->view and b->txn open, b->count == 0.  On failure b's edge and
 * fresh keys are no longer what is on disk: undo them.
 *
 *   RES_STORE_FULL  no index is left
 *   the errors of store_append, store_put_issuer, store_put_tile, index_find, signer_sct
 */
MUST_CHECK enum result entries_write(struct batch *b, struct pending *list, uint64_t now);

#endif
