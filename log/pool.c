#include "log/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct pool {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t come;  /* something to take, or closed */
    struct pending *first, **end;
    unsigned count, capacity;
    bool closed;
};

/* Copies s to *at and moves on. */
static struct span
place(uint8_t **at, struct span s)
{
    struct span here = span_of(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return here;
}

enum result
pending_new(const struct chain *c, const bool *known, log_receipt_fn *done, void *arg,
            struct pending **ret)
{
    size_t n = c->entry.body.n + c->precertificate.n;
    for (size_t i = 0; i < c->issuer_count; i++)
        n += known[i] ? 0 : c->issuer[i].n;
    struct pending *p = malloc(sizeof(*p) + n);
    if (!p)
        return RES_MEMORY;
    memset(p, 0, sizeof(*p));
    p->done = done;
    p->arg = arg;
    p->key = c->key;
    p->entry = c->entry;
    uint8_t *at = p->bytes;
    p->entry.body = place(&at, c->entry.body);
    if (c->precertificate.n)
        hash_sha256(c->precertificate, &p->precertificate_sha256);
    p->precertificate = place(&at, c->precertificate);
    p->issuer_count = c->issuer_count;
    for (size_t i = 0; i < c->issuer_count; i++) {
        p->issuer_sha256[i] = c->issuer_sha256[i];
        if (!known[i])
            p->issuer[i] = place(&at, c->issuer[i]);
    }
    *ret = p;
    return RES_OK;
}

void
pending_free(struct pending *p)
{
    free(p);
}

enum result
pool_new(unsigned capacity, struct pool **ret)
{
    struct pool *p = calloc(1, sizeof(*p));
    if (!p)
        return RES_MEMORY;
    pthread_condattr_t monotonic;
    int failed = pthread_mutex_init(&p->lock, NULL);
    assert(!failed);
    failed = pthread_condattr_init(&monotonic) ||
             pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) ||
             pthread_cond_init(&p->come, &monotonic);
    assert(!failed);
    (void)failed;
    (void)pthread_condattr_destroy(&monotonic);
    p->end = &p->first;
    p->capacity = capacity;
    *ret = p;
    return RES_OK;
}

void
pool_free(struct pool *p)
{
    if (!p)
        return;
    assert(!p->first);
    (void)pthread_cond_destroy(&p->come);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

enum result
pool_put(struct pool *pool, struct pending *p)
{
    enum result rc = RES_OK;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->closed) {
        rc = RES_DRAINING;
    } else if (pool->count >= pool->capacity) {
        rc = RES_BUSY;
    } else {
        p->next = NULL;
        *pool->end = p;
        pool->end = &p->next;
        pool->count++;
        if (pool->count == 1)
            (void)pthread_cond_signal(&pool->come);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return rc;
}

static struct timespec
deadline_after(uint64_t ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Cuts the first max off the queue. */
static struct pending *
cut(struct pool *pool, unsigned max)
{
    struct pending *list = pool->first, **at = &pool->first;
    while (*at && max > 0) {
        at = &(*at)->next;
        max--;
        pool->count--;
    }
    struct pending *rest = *at;
    *at = NULL;
    pool->first = rest;
    if (!rest)
        pool->end = &pool->first;
    return list;
}

bool
pool_take(struct pool *pool, unsigned max, uint64_t wait_ms, struct pending **ret)
{
    struct timespec deadline = deadline_after(wait_ms);
    int timed_out = 0;
    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->closed && !timed_out)
        timed_out = pthread_cond_timedwait(&pool->come, &pool->lock, &deadline);
    *ret = pool->first ? cut(pool, max) : NULL;
    bool more = *ret || !pool->closed;
    (void)pthread_mutex_unlock(&pool->lock);
    return more;
}

void
pool_close(struct pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    (void)pthread_cond_broadcast(&pool->come);
    (void)pthread_mutex_unlock(&pool->lock);
}

unsigned
pool_waiting(struct pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    unsigned n = pool->count;
    (void)pthread_mutex_unlock(&pool->lock);
    return n;
}
