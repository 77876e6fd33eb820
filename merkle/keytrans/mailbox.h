/*
 * The values of the directory: what a mailbox's or a domain's label holds in one version.
 * FORMATS.md, "The value".
 *
 * A version is the whole state of its label.  Vectors count elements, as everywhere in KEYTRANS.
 * Decoded values borrow the bytes they were read from.  Pure.  Uses codec, hash, mailboxes (where
 * an address stood).
 */
#ifndef MERKLE_KEYTRANS_MAILBOX_H
#define MERKLE_KEYTRANS_MAILBOX_H

#include "merkle/base/codec.h"
#include "merkle/leaf/mailboxes.h"
#include "merkle/tree/hash.h"

/* Longest address as certified: an SMTP mailbox has at most 254 bytes, RFC 5321 4.5.3.1.3 */
#define MAILBOX_ADDRESS_MAX 254
/* Records in one value: a client reads all of them; more are counted, and bound by the root over
 * all */
#define MAILBOX_RECORDS_MAX 256
/* Longest encoded record, and longest value */
#define MAILBOX_RECORD_MAX 411
#define MAILBOX_VALUE_MAX (40 + MAILBOX_RECORDS_MAX * MAILBOX_RECORD_MAX)
/* An index that means: not logged */
#define MAILBOX_NO_INDEX UINT64_MAX

enum mailbox_purpose { MAILBOX_SIGN = 1, MAILBOX_ENCRYPT = 2, MAILBOX_BOTH = 3 };

enum mailbox_status { MAILBOX_GOOD = 1, MAILBOX_HELD = 2, MAILBOX_REVOKED = 3 };

/* Why a mailbox was erased; others may come. */
enum mailbox_erased {
    MAILBOX_ERASED_REQUEST = 1, /* whose mailbox it is asked for it */
    MAILBOX_ERASED_DOMAIN,      /* whose domain it is did */
    MAILBOX_ERASED_ORDER,       /* a court or an authority did */
    MAILBOX_ERASED_RETENTION    /* the operator's rule how long to keep what */
};

/* One certificate of a mailbox.  Times are seconds since 1970. */
struct mailbox_record {
    struct hash key_id; /* of the TBS without poison and SCT list, and the issuer's key */
    uint64_t precert_index, final_index; /* in the certificate log; MAILBOX_NO_INDEX */
    struct hash certificate_sha256;      /* zero while only announced */
    struct hash spki_sha256;
    uint64_t not_before, not_after;
    enum mailbox_purpose purpose;
    enum mailbox_source source;
    struct span address; /* 1 to MAILBOX_ADDRESS_MAX bytes, as certified */
    enum mailbox_status status;
    /* when held or revoked */
    uint64_t revoked_at;
    uint8_t reason; /* CRLReason, RFC 5280 5.3.1 */
    uint64_t invalid_from;
    uint64_t crl_index;
};

struct mailbox_state {
    bool tombstone;
    /* a state */
    unsigned n;          /* records in bytes, newest first */
    struct span records; /* well-formed */
    uint32_t total;      /* of all records as they stand, expired ones too */
    struct hash all;     /* RFC 6962 root over all of them */
    /* a tombstone */
    uint64_t time;  /* seconds */
    uint8_t reason; /* enum mailbox_erased, or one that came later */
    uint32_t count;
};

struct domain_state {
    uint64_t count;
    struct hash root; /* RFC 6962 root over (uint64 index || leaf hash) of every entry under the
                         domain, in order */
};

/* Reads or writes one record.  RES_VALUE for an enumeration, an address or a status outside its
 * range, for an announced certificate with a final index, and for a final one without a hash. */
void mailbox_record_get(struct reader *r, struct mailbox_record *ret);
void mailbox_record_put(struct writer *w, const struct mailbox_record *m);

/* Reads or writes a MailboxState.  The reader goes through every record: RES_VALUE over
 * MAILBOX_RECORDS_MAX, for total < n, for records that are not newest first (by not_before, then
 * key_id), or for a key_id that stands twice. */
void mailbox_state_get(struct reader *r, struct mailbox_state *ret);
void mailbox_state_put(struct writer *w, const struct mailbox_state *s);

/* "request", "domain", "order", "retention"; NULL for any other. */
const char *mailbox_erased_name(uint8_t reason);

void domain_state_get(struct reader *r, struct domain_state *ret);
void domain_state_put(struct writer *w, const struct domain_state *s);

#endif
