/*
 * Timing one thing: how many nanoseconds of this thread's processor an operation takes.
 *
 * Each program prints lines "name ns"; run reads them.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds that one measurement takes at least. */
#define BENCH_SECONDS 0.5

static inline double
bench_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Calls op(arg) in growing rounds until a round lasts long enough, then prints that round.  times:
 * how many operations one call is. */
static inline void
bench(const char *name, void (*op)(void *arg), void *arg, uint64_t times)
{
    double took = 0;
    uint64_t calls = 1;
    for (;; calls *= 2) {
        double begin = bench_cpu();
        for (uint64_t i = 0; i < calls; i++)
            op(arg);
        took = bench_cpu() - begin;
        if (took >= BENCH_SECONDS)
            break;
    }
    printf("%s %.1f\n", name, took * 1e9 / (double)(calls * times));
    fflush(stdout);
}

#define BENCH_NEED(condition)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

#endif
