/*
 * Issuers' keys, kept by the fingerprint of the certificate that holds them.
 *
 * It also remembers which (certificate, issuer) pairs of CA certificates have verified, so that a
 * known chain costs one signature check, the leaf's.  Thread-safe: its lock is held for a look-up
 * only, never while a key is decoded or a signature checked.  Uses issuer, lru.
 */
#ifndef LOG_ACCEPT_ISSUER_CACHE_H
#define LOG_ACCEPT_ISSUER_CACHE_H

#include "log/accept/issuer.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* A cache of at most cap keys and cap verified pairs; the least recently used go first. */
struct issuer_cache;
MUST_CHECK enum result
issuer_cache_new(size_t cap, struct issuer_cache **ret); /* RES_MEMORY; requires 0 < cap */
void issuer_cache_free(struct issuer_cache *c); /* NULL does nothing; keys handed out stay */

/*
 * The key of the CA certificate with that fingerprint, decoded when it is not there; a reference
 * for the caller. Two threads that miss at once may both decode, and get the same key.  Errors of
 * issuer_new, which are not remembered.
 */
MUST_CHECK enum result issuer_cache_get(struct issuer_cache *c, const struct hash *sha256,
                                        struct span spki, struct issuer **ret);

/* Whether the pair is remembered as verified.  Remembers it; twice is once. */
bool issuer_cache_verified(struct issuer_cache *c, const struct hash *cert,
                           const struct hash *issuer);
void issuer_cache_remember(struct issuer_cache *c, const struct hash *cert,
                           const struct hash *issuer);

#endif
