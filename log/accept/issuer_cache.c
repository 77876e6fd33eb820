#include "log/accept/issuer_cache.h"

#include "log/accept/lru.h"

#include <pthread.h>
#include <stdlib.h>

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
