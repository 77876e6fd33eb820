/*
 * A CredentialUpdate in a file: what the sender of a provisional credential sends after it, once
 * there is a distinguished entry that confirms it.  client/FORMATS.md, "Credential updates".
 *
 * No I/O, no clock.  Uses voucher, record.
 */
#ifndef CLIENT_DIRECTORY_FOLLOWUP_H
#define CLIENT_DIRECTORY_FOLLOWUP_H

#include "client/directory/voucher.h"

/* Largest file: a proof of at most 4 MiB, in base64. */
#define FOLLOWUP_FILE_MAX ((size_t)8 << 20)

struct followup {
    const struct policy_log *log; /* borrowed from the policy */
    struct hash credential;       /* SHA-256 of the Credential that it confirms */
    struct buf update;            /* CredentialUpdate: well-formed, no more */
};

/* Whether a file says that it is one. */
bool followup_is(struct span text);

/* Reads a file.  Errors as voucher_parse.  Release it after RES_OK. */
MUST_CHECK enum result followup_parse(struct span text, const struct policy *policy,
                                      struct followup *ret);
void followup_release(struct followup *u);

/* Appends the file to out, which must be empty.  Errors of buf_reserve. */
MUST_CHECK enum result followup_write(const struct policy_log *log, struct span credential,
                                      struct span update, struct buf *out);

#endif
