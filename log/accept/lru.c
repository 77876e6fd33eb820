#include "log/accept/lru.h"

#include <assert.h>
#include <stdlib.h>

/* Nodes are named by their index; no node. */
#define NONE SIZE_MAX

struct node {
    struct lru_key key;
    void *value;
    size_t chain;        /* next in the same bucket */
    size_t newer, older; /* in the order of use */
};

struct lru {
    size_t cap;
    size_t count;
    size_t newest, oldest;
    size_t mask; /* buckets - 1, buckets a power of two */
    void (*release)(void *value);
    size_t *bucket;
    struct node *node;
};

static size_t
bucket_of(const struct lru *l, const struct lru_key *k)
{
    size_t a, b;

    memcpy(&a, k->a.b, sizeof a);
    memcpy(&b, k->b.b, sizeof b);
    return (a ^ b) & l->mask;
}

enum result
lru_new(size_t cap, void (*release)(void *value), struct lru **ret)
{
    struct lru *l = calloc(1, sizeof *l);
    size_t buckets = 1;

    assert(cap > 0 && cap < SIZE_MAX / 4);
    while (buckets < 2 * cap) {
        buckets *= 2;
    }
    if (l == NULL) {
        return RES_MEMORY;
    }
    l->cap = cap;
    l->newest = l->oldest = NONE;
    l->mask = buckets - 1;
    l->release = release;
    l->bucket = calloc(buckets, sizeof l->bucket[0]);
    l->node = calloc(cap, sizeof l->node[0]);
    if (l->bucket == NULL || l->node == NULL) {
        lru_free(l);
        return RES_MEMORY;
    }
    for (size_t i = 0; i < buckets; i++) {
        l->bucket[i] = NONE;
    }
    *ret = l;
    return RES_OK;
}

void
lru_free(struct lru *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        if (l->release != NULL) {
            l->release(l->node[i].value);
        }
    }
    free(l->bucket);
    free(l->node);
    free(l);
}

/* Takes node i out of the order of use. */
static void
unlink_use(struct lru *l, size_t i)
{
    struct node *n = &l->node[i];

    *(n->newer == NONE ? &l->newest : &l->node[n->newer].older) = n->older;
    *(n->older == NONE ? &l->oldest : &l->node[n->older].newer) = n->newer;
}

static void
link_newest(struct lru *l, size_t i)
{
    l->node[i].newer = NONE;
    l->node[i].older = l->newest;
    *(l->newest == NONE ? &l->oldest : &l->node[l->newest].newer) = i;
    l->newest = i;
}

static void
unlink_bucket(struct lru *l, size_t i)
{
    size_t *at = &l->bucket[bucket_of(l, &l->node[i].key)];

    while (*at != i) {
        at = &l->node[*at].chain;
    }
    *at = l->node[i].chain;
}

void *
lru_get(struct lru *l, const struct lru_key *k)
{
    for (size_t i = l->bucket[bucket_of(l, k)]; i != NONE; i = l->node[i].chain) {
        if (memcmp(&l->node[i].key, k, sizeof *k) == 0) {
            unlink_use(l, i);
            link_newest(l, i);
            return l->node[i].value;
        }
    }
    return NULL;
}

void
lru_put(struct lru *l, const struct lru_key *k, void *value)
{
    size_t *head = &l->bucket[bucket_of(l, k)];
    size_t i;

    assert(value != NULL);
    if (l->count < l->cap) {
        i = l->count++;
    } else {
        i = l->oldest;
        unlink_use(l, i);
        unlink_bucket(l, i);
        if (l->release != NULL) {
            l->release(l->node[i].value);
        }
    }
    l->node[i].key = *k;
    l->node[i].value = value;
    l->node[i].chain = *head;
    *head = i;
    link_newest(l, i);
}

size_t
lru_count(const struct lru *l)
{
    return l->count;
}
