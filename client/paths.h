/*
 * Looking for a path from a certificate to an anchor that holds, among certificates that anybody
 * may have sent.
 *
 * libcrypto would take the first issuer that has the right name.  Whoever can have a certificate
 * logged can put one with the name of somebody else's CA beside it, also one with its key.  So
 * every path is tried that names, key identifiers and signatures allow, anchors first, until one
 * holds; the bounds below are on the work that strangers can make.
 *
 * Private to client/trust.  No files, no environment, no clock.  Uses path, libcrypto.
 */
#ifndef CLIENT_PATHS_H
#define CLIENT_PATHS_H

#include <openssl/x509.h>

#include "client/trust.h"
#include "merkle/leaf/address.h"

/* Signatures that are checked in search of one certificate's path: a real one has four at most, the
 * rest is decoys, two for each: its own and that of the certificate below it. */
#define PATHS_SIGNATURES_MAX 1024
_Static_assert(PATHS_SIGNATURES_MAX >= 2 * TRUST_ISSUERS_MAX, "or decoys could hide a path");
/* Paths that are judged for one certificate.  They are signed up to an anchor, so no stranger makes
 * them; most certificates have one. */
#define PATHS_TRIES_MAX 16

struct paths_question {
    X509 *leaf;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * issuers;      /* at most TRUST_ISSUERS_MAX; NULL: none */
    uint64_t now;                  /* seconds since 1970 */
    const struct address *address; /* for which the leaf is to be used; NULL: none */
};

/*
 * Judges: TRUST_OK, or what is wrong with the path that was found first, or why there is none.
 * RES_MEMORY, RES_CRYPTO.  Leaves nothing in the thread's error queue.
 */
MUST_CHECK enum result paths_find(const struct paths_question *q, enum trust_reason *ret);

#endif
