/*
 * One request of an engine at a time: how often it is tried, how long is waited in between, and
 * what an answer that none can read means.
 *
 * What monitor and session have in common. An engine shows every answer to exchange_take and reads
 * only what that hands back; the verdict is here, and the engine ends it with verdict_end when it
 * knows better. One thread; no I/O, no clock.  Uses verdict, evidence.
 */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include "client/verdict.h"

struct exchange {
    const struct policy_log *log; /* borrowed */
    unsigned tries_max;           /* of one request; not 0 */
    uint64_t seed;                /* spreads the waits, see answer_backoff */
    unsigned tries;               /* of the request at hand, that failed */
    uint64_t wait_ms;             /* not 0: wait before asking again */
    struct verdict verdict;       /* owned; VERDICT_PENDING until the end */
};

/* Begins with nothing asked.  Requires tries_max > 0.  Release with exchange_release. */
void exchange_init(struct exchange *x, const struct policy_log *log, unsigned tries_max,
                   uint64_t seed);
void exchange_release(struct exchange *x); /* twice does no harm */

/* Whether the verdict stands: nothing is asked any more. */
bool exchange_ended(const struct exchange *x);

/* Begins an ask: ASK_DONE or ASK_WAIT and false when there is nothing to fetch now; else ASK_FETCH
 * without path and body, which the engine fills in, and true. */
bool exchange_ask(const struct exchange *x, struct ask *ret);

/*
 * Takes the answer to what was asked at path.  True when it is one that the engine must read: it
 * came whole, with any status that does not mean "later".  False when there is nothing to read:
 * the end of a wait, a try that failed (wait_ms says how long), or the end.  That is VERDICT_LATER
 * after tries_max tries (RES_UNREACHABLE, RES_BUSY), VERDICT_REFUSED with evidence for an answer
 * beyond what an engine takes (RES_TOO_LARGE), VERDICT_FAULT for what this machine could not do.
 * Requires !exchange_ended(x).
 */
MUST_CHECK bool exchange_take(struct exchange *x, const struct answer *a, const char *path);

/* Ends with VERDICT_FAULT: this machine failed with r. */
void exchange_fault(struct exchange *x, enum result r);

/* Ends with VERDICT_REFUSED and the answer as evidence: it is wrong by itself, for the reason why.
 * VERDICT_FAULT when why is this machine's, or there is no memory for the evidence. */
void exchange_wrong(struct exchange *x, const struct answer *a, const char *path, enum result why);

/* Ends with VERDICT_LATER, RES_UNREACHABLE: what answers at path is no log. */
void exchange_no_log(struct exchange *x, const struct answer *a, const char *path);

#endif
