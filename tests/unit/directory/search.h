/*
 * One run of a finder against a test's directory and certificate log, from its first question to
 * its verdict.
 *
 * For tests only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_SEARCH_H
#define TESTS_UNIT_DIRECTORY_SEARCH_H

#include "client/directory/finder.h"
#include "tests/unit/directory/lookup.h"

/* Requests of one run, at most: none may go on for ever. */
#define SEARCH_ASKS_MAX 200

enum search_step { SEARCH_FOLLOW, SEARCH_LOOK_UP, SEARCH_LINK, SEARCH_STEPS };

struct search {
    struct lookup *l;
    struct memory *memory;
    const struct view *view;
    bool follow_only;
    unsigned label;
    struct kt_optional at;
    uint64_t late; /* milliseconds between the directory's newest entry and the clock */
    /* Changes an honest answer to ask on its way; NULL: nobody does. */
    void (*meddle)(struct search *s, const struct ask *ask, struct buf *body, struct answer *a);
    size_t arg; /* its own */
    /* what came of it */
    uint64_t now;
    enum search_step step; /* what was asked last */
    unsigned asks[SEARCH_STEPS];
    unsigned waits;
    uint64_t waited; /* milliseconds */
    struct finder *finder;
    const struct verdict *verdict; /* the finder's, as the next */
    const struct found *found;
    size_t followed;
};

void search_run(struct search *s);
void search_release(struct search *s);

/* It ended so. */
void search_ends(const char *says, const struct search *s, enum verdict_kind kind, enum result why);

#endif
