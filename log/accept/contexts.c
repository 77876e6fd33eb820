#include "log/accept/contexts.h"

#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

/* ECDSA takes a digest of any length: the slot of one hash serves all. */
#define CONTEXT_ECDSA 0

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

const EVP_MD *
contexts_hash(enum sigalg_hash h)
{
    pthread_once(&md_once, fetch_hashes);
    return md[h];
}

void
contexts_init(struct contexts *c, EVP_PKEY *key)
{
    c->key = key;
    for (size_t n = 0; n < CONTEXTS_COUNT; n++) {
        atomic_init(&c->context[n], NULL);
        for (size_t k = 0; k < CONTEXTS_SPARES; k++) {
            atomic_init(&c->spare[n][k], NULL);
        }
    }
}

void
contexts_release(struct contexts *c)
{
    for (size_t n = 0; n < CONTEXTS_COUNT; n++) {
        EVP_PKEY_CTX_free(atomic_load(&c->context[n]));
        for (size_t k = 0; k < CONTEXTS_SPARES; k++) {
            EVP_PKEY_CTX_free(atomic_load(&c->spare[n][k]));
        }
    }
}

/* A context set up for a; NULL when the key refuses (an RSA-PSS key with other parameters) or on
 * failure. */
static EVP_PKEY_CTX *
make_context(const struct contexts *c, const struct sigalg *a)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, c->key, NULL);
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1;

    if (a->scheme == SIGALG_RSA) {
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(ctx, contexts_hash(a->hash)) == 1;
    } else if (a->scheme == SIGALG_PSS) {
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(ctx, contexts_hash(a->hash)) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, contexts_hash(a->mgf)) == 1 &&
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

EVP_PKEY_CTX *
contexts_take(struct contexts *c, const struct sigalg *a)
{
    size_t slot = slot_of(a);
    EVP_PKEY_CTX *ready, *none = NULL;

    if (a->scheme == SIGALG_PSS) {
        return make_context(c, a); /* parameters vary; rare */
    }
    for (size_t k = 0; k < CONTEXTS_SPARES; k++) {
        ready = atomic_exchange(&c->spare[slot][k], NULL);
        if (ready != NULL) {
            return ready;
        }
    }
    ready = atomic_load_explicit(&c->context[slot], memory_order_acquire);
    if (ready == NULL) {
        ready = make_context(c, a);
        if (ready == NULL) {
            return NULL;
        }
        if (!atomic_compare_exchange_strong(&c->context[slot], &none, ready)) {
            EVP_PKEY_CTX_free(ready);
            ready = none;
        }
    }
    return EVP_PKEY_CTX_dup(ready);
}

void
contexts_give(struct contexts *c, const struct sigalg *a, EVP_PKEY_CTX *ctx)
{
    for (size_t k = 0; a->scheme != SIGALG_PSS && k < CONTEXTS_SPARES; k++) {
        EVP_PKEY_CTX *none = NULL;

        if (atomic_compare_exchange_strong(&c->spare[slot_of(a)][k], &none, ctx)) {
            return;
        }
    }
    EVP_PKEY_CTX_free(ctx);
}
