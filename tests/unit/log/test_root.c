/* log/accept/root: what may be a root, and copies of one. */
#include "log/accept/root.h"

#include "tests/mint/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum name { ROOT, VERSION1, NO_CA, WEAK, NAMES };

static struct span der[NAMES];

static int
setup(void **state)
{
    EVP_PKEY *key = mint_key(MINT_P256), *weak = mint_key(MINT_RSA_1024);
    struct mint_spec v1 = {.key = key, .subject = {{"CN", "v1"}}, .version1 = true};
    struct mint_spec no_ca = {
        .key = key, .subject = {{"CN", "no"}}, .extension = {{"basicConstraints", "CA:FALSE"}}};
    X509 *x[NAMES] = {[ROOT] = mint_root("Root", key),
                      [VERSION1] = mint_cert(&v1),
                      [NO_CA] = mint_cert(&no_ca),
                      [WEAK] = mint_root("Weak", weak)};

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        der[i] = mint_der(x[i]);
        X509_free(x[i]);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(weak);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        mint_free(der[i]);
    }
    return 0;
}

static const struct {
    const char *says;
    enum name name;
    size_t less; /* bytes cut off its end */
    const char *domains;
    enum result want;
} rows[] = {
    {"a CA certificate", ROOT, 0, NULL, RES_OK},
    {"bound to a domain", ROOT, 0, "a.example", RES_OK},
    {"bound to what is no domain", ROOT, 0, "a b", RES_VALUE},
    {"bound to nothing", ROOT, 0, "", RES_VALUE},
    {"one that is silent about being a CA", VERSION1, 0, NULL, RES_OK},
    {"one that says it is none", NO_CA, 0, NULL, RES_CHAIN_CA},
    {"a key that could verify nothing here", WEAK, 0, NULL, RES_CHAIN_KEY},
    {"one cut short", ROOT, 1, NULL, RES_DER},
};

static void
what_may_be_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span in = span_of(der[rows[i].name].p, der[rows[i].name].n - rows[i].less);
        struct root *root = NULL;
        enum result r = root_new(in, rows[i].domains, false, &root);

        if (r != rows[i].want) {
            fail_msg("%s: %s", rows[i].says, result_name(r));
        }
        assert_int_equal(root != NULL, r == RES_OK);
        root_free(root);
    }
}

static void
a_copy_stands_alone(void **state)
{
    struct root *root, *copy, *public;
    struct hash h;

    (void)state;
    assert_int_equal(root_new(der[ROOT], "A.example,b.example", false, &root), RES_OK);
    assert_int_equal(root_copy(root, &copy), RES_OK);
    assert_false(root->verify_only);
    root_free(root);
    hash_sha256(der[ROOT], &h);
    assert_true(hash_equal(&copy->sha256, &h));
    assert_true(span_equal(copy->der, der[ROOT]));
    assert_true(copy->verify_only);
    assert_string_equal(copy->domains[0], "a.example");
    assert_string_equal(copy->domains[1], "b.example");
    assert_null(copy->domains[2]);
    assert_int_equal(issuer_verify(copy->issuer, &copy->cert), RES_OK);
    root_free(copy);
    /* What is public stays public. */
    assert_int_equal(root_new(der[VERSION1], NULL, true, &root), RES_OK);
    assert_int_equal(root_copy(root, &public), RES_OK);
    assert_null(public->domains);
    root_free(public);
    root_free(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_one),
        cmocka_unit_test(a_copy_stands_alone),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
