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

struct judging {
    const struct found *f;
    const struct offer_question *q;
    struct span *issuers; /* FOUND_CHAIN_MAX for a record's own chain, then all of them */
    size_t left;          /* of OFFER_ISSUERS_MAX */
};

static enum result
begin(struct judging *j, const struct found *f, const struct offer_question *q)
{
    *j = (struct judging){.f = f, .q = q, .left = OFFER_ISSUERS_MAX};
    j->issuers = calloc(FOUND_CHAIN_MAX + f->issuers_n, sizeof(*j->issuers));
    if (j->issuers == NULL)
        return RES_MEMORY;
    for (size_t i = 0; i < f->issuers_n; i++)
        j->issuers[FOUND_CHAIN_MAX + i] = buf_span(&f->issuers[i]);
    return RES_OK;
}

/* Judges with the record's own chain, and n of the others. */
static enum result
validate(const struct judging *j, const struct found_record *r, size_t n, enum trust_reason *ret)
{
    struct span *own = j->issuers + FOUND_CHAIN_MAX - r->chain_n;
    const struct trust_question t = {.leaf = buf_span(&r->der),
                                     .issuers = own,
                                     .issuers_n = r->chain_n + n,
                                     .now = j->q->time,
                                     .purpose = j->q->purpose,
                                     .address = j->q->address,
                                     .fold = j->q->fold};

    memcpy(own, r->chain, r->chain_n * sizeof(*own));
    return trust_validate(j->q->anchors, &t, ret);
}

static bool
is_of_its_time(const struct mailbox_record *m, uint64_t time)
{
    return time >= m->not_before && time <= m->not_after;
}

/* Whether it may be offered by another path than that of its own chain. */
static bool
another_path_may_hold(const struct offer *o, const struct mailbox_record *m, uint64_t time)
{
    return !o->announced && is_of_its_time(m, time) && o->why != TRUST_OK &&
           o->why != TRUST_KEY_USAGE && o->why != TRUST_ADDRESS;
}

static enum result
judge_record(struct judging *j, const struct found_record *r, struct offer *ret)
{
    size_t n = j->f->issuers_n < TRUST_ISSUERS_MAX ? j->f->issuers_n : TRUST_ISSUERS_MAX;

    *ret = (struct offer){.announced = r->m.final_index == MAILBOX_NO_INDEX};
    if (r->m.status != MAILBOX_GOOD && j->q->time >= r->m.invalid_from) {
        ret->why = TRUST_REVOKED;
        return RES_OK;
    }
    /* A precertificate is no certificate: its critical poison says so (RFC 6962 3.1). */
    enum result rc = validate(j, r, 0, &ret->why);
    if (rc == RES_OK && n <= j->left && another_path_may_hold(ret, &r->m, j->q->time)) {
        j->left -= n;
        rc = validate(j, r, n, &ret->why);
    }
    /* The poison is found before the dates are looked at. */
    if (ret->announced && ret->why == TRUST_CRITICAL && !is_of_its_time(&r->m, j->q->time))
        ret->why = j->q->time < r->m.not_before ? TRUST_NOT_YET : TRUST_EXPIRED;
    ret->offered = rc == RES_OK && ret->why == TRUST_OK && !ret->announced;
    return rc;
}

/* Of those that are not offered, the reason that comes nearest to an offer. */
static enum offer_outcome
outcome_of(const struct offer *o, const struct mailbox_record *m, uint64_t time)
{
    if (o->offered)
        return OFFER_YES;
    /* Nothing but the poison stands against it. */
    if (o->announced && o->why == TRUST_CRITICAL)
        return OFFER_ANNOUNCED;
    switch (o->why) {
    case TRUST_KEY_USAGE:
        return OFFER_PURPOSE;
    case TRUST_EXPIRED:
    case TRUST_NOT_YET:
        /* Its own dates, not those of a certificate above it. */
        return is_of_its_time(m, time) ? OFFER_UNTRUSTED : OFFER_EXPIRED;
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
    enum offer_outcome best = OFFER_UNTRUSTED;
    struct judging j;
    enum result rc = begin(&j, f, q);

    for (size_t i = 0; rc == RES_OK && i < f->records_n; i++) {
        rc = judge_record(&j, &f->records[i], &ret[i]);
        if (rc != RES_OK)
            break;
        enum offer_outcome one = outcome_of(&ret[i], &f->records[i].m, q->time);
        if (rank(one) < rank(best))
            best = one;
    }
    free(j.issuers);
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
