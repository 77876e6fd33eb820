#include "merkle/keytrans/vrf.h"

#include <assert.h>
#include <sodium.h>

#define POINT 32
#define SCALAR 32
#define CHALLENGE 16 /* cLen */

/* RFC 9381 5.5: suite_string, and the domain separators of 5.4.1.1, 5.4.3 and 5.2. */
#define SUITE 0x03
#define ENCODE_TO_CURVE 0x01
#define GENERATE_CHALLENGE 0x02
#define PROOF_TO_HASH 0x03
#define BACK 0x00

enum result
vrf_input(struct span label, uint32_t version, struct vrf_input *ret)
{
    if (label.n > VRF_LABEL_MAX)
        return RES_VALUE;
    ret->b[0] = (uint8_t)label.n;
    if (label.n > 0)
        memcpy(ret->b + 1, label.p, label.n);
    for (int i = 0; i < 4; i++)
        ret->b[1 + label.n + (size_t)i] = (uint8_t)(version >> (24 - 8 * i));
    ret->n = 1 + label.n + 4;
    return RES_OK;
}

/* The neutral element, encoded. */
static const uint8_t neutral[POINT] = {1};

/*
 * RFC 8032 5.1.3: "If the resulting value is >= p, decoding fails", and "If x = 0, and x_0 = 1,
 * decoding fails": x is 0 where y is 1 or -1.  The library takes such encodings.
 */
static bool
canonical(const uint8_t s[static POINT])
{
    static const uint8_t minus_one_above = 0xec; /* p - 1 = 7fff...ffec, little-endian */
    uint8_t all_ones = 0xff, any = 0;
    for (int i = 1; i < 31; i++) {
        all_ones &= s[i];
        any |= s[i];
    }
    bool sign = s[31] >> 7;
    if ((s[31] & 0x7f) == 0x7f && all_ones == 0xff)
        return s[0] < minus_one_above || (s[0] == minus_one_above && !sign);
    return !(sign && (s[31] & 0x7f) == 0 && any == 0 && s[0] == 1);
}

/* 8 p, for any point p of the curve.  False when p is no point.  The multiplications of the library
 * refuse points outside the prime-order group, its additions do not. */
static bool
clear_cofactor(const uint8_t p[static POINT], uint8_t ret[static POINT])
{
    return canonical(p) && crypto_core_ed25519_add(ret, p, p) == 0 &&
           crypto_core_ed25519_add(ret, ret, ret) == 0 &&
           crypto_core_ed25519_add(ret, ret, ret) == 0;
}

/* ECVRF_encode_to_curve_try_and_increment, RFC 9381 5.4.1.1, with the public key as salt.  False
 * when all counters failed. */
static bool
encode_to_curve(const uint8_t key[static POINT], struct span alpha, uint8_t ret[static POINT])
{
    const uint8_t front[] = {SUITE, ENCODE_TO_CURVE};
    crypto_hash_sha512_state before;
    crypto_hash_sha512_init(&before);
    crypto_hash_sha512_update(&before, front, sizeof front);
    crypto_hash_sha512_update(&before, key, POINT);
    crypto_hash_sha512_update(&before, alpha.p, alpha.n);
    for (unsigned ctr = 0; ctr < 256; ctr++) {
        const uint8_t end[] = {(uint8_t)ctr, BACK};
        crypto_hash_sha512_state h = before;
        uint8_t digest[crypto_hash_sha512_BYTES];
        crypto_hash_sha512_update(&h, end, sizeof end);
        crypto_hash_sha512_final(&h, digest);
        if (clear_cofactor(digest, ret) && memcmp(ret, neutral, POINT) != 0)
            return true;
    }
    return false;
}

/* ECVRF_challenge_generation, RFC 9381 5.4.3. */
static void
make_challenge(const uint8_t *const points[static 5], uint8_t ret[static CHALLENGE])
{
    const uint8_t front[] = {SUITE, GENERATE_CHALLENGE}, back[] = {BACK};
    crypto_hash_sha512_state h;
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, front, sizeof front);
    for (int i = 0; i < 5; i++)
        crypto_hash_sha512_update(&h, points[i], POINT);
    crypto_hash_sha512_update(&h, back, sizeof back);
    crypto_hash_sha512_final(&h, digest);
    memcpy(ret, digest, CHALLENGE);
}

/* The last step of ECVRF_proof_to_hash, RFC 9381 5.2, from 8 Gamma. */
static void
make_beta(const uint8_t gamma8[static POINT], uint8_t ret[static VRF_BETA_SIZE])
{
    uint8_t in[2 + POINT + 1] = {SUITE, PROOF_TO_HASH};
    memcpy(in + 2, gamma8, POINT);
    in[sizeof in - 1] = BACK;
    crypto_hash_sha512(ret, in, sizeof in);
}

/* A number of up to 64 bytes below the group's order. */
static void
reduce(const uint8_t *n, size_t size, uint8_t ret[static SCALAR])
{
    uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {0};
    memcpy(wide, n, size);
    crypto_core_ed25519_scalar_reduce(ret, wide);
    sodium_memzero(wide, sizeof wide);
}

void
vrf_secret_init(struct vrf_secret *s, const uint8_t seed[static VRF_SEED_SIZE])
{
    static const uint8_t eight[SCALAR] = {8};
    uint8_t h[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(h, seed, VRF_SEED_SIZE);
    /* RFC 8032 5.1.5: "The lowest three bits of the first octet are cleared, the highest bit of the
     * last octet is cleared, and the second highest bit of the last octet is set." */
    h[0] &= 0xf8;
    h[31] = (h[31] & 0x7f) | 0x40;
    reduce(h, SCALAR, s->x);
    crypto_core_ed25519_scalar_mul(s->x8, s->x, eight);
    memcpy(s->prefix, h + 32, sizeof s->prefix);
    /* It fails for 0 alone, and a multiple of 8 below 2^255 is no multiple of the order. */
    int rc = crypto_scalarmult_ed25519_base_noclamp(s->public, s->x);
    assert(rc == 0);
    sodium_memzero(h, sizeof h);
}

void
vrf_secret_release(struct vrf_secret *s)
{
    sodium_memzero(s, sizeof *s);
}

const uint8_t *
vrf_secret_public(const struct vrf_secret *s)
{
    return s->public;
}

enum result
vrf_output(const struct vrf_secret *s, struct span alpha, uint8_t ret[static VRF_BETA_SIZE])
{
    uint8_t h[POINT], gamma8[POINT];
    /* 8 (x H) is (8 x) H: the encoding of Gamma itself is not needed. */
    if (!encode_to_curve(s->public, alpha, h) ||
        crypto_scalarmult_ed25519_noclamp(gamma8, s->x8, h) != 0)
        return RES_CRYPTO;
    make_beta(gamma8, ret);
    return RES_OK;
}

/* ECVRF_nonce_generation_RFC8032, RFC 9381 5.4.2.2. */
static void
make_nonce(const struct vrf_secret *s, const uint8_t h[static POINT], uint8_t ret[static SCALAR])
{
    uint8_t in[sizeof s->prefix + POINT], digest[crypto_hash_sha512_BYTES];
    memcpy(in, s->prefix, sizeof s->prefix);
    memcpy(in + sizeof s->prefix, h, POINT);
    crypto_hash_sha512(digest, in, sizeof in);
    crypto_core_ed25519_scalar_reduce(ret, digest);
    sodium_memzero(in, sizeof in);
    sodium_memzero(digest, sizeof digest);
}

enum result
vrf_prove(const struct vrf_secret *s, struct span alpha, uint8_t ret[static VRF_PROOF_SIZE])
{
    uint8_t h[POINT], gamma[POINT], u[POINT], v[POINT], k[SCALAR], cx[SCALAR];
    uint8_t c[SCALAR] = {0};
    if (!encode_to_curve(s->public, alpha, h))
        return RES_CRYPTO;
    make_nonce(s, h, k);
    int rc = crypto_scalarmult_ed25519_noclamp(gamma, s->x, h);
    rc |= crypto_scalarmult_ed25519_base_noclamp(u, k);
    rc |= crypto_scalarmult_ed25519_noclamp(v, k, h);
    if (rc == 0) {
        make_challenge((const uint8_t *const[]){s->public, h, gamma, u, v}, c);
        crypto_core_ed25519_scalar_mul(cx, c, s->x);
        memcpy(ret, gamma, POINT);
        memcpy(ret + POINT, c, CHALLENGE);
        crypto_core_ed25519_scalar_add(ret + POINT + CHALLENGE, k, cx);
        sodium_memzero(cx, sizeof cx);
    }
    sodium_memzero(k, sizeof k);
    return rc == 0 ? RES_OK : RES_CRYPTO;
}

enum result
vrf_public_parse(const uint8_t key[static VRF_PUBLIC_SIZE], struct vrf_public *ret)
{
    if (!canonical(key) || crypto_core_ed25519_is_valid_point(key) != 1)
        return RES_KEY;
    memcpy(ret->encoded, key, VRF_PUBLIC_SIZE);
    return RES_OK;
}

/* s p - c q, both of prime order; p NULL: the base point.  False when q or p is not, or when a
 * scalar is 0, which no honest prover meets. */
static bool
combine(const uint8_t s[static SCALAR], const uint8_t *p, const uint8_t c[static SCALAR],
        const uint8_t q[static POINT], uint8_t ret[static POINT])
{
    uint8_t sp[POINT], cq[POINT];
    int rc = p == NULL ? crypto_scalarmult_ed25519_base_noclamp(sp, s)
                       : crypto_scalarmult_ed25519_noclamp(sp, s, p);
    return rc == 0 && crypto_scalarmult_ed25519_noclamp(cq, c, q) == 0 &&
           crypto_core_ed25519_sub(ret, sp, cq) == 0;
}

enum result
vrf_verify(const struct vrf_public *k, struct span alpha,
           const uint8_t proof[static VRF_PROOF_SIZE], uint8_t ret[static VRF_BETA_SIZE])
{
    const uint8_t *gamma = proof, *s = proof + POINT + CHALLENGE;
    uint8_t h[POINT], u[POINT], v[POINT], gamma8[POINT], again[CHALLENGE], reduced[SCALAR];
    uint8_t c[SCALAR] = {0};
    memcpy(c, proof + POINT, CHALLENGE);
    reduce(s, SCALAR, reduced);
    /* RFC 9381 5.4.4: "if s >= q, output INVALID". */
    if (memcmp(s, reduced, SCALAR) != 0 || !clear_cofactor(gamma, gamma8) ||
        !encode_to_curve(k->encoded, alpha, h) || !combine(s, NULL, c, k->encoded, u) ||
        !combine(s, h, c, gamma, v))
        return RES_VRF;
    make_challenge((const uint8_t *const[]){k->encoded, h, gamma, u, v}, again);
    if (memcmp(again, c, CHALLENGE) != 0)
        return RES_VRF;
    make_beta(gamma8, ret);
    return RES_OK;
}
