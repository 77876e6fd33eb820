/* merkle/keytrans/vrf: the examples of RFC 9381, and what a verifier must refuse. */
#include "merkle/base/text.h"
#include "merkle/keytrans/vrf.h"
#include "tests/fault/failalloc.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#include <sodium.h>

#include "tests/vectors/check.h"

#define ALPHA_MAX 512

/* RFC 9381 B.3, with every intermediate value that can be told from outside. */
static const struct example {
    const char *sk, *pk, *alpha, *x, *h, *k, *u, *v, *pi, *beta;
} examples[] = {
    {/* Example 16 */
     "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "307c83864f2833cb427a2ef1c00a013cfdff2768d980c0a3a520f006904de94f",
     "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
     "8a49edbd1492a8ee09766befe50a7d563051bf3406cbffc20a88def030730f0f",
     "aef27c725be964c6a9bf4c45ca8e35df258c1878b838f37d9975523f09034071",
     "5016572f71466c646c119443455d6cb9b952f07d060ec8286d678615d55f954f",
     "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f"
     "26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab12"
     "68a1b0db10836d9826a528ca76567805",
     "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
     "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae"},
    {/* Example 17 */
     "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "68bd9ed75882d52815a97585caf4790a7f6c6b3b7f821c5e259a24b02e502e51",
     "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
     "d8c3a66921444cb3427d5d989f9b315aa8ca3375e9ec4d52207711a1fdb44107",
     "1dcb0a4821a2c48bf53548228b7f170962988f6d12f5439f31987ef41f034ab3",
     "fd03c0bf498c752161bae4719105a074630a2aa5f200ff7b3995f7bfb1513423",
     "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593"
     "3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926d"
     "a3ef39226bbc355bdc9850112c8f4b02",
     "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
     "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031"},
    {/* Example 18 */
     "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "909a8b755ed902849023a55b15c23d11ba4d7f4ec5c2f51b1325a181991ea95c",
     "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
     "5ffdbc72135d936014e8ab708585fda379405542b07e3bd2c0bd48437fbac60a",
     "2bae73e15a64042fcebf062abe7e432b2eca6744f3e8265bc38e009cd577ecd5",
     "88cba1cb0d4f9b649d9a86026b69de076724a93a65c349c988954f0961c5d506",
     "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80"
     "96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a"
     "2d41b00b05081ed0f58ee5e31b3a970e",
     "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
     "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f"},
};
#define EXAMPLES (sizeof examples / sizeof examples[0])

/* One example's bytes. */
struct vector {
    uint8_t sk[32], pk[32], alpha[ALPHA_MAX], pi[VRF_PROOF_SIZE], beta[VRF_BETA_SIZE];
    size_t alpha_n;
};

static void
unhex(const char *hex, void *out, size_t n)
{
    assert_int_equal(text_unhex(span_str(hex), out, n), RES_OK);
}

static void
read_vector(const struct example *e, struct vector *ret)
{
    unhex(e->sk, ret->sk, sizeof ret->sk);
    unhex(e->pk, ret->pk, sizeof ret->pk);
    ret->alpha_n = strlen(e->alpha) / 2;
    assert_true(ret->alpha_n <= sizeof ret->alpha);
    unhex(e->alpha, ret->alpha, ret->alpha_n);
    unhex(e->pi, ret->pi, sizeof ret->pi);
    unhex(e->beta, ret->beta, sizeof ret->beta);
}

/* The point n p in hex; p NULL: the base point. */
static void
assert_times(const uint8_t n[static 32], const uint8_t *p, const uint8_t *subtract, const char *hex)
{
    uint8_t q[32], want[32];
    unhex(hex, want, sizeof want);
    assert_int_equal(p == NULL ? crypto_scalarmult_ed25519_base_noclamp(q, n)
                               : crypto_scalarmult_ed25519_noclamp(q, n, p),
                     0);
    if (subtract != NULL)
        assert_int_equal(crypto_core_ed25519_sub(q, q, subtract), 0);
    assert_memory_equal(q, want, sizeof want);
}

static void
check_vector(const struct vector *v)
{
    struct vrf_secret s;
    struct vrf_public k;
    struct span alpha = span_of(v->alpha, v->alpha_n);
    uint8_t proof[VRF_PROOF_SIZE], beta[VRF_BETA_SIZE];
    vrf_secret_init(&s, v->sk);
    assert_memory_equal(vrf_secret_public(&s), v->pk, sizeof v->pk);
    assert_int_equal(vrf_prove(&s, alpha, proof), RES_OK);
    assert_memory_equal(proof, v->pi, sizeof proof);
    assert_int_equal(vrf_output(&s, alpha, beta), RES_OK);
    assert_memory_equal(beta, v->beta, sizeof beta);
    memset(beta, 0, sizeof beta);
    assert_int_equal(vrf_public_parse(v->pk, &k), RES_OK);
    assert_int_equal(vrf_verify(&k, alpha, v->pi, beta), RES_OK);
    assert_memory_equal(beta, v->beta, sizeof beta);
    vrf_secret_release(&s);
}

static void
examples_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct vector v;
        read_vector(&examples[i], &v);
        check_vector(&v);
    }
}

/* From the proof, by the library alone: k = s - c x, U = s B - c Y = k B, V = s H - c Gamma = k H.
 */
static void
intermediates_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *e = &examples[i];
        struct vector v;
        struct vrf_secret s;
        uint8_t wide[64] = {0}, x[32], k[32], h[32], c[32] = {0}, cx[32], cy[32], cg[32], want[32];
        read_vector(e, &v);
        vrf_secret_init(&s, v.sk);
        unhex(e->x, wide, 32);
        crypto_core_ed25519_scalar_reduce(x, wide);
        assert_memory_equal(s.x, x, sizeof x);
        memcpy(c, v.pi + 32, 16);
        crypto_core_ed25519_scalar_mul(cx, c, x);
        crypto_core_ed25519_scalar_sub(k, v.pi + 48, cx);
        unhex(e->k, want, sizeof want);
        assert_memory_equal(k, want, sizeof want);
        unhex(e->h, h, sizeof h);
        assert_times(k, NULL, NULL, e->u);
        assert_times(k, h, NULL, e->v);
        assert_int_equal(crypto_scalarmult_ed25519_noclamp(cy, c, v.pk), 0);
        assert_int_equal(crypto_scalarmult_ed25519_noclamp(cg, c, v.pi), 0);
        assert_times(v.pi + 48, NULL, cy, e->u);
        assert_times(v.pi + 48, h, cg, e->v);
        assert_int_equal(crypto_scalarmult_ed25519_noclamp(want, x, h), 0);
        assert_memory_equal(want, v.pi, sizeof want);
        vrf_secret_release(&s);
    }
}

static void
vectors_of_others(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/2-crypto/ecvrf-rfc9381.json");
    const cJSON *row;
    size_t n = 0;
    cJSON_ArrayForEach(
        row, testdata_member(testdata_member(json, "vectors"), "ECVRF-EDWARDS25519-SHA512-TAI"))
    {
        const struct example e = {
            .sk = testdata_string(row, "SK"),
            .pk = testdata_string(row, "PK"),
            .alpha = testdata_string(row, "alpha"),
            .pi = testdata_string(row, "pi"),
            .beta = testdata_string(row, "beta"),
        };
        struct vector v;
        read_vector(&e, &v);
        check_vector(&v);
        n++;
    }
    assert_int_equal(n, 3);
    cJSON_Delete(json);
}

/* Every bit of the proof, of the key and of the input counts. */
static void
tampering_is_refused(void **state)
{
    (void)state;
    struct vector v;
    struct vrf_public k, other;
    uint8_t beta[VRF_BETA_SIZE], untouched[VRF_BETA_SIZE];
    read_vector(&examples[2], &v);
    memset(beta, 0x5a, sizeof beta);
    memcpy(untouched, beta, sizeof beta);
    assert_int_equal(vrf_public_parse(v.pk, &k), RES_OK);
    for (size_t i = 0; i < sizeof v.pi; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        v.pi[i] ^= bit;
        assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_VRF);
        v.pi[i] ^= bit;
    }
    size_t valid = 0;
    for (size_t i = 0; i < sizeof v.pk; i++) {
        v.pk[i] ^= 1;
        if (vrf_public_parse(v.pk, &other) == RES_OK) {
            valid++;
            assert_int_equal(vrf_verify(&other, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_VRF);
        }
        v.pk[i] ^= 1;
    }
    print_message("of %zu keys with one bit changed, %zu are keys\n", sizeof v.pk, valid);
    for (size_t i = 0; i < v.alpha_n; i++) {
        v.alpha[i] ^= 0x80;
        assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_VRF);
        v.alpha[i] ^= 0x80;
    }
    assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n - 1), v.pi, beta), RES_VRF);
    assert_memory_equal(beta, untouched, sizeof beta);
    assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_OK);
}

/* A key that is valid for one proof is no key for another's. */
static void
another_keys_proof_is_refused(void **state)
{
    (void)state;
    struct vector a, b;
    struct vrf_public k;
    uint8_t beta[VRF_BETA_SIZE];
    read_vector(&examples[0], &a);
    read_vector(&examples[1], &b);
    assert_int_equal(vrf_public_parse(b.pk, &k), RES_OK);
    assert_int_equal(vrf_verify(&k, span_of(a.alpha, a.alpha_n), a.pi, beta), RES_VRF);
}

static void
a_second_form_of_a_number_or_point_is_refused(void **state)
{
    /* The group's order, RFC 8032 5.1, little-endian. */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    (void)state;
    struct vector v;
    struct vrf_public k;
    uint8_t beta[VRF_BETA_SIZE];
    unsigned carry = 0;
    read_vector(&examples[0], &v);
    assert_int_equal(vrf_public_parse(v.pk, &k), RES_OK);
    for (size_t i = 0; i < sizeof order; i++) {
        carry += (unsigned)v.pi[48 + i] + order[i];
        v.pi[48 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_VRF);
}

static void
keys_that_are_none(void **state)
{
    static const struct {
        const char *says, *key;
    } rows[] = {
        {"neutral element", "0100000000000000000000000000000000000000000000000000000000000000"},
        {"neutral element with a sign",
         "0100000000000000000000000000000000000000000000000000000000000080"},
        {"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"order 2 with a sign", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
        {"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
        {"order 4, the other", "0000000000000000000000000000000000000000000000000000000000000080"},
        {"order 8, the first", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
        {"order 8, the second", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
        {"order 8, the third", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
        {"order 8, the fourth", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
        {"y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"y = p with a sign", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
        {"y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"y = p + 3, above the field, a point otherwise",
         "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"y = 2^255 - 1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"y = 2, not on the curve",
         "0200000000000000000000000000000000000000000000000000000000000000"},
        {"y = 3, on the curve, of another order than the group's",
         "0300000000000000000000000000000000000000000000000000000000000000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vrf_public k;
        uint8_t key[32], beta[VRF_BETA_SIZE];
        unhex(rows[i].key, key, sizeof key);
        if (vrf_public_parse(key, &k) != RES_KEY)
            fail_msg("taken as a key: %s", rows[i].says);
        /* The same as Gamma of a proof, under a good key. */
        struct vector v;
        read_vector(&examples[0], &v);
        memcpy(v.pi, key, sizeof key);
        assert_int_equal(vrf_public_parse(v.pk, &k), RES_OK);
        if (vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta) != RES_VRF)
            fail_msg("taken as Gamma: %s", rows[i].says);
    }
}

/* Y + T and Gamma + T, T of order 8: the same after multiplication by the cofactor. */
static void
parts_of_small_order_are_refused(void **state)
{
    (void)state;
    struct vector v;
    struct vrf_public k;
    uint8_t t[32], beta[VRF_BETA_SIZE];
    read_vector(&examples[1], &v);
    unhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", t, sizeof t);
    assert_int_equal(vrf_public_parse(v.pk, &k), RES_OK);
    assert_int_equal(crypto_core_ed25519_add(v.pi, v.pi, t), 0);
    assert_int_equal(vrf_verify(&k, span_of(v.alpha, v.alpha_n), v.pi, beta), RES_VRF);
    assert_int_equal(crypto_core_ed25519_add(v.pk, v.pk, t), 0);
    assert_int_equal(vrf_public_parse(v.pk, &k), RES_KEY);
}

/* All-zero proofs and others whose numbers are 0. */
static void
zeroes_are_refused(void **state)
{
    (void)state;
    struct vector v;
    struct vrf_public k;
    uint8_t proof[VRF_PROOF_SIZE] = {0}, beta[VRF_BETA_SIZE];
    read_vector(&examples[0], &v);
    struct span alpha = span_of(v.alpha, v.alpha_n);
    assert_int_equal(vrf_public_parse(v.pk, &k), RES_OK);
    assert_int_equal(vrf_verify(&k, alpha, proof, beta), RES_VRF);
    memcpy(proof, v.pi, sizeof proof);
    memset(proof + 32, 0, 16);
    assert_int_equal(vrf_verify(&k, alpha, proof, beta), RES_VRF);
    memcpy(proof, v.pi, sizeof proof);
    memset(proof + 48, 0, 32);
    assert_int_equal(vrf_verify(&k, alpha, proof, beta), RES_VRF);
}

/* Any key, any input of any length: proof, output and verification agree, nothing is allocated, and
 * nothing is read behind the input. */
static void
random_keys_and_inputs(void **state)
{
    (void)state;
    struct rng r = rng_start("random_keys_and_inputs");
    struct guard g;
    guard_init(&g, ALPHA_MAX);
    for (int i = 0; i < 40; i++) {
        uint8_t seed[32], bytes[ALPHA_MAX], proof[VRF_PROOF_SIZE], a[VRF_BETA_SIZE],
            b[VRF_BETA_SIZE];
        struct vrf_secret s;
        struct vrf_public k;
        rng_fill(&r, seed, sizeof seed);
        rng_fill(&r, bytes, sizeof bytes);
        struct span alpha = guard_put(&g, span_of(bytes, rng_scaled(&r, sizeof bytes + 1)));
        failalloc_at(0);
        vrf_secret_init(&s, seed);
        assert_int_equal(vrf_public_parse(vrf_secret_public(&s), &k), RES_OK);
        assert_int_equal(vrf_prove(&s, alpha, proof), RES_OK);
        assert_int_equal(vrf_output(&s, alpha, a), RES_OK);
        assert_int_equal(vrf_verify(&k, alpha, proof, b), RES_OK);
        assert_int_equal(failalloc_count(), 0);
        assert_memory_equal(a, b, sizeof a);
        proof[rng_next(&r) % sizeof proof] ^= (uint8_t)(1u << rng_next(&r) % 8);
        assert_int_equal(vrf_verify(&k, alpha, proof, b), RES_VRF);
        vrf_secret_release(&s);
    }
    guard_release(&g);
}

static void
release_wipes(void **state)
{
    (void)state;
    struct vector v;
    struct vrf_secret s;
    const struct vrf_secret zero = {.x = {0}};
    read_vector(&examples[0], &v);
    vrf_secret_init(&s, v.sk);
    assert_memory_not_equal(&s, &zero, sizeof s);
    vrf_secret_release(&s);
    assert_memory_equal(&s, &zero, sizeof s);
    vrf_secret_release(&s);
}

static void
input_of_a_label(void **state)
{
    (void)state;
    static const uint8_t want[] = {5, 'a', 'l', 'i', 'c', 'e', 0x01, 0x02, 0x03, 0xfe};
    uint8_t label[VRF_LABEL_MAX + 1];
    struct vrf_input in;
    assert_int_equal(vrf_input(span_str("alice"), 0x010203fe, &in), RES_OK);
    assert_true(span_equal(vrf_input_span(&in), span_of(want, sizeof want)));
    assert_int_equal(vrf_input(span_of(NULL, 0), 7, &in), RES_OK);
    assert_true(span_equal(vrf_input_span(&in), span_of("\0\0\0\0\7", 5)));
    memset(label, 'x', sizeof label);
    assert_int_equal(vrf_input(span_of(label, VRF_LABEL_MAX), UINT32_MAX, &in), RES_OK);
    assert_int_equal(in.n, sizeof in.b);
    assert_int_equal(in.b[0], 255);
    assert_memory_equal(in.b + 1, label, VRF_LABEL_MAX);
    assert_memory_equal(in.b + 256, "\xff\xff\xff\xff", 4);
    assert_int_equal(vrf_input(span_of(label, sizeof label), 0, &in), RES_VALUE);
    assert_int_equal(in.n, sizeof in.b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc),
        cmocka_unit_test(intermediates_of_the_rfc),
        cmocka_unit_test(vectors_of_others),
        cmocka_unit_test(tampering_is_refused),
        cmocka_unit_test(another_keys_proof_is_refused),
        cmocka_unit_test(a_second_form_of_a_number_or_point_is_refused),
        cmocka_unit_test(keys_that_are_none),
        cmocka_unit_test(parts_of_small_order_are_refused),
        cmocka_unit_test(zeroes_are_refused),
        cmocka_unit_test(random_keys_and_inputs),
        cmocka_unit_test(release_wipes),
        cmocka_unit_test(input_of_a_label),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
