/*
 * Repeatable random numbers for tests (splitmix64).  Not for secrets.
 */
#ifndef TESTS_VECTORS_RNG_H
#define TESTS_VECTORS_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

/*
 * Seeded from the environment variable CARTULARY_SEED, else from the clock; prints the seed with
 * the name of the test, so that a failure can be run again.
 */
struct rng rng_start(const char *test);

/* The next 64 bits. */
uint64_t rng_next(struct rng *r);

/* A number in [0, n), of every magnitude equally often: small ones matter as much as big ones.  n >
 * 0. */
uint64_t rng_scaled(struct rng *r, uint64_t n);

/* Fills n bytes. */
void rng_fill(struct rng *r, void *p, size_t n);

#endif
