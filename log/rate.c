#include "log/rate.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
/* Keys of one table: far more than any caller remembers; their numbers fit into 32 bits. */
#define KEYS_LIMIT ((size_t)1 << 24)

struct bucket {
    struct hash key;
    uint64_t milli; /* thousandths of a token */
    uint64_t last;  /* milliseconds */
    uint32_t next;  /* in its chain */
    uint32_t newer, older;
};

struct rate {
    pthread_mutex_t lock; /* guards all below */
    unsigned rate, burst;
    uint32_t count, max;
    uint32_t newest, oldest; /* by use */
    uint32_t mask;           /* chains - 1 */
    uint32_t *chain;         /* each one's first bucket */
    struct bucket *bucket;
    uint8_t secret[crypto_shorthash_KEYBYTES];
};

static enum result
make_table(struct rate *r, size_t keys)
{
    size_t chains = 1;
    if (sodium_init() < 0)
        return RES_CRYPTO;
    while (chains < keys)
        chains *= 2;
    r->chain = malloc(chains * sizeof(*r->chain));
    r->bucket = calloc(keys, sizeof(*r->bucket));
    if (!r->chain || !r->bucket)
        return RES_MEMORY;
    for (size_t i = 0; i < chains; i++)
        r->chain[i] = NONE;
    r->mask = (uint32_t)(chains - 1);
    r->max = (uint32_t)keys;
    randombytes_buf(r->secret, sizeof(r->secret));
    return RES_OK;
}

enum result
rate_new(unsigned rate, unsigned burst, size_t keys, struct rate **ret)
{
    assert(burst >= 1 && keys >= 1 && keys <= KEYS_LIMIT);
    struct rate *r = calloc(1, sizeof(*r));
    if (!r)
        return RES_MEMORY;
    (void)pthread_mutex_init(&r->lock, NULL);
    r->rate = rate;
    r->burst = burst;
    r->newest = r->oldest = NONE;
    enum result rc = rate == 0 ? RES_OK : make_table(r, keys);
    if (rc != RES_OK) {
        rate_free(r);
        return rc;
    }
    *ret = r;
    return RES_OK;
}

void
rate_free(struct rate *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r->chain);
    free(r->bucket);
    free(r);
}

/* ---- the table ---- */

/* Where the number of the chain's first bucket stands. */
static uint32_t *
chain_of(struct rate *r, const struct hash *key)
{
    uint8_t h[crypto_shorthash_BYTES];
    uint32_t n;
    (void)crypto_shorthash(h, key->b, sizeof(key->b), r->secret);
    memcpy(&n, h, sizeof(n));
    return &r->chain[n & r->mask];
}

static void
leave_order(struct rate *r, uint32_t i)
{
    const struct bucket *b = &r->bucket[i];
    *(b->newer == NONE ? &r->newest : &r->bucket[b->newer].older) = b->older;
    *(b->older == NONE ? &r->oldest : &r->bucket[b->older].newer) = b->newer;
}

static void
become_newest(struct rate *r, uint32_t i)
{
    struct bucket *b = &r->bucket[i];
    b->newer = NONE;
    b->older = r->newest;
    *(r->newest == NONE ? &r->oldest : &r->bucket[r->newest].newer) = i;
    r->newest = i;
}

/* The place of a bucket for a new key: a free one, or that of the one used longest ago. */
static uint32_t
make_room(struct rate *r)
{
    if (r->count < r->max)
        return r->count++;
    uint32_t i = r->oldest, *at = chain_of(r, &r->bucket[i].key);
    while (*at != i)
        at = &r->bucket[*at].next;
    *at = r->bucket[i].next;
    leave_order(r, i);
    return i;
}

/* The key's bucket, the newest from now on; full when it had none. */
static struct bucket *
find(struct rate *r, const struct hash *key, uint64_t now)
{
    uint32_t i = *chain_of(r, key);
    while (i != NONE && !hash_equal(&r->bucket[i].key, key))
        i = r->bucket[i].next;
    if (i != NONE) {
        leave_order(r, i);
    } else {
        i = make_room(r);
        uint32_t *first = chain_of(r, key);
        r->bucket[i] = (struct bucket){
            .key = *key, .milli = (uint64_t)r->burst * 1000, .last = now, .next = *first};
        *first = i;
    }
    become_newest(r, i);
    return &r->bucket[i];
}

/* ---- tokens ---- */

/* What has come in since the bucket was last used, without overflow after a long pause: up to the
 * quotient, which is rounded down, the product is at most full; beyond it, it is more. */
static void
fill(const struct rate *r, struct bucket *b, uint64_t now)
{
    uint64_t full = (uint64_t)r->burst * 1000, passed = now > b->last ? now - b->last : 0;
    b->last = now;
    if (passed > full / r->rate)
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

size_t
rate_keys(struct rate *r)
{
    (void)pthread_mutex_lock(&r->lock);
    size_t n = r->count;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}
