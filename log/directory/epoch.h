/*
 * Epochs: from a recipe to a committed entry of the directory's log.
 *
 * Everything in an epoch follows from its recipe, the certificate log's entries and the keyring:
 * the same recipe leads to the same bytes, whenever it is followed.  epoch_run leaves the shelf as
 * it was or with the epoch whole.  One with an erasure writes to the certificate log's store and to
 * the keyring as well, before: it is run while nobody else writes there.
 *
 * Thread: the builder's.  Uses change, outputs, recipe, shelf, signer, store.
 */
#ifndef LOG_DIRECTORY_EPOCH_H
#define LOG_DIRECTORY_EPOCH_H

#include "log/directory/recipe.h"
#include "log/directory/shelf.h"
#include "log/directory/versions.h"
#include "log/signer.h"
#include "log/store/store.h"

/* What epochs are made with; all borrowed. */
struct epoch_parts {
    struct shelf *shelf;
    struct versions *versions;
    struct keyring *keys;
    struct signer *signer;
    struct store *store;     /* the certificate log's */
    const char *feed_origin; /* NAME/feed */
    unsigned threads;        /* for VRF outputs, besides the caller's */
};

struct epoch;

/* Loads what stands: trees' edges, bindings.  RES_STORE_DAMAGED, RES_MEMORY, RES_IO. */
MUST_CHECK enum result epoch_new(const struct epoch_parts *parts, struct epoch **ret);
void epoch_free(struct epoch *e); /* NULL does nothing */

/* How many epochs stand, and the newest's feed entry (zeros when there is none). */
uint64_t epoch_size(const struct epoch *e);
const struct feed_entry *epoch_newest(const struct epoch *e);

/* The bindings that hold, as the body of an act; borrowed. */
struct span epoch_bindings(const struct epoch *e);

/* Proof records that are to be committed with the next epoch, or by epoch_proofs. */
struct epoch_proof {
    uint64_t seq;
    struct span steps; /* borrowed for the call */
};

/*
 * Makes the epoch of recipe q and commits it, with proofs beside it.  recipes_end: where q ends in
 * the file of recipes.  *ret_committed tells whether the commit point was reached: then a failure
 * means that the process must end.
 *
 *   RES_OK
 *   RES_BUG            q is not the next one, or goes back
 *   RES_STORE_DAMAGED  the certificate log does not have q's entries or root
 *   the errors of changes_add, outputs_make, prefix_insert, shelf_*, signer_*, versions_add
 */
MUST_CHECK enum result epoch_run(struct epoch *e, const struct recipe *q, uint64_t recipes_end,
                                 const struct epoch_proof *proofs, size_t proofs_n,
                                 bool *ret_committed);

/* Commits proof records alone.  As epoch_run. */
MUST_CHECK enum result epoch_proofs(struct epoch *e, const struct epoch_proof *proofs,
                                    size_t proofs_n, bool *ret_committed);

#endif
