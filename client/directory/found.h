/*
 * The answer of POST /v1/lookup, verified: the KEYTRANS answer in it, what binds it to the
 * certificate log and the feed, and each certificate.
 *
 * Every certificate that is told was logged where its record says, is what the record says, and
 * names the address that was asked for.  Whether anybody should trust it is another question
 * (client/trust.h).  No I/O, no clock.  Uses proved, policy, json, merkle/leaf, merkle/note.
 */
#ifndef CLIENT_DIRECTORY_FOUND_H
#define CLIENT_DIRECTORY_FOUND_H

#include "client/directory/proved.h"
#include "client/policy.h"
#include "client/verdict.h"
#include "merkle/keytrans/feed.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/leaf/address.h"

/* Issuers in one answer: as many as its records' chains can name. */
#define FOUND_ISSUERS_MAX 4096
/* Issuers of one record: as many as the chain of one entry has, in any log (DATATILE_CHAIN_MAX). */
#define FOUND_CHAIN_MAX 16

struct found_record {
    struct mailbox_record m; /* its address borrows from the answer */
    struct buf der;          /* the certificate; the precertificate while only announced */
    /* The issuers that were handed in with it, as the log says: a hint, and no proof.  Each one of
     * found's. */
    struct span chain[FOUND_CHAIN_MAX];
    size_t chain_n;
    struct mailbox mailbox;     /* where the address stands in it, as its own bytes say; borrowed */
    struct mailboxes mailboxes; /* all that it names */
};

struct found {
    bool present; /* else: proved that the label has no version (at the time asked) */
    bool of_time; /* as_of is valid, else search when present, else absence */
    struct proved_search search;
    struct proved_as_of as_of;
    struct proved_head head;    /* whichever it was */
    struct mailbox_state state; /* when present */
    struct found_record *records;
    size_t records_n;
    struct buf *issuers; /* DER */
    struct hash *issuer_sha256;
    size_t issuers_n;
    struct feed_entry feed; /* of the newest entry of the tree that answered */
    struct buf anchor;      /* the statement that it is taken from, see statement.h */
    struct buf answer;      /* the KEYTRANS answer's bytes */
};

void found_init(struct found *f);
void found_release(struct found *f);

/* What was asked. */
struct found_question {
    const struct policy_log *log; /* has_directory */
    const struct policy *policy;  /* for the quorum; NULL: none */
    const struct kt_view *last;
    struct label label;
    struct kt_optional at; /* milliseconds */
    uint64_t now;          /* milliseconds */
};

/*
 * Reads and verifies body.  absent: the answer's status was 404.  On failure *ret_what names what
 * did not hold, in a word or two, static, and of *ret only head is written: what the KEYTRANS
 * answer led to when that held by itself; else its size is 0.
 *
 *   RES_OK
 *   RES_JSON …            no such document
 *   RES_TOO_LARGE         more issuers, or a longer chain, than above
 *   RES_ABSENT            a chain names a certificate that is not among the issuers
 *   errors of proved_*    the KEYTRANS answer does not hold
 *   RES_CONFLICT          the feed's entry is not of the tree that answered; a record and its entry
 *                         differ; a certificate does not name the address
 *   RES_ROOT_DIFFERS, RES_PROOF_LENGTH, RES_SIGNATURE, RES_KEY_UNKNOWN, RES_ORIGIN …
 *   RES_MEMORY
 */
MUST_CHECK enum result found_read(const struct found_question *q, bool absent, struct span body,
                                  struct found *ret, const char **ret_what);

/*
 * The same for a version that was proved otherwise (by a credential): reads what stands beside it.
 * body has no "answer"; q->last, at and now do not matter.  proved: version, value, head; what is
 * found borrows from its value.  Errors as found_read, without those of proved_*.
 */
MUST_CHECK enum result found_read_beside(const struct found_question *q,
                                         const struct proved_search *proved, struct span body,
                                         struct found *ret, const char **ret_what);

#endif
