/*
 * A credential in a file: the draft's bytes, and beside them what its recipient needs to use what
 * it says, without asking anybody.  client/FORMATS.md, "Credentials".
 *
 * Verifying one changes nothing that is kept: it may come from anybody.  No I/O, no clock.  Uses
 * found, merkle/keytrans/credential.
 */
#ifndef CLIENT_DIRECTORY_VOUCHER_H
#define CLIENT_DIRECTORY_VOUCHER_H

#include "client/directory/found.h"
#include "merkle/keytrans/credential.h"

/* Largest file: a proof and an answer, each of at most 4 MiB, in base64. */
#define VOUCHER_FILE_MAX ((size_t)16 << 20)

struct voucher {
    const struct policy_log *log; /* borrowed from the policy */
    struct buf bytes;             /* Credential */
    struct buf beside;            /* JSON: anchor, records, issuers */
    struct credential c;          /* borrowed from bytes */
    struct label label;           /* of a mailbox */
};

/* The log with that verifier key and a directory; RES_KEY_UNKNOWN when policy names none,
 * RES_MEMORY. */
MUST_CHECK enum result voucher_log(const struct policy *policy, struct span vkey,
                                   const struct policy_log **ret);

/*
 * Reads a file.  RES_KEY_UNKNOWN when it is of a log that the policy does not name with that key,
 * or that has no directory there; RES_VALUE, RES_ENCODING, RES_ABSENT, RES_TRAILING, RES_TRUNCATED
 * for another form, or a label that is no mailbox's; RES_MEMORY.  Release it after RES_OK.
 */
MUST_CHECK enum result voucher_parse(struct span text, const struct policy *policy,
                                     struct voucher *ret);
void voucher_release(struct voucher *v);

/* Appends the file to out, which must be empty.  Errors of buf_reserve. */
MUST_CHECK enum result voucher_write(const struct policy_log *log, struct span credential,
                                     struct span beside, struct buf *out);

/* What a credential proves by itself; needed again for a CredentialUpdate. */
struct voucher_proof {
    struct credential_pending pending; /* of a provisional one */
    struct consume_version steps[LADDER_STEPS_MAX];
    size_t steps_n;
};

/* Verifies the KEYTRANS part.  Errors of proved_ladder and credential_verify. */
MUST_CHECK enum result voucher_prove(const struct policy_log *log,
                                     const struct credential_recent *recent,
                                     const struct credential *c, struct voucher_proof *ret);

struct voucher_said {
    struct voucher_proof proof;
    /* The version as of search.terminal, proved in the tree of found.head: that of the
     * distinguished entry, or of a provisional one's own head.  Borrows from the voucher. */
    struct found found;
};

/*
 * Verifies all of it: initially, when v->c.provisional.  policy: for the quorum; NULL: none.  What
 * does not hold into *ret_what, static.  Release *ret with found_release(&ret->found) after RES_OK.
 * Errors of voucher_prove and found_read_beside.
 */
MUST_CHECK enum result voucher_verify(const struct voucher *v, const struct policy *policy,
                                      const struct credential_recent *recent,
                                      struct voucher_said *ret, const char **ret_what);

#endif
