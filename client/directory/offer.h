/*
 * What is offered for use of what was found: logged is not trusted.
 *
 * A certificate is offered when it validates to the user's own anchors for the purpose and the
 * address, at the time in question.  All others are told with the reason.  A path is
 * looked for in the chain that was logged with the certificate; where none holds, also among the
 * issuers of the others, as far as the bound below goes: anybody can have those logged.
 *
 * No I/O, no clock.  Uses found, trust.
 */
#ifndef CLIENT_DIRECTORY_OFFER_H
#define CLIENT_DIRECTORY_OFFER_H

#include "client/directory/found.h"
#include "client/trust.h"

/* Issuers of other records that are looked at, counted for each record and all together.  Honest
 * answers stay below: 256 records with 32 different issuers.  The worst that a hostile CA can have
 * logged cost a dozen seconds with it, some minutes without. */
#define OFFER_ISSUERS_MAX 8192

/* Why there is nothing to use; the names are promises: offer_outcome_name. */
enum offer_outcome {
    OFFER_YES,
    OFFER_NEVER,   /* the address has no certificate */
    OFFER_PURPOSE, /* none for the purpose */
    OFFER_EXPIRED, /* all that there were have expired, or are not valid yet */
    OFFER_REVOKED,
    OFFER_ANNOUNCED, /* a precertificate only, that validates but for its poison: the certificate
                        was not logged */
    OFFER_UNTRUSTED, /* none validates */
    OFFER_ERASED
};

struct offer {
    bool offered;
    bool announced;
    enum trust_reason why; /* TRUST_OK when offered */
};

/* "yes", "never", "none-for-purpose", "expired", "revoked", "announced", "untrusted", "erased". */
const char *offer_outcome_name(enum offer_outcome o);

struct offer_question {
    const struct trust_anchors *anchors;
    uint64_t time; /* seconds */
    enum mailbox_purpose purpose;
    struct span address; /* as it was typed, in the form of merkle/leaf/address but for its case */
    bool fold;
};

/* One offer for each of f->records, into ret, which has room for them; what stands in it after a
 * failure means nothing.  RES_MEMORY, RES_CRYPTO. */
MUST_CHECK enum result offers_make(const struct found *f, const struct offer_question *q,
                                   struct offer *ret, enum offer_outcome *ret_outcome);

#endif
