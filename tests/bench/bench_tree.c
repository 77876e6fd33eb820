/* Hashes, the compact range, and proofs: what a commit and a proof are made of. */
#include "merkle/tree/proof.h"
#include "merkle/tree/range.h"
#include "merkle/tree/verify.h"
#include "tests/bench/bench.h"

static struct hash a = {{1}}, b = {{2}}, out;
static uint8_t leaf[1300];
static struct range range;
static struct proof_plan plan;
static struct hash nodes[PROOF_NODES_MAX], proof[PROOF_HASHES_MAX], root;
static unsigned proof_n;
static uint64_t at;

#define SIZE UINT64_C(1000003)

static void
node(void *arg)
{
    (void)arg;
    hash_node(&a, &b, &a);
}

static void
leaf_hash(void *arg)
{
    (void)arg;
    leaf[0]++;
    hash_leaf(span_of(leaf, sizeof leaf), &out);
}

static void
append(void *arg)
{
    (void)arg;
    range_append(&range, &a, NULL, NULL);
}

static void
range_root_of(void *arg)
{
    (void)arg;
    range_root(&range, &out);
}

static void
plan_and_fold(void *arg)
{
    (void)arg;
    at = (at + 7919) % SIZE;
    BENCH_NEED(proof_plan_inclusion(at, SIZE, &plan) == RES_OK);
    proof_n = proof_fold(&plan, nodes, proof);
}

static void
verify(void *arg)
{
    (void)arg;
    BENCH_NEED(inclusion_root(&a, at, SIZE, proof, proof_n, &root) == RES_OK);
}

int
main(void)
{
    range_init(&range);
    bench("hash_node", node, NULL, 1);
    bench("hash_leaf_1300", leaf_hash, NULL, 1);
    bench("range_append", append, NULL, 1);
    bench("range_root", range_root_of, NULL, 1);
    bench("proof_plan_fold", plan_and_fold, NULL, 1);
    bench("inclusion_root", verify, NULL, 1);
    return 0;
}
