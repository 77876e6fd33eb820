/*
 * Token buckets by key: how often each source may ask for what costs something, so that one that
 * floods does not keep the others out.
 *
 * Keys are issuing keys (log/submit) and clients' networks (api/http).  A bucket holds at most
 * burst tokens and gains rate tokens a second; what is asked for takes one.  The table is bounded:
 * when it is full, the bucket that was used longest ago makes room, which at worst gives a key a
 * full bucket again.  A look costs the same however many keys there are and whoever chose them:
 * chains are chosen by a keyed hash.
 *
 * No clock: now comes in, milliseconds that never go back.  Thread-safe; one lock.  Uses hash,
 * result, libsodium.
 */
#ifndef LOG_RATE_H
#define LOG_RATE_H

#include <stddef.h>

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Issuing keys remembered at once; some hundred CAs issue S/MIME certificates. */
#define RATE_KEYS_MAX 1024

struct rate;

/* keys: how many are remembered at once; 64 bytes each, taken at once.  rate 0: no limit, nothing
 * is kept.  Requires burst >= 1 and 1 <= keys <= 2^24.  RES_MEMORY, RES_CRYPTO. */
MUST_CHECK enum result rate_new(unsigned rate, unsigned burst, size_t keys, struct rate **ret);
void rate_free(struct rate *r); /* NULL does nothing */

/* Takes a token of key's bucket.  RES_RATE when it is empty. */
MUST_CHECK enum result rate_take(struct rate *r, const struct hash *key, uint64_t now_ms);

/* Keys that are remembered now. */
size_t rate_keys(struct rate *r);

#endif
