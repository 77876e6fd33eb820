/*
 * VRF keys and proofs: what verifies does so once more and with no bit changed; a proof that was
 * made verifies, and with any other mask than zeroes laid over it does not.
 *
 * Input: a byte that says which; then the key and the proof, or the seed and the mask; then alpha.
 */
#include "merkle/keytrans/vrf.h"
#include "tests/fuzz/fuzz.h"

#define HEAD (1 + VRF_SEED_SIZE + VRF_PROOF_SIZE)

/* The proof that stands in the input, under the key that does. */
static void
check_given(const uint8_t *key, const uint8_t *proof, struct span alpha)
{
    struct vrf_public k;
    uint8_t beta[VRF_BETA_SIZE], again[VRF_BETA_SIZE], changed[VRF_PROOF_SIZE];
    enum result rc = vrf_public_parse(key, &k);
    FUZZ_CHECK(rc == RES_OK || rc == RES_KEY);
    if (rc != RES_OK)
        return;
    rc = vrf_verify(&k, alpha, proof, beta);
    FUZZ_CHECK(rc == RES_OK || rc == RES_VRF);
    if (rc != RES_OK)
        return;
    FUZZ_CHECK(vrf_verify(&k, alpha, proof, again) == RES_OK);
    FUZZ_CHECK(memcmp(beta, again, sizeof beta) == 0);
    for (size_t i = 0; i < VRF_PROOF_SIZE; i += 13) {
        memcpy(changed, proof, sizeof changed);
        changed[i] ^= 1;
        FUZZ_CHECK(vrf_verify(&k, alpha, changed, again) == RES_VRF);
    }
}

/* A proof made for alpha, with a mask over it. */
static void
check_made(const uint8_t *seed, const uint8_t *mask, struct span alpha)
{
    static const uint8_t nothing[VRF_PROOF_SIZE];
    struct vrf_secret s;
    struct vrf_public k;
    uint8_t proof[VRF_PROOF_SIZE], beta[VRF_BETA_SIZE], verified[VRF_BETA_SIZE];
    vrf_secret_init(&s, seed);
    FUZZ_CHECK(vrf_public_parse(vrf_secret_public(&s), &k) == RES_OK);
    FUZZ_CHECK(vrf_prove(&s, alpha, proof) == RES_OK && vrf_output(&s, alpha, beta) == RES_OK);
    vrf_secret_release(&s);
    for (size_t i = 0; i < sizeof proof; i++)
        proof[i] ^= mask[i];
    if (PLANT)
        proof[VRF_PROOF_SIZE - 1] &= 0x1f; /* the planted bug: three bits of s are not looked at */
    enum result rc = vrf_verify(&k, alpha, proof, verified);
    FUZZ_CHECK(rc == RES_OK || rc == RES_VRF);
    FUZZ_CHECK((rc == RES_OK) == (memcmp(mask, nothing, sizeof nothing) == 0));
    FUZZ_CHECK(rc != RES_OK || memcmp(beta, verified, sizeof beta) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    struct span alpha = span_of(data + HEAD, size - HEAD);
    if (data[0] & 1)
        check_made(data + 1, data + 1 + VRF_SEED_SIZE, alpha);
    else
        check_given(data + 1, data + 1 + VRF_PUBLIC_SIZE, alpha);
    return 0;
}
