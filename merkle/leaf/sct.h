/*
 * Signed certificate timestamps and signed tree heads: RFC 6962 sections 3.2, 3.3 and 3.5.
 *
 * Pure but for the buffers' memory.  Uses codec, entry, hash.
 */
#ifndef MERKLE_LEAF_SCT_H
#define MERKLE_LEAF_SCT_H

#include "merkle/base/buf.h"
#include "merkle/base/codec.h"
#include "merkle/base/result.h"
#include "merkle/leaf/entry.h"
#include "merkle/tree/hash.h"

/* Most SCTs read from one list. */
#define SCT_LIST_MAX 64

/* DigitallySigned, RFC 5246 section 4.7. */
struct digitally_signed {
    uint8_t hash;          /* 4 = SHA-256 */
    uint8_t algorithm;     /* 1 = RSA, 3 = ECDSA */
    struct span signature; /* borrowed */
};

struct sct {
    struct hash log_id;
    uint64_t timestamp;     /* milliseconds since 1970 */
    struct span extensions; /* CtExtensions, borrowed */
    struct digitally_signed signature;
};

/*
 * Appends or reads a DigitallySigned.  Writing: RES_VALUE when the signature is longer than 2^16-1,
 * errors of buf_reserve; *out as it was on failure.  Reading: r may hold more after it, the error
 * is r's and is returned, *ret is written only on success.
 */
MUST_CHECK enum result digitally_signed_write(const struct digitally_signed *d, struct buf *out);
MUST_CHECK enum result digitally_signed_read(struct reader *r, struct digitally_signed *ret);

/* Appends the SignedCertificateTimestamp (version 0).  Errors as digitally_signed_write. */
MUST_CHECK enum result sct_write(const struct sct *s, struct buf *out);

/* Reads one, all of in; borrows.  RES_VALUE for another version; RES_TRUNCATED; RES_TRAILING. */
MUST_CHECK enum result sct_parse(struct span in, struct sct *ret);

/* Reads a SignedCertificateTimestampList into ret[0, *ret_n); unknown versions are left out.
 * RES_TOO_LARGE for more than cap; RES_VALUE for an empty list or element; RES_TRUNCATED;
 * RES_TRAILING. ret's content is of no use on failure. */
MUST_CHECK enum result sct_list_parse(struct span in, struct sct *ret, size_t cap, size_t *ret_n);

/* Appends what an SCT signs: version, signature_type certificate_timestamp, then the
 * TimestampedEntry: the bytes of entry_leaf_write, and its errors. */
MUST_CHECK enum result sct_signed_data(const struct timestamped_entry *t, struct buf *out);

/* The SHA-256 of those bytes without building them. */
void sct_signed_digest(const struct timestamped_entry *t, struct hash *ret);

/* Bytes of TreeHeadSignature's input: version, type tree_hash, timestamp, size, root. */
#define STH_SIGNED_SIZE 50

/* Writes what a signed tree head signs. */
void sth_signed_data(uint64_t timestamp, uint64_t size, const struct hash *root,
                     uint8_t out[static STH_SIGNED_SIZE]);

#endif
