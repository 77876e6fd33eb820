/*
 * A path from a certificate to an anchor that deserves belief, RFC 5280 section 6, among
 * certificates that anybody may have sent.
 *
 * libcrypto judges a path, but looks for one with the first issuer that has the right name. Whoever
 * can have a certificate logged can put one with the name of somebody else's CA beside it.  So
 * every path is tried that names and signatures allow, anchors first, until one holds; the bounds
 * below are on the work that strangers can make.
 *
 * Beyond libcrypto: every CA has basicConstraints (RFC 5280 6.1.4 k; a key usage, or a Netscape
 * type, is not enough), key purposes bind CAs too, name constraints are read once more
 * (constraints.h), and so is the strength of what signs.
 *
 * Private to client/trust.  No files, no environment, no clock.  Uses constraints, libcrypto.
 */
#ifndef CLIENT_PATH_H
#define CLIENT_PATH_H

#include "client/constraints.h"
#include "client/trust.h"

/* Signatures that are checked in search of one certificate's path: a real one has four at most, the
 * rest is decoys; milliseconds. */
#define PATH_SIGNATURES_MAX 256
/* Paths that are judged for one certificate; most have one. */
#define PATH_TRIES_MAX 16

struct path_question {
    X509 *leaf;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * issuers;
    uint64_t now;                  /* seconds since 1970 */
    const struct address *address; /* NULL: any */
};

/* Judges: TRUST_OK, or what is wrong with the path that was found first.  RES_MEMORY, RES_CRYPTO.
 * Leaves nothing in the thread's error queue. */
MUST_CHECK enum result path_find(const struct path_question *q, enum trust_reason *ret);

#endif
