/*
 * A chain while it is looked at: what was handed in, what is known of it so far, and why it is
 * refused.
 *
 * Private to log/accept: chain fills it and asks each check in turn; a check either leaves it as it
 * is, but for root and root_given, or refuses.  One thread.  Uses chain, issuer, roots.
 */
#ifndef LOG_ACCEPT_WORK_H
#define LOG_ACCEPT_WORK_H

#include "log/accept/chain.h"

struct work {
    const struct chain_policy *policy;
    const struct roots *roots;
    struct issuer_cache *cache;
    enum entry_type type;
    size_t n;                /* certificates handed in */
    const struct root *root; /* what they end in */
    bool root_given;         /* it is the last of them */
    struct chain_refusal *refusal;
    struct hash sha256[CHAIN_MAX]; /* of the issuers; the leaf's is not needed */
    struct cert cert[CHAIN_MAX];
};

/* Fills the refusal: why, and a sentence of at most CHAIN_DETAIL_MAX - 1 bytes.  Returns why. */
enum result work_refuse(struct work *w, enum result why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
