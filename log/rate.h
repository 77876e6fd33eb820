/*
 * Token buckets by key: how often each issuing key may have something new logged, so that one
 * flooding CA does not keep the others out.
 *
 * A bucket holds at most burst tokens and gains rate tokens a second; a submission takes one.  The
 * table is bounded: when it is full, the bucket that was used longest ago makes room, which at
 * worst gives a key a full bucket again. No clock: now comes in, milliseconds that never go back.
 * Thread-safe; one lock.  Uses hash, result.
 */
#ifndef LOG_RATE_H
#define LOG_RATE_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Issuing keys remembered at once; some hundred CAs issue S/MIME certificates. */
#define RATE_KEYS_MAX 1024

struct rate;

/* rate 0: no limit.  Requires burst >= 1. */
MUST_CHECK enum result rate_new(unsigned rate, unsigned burst, struct rate **ret);
void rate_free(struct rate *r); /* NULL does nothing */

/* Takes a token of key's bucket.  RES_RATE when it is empty. */
MUST_CHECK enum result rate_take(struct rate *r, const struct hash *key, uint64_t now_ms);

#endif
