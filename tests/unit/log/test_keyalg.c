#include "log/accept/keyalg.h"

#include "tests/unit/log/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *says;
    enum mint_kind kind;
    enum result want;
    enum keyalg alg;
    enum sigalg_scheme signs, not ;
} rows[] = {
    {"RSA", MINT_RSA_2048, RES_OK, KEYALG_RSA, SIGALG_RSA, SIGALG_ECDSA},
    {"RSA signs with PSS too", MINT_RSA_4096, RES_OK, KEYALG_RSA, SIGALG_PSS, SIGALG_ED25519},
    {"RSA of any size: that is not told here", MINT_RSA_1024, RES_OK, KEYALG_RSA, SIGALG_RSA,
     SIGALG_ECDSA},
    {"P-256", MINT_P256, RES_OK, KEYALG_EC, SIGALG_ECDSA, SIGALG_RSA},
    {"P-384", MINT_P384, RES_OK, KEYALG_EC, SIGALG_ECDSA, SIGALG_PSS},
    {"P-521", MINT_P521, RES_OK, KEYALG_EC, SIGALG_ECDSA, SIGALG_ED448},
    {"Ed25519", MINT_ED25519, RES_OK, KEYALG_ED25519, SIGALG_ED25519, SIGALG_ED448},
    {"Ed448", MINT_ED448, RES_OK, KEYALG_ED448, SIGALG_ED448, SIGALG_ED25519},
    {"P-224 is not on the list", MINT_P224, RES_CHAIN_KEY, KEYALG_EC, SIGALG_ECDSA, SIGALG_RSA},
};

static void
tells_the_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span spki = spki_of(key_of(rows[i].kind));
        enum keyalg alg = rows[i].alg;

        if (keyalg_parse(spki, &alg) != rows[i].want || alg != rows[i].alg) {
            fail_msg("%s", rows[i].says);
        }
        assert_true(keyalg_signs(alg, rows[i].signs));
        assert_false(keyalg_signs(alg, rows[i].not ));
        mint_free(spki);
    }
}

/* A bit of the AlgorithmIdentifier, or too few bytes: not on the list. */
static void
every_bit_counts(void **state)
{
    struct span spki = spki_of(key_of(MINT_P256));
    uint8_t *copy = malloc(spki.n);
    enum keyalg alg;

    (void)state;
    memcpy(copy, spki.p, spki.n);
    for (size_t bit = 16; bit < (size_t)8 * 23; bit++) { /* behind the outer head, to its end */
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(keyalg_parse(span_of(copy, spki.n), &alg), RES_CHAIN_KEY);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t n = 0; n <= 23; n++) {
        assert_int_equal(keyalg_parse(span_of(copy, n), &alg), RES_CHAIN_KEY);
    }
    assert_int_equal(keyalg_parse(span_of(copy, spki.n), &alg), RES_OK);
    free(copy);
    mint_free(spki);
}

/* id-RSASSA-PSS: with parameters and without. */
static void
pss_only(void **state)
{
    static const uint8_t plain[] = {0x30, 0x10, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x03, 0x01, 0x00};
    uint8_t other[sizeof plain];
    enum keyalg alg = KEYALG_RSA;

    (void)state;
    assert_int_equal(keyalg_parse(span_of(plain, sizeof plain), &alg), RES_OK);
    assert_int_equal(alg, KEYALG_RSA_PSS);
    assert_true(keyalg_signs(alg, SIGALG_PSS));
    assert_false(keyalg_signs(alg, SIGALG_RSA));
    memcpy(other, plain, sizeof plain);
    other[14] = 0x07; /* id-RSAES-OAEP */
    assert_int_equal(keyalg_parse(span_of(other, sizeof other), &alg), RES_CHAIN_KEY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_algorithm),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(pss_only),
    };

    return cmocka_run_group_tests(tests, NULL, keys_teardown);
}
