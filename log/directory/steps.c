#include "log/directory/steps.h"

#include <stdlib.h>

uint32_t
steps_owner(uint32_t x)
{
    struct ladder l = ladder_search(x);
    uint32_t version;

    /* Every ladder that comes to x has found l.lower to be there first, and that one's own does. */
    while (ladder_next(&l, &version) && version != x)
        ladder_feed(&l, version <= x);
    return (uint32_t)l.lower;
}

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

unsigned
steps_of(uint32_t u, uint32_t *ret)
{
    unsigned all = ladder_base(u, ret), n = 0;

    for (unsigned i = 0; i < all; i++)
        if (steps_owner(ret[i]) == u)
            ret[n++] = ret[i];
    qsort(ret, n, sizeof(*ret), ascending);
    return n;
}
