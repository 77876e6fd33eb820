/*
 * Signature algorithm identifiers: RFC 4055, RFC 5758, RFC 8410.
 *
 * On the list: RSA PKCS #1 v1.5 and ECDSA with SHA-1 and SHA-2, RSASSA-PSS with the same hashes,
 * Ed25519, Ed448. Not on it, and so never verified: MD2, MD5, DSA, GOST, SM2, and whatever is
 * unknown. Lax where issuers are and nothing hangs on it: the NULL parameters of RSA and ECDSA may
 * be there or not. Pure.  Uses result, span.
 */
#ifndef LOG_ACCEPT_SIGALG_H
#define LOG_ACCEPT_SIGALG_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

enum sigalg_scheme {
    SIGALG_RSA, /* PKCS #1 v1.5 */
    SIGALG_PSS,
    SIGALG_ECDSA,
    SIGALG_ED25519,
    SIGALG_ED448
};

enum sigalg_hash { SIGALG_SHA1, SIGALG_SHA224, SIGALG_SHA256, SIGALG_SHA384, SIGALG_SHA512 };
#define SIGALG_HASHES 5

struct sigalg {
    enum sigalg_scheme scheme;
    enum sigalg_hash hash; /* not of EdDSA */
    enum sigalg_hash mgf;  /* PSS: of MGF1 */
    unsigned salt;         /* PSS: bytes of salt, at most 512 */
};

/* The scheme that an AlgorithmIdentifier (whole) names.  RES_CHAIN_SIGNATURE_ALGORITHM when it is
 * not on the list. */
MUST_CHECK enum result sigalg_parse(struct span algorithm, struct sigalg *ret);

#endif
