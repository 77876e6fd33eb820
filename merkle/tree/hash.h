/*
 * SHA-256 and the hashes of a Merkle tree, RFC 6962 section 2.1.
 *
 * Pure; cannot fail: uses libcrypto's SHA256_* functions, which neither allocate nor fetch
 * (measured: the fastest of what Debian 12 offers).  The only file that calls them.  Uses span.
 */
#ifndef MERKLE_TREE_HASH_H
#define MERKLE_TREE_HASH_H

#include "merkle/base/span.h"

#define HASH_SIZE 32

struct hash {
    uint8_t b[HASH_SIZE];
};

/* SHA-256 of s. */
void hash_sha256(struct span s, struct hash *ret);

/* SHA-256 of the concatenation of n spans. */
void hash_sha256_parts(const struct span *parts, size_t n, struct hash *ret);

/* MTH({}) = SHA-256 of nothing. */
void hash_empty(struct hash *ret);

/* MTH({d}) = SHA-256(0x00 || d). */
void hash_leaf(struct span d, struct hash *ret);

/* SHA-256(0x01 || left || right).  ret may be left or right. */
void hash_node(const struct hash *left, const struct hash *right, struct hash *ret);

/* Not constant time. */
bool hash_equal(const struct hash *a, const struct hash *b);

/* A span over the 32 bytes of *h. */
static inline struct span
hash_span(const struct hash *h)
{
    return span_of(h->b, HASH_SIZE);
}

#endif
