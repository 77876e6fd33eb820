/*
 * Auditing what is committed: every byte against every other that follows from it.
 *
 * One bundle at a time, so that the scrubber can do it slowly and fsck all at once, with the same
 * code.  A finding is a place and a sentence; it is handed on and the audit goes on. Uses store
 * (reading), stored, guard, merkle.
 */
#ifndef LOG_AUDIT_H
#define LOG_AUDIT_H

#include "log/known.h"
#include "log/store/store.h"
#include "merkle/note/key.h"

/* where: "entry 17", "tile 1/3", "issuer ab12…"; never what a certificate says. */
typedef void audit_finding_fn(void *arg, const char *where, const char *what);

struct audit {
    struct store_view *view; /* in a snapshot; borrowed */
    uint64_t size;           /* of the tree audited */
    const struct p256_key *key;
    unsigned sct_every;    /* check the SCT's and the precertificate's signature of one entry in so
                              many; 1: all; 0: none */
    struct known *issuers; /* those found sound so far; borrowed */
    audit_finding_fn *finding;
    void *arg;
    uint64_t findings;
    uint64_t erased;    /* entries of which the leaf hash alone is there */
    struct buf scratch; /* BUF_INIT(CERT_MAX); released by the owner */
};

/*
 * Audits the entries of bundle n that stand in the tree: each against its leaf hash, its own bytes,
 * its issuers and (one in sct_every) its SCT; then the level-0 tile's inner nodes, and every higher
 * tile that this one completes or ends.  Of an erased entry there is its leaf hash.  RES_OK whether
 * or not there were findings; RES_IO, RES_MEMORY.
 */
MUST_CHECK enum result audit_bundle(struct audit *a, uint64_t n);

/* Audits the root and, through edge and tiles, that it is the root over all leaf hashes.  *root is
 * the head's. */
MUST_CHECK enum result audit_root(struct audit *a, const struct hash *root);

#endif
