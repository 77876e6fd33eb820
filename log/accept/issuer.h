/*
 * Issuers' keys: decoded once, then used by any thread.
 *
 * Decoding a public key costs OpenSSL 90 µs and does not scale over threads; checking a P-256
 * signature 60 µs; the key of a CA at work gets a table, with which it takes 35 (multiples.h).
 * issuer_cache.h keeps the keys of CA certificates that are not roots.  Uses merkle/leaf,
 * libcrypto.
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

/* Private, for the unit test; any thread.  Whether the key has its multiples by now; how many keys
 * of the process have or are getting them. */
bool issuer_has_multiples(const struct issuer *i);
unsigned issuer_tables(void);

#endif
