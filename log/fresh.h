/*
 * The keys of the newest entries, so that the sequencer finds a duplicate of what came a moment ago
 * without asking the index for it.
 *
 * Two tables of the first 8 bytes of a key; when the newer is full it becomes the older, so the
 * last FRESH_KEPT entries at least are always known.  A hit is a candidate only: the caller
 * compares the entry. Pure but for memory.  Thread: one.  Uses hash.
 */
#ifndef LOG_FRESH_H
#define LOG_FRESH_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

#define FRESH_KEPT 16384

struct fresh;

/* An empty table that knows every entry from index on. */
MUST_CHECK enum result fresh_new(uint64_t index, struct fresh **ret);
void fresh_free(struct fresh *f); /* NULL does nothing */

/* Forgets everything; knows every entry from index on. */
void fresh_reset(struct fresh *f, uint64_t index);

/* Adds the next entry's key. */
void fresh_add(struct fresh *f, const struct hash *key, uint64_t index);

/* The first index from which on every entry is known. */
uint64_t fresh_from(const struct fresh *f);

/* Finds up to cap candidates; returns how many. */
size_t fresh_find(const struct fresh *f, const struct hash *key, uint64_t *ret, size_t cap);

#endif
