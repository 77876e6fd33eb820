/*
 * Commitments to what a label holds at a version: HMAC-SHA256 (RFC 2104) under the fixed key Kc of
 * the KEYTRANS cipher suites, section "Commitment" of draft-ietf-keytrans-protocol.
 *
 * A commitment stands in the prefix tree and tells nothing without its opening; with it, it fits
 * one label, version and update only.  When the opening is destroyed, nobody can tell any more what
 * was committed to.
 *
 * Pure; cannot run out of anything.  Uses hash, result, span, libsodium (comparing).
 */
#ifndef MERKLE_KEYTRANS_COMMITMENT_H
#define MERKLE_KEYTRANS_COMMITMENT_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Nc.  An opening is random, or looks so to everybody else. */
#define COMMITMENT_OPENING_SIZE 16
#define COMMITMENT_LABEL_MAX 255 /* Longest label: opaque label<0..2^8-1> */

/*
 * HMAC(Kc, CommitmentValue): the opening, the label behind a byte of length, the version, and
 * update, which is the whole UpdateValue as it is encoded (the value behind four bytes of length;
 * its suffix is empty but under third-party management).
 *
 * RES_VALUE when the label is longer than COMMITMENT_LABEL_MAX.
 */
MUST_CHECK enum result commitment_make(const uint8_t opening[static COMMITMENT_OPENING_SIZE],
                                       struct span label, uint32_t version, struct span update,
                                       struct hash *ret);

/* Checks that commitment is the one of the rest, in a time that does not tell where they differ.
 * RES_VALUE as above; RES_COMMITMENT when it is another. */
MUST_CHECK enum result commitment_verify(const struct hash *commitment,
                                         const uint8_t opening[static COMMITMENT_OPENING_SIZE],
                                         struct span label, uint32_t version, struct span update);

#endif
