#include "log/accept/multiples.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGNATURE_MAX 80

struct signature {
    uint8_t b[SIGNATURE_MAX];
    size_t n;
};

static EC_GROUP *group;
static const BIGNUM *order;
static BN_CTX *ctx;

static int
setup(void **state)
{
    (void)state;
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    order = EC_GROUP_get0_order(group);
    ctx = BN_CTX_new();
    return group != NULL && ctx != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    EC_GROUP_free(group);
    BN_CTX_free(ctx);
    return 0;
}

static struct span
span_of_signature(const struct signature *s)
{
    return span_of(s->b, s->n);
}

static struct multiples *
multiples_of(EVP_PKEY *key)
{
    unsigned char *point = NULL;
    size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);
    struct multiples *m;

    assert_int_equal(multiples_new(span_of(point, n), &m), RES_OK);
    OPENSSL_free(point);
    return m;
}

static struct signature
sign(EVP_PKEY *key, const struct hash *digest)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    struct signature s = {.n = SIGNATURE_MAX};

    assert_int_equal(EVP_PKEY_sign_init(c), 1);
    assert_int_equal(EVP_PKEY_sign(c, s.b, &s.n, digest->b, HASH_SIZE), 1);
    EVP_PKEY_CTX_free(c);
    return s;
}

/* What libcrypto says. */
static bool
verifies(EVP_PKEY *key, const struct hash *digest, struct span signature)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    int rc;

    assert_int_equal(EVP_PKEY_verify_init(c), 1);
    rc = EVP_PKEY_verify(c, signature.p, signature.n, digest->b, HASH_SIZE);
    EVP_PKEY_CTX_free(c);
    return rc == 1;
}

static struct hash
hash_of(uint64_t n)
{
    struct hash h;

    hash_sha256(span_of(&n, sizeof n), &h);
    return h;
}

/* Many keys and digests, and after each yes a no: another bit, another key; libcrypto says the
 * same. */
static void
says_what_libcrypto_says(void **state)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");

    (void)state;
    for (uint64_t k = 0; k < 4; k++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        struct multiples *m = multiples_of(key);

        for (uint64_t i = 0; i < 500; i++) {
            struct hash digest = hash_of(k << 32 | i);
            struct signature s = sign(key, &digest), foreign = sign(other, &digest);
            size_t bit = i % (8 * s.n);

            assert_true(multiples_confirm(m, &digest, span_of_signature(&s)));
            assert_false(multiples_confirm(m, &digest, span_of_signature(&foreign)));
            s.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(multiples_confirm(m, &digest, span_of_signature(&s)));
            assert_false(verifies(key, &digest, span_of_signature(&s)));
            s.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            digest.b[i % HASH_SIZE] ^= 1;
            assert_false(multiples_confirm(m, &digest, span_of_signature(&s)));
        }
        multiples_free(m);
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(other);
    multiples_free(NULL);
}

/* A digest that is a number above the order, and the one that is zero. */
static void
digests_at_the_edges(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct multiples *m = multiples_of(key);
    struct hash zero = {{0}}, ones;
    struct signature s;

    (void)state;
    memset(ones.b, 0xff, sizeof ones.b);
    s = sign(key, &ones);
    assert_true(multiples_confirm(m, &ones, span_of_signature(&s)));
    assert_false(multiples_confirm(m, &zero, span_of_signature(&s)));
    s = sign(key, &zero);
    assert_true(multiples_confirm(m, &zero, span_of_signature(&s)));
    assert_false(multiples_confirm(m, &ones, span_of_signature(&s)));
    multiples_free(m);
    EVP_PKEY_free(key);
}

/* An INTEGER with that content. */
static size_t
put_integer(uint8_t *to, const uint8_t *content, size_t n)
{
    to[0] = 0x02;
    to[1] = (uint8_t)n;
    memcpy(to + 2, content, n);
    return 2 + n;
}

/* The Ecdsa-Sig-Value of r and s, with so many zero bytes in front of each number, and one more for
 * the sign when positive and the number needs it. */
static struct signature
encode(const BIGNUM *r, const BIGNUM *s, size_t zeros, bool positive)
{
    const BIGNUM *numbers[] = {r, s};
    struct signature out = {.n = 2};

    for (size_t i = 0; i < 2; i++) {
        uint8_t content[SIGNATURE_MAX] = {0};
        size_t n = (size_t)BN_num_bytes(numbers[i]), at = zeros;

        if (n == 0 || (positive && BN_is_bit_set(numbers[i], 8 * (int)n - 1)))
            at++;
        BN_bn2bin(numbers[i], content + at);
        out.n += put_integer(out.b + out.n, content, at + n);
    }
    out.b[0] = 0x30;
    out.b[1] = (uint8_t)(out.n - 2);
    return out;
}

/* What stands outside [1, n - 1], or is no DER, is not confirmed; the other root of the equation,
 * n - s, is. */
static void
numbers_in_their_interval(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct multiples *m = multiples_of(key);
    struct hash digest = hash_of(7);
    struct signature first = sign(key, &digest), s;
    const uint8_t *p = first.b;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &p, (long)first.n);
    const BIGNUM *r = ECDSA_SIG_get0_r(parts), *v = ECDSA_SIG_get0_s(parts);
    BIGNUM *zero = BN_new(), *rest = BN_new(), *above_r = BN_new(), *above_s = BN_new();

    (void)state;
    BN_sub(rest, order, v);
    BN_add(above_r, r, order);
    BN_add(above_s, v, order);
    const struct {
        const char *says;
        const BIGNUM *r, *s;
        size_t zeros;
        bool positive, want;
    } ROWS[] = {
        {"as signed", r, v, 0, true, true},         {"n - s", r, rest, 0, true, true},
        {"r is 0", zero, v, 0, true, false},        {"s is 0", r, zero, 0, true, false},
        {"both are 0", zero, zero, 0, true, false}, {"r is n", order, v, 0, true, false},
        {"s is n", r, order, 0, true, false},       {"r + n", above_r, v, 0, true, false},
        {"s + n", r, above_s, 0, true, false},      {"a zero byte too many", r, v, 1, true, false},
    };

    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        s = encode(ROWS[i].r, ROWS[i].s, ROWS[i].zeros, ROWS[i].positive);
        if (multiples_confirm(m, &digest, span_of_signature(&s)) != ROWS[i].want ||
            verifies(key, &digest, span_of_signature(&s)) != ROWS[i].want)
            fail_msg("%s", ROWS[i].says);
    }
    BN_free(zero);
    BN_free(rest);
    BN_free(above_r);
    BN_free(above_s);
    ECDSA_SIG_free(parts);
    multiples_free(m);
    EVP_PKEY_free(key);
}

/* Cut short anywhere, with a byte behind it, with other tags, with a negative number. */
static void
forms_that_are_not_der(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct multiples *m = multiples_of(key);
    struct hash digest = hash_of(8);
    struct signature s = sign(key, &digest), t = s;
    static const size_t tags[] = {0, 2};

    (void)state;
    for (size_t n = 0; n < s.n; n++)
        assert_false(multiples_confirm(m, &digest, span_of(s.b, n)));
    t.b[t.n++] = 0;
    assert_false(multiples_confirm(m, &digest, span_of_signature(&t)));
    t.b[1]++; /* now it is inside, behind s */
    assert_false(multiples_confirm(m, &digest, span_of_signature(&t)));
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        t = s;
        t.b[tags[i]] ^= 1;
        assert_false(multiples_confirm(m, &digest, span_of_signature(&t)));
    }
    /* a number whose first bit is set is negative: half of all without their zero byte */
    for (uint64_t i = 0; i < 8; i++) {
        const uint8_t *p = t.b;
        ECDSA_SIG *parts;
        bool high;

        digest = hash_of(i);
        t = sign(key, &digest);
        parts = d2i_ECDSA_SIG(NULL, &p, (long)t.n);
        /* of its own bytes, which may be fewer than 32 */
        high = BN_num_bits(ECDSA_SIG_get0_r(parts)) % 8 == 0 ||
               BN_num_bits(ECDSA_SIG_get0_s(parts)) % 8 == 0;
        t = encode(ECDSA_SIG_get0_r(parts), ECDSA_SIG_get0_s(parts), 0, false);
        assert_int_equal(multiples_confirm(m, &digest, span_of_signature(&t)), !high);
        ECDSA_SIG_free(parts);
    }
    multiples_free(m);
    EVP_PKEY_free(key);
}

/*
 * The key that is G itself: when the digest is r, both products are the same point, and their sum
 * is a doubling; when it is n - r, they are opposite, and there is no sum.
 */
static void
sums_of_equal_and_opposite_points(void **state)
{
    unsigned char point[65];
    size_t n = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                  POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, ctx);
    EC_POINT *at = EC_POINT_new(group);
    BIGNUM *k = BN_new(), *r = BN_new(), *s = BN_new(), *opposite = BN_new();
    struct multiples *m;

    (void)state;
    assert_int_equal(multiples_new(span_of(point, n), &m), RES_OK);
    for (unsigned i = 0; i < 20; i++) {
        struct hash digest;
        struct signature signature;

        BN_rand_range(k, order);
        EC_POINT_mul(group, at, k, NULL, NULL, ctx);
        EC_POINT_get_affine_coordinates(group, at, r, NULL, ctx);
        BN_nnmod(r, r, order, ctx);
        /* s = (e + r d) / k with e = r and d = 1 */
        BN_mod_inverse(s, k, order, ctx);
        BN_mod_mul(s, s, r, order, ctx);
        BN_mod_lshift1(s, s, order, ctx);
        signature = encode(r, s, 0, true);
        BN_bn2binpad(r, digest.b, HASH_SIZE);
        assert_true(multiples_confirm(m, &digest, span_of_signature(&signature)));
        BN_sub(opposite, order, r);
        BN_bn2binpad(opposite, digest.b, HASH_SIZE);
        assert_false(multiples_confirm(m, &digest, span_of_signature(&signature)));
    }
    multiples_free(m);
    EC_POINT_free(at);
    BN_free(k);
    BN_free(r);
    BN_free(s);
    BN_free(opposite);
}

/* A point may be compressed; one off the curve, at infinity or of another curve is no key. */
static void
points(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *longer = EVP_EC_gen("P-384");
    unsigned char *whole = NULL, *other = NULL, compressed[33], infinity = 0;
    size_t n = EVP_PKEY_get1_encoded_public_key(key, &whole);
    size_t other_n = EVP_PKEY_get1_encoded_public_key(longer, &other);
    struct hash digest = hash_of(9);
    struct signature s = sign(key, &digest);
    struct multiples *m;

    (void)state;
    assert_int_equal(n, 65);
    compressed[0] = (unsigned char)(2 + (whole[64] & 1));
    memcpy(compressed + 1, whole + 1, 32);
    assert_int_equal(multiples_new(span_of(compressed, sizeof compressed), &m), RES_OK);
    assert_true(multiples_confirm(m, &digest, span_of_signature(&s)));
    multiples_free(m);
    whole[64] ^= 1;
    assert_int_equal(multiples_new(span_of(whole, n), &m), RES_CHAIN_KEY);
    assert_int_equal(multiples_new(span_of(whole, n - 1), &m), RES_CHAIN_KEY);
    assert_int_equal(multiples_new(span_of(&infinity, 1), &m), RES_CHAIN_KEY);
    assert_int_equal(multiples_new(span_of(NULL, 0), &m), RES_CHAIN_KEY);
    assert_int_equal(multiples_new(span_of(other, other_n), &m), RES_CHAIN_KEY);
    OPENSSL_free(whole);
    OPENSSL_free(other);
    EVP_PKEY_free(key);
    EVP_PKEY_free(longer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_libcrypto_says),
        cmocka_unit_test(digests_at_the_edges),
        cmocka_unit_test(numbers_in_their_interval),
        cmocka_unit_test(forms_that_are_not_der),
        cmocka_unit_test(sums_of_equal_and_opposite_points),
        cmocka_unit_test(points),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
