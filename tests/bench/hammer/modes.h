/*
 * What is asked: one source of requests for each mode.
 *
 * *_begin renders everything that can be rendered before the clock starts; false with a sentence on
 * stderr.
 * *_end releases, and writes what the mode leaves behind.
 * Uses load, options, receipts, tests/mint.
 */
#ifndef TESTS_BENCH_HAMMER_MODES_H
#define TESTS_BENCH_HAMMER_MODES_H

#include "tests/bench/hammer/options.h"

struct submit;
bool submit_begin(const struct options *o, struct submit **ret, struct load_source *source);
bool submit_end(struct submit *m);

/* get and proofs: a table of requests, asked for in turn or in random order. */
struct table;
bool get_begin(const struct options *o, struct table **ret, struct load_source *source);
bool proofs_begin(const struct options *o, struct table **ret, struct load_source *source);
void table_end(struct table *t);

/* Says once a kind what a wrong answer looked like. */
void complain(int status, struct span body);

#endif
