#include "tests/bench/hammer/histogram.h"

#include <math.h>
#include <string.h>

void
histogram_init(struct histogram *h)
{
    memset(h, 0, sizeof *h);
}

/* Values below 128 have a cell each; above, the seven bits after the leading one choose the step.
 */
static unsigned
cell_of(uint64_t v)
{
    if (v < HISTOGRAM_STEPS)
        return (unsigned)v;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    unsigned power = top - 6;
    if (power >= HISTOGRAM_POWERS)
        return HISTOGRAM_CELLS - 1;
    return power * HISTOGRAM_STEPS + (unsigned)((v >> (top - 7)) & (HISTOGRAM_STEPS - 1));
}

static uint64_t
cell_end(unsigned cell)
{
    unsigned power = cell / HISTOGRAM_STEPS;
    uint64_t step = cell % HISTOGRAM_STEPS;
    if (power == 0)
        return step;
    return ((HISTOGRAM_STEPS + step + 1) << (power - 1)) - 1;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
    h->cell[cell_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)h->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
        seen += h->cell[i];
        if (seen >= rank && seen > 0)
            return cell_end(i) < h->max ? cell_end(i) : h->max;
    }
    return h->max;
}
