/*
 * Path validation: whether a certificate deserves belief, for a purpose, an address and a time.
 *
 * A log records what was issued, also what nobody should trust.  So nothing is offered for use that
 * does not validate, RFC 5280 section 6, to anchors that the user named: dates, signatures, CA
 * flags, path length, name constraints, critical extensions, policies where a CA demands them, key
 * purposes; and nothing whose key or signature is below 112 bits of strength.  The issuers come
 * from anybody and prove nothing, nor do they stand in the way of a path that holds (paths.h).
 *
 * No files, no environment, no clock: the time is an argument.  Uses paths, libcrypto, merkle/leaf.
 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/keytrans/mailbox.h"

/* Certificates among which a path is looked for; more are not looked at: a value has 256 records,
 * and their chains share their issuers. */
#define TRUST_ISSUERS_MAX 512
/* CA certificates between leaf and anchor; real paths have one to three. */
#define TRUST_DEPTH_MAX 10
/* Anchors in one set. */
#define TRUST_ANCHORS_MAX 4096

enum trust_reason {
    TRUST_OK,
    TRUST_EXPIRED,   /* it or a certificate above it */
    TRUST_NOT_YET,   /* likewise */
    TRUST_NO_PATH,   /* leads to none of the anchors */
    TRUST_CA,        /* a certificate above it is no CA, may not sign, or is too far up */
    TRUST_NAMES,     /* a name constraint */
    TRUST_CRITICAL,  /* a critical extension that is not known */
    TRUST_EKU,       /* not for e-mail */
    TRUST_KEY_USAGE, /* not for that purpose */
    TRUST_SIGNATURE, /* a signature in the path is wrong */
    TRUST_WEAK,      /* a key or signature algorithm that can be broken */
    TRUST_ADDRESS,   /* not certified for that address */
    TRUST_REVOKED,
    TRUST_MALFORMED,
    TRUST_POLICY, /* a CA demands a policy that it does not have; or too many policies to judge */
    TRUST_REASONS
};

/* A short stable name; a sentence for a person, with the paragraph. */
const char *trust_reason_name(enum trust_reason r);
const char *trust_reason_sentence(enum trust_reason r);

struct trust_anchors; /* immutable; any number of threads may use it at once */

/* Makes a set of n certificates, DER; n may be 0: then nothing validates.  RES_CERT for one that is
 * none, RES_TOO_LARGE, RES_MEMORY. */
MUST_CHECK enum result trust_anchors_new(const struct span *der, size_t n,
                                         struct trust_anchors **ret);
void trust_anchors_free(struct trust_anchors *a); /* NULL does nothing */

struct trust_question {
    struct span leaf;           /* DER */
    const struct span *issuers; /* DER; those that are no certificates are passed over */
    size_t issuers_n;
    uint64_t now;                 /* seconds since 1970 */
    enum mailbox_purpose purpose; /* MAILBOX_BOTH: either will do */
    struct span address;          /* as it was typed */
    bool fold;                    /* take another case of ASCII letters in the local part */
};

/*
 * Judges.  The address must be certified: in the subjectAltName as rfc822Name or SmtpUTF8Mailbox,
 * or, when neither stands there, in the subject's emailAddress; its local part octet for octet.
 * RES_MEMORY, RES_CRYPTO.
 */
MUST_CHECK enum result trust_validate(const struct trust_anchors *a, const struct trust_question *q,
                                      enum trust_reason *ret_reason);

#endif
