#include "merkle/keytrans/config.h"

#include <sodium.h>

#include "tests/unit/keytrans/whole.h"
#include "tests/vectors/testdata.h"

#define A1 "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define A2 "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"

/* FORMATS.md, "Configuration". */
#define EXAMPLE                                  \
    "0002010020" A1 "0020" A2 "00000000000493e0" \
    "000000000036ee80"                           \
    "0000000005265c00"                           \
    "00"

AGAIN(config, kt_config, kt_config_get, kt_config_put)

static struct kt_config
example(void)
{
    struct kt_config c = {.max_ahead = 5 * 60 * 1000,
                          .max_behind = 60 * 60 * 1000,
                          .window = {.monitoring = 24 * 60 * 60 * 1000}};

    memset(c.signature_key, 0xa1, KT_KEY_SIZE);
    memset(c.vrf_key, 0xa2, KT_KEY_SIZE);
    return c;
}

static void
the_example_is_what_it_says(void **state)
{
    struct buf expected = BUF_INIT(1024), made = BUF_INIT(1024);
    struct kt_config c = example();
    struct writer w = writer_to(&made);

    (void)state;
    testdata_hex(EXAMPLE, &expected);
    kt_config_put(&w, &c);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_true(span_equal(buf_span(&made), buf_span(&expected)));
    whole(again_config, buf_span(&expected));
    buf_release(&expected);
    buf_release(&made);
}

static void
a_lifetime_is_greater_than_the_window(void **state)
{
    struct kt_config c = example();

    (void)state;
    c.window.has_lifetime = true;
    c.window.lifetime = c.window.monitoring - 1;
    for (; c.window.lifetime <= c.window.monitoring + 1; c.window.lifetime++) {
        struct buf made = BUF_INIT(1024), again = BUF_INIT(1024);
        struct writer w = writer_to(&made);

        kt_config_put(&w, &c);
        if (c.window.lifetime > c.window.monitoring)
            whole(again_config, buf_span(&made));
        else
            assert_int_equal(again_config(buf_span(&made), &again), RES_VALUE);
        buf_release(&made);
        buf_release(&again);
    }
}

static void
other_suites_and_forms_are_refused(void **state)
{
    static const struct {
        const char *says;
        size_t offset;
        uint8_t value;
        enum result rc;
    } rows[] = {
        {"another suite", 1, 1, RES_KT_SUITE},
        {"a private suite", 0, 0xf0, RES_KT_SUITE},
        {"no mode", 2, 0, RES_KT_SUITE},
        {"third-party management", 2, 2, RES_KT_SUITE},
        {"third-party auditing", 2, 3, RES_KT_SUITE},
        {"a signature key of 31 bytes", 4, 31, RES_VALUE},
        {"a VRF key of 33 bytes", 38, 33, RES_VALUE},
        {"a presence of 2", 95, 2, RES_VALUE},
        {"a lifetime that is not there", 95, 1, RES_TRUNCATED},
    };
    struct buf bytes = BUF_INIT(1024);

    (void)state;
    testdata_hex(EXAMPLE, &bytes);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused_at(again_config, buf_span(&bytes), rows[i].offset, rows[i].value, rows[i].rc,
                   rows[i].says);
    buf_release(&bytes);
}

static void
a_head_is_signed_with_all_of_it(void **state)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES], seed[crypto_sign_SEEDBYTES] = {1};
    uint8_t signature[KT_SIGNATURE_SIZE];
    struct kt_config c = example(), other;
    struct hash root = {{5}}, another = {{6}};
    struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&tbs);
    struct span s = span_of(signature, sizeof(signature));

    (void)state;
    assert_int_not_equal(sodium_init(), -1);
    crypto_sign_seed_keypair(c.signature_key, secret, seed);
    c.window.has_lifetime = true;
    c.window.lifetime = UINT64_MAX;
    kt_head_tbs(&w, &c, 77, &root);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(tbs.n, KT_HEAD_TBS_MAX);
    crypto_sign_detached(signature, NULL, tbs.p, tbs.n, secret);
    assert_int_equal(kt_head_verify(&c, 77, &root, s), RES_OK);
    assert_int_equal(kt_head_verify(&c, 78, &root, s), RES_SIGNATURE);
    assert_int_equal(kt_head_verify(&c, 77, &another, s), RES_SIGNATURE);
    assert_int_equal(kt_head_verify(&c, 77, &root, span_of(signature, 63)), RES_SIGNATURE);
    assert_int_equal(kt_head_verify(&c, 77, &root, span_of(NULL, 0)), RES_SIGNATURE);
    other = c;
    other.max_behind++;
    assert_int_equal(kt_head_verify(&other, 77, &root, s), RES_SIGNATURE);
    other = c;
    other.vrf_key[0] ^= 1;
    assert_int_equal(kt_head_verify(&other, 77, &root, s), RES_SIGNATURE);
    for (unsigned i = 0; i < sizeof(signature) * 8; i++) {
        signature[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(kt_head_verify(&c, 77, &root, s), RES_SIGNATURE);
        signature[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    buf_release(&tbs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_what_it_says),
        cmocka_unit_test(a_lifetime_is_greater_than_the_window),
        cmocka_unit_test(other_suites_and_forms_are_refused),
        cmocka_unit_test(a_head_is_signed_with_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
