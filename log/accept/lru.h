/*
 * A bounded table from 64 bytes to a pointer; the least recently used entry goes first.
 *
 * What the cache of issuers is made of.  Not thread-safe: its owner locks, and holds the lock for a
 * look-up only. The keys are SHA-256 hashes, so their first bytes serve as the table's hash.
 */
#ifndef LOG_ACCEPT_LRU_H
#define LOG_ACCEPT_LRU_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

struct lru_key {
    struct hash a;
    struct hash b;
};

struct lru;

/* A table of at most cap entries; requires 0 < cap.  release is told of every value that leaves;
 * NULL: nobody is. RES_MEMORY. */
MUST_CHECK enum result lru_new(size_t cap, void (*release)(void *value), struct lru **ret);
void lru_free(struct lru *l); /* NULL does nothing */

/* The value of k, now the most recently used; NULL when there is none. */
void *lru_get(struct lru *l, const struct lru_key *k);

/*
 * Puts value, not NULL, under k, which must not be there; the table owns it from then on.  The
 * least recently used entry leaves when there are cap.
 */
void lru_put(struct lru *l, const struct lru_key *k, void *value);

/* Entries. */
size_t lru_count(const struct lru *l);

#endif
