/*
 * What a log signs and hashes: RFC 6962 sections 3.1, 3.2 and 3.4.
 *
 * Pure but for the buffers' memory.  Uses codec, hash, span, buf, result.
 */
#ifndef MERKLE_LEAF_ENTRY_H
#define MERKLE_LEAF_ENTRY_H

#include "merkle/base/buf.h"
#include "merkle/base/codec.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Longest signed_entry: ASN.1Cert and TBSCertificate are opaque<1..2^24-1>. */
#define ENTRY_BODY_MAX ((1u << 24) - 1)
/* Longest CtExtensions: opaque<0..2^16-1>. */
#define ENTRY_EXTENSIONS_MAX UINT16_MAX

enum entry_type { ENTRY_X509 = 0, ENTRY_PRECERT = 1 };

/* LogEntryType and signed_entry of RFC 6962 section 3.1. */
struct entry {
    enum entry_type type;
    struct hash issuer_key_hash; /* precert only */
    struct span body; /* x509: the certificate; precert: the TBSCertificate.  Borrowed. */
};

/* TimestampedEntry of RFC 6962 section 3.4. */
struct timestamped_entry {
    uint64_t timestamp; /* milliseconds since 1970 */
    struct entry entry;
    struct span extensions; /* CtExtensions, borrowed */
};

/* Length of a CtExtensions that holds a leaf_index and nothing else, static-ct-api "SCT Extension".
 */
#define ENTRY_LEAF_INDEX_SIZE 8
/* leaf_index is a uint40. */
#define ENTRY_LEAF_INDEX_MAX ((UINT64_C(1) << 40) - 1)

/* Writes the CtExtensions with that leaf_index.  Requires index <= ENTRY_LEAF_INDEX_MAX. */
void entry_leaf_index(uint64_t index, uint8_t out[static ENTRY_LEAF_INDEX_SIZE]);

/* Finds the leaf_index in CtExtensions.  RES_ABSENT when there is none; RES_VALUE or RES_TRUNCATED
 * when malformed or there twice. */
MUST_CHECK enum result entry_find_leaf_index(struct span extensions, uint64_t *ret);

/*
 * All writers and hashes below take an entry with 1 <= body.n <= ENTRY_BODY_MAX and
 * extensions.n <= ENTRY_EXTENSIONS_MAX: the writers return RES_VALUE for another, the hashes
 * require it.  The writers also return the errors of buf_reserve, and leave *out as it was on any
 * failure.
 */

/* Appends entry_type (2 bytes) and signed_entry. */
MUST_CHECK enum result entry_write(const struct entry *e, struct buf *out);

/* What makes two submissions the same: SHA-256(entry_type || signed_entry). */
void entry_key(const struct entry *e, struct hash *ret);

/* Appends the TimestampedEntry. */
MUST_CHECK enum result timestamped_entry_write(const struct timestamped_entry *t, struct buf *out);

/* Appends the MerkleTreeLeaf: version 0, leaf type 0, then the TimestampedEntry. */
MUST_CHECK enum result entry_leaf_write(const struct timestamped_entry *t, struct buf *out);

/* Reads a TimestampedEntry from r, which may hold more after it; spans borrow.  The error is r's:
 * RES_VALUE for an unknown entry type or an empty body, RES_TRUNCATED; *ret is of no use then. */
void timestamped_entry_read(struct reader *r, struct timestamped_entry *ret);

/* Reads a MerkleTreeLeaf, all of it; spans borrow.  RES_VALUE for another version or type,
 * RES_TRUNCATED, RES_TRAILING. */
MUST_CHECK enum result entry_leaf_parse(struct span leaf, struct timestamped_entry *ret);

/* The hash of the MerkleTreeLeaf, as a tree holds it: streams the parts, copies nothing. */
void entry_leaf_hash(const struct timestamped_entry *t, struct hash *ret);

/*
 * SHA-256 of the MerkleTreeLeaf without the prefix of a tree's leaf.  A MerkleTreeLeaf and what an
 * SCT signs (section 3.2) are the same bytes: two zeros, which mean version and leaf type in the
 * one, version and signature type in the other, then the TimestampedEntry's fields.
 */
void entry_leaf_digest(const struct timestamped_entry *t, struct hash *ret);

/*
 * extra_data of get-entries, RFC 6962 section 4.6: x509: certificate_chain<0..2^24-1>; precert: the
 * pre_certificate, then precertificate_chain.  chain: n whole certificates, issuers first to root.
 * RES_VALUE for an empty certificate or when lengths do not fit; errors of buf_reserve; *out as it
 * was then.
 */
MUST_CHECK enum result entry_extra_data(enum entry_type type, struct span precertificate,
                                        const struct span *chain, size_t n, struct buf *out);

#endif
