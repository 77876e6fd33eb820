/*
 * What a stored entry says: its parts, its receipt, and whether it is what its own bytes demand.
 *
 * Shared by the duplicate check, the guard, the scrubber and fsck, so that they cannot differ.
 * Uses store, accept/issuer, merkle/leaf.
 */
#ifndef LOG_STORED_H
#define LOG_STORED_H

#include "log/log.h"
#include "merkle/leaf/datatile.h"
#include "merkle/note/key.h"

/* Parses the entry at index; *ret borrows from the view.  RES_ABSENT, RES_ERASED,
 * RES_STORE_DAMAGED. */
MUST_CHECK enum result stored_leaf(struct store_view *v, uint64_t index, struct tile_leaf *ret,
                                   struct span *ret_signature);

/* Whether the entry at index is e; then *ret is its receipt.  RES_ABSENT when it is another;
 * RES_STORE_DAMAGED. */
MUST_CHECK enum result stored_receipt(struct store_view *v, uint64_t index, const struct entry *e,
                                      struct log_receipt *ret);

/*
 * Checks a stored entry against itself: the leaf_index extension is index; a precertificate and the
 * issuers that the store holds for it (each must hash to its name) lead to the TBSCertificate and
 * issuer key hash that were logged. scratch is cleared and used.  RES_STORE_DAMAGED when not.
 */
MUST_CHECK enum result stored_check(struct store_view *v, uint64_t index, const struct tile_leaf *l,
                                    struct buf *scratch);

/* Checks the SCT's signature.  RES_SIGNATURE. */
MUST_CHECK enum result stored_check_signature(const struct p256_key *key, const struct tile_leaf *l,
                                              struct span signature);

/* Checks the signature of a stored precertificate, which neither the leaf hash nor the TBS covers,
 * with its issuer's key; RES_OK for an entry of the other type.  RES_STORE_DAMAGED. */
MUST_CHECK enum result stored_check_precert_signature(struct store_view *v,
                                                      const struct tile_leaf *l);

#endif
