/*
 * One root that a log accepts: its certificate, its key, and what its operator says of it.
 *
 * A root is whatever its operator says: neither its own signature nor its dates are looked at, and
 * an old root of version 1, silent about being a CA, is one.  Only a certificate that says it is no
 * CA is refused.  Making and freeing one is private to log/accept; others get it from a set, see
 * roots.h.  Uses issuer, domains, merkle/leaf.
 */
#ifndef LOG_ACCEPT_ROOT_H
#define LOG_ACCEPT_ROOT_H

#include "log/accept/issuer.h"
#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/leaf/cert.h"
#include "merkle/tree/hash.h"

struct root {
    struct span der; /* owned, in bytes */
    struct hash sha256;
    struct cert cert; /* borrows from der */
    struct issuer *issuer;
    bool verify_only; /* kept for what it has issued; takes no submissions, is not in get-roots */
    char **domains;   /* NULL: public.  Else a NULL-terminated list: enters the directory for those
                         only */
    struct buf bytes;
    size_t next_by_sha256, next_by_subject; /* the set's: in the same bucket */
};

/*
 * Makes a root of a copy of der.  domains: comma-separated or NULL.  cert_parse's errors;
 * RES_CHAIN_CA for a certificate that says it is no CA; RES_CHAIN_KEY for a key that could verify
 * nothing here; RES_VALUE for a bad domain; RES_CRYPTO; RES_MEMORY.
 */
MUST_CHECK enum result root_new(struct span der, const char *domains, bool verify_only,
                                struct root **ret);

/* A copy of other, as verify-only.  Errors of root_new. */
MUST_CHECK enum result root_copy(const struct root *other, struct root **ret);

void root_free(struct root *r); /* NULL does nothing */

#endif
