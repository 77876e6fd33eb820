/*
 * The multiples of a P-256 public key: they check an ECDSA signature in little more than half the
 * time.
 *
 * A signature verifies when the sum u1 G + u2 Q has the right abscissa (SEC 1 section 4.1.4).
 * libcrypto holds a table of the multiples of G, so that u1 G costs 8 µs; u2 Q, for which it has
 * none, costs 40.  Here Q is the generator of a group of its own and gets a table of the same kind.
 * That takes 150 KB and 26 ms, and saves 25 µs a signature: it is for the few keys that issue most
 * of what a log takes.
 *
 * It only ever says yes.  What it does not confirm, libcrypto's own verification judges, so that no
 * signature is refused by what stands here.  Nothing in it is secret.  Uses codec, hash, libcrypto.
 * Private.
 */
#ifndef LOG_ACCEPT_MULTIPLES_H
#define LOG_ACCEPT_MULTIPLES_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/tree/hash.h"

struct multiples;

/* The table for the key that is that point (SEC 1 section 2.3.3), borrowed for the call.
 * RES_CHAIN_KEY when it is no point of P-256 or the one at infinity; RES_CRYPTO. */
MUST_CHECK enum result multiples_new(struct span point, struct multiples **ret);
void multiples_free(struct multiples *m); /* NULL does nothing */

/* Whether signature, a DER Ecdsa-Sig-Value (RFC 3279 section 2.2.3), is the key's over that SHA-256
 * digest; false also when memory is short.  Any thread, any number of them at once. */
bool multiples_confirm(const struct multiples *m, const struct hash *digest, struct span signature);

#endif
