#include "merkle/keytrans/commitment.h"

#include <sodium.h>

#define BLOCK 64

/* Kc, filled up with zeroes to a block. */
static const uint8_t key[BLOCK] = {
    0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97, 0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5,
};

/* K XOR the repeated byte: RFC 2104 2, ipad and opad. */
static void
pad(uint8_t byte, uint8_t ret[static BLOCK])
{
    for (int i = 0; i < BLOCK; i++)
        ret[i] = key[i] ^ byte;
}

enum result
commitment_make(const uint8_t opening[static COMMITMENT_OPENING_SIZE], struct span label,
                uint32_t version, struct span update, struct hash *ret)
{
    if (label.n > COMMITMENT_LABEL_MAX)
        return RES_VALUE;
    const uint8_t length[] = {(uint8_t)label.n};
    const uint8_t number[] = {(uint8_t)(version >> 24), (uint8_t)(version >> 16),
                              (uint8_t)(version >> 8), (uint8_t)version};
    uint8_t block[BLOCK];
    struct hash inner;
    pad(0x36, block);
    const struct span value[] = {
        span_of(block, BLOCK),          span_of(opening, COMMITMENT_OPENING_SIZE),
        span_of(length, sizeof length), label,
        span_of(number, sizeof number), update,
    };
    hash_sha256_parts(value, sizeof value / sizeof value[0], &inner);
    pad(0x5c, block);
    const struct span outer[] = {span_of(block, BLOCK), hash_span(&inner)};
    hash_sha256_parts(outer, 2, ret);
    return RES_OK;
}

enum result
commitment_verify(const struct hash *commitment,
                  const uint8_t opening[static COMMITMENT_OPENING_SIZE], struct span label,
                  uint32_t version, struct span update)
{
    struct hash h;
    enum result rc = commitment_make(opening, label, version, update, &h);
    if (rc != RES_OK)
        return rc;
    return sodium_memcmp(h.b, commitment->b, HASH_SIZE) == 0 ? RES_OK : RES_COMMITMENT;
}
