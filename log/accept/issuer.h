/*
 * Issuers' keys: decoded once, kept by the fingerprint of the certificate that holds them.
 *
 * Decoding a public key costs OpenSSL 90 µs and does not scale over threads; checking a P-256
 * signature 60 µs. Hence this cache.  It also remembers which (certificate, issuer) pairs of CA
 * certificates have verified, so that a known chain costs one signature check, the leaf's.
 * The key of a CA at work gets a table, with which it takes 35 (multiples.h).
 * Thread-safe: its lock is held for a look-up only, never while a key is decoded or a signature
 * checked. Uses merkle/leaf, libcrypto.
 */
#ifndef LOG_ACCEPT_ISSUER_H
#define LOG_ACCEPT_ISSUER_H

#include "merkle/base/result.h"
#include "merkle/leaf/cert.h"
#include "merkle/tree/hash.h"

/* After so many ECDSA signatures with SHA-256 a P-256 key gets its multiples: half as many again,
 * and they have cost less than they saved. */
#define ISSUER_BUSY 2048
/* Keys with multiples, in the whole process: 10 MB. */
#define ISSUER_TABLES_MAX 64

/* A decoded public key that may verify certificates: RSA 2048 to 8192 bits, P-256, P-384, P-521,
 * Ed25519, Ed448. */
struct issuer;

/*
 * Decodes the SubjectPublicKeyInfo.  RES_CHAIN_KEY for a kind or size not on the list or a
 * malformed key; RES_MEMORY, RES_CRYPTO.  One reference.
 */
MUST_CHECK enum result issuer_new(struct span spki, struct issuer **ret);
struct issuer *issuer_ref(struct issuer *i);
void issuer_unref(struct issuer *i); /* NULL does nothing */

/*
 * Checks c's signature with the key: PKCS #1 v1.5 and PSS with SHA-1 and SHA-2, ECDSA, EdDSA.
 * RES_CHAIN_SIGNATURE_ALGORITHM when the algorithm is not on the list, does not fit the key, or
 * differs inside and outside the TBSCertificate; RES_CHAIN_SIGNATURE when it does not verify;
 * RES_CRYPTO.  Any thread, any number of them at once.
 */
MUST_CHECK enum result issuer_verify(const struct issuer *i, const struct cert *c);

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
