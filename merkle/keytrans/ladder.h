/*
 * Binary ladders: which versions of a label are looked up in one log entry, one after the other,
 * each depending on what came before.  KEYTRANS, "Binary Ladder" and its appendix.
 *
 * A ladder is a small machine that says which version is next and is told whether it was there;
 * whether that came from a tree, from a proof or from memory is not its concern.  So prover and
 * verifier walk the same ladder.  Versions above 2^32 - 1 are never asked for: they are not there.
 *
 * Pure; no allocation.  Uses nothing.
 */
#ifndef MERKLE_KEYTRANS_LADDER_H
#define MERKLE_KEYTRANS_LADDER_H

#include <stdbool.h>
#include <stdint.h>

/* No ladder has more lookups: 33 powers of two minus one up, 31 of the binary search down. */
#define LADDER_STEPS_MAX 64

enum ladder_end {
    LADDER_OPEN,    /* not ended */
    LADDER_LESS,    /* a version <= target is not there: the greatest is less than the target */
    LADDER_EQUAL,   /* the greatest version is the target */
    LADDER_GREATER, /* a version > target is there */
};

struct ladder {
    uint32_t target;
    enum ladder_end end;
    uint64_t next;         /* the version to be looked up, when open */
    uint64_t lower, upper; /* while searching: lower is there, upper is not */
    bool climbing;         /* still going up by powers of two */
};

/* A search ladder for target: it ends as soon as the greatest version is known to be less than,
 * equal to or greater than the target. */
struct ladder ladder_search(uint32_t target);

/* Whether a lookup is due, its version into *ret.  False when l has ended. */
bool ladder_next(const struct ladder *l, uint32_t *ret);

/* Tells l whether the version that ladder_next gave is there.  Requires that l has not ended. */
void ladder_feed(struct ladder *l, bool included);

/*
 * The versions that a search ladder looks up when target is the greatest version: the base ladder,
 * in walking order. ret has room for LADDER_STEPS_MAX.  Returns how many.
 */
unsigned ladder_base(uint32_t target, uint32_t *ret);

/* The versions of a monitoring ladder: those of the base ladder that are <= target.  As
 * ladder_base. */
unsigned ladder_monitoring(uint32_t target, uint32_t *ret);

#endif
