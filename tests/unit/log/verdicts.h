/*
 * Chains from test data judged by chain_accept, and the judgement compared with a written list.
 *
 * The list, chain-refusals.tsv beside this file, names every refused chain: set, name, reason.  A
 * chain that is refused and not listed, is listed with another reason, or is listed and taken, is a
 * failure of the test. For tests only: aborts on bad input.
 */
#ifndef TESTS_UNIT_LOG_VERDICTS_H
#define TESTS_UNIT_LOG_VERDICTS_H

#include "log/accept/chain.h"

struct verdict_line; /* of the list */

struct verdicts {
    const char *set;
    struct verdict_line *line;
    size_t lines;
    struct issuer_cache *cache;
    struct roots *roots;
    struct chain_policy policy; /* any purpose, none, mail, and those of TLS */
    size_t taken, refused, wrong;
    size_t issuers; /* of the chain taken last */
};

/* Reads the lines of that set.  No roots yet. */
void verdicts_open(struct verdicts *v, const char *set);

/* Forgets the roots. */
void verdicts_new_roots(struct verdicts *v);

/* Adds a root; what came of it. */
enum result verdicts_root(struct verdicts *v, struct span der);

/*
 * Submits the chain, as a precertificate when its leaf is one unless type says more than -1; prints
 * the line of a refusal; compares with the list.  Returns whether it was taken.
 */
bool verdicts_judge(struct verdicts *v, const char *name, int type, const struct span *chain,
                    size_t n);

/* Prints the counts; returns the number of differences from the list, listed chains that never came
 * included. */
size_t verdicts_close(struct verdicts *v);

#endif
