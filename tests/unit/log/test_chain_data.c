/* Chains that others made: the corpora, and vectors with verdicts. */
#include "tests/unit/log/path.h"
#include "tests/unit/log/renew.h"
#include "tests/unit/log/verdicts.h"
#include "tests/vectors/check.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/testdata.h"

#include <stdio.h>
#include <stdlib.h>

/* The name of a file below its corpus. */
static const char *
short_name(const char *relative)
{
    const char *s = strchr(relative, '/'); /* corpora/NAME/... */

    return s != NULL ? s + 1 : relative;
}

/* All certificates of a file, PEM or DER, to the heap. */
static void
add_file(void *arg, const char *relative)
{
    struct path_heap *h = arg;
    struct buf text = BUF_INIT(64 << 20), der = BUF_INIT(64 << 20);
    size_t n = 0;

    testdata_load(relative, &text);
    while (pem_block(buf_span(&text), "CERTIFICATE", n, &der)) {
        path_add(h, short_name(relative), buf_span(&der));
        n++;
    }
    if (n == 0 && text.n > 0 && text.p[0] == 0x30) {
        path_add(h, short_name(relative), buf_span(&text));
    }
    buf_release(&text);
    buf_release(&der);
}

/* Submits every chain of one corpus; counts those that cannot be built. */
static size_t
judge_corpus(struct verdicts *v, const char *directory)
{
    struct path_heap h = {0};
    size_t alone = 0;

    testdata_each(directory, ".pem", add_file, &h);
    testdata_each(directory, ".crt", add_file, &h);
    verdicts_new_roots(v);
    for (size_t i = 0; i < h.n; i++) {
        if (h.item[i].is_root) {
            enum result r = verdicts_root(v, buf_span(&h.item[i].der));

            if (r != RES_OK) {
                printf("no root: %s\t%s\n", h.item[i].name, result_name(r));
            }
        }
    }
    for (size_t i = 0; i < h.n; i++) {
        struct span chain[CHAIN_MAX + 1] = {buf_span(&h.item[i].der)};
        size_t n = h.item[i].parsed == RES_OK ? path_build(&h, i, chain) : 1;

        if (n == 0) {
            alone++;
        } else if (!h.item[i].is_root) {
            verdicts_judge(v, h.item[i].name, -1, chain, n);
        }
    }
    path_release(&h);
    return alone;
}

static void
corpora(void **state)
{
    static const char *const names[] = {"corpora/mimekit", "corpora/mozilla-email-roots",
                                        "corpora/nist-pkits", "corpora/pkilint", "corpora/zlint"};
    struct verdicts v;
    size_t alone = 0, taken;

    (void)state;
    TESTDATA_OR_SKIP();
    verdicts_open(&v, "corpora");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        alone += judge_corpus(&v, names[i]);
    }
    taken = v.taken;
    printf("corpora: %zu certificates whose issuers are not there\n", alone);
    assert_int_equal(verdicts_close(&v), 0);
    assert_true(taken >= 150);
}

#define NO_TRIM "a chain has one form here: no certificate stands in it twice"
#define NO_DSA "DSA is not on the list of RFC 6962 section 2.1.4 or of the S/MIME BR"
#define BYTES "names are compared byte for byte, as the S/MIME BR 7.1.4.1 demands of CAs"

/* Where this log differs from the verdict of a vector, and why. */
static const struct {
    const char *name;
    const char *why;
} DIFFERENCES[] = {
    {"leaf + root repeated (C++ server trims the repeat)", NO_TRIM},
    {"Section1ValidDSASignaturesTest4", NO_DSA},
    {"Section1ValidDSAParameterInheritanceTest5", NO_DSA},
    {"Section3ValidNameChainingWhitespaceTest3", BYTES},
    {"Section3ValidNameChainingWhitespaceTest4", BYTES},
    {"Section3ValidNameChainingCapitalizationTest5", BYTES},
    {"Section3ValidRolloverfromPrintableStringtoUTF8StringTest10", BYTES},
    {"Section3ValidUTF8StringCaseInsensitiveMatchTest11", BYTES},
};

static bool
is_difference(const char *name)
{
    for (size_t i = 0; i < sizeof DIFFERENCES / sizeof DIFFERENCES[0]; i++) {
        if (strcmp(DIFFERENCES[i].name, name) == 0) {
            printf("otherwise on purpose: %s: %s\n", name, DIFFERENCES[i].why);
            return true;
        }
    }
    return false;
}

#define CPP_DIRECTORY "vectors/1-merkle-ct/ct-cpp-testdata"
#define CPP CPP_DIRECTORY "/"

/* Its certificates hold keys of RSA-1024, so no chain of them is taken: they are renewed, see
 * renew.h. */
static struct renewal *renewal;

static void
know_file(void *arg, const char *relative)
{
    struct buf text = BUF_INIT(1 << 20), der = BUF_INIT(1 << 20);

    (void)arg;
    testdata_load(relative, &text);
    for (size_t i = 0; pem_block(buf_span(&text), "CERTIFICATE", i, &der); i++) {
        renew_know(renewal, buf_span(&der));
    }
    buf_release(&text);
    buf_release(&der);
}

/* Appends all certificates of a file to chain, whose DER bytes der keeps. */
static size_t
load_chain(const char *file, struct buf der[], size_t n)
{
    char relative[TESTDATA_PATH_MAX];
    struct buf text = BUF_INIT(1 << 20);

    snprintf(relative, sizeof relative, CPP "%s", file);
    testdata_load(relative, &text);
    for (size_t i = 0;; i++) {
        assert_true(n < CHAIN_MAX);
        der[n] = BUF_INIT(CERT_MAX);
        if (!pem_block(buf_span(&text), "CERTIFICATE", i, &der[n])) {
            buf_release(&der[n]);
            break;
        }
        renew(renewal, &der[n]);
        n++;
    }
    buf_release(&text);
    return n;
}

/* All roots of a case, renewed; what came of the last. */
static enum result
load_roots(struct verdicts *v, const cJSON *files)
{
    const cJSON *file;
    enum result r = RES_OK;

    verdicts_new_roots(v);
    cJSON_ArrayForEach(file, files)
    {
        struct buf der[CHAIN_MAX];
        size_t n = load_chain(file->valuestring, der, 0);

        for (size_t i = 0; i < n; i++) {
            r = verdicts_root(v, buf_span(&der[i]));
            buf_release(&der[i]);
        }
    }
    return r;
}

/* The reference server of RFC 6962. */
static void
reference_server(void **state)
{
    struct verdicts v;
    cJSON *cases;
    const cJSON *c, *file;

    (void)state;
    TESTDATA_OR_SKIP();
    verdicts_open(&v, "ct-cpp");
    renewal = renew_new();
    testdata_each(CPP_DIRECTORY, ".pem", know_file, NULL);
    cases = testdata_json("vectors/1-merkle-ct/ct-cpp-chain-cases.json");
    cJSON_ArrayForEach(c, cases)
    {
        const char *says = testdata_string(c, "desc"), *kind = testdata_string(c, "kind");
        enum result r = load_roots(&v, testdata_member(c, "roots"));
        bool ok = testdata_flag(c, "ok"), taken;
        struct buf der[CHAIN_MAX];
        struct span chain[CHAIN_MAX];
        size_t n = 0;

        if (strcmp(kind, "load-roots") == 0) {
            assert_int_equal(r == RES_OK, ok);
            assert_true(!ok || roots_count(v.roots) == testdata_u64(c, "count"));
            continue;
        }
        cJSON_ArrayForEach(file, testdata_member(c, "chain"))
        {
            n = load_chain(file->valuestring, der, n);
        }
        for (size_t i = 0; i < n; i++) {
            chain[i] = buf_span(&der[i]);
        }
        taken = verdicts_judge(&v, says, strcmp(kind, "precert") == 0 ? ENTRY_PRECERT : ENTRY_X509,
                               chain, n);
        if (taken != ok && !is_difference(says)) {
            printf("DIFFERS: %s: %s, against its verdict\n", says, taken ? "taken" : "refused");
            v.wrong++;
        }
        if (taken && cJSON_HasObjectItem(c, "path_len")) {
            assert_int_equal(v.issuers + 1, testdata_u64(c, "path_len"));
        }
        for (size_t i = 0; i < n; i++) {
            buf_release(&der[i]);
        }
    }
    renew_free(renewal);
    cJSON_Delete(cases);
    assert_int_equal(verdicts_close(&v), 0);
}

static void
add_pem(struct path_heap *h, const char *name, const cJSON *pem)
{
    struct buf der = BUF_INIT(CERT_MAX * 4);

    assert_true(pem_block(span_str(pem->valuestring), "CERTIFICATE", 0, &der));
    path_add(h, name, buf_span(&der));
    buf_release(&der);
}

/*
 * x509-limbo judges as one who relies on a certificate; a log is laxer (RFC 6962 section 3.1).  So:
 * what is to succeed must be taken; what is to fail is taken or refused as the list says.
 */
static void
limbo(void **state)
{
    struct verdicts v;
    cJSON *all;
    const cJSON *c, *pem;

    (void)state;
    TESTDATA_OR_SKIP();
    verdicts_open(&v, "limbo");
    all = testdata_json("vectors/5-x509-hostile/limbo-rfc5280.json");
    cJSON_ArrayForEach(c, testdata_member(all, "testcases"))
    {
        const char *id = testdata_string(c, "id");
        bool success = strcmp(testdata_string(c, "expected_result"), "SUCCESS") == 0, taken;
        struct path_heap h = {0};
        struct span chain[CHAIN_MAX + 1];
        size_t n;

        verdicts_new_roots(&v);
        add_pem(&h, id, testdata_member(c, "peer_certificate"));
        cJSON_ArrayForEach(pem, testdata_member(c, "trusted_certs"))
        {
            size_t at = h.n;

            add_pem(&h, "root", pem);
            if (h.n > at && verdicts_root(&v, buf_span(&h.item[at].der)) == RES_OK) {
                h.item[at].is_root = true;
            }
        }
        cJSON_ArrayForEach(pem, testdata_member(c, "untrusted_intermediates"))
        {
            add_pem(&h, "intermediate", pem);
        }
        n = path_build(&h, 0, chain);
        if (n == 0) { /* an issuer is missing: the leaf alone */
            chain[0] = buf_span(&h.item[0].der);
            n = 1;
        }
        taken = verdicts_judge(&v, id, -1, chain, n);
        if (success && !taken && !is_difference(id)) {
            printf("DIFFERS: %s: refused, and is to be taken\n", id);
            v.wrong++;
        }
        path_release(&h);
    }
    cJSON_Delete(all);
    assert_int_equal(verdicts_close(&v), 0);
}

/* NIST PKITS; the same rule.  The certificates of a case are a heap too: some serve its CRLs. */
static void
pkits(void **state)
{
    struct verdicts v;
    struct buf root = BUF_INIT(CERT_MAX);
    cJSON *all;
    const cJSON *c;

    (void)state;
    TESTDATA_OR_SKIP();
    verdicts_open(&v, "pkits");
    testdata_load("corpora/nist-pkits/certs/TrustAnchorRootCertificate.crt", &root);
    assert_int_equal(verdicts_root(&v, buf_span(&root)), RES_OK);
    all = testdata_json("vectors/5-x509-hostile/pkits-cases.json");
    cJSON_ArrayForEach(c, testdata_member(all, "cases"))
    {
        const char *name = testdata_string(c, "name");
        const cJSON *certs = testdata_member(c, "certs");
        int count = cJSON_GetArraySize(certs);
        struct path_heap h = {0};
        struct span chain[CHAIN_MAX + 1];
        bool taken;
        size_t n;

        assert_true(count > 0 && count <= CHAIN_MAX);
        for (int i = count - 1; i >= 0; i--) {
            char relative[TESTDATA_PATH_MAX];

            snprintf(relative, sizeof relative, "corpora/nist-pkits/certs/%s.crt",
                     cJSON_GetArrayItem(certs, i)->valuestring);
            add_file(&h, relative);
        }
        n = path_build(&h, 0, chain);
        if (n == 0) { /* as they are given */
            for (n = 0; n < h.n; n++) {
                chain[n] = buf_span(&h.item[n].der);
            }
        }
        taken = verdicts_judge(&v, name, -1, chain, n);
        if (testdata_flag(c, "should_validate") && !taken && !is_difference(name)) {
            printf("DIFFERS: %s: refused, and is to be taken\n", name);
            v.wrong++;
        }
        path_release(&h);
    }
    cJSON_Delete(all);
    buf_release(&root);
    assert_int_equal(verdicts_close(&v), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpora),
        cmocka_unit_test(reference_server),
        cmocka_unit_test(limbo),
        cmocka_unit_test(pkits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
