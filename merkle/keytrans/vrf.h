/*
 * The verifiable random function of the key directory: ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381
 * section 5 with the suite of section 5.5.
 *
 * The holder of the secret turns an input alpha into an output beta that nobody else can foresee,
 * and proves with 80 bytes that it is the one.  Output and proof are deterministic: make each once
 * and keep it.  An output costs less than a proof, a proof less than its verification; prepare a
 * key once and use it often, since its validation alone costs a third of an output.
 *
 * What is taken and what is not, where texts and libraries differ:
 *   - public keys are validated (5.4.5): canonical, on the curve, of prime order;
 *   - points are canonical (RFC 8032 5.1.3): y below the field's order, no sign bit where x is 0;
 *   - the proof's s is below the group's order, so a proof has one form;
 *   - a proof whose Gamma has a part of small order is refused.  The RFC would take one that a
 *     malicious prover made, with the same beta: so no two outputs can come of the difference.
 *
 * Time: what is done with a secret takes the same time for any secret.  How often try-and-increment
 * tries depends on the public key and on alpha, and shows (RFC 9381 7.4): whoever can time one
 * evaluation learns a bit or two about alpha, nothing of the key.
 *
 * Pure: no allocation, no I/O, no randomness.  Any number of threads may use one key or secret at
 * once.  Uses result, span, libsodium.
 */
#ifndef MERKLE_KEYTRANS_VRF_H
#define MERKLE_KEYTRANS_VRF_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

#define VRF_SEED_SIZE 32
#define VRF_PUBLIC_SIZE 32
#define VRF_PROOF_SIZE 80 /* Gamma, 32 bytes; c, 16; s, 32: VRF.Np of KT_128_SHA256_Ed25519 */
#define VRF_BETA_SIZE 64
/* Of beta that many bytes count, the first: VRF.Nh of KT_128_SHA256_Ed25519. */
#define VRF_OUTPUT_SIZE 32

/* What a verifier keeps of a public key that was validated.  Its fields are vrf.c's own. */
struct vrf_public {
    uint8_t encoded[VRF_PUBLIC_SIZE];
};

/*
 * What the holder keeps of a private key, expanded from its seed.  Its fields are vrf.c's own; they
 * are as secret as the seed.  Lives where its owner's other secrets live (no copies), and ends with
 * vrf_secret_release.
 */
struct vrf_secret {
    uint8_t x[32];      /* the secret scalar, below the group's order */
    uint8_t x8[32];     /* 8 x, below the group's order */
    uint8_t prefix[32]; /* the second half of SHA-512(seed), of which nonces are made */
    uint8_t public[VRF_PUBLIC_SIZE];
};

/* The input of the VRF for a label at a version, as the draft's section "Verifiable Random
 * Function" has it. */
#define VRF_LABEL_MAX 255 /* Longest label: opaque label<0..2^8-1> */
struct vrf_input {
    uint8_t b[1 + VRF_LABEL_MAX + 4];
    size_t n;
};

/* Writes VrfInput: a byte of length, the label, the version in four bytes, big-endian.  RES_VALUE
 * when the label is longer than VRF_LABEL_MAX. */
MUST_CHECK enum result vrf_input(struct span label, uint32_t version, struct vrf_input *ret);

/* The bytes of *in, borrowed: alpha. */
static inline struct span
vrf_input_span(const struct vrf_input *in)
{
    return span_of(in->b, in->n);
}

/* Expands a private key (RFC 8032 5.1.5: the 32 bytes that an Ed25519 key pair is made of).  The
 * seed remains the caller's to wipe. */
void vrf_secret_init(struct vrf_secret *s, const uint8_t seed[static VRF_SEED_SIZE]);

/* Wipes *s.  A second time does nothing. */
void vrf_secret_release(struct vrf_secret *s);

/* The public key of s, VRF_PUBLIC_SIZE bytes borrowed from it. */
const uint8_t *vrf_secret_public(const struct vrf_secret *s);

/*
 * beta for alpha, without a proof (what an insertion needs).
 *
 * RES_CRYPTO when none of 256 candidates is a point: an alpha for which that happens cannot be
 * found.
 */
MUST_CHECK enum result vrf_output(const struct vrf_secret *s, struct span alpha,
                                  uint8_t ret[static VRF_BETA_SIZE]);

/* The proof for alpha, RFC 9381 5.1; vrf_verify makes beta of it.  RES_CRYPTO as vrf_output. */
MUST_CHECK enum result vrf_prove(const struct vrf_secret *s, struct span alpha,
                                 uint8_t ret[static VRF_PROOF_SIZE]);

/* Validates a public key, RFC 9381 5.4.5, as strictly as the head of this file says.  RES_KEY. */
MUST_CHECK enum result vrf_public_parse(const uint8_t key[static VRF_PUBLIC_SIZE],
                                        struct vrf_public *ret);

/* Checks that proof is one for alpha by the holder of k, and gives beta, RFC 9381 5.2 and 5.3.
 * RES_VRF when it is none, for whatever reason. */
MUST_CHECK enum result vrf_verify(const struct vrf_public *k, struct span alpha,
                                  const uint8_t proof[static VRF_PROOF_SIZE],
                                  uint8_t ret[static VRF_BETA_SIZE]);

#endif
