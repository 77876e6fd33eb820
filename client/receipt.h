/*
 * Receipts: everything that shows, without asking anyone, that a log took an entry into its tree.
 * One JSON object a line; the format is in FORMATS.md.
 *
 * Pure but for the buffers' memory.  Uses policy, head, inclusion, json.
 */
#ifndef CLIENT_RECEIPT_H
#define CLIENT_RECEIPT_H

#include "client/head.h"
#include "client/inclusion.h"
#include "client/policy.h"
#include "merkle/tree/proof.h"

/* Longest line, without its newline. */
#define RECEIPT_MAX (64 * 1024)

struct receipt {
    struct buf file; /* a label, unchecked */
    struct buf origin;
    enum entry_type type;
    struct buf sct; /* SignedCertificateTimestamp */
    struct hash leaf_hash;
    uint64_t index;
    struct hash path[PROOF_HASHES_MAX];
    size_t path_n;
    enum head_form form;
    struct buf head;
};

/* An empty receipt that receipt_release may be called on. */
void receipt_init(struct receipt *r);
void receipt_release(struct receipt *r);

/* Reads one line without its newline into *ret, which was initialised.  RES_JSON…, RES_VALUE,
 * RES_ENCODING. */
MUST_CHECK enum result receipt_parse(struct span line, struct receipt *ret);

/* Appends the line and its newline.  Errors of buf_reserve. */
MUST_CHECK enum result receipt_write(const struct receipt *r, struct buf *out);

/* What a receipt proved. */
struct receipt_verdict {
    const struct policy_log *log; /* borrowed from the policy */
    struct promise promise;
    struct head head;
};

/*
 * Verifies the receipt for entry with the keys of policy, all of it: that the log is one of the
 * policy's, the SCT, the leaf hash, the index, the head with its quorum, the path.  Asks no clock:
 * a receipt does not age. RES_ABSENT when the policy has no usable log of that origin; RES_LOG_ID;
 * RES_SIGNATURE; RES_ROOT_DIFFERS (also when the leaf hash is not that of entry and SCT);
 * RES_CONFLICT for another index; errors of head_open.
 */
MUST_CHECK enum result receipt_verify(const struct receipt *r, const struct policy *policy,
                                      const struct entry *entry, struct receipt_verdict *ret);

#endif
