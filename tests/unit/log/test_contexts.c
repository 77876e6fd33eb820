#include "log/accept/contexts.h"

#include "tests/unit/log/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What is given back is what the next one gets; no more wait than CONTEXTS_SPARES. */
static void
spares_are_used_again(void **state)
{
    const struct sigalg ecdsa = {.scheme = SIGALG_ECDSA, .hash = SIGALG_SHA256};
    const struct sigalg longer = {.scheme = SIGALG_ECDSA, .hash = SIGALG_SHA512};
    EVP_PKEY_CTX *taken[CONTEXTS_SPARES + 1], *again;
    struct contexts c;

    (void)state;
    contexts_init(&c, key_of(MINT_P256));
    for (size_t i = 0; i <= CONTEXTS_SPARES; i++) {
        taken[i] = contexts_take(&c, &ecdsa);
        assert_non_null(taken[i]);
        for (size_t j = 0; j < i; j++) {
            assert_ptr_not_equal(taken[j], taken[i]);
        }
    }
    contexts_give(&c, &ecdsa, taken[0]);
    again = contexts_take(&c, &longer); /* ECDSA: one for all hashes */
    assert_ptr_equal(again, taken[0]);
    for (size_t i = 0; i <= CONTEXTS_SPARES; i++) {
        contexts_give(&c, &ecdsa, taken[i]); /* the last is freed */
    }
    contexts_release(&c);
}

/* RSA: a context knows its hash, so what one hash gave back another does not get. */
static void
a_slot_for_each_hash(void **state)
{
    const struct sigalg one = {.scheme = SIGALG_RSA, .hash = SIGALG_SHA256};
    const struct sigalg two = {.scheme = SIGALG_RSA, .hash = SIGALG_SHA384};
    EVP_PKEY_CTX *a, *b;
    struct contexts c;

    (void)state;
    contexts_init(&c, key_of(MINT_RSA_2048));
    a = contexts_take(&c, &one);
    assert_non_null(a);
    contexts_give(&c, &one, a);
    b = contexts_take(&c, &two);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(contexts_take(&c, &one), a);
    contexts_give(&c, &one, a);
    contexts_give(&c, &two, b);
    contexts_release(&c);
}

static void
a_key_refuses(void **state)
{
    const struct sigalg pss = {.scheme = SIGALG_PSS, .hash = SIGALG_SHA256, .mgf = SIGALG_SHA256};
    struct contexts c;

    (void)state;
    contexts_init(&c, key_of(MINT_P256));
    assert_null(contexts_take(&c, &pss));
    contexts_release(&c);
}

static void
hashes(void **state)
{
    static const int bytes[SIGALG_HASHES] = {20, 28, 32, 48, 64};

    (void)state;
    for (unsigned h = 0; h < SIGALG_HASHES; h++) {
        assert_int_equal(EVP_MD_get_size(contexts_hash((enum sigalg_hash)h)), bytes[h]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spares_are_used_again),
        cmocka_unit_test(a_slot_for_each_hash),
        cmocka_unit_test(a_key_refuses),
        cmocka_unit_test(hashes),
    };

    return cmocka_run_group_tests(tests, NULL, keys_teardown);
}
