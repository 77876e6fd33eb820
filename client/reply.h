/*
 * What a log answers, RFC 6962 section 4, and the problem documents of RFC 9457: read, nothing
 * verified.
 *
 * Members that are not known are ignored, as RFC 6962 asks.
 * No I/O, no clock.  Uses json, sct, proof, result.
 */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "client/json.h"
#include "merkle/leaf/sct.h"
#include "merkle/tree/proof.h"

struct reply_path {
    uint64_t index; /* get-proof-by-hash only */
    struct hash path[PROOF_HASHES_MAX];
    size_t n;
};

/* {"consistency": [...]}.  RES_JSON…, RES_ENCODING, RES_TOO_LARGE. */
MUST_CHECK enum result reply_consistency(struct span body, struct reply_path *ret);

/* {"leaf_index": i, "audit_path": [...]}. */
MUST_CHECK enum result reply_proof(struct span body, struct reply_path *ret);

/*
 * The SCT of add-chain and add-pre-chain, appended to out as a SignedCertificateTimestamp.
 * RES_VALUE for another version or a malformed signature.
 */
MUST_CHECK enum result reply_sct(struct span body, struct buf *out);

#define REPLY_PROBLEM_MAX 512
struct reply_problem {
    char name[64]; /* the last part of `type`, of [a-z0-9-]; empty when the body is none */
    char detail[REPLY_PROBLEM_MAX]; /* printable, cut to fit */
};

/* Reads application/problem+json as far as it goes; never fails: a body that is none leaves both
 * empty. */
void reply_problem(struct span body, struct reply_problem *ret);

#endif
