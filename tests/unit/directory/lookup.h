/*
 * What POST /v1/lookup answers over a test's directory: its KEYTRANS answer, an audit feed that
 * says which certificates are covered, and entries of a certificate log.
 *
 * The directory is real; feed and certificate log are lists of hashes, signed with keys of their
 * own.  For tests only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_LOOKUP_H
#define TESTS_UNIT_DIRECTORY_LOOKUP_H

#include <openssl/x509.h>

#include "client/view.h"
#include "merkle/keytrans/mailbox.h"
#include "tests/unit/directory/desk.h"

#define LOOKUP_CHAIN_MAX 4
#define LOOKUP_FEED_ORIGIN TESTLOG_ORIGIN "/feed"

/* An entry of the certificate log; entries without a certificate are hashes alone. */
struct lookup_entry {
    struct span der;        /* the certificate, or the precertificate; mint_free */
    struct entry entry;     /* its body is in leaf */
    struct buf leaf;        /* MerkleTreeLeaf */
    struct hash issuer_key; /* SHA-256 of the final issuer's key */
    struct hash chain[LOOKUP_CHAIN_MAX];
    size_t chain_n;
};

struct lookup {
    struct desk desk;
    struct testlog feed;             /* its keys, and the leaves of its tree */
    uint64_t covers[TESTLOG_LEAVES]; /* certificates that each entry of the directory covers */
    struct lookup_entry at[TESTLOG_LEAVES];
    uint64_t n; /* entries that were added */
    /* root issues ca, which issues precertificates by signer too */
    EVP_PKEY *root_key, *ca_key, *signer_key, *leaf_key;
    X509 *root, *ca, *signer;
    struct span issuers[3]; /* their DER */
};

void lookup_init(struct lookup *l, const struct kt_window *window);
void lookup_release(struct lookup *l);

/* Has the certificate log take a certificate, of which the issuers of the chain are handed in with
 * it; frees it.  Its index. */
uint64_t lookup_log(struct lookup *l, X509 *x, const struct span *chain, size_t n);

/* A certificate for a label's address, and a precertificate, by ca; their indices.  Those that are
 * made later stand first in an answer. */
uint64_t lookup_certify(struct lookup *l, unsigned label);
uint64_t lookup_announce(struct lookup *l, unsigned label);

/* What a directory's record says of the entry, for the label's address as its certificate has it.
 * The address is borrowed from the label. */
struct mailbox_record lookup_record(const struct lookup *l, uint64_t index, unsigned label);

/* Appends an entry to the directory that covers so many certificates, with a version of each label
 * whose bit is set, which adds the record (NULL: none that is in the log). */
void lookup_append(struct lookup *l, const struct mailbox_record *record, unsigned labels,
                   uint64_t covers);

/* Appends a head of the certificate log, which stands in the view from now on. */
void lookup_see(const struct lookup *l, uint64_t size, uint64_t timestamp, struct view *v);

/* What is answered at the path of ask, also with consistency proofs and by desk_answer. */
void lookup_answer(struct lookup *l, const struct ask *ask, struct buf *body, struct answer *ret);

/* Puts `to` in the place of the first `from` in the body. */
void lookup_bend(struct buf *body, const char *from, const char *to);

/* Another letter in the place of the nth behind the first `after`. */
void lookup_flip(struct buf *body, const char *after, size_t nth);

#endif
