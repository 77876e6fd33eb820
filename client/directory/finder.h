/*
 * Looking an address up: first what was looked up before is followed, then the question, then the
 * proof that the directory's certificate log is the one that this client has seen.
 *
 * Sans-I/O, as monitor.h.  The memory changes after each answer that was verified to its end, and
 * only then.  One thread.  Uses exchange, found, memory, view.
 */
#ifndef CLIENT_DIRECTORY_FINDER_H
#define CLIENT_DIRECTORY_FINDER_H

#include "client/directory/found.h"
#include "client/directory/memory.h"
#include "client/verdict.h"
#include "client/view.h"

/* Absence, and what is good to encrypt to, are taken from a head at most that old, milliseconds. */
#define FINDER_FRESH_MS (UINT64_C(20) * 60 * 1000)
/* Between two looks at a directory that has yet to take up what the log had: longer each time, up
 * to this, milliseconds. */
#define FINDER_WAIT_MS 2000
/* Tries of one request. */
#define FINDER_TRIES 5

struct finder_config {
    const struct policy_log *log; /* has_directory; borrowed, as are the others */
    const struct policy *policy;  /* for the quorum; NULL: none */
    const struct view *view;      /* of the certificate log; may be empty */
    struct memory *memory;
    bool look_up;          /* else only what is due is followed */
    struct label label;    /* of a mailbox; with look_up */
    struct kt_optional at; /* milliseconds */
    unsigned tries;        /* 0: FINDER_TRIES */
    uint64_t seed;
};

struct finder;

/* RES_MEMORY.  Free with finder_free. */
MUST_CHECK enum result finder_new(const struct finder_config *c, struct finder **ret);
void finder_free(struct finder *f); /* NULL does nothing */

/* What is needed now: ASK_FETCH, ASK_WAIT or ASK_DONE. */
void finder_ask(struct finder *f, struct ask *ret);

/* The answer to it.  now: milliseconds since 1970. */
void finder_answer(struct finder *f, const struct answer *a, uint64_t now);

/*
 * VERDICT_YES: everything verified, and the answer covers all that the view's newest head does;
 * finder_found tells what: of a mailbox that was erased, what is there now, whatever the time that
 * was asked about.  VERDICT_LATER: no answer, a head whose time is not now's, or a directory that
 * did not take up in time what the log had.  VERDICT_REFUSED: a proof does not hold, or a head was
 * signed later than the directory's delay allows for what it leaves out; with evidence.
 */
const struct verdict *finder_verdict(const struct finder *f);

/* What was found, after VERDICT_YES with look_up; borrowed. */
const struct found *finder_found(const struct finder *f);

/* Labels that were followed. */
size_t finder_followed(const struct finder *f);

#endif
