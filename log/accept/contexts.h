/*
 * Contexts for verifying with one key, that stand ready.
 *
 * Setting one up fetches from libcrypto's providers, which does not scale over threads.  ECDSA
 * takes a digest of any length and needs one; RSA needs to know the hash.  They are made when first
 * wanted, published by compare-and-swap, never changed, and duplicated when a thread finds none to
 * borrow: that takes a dozen allocations and no fetch from a provider.  A duplicate that has done
 * its work waits for the next thread, as many as threads are likely to use one key at once.
 *
 * Life cycle: init; take and give, any number of threads at once; release.  Private to log/accept.
 * Uses sigalg, libcrypto.
 */
#ifndef LOG_ACCEPT_CONTEXTS_H
#define LOG_ACCEPT_CONTEXTS_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "log/accept/sigalg.h"

#define CONTEXTS_COUNT SIGALG_HASHES
#define CONTEXTS_SPARES 4

struct contexts {
    EVP_PKEY *key; /* borrowed */
    _Atomic(EVP_PKEY_CTX *) context[CONTEXTS_COUNT];
    _Atomic(EVP_PKEY_CTX *) spare[CONTEXTS_COUNT][CONTEXTS_SPARES];
};

/* Allocates nothing.  key is borrowed for the life of c. */
void contexts_init(struct contexts *c, EVP_PKEY *key);

/* Frees what stands ready.  Requires that all that were taken are given back or freed. */
void contexts_release(struct contexts *c);

/* A context for verifying a's signatures, the caller's own: contexts_give or EVP_PKEY_CTX_free.
 * NULL when the key refuses (an RSA-PSS key with other parameters) or on failure.  a: not EdDSA. */
EVP_PKEY_CTX *contexts_take(struct contexts *c, const struct sigalg *a);

/* Leaves ctx, taken for a, for the next one, or frees it when enough wait. */
void contexts_give(struct contexts *c, const struct sigalg *a, EVP_PKEY_CTX *ctx);

/* The hash function, fetched once for the process; NULL when libcrypto is not what it should be. */
const EVP_MD *contexts_hash(enum sigalg_hash h);

#endif
