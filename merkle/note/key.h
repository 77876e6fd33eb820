/*
 * Public keys that verify: Ed25519 by libsodium, P-256 ECDSA with SHA-256 by libcrypto; note
 * verifier keys (vkey) and key ids, C2SP signed-note "Verifier keys"; log ids, RFC 6962
 * section 3.2.
 *
 * Holds no private key.  No I/O, no clock.  Uses hash, span, buf, text, result.
 */
#ifndef MERKLE_NOTE_KEY_H
#define MERKLE_NOTE_KEY_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Signature type identifier bytes. */
#define KEY_ED25519 0x01
#define KEY_COSIGNATURE_ED25519 0x04
#define KEY_RFC6962 0x05

/* Longest key name; signed-note sets none, origins are schema-less URLs. */
#define KEY_NAME_MAX 255
#define KEY_VKEY_MAX 512

/* A P-256 public key, parsed. */
struct p256_key;

/*
 * Reads a DER SubjectPublicKeyInfo of a P-256 key.  One form is taken, since the log id is its
 * hash: named curve, uncompressed point, a point of the curve.  RES_KEY; RES_MEMORY; RES_CRYPTO.
 * Free with p256_key_free.
 */
MUST_CHECK enum result p256_key_parse(struct span spki, struct p256_key **ret);
void p256_key_free(struct p256_key *k); /* NULL does nothing */

/* The DER SubjectPublicKeyInfo, borrowed from k, and its SHA-256: the LogID of RFC 6962. */
struct span p256_key_spki(const struct p256_key *k);
const struct hash *p256_key_id(const struct p256_key *k);

/* Checks an ECDSA signature (DER) over a SHA-256 digest / over msg.  RES_SIGNATURE; RES_CRYPTO.
 * Thread: a key may be used by several threads at once. */
MUST_CHECK enum result p256_verify_digest(const struct p256_key *k, const struct hash *digest,
                                          struct span signature);
MUST_CHECK enum result p256_verify(const struct p256_key *k, struct span msg,
                                   struct span signature);

/* Checks an Ed25519 signature (64 bytes) by the 32-byte key over msg, strictly: s below the group's
 * order, R and the key canonical and not of small order.  RES_SIGNATURE. */
MUST_CHECK enum result ed25519_verify(const uint8_t key[static 32], struct span msg,
                                      struct span signature);

/* A verifier key of a signed note. */
struct note_key {
    char name[KEY_NAME_MAX + 1];
    uint32_t id;
    uint8_t type;       /* KEY_* */
    uint8_t public[32]; /* Ed25519: the key.  RFC 6962: the log id */
    struct p256_key
        *p256; /* RFC 6962 only; borrowed, may be NULL: then signatures are only recognised */
};

/* Whether name is one in a signature line: valid UTF-8, not empty, no '+', no space of any kind. */
bool note_key_name_form(struct span name);

/* Whether name may be a key name: valid UTF-8, not empty, at most KEY_NAME_MAX, no '+', no space of
 * any kind. */
bool note_key_name_ok(struct span name);

/* SHA-256(name || 0x0a || type || material)[:4], big-endian. */
uint32_t note_key_id(struct span name, uint8_t type, struct span material);

/* Makes a key of type KEY_ED25519 or KEY_COSIGNATURE_ED25519.  RES_KEY when the name is not
 * allowed. */
MUST_CHECK enum result note_key_ed25519(const char *name, uint8_t type,
                                        const uint8_t public[static 32], struct note_key *ret);

/* Makes the RFC 6962 key of a log: id from the log id, static-ct-api "Checkpoints".  p256 is
 * borrowed and not NULL.  RES_KEY when the name is not allowed. */
MUST_CHECK enum result note_key_rfc6962(const char *name, struct p256_key *p256,
                                        struct note_key *ret);

/* Reads "name+hex id+base64(type || key)", Ed25519 types only, the hex in lower case, the base64
 * canonical; the id must fit.  Whether the key is a point of the curve is not looked at.  RES_KEY.
 */
MUST_CHECK enum result note_key_parse(struct span vkey, struct note_key *ret);

/* Appends the vkey text of an Ed25519 key (KEY_ED25519 or KEY_COSIGNATURE_ED25519: required).
 * Errors of buf_reserve; *out as it was then. */
MUST_CHECK enum result note_key_write(const struct note_key *k, struct buf *out);

#endif
