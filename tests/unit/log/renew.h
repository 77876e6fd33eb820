/*
 * Certificates with new keys: the same names, extensions and links between them, other keys and
 * signatures.
 *
 * For vectors whose keys are too small for this log: what a chain looks like is theirs, only who
 * can sign is not. Certificates that share a key or a name share the new key.  Signatures are new,
 * with ECDSA and SHA-256, but one with MD2 or MD5 stays, and no longer fits.  What libcrypto cannot
 * read stays as it is.  For tests only: aborts when libcrypto fails.
 */
#ifndef TESTS_UNIT_LOG_RENEW_H
#define TESTS_UNIT_LOG_RENEW_H

#include "merkle/base/buf.h"

struct renewal;

struct renewal *renew_new(void);
void renew_free(struct renewal *r);

/* Makes a new key for that certificate's name: call it for every issuer before renew. */
void renew_know(struct renewal *r, struct span der);

/* Replaces the certificate in *der by its renewed form, if its issuer is known. */
void renew(struct renewal *r, struct buf *der);

#endif
