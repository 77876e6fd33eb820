/*
 * Records of the index, in memory and in a chunk: sorting, merging, searching (FORMATS.md).
 *
 * A chunk is sorted by (prefix, index) and ends with a check over its records, since a flipped bit
 * in a prefix would hide an entry without disturbing the order. Pure.  Uses hash, span, result.
 */
#ifndef LOG_STORE_RUN_H
#define LOG_STORE_RUN_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/tree/hash.h"

#define RECORD_SIZE 13
/* The first bytes of the SHA-256 of a chunk's records. */
#define CHUNK_CHECK_SIZE 8
/* Indexes of entries have 40 bits. */
#define RECORD_INDEX_MAX ((UINT64_C(1) << 40) - 1)

struct record {
    uint64_t prefix; /* the first 8 bytes of the hash, big-endian */
    uint64_t index;
};

/* The prefix of a hash. */
uint64_t record_prefix(const struct hash *h);

/* Sorts by (prefix, index). */
void records_sort(struct record *r, size_t n);

/* Merges two sorted sequences into out, which has room for na + nb and overlaps neither. */
void records_merge(const struct record *a, size_t na, const struct record *b, size_t nb,
                   struct record *out);

/* The first place whose prefix is not below prefix, by halving. */
size_t records_lower(const struct record *r, size_t n, uint64_t prefix);

struct chunk {
    const uint8_t *records; /* borrowed; n times RECORD_SIZE bytes, then the check */
    size_t n;
};

/* Finds the records of a chunk's value.  RES_STORE_DAMAGED when its length is none. */
MUST_CHECK enum result chunk_open(struct span value, struct chunk *ret);

/* Compares the check.  RES_STORE_DAMAGED. */
MUST_CHECK enum result chunk_verify(const struct chunk *c);

/* The record at place i.  Requires i < c->n. */
struct record chunk_record(const struct chunk *c, size_t i);

/*
 * The first place whose prefix is not below prefix.  level is that of the chunk's run: all prefixes
 * of the chunk share their first level bits and are spread evenly behind these, so a guess lands
 * near; a wrong one costs time only.
 */
size_t chunk_lower(const struct chunk *c, unsigned level, uint64_t prefix);

/* Bytes of a chunk of n records. */
size_t chunk_size(size_t n);

/* Writes a chunk to the chunk_size(n) bytes at out. */
void chunk_write(const struct record *r, size_t n, uint8_t *out);

#endif
