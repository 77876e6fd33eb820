#include "log/rate.h"

#include <pthread.h>
#include <stdlib.h>

struct bucket {
    struct hash key;
    uint64_t milli; /* thousandths of a token */
    uint64_t last;  /* milliseconds; 0: never used */
};

struct rate {
    pthread_mutex_t lock; /* guards all below */
    unsigned rate, burst;
    size_t count;
    struct bucket bucket[RATE_KEYS_MAX];
};

enum result
rate_new(unsigned rate, unsigned burst, struct rate **ret)
{
    struct rate *r = calloc(1, sizeof(*r));
    if (!r)
        return RES_MEMORY;
    (void)pthread_mutex_init(&r->lock, NULL);
    r->rate = rate;
    r->burst = burst;
    *ret = r;
    return RES_OK;
}

void
rate_free(struct rate *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* The key's bucket, or the one that makes room for it, full. */
static struct bucket *
find(struct rate *r, const struct hash *key, uint64_t now)
{
    struct bucket *oldest = &r->bucket[0];
    for (size_t i = 0; i < r->count; i++) {
        struct bucket *b = &r->bucket[i];
        if (hash_equal(&b->key, key))
            return b;
        if (b->last < oldest->last)
            oldest = b;
    }
    struct bucket *b = r->count < RATE_KEYS_MAX ? &r->bucket[r->count++] : oldest;
    *b = (struct bucket){.key = *key, .milli = (uint64_t)r->burst * 1000, .last = now};
    return b;
}

/* What has come in since the bucket was last used, without overflow after a long pause. */
static void
fill(const struct rate *r, struct bucket *b, uint64_t now)
{
    uint64_t full = (uint64_t)r->burst * 1000, passed = now > b->last ? now - b->last : 0;
    b->last = now;
    if (passed >= full / r->rate)
        b->milli = full;
    else
        b->milli += passed * r->rate;
    if (b->milli > full)
        b->milli = full;
}

enum result
rate_take(struct rate *r, const struct hash *key, uint64_t now_ms)
{
    enum result rc = RES_RATE;
    if (r->rate == 0)
        return RES_OK;
    (void)pthread_mutex_lock(&r->lock);
    struct bucket *b = find(r, key, now_ms);
    fill(r, b, now_ms);
    if (b->milli >= 1000) {
        b->milli -= 1000;
        rc = RES_OK;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return rc;
}
