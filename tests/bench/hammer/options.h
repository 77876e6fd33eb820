/*
 * The command line of the load generator.
 */
#ifndef TESTS_BENCH_HAMMER_OPTIONS_H
#define TESTS_BENCH_HAMMER_OPTIONS_H

#include "tests/bench/hammer/load.h"

#define OPTIONS_PATHS_MAX 4096

enum mode { MODE_SUBMIT, MODE_GET, MODE_PROOFS };

struct options {
    enum mode mode;
    struct target target;
    struct process_set processes;
    unsigned connections;
    double rate, duration;
    uint64_t count; /* 0: no limit but the duration's or the file's */
    uint64_t seed;
    bool json, stop_on_loss, with_root;
    const char *file;                    /* submit: the leaves */
    uint64_t offset;                     /* submit: leaves skipped */
    const char *receipts;                /* submit: written; proofs: read */
    const char *path[OPTIONS_PATHS_MAX]; /* get */
    size_t paths;
};

/* Reads the command line; ends the program after --help or with status 2 and a sentence on stderr.
 */
void options_read(int argc, char **argv, struct options *ret);

#endif
