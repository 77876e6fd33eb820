/* client/trust: allocations fail, libcrypto's too. */
#include "client/trust.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fault/failalloc.h"
#include "tests/mint/mint.h"

#define IN_2027 1800000000
#define ALICE "\"alice\"@good.example"

static struct span anchor, issuers[2], good, bad;

/* libcrypto's allocations, made from here, so that they are counted. */
static void *
crypto_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(p, n);
}

static void
crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static enum result
judge(struct span leaf, enum trust_reason *ret)
{
    struct trust_anchors *a;
    struct trust_question q = {.leaf = leaf,
                               .issuers = issuers,
                               .issuers_n = 2,
                               .now = IN_2027,
                               .purpose = MAILBOX_SIGN,
                               .address = span_str(ALICE)};
    enum result rc = trust_anchors_new(&anchor, 1, &a);
    if (rc != RES_OK)
        return rc;
    rc = trust_validate(a, &q, ret);
    trust_anchors_free(a);
    return rc;
}

/* What is worth an offer is offered, or memory is told of, or, where libcrypto hides that it was
 * memory, nothing is offered; what is not is never offered.  Every STRIDEth, for the time it
 * takes. */
#define STRIDE 7

static void
allocations_fail(void **state)
{
    enum trust_reason reason;
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct span leaf = which == 0 ? good : bad;
        unsigned memory = 0, offered = 0;
        for (int i = 0; i < 2; i++) { /* what libcrypto keeps, it has now */
            failalloc_at(0);
            assert_int_equal(judge(leaf, &reason), RES_OK);
            assert_int_equal(reason, which == 0 ? TRUST_OK : TRUST_NAMES);
        }
        for (size_t i = 1, n = failalloc_count(); i <= n; i += STRIDE) {
            reason = TRUST_REASONS;
            failalloc_at(i);
            enum result rc = judge(leaf, &reason);
            failalloc_at(0);
            assert_true(rc == RES_OK || rc == RES_MEMORY || rc == RES_CRYPTO);
            assert_true((rc == RES_OK) == (reason != TRUST_REASONS));
            memory += rc == RES_MEMORY;
            offered += reason == TRUST_OK;
        }
        assert_true(memory > 0);
        assert_true(which == 0 ? offered > 0 : offered == 0);
        assert_int_equal(judge(leaf, &reason), RES_OK);
        assert_int_equal(reason, which == 0 ? TRUST_OK : TRUST_NAMES);
    }
}

static int
setup(void **state)
{
    EVP_PKEY *kr = mint_key(MINT_P256), *kc = mint_key(MINT_RSA_2048), *kl = mint_key(MINT_P256);
    X509 *root = mint_root("Root", kr), *twin = mint_ca("CA", kc, root, kr);
    struct mint_spec c = {
        .key = kc,
        .issuer = root,
        .issuer_key = kr,
        .subject = {{"CN", "CA"}},
        .extension = {{"basicConstraints", "critical,CA:TRUE"},
                      {"nameConstraints", "critical,excluded;email:evil.example"}}};
    X509 *ca = mint_cert(&c);
    struct mint_spec l = {
        .key = kl,
        .issuer = ca,
        .issuer_key = kc,
        .subject = {{"CN", "Alice"}},
        .extension = {{"subjectAltName", "email:" ALICE}, {"extendedKeyUsage", "emailProtection"}}};
    X509 *leaf = mint_cert(&l);
    l.extension[0].value = "email:" ALICE ",email:mallory@evil.example";
    X509 *foreign = mint_cert(&l);
    (void)state;
    anchor = mint_der(root);
    issuers[0] = mint_der(twin);
    issuers[1] = mint_der(ca);
    good = mint_der(leaf);
    bad = mint_der(foreign);
    X509 *certs[] = {root, twin, ca, leaf, foreign};
    for (int i = 0; i < 5; i++)
        X509_free(certs[i]);
    EVP_PKEY_free(kr);
    EVP_PKEY_free(kc);
    EVP_PKEY_free(kl);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mint_free(anchor);
    mint_free(issuers[0]);
    mint_free(issuers[1]);
    mint_free(good);
    mint_free(bad);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_fail),
    };
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, setup, teardown);
}
