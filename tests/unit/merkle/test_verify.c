#include "merkle/base/text.h"
#include "merkle/tree/verify.h"
#include "tests/reference/nodestore.h"
#include "tests/reference/refmerkle.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#define ALL_LEAVES 300

/* A proof with room for one hash too many. */
struct proof {
    struct hash h[PROOF_HASHES_MAX + 2];
    size_t n;
};

/* Whether a proof is accepted; the arguments besides the proof are the closure's. */
typedef enum result check_fn(const void *arg, const struct proof *p);

/* Each hash flipped must lead elsewhere; one removed or added at any place must change the length.
 */
static void
assert_tampering_is_refused(check_fn *check, const void *arg, const struct proof *whole)
{
    struct proof p = *whole;

    assert_int_equal(check(arg, whole), RES_OK);
    for (size_t i = 0; i < whole->n; i++) {
        p.h[i].b[i % HASH_SIZE] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(check(arg, &p), RES_ROOT_DIFFERS);
        p.h[i].b[i % HASH_SIZE] ^= (uint8_t)(1u << i % 8);
    }
    p.n = whole->n - 1;
    for (size_t i = 0; i < whole->n; i++) {
        memcpy(p.h, whole->h, i * sizeof(p.h[0]));
        memcpy(p.h + i, whole->h + i + 1, (whole->n - i - 1) * sizeof(p.h[0]));
        assert_int_equal(check(arg, &p), RES_PROOF_LENGTH);
    }
    p.n = whole->n + 1;
    for (size_t i = 0; i <= whole->n; i++) {
        memcpy(p.h, whole->h, i * sizeof(p.h[0]));
        memcpy(p.h + i + 1, whole->h + i, (whole->n - i) * sizeof(p.h[0]));
        p.h[i] = whole->h[whole->n == 0 ? 0 : i % whole->n];
        assert_int_equal(check(arg, &p), RES_PROOF_LENGTH);
    }
    for (size_t i = 0; i + 1 < whole->n; i++) {
        p = *whole;
        p.h[i] = whole->h[i + 1];
        p.h[i + 1] = whole->h[i];
        assert_int_equal(check(arg, &p), RES_ROOT_DIFFERS);
    }
}

struct inclusion {
    struct hash leaf, root;
    uint64_t index, size;
};

static enum result
check_inclusion(const void *arg, const struct proof *p)
{
    const struct inclusion *c = arg;

    return inclusion_verify(&c->leaf, c->index, c->size, p->h, p->n, &c->root);
}

struct consistency {
    struct hash root1, root2;
    uint64_t first, second;
};

static enum result
check_consistency(const void *arg, const struct proof *p)
{
    const struct consistency *c = arg;

    return consistency_verify(c->first, c->second, &c->root1, &c->root2, p->h, p->n);
}

static void
try_inclusion(const struct inclusion *c, const struct proof *p)
{
    struct inclusion other = *c;
    struct hash root;

    assert_tampering_is_refused(check_inclusion, c, p);
    assert_int_equal(inclusion_root(&c->leaf, c->index, c->size, p->h, p->n, &root), RES_OK);
    assert_true(hash_equal(&root, &c->root));
    other.leaf.b[31] ^= 1;
    assert_int_equal(check_inclusion(&other, p), RES_ROOT_DIFFERS);
    other = *c;
    other.root.b[0] ^= 0x80;
    assert_int_equal(check_inclusion(&other, p), RES_ROOT_DIFFERS);
    other = *c;
    for (unsigned bit = 0; bit < 62; bit += 1 + bit / 8) {
        other.index = c->index ^ (UINT64_C(1) << bit);
        if (other.index >= c->size)
            assert_int_equal(check_inclusion(&other, p), RES_RANGE);
        else
            assert_int_not_equal(check_inclusion(&other, p), RES_OK);
    }
}

static void
try_consistency(const struct consistency *c, const struct proof *p)
{
    struct consistency other = *c;

    assert_tampering_is_refused(check_consistency, c, p);
    other.root1.b[5] ^= 1;
    assert_int_equal(check_consistency(&other, p), RES_ROOT_DIFFERS);
    other = *c;
    other.root2.b[5] ^= 1;
    assert_int_equal(check_consistency(&other, p), RES_ROOT_DIFFERS);
    other = *c;
    other.first = c->second;
    other.second = c->first;
    if (c->first != c->second)
        assert_int_equal(check_consistency(&other, p), RES_RANGE);
    other = *c;
    other.first = c->first - 1;
    assert_int_not_equal(check_consistency(&other, p), RES_OK);
    other.first = c->first + 1;
    assert_int_not_equal(check_consistency(&other, p), RES_OK);
}

/* The proofs of leaf k in the tree of size leaves, and of the tree before that leaf's successor. */
static void
try_both(const struct ref_tree *t, uint64_t k, uint64_t size)
{
    struct inclusion in = {.index = k, .size = size};
    struct consistency con = {.first = k + 1, .second = size};
    struct ref_range ranges[REF_RANGES_MAX];
    struct proof p = {.n = 0};

    ref_mth(t, k, k + 1, &in.leaf);
    ref_mth(t, 0, size, &in.root);
    p.n = ref_path(k, size, ranges);
    ref_hashes(t, ranges, p.n, p.h);
    try_inclusion(&in, &p);

    ref_mth(t, 0, k + 1, &con.root1);
    con.root2 = in.root;
    p.n = ref_proof(k + 1, size, ranges);
    ref_hashes(t, ranges, p.n, p.h);
    try_consistency(&con, &p);
}

static void
all_small_proofs_hold_and_none_tampered_with(void **state)
{
    struct ref_tree t;

    (void)state;
    ref_tree_init(&t, 4, ALL_LEAVES);
    for (uint64_t size = 1; size <= ALL_LEAVES; size++)
        for (uint64_t k = 0; k < size; k++)
            try_both(&t, k, size);
    ref_tree_release(&t);
}

/* At any size: hashes of the proof are random, and the roots are what PATH and PROOF read backwards
 * give. */
static void
random_proofs_up_to_the_largest_tree(void **state)
{
    struct rng rng = rng_start("random_proofs_up_to_the_largest_tree");
    struct ref_range ranges[REF_RANGES_MAX];

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t size = 1 + rng_scaled(&rng, NODE_LEAVES_MAX);
        uint64_t k = rng_scaled(&rng, size);
        struct inclusion in = {.size = size};
        struct consistency con = {.second = size};
        struct proof p;

        if (i % 2 == 0)
            k = size - 1 - k;
        rng_fill(&rng, p.h, sizeof(p.h));
        rng_fill(&rng, &in.leaf, sizeof(in.leaf));
        in.index = k;
        p.n = ref_path(k, size, ranges);
        ref_path_root(k, size, &in.leaf, p.h, p.n, &in.root);
        try_inclusion(&in, &p);

        con.first = k + 1;
        p.n = ref_proof(k + 1, size, ranges);
        ref_proof_roots(k + 1, size, &in.leaf, p.h, p.n, &con.root1, &con.root2);
        try_consistency(&con, &p);
    }
}

static void
edges_of_consistency(void **state)
{
    enum { EMPTY, A, B };
    static const struct {
        const char *says;
        uint64_t first, second;
        int root1, root2;
        size_t n;
        enum result rc;
    } rows[] = {
        {"two empty trees", 0, 0, EMPTY, EMPTY, 0, RES_OK},
        {"two empty trees, one with a root", 0, 0, EMPTY, A, 0, RES_ROOT_DIFFERS},
        {"two empty trees with the same wrong root", 0, 0, A, A, 0, RES_ROOT_DIFFERS},
        {"the empty tree before any", 0, 9, EMPTY, A, 0, RES_OK},
        {"an empty tree with a root", 0, 9, A, A, 0, RES_ROOT_DIFFERS},
        {"the empty tree needs no proof", 0, 9, EMPTY, A, 1, RES_PROOF_LENGTH},
        {"a tree and itself", 9, 9, A, A, 0, RES_OK},
        {"two trees of one size", 9, 9, A, B, 0, RES_ROOT_DIFFERS},
        {"a tree needs no proof of itself", 9, 9, A, A, 1, RES_PROOF_LENGTH},
        {"a shrinking tree", 9, 8, A, A, 0, RES_RANGE},
        {"a tree that shrinks to nothing", 1, 0, A, EMPTY, 0, RES_RANGE},
        {"growth without a proof", 8, 9, A, B, 0, RES_PROOF_LENGTH},
        {"growth with the same root", 8, 9, A, A, 1, RES_ROOT_DIFFERS},
        {"growth with a proof too long", 8, 9, A, B, 3, RES_PROOF_LENGTH},
    };
    struct hash roots[3], proof[3];

    (void)state;
    hash_empty(&roots[EMPTY]);
    hash_leaf(span_str("a"), &roots[A]);
    hash_leaf(span_str("b"), &roots[B]);
    memset(proof, 0, sizeof(proof));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum result rc =
            consistency_verify(rows[i].first, rows[i].second, &roots[rows[i].root1],
                               &roots[rows[i].root2], rows[i].n == 0 ? NULL : proof, rows[i].n);

        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
    }
}

static void
edges_of_inclusion(void **state)
{
    static const struct {
        const char *says;
        uint64_t index, size;
        size_t n;
        enum result rc;
    } rows[] = {
        {"the only leaf", 0, 1, 0, RES_OK},
        {"the only leaf with a proof", 0, 1, 1, RES_PROOF_LENGTH},
        {"a leaf of nothing", 0, 0, 0, RES_RANGE},
        {"one past the last", 1, 1, 0, RES_RANGE},
        {"the largest index of nothing", UINT64_MAX, 0, 0, RES_RANGE},
        {"the largest index of the largest size but its proof", UINT64_MAX - 1, UINT64_MAX, 0,
         RES_PROOF_LENGTH},
    };
    struct hash leaf, ret, proof[1], before;

    (void)state;
    hash_leaf(span_str("a"), &leaf);
    memset(&before, 7, sizeof(before));
    memset(proof, 0, sizeof(proof));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum result rc;

        ret = before;
        rc = inclusion_root(&leaf, rows[i].index, rows[i].size, proof, rows[i].n, &ret);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        assert_true(hash_equal(&ret, rc == RES_OK ? &leaf : &before));
    }
}

struct tally {
    size_t accepted, refused;
};

static bool
read_hash(const char *text, struct hash *ret)
{
    return text_unbase64_exact(span_str(text), ret->b, HASH_SIZE) == RES_OK;
}

/* The cases step back from leaf 0 to 2^64 - 1, which a double rounds up to 2^64. */
static uint64_t
position(const cJSON *number)
{
    assert_true(cJSON_IsNumber(number) && number->valuedouble >= 0);
    return number->valuedouble >= 0x1p64 ? UINT64_MAX : (uint64_t)number->valuedouble;
}

/* A hash of another length is refused where it is read; all else must be refused by the proof. */
static bool
case_holds(const cJSON *json)
{
    const cJSON *list = testdata_member(json, "proof"), *item;
    struct inclusion c;
    struct proof p = {.n = 0};

    c.index = position(testdata_member(json, "leafIdx"));
    c.size = testdata_u64(json, "treeSize");
    if (!read_hash(testdata_string(json, "root"), &c.root) ||
        !read_hash(testdata_string(json, "leafHash"), &c.leaf))
        return false;
    cJSON_ArrayForEach(item, list)
    {
        assert_true(p.n < sizeof(p.h) / sizeof(p.h[0]));
        if (!read_hash(item->valuestring, &p.h[p.n++]))
            return false;
    }
    return check_inclusion(&c, &p) == RES_OK;
}

static void
try_case(void *arg, const char *relative)
{
    struct tally *tally = arg;
    cJSON *json = testdata_json(relative);
    bool wrong = testdata_flag(json, "wantErr");

    if (case_holds(json) == wrong)
        fail_msg("%s: should be %s", relative, wrong ? "refused" : "accepted");
    if (wrong)
        tally->refused++;
    else
        tally->accepted++;
    cJSON_Delete(json);
}

static void
inclusion_cases_of_others(void **state)
{
    struct tally tally = {0, 0};

    (void)state;
    TESTDATA_OR_SKIP();
    assert_int_equal(
        testdata_each("vectors/1-merkle-ct/merkle-proofs/inclusion", ".json", try_case, &tally),
        98);
    print_message("inclusion: %zu accepted, %zu refused\n", tally.accepted, tally.refused);
    assert_true(tally.accepted >= 5 && tally.refused >= 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_proofs_hold_and_none_tampered_with),
        cmocka_unit_test(random_proofs_up_to_the_largest_tree),
        cmocka_unit_test(edges_of_consistency),
        cmocka_unit_test(edges_of_inclusion),
        cmocka_unit_test(inclusion_cases_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
