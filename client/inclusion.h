/*
 * From an SCT and what it is about to a verdict: signature, leaf hash, place in the tree of a
 * signed head.
 *
 * Pure but for memory.  Uses policy, head, sct, entry, verify, result.
 */
#ifndef CLIENT_INCLUSION_H
#define CLIENT_INCLUSION_H

#include "client/head.h"
#include "merkle/leaf/entry.h"
#include "merkle/leaf/sct.h"

/* How far ahead of our clock a log's timestamp may lie, milliseconds. */
#define INCLUSION_AHEAD_MAX (5 * 60 * 1000)

/* What a verified SCT promises. */
struct promise {
    struct hash leaf_hash;
    uint64_t timestamp; /* milliseconds */
    bool has_index;     /* the SCT carries a leaf_index, static-ct-api */
    uint64_t index;
};

/*
 * Verifies that log signed sct for entry.  now: milliseconds; 0 asks for no check of the clock.
 * RES_LOG_ID; RES_SIGNATURE; RES_VALUE or RES_TRUNCATED for malformed extensions; RES_CLOCK when
 * the timestamp lies more than INCLUSION_AHEAD_MAX after now.
 */
MUST_CHECK enum result inclusion_check_sct(const struct policy_log *log, const struct sct *sct,
                                           const struct entry *entry, uint64_t now,
                                           struct promise *ret);

/*
 * Verifies that the promised leaf stands at index in the tree of head.
 * RES_CONFLICT when the proof leads there but the SCT promised another index; errors of
 * inclusion_verify.
 */
MUST_CHECK enum result inclusion_check_proof(const struct promise *p, const struct head *head,
                                             uint64_t index, const struct hash *path, size_t n);

/*
 * Whether head shows that the promise was broken without any proof: the merge delay is over and the
 * tree is not large enough.  False when the SCT carries no index.
 */
bool inclusion_broken(const struct promise *p, const struct head *head, uint64_t mmd_ms);

#endif
