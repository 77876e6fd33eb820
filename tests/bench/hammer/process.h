/*
 * What the processes under test have used, from /proc.
 *
 * Uses nothing of the house.
 */
#ifndef TESTS_BENCH_HAMMER_PROCESS_H
#define TESTS_BENCH_HAMMER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_MAX 16

struct process_set {
    pid_t pid[PROCESS_MAX];
    size_t n;
};

struct process_use {
    double
        cpu_seconds; /* user and system, all threads, also those that have ended; steps of 10 ms */
    uint64_t rss_anon; /* bytes of anonymous memory that are resident */
};

/* Adds up all of set.  False when one of them cannot be read. */
bool process_read(const struct process_set *set, struct process_use *ret);

#endif
