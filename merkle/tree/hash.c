/* SHA256_* is deprecated in favour of EVP, which allocates and takes several times as long for a
 * node. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "merkle/tree/hash.h"

#include <openssl/sha.h>

/* The prefixes give "second preimage resistance": RFC 6962 2.1. */
static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

void
hash_sha256_parts(const struct span *parts, size_t n, struct hash *ret)
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    for (size_t i = 0; i < n; i++)
        if (parts[i].n > 0)
            SHA256_Update(&ctx, parts[i].p, parts[i].n);
    SHA256_Final(ret->b, &ctx);
}

void
hash_sha256(struct span s, struct hash *ret)
{
    hash_sha256_parts(&s, 1, ret);
}

void
hash_empty(struct hash *ret)
{
    hash_sha256_parts(NULL, 0, ret);
}

void
hash_leaf(struct span d, struct hash *ret)
{
    const struct span parts[] = {span_of(&leaf_prefix, 1), d};

    hash_sha256_parts(parts, 2, ret);
}

void
hash_node(const struct hash *left, const struct hash *right, struct hash *ret)
{
    uint8_t b[1 + 2 * HASH_SIZE];

    b[0] = node_prefix;
    memcpy(b + 1, left->b, HASH_SIZE);
    memcpy(b + 1 + HASH_SIZE, right->b, HASH_SIZE);
    hash_sha256(span_of(b, sizeof(b)), ret);
}

bool
hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, HASH_SIZE) == 0;
}
