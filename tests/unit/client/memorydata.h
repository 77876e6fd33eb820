/*
 * Memories of a key directory with anything in them that one may hold, and the directory's keys.
 *
 * Nothing in them was ever proved: for tests of what is kept, not of why.  Every function asserts
 * (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_CLIENT_MEMORYDATA_H
#define TESTS_UNIT_CLIENT_MEMORYDATA_H

#include "client/directory/memory.h"
#include "tests/unit/client/testlog.h"
#include "tests/vectors/rng.h"

struct memorydata {
    struct testlog ct;
    struct policy_log log; /* as ct.log, with a directory */
    uint8_t secret[64];    /* of its heads */
};

void memorydata_init(struct memorydata *d);
void memorydata_release(struct memorydata *d);

/* A view of a tree of that size, > 0, and the signature over its root. */
void memorydata_view(const struct memorydata *d, struct rng *r, uint64_t size, struct memory *m);

/* The step of a version: what is known of it follows from its number; a commitment, or none. */
struct consume_version memorydata_step(uint32_t version, bool has_commitment);

/* The label of a mailbox: one for each number. */
struct label memorydata_name(uint64_t number);

/* Adds a label with up to that many of each: followed, watched or both. */
struct memory_label *memorydata_label(struct rng *r, uint64_t number, size_t most,
                                      struct memory *m);

/* A memory of few labels or none, with a view and distinguished entries or without. */
void memorydata_fill(const struct memorydata *d, struct rng *r, struct memory *m);

/* Whether both hold the same, in the same order. */
bool memorydata_same_label(const struct memory_label *a, const struct memory_label *b);
bool memorydata_same(const struct memory *a, const struct memory *b);

/* Room for a file, and its last line. */
#define MEMORYDATA_FILE_MAX ((size_t)4 << 20)
#define MEMORYDATA_DIGEST_LINE (7 + 64 + 1)

/* The file of a memory, or of some memory with a view and labels, into *out, which is emptied. */
void memorydata_write(const struct memorydata *d, const struct memory *m, struct buf *out);
void memorydata_write_any(const struct memorydata *d, struct rng *r, struct buf *out);

/* The lines with their digest behind them into *out, which is emptied. */
void memorydata_seal(struct span lines, struct buf *out);

/* Whether it is a file of the directory; that nothing is written when it is none is asserted. */
enum result memorydata_parse(const struct memorydata *d, struct span text);

#endif
