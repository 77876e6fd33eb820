/*
 * vrf_lines: random keys, proofs, broken proofs and commitments, one a line in hex, with what the
 * house says of each; ecvrf.py judges them.
 */
#include "merkle/base/codec.h"
#include "merkle/base/text.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/vrf.h"
#include "tests/vectors/rng.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 12

/* A point of order 8, RFC 9381 5.6.1's list of bad_pk among others. */
static const uint8_t order8[32] = {
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
    0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
};

static void
need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "vrf_lines: %s\n", what);
        exit(1);
    }
}

static void
field(struct span s)
{
    char hex[2 * 600 + 1];
    need(s.n <= 600, "too long");
    text_hex_to(s, hex);
    printf(" %s", s.n == 0 ? "-" : hex);
}

static void
key_line(const uint8_t key[static VRF_PUBLIC_SIZE])
{
    struct vrf_public k;
    uint8_t taken = vrf_public_parse(key, &k) == RES_OK;
    printf("key");
    field(span_of(key, VRF_PUBLIC_SIZE));
    field(span_of(&taken, 1));
    printf("\n");
}

static void
verify_line(const uint8_t key[static VRF_PUBLIC_SIZE], struct span alpha,
            const uint8_t proof[static VRF_PROOF_SIZE])
{
    struct vrf_public k;
    uint8_t beta[VRF_BETA_SIZE];
    enum result rc = vrf_public_parse(key, &k);
    need(rc == RES_OK, "no key");
    rc = vrf_verify(&k, alpha, proof, beta);
    printf("verify");
    field(span_of(key, VRF_PUBLIC_SIZE));
    field(alpha);
    field(span_of(proof, VRF_PROOF_SIZE));
    field(span_of(beta, rc == RES_OK ? sizeof beta : 0));
    printf("\n");
}

/* A key pair, an alpha and its proof; then keys and proofs that are near. */
static void
proof_lines(struct rng *r)
{
    uint8_t seed[VRF_SEED_SIZE], alpha[300], proof[VRF_PROOF_SIZE], beta[VRF_BETA_SIZE], key[32];
    struct vrf_secret s;
    rng_fill(r, seed, sizeof seed);
    rng_fill(r, alpha, sizeof alpha);
    struct span in = span_of(alpha, rng_scaled(r, sizeof alpha));
    vrf_secret_init(&s, seed);
    memcpy(key, vrf_secret_public(&s), sizeof key);
    need(vrf_prove(&s, in, proof) == RES_OK && vrf_output(&s, in, beta) == RES_OK, "no proof");
    printf("prove");
    field(span_of(seed, sizeof seed));
    field(in);
    field(span_of(key, sizeof key));
    field(span_of(proof, sizeof proof));
    field(span_of(beta, sizeof beta));
    printf("\n");
    verify_line(key, in, proof);
    proof[rng_next(r) % sizeof proof] ^= (uint8_t)(1u << rng_next(r) % 8);
    verify_line(key, in, proof);
    key_line(key);
    rng_fill(r, key, sizeof key);
    key_line(key);
    (void)!crypto_core_ed25519_add(key, vrf_secret_public(&s), order8);
    key_line(key);
    vrf_secret_release(&s);
}

/* Keys of small order, and numbers around the field's order, with and without the sign bit. */
static void
edge_lines(void)
{
    uint8_t key[32];
    for (int sign = 0; sign < 2; sign++) {
        memcpy(key, order8, sizeof key);
        key[31] |= (uint8_t)(sign << 7);
        key_line(key);
        for (unsigned low = 0; low < 256; low += low == 6 ? 220 : 1) {
            memset(key, low < 128 ? 0 : 0xff, sizeof key);
            key[0] = (uint8_t)low;
            key[31] = (uint8_t)(sign << 7 | (low < 128 ? 0 : 0x7f));
            key_line(key);
        }
    }
}

static void
commit_line(struct rng *r)
{
    uint8_t opening[COMMITMENT_OPENING_SIZE], label[COMMITMENT_LABEL_MAX], value[500], number[4];
    struct buf update = BUF_INIT(1024);
    struct writer w = writer_to(&update);
    struct hash h;
    rng_fill(r, opening, sizeof opening);
    rng_fill(r, label, sizeof label);
    rng_fill(r, value, sizeof value);
    rng_fill(r, number, sizeof number);
    struct span l = span_of(label, rng_scaled(r, sizeof label + 1));
    struct span v = span_of(value, rng_scaled(r, sizeof value));
    uint32_t version = (uint32_t)number[0] << 24 | (uint32_t)number[1] << 16 |
                       (uint32_t)number[2] << 8 | number[3];
    put_u32(&w, v.n);
    put_bytes(&w, v);
    need(writer_end(&w) == RES_OK &&
             commitment_make(opening, l, version, buf_span(&update), &h) == RES_OK,
         "no commitment");
    printf("commit");
    field(span_of(opening, sizeof opening));
    field(l);
    field(span_of(number, sizeof number));
    field(v);
    field(hash_span(&h));
    printf("\n");
    buf_release(&update);
}

int
main(void)
{
    struct rng r = rng_start("vrf_lines");
    if (sodium_init() < 0)
        return 1;
    edge_lines();
    for (int i = 0; i < ROWS; i++) {
        proof_lines(&r);
        commit_line(&r);
    }
    return 0;
}
