/*
 * What is asked of a log: paths and bodies of RFC 6962 section 4, and the checkpoint.  What comes
 * back is read by reply.
 *
 * No I/O, no clock.  Uses verdict (the room for a path), head, subject, json, text.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/head.h"
#include "client/subject.h"
#include "client/verdict.h"

/* Room for the body of a submission. */
#define REQUEST_MAX (4 * 1024 * 1024)

/* The newest signed head in that form: /checkpoint, or get-sth. */
void request_head(enum head_form form, char out[static ASK_PATH_MAX]);

/* get-sth-consistency.  Requires 0 < first <= second. */
void request_consistency(uint64_t first, uint64_t second, char out[static ASK_PATH_MAX]);

/* get-proof-by-hash. */
void request_proof(const struct hash *leaf, uint64_t size, char out[static ASK_PATH_MAX]);

/* add-pre-chain for a precertificate's entry, else add-chain. */
void request_submission(enum entry_type type, char out[static ASK_PATH_MAX]);

/* Appends its body, {"chain": [base64, …]}, leaf first.  Errors of buf_add; out may then hold a
 * part. */
MUST_CHECK enum result request_chain(const struct subject_chain *chain, struct buf *out);

#endif
