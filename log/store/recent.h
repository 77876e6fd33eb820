/*
 * The youngest part of the index, in memory: units of INDEX_UNIT entries that no run on disk covers
 * yet.
 *
 * A unit that is full never changes again; the background thread reads it without the lock while
 * others look up in it. Not locked itself: the index's mutex guards the queue and the unit that
 * fills.  About 96 KB a unit. Uses index.h (maps), run.h (prefixes), hash, result.
 */
#ifndef LOG_STORE_RECENT_H
#define LOG_STORE_RECENT_H

#include "log/store/index.h"
#include "log/store/run.h"

struct unit {
    struct unit *later;
    uint64_t number; /* covers the entries [number, number + 1) * INDEX_UNIT */
    unsigned n;
    uint64_t prefix[INDEX_MAPS][INDEX_UNIT];
    /* Chains by the prefix's low bits: place + 1, 0 ends. */
    uint16_t head[INDEX_MAPS][INDEX_UNIT];
    uint16_t next[INDEX_MAPS][INDEX_UNIT];
};

struct recent {
    struct unit *first; /* the oldest */
    struct unit *last;
    unsigned count;
};

#define RECENT_INIT ((struct recent){0})

/* Adds the next entry.  Requires index to be one more than the last added, or a multiple of
 * INDEX_UNIT when the queue is empty.  RES_MEMORY: nothing was added. */
MUST_CHECK enum result recent_add(struct recent *q, uint64_t index,
                                  const struct hash keys[static INDEX_MAPS]);

/* The oldest unit when it is full, else NULL; it stays in the queue. */
struct unit *recent_full(const struct recent *q);

/* Frees the oldest unit.  Requires one. */
void recent_drop_first(struct recent *q);

/* Frees all units. */
void recent_release(struct recent *q);

/* Indexes found so far, ascending, each once; the smallest of them when there are more than there
 * is room for. */
struct found {
    uint64_t *at; /* borrowed, room for cap */
    size_t cap;
    size_t n;
    bool more; /* some did not fit */
};

/* Adds one. */
void found_add(struct found *f, uint64_t index);

/* The greatest index below `below` with that prefix; false when there is none. */
bool recent_newest(const struct recent *q, enum index_map map, uint64_t prefix, uint64_t below,
                   uint64_t *ret);

/* Adds all entries with that prefix. */
void recent_find(const struct recent *q, enum index_map map, uint64_t prefix, struct found *f);

#endif
