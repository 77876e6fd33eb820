#include "log/known.h"

#include <pthread.h>
#include <stdlib.h>

struct known {
    pthread_rwlock_t lock; /* guards all below */
    struct hash *slot; /* open addressing; an all-zero hash is an empty slot (2^-256 to be one) */
    size_t slots, count;
};

static const struct hash EMPTY;

enum result
known_new(struct known **ret)
{
    struct known *k = calloc(1, sizeof(*k));
    if (!k)
        return RES_MEMORY;
    k->slots = 64;
    k->slot = calloc(k->slots, sizeof(*k->slot));
    if (!k->slot) {
        free(k);
        return RES_MEMORY;
    }
    (void)pthread_rwlock_init(&k->lock, NULL);
    *ret = k;
    return RES_OK;
}

void
known_free(struct known *k)
{
    if (!k)
        return;
    (void)pthread_rwlock_destroy(&k->lock);
    free(k->slot);
    free(k);
}

/* The slot that holds h, or the empty one where it would go. */
static struct hash *
probe(struct hash *slot, size_t slots, const struct hash *h)
{
    size_t at;
    memcpy(&at, h->b, sizeof(at));
    for (at %= slots;; at = (at + 1) % slots)
        if (hash_equal(&slot[at], &EMPTY) || hash_equal(&slot[at], h))
            return &slot[at];
}

bool
known_has(struct known *k, const struct hash *sha256)
{
    (void)pthread_rwlock_rdlock(&k->lock);
    bool has = hash_equal(probe(k->slot, k->slots, sha256), sha256);
    (void)pthread_rwlock_unlock(&k->lock);
    return has;
}

static enum result
grow(struct known *k)
{
    size_t slots = k->slots * 2;
    struct hash *slot = calloc(slots, sizeof(*slot));
    if (!slot)
        return RES_MEMORY;
    for (size_t i = 0; i < k->slots; i++)
        if (!hash_equal(&k->slot[i], &EMPTY))
            *probe(slot, slots, &k->slot[i]) = k->slot[i];
    free(k->slot);
    k->slot = slot;
    k->slots = slots;
    return RES_OK;
}

enum result
known_add(struct known *k, const struct hash *sha256)
{
    enum result rc = RES_OK;
    (void)pthread_rwlock_wrlock(&k->lock);
    struct hash *at = probe(k->slot, k->slots, sha256);
    if (!hash_equal(at, sha256)) {
        if (2 * k->count >= k->slots)
            rc = grow(k);
        if (rc == RES_OK) {
            *probe(k->slot, k->slots, sha256) = *sha256;
            k->count++;
        }
    }
    (void)pthread_rwlock_unlock(&k->lock);
    return rc;
}
