/*
 * Anchors: what binds a head of the directory to the audit feed, and through it to the certificate
 * log.  merkle/keytrans/FORMATS.md, "The feed".
 *
 * No I/O, no clock.  Uses proved, policy, json, merkle/note.
 */
#ifndef CLIENT_DIRECTORY_ANCHOR_H
#define CLIENT_DIRECTORY_ANCHOR_H

#include "client/directory/proved.h"
#include "client/json.h"
#include "client/policy.h"
#include "merkle/keytrans/feed.h"

/*
 * Reads the members of /feed/anchor for the tree of head and verifies them: the feed's entry for
 * head's newest one has its time and root, and is in a feed whose checkpoint is signed, and
 * cosigned as the policy's quorum asks (policy NULL: no quorum).
 *
 * RES_JSON …; RES_CONFLICT when the entry is of another tree; RES_NOTE, RES_CHECKPOINT, RES_ORIGIN,
 * RES_SIGNATURE, RES_KEY_UNKNOWN; RES_ROOT_DIFFERS, RES_PROOF_LENGTH; RES_MEMORY.
 */
MUST_CHECK enum result anchor_read(const struct policy_log *log, const struct policy *policy,
                                   const struct json_value *v, const struct proved_head *head,
                                   struct feed_entry *ret);

#endif
