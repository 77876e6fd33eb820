#include "log/accept/issuer.h"

#include "log/accept/contexts.h"
#include "log/accept/keyalg.h"
#include "log/accept/multiples.h"
#include "log/accept/sigalg.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define P256_BITS 256

struct issuer {
    atomic_uint references;
    enum keyalg kind;
    EVP_PKEY *key;
    atomic_uint confirmed;                 /* by libcrypto, when the key is on P-256 */
    _Atomic(struct multiples *) multiples; /* NULL until it has confirmed many */
    struct contexts contexts;
};

/* Multiples held by all issuers of the process. */
static atomic_uint tables;

/* Requires that the table's kinds are what libcrypto decoded. */
static bool
key_fits(const EVP_PKEY *key, enum keyalg kind)
{
    int bits = EVP_PKEY_get_bits(key);

    switch (kind) {
    case KEYALG_RSA:
        return EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    case KEYALG_RSA_PSS:
        return EVP_PKEY_is_a(key, "RSA-PSS") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    case KEYALG_EC:
        return EVP_PKEY_is_a(key, "EC");
    case KEYALG_ED25519:
        return EVP_PKEY_is_a(key, "ED25519");
    case KEYALG_ED448:
        return EVP_PKEY_is_a(key, "ED448");
    }
    return false;
}

enum result
issuer_new(struct span spki, struct issuer **ret)
{
    struct issuer *i;
    const unsigned char *p = spki.p;
    enum keyalg kind;
    EVP_PKEY *key;

    if (keyalg_parse(spki, &kind) != RES_OK) {
        return RES_CHAIN_KEY;
    }
    key = d2i_PUBKEY(NULL, &p, (long)spki.n);
    ERR_clear_error();
    if (key == NULL || p != spki.p + spki.n || !key_fits(key, kind)) {
        EVP_PKEY_free(key);
        return RES_CHAIN_KEY;
    }
    i = calloc(1, sizeof *i);
    if (i == NULL) {
        EVP_PKEY_free(key);
        return RES_MEMORY;
    }
    atomic_init(&i->references, 1);
    i->kind = kind;
    i->key = key;
    atomic_init(&i->confirmed, 0);
    atomic_init(&i->multiples, NULL);
    contexts_init(&i->contexts, key);
    *ret = i;
    return RES_OK;
}

struct issuer *
issuer_ref(struct issuer *i)
{
    atomic_fetch_add_explicit(&i->references, 1, memory_order_relaxed);
    return i;
}

void
issuer_unref(struct issuer *i)
{
    if (i == NULL || atomic_fetch_sub(&i->references, 1) != 1) {
        return;
    }
    contexts_release(&i->contexts);
    if (atomic_load(&i->multiples) != NULL) {
        multiples_free(atomic_load(&i->multiples));
        atomic_fetch_sub(&tables, 1);
    }
    EVP_PKEY_free(i->key);
    free(i);
}

/* The multiples of i's key; NULL when libcrypto cannot. */
static struct multiples *
make_multiples(const struct issuer *i)
{
    struct multiples *m;
    unsigned char *point = NULL;
    size_t n = EVP_PKEY_get1_encoded_public_key(i->key, &point);
    enum result r = multiples_new(span_of(point, n), &m);

    OPENSSL_free(point);
    return r == RES_OK ? m : NULL;
}

/* Counts a signature that libcrypto has confirmed; the key of a CA at work gets its multiples, as
 * long as few have them. */
static void
count_confirmed(const struct issuer *i)
{
    struct issuer *own = (struct issuer *)(uintptr_t)i;
    struct multiples *none = NULL, *m;

    if (EVP_PKEY_get_bits(i->key) != P256_BITS ||
        (atomic_fetch_add_explicit(&own->confirmed, 1, memory_order_relaxed) + 1) % ISSUER_BUSY !=
            0) {
        return;
    }
    m = atomic_fetch_add(&tables, 1) < ISSUER_TABLES_MAX ? make_multiples(i) : NULL;
    if (m == NULL || !atomic_compare_exchange_strong(&own->multiples, &none, m)) {
        multiples_free(m);
        atomic_fetch_sub(&tables, 1);
    }
}

bool
issuer_has_multiples(const struct issuer *i)
{
    return atomic_load(&i->multiples) != NULL;
}

unsigned
issuer_tables(void)
{
    return atomic_load(&tables);
}

/* Whether the key has multiples, and they say that the signature is good. */
static bool
confirmed_by_multiples(const struct issuer *i, const struct hash *digest, struct span signature)
{
    const struct multiples *m = atomic_load_explicit(&i->multiples, memory_order_acquire);

    return m != NULL && multiples_confirm(m, digest, signature);
}

static enum result
verify_digest(const struct issuer *i, const struct sigalg *a, const struct cert *c)
{
    struct issuer *own = (struct issuer *)(uintptr_t)i; /* contexts are a cache: logically const */
    const EVP_MD *h = contexts_hash(a->hash);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = sizeof digest;
    EVP_PKEY_CTX *ctx;
    int rc;

    if (h == NULL) {
        return RES_CRYPTO;
    }
    if (a->scheme == SIGALG_ECDSA && a->hash == SIGALG_SHA256) {
        struct hash sha256;

        hash_sha256(c->tbs, &sha256);
        if (confirmed_by_multiples(i, &sha256, c->signature)) {
            return RES_OK;
        }
        memcpy(digest, sha256.b, HASH_SIZE);
        size = HASH_SIZE;
    } else if (EVP_Digest(c->tbs.p, c->tbs.n, digest, &size, h, NULL) != 1) {
        return RES_CRYPTO;
    }
    ctx = contexts_take(&own->contexts, a);
    if (ctx == NULL) {
        return a->scheme == SIGALG_PSS ? RES_CHAIN_SIGNATURE_ALGORITHM : RES_CRYPTO;
    }
    rc = EVP_PKEY_verify(ctx, c->signature.p, c->signature.n, digest, size);
    if (rc == 1) {
        contexts_give(&own->contexts, a, ctx);
        if (a->scheme == SIGALG_ECDSA && a->hash == SIGALG_SHA256) {
            count_confirmed(i);
        }
    } else {
        EVP_PKEY_CTX_free(ctx);
    }
    return rc == 1 ? RES_OK : RES_CHAIN_SIGNATURE; /* malformed signatures give -1 */
}

static enum result
verify_message(const struct issuer *i, const struct cert *c)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc;

    if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, i->key, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return RES_CRYPTO;
    }
    rc = EVP_DigestVerify(ctx, c->signature.p, c->signature.n, c->tbs.p, c->tbs.n);
    EVP_MD_CTX_free(ctx);
    return rc == 1 ? RES_OK : RES_CHAIN_SIGNATURE;
}

enum result
issuer_verify(const struct issuer *i, const struct cert *c)
{
    struct sigalg a;
    enum result r;

    if (!span_equal(c->algorithm, c->tbs_algorithm)) {
        return RES_CHAIN_SIGNATURE_ALGORITHM;
    }
    r = sigalg_parse(c->algorithm, &a);
    if (r != RES_OK) {
        return r;
    }
    if (!keyalg_signs(i->kind, a.scheme)) {
        return RES_CHAIN_SIGNATURE_ALGORITHM;
    }
    if (a.scheme == SIGALG_ED25519 || a.scheme == SIGALG_ED448) {
        r = verify_message(i, c);
    } else {
        r = verify_digest(i, &a, c);
    }
    if (r != RES_OK) {
        ERR_clear_error();
    }
    return r;
}
