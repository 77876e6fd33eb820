/*
 * Following a log: from a new signed head to a view that has grown, or to evidence.
 *
 * Signatures, time (not backwards, not in the future, not stale), consistency with everything seen
 * before; and, when asked, that get-sth tells the same story as /checkpoint. Sans-I/O: monitor_ask
 * says what is needed, monitor_answer is fed it.  The view changes once, at the end, and only when
 * everything was verified.  One thread.  Uses exchange, view, request,
 * reply, verify.
 */
#ifndef CLIENT_MONITOR_H
#define CLIENT_MONITOR_H

#include "client/verdict.h"
#include "client/view.h"

/* A head older than this is stale, milliseconds (RFC 6962's logs promise one per merge delay; ours
 * every 30 s). */
#define MONITOR_STALE_MS (20 * 60 * 1000)
/* Tries of one request before giving up until later. */
#define MONITOR_TRIES 5

struct monitor_config {
    const struct policy_log *log; /* log->p256 != NULL; borrowed, as is policy */
    const struct policy *policy;  /* for the quorum; NULL: none */
    struct view *view;            /* borrowed; changed at the end only */
    bool cross_check;             /* also get-sth, when the log serves /checkpoint */
    unsigned tries;               /* 0: MONITOR_TRIES */
    uint64_t seed;
};

struct monitor;

/* RES_MEMORY.  Free with monitor_free. */
MUST_CHECK enum result monitor_new(const struct monitor_config *c, struct monitor **ret);
void monitor_free(struct monitor *m); /* NULL does nothing */

/* What is needed now: ASK_FETCH, ASK_WAIT or ASK_DONE. */
void monitor_ask(const struct monitor *m, struct ask *ret);

/* The answer to it.  now: milliseconds since 1970. */
void monitor_answer(struct monitor *m, const struct answer *a, uint64_t now);

/*
 * The verdict, VERDICT_PENDING until ASK_DONE.  VERDICT_YES: the view holds the head. VERDICT_LATER
 * with RES_STALE: everything verified and the view may have grown, but the newest head is too old,
 * or older than one seen before.
 */
const struct verdict *monitor_verdict(const struct monitor *m);

/* The newest head that this run verified and linked, with its bytes; NULL when none was.  Borrowed.
 */
const struct view_head *monitor_head(const struct monitor *m);

/* Whether this run is the first contact: there was nothing to be consistent with. */
bool monitor_first_contact(const struct monitor *m);

/*
 * A plain question beside it: links two heads that are both known already, such as a friend's and
 * ours. older and newer are borrowed; requires head_relate(older, newer) == HEAD_OLDER.  The view
 * is not touched.
 */
MUST_CHECK enum result monitor_new_link(const struct monitor_config *c,
                                        const struct view_head *older,
                                        const struct view_head *newer, struct monitor **ret);

#endif
