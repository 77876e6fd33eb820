/*
 * After a refusal: whether the log's own signatures about its directory contradict each other,
 * which proves to anybody what the refused answer, unsigned, cannot.
 *
 * What was kept, and what was verified of the refused answer, are compared with each other and with
 * the heads of the certificate log; then the log is asked what its feed says about the same trees.
 * A log need not answer: then there is no proof.  Sans-I/O, as finder.h; nothing that is handed in
 * changes.  One thread.  Uses statement, memory, evidence, view, verdict.
 */
#ifndef CLIENT_DIRECTORY_ACCUSER_H
#define CLIENT_DIRECTORY_ACCUSER_H

#include "client/directory/memory.h"
#include "client/directory/statement.h"
#include "client/verdict.h"
#include "client/view.h"

/* Tries of one request by the patient: the log may be busy, and need not answer anyway. */
#define ACCUSER_TRIES 3

struct accuser_config {
    const struct policy_log *log; /* has_directory; borrowed until the end, as are the others */
    const struct memory *memory;
    const struct view *view;          /* of the certificate log; NULL: none */
    const struct proved_head *newest; /* what the refused answer led to, verified; NULL: nothing */
    struct span anchor; /* of the refused answer, as statement.h has it; may be empty */
    /* Waits where the log asks for it.  After a refusal a log would make its user wait for as long
     * as it likes: then each request has one try. */
    bool patient;
    uint64_t seed;
};

struct accuser;

/* RES_MEMORY.  Free with accuser_free. */
MUST_CHECK enum result accuser_new(const struct accuser_config *c, struct accuser **ret);
void accuser_free(struct accuser *a); /* NULL does nothing */

/* What is needed now: ASK_FETCH, ASK_WAIT or ASK_DONE. */
void accuser_ask(struct accuser *a, struct ask *ret);
void accuser_answer(struct accuser *a, const struct answer *answer, uint64_t now);

/* Whether the log said, in one signed feed, that every head it was asked about is its directory's.
 * False also when there was none. */
bool accuser_linked(const struct accuser *a);

/* Appends the evidence of what was found to out, which must be empty.  *ret_relation says what it
 * is.  RES_ABSENT when nothing contradicts anything; errors of buf_reserve. */
MUST_CHECK enum result accuser_evidence(const struct accuser *a,
                                        enum statement_relation *ret_relation, struct buf *out);

#endif
