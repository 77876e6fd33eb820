/*
 * Public key algorithms: which are on the list, told by the bytes of a SubjectPublicKeyInfo.
 *
 * RSA, RSA for PSS only, the NIST curves P-256, P-384 and P-521 by name, Ed25519, Ed448.  Looked at
 * before anything is decoded: whatever else libcrypto could be talked into decoding is not asked of
 * it.  Private to log/accept.  Pure.  Uses sigalg, span.
 */
#ifndef LOG_ACCEPT_KEYALG_H
#define LOG_ACCEPT_KEYALG_H

#include "log/accept/sigalg.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

enum keyalg { KEYALG_RSA, KEYALG_RSA_PSS, KEYALG_EC, KEYALG_ED25519, KEYALG_ED448 };

/* The algorithm of a SubjectPublicKeyInfo, whose key is not looked at.  RES_CHAIN_KEY when it is
 * not on the list: other bytes than the RFC fixes, a curve with explicit parameters, nothing behind
 * it. */
MUST_CHECK enum result keyalg_parse(struct span spki, enum keyalg *ret);

/* Whether a key of that algorithm can make signatures of that scheme. */
bool keyalg_signs(enum keyalg k, enum sigalg_scheme s);

#endif
