/*
 * One path from a certificate to an anchor: whether it deserves belief, RFC 5280 section 6.
 *
 * libcrypto judges.  Beyond it: every CA has basicConstraints (RFC 5280 6.1.4 k; a Netscape type is
 * not enough), key purposes bind CAs too, and name constraints are read once more (constraints.h).
 *
 * Private to client/trust.  No files, no environment, no clock.  Uses constraints, libcrypto.
 */
#ifndef CLIENT_PATH_H
#define CLIENT_PATH_H

#include <openssl/x509.h>

#include "client/trust.h"
#include "merkle/leaf/address.h"

/* Certificates in a path: the leaf, the CAs, the anchor. */
#define PATH_MAX_CERTS (TRUST_DEPTH_MAX + 2)

struct path {
    X509 *cert[PATH_MAX_CERTS];    /* borrowed; the leaf first, the anchor last */
    int n;                         /* 1: the leaf is an anchor itself */
    uint64_t now;                  /* seconds since 1970 */
    const struct address *address; /* for which the leaf is to be used; NULL: none */
};

/* Judges.  RES_MEMORY, RES_CRYPTO.  May leave something in the thread's error queue. */
MUST_CHECK enum result path_judge(const struct path *p, enum trust_reason *ret);

/* Empties the thread's error queue; whether memory was the matter. */
bool path_out_of_memory(void);

#endif
