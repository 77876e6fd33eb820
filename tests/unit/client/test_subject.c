/* client/subject: the entry of a chain, computed from the certificates at hand. */
#include "client/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "merkle/leaf/precert.h"
#include "tests/mint/mint.h"

/* A root, an intermediate, and below it one of each kind of leaf. */
enum { ROOT, CA, SIGNER, LEAF, PRECERT, PRECERT_BY_SIGNER, N };
static struct span der[N];

static int
mint_all(void **state)
{
    EVP_PKEY *key[4];
    X509 *x[N];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        key[i] = mint_key(MINT_P256);
    x[ROOT] = mint_root("Root", key[0]);
    x[CA] = mint_ca("CA", key[1], x[ROOT], key[0]);
    x[SIGNER] = mint_precert_signer("Signer", key[2], x[CA], key[1]);
    x[LEAF] = mint_leaf("alice@example.org", key[3], x[CA], key[1]);
    x[PRECERT] = mint_precert("alice@example.org", key[3], x[CA], key[1]);
    x[PRECERT_BY_SIGNER] = mint_precert("alice@example.org", key[3], x[SIGNER], key[2]);
    for (size_t i = 0; i < N; i++) {
        der[i] = mint_der(x[i]);
        X509_free(x[i]);
    }
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(key[i]);
    return 0;
}

static int
free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++)
        mint_free(der[i]);
    return 0;
}

static const struct {
    const char *says;
    int certs[4];
    size_t n;
    int anchor; /* -1: none */
    enum result want;
    enum entry_type type;
} rows[] = {
    {"a certificate alone", {LEAF}, 1, -1, RES_OK, ENTRY_X509},
    {"a certificate with its chain", {LEAF, CA, ROOT}, 3, -1, RES_OK, ENTRY_X509},
    {"a precertificate with its issuer", {PRECERT, CA}, 2, -1, RES_OK, ENTRY_PRECERT},
    {"a precertificate whose issuer is an anchor", {PRECERT}, 1, CA, RES_OK, ENTRY_PRECERT},
    {"a precertificate alone", {PRECERT}, 1, -1, RES_CHAIN_ROOT, ENTRY_PRECERT},
    {"a precertificate with another anchor", {PRECERT}, 1, ROOT, RES_CHAIN_ROOT, ENTRY_PRECERT},
    {"a precertificate before the wrong issuer",
     {PRECERT, ROOT},
     2,
     -1,
     RES_CHAIN_ORDER,
     ENTRY_PRECERT},
    {"by a signing certificate", {PRECERT_BY_SIGNER, SIGNER, CA}, 3, -1, RES_OK, ENTRY_PRECERT},
    {"by a signing certificate, final issuer an anchor",
     {PRECERT_BY_SIGNER, SIGNER},
     2,
     CA,
     RES_OK,
     ENTRY_PRECERT},
    {"by a signing certificate, final issuer missing",
     {PRECERT_BY_SIGNER, SIGNER},
     2,
     -1,
     RES_CHAIN_ROOT,
     ENTRY_PRECERT},
};

static void
chains_become_entries(void **state)
{
    struct hash ca_key;
    struct cert ca;
    (void)state;
    assert_int_equal(cert_parse(der[CA], &ca), RES_OK);
    precert_issuer_key_hash(&ca, &ca_key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span certs[4];
        struct subject s = SUBJECT_INIT;
        for (size_t k = 0; k < rows[i].n; k++)
            certs[k] = der[rows[i].certs[k]];
        const struct subject_chain chain = {.certs = certs,
                                            .n = rows[i].n,
                                            .anchors =
                                                rows[i].anchor < 0 ? NULL : &der[rows[i].anchor],
                                            .anchor_count = rows[i].anchor < 0 ? 0 : 1};
        enum result r = subject_submitted(&chain, &s);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r == RES_OK) {
            const struct entry e = subject_entry(&s);
            assert_int_equal(e.type, rows[i].type);
            if (e.type == ENTRY_PRECERT)
                assert_true(hash_equal(&e.issuer_key_hash, &ca_key));
            else
                assert_true(span_equal(e.body, der[LEAF]));
        }
        subject_release(&s);
    }
}

/* One description twice: with the poison, and with a list of one empty-handed SCT in its place. */
static void
an_embedded_sct_is_about_its_precertificate(void **state)
{
    struct mint_spec spec = {.subject = {{"CN", "alice"}},
                             .extension = {{"subjectAltName", "email:alice@example.org"},
                                           {MINT_POISON, MINT_POISON_VALUE},
                                           {"extendedKeyUsage", "emailProtection"}},
                             .serial = 7};
    struct subject pre = SUBJECT_INIT, final = SUBJECT_INIT;
    EVP_PKEY *ca_key = mint_key(MINT_P256), *key = mint_key(MINT_P256);
    X509 *ca = mint_root("CA", ca_key), *x[2];
    struct span certs[2][2];
    (void)state;
    spec.issuer = ca;
    spec.issuer_key = ca_key;
    spec.key = key;
    x[0] = mint_cert(&spec);
    spec.extension[1] = (struct mint_pair){"1.3.6.1.4.1.11129.2.4.2", "DER:04:05:00:03:00:01:00"};
    x[1] = mint_cert(&spec);
    for (size_t i = 0; i < 2; i++) {
        certs[i][0] = mint_der(x[i]);
        certs[i][1] = mint_der(ca);
    }
    const struct subject_chain a = {.certs = certs[0], .n = 2}, b = {.certs = certs[1], .n = 2};
    assert_int_equal(subject_submitted(&a, &pre), RES_OK);
    assert_int_equal(subject_embedded(&b, &final), RES_OK);
    assert_int_equal(final.type, ENTRY_PRECERT);
    assert_true(hash_equal(&pre.issuer_key_hash, &final.issuer_key_hash));
    assert_true(span_equal(buf_span(&pre.body), buf_span(&final.body)));
    /* Without its issuer nothing can be said. */
    const struct subject_chain alone = {.certs = certs[1], .n = 1};
    assert_int_equal(subject_embedded(&alone, &final), RES_CHAIN_ROOT);
    for (size_t i = 0; i < 2; i++) {
        mint_free(certs[i][0]);
        mint_free(certs[i][1]);
        X509_free(x[i]);
    }
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    subject_release(&pre);
    subject_release(&final);
}

static void
what_is_no_certificate_is_refused(void **state)
{
    struct subject s = SUBJECT_INIT;
    const struct span cut = {der[LEAF].p, der[LEAF].n - 1};
    struct subject_chain chain = {.certs = &cut, .n = 1};
    (void)state;
    assert_int_equal(subject_submitted(&chain, &s), RES_DER);
    chain.certs = &der[LEAF];
    assert_int_equal(subject_embedded(&chain, &s), RES_CERT_SCT_LIST);
    subject_release(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_become_entries),
        cmocka_unit_test(an_embedded_sct_is_about_its_precertificate),
        cmocka_unit_test(what_is_no_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, mint_all, free_all);
}
