/*
 * What stands beside a credential, written: of the answer of POST /v1/lookup all but the KEYTRANS
 * answer, bound to the tree that the credential is in.
 *
 * No I/O, no clock.  Uses json, reply.
 */
#ifndef CLIENT_DIRECTORY_BESIDE_H
#define CLIENT_DIRECTORY_BESIDE_H

#include "client/json.h"
#include "client/reply.h"

/*
 * Appends {"anchor", "records", "issuers"}.  lookup: the answer; anchor: its "anchor", or that of
 * another size; paths: one for each record, in the certificate log as of that anchor; NULL: those
 * of the answer.  RES_JSON … for members that are not there; RES_MEMORY, RES_TOO_LARGE.
 */
MUST_CHECK enum result beside_write(const struct json *lookup, const struct json_value *anchor,
                                    const struct reply_path *paths, struct buf *out);

/* The leaf hash of a record's entry in the certificate log, and its index. */
MUST_CHECK enum result beside_leaf(const struct json_value *record, struct hash *ret_leaf,
                                   uint64_t *ret_index);

#endif
