#include "log/accept/issuer.h"

#include "tests/unit/log/keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *says;
    enum mint_kind kind, twin; /* twin: a key whose signatures are of another kind */
    const char *hash;
    bool pss;
    enum result want;
} SCHEMES[] = {
    {"RSA-2048 SHA-256", MINT_RSA_2048, MINT_P256, "SHA256", false, RES_OK},
    {"RSA-2048 SHA-1", MINT_RSA_2048, MINT_P256, "SHA1", false, RES_OK},
    {"RSA-2048 SHA-224", MINT_RSA_2048, MINT_P256, "SHA224", false, RES_OK},
    {"RSA-3072 SHA-384", MINT_RSA_3072, MINT_P384, "SHA384", false, RES_OK},
    {"RSA-4096 SHA-512", MINT_RSA_4096, MINT_ED25519, "SHA512", false, RES_OK},
    {"PSS SHA-1", MINT_RSA_2048, MINT_P256, "SHA1", true, RES_OK},
    {"PSS SHA-224", MINT_RSA_2048, MINT_P256, "SHA224", true, RES_OK},
    {"PSS SHA-256", MINT_RSA_2048, MINT_P256, "SHA256", true, RES_OK},
    {"PSS SHA-384", MINT_RSA_3072, MINT_P256, "SHA384", true, RES_OK},
    {"PSS SHA-512", MINT_RSA_4096, MINT_P256, "SHA512", true, RES_OK},
    {"P-256 SHA-256", MINT_P256, MINT_RSA_2048, "SHA256", false, RES_OK},
    {"P-256 SHA-1", MINT_P256, MINT_RSA_2048, "SHA1", false, RES_OK},
    {"P-256 SHA-224", MINT_P256, MINT_RSA_2048, "SHA224", false, RES_OK},
    {"P-256 SHA-512, longer than the curve", MINT_P256, MINT_ED448, "SHA512", false, RES_OK},
    {"P-384 SHA-384", MINT_P384, MINT_RSA_2048, "SHA384", false, RES_OK},
    {"P-521 SHA-512", MINT_P521, MINT_RSA_2048, "SHA512", false, RES_OK},
    {"Ed25519", MINT_ED25519, MINT_ED448, NULL, false, RES_OK},
    {"Ed448", MINT_ED448, MINT_ED25519, NULL, false, RES_OK},
    {"MD5", MINT_RSA_2048, MINT_P256, "MD5", false, RES_CHAIN_SIGNATURE_ALGORITHM},
    {"RIPEMD-160", MINT_RSA_2048, MINT_P256, "RIPEMD160", false, RES_CHAIN_SIGNATURE_ALGORITHM},
    {"ECDSA with SHA3-256", MINT_P256, MINT_P384, "SHA3-256", false, RES_CHAIN_SIGNATURE_ALGORITHM},
    {"RSA with SHA3-256", MINT_RSA_2048, MINT_P256, "SHA3-256", false,
     RES_CHAIN_SIGNATURE_ALGORITHM},
};

/* Positive: verifies.  Twins: a bit of the signature, a bit of what is signed, another key, another
 * kind of key. */
static void
verifies(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof SCHEMES / sizeof SCHEMES[0]; n++) {
        struct span der = signed_by(key_of(SCHEMES[n].kind), SCHEMES[n].hash, SCHEMES[n].pss);
        uint8_t *copy = malloc(der.n);
        struct issuer *right, *wrong;
        struct cert c;

        assert_int_equal(new_issuer(key_of(SCHEMES[n].kind), &right), RES_OK);
        assert_int_equal(new_issuer(key_of(SCHEMES[n].twin), &wrong), RES_OK);
        for (int twice = 0; twice < 2; twice++) { /* with a fresh context, then with a ready one */
            if (verify(right, der) != SCHEMES[n].want) {
                fail_msg("%s: %s", SCHEMES[n].says, result_name(verify(right, der)));
            }
        }
        if (SCHEMES[n].want == RES_OK) {
            memcpy(copy, der.p, der.n);
            copy[der.n - 1] ^= 1;
            if (verify(right, span_of(copy, der.n)) != RES_CHAIN_SIGNATURE) {
                fail_msg("%s: a bit of the signature", SCHEMES[n].says);
            }
            memcpy(copy, der.p, der.n);
            assert_int_equal(cert_parse(span_of(copy, der.n), &c), RES_OK);
            copy[c.serial.p - copy] ^= 1;
            if (verify(right, span_of(copy, der.n)) != RES_CHAIN_SIGNATURE) {
                fail_msg("%s: a bit of the TBSCertificate", SCHEMES[n].says);
            }
            if (verify(wrong, der) != RES_CHAIN_SIGNATURE_ALGORITHM) {
                fail_msg("%s: another kind of key", SCHEMES[n].says);
            }
        }
        free(copy);
        mint_free(der);
        issuer_unref(right);
        issuer_unref(wrong);
    }
}

/* PSS with one hash for the message and another for the mask: RFC 4055 section 3.1 has two fields.
 */
static void
pss_with_two_hashes(void **state)
{
    struct mint_spec s = {.key = key_of(MINT_RSA_2048),
                          .subject = {{"CN", "x"}},
                          .hash = "SHA256",
                          .mgf = "SHA1",
                          .pss = true};
    X509 *x = mint_cert(&s);
    struct span der = mint_der(x);
    struct issuer *i;

    (void)state;
    assert_int_equal(new_issuer(key_of(MINT_RSA_2048), &i), RES_OK);
    assert_int_equal(verify(i, der), RES_OK);
    issuer_unref(i);
    mint_free(der);
    X509_free(x);
}

static void
another_key_of_the_kind(void **state)
{
    (void)state;
    for (unsigned k = MINT_P256; k <= MINT_ED448; k++) {
        EVP_PKEY *other = mint_key((enum mint_kind)k);
        struct span der =
            signed_by(key_of((enum mint_kind)k), k == MINT_P256 ? "SHA256" : "SHA512", false);
        struct issuer *i;

        assert_int_equal(new_issuer(other, &i), RES_OK);
        assert_int_equal(verify(i, der), RES_CHAIN_SIGNATURE);
        issuer_unref(i);
        mint_free(der);
        EVP_PKEY_free(other);
    }
}

/* A signature of no bytes, and one of zeros. */
static void
empty_signatures(void **state)
{
    static const uint8_t zeros[512];

    (void)state;
    for (unsigned k = 0; k < MINT_KINDS; k++) {
        struct span der = signed_by(key_of((enum mint_kind)k), "SHA256", false);
        struct issuer *i;
        struct cert c;

        assert_int_equal(new_issuer(key_of((enum mint_kind)k), &i), RES_OK);
        assert_int_equal(cert_parse(der, &c), RES_OK);
        c.signature = span_of(zeros, 0);
        assert_int_equal(issuer_verify(i, &c), RES_CHAIN_SIGNATURE);
        c.signature = span_of(zeros, sizeof zeros);
        assert_int_equal(issuer_verify(i, &c), RES_CHAIN_SIGNATURE);
        issuer_unref(i);
        mint_free(der);
    }
}

/* An RSA key of that many bits, its modulus a number that nobody can sign for. */
static EVP_PKEY *
rsa_of_bits(int bits)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_new(), *e = BN_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *p;

    assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    assert_int_equal(BN_set_word(e, 65537), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(b, "n", n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(b, "e", e), 1);
    p = OSSL_PARAM_BLD_to_param(b);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, p), 1);
    OSSL_PARAM_free(p);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    return key;
}

static void
sizes_of_rsa(void **state)
{
    static const struct {
        int bits;
        enum result want;
    } rows[] = {{2047, RES_CHAIN_KEY}, {2048, RES_OK}, {8192, RES_OK}, {8193, RES_CHAIN_KEY}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = rsa_of_bits(rows[i].bits);
        struct issuer *issuer = NULL;

        assert_int_equal(new_issuer(key, &issuer), rows[i].want);
        issuer_unref(issuer);
        EVP_PKEY_free(key);
    }
}

/* Keys by kind; then the P-256 key with one byte changed, cut, or lengthened. */
static void
refuses_keys(void **state)
{
    static const uint8_t nothing[] = {0x30, 0x00};
    EVP_PKEY *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    struct span spki = spki_of(key_of(MINT_P256));
    uint8_t copy[256] = {0};
    struct issuer *i = NULL;

    (void)state;
    assert_int_equal(new_issuer(key_of(MINT_RSA_1024), &i), RES_CHAIN_KEY);
    assert_int_equal(new_issuer(key_of(MINT_P224), &i), RES_CHAIN_KEY);
    assert_int_equal(new_issuer(x25519, &i), RES_CHAIN_KEY);
    assert_int_equal(issuer_new(span_of(nothing, 0), &i), RES_CHAIN_KEY);
    assert_int_equal(issuer_new(span_of(nothing, sizeof nothing), &i), RES_CHAIN_KEY);
    for (size_t n = 0; n < spki.n; n++) {
        assert_int_equal(issuer_new(span_of(spki.p, n), &i), RES_CHAIN_KEY);
    }
    memcpy(copy, spki.p, spki.n);
    assert_int_equal(issuer_new(span_of(copy, spki.n + 1), &i), RES_CHAIN_KEY);
    copy[spki.n - 1] ^= 1; /* no point of the curve */
    assert_int_equal(issuer_new(span_of(copy, spki.n), &i), RES_CHAIN_KEY);
    copy[spki.n - 1] ^= 1;
    assert_int_equal(issuer_new(span_of(copy, spki.n), &i), RES_OK);
    issuer_unref(i);
    mint_free(spki);
    EVP_PKEY_free(x25519);
}

/* A curve spelled out in parameters instead of named, RFC 5480 section 2.1.1. */
static void
refuses_explicit_curves(void **state)
{
    EVP_PKEY *key = EVP_PKEY_dup(key_of(MINT_P256));
    struct issuer *i;

    (void)state;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
                     1);
    assert_int_equal(new_issuer(key, &i), RES_CHAIN_KEY);
    EVP_PKEY_free(key);
}

/* A key of type id-RSASSA-PSS, bound to SHA-256 and a salt of at least 32 bytes. */
static void
keys_for_pss_only(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;
    struct issuer *i;
    struct span bound, sha1, pkcs1;

    (void)state;
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 32), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    assert_int_equal(new_issuer(key, &i), RES_OK);
    bound = signed_by(key, "SHA256", true);
    sha1 = signed_by(key_of(MINT_RSA_2048), "SHA1", true);
    pkcs1 = signed_by(key_of(MINT_RSA_2048), "SHA256", false);
    assert_int_equal(verify(i, bound), RES_OK);
    assert_int_equal(verify(i, sha1), RES_CHAIN_SIGNATURE_ALGORITHM);
    assert_int_equal(verify(i, pkcs1), RES_CHAIN_SIGNATURE_ALGORITHM);
    issuer_unref(i);
    mint_free(bound);
    mint_free(sha1);
    mint_free(pkcs1);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
}

struct busy {
    struct issuer *issuer;
    struct span good, bad;
    bool ok;
};

static void *
verify_many(void *arg)
{
    struct busy *b = arg;

    b->ok = true;
    for (unsigned n = 0; n < ISSUER_BUSY && b->ok; n++) {
        b->ok = verify(b->issuer, b->good) == RES_OK &&
                (n % 16 != 0 || verify(b->issuer, b->bad) == RES_CHAIN_SIGNATURE);
    }
    return NULL;
}

/* The table comes with the last of so many good signatures, not before, and goes with its key; bad
 * signatures do not count. */
static void
multiples_come_and_go(void **state)
{
    struct span good = signed_by(key_of(MINT_P256), "SHA256", false);
    uint8_t *bad = malloc(good.n);
    struct issuer *issuer;

    (void)state;
    memcpy(bad, good.p, good.n);
    bad[good.n - 1] ^= 1;
    assert_int_equal(new_issuer(key_of(MINT_P256), &issuer), RES_OK);
    for (unsigned n = 1; n < ISSUER_BUSY; n++) {
        assert_int_equal(verify(issuer, good), RES_OK);
    }
    assert_int_equal(verify(issuer, span_of(bad, good.n)), RES_CHAIN_SIGNATURE);
    assert_false(issuer_has_multiples(issuer));
    assert_int_equal(issuer_tables(), 0);
    assert_int_equal(verify(issuer, good), RES_OK);
    assert_true(issuer_has_multiples(issuer));
    assert_int_equal(issuer_tables(), 1);
    assert_int_equal(verify(issuer, good), RES_OK);
    assert_int_equal(verify(issuer, span_of(bad, good.n)), RES_CHAIN_SIGNATURE);
    issuer_unref(issuer);
    assert_int_equal(issuer_tables(), 0);
    free(bad);
    mint_free(good);
}

/* A key that gets its multiples while four threads use it: the verdicts stay what they were. */
static void
busy_key(void **state)
{
    struct span good = signed_by(key_of(MINT_P256), "SHA256", false);
    struct span longer = signed_by(key_of(MINT_P256), "SHA512", false);
    uint8_t *bad = malloc(good.n);
    struct issuer *issuer;
    struct busy job[4];
    pthread_t thread[4];

    (void)state;
    memcpy(bad, good.p, good.n);
    bad[good.n - 1] ^= 1;
    assert_int_equal(new_issuer(key_of(MINT_P256), &issuer), RES_OK);
    for (size_t i = 0; i < 4; i++) {
        job[i] = (struct busy){.issuer = issuer, .good = good, .bad = span_of(bad, good.n)};
        assert_int_equal(pthread_create(&thread[i], NULL, verify_many, &job[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        assert_true(job[i].ok);
    }
    assert_true(issuer_has_multiples(issuer));
    assert_int_equal(verify(issuer, longer), RES_OK); /* not for the multiples */
    issuer_unref(issuer);
    free(bad);
    mint_free(good);
    mint_free(longer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifies),
        cmocka_unit_test(pss_with_two_hashes),
        cmocka_unit_test(another_key_of_the_kind),
        cmocka_unit_test(empty_signatures),
        cmocka_unit_test(sizes_of_rsa),
        cmocka_unit_test(refuses_keys),
        cmocka_unit_test(refuses_explicit_curves),
        cmocka_unit_test(keys_for_pss_only),
        cmocka_unit_test(multiples_come_and_go),
        cmocka_unit_test(busy_key),
    };

    return cmocka_run_group_tests(tests, NULL, keys_teardown);
}
