/*
 * What a log counts, as numbers at one moment.  No labels that could name a person.
 */
#ifndef LOG_STATS_H
#define LOG_STATS_H

#include <stdint.h>

#include "merkle/base/result.h"

/* Upper bounds of commit-time buckets, milliseconds; the last bucket is everything above. */
#define STATS_BUCKETS 10
extern const double STATS_BUCKET_MS[STATS_BUCKETS];

struct log_stats {
    uint64_t size;                  /* entries in the published tree */
    uint64_t head_timestamp;        /* milliseconds */
    uint64_t taken;                 /* submissions that became entries */
    uint64_t duplicates;            /* answered with their first SCT */
    uint64_t refused[RESULT_COUNT]; /* submissions refused, by reason */
    uint64_t commits;
    uint64_t commit_entries; /* over all commits: divide for the mean batch */
    uint64_t commit_ms[STATS_BUCKETS + 1];
    double commit_ms_sum;
    uint64_t waiting; /* submissions in the pool now */
    uint64_t roots;
    uint64_t disk_free;   /* bytes */
    uint64_t store_bytes; /* file of the store */
    uint64_t index_bytes;
    uint64_t scrub_checked; /* entries re-read since start */
    uint64_t
        scrub_oldest_seconds; /* age of the oldest unchecked entry's last check, or since it came */
    uint64_t scrub_failures;
    uint64_t guard_checks; /* commits that passed the guard */
};

#endif
