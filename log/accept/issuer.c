#include "log/accept/issuer.h"

#include "log/accept/lru.h"
#include "log/accept/multiples.h"
#include "log/accept/sigalg.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define P256_BITS 256

enum kind { KIND_RSA, KIND_RSA_PSS, KIND_EC, KIND_ED25519, KIND_ED448 };

/*
 * Contexts that stand ready: ECDSA takes a digest of any length and needs one; RSA needs to know
 * the hash.  They are made when first wanted, published by compare-and-swap, never changed, and
 * duplicated when a thread finds none to borrow: that takes a dozen allocations and no fetch from a
 * provider.  A duplicate that has done its work waits for the next thread, as many as threads are
 * likely to use one key at once.
 */
#define CONTEXT_ECDSA 0
#define CONTEXT_COUNT SIGALG_HASHES
#define CONTEXT_SPARES 4

struct issuer {
    atomic_uint references;
    enum kind kind;
    EVP_PKEY *key;
    atomic_uint confirmed;                 /* by libcrypto, when the key is on P-256 */
    _Atomic(struct multiples *) multiples; /* NULL until it has confirmed many */
    _Atomic(EVP_PKEY_CTX *) context[CONTEXT_COUNT];
    _Atomic(EVP_PKEY_CTX *) spare[CONTEXT_COUNT][CONTEXT_SPARES];
};

/* Multiples held by all issuers of the process. */
static atomic_uint tables;

/* Hash functions, fetched once for the process. */
static EVP_MD *md[SIGALG_HASHES];
static pthread_once_t md_once = PTHREAD_ONCE_INIT;

static void
fetch_hashes(void)
{
    static const char *const names[SIGALG_HASHES] = {
        [SIGALG_SHA1] = "SHA1",     [SIGALG_SHA224] = "SHA224", [SIGALG_SHA256] = "SHA256",
        [SIGALG_SHA384] = "SHA384", [SIGALG_SHA512] = "SHA512",
    };

    for (size_t i = 0; i < SIGALG_HASHES; i++) {
        md[i] = EVP_MD_fetch(NULL, names[i], NULL);
    }
}

/* NULL when libcrypto is not what it should be. */
static const EVP_MD *
hash_function(enum sigalg_hash h)
{
    pthread_once(&md_once, fetch_hashes);
    return md[h];
}

/*
 * The AlgorithmIdentifiers of the keys on the list, as RFC 3279, RFC 5480 and RFC 8410 fix them.
 * Looked at before anything is decoded: whatever else libcrypto could be talked into decoding is
 * not asked of it.
 */
#define BYTES(...)                                                                       \
    {                                                                                    \
        .p = (const uint8_t[]){__VA_ARGS__}, .n = sizeof((const uint8_t[]){__VA_ARGS__}) \
    }
#define RSA_OID(last) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last
#define EC_OID 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01

static const struct {
    struct span algorithm;
    enum kind kind;
} KEY_ALGORITHMS[] = {
    /* RSA without its NULL is wrong by RFC 3279 section 2.3.1, and harmless */
    {BYTES(0x30, 0x0d, RSA_OID(1), 0x05, 0x00), KIND_RSA},
    {BYTES(0x30, 0x0b, RSA_OID(1)), KIND_RSA},
    {BYTES(0x30, 0x13, EC_OID, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07),
     KIND_EC},
    {BYTES(0x30, 0x10, EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22), KIND_EC},
    {BYTES(0x30, 0x10, EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23), KIND_EC},
    {BYTES(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70), KIND_ED25519},
    {BYTES(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71), KIND_ED448},
};

/* The kind of key by its SubjectPublicKeyInfo. */
static bool
key_kind(struct span spki, enum kind *ret)
{
    static const uint8_t pss[] = {RSA_OID(10)};
    /* the outer head is 2 to 4 bytes */
    size_t head = spki.n > 1 && spki.p[1] > 0x80 ? 2U + (spki.p[1] & 0x7f) : 2;

    if (spki.n < head + 2) {
        return false;
    }
    spki = span_of(spki.p + head, spki.n - head);
    for (size_t i = 0; i < sizeof KEY_ALGORITHMS / sizeof KEY_ALGORITHMS[0]; i++) {
        struct span a = KEY_ALGORITHMS[i].algorithm;

        if (spki.n > a.n && memcmp(spki.p, a.p, a.n) == 0) {
            *ret = KEY_ALGORITHMS[i].kind;
            return true;
        }
    }
    /* id-RSASSA-PSS may carry parameters, which libcrypto holds signatures to */
    if (spki.n > 2 + sizeof pss && memcmp(spki.p + 2, pss, sizeof pss) == 0) {
        *ret = KIND_RSA_PSS;
        return true;
    }
    return false;
}

/* Requires that the table's kinds are what libcrypto decoded. */
static bool
key_fits(const EVP_PKEY *key, enum kind kind)
{
    int bits = EVP_PKEY_get_bits(key);

    switch (kind) {
    case KIND_RSA:
        return EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    case KIND_RSA_PSS:
        return EVP_PKEY_is_a(key, "RSA-PSS") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    case KIND_EC:
        return EVP_PKEY_is_a(key, "EC");
    case KIND_ED25519:
        return EVP_PKEY_is_a(key, "ED25519");
    case KIND_ED448:
        return EVP_PKEY_is_a(key, "ED448");
    }
    return false;
}

enum result
issuer_new(struct span spki, struct issuer **ret)
{
    struct issuer *i;
    const unsigned char *p = spki.p;
    enum kind kind;
    EVP_PKEY *key;

    if (!key_kind(spki, &kind)) {
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
    for (size_t n = 0; n < CONTEXT_COUNT; n++) {
        atomic_init(&i->context[n], NULL);
    }
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
    for (size_t n = 0; n < CONTEXT_COUNT; n++) {
        EVP_PKEY_CTX_free(atomic_load(&i->context[n]));
    }
    for (size_t n = 0; n < CONTEXT_COUNT; n++) {
        for (size_t k = 0; k < CONTEXT_SPARES; k++) {
            EVP_PKEY_CTX_free(atomic_load(&i->spare[n][k]));
        }
    }
    if (atomic_load(&i->multiples) != NULL) {
        multiples_free(atomic_load(&i->multiples));
        atomic_fetch_sub(&tables, 1);
    }
    EVP_PKEY_free(i->key);
    free(i);
}

/* A context set up for a; NULL when the key refuses (an RSA-PSS key with other parameters) or on
 * failure. */
static EVP_PKEY_CTX *
make_context(const struct issuer *i, const struct sigalg *a)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, i->key, NULL);
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;

    if (a->scheme == SIGALG_RSA) {
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(ctx, hash_function(a->hash)) == 1;
    } else if (a->scheme == SIGALG_PSS) {
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(ctx, hash_function(a->hash)) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash_function(a->mgf)) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)a->salt) == 1;
    }
    if (!ok) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static size_t
slot_of(const struct sigalg *a)
{
    return a->scheme == SIGALG_ECDSA ? CONTEXT_ECDSA : (size_t)a->hash;
}

/* A context of the caller's own: a spare one, or a copy of the one that stands ready. */
static EVP_PKEY_CTX *
take_context(const struct issuer *i, const struct sigalg *a)
{
    struct issuer *own = (struct issuer *)(uintptr_t)i; /* the slots are a cache: logically const */
    size_t slot = slot_of(a);
    EVP_PKEY_CTX *ready, *none = NULL;

    if (a->scheme == SIGALG_PSS) {
        return make_context(i, a); /* parameters vary; rare */
    }
    for (size_t k = 0; k < CONTEXT_SPARES; k++) {
        ready = atomic_exchange(&own->spare[slot][k], NULL);
        if (ready != NULL) {
            return ready;
        }
    }
    ready = atomic_load_explicit(&own->context[slot], memory_order_acquire);
    if (ready == NULL) {
        ready = make_context(i, a);
        if (ready == NULL) {
            return NULL;
        }
        if (!atomic_compare_exchange_strong(&own->context[slot], &none, ready)) {
            EVP_PKEY_CTX_free(ready);
            ready = none;
        }
    }
    return EVP_PKEY_CTX_dup(ready);
}

/* Leaves ctx for the next one, or frees it when enough wait. */
static void
give_back(const struct issuer *i, const struct sigalg *a, EVP_PKEY_CTX *ctx)
{
    struct issuer *own = (struct issuer *)(uintptr_t)i;

    for (size_t k = 0; a->scheme != SIGALG_PSS && k < CONTEXT_SPARES; k++) {
        EVP_PKEY_CTX *none = NULL;

        if (atomic_compare_exchange_strong(&own->spare[slot_of(a)][k], &none, ctx)) {
            return;
        }
    }
    EVP_PKEY_CTX_free(ctx);
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
    const EVP_MD *h = hash_function(a->hash);
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
    ctx = take_context(i, a);
    if (ctx == NULL) {
        return a->scheme == SIGALG_PSS ? RES_CHAIN_SIGNATURE_ALGORITHM : RES_CRYPTO;
    }
    rc = EVP_PKEY_verify(ctx, c->signature.p, c->signature.n, digest, size);
    if (rc == 1) {
        give_back(i, a, ctx);
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

/* Whether a key of that kind can make signatures of that scheme. */
static bool
scheme_fits(enum kind k, enum sigalg_scheme s)
{
    switch (k) {
    case KIND_RSA:
        return s == SIGALG_RSA || s == SIGALG_PSS;
    case KIND_RSA_PSS:
        return s == SIGALG_PSS;
    case KIND_EC:
        return s == SIGALG_ECDSA;
    case KIND_ED25519:
        return s == SIGALG_ED25519;
    case KIND_ED448:
        return s == SIGALG_ED448;
    }
    return false;
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
    if (!scheme_fits(i->kind, a.scheme)) {
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

struct issuer_cache {
    pthread_mutex_t lock; /* held for look-ups, never while decoding or verifying */
    struct lru *keys;     /* (fingerprint, zeros) -> struct issuer */
    struct lru *pairs;    /* (fingerprint, fingerprint of the issuer) -> itself */
};

static void
release_issuer(void *value)
{
    issuer_unref(value);
}

enum result
issuer_cache_new(size_t cap, struct issuer_cache **ret)
{
    struct issuer_cache *c = calloc(1, sizeof *c);
    enum result r;

    if (c == NULL) {
        return RES_MEMORY;
    }
    r = lru_new(cap, release_issuer, &c->keys);
    if (r == RES_OK) {
        r = lru_new(cap, NULL, &c->pairs);
    }
    if (r != RES_OK || pthread_mutex_init(&c->lock, NULL) != 0) {
        lru_free(c->keys);
        lru_free(c->pairs);
        free(c);
        return RES_MEMORY;
    }
    *ret = c;
    return RES_OK;
}

void
issuer_cache_free(struct issuer_cache *c)
{
    if (c == NULL) {
        return;
    }
    pthread_mutex_destroy(&c->lock);
    lru_free(c->keys);
    lru_free(c->pairs);
    free(c);
}

enum result
issuer_cache_get(struct issuer_cache *c, const struct hash *sha256, struct span spki,
                 struct issuer **ret)
{
    struct lru_key k = {.a = *sha256};
    struct issuer *mine, *i;
    enum result r;

    pthread_mutex_lock(&c->lock);
    i = lru_get(c->keys, &k);
    if (i != NULL) {
        issuer_ref(i);
    }
    pthread_mutex_unlock(&c->lock);
    if (i != NULL) {
        *ret = i;
        return RES_OK;
    }
    r = issuer_new(spki, &mine);
    if (r != RES_OK) {
        return r;
    }
    pthread_mutex_lock(&c->lock);
    i = lru_get(c->keys, &k); /* another thread may have been faster */
    if (i == NULL) {
        i = mine;
        mine = NULL;
        lru_put(c->keys, &k, i);
    }
    issuer_ref(i);
    pthread_mutex_unlock(&c->lock);
    issuer_unref(mine);
    *ret = i;
    return RES_OK;
}

bool
issuer_cache_verified(struct issuer_cache *c, const struct hash *cert, const struct hash *issuer)
{
    struct lru_key k = {.a = *cert, .b = *issuer};
    bool found;

    pthread_mutex_lock(&c->lock);
    found = lru_get(c->pairs, &k) != NULL;
    pthread_mutex_unlock(&c->lock);
    return found;
}

void
issuer_cache_remember(struct issuer_cache *c, const struct hash *cert, const struct hash *issuer)
{
    struct lru_key k = {.a = *cert, .b = *issuer};

    pthread_mutex_lock(&c->lock);
    if (lru_get(c->pairs, &k) == NULL) {
        lru_put(c->pairs, &k, c->pairs);
    }
    pthread_mutex_unlock(&c->lock);
}
