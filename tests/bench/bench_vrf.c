/* What the VRF and a commitment take, for labels of the length of a mailbox. */
#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/vrf.h"
#include "tests/bench/bench.h"

/* So many proofs are made, then verified round and round: try-and-increment takes a different
 * number of steps for each input. */
#define INPUTS 256

static struct vrf_secret secret;
static struct vrf_public public;
static struct vrf_input inputs[INPUTS];
static uint8_t proofs[INPUTS][VRF_PROOF_SIZE], beta[VRF_BETA_SIZE];
static const uint8_t seed[VRF_SEED_SIZE] = {1}, opening[COMMITMENT_OPENING_SIZE] = {2};
static const uint8_t update[300] = {3};
static size_t at;

static void
expand(void *arg)
{
    (void)arg;
    vrf_secret_init(&secret, seed);
}

static void
parse(void *arg)
{
    (void)arg;
    BENCH_NEED(vrf_public_parse(vrf_secret_public(&secret), &public) == RES_OK);
}

static void
output(void *arg)
{
    (void)arg;
    at = (at + 1) % INPUTS;
    BENCH_NEED(vrf_output(&secret, vrf_input_span(&inputs[at]), beta) == RES_OK);
}

static void
prove(void *arg)
{
    (void)arg;
    at = (at + 1) % INPUTS;
    BENCH_NEED(vrf_prove(&secret, vrf_input_span(&inputs[at]), proofs[at]) == RES_OK);
}

static void
verify(void *arg)
{
    (void)arg;
    at = (at + 1) % INPUTS;
    BENCH_NEED(vrf_verify(&public, vrf_input_span(&inputs[at]), proofs[at], beta) == RES_OK);
}

static void
commit(void *arg)
{
    struct hash h;
    (void)arg;
    BENCH_NEED(commitment_make(opening, span_of(inputs[0].b, 26), 1, span_of(update, sizeof update),
                               &h) == RES_OK);
}

int
main(void)
{
    for (uint32_t i = 0; i < INPUTS; i++)
        BENCH_NEED(vrf_input(span_str("alice.adams@mail.example.com"), i, &inputs[i]) == RES_OK);
    bench("vrf_secret_init", expand, NULL, 1);
    bench("vrf_public_parse", parse, NULL, 1);
    bench("vrf_output", output, NULL, 1);
    for (int i = 0; i < INPUTS; i++)
        prove(NULL);
    bench("vrf_prove", prove, NULL, 1);
    bench("vrf_verify", verify, NULL, 1);
    bench("commitment_make_300", commit, NULL, 1);
    vrf_secret_release(&secret);
    return 0;
}
