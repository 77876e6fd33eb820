/*
 * One run of a warden against a test's directory, from its first question to its verdict.
 *
 * For tests only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_WATCH_H
#define TESTS_UNIT_DIRECTORY_WATCH_H

#include "client/directory/warden.h"
#include "tests/unit/directory/desk.h"

/* Requests of one run, at most: none may go on for ever. */
#define WATCH_ASKS_MAX 1000

enum watch_step { WATCH_HEADS, WATCH_INIT, WATCH_UPDATE, WATCH_MONITOR, WATCH_STEPS };

struct watch {
    struct desk *desk;
    struct memory *memory;
    unsigned label;
    /* Changes an honest answer to ask on its way; NULL: nobody does. */
    void (*meddle)(struct watch *w, const struct ask *ask, struct buf *body, struct answer *a);
    size_t arg; /* its own */
    /* what came of it */
    enum watch_step step; /* what was asked last */
    unsigned asks[WATCH_STEPS];
    unsigned waits;
    struct warden *warden;
    const struct verdict *verdict; /* the warden's, as the news */
    bool began;
    const struct buf *news;
    size_t news_n;
};

void watch_run(struct watch *w);
void watch_release(struct watch *w);

/* It ended so. */
void watch_ends(const char *says, const struct watch *w, enum verdict_kind kind, enum result why);

/* The news are the values of the label's versions from to to - 1. */
void watch_told(const char *says, const struct watch *w, size_t from, size_t to);

/* A run in which nobody lies: it succeeds, and what is kept follows from the directory. */
void watch_honest(const char *says, struct desk *d, struct memory *m, unsigned label);

/* Puts what a look-up of the version shows among what is known of the label. */
void watch_know(struct desk *d, struct memory *m, unsigned label, uint32_t version);

#endif
