/*
 * Latencies in buckets: powers of two, each cut into 128, so that a value is kept to better than
 * one per cent from a nanosecond to an hour in a fixed table.
 *
 * Pure.  Uses nothing.
 */
#ifndef TESTS_BENCH_HAMMER_HISTOGRAM_H
#define TESTS_BENCH_HAMMER_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 128
#define HISTOGRAM_POWERS 36
#define HISTOGRAM_CELLS (HISTOGRAM_STEPS * HISTOGRAM_POWERS)

struct histogram {
    uint64_t cell[HISTOGRAM_CELLS];
    uint64_t count;
    uint64_t max;
};

/* Empties *h. */
void histogram_init(struct histogram *h);

/* Counts one value, in any unit (nanoseconds here). */
void histogram_add(struct histogram *h, uint64_t value);

/* The value below or at which the share q of all values lies (0 < q <= 1), rounded up to its cell's
 * end and never above the maximum; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
