/* merkle/leaf/precert: the TBSCertificate that SCTs cover, against libcrypto and another log's
 * SCTs. */
#include "merkle/leaf/precert.h"

#include "merkle/leaf/sct.h"
#include "merkle/note/key.h"
#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/testdata.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the two above first. */
#include <cmocka.h>

#define MAX (1 << 20)
#define CT "vectors/1-merkle-ct/ct-cpp-testdata/"

#define BASIC_CA "300f 0603551d13 0101ff 0405 3003 0101ff"
#define POISON "3013 060a 2b06010401d679020403 0101ff 0402 0500"
#define AKI_A "300d 0603551d23 0406 3004 8002 aaaa"
#define AKI_B "300f 0603551d23 0408 3006 8004 bbbbbbbb"
#define AKI_A_NOT "3010 0603551d23 010100 0406 3004 8002 aaaa"
#define AKI_B_NOT "3012 0603551d23 010100 0408 3006 8004 bbbbbbbb"
#define EKU_SIGNER "3015 0603551d25 040e 300c 060a 2b06010401d679020404"
#define SCTS "3013 060a 2b06010401d679020402 0405 0403 0001 00"
#define ISSUER_B "300c 310a 3008 0603550403 0c0162"

static void
read_made(const struct mkcert *m, struct buf *der, struct cert *ret)
{
    *der = BUF_INIT(MAX);
    mkcert(m, der);
    assert_int_equal(cert_parse(buf_span(der), ret), RES_OK);
}

static const struct {
    const char *says, *extensions;
    enum result want;
} poisons[] = {
    {"a poison", POISON, RES_OK},
    {"among others", BASIC_CA POISON AKI_A, RES_OK},
    {"none", BASIC_CA, RES_CERT_POISON},
    {"not critical", "3010 060a 2b06010401d679020403 0402 0500", RES_CERT_POISON},
    {"critical FALSE", "3013 060a 2b06010401d679020403 010100 0402 0500", RES_CERT_POISON},
    {"an empty value", "3011 060a 2b06010401d679020403 0101ff 0400", RES_CERT_POISON},
    {"a byte after NULL", "3014 060a 2b06010401d679020403 0101ff 0403 050000", RES_CERT_POISON},
    {"an empty SEQUENCE", "3013 060a 2b06010401d679020403 0101ff 0402 3000", RES_CERT_POISON},
};

static void
poisons_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++) {
        struct buf der, out = BUF_INIT(MAX);
        struct cert c;
        read_made(&(struct mkcert){.extensions = poisons[i].extensions}, &der, &c);
        enum result r = precert_check_poison(&c);
        if (r != poisons[i].want)
            fail_msg("%s: %s", poisons[i].says, result_name(r));
        assert_int_equal(precert_tbs(&c, NULL, &out), poisons[i].want);
        assert_int_equal(precert_is(&c), i != 2);
        assert_int_equal(out.n > 0, r == RES_OK);
        buf_release(&out);
        buf_release(&der);
    }
}

/* Rows say what a precertificate becomes by the certificate whose TBS that is. */
static const struct {
    const char *says;
    struct mkcert pre, signer; /* signer.serial NULL: none */
    struct mkcert final;
    enum result want;
} rows[] = {
    {"the poison goes",
     {.extensions = BASIC_CA POISON AKI_A},
     {0},
     {.extensions = BASIC_CA AKI_A},
     RES_OK},
    {"no extension left: no [3]", {.extensions = POISON}, {0}, {0}, RES_OK},
    {"an SCT list stays in a precertificate",
     {.extensions = SCTS POISON},
     {0},
     {.extensions = SCTS},
     RES_OK},
    {"unique identifiers stay",
     {.ids = "8102 00aa 8202 00bb", .extensions = POISON BASIC_CA},
     {0},
     {.ids = "8102 00aa 8202 00bb", .extensions = BASIC_CA},
     RES_OK},
    {"issuer and authority key identifier become the signer's",
     {.extensions = AKI_A POISON BASIC_CA},
     {.serial = "020109", .issuer = ISSUER_B, .extensions = BASIC_CA EKU_SIGNER AKI_B},
     {.issuer = ISSUER_B, .extensions = AKI_B BASIC_CA},
     RES_OK},
    {"a longer issuer changes the lengths around it",
     {.extensions = POISON},
     {.serial = "020109", .issuer = "3018 3116 3014 0603550403 0c0d 62626262626262626262626262"},
     {.issuer = "3018 3116 3014 0603550403 0c0d 62626262626262626262626262"},
     RES_OK},
    {"the value changes, the critical flag stays as it stands",
     {.extensions = AKI_A_NOT POISON},
     {.serial = "020109", .issuer = ISSUER_B, .extensions = AKI_B},
     {.issuer = ISSUER_B, .extensions = AKI_B_NOT},
     RES_OK},
    {"only the precertificate has the identifier",
     {.extensions = AKI_A POISON},
     {.serial = "020109", .extensions = EKU_SIGNER},
     {0},
     RES_CERT_AKI},
    {"only the signer has the identifier",
     {.extensions = POISON},
     {.serial = "020109", .extensions = AKI_B},
     {0},
     RES_CERT_AKI},
};

static void
precertificates_become_the_final_tbs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf a, b, f, out = BUF_INIT(MAX);
        struct cert pre, signer, final;
        read_made(&rows[i].pre, &a, &pre);
        read_made(&rows[i].signer, &b, &signer);
        read_made(&rows[i].final, &f, &final);
        assert_int_equal(buf_add(&out, span_str("kept")), RES_OK);
        enum result r = precert_tbs(&pre, rows[i].signer.serial ? &signer : NULL, &out);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r == RES_OK && !span_equal(span_of(out.p + 4, out.n - 4), final.tbs))
            fail_msg("%s: other bytes", rows[i].says);
        assert_true(out.n > 4 || r != RES_OK);
        buf_release(&a);
        buf_release(&b);
        buf_release(&f);
        buf_release(&out);
    }
}

static void
a_full_buffer_is_left_alone(void **state)
{
    (void)state;
    struct buf der, out = BUF_INIT(40);
    struct cert c;
    read_made(&(struct mkcert){.extensions = POISON SCTS}, &der, &c);
    assert_int_equal(buf_add(&out, span_str("kept")), RES_OK);
    assert_int_equal(precert_tbs(&c, NULL, &out), RES_TOO_LARGE);
    assert_int_equal(precert_final_tbs(&c, &out), RES_TOO_LARGE);
    assert_int_equal(out.n, 4);
    buf_release(&out);
    buf_release(&der);
}

static const struct {
    const char *says, *extensions;
    enum result want;
    size_t n;
} embedded[] = {
    {"a list of one byte of SCT", "3015 060a 2b06010401d679020402 0407 0405 0003 0001 ff", RES_OK,
     5},
    {"no list", BASIC_CA, RES_ABSENT, 0},
    {"no OCTET STRING inside", "3013 060a 2b06010401d679020402 0405 0003000100", RES_CERT_SCT_LIST,
     0},
    {"an empty list", "3012 060a 2b06010401d679020402 0404 0402 0000", RES_CERT_SCT_LIST, 0},
    {"an empty SCT", "3014 060a 2b06010401d679020402 0406 0404 0002 0000", RES_CERT_SCT_LIST, 0},
    {"a byte after the list", "3016 060a 2b06010401d679020402 0408 0406 0003 0001 ff 00",
     RES_CERT_SCT_LIST, 0},
    {"a byte after the OCTET STRING", "3016 060a 2b06010401d679020402 0408 0405 0003 0001 ff 00",
     RES_CERT_SCT_LIST, 0},
    {"an SCT longer than the list", "3015 060a 2b06010401d679020402 0407 0405 0003 0002 ff",
     RES_CERT_SCT_LIST, 0},
};

static void
embedded_lists_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof embedded / sizeof *embedded; i++) {
        struct buf der;
        struct cert c;
        struct span list = {NULL, 0};
        read_made(&(struct mkcert){.extensions = embedded[i].extensions}, &der, &c);
        enum result r = precert_embedded_scts(&c, &list);
        if (r != embedded[i].want || list.n != embedded[i].n)
            fail_msg("%s: %s, %zu bytes", embedded[i].says, result_name(r), list.n);
        buf_release(&der);
    }
}

static void
signers_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *says, *extensions;
        bool want;
    } signers[] = {
        {"a CA with the key usage", BASIC_CA EKU_SIGNER, true},
        {"no CA", EKU_SIGNER, false},
        {"a CA for mail", BASIC_CA "3013 0603551d25 040c 300a 0608 2b06010505070304", false},
        {"a CA without extended key usage", BASIC_CA, false},
    };
    for (size_t i = 0; i < sizeof signers / sizeof *signers; i++) {
        struct buf der;
        struct cert c;
        read_made(&(struct mkcert){.extensions = signers[i].extensions}, &der, &c);
        if (precert_is_signer(&c) != signers[i].want)
            fail_msg("%s", signers[i].says);
        buf_release(&der);
    }
}

/* libcrypto's way to the same bytes: decode, delete, encode again. */
static void
libcrypto_tbs(X509 *x, struct buf *ret)
{
    unsigned char *tbs = NULL;
    int n = i2d_re_X509_tbs(x, &tbs);
    assert_true(n > 0);
    buf_clear(ret);
    assert_int_equal(buf_add(ret, span_of(tbs, (size_t)n)), RES_OK);
    OPENSSL_free(tbs);
}

/* Adds the extension at place (-1: the end), encodes, and reads the result with our parser. */
static void
add_extension(X509 *x, int nid, int critical, const char *value, int n, int place, struct buf *der,
              struct cert *ret)
{
    unsigned char *p = NULL;
    ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(v, (const unsigned char *)value, n), 1);
    X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, nid, critical, v);
    assert_int_equal(X509_add_ext(x, e, place), 1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(v);
    libcrypto_tbs(x, der);
    int size = i2d_X509(x, &p);
    assert_true(size > 0);
    buf_clear(der);
    assert_int_equal(buf_add(der, span_of(p, (size_t)size)), RES_OK);
    OPENSSL_free(p);
    assert_int_equal(cert_parse(buf_span(der), ret), RES_OK);
}

struct splices {
    X509 *signer;
    struct cert signer_cert;
    size_t poisons, lists, signed_by;
};

/* What libcrypto makes of x, which has no poison, by the signer: issuer and AKI value changed. */
static bool
libcrypto_by_signer(struct splices *s, X509 *x)
{
    int i = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);
    int k = X509_get_ext_by_NID(s->signer, NID_authority_key_identifier, -1);
    if ((i < 0) != (k < 0))
        return false;
    assert_int_equal(X509_set_issuer_name(x, X509_get_issuer_name(s->signer)), 1);
    if (i >= 0)
        X509_EXTENSION_set_data(X509_get_ext(x, i),
                                X509_EXTENSION_get_data(X509_get_ext(s->signer, k)));
    return true;
}

static void
splice_at(struct splices *s, X509 *x, int place)
{
    struct buf der = BUF_INIT(MAX), want = BUF_INIT(MAX), got = BUF_INIT(MAX);
    struct cert c;
    add_extension(x, NID_ct_precert_poison, 1, "\x05", 2, place, &der, &c);
    assert_int_equal(precert_tbs(&c, NULL, &got), RES_OK);
    X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_by_NID(x, NID_ct_precert_poison, -1)));
    libcrypto_tbs(x, &want);
    assert_true(span_equal(buf_span(&got), buf_span(&want)));
    s->poisons++;

    struct cert final;
    struct buf final_der = BUF_INIT(MAX);
    add_extension(x, NID_ct_precert_scts, 0, "\x04\x03\0\x01\0", 5, place, &final_der, &final);
    buf_clear(&got);
    assert_int_equal(precert_final_tbs(&final, &got), RES_OK);
    assert_true(span_equal(buf_span(&got), buf_span(&want)));
    X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_by_NID(x, NID_ct_precert_scts, -1)));
    s->lists++;

    X509 *y = X509_dup(x);
    buf_clear(&got);
    enum result r = precert_tbs(&c, &s->signer_cert, &got);
    if (libcrypto_by_signer(s, y)) {
        assert_int_equal(r, RES_OK);
        libcrypto_tbs(y, &want);
        assert_true(span_equal(buf_span(&got), buf_span(&want)));
        s->signed_by++;
    } else {
        assert_int_equal(r, RES_CERT_AKI);
    }
    X509_free(y);
    buf_release(&der);
    buf_release(&final_der);
    buf_release(&want);
    buf_release(&got);
}

static void
splice_file(void *arg, const char *relative)
{
    struct splices *s = arg;
    struct buf file, der = BUF_INIT(MAX);
    struct cert c;
    testdata_load(relative, &file);
    /* The .crt files are DER; one .pem holds a CRL. */
    if (!pem_block(buf_span(&file), "CERTIFICATE", 0, &der))
        assert_int_equal(buf_add(&der, buf_span(&file)), RES_OK);
    buf_release(&file);
    /* Extensions are of version 3, and one each. */
    if (cert_parse(buf_span(&der), &c) == RES_OK && c.version == 3 &&
        cert_find(&c, CERT_OID_POISON) == NULL && cert_find(&c, CERT_OID_SCT_LIST) == NULL) {
        const unsigned char *p = der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.n);
        assert_non_null(x);
        splice_at(s, x, 0);
        splice_at(s, x, X509_get_ext_count(x) / 2);
        splice_at(s, x, -1);
        X509_free(x);
    }
    buf_release(&der);
}

static void
splices_equal_libcryptos(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    struct splices s = {.poisons = 0};
    struct buf der = BUF_INIT(MAX);
    pem_load(CT "ca-pre-cert.pem", "CERTIFICATE", &der);
    const unsigned char *p = der.p;
    s.signer = d2i_X509(NULL, &p, (long)der.n);
    assert_non_null(s.signer);
    assert_int_equal(cert_parse(buf_span(&der), &s.signer_cert), RES_OK);
    assert_true(precert_is_signer(&s.signer_cert));
    testdata_each("corpora", ".pem", splice_file, &s);
    testdata_each("corpora", ".crt", splice_file, &s);
    print_message("%zu poisons, %zu SCT lists dropped, %zu by a signer, as libcrypto does\n",
                  s.poisons, s.lists, s.signed_by);
    assert_true(s.poisons >= 2000 && s.signed_by >= 1000);
    X509_free(s.signer);
    buf_release(&der);
}

/* One case of another log: a chain, and an SCT in a file or embedded. */
struct log_case {
    struct buf der[4];
    struct cert cert[4];
    size_t n;
};

static void
load_chain(const cJSON *json, struct log_case *c)
{
    const cJSON *name;
    *c = (struct log_case){.n = 0};
    cJSON_ArrayForEach(name, testdata_member(json, "chain"))
    {
        char path[256];
        snprintf(path, sizeof path, CT "%s", name->valuestring);
        assert_true(c->n < 4);
        c->der[c->n] = BUF_INIT(MAX);
        pem_load(path, "CERTIFICATE", &c->der[c->n]);
        assert_int_equal(cert_parse(buf_span(&c->der[c->n]), &c->cert[c->n]), RES_OK);
        c->n++;
    }
}

/* The entry that the SCT of the chain's leaf covers. */
static void
entry_of(const struct log_case *c, bool is_embedded, struct buf *tbs, struct entry *ret)
{
    const struct cert *leaf = &c->cert[0];
    *ret = (struct entry){.type = ENTRY_X509, .body = leaf->der};
    if (!is_embedded && !precert_is(leaf))
        return;
    bool by_signer = !is_embedded && precert_is_signer(&c->cert[1]);
    ret->type = ENTRY_PRECERT;
    if (is_embedded)
        assert_int_equal(precert_final_tbs(leaf, tbs), RES_OK);
    else
        assert_int_equal(precert_tbs(leaf, by_signer ? &c->cert[1] : NULL, tbs), RES_OK);
    ret->body = buf_span(tbs);
    precert_issuer_key_hash(&c->cert[by_signer ? 2 : 1], &ret->issuer_key_hash);
}

static void
run_case(const cJSON *json, const struct p256_key *key)
{
    struct log_case c;
    struct buf tbs = BUF_INIT(MAX), proof = BUF_INIT(MAX);
    struct timestamped_entry t = {.timestamp = 0};
    struct sct sct;
    struct hash h;
    char path[256];
    bool is_embedded = testdata_flag(json, "embedded"), has_proof = !is_embedded;
    load_chain(json, &c);
    if (is_embedded) {
        struct span list;
        size_t n;
        assert_int_equal(precert_embedded_scts(&c.cert[0], &list), RES_OK);
        assert_int_equal(sct_list_parse(list, &sct, 1, &n), RES_OK);
        assert_int_equal(n, 1);
        has_proof = cJSON_GetObjectItemCaseSensitive(json, "sct_equals") != NULL;
    }
    if (has_proof) {
        struct sct alone;
        snprintf(path, sizeof path, CT "%s",
                 testdata_string(json, is_embedded ? "sct_equals" : "proof"));
        testdata_load(path, &proof);
        assert_int_equal(sct_parse(buf_span(&proof), &alone), RES_OK);
        if (is_embedded)
            assert_true(span_equal(alone.signature.signature, sct.signature.signature));
        sct = alone;
    }
    assert_true(hash_equal(&sct.log_id, p256_key_id(key)));
    entry_of(&c, is_embedded, &tbs, &t.entry);
    t.timestamp = sct.timestamp;
    if (cJSON_GetObjectItemCaseSensitive(json, "set_timestamp") != NULL)
        t.timestamp = testdata_u64(json, "set_timestamp");
    t.extensions = sct.extensions;
    sct_signed_digest(&t, &h);
    enum result r = p256_verify_digest(key, &h, sct.signature.signature);
    assert_int_equal(r, testdata_flag(json, "ok") ? RES_OK : RES_SIGNATURE);
    for (size_t i = 0; i < c.n; i++)
        buf_release(&c.der[i]);
    buf_release(&proof);
    buf_release(&tbs);
}

static void
scts_of_another_log_verify(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/1-merkle-ct/ct-cpp-sct-cases.json");
    const cJSON *one;
    struct buf spki = BUF_INIT(MAX);
    struct p256_key *key;
    size_t n = 0;
    char path[256];
    snprintf(path, sizeof path, "vectors/1-merkle-ct/%s", testdata_string(json, "log_key"));
    pem_load(path, "PUBLIC KEY", &spki);
    assert_int_equal(p256_key_parse(buf_span(&spki), &key), RES_OK);
    cJSON_ArrayForEach(one, testdata_member(json, "cases"))
    {
        run_case(one, key);
        n++;
    }
    print_message("%zu SCT cases\n", n);
    assert_true(n >= 13);
    p256_key_free(key);
    buf_release(&spki);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisons_are_told),
        cmocka_unit_test(precertificates_become_the_final_tbs),
        cmocka_unit_test(a_full_buffer_is_left_alone),
        cmocka_unit_test(embedded_lists_are_found),
        cmocka_unit_test(signers_are_told),
        cmocka_unit_test(splices_equal_libcryptos),
        cmocka_unit_test(scts_of_another_log_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
