#include "tests/vectors/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rng
rng_start(const char *test)
{
    const char *named = getenv("CARTULARY_SEED");
    struct timespec now;
    struct rng r;

    clock_gettime(CLOCK_REALTIME, &now);
    r.state = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    if (named != NULL && *named != '\0')
        r.state = strtoull(named, NULL, 10);
    printf("%s: CARTULARY_SEED=%" PRIu64 "\n", test, r.state);
    return r;
}

uint64_t
rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t
rng_scaled(struct rng *r, uint64_t n)
{
    unsigned bits, drop;

    assert(n > 0);
    bits = 64 - (unsigned)__builtin_clzll(n);
    drop = (unsigned)(rng_next(r) % bits);
    return (rng_next(r) % n) >> drop;
}

void
rng_fill(struct rng *r, void *p, size_t n)
{
    uint8_t *to = p;

    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)rng_next(r);
}
