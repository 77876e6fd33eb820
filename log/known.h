/*
 * Which issuers the store holds, by fingerprint: so that a submission need not carry them along.
 *
 * Thread-safe; one lock.  Uses hash.
 */
#ifndef LOG_KNOWN_H
#define LOG_KNOWN_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

struct known;

MUST_CHECK enum result known_new(struct known **ret);
void known_free(struct known *k); /* NULL does nothing */

bool known_has(struct known *k, const struct hash *sha256);

/* Adds it; nothing happens when it is there.  RES_MEMORY. */
MUST_CHECK enum result known_add(struct known *k, const struct hash *sha256);

#endif
