#include "client/directory/offer.h"

#include <stdlib.h>
#include <string.h>

const char *
offer_outcome_name(enum offer_outcome o)
{
    static const char *const names[] = {"yes",     "never",     "none-for-purpose", "expired",
                                        "revoked", "announced", "untrusted",        "erased"};
    return names[o];
}

/* All issuers, behind room for one chain. */
static struct span *
issuers_of(const struct found *f)
{
    struct span *all = calloc(FOUND_CHAIN_MAX + f->issuers_n, sizeof(*all));

    for (size_t i = 0; all != NULL && i < f->issuers_n; i++)
        all[FOUND_CHAIN_MAX + i] = buf_span(&f->issuers[i]);
    return all;
}

static enum result
judge_record(const struct found *f, const struct offer_question *q, struct span *issuers,
             const struct found_record *r, struct offer *ret)
{
    struct span *own = issuers + FOUND_CHAIN_MAX - r->chain_n; /* then all */
    struct trust_question t = {.leaf = buf_span(&r->der),
                               .issuers = own,
                               .issuers_n = r->chain_n + f->issuers_n,
                               .now = q->time,
                               .purpose = q->purpose,
                               .address = q->address,
                               .fold = q->fold};
    enum result rc;

    memcpy(own, r->chain, r->chain_n * sizeof(*own));
    *ret = (struct offer){.announced = r->m.final_index == MAILBOX_NO_INDEX};
    if (r->m.status != MAILBOX_GOOD && q->time >= r->m.invalid_from) {
        ret->why = TRUST_REVOKED;
        return RES_OK;
    }
    /* A precertificate is no certificate: its critical poison says so (RFC 6962 3.1). */
    rc = trust_validate(q->anchors, &t, &ret->why);
    ret->offered = rc == RES_OK && ret->why == TRUST_OK && !ret->announced;
    return rc;
}

/* Of those that are not offered, the reason that comes nearest to an offer. */
static enum offer_outcome
outcome_of(const struct offer *o, const struct mailbox_record *m, uint64_t time)
{
    if (o->offered)
        return OFFER_YES;
    if (o->announced)
        return OFFER_ANNOUNCED;
    switch (o->why) {
    case TRUST_KEY_USAGE:
        return OFFER_PURPOSE;
    case TRUST_EXPIRED:
    case TRUST_NOT_YET:
        /* Its own dates, not those of a certificate above it. */
        return time < m->not_before || time > m->not_after ? OFFER_EXPIRED : OFFER_UNTRUSTED;
    case TRUST_REVOKED:
        return OFFER_REVOKED;
    default:
        return OFFER_UNTRUSTED;
    }
}

static unsigned
rank(enum offer_outcome o)
{
    static const unsigned ranks[] = {
        [OFFER_YES] = 0,     [OFFER_ANNOUNCED] = 1, [OFFER_PURPOSE] = 2,
        [OFFER_EXPIRED] = 3, [OFFER_REVOKED] = 4,   [OFFER_UNTRUSTED] = 5};
    return ranks[o];
}

enum result
offers_make(const struct found *f, const struct offer_question *q, struct offer *ret,
            enum offer_outcome *ret_outcome)
{
    struct span *issuers = issuers_of(f);
    enum offer_outcome best = OFFER_UNTRUSTED;
    enum result rc = issuers == NULL ? RES_MEMORY : RES_OK;

    for (size_t i = 0; rc == RES_OK && i < f->records_n; i++) {
        rc = judge_record(f, q, issuers, &f->records[i], &ret[i]);
        if (rc != RES_OK)
            break;
        enum offer_outcome one = outcome_of(&ret[i], &f->records[i].m, q->time);
        if (rank(one) < rank(best))
            best = one;
    }
    free(issuers);
    if (rc != RES_OK)
        return rc;
    if (!f->present)
        best = OFFER_NEVER;
    else if (f->state.tombstone)
        best = OFFER_ERASED;
    else if (f->records_n == 0)
        best = OFFER_EXPIRED;
    *ret_outcome = best;
    return RES_OK;
}
