/*
 * One certificate's conversation with a log: hand it in (or start from an SCT that is there),
 * verify the SCT, wait for a verified head that covers it, fetch the inclusion proof, verify it.
 *
 * Sans-I/O, as monitor.h.  Heads come from whoever follows the log (one monitor serves many
 * sessions): ASK_HEAD asks for one, session_head gives it.  One thread.  Uses exchange, inclusion,
 * request, reply, receipt.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/monitor.h"
#include "client/receipt.h"
#include "client/subject.h"

/* Tries of one request before giving up until later. */
#define SESSION_TRIES 8
/* How long after the merge delay a session still waits for a covering head. */
#define SESSION_PATIENCE_MS 60000

struct session_config {
    const struct policy_log *log; /* log->p256 != NULL; borrowed */
    unsigned tries;               /* 0: SESSION_TRIES */
    uint64_t seed;
};

struct session;

/* Takes the subject over (ret is then the owner of its bytes) also on failure.  RES_MEMORY. */

/* Submits the chain (leaf first): add-pre-chain when s is a precertificate's, else add-chain. */
MUST_CHECK enum result session_submit(const struct session_config *c, struct subject *s,
                                      const struct subject_chain *chain, uint64_t now,
                                      struct session **ret);

/* Starts from a SignedCertificateTimestamp about s. */
MUST_CHECK enum result session_locate(const struct session_config *c, struct subject *s,
                                      struct span sct, uint64_t now, struct session **ret);

void session_free(struct session *s); /* NULL does nothing */

/* What is needed now: any ask. */
void session_ask(const struct session *s, struct ask *ret);

/* The answer to ASK_FETCH, or the end of ASK_WAIT.  now: milliseconds since 1970. */
void session_answer(struct session *s, const struct answer *a, uint64_t now);

/* The answer to ASK_HEAD: a head that was verified and linked to the view.  Copies it. */
void session_head(struct session *s, const struct view_head *h, uint64_t now);

/* The other answer to ASK_HEAD: there is none, and why (kind is not VERDICT_YES).  Ends the
 * session. */
void session_no_head(struct session *s, const struct verdict *why);

const struct verdict *session_verdict(const struct session *s);

/* What the SCT promised; valid once the SCT was verified: NULL before. */
const struct promise *session_promise(const struct session *s);

/* Fills a receipt (initialised by the caller) labelled file.  Requires VERDICT_YES.  RES_MEMORY,
 * RES_TOO_LARGE. */
MUST_CHECK enum result session_receipt(const struct session *s, struct span file,
                                       struct receipt *ret);

#endif
