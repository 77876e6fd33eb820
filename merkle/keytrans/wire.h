/*
 * Fields that many structures of KEYTRANS have.  Private to this folder.  Pure.  Uses codec, hash.
 */
#ifndef MERKLE_KEYTRANS_WIRE_H
#define MERKLE_KEYTRANS_WIRE_H

#include "merkle/base/codec.h"
#include "merkle/tree/hash.h"

/* A HashValue; zero when the reader has failed. */
static inline void
get_hash(struct reader *r, struct hash *ret)
{
    struct span s = get_bytes(r, HASH_SIZE);

    memset(ret, 0, sizeof(*ret));
    if (s.n == HASH_SIZE)
        memcpy(ret->b, s.p, HASH_SIZE);
}

/* The presence byte of an optional value; RES_VALUE when it is neither 0 nor 1.  KEYTRANS,
 * "Optional Values". */
static inline bool
get_present(struct reader *r)
{
    uint8_t present = get_u8(r);

    if (present > 1)
        reader_fail(r, RES_VALUE);
    return present == 1;
}

#endif
