/*
 * Anchors: what binds a head of the directory to the audit feed, and through it to the certificate
 * log.  merkle/keytrans/FORMATS.md, "The feed".
 *
 * No I/O, no clock.  Uses statement, proved, policy, merkle/note.
 */
#ifndef CLIENT_DIRECTORY_ANCHOR_H
#define CLIENT_DIRECTORY_ANCHOR_H

#include "client/directory/proved.h"
#include "client/directory/statement.h"

/*
 * Verifies an anchor, as statement_put_anchor writes it, for the tree of head: it is a statement
 * that the log signed, cosigned as the policy's quorum asks (policy NULL: no quorum), and the
 * feed's entry for head's newest one has its time and root.
 *
 * Errors of statement_open; RES_KEY_UNKNOWN when the quorum does not hold; RES_CONFLICT when the
 * entry is of another tree; RES_MEMORY.
 */
MUST_CHECK enum result anchor_read(const struct policy_log *log, const struct policy *policy,
                                   struct span anchor, const struct proved_head *head,
                                   struct feed_entry *ret);

#endif
