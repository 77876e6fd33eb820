/*
 * Credentials: proofs that users send each other, and that are verified without asking the log.
 * KEYTRANS, "Credentials".
 *
 * What a recipient has to know is one view (struct kt_view) for each recent distinguished entry: of
 * the tree that ends there (heads.h finds them, consume_earlier makes them).  A credential that is
 * verified changes none of them, nor anything else that its recipient keeps.
 *
 * A standard credential is a search ladder in such an entry.  A provisional one is a search in a
 * newer tree, believed on the log's signature until a later distinguished entry has confirmed it.
 *
 * VRF outputs are the caller's, as for any answer (consume.h): those of the base ladder for the
 * version, commitments for lesser versions from binary_ladder and for the version itself from
 * opening and value.  The same are needed again for a CredentialUpdate.
 *
 * Pure but for the memory of a transcript.  Uses record, consume, contact, search, response.
 */
#ifndef MERKLE_KEYTRANS_CREDENTIAL_H
#define MERKLE_KEYTRANS_CREDENTIAL_H

#include "merkle/keytrans/consume.h"
#include "merkle/keytrans/record.h"
#include "merkle/keytrans/response.h"

/* ---- making ---- */

/*
 * Each records into r (record_init with the label; once) the proof of one credential and borrows it
 * from there: what needs no proof of the tree (label, version, opening, value, ladder, the head's
 * signature) is for the caller to fill in.  Errors besides those named: RES_MEMORY, RES_RANGE for
 * entries outside the tree, the tree's and the label's, RES_TOO_LARGE.
 */

/* position, provisional and distinguished of *ret.  RES_KT_LADDER when version is not the greatest
 * in that entry. */
MUST_CHECK enum result credential_standard(struct recorder *r, const struct kt_window *window,
                                           uint64_t position, uint32_t version,
                                           struct credential *ret);

/*
 * position, provisional, search and head.size of *ret, in the tree of size entries.  RES_KT_LADDER
 * when version is not the greatest there; RES_KT_CREDENTIAL when it is the greatest in the entry at
 * position too.
 */
MUST_CHECK enum result credential_provisional(struct recorder *r, const struct kt_window *window,
                                              uint64_t position, uint64_t size, uint32_t version,
                                              struct credential *ret);

/*
 * The proof of a CredentialUpdate for the credential whose search in a tree of q->tree_size entries
 * ended at q->terminal; size is that of the log.  It leads to the first distinguished entry that is
 * not in that tree; RES_ABSENT while there is none, and when the terminal entry is distinguished
 * itself: then credential_confirm is the way.
 */
MUST_CHECK enum result credential_update(struct recorder *r, const struct kt_window *window,
                                         uint64_t size, const struct credential_update_request *q,
                                         struct combined_proof *ret);

/* ---- verifying ---- */

/* A provisional credential that was initially verified. */
struct credential_pending {
    uint32_t version;
    uint64_t terminal; /* entry at which its search ended */
    struct hash prefix_root;
    struct kt_view view; /* of the tree in its head */
};

/* The recent distinguished entries, in any order: each the view of the tree that ends there. */
struct credential_recent {
    const struct kt_view *views; /* borrowed */
    size_t n;
};

/*
 * Verifies a credential, initially when it is provisional: then *ret is what its final verification
 * needs, else *ret is left alone.
 *
 * Returns
 *   RES_OK
 *   RES_KT_NOT_RECENT  c->position is none of recent.  "Implementations MUST NOT use a verification
 *                      failure at this point as a prompt to request updates"
 *   RES_KT_CREDENTIAL  a standard one would do, or the tree does not go beyond the position
 *   RES_KT_ROOTS       the ladder is not of the entry at position
 *   RES_SIGNATURE      the head is not the log's
 *   RES_MEMORY         and the errors of a search
 */
MUST_CHECK enum result credential_verify(const struct kt_config *config,
                                         const struct credential_recent *recent,
                                         const struct credential *c,
                                         const struct consume_version *versions, size_t n,
                                         struct credential_pending *ret);

/*
 * Final verification where the terminal entry itself has become distinguished.  RES_KT_NOT_RECENT
 * while it is none of recent; RES_KT_ROOTS when another entry stands there: the log has forked.
 */
MUST_CHECK enum result credential_confirm(const struct credential_pending *p,
                                          const struct credential_recent *recent);

/*
 * Final verification by a CredentialUpdate; the distinguished entry it leads to into *ret_position.
 *
 * Returns
 *   RES_OK
 *   RES_KT_NOT_RECENT  the credential's tree has every entry of recent
 *   RES_KT_CREDENTIAL  the path does not lead to the first of them
 *   RES_ROOT_DIFFERS   what it leads to is not the recipient's tree: the log has forked
 *   RES_MEMORY         and the errors of contact monitoring
 */
MUST_CHECK enum result
credential_verify_update(const struct kt_config *config, const struct credential_recent *recent,
                         const struct credential_pending *p, const struct combined_proof *monitor,
                         const struct consume_version *versions, size_t n, uint64_t *ret_position);

#endif
