/* client/paths against NIST PKITS and x509-limbo: what others say of the same paths. */
#include "client/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "merkle/base/pem.h"
#include "merkle/leaf/mailboxes.h"
#include "tests/vectors/testdata.h"

#define IN_2011 1302825600 /* 15 April, in the life of the test suite */
#define IN_2024 1704067200

struct heap {
    STACK_OF(X509) * issuers, *anchors;
    X509 *leaf;
    struct address address;
    bool has_address;
};

static X509 *
x509_of(struct span der)
{
    const unsigned char *p = der.p;
    return d2i_X509(NULL, &p, (long)der.n);
}

/* The first mailbox that the leaf names is the one that is asked for. */
static void
take_leaf(struct heap *h, struct span der)
{
    struct mailboxes all;
    struct cert c;

    h->leaf = x509_of(der);
    if (cert_parse(der, &c) != RES_OK)
        return;
    assert_int_equal(mailboxes_of(&c, &all), RES_OK);
    h->has_address = all.n > 0 && address_parse(all.list[0].address, &h->address) == RES_OK;
    mailboxes_release(&all);
}

static void
take(STACK_OF(X509) * to, struct span der)
{
    X509 *x = x509_of(der);
    if (x != NULL)
        assert_true(sk_X509_push(to, x) > 0);
}

static void
heap_open(struct heap *h)
{
    *h = (struct heap){.issuers = sk_X509_new_null(), .anchors = sk_X509_new_null()};
    assert_true(h->issuers != NULL && h->anchors != NULL);
}

/* Judges, and frees the heap. */
static enum trust_reason
heap_judge(struct heap *h, uint64_t now)
{
    struct paths_question q = {.leaf = h->leaf,
                               .anchors = h->anchors,
                               .issuers = h->issuers,
                               .now = now,
                               .address = h->has_address ? &h->address : NULL};
    enum trust_reason r = TRUST_MALFORMED;
    if (h->leaf != NULL)
        assert_int_equal(paths_find(&q, &r), RES_OK);
    X509_free(h->leaf);
    sk_X509_pop_free(h->issuers, X509_free);
    sk_X509_pop_free(h->anchors, X509_free);
    return r;
}

/* ---- NIST PKITS ---- */

/* Inputs of a path validation that this one does not have: no CRLs are read, any policy will do. */
static bool
is_out_of_scope(const cJSON *c)
{
    static const char *const sections[] = {"4.4.", "4.14.", "4.15."};
    const char *test = testdata_string(c, "test");
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
        if (strncmp(test, sections[i], strlen(sections[i])) == 0)
            return true;
    return cJSON_GetObjectItemCaseSensitive(c, "settings") != NULL;
}

/* Where this differs from NIST, on purpose. */
static const struct difference {
    const char *id, *why;
} pkits_differences[] = {
    {"4.1.4", "DSA of 1024 bits"},       {"4.1.5", "likewise, and its parameters are the issuer's"},
    {"4.5.2", "revoked by a CRL"},       {"4.5.5", "revoked by a CRL"},
    {"4.5.7", "its CRL does not count"}, {"4.7.4", "its CRL does not count"},
    {"4.7.5", "its CRL does not count"},
};

static bool
differs(const struct difference *d, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(d[i].id, id) == 0)
            return true;
    return false;
}
#define DIFFERS(table, id) differs(table, sizeof(table) / sizeof((table)[0]), id)

static enum trust_reason
pkits_judge(const cJSON *certs)
{
    struct heap h;
    heap_open(&h);
    int count = cJSON_GetArraySize(certs);
    for (int i = 0; i < count; i++) {
        char path[TESTDATA_PATH_MAX];
        struct buf der = BUF_INIT(CERT_MAX);
        (void)snprintf(path, sizeof(path), "corpora/nist-pkits/certs/%s.crt",
                       cJSON_GetArrayItem(certs, i)->valuestring);
        testdata_load(path, &der);
        if (i == count - 1)
            take_leaf(&h, buf_span(&der));
        else
            take(i == 0 ? h.anchors : h.issuers, buf_span(&der));
        buf_release(&der);
    }
    return heap_judge(&h, IN_2011);
}

static void
pkits(void **state)
{
    unsigned judged = 0, wrong = 0;
    const cJSON *c;
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json("vectors/5-x509-hostile/pkits-cases.json");
    cJSON_ArrayForEach(c, testdata_member(all, "cases"))
    {
        if (is_out_of_scope(c))
            continue;
        enum trust_reason r = pkits_judge(testdata_member(c, "certs"));
        judged++;
        bool as_they_say = (r == TRUST_OK) == testdata_flag(c, "should_validate");
        if (as_they_say == DIFFERS(pkits_differences, testdata_string(c, "test"))) {
            print_error("%s %s: %s\n", testdata_string(c, "test"), testdata_string(c, "name"),
                        trust_reason_name(r));
            wrong++;
        }
    }
    cJSON_Delete(all);
    print_message("%u cases\n", judged);
    assert_int_equal(wrong, 0);
}

/* ---- x509-limbo ---- */

static bool
pem_der(const cJSON *text, struct buf *ret)
{
    struct pem p = pem_of(span_str(text->valuestring), PEM_OTHERS_REFUSED);
    return pem_next(&p, ret) == RES_OK;
}

static void
take_all(STACK_OF(X509) * to, const cJSON *pems)
{
    const cJSON *pem;
    cJSON_ArrayForEach(pem, pems)
    {
        struct buf der = BUF_INIT(CERT_MAX);
        if (pem_der(pem, &der))
            take(to, buf_span(&der));
        buf_release(&der);
    }
}

/* Its failures that are rules for CAs, not of section 6; and what concerns web servers' names. */
static const struct difference limbo_differences[] = {
    {"rfc5280::aki::leaf-missing-aki", "a profile for CAs, RFC 5280 4.2.1.1"},
    {"rfc5280::aki::intermediate-missing-aki", "likewise"},
    {"rfc5280::aki::cross-signed-root-missing-aki", "likewise"},
    {"rfc5280::ski::root-missing-ski", "a profile for CAs, RFC 5280 4.2.1.2"},
    {"rfc5280::ski::intermediate-missing-ski", "likewise"},
    {"rfc5280::serial::too-long", "a profile for CAs, RFC 5280 4.1.2.2"},
    {"rfc5280::serial::zero", "likewise"},
    {"rfc5280::serial::negative", "likewise"},
    {"rfc5280::validity::notafter-exact", "libcrypto has its last second end a second early"},
    {"rfc5280::validity::notafter-fractional", "likewise"},
    {"rfc5280::nc::permitted-dns-match-noncritical", "criticality; it is heeded either way"},
    {"rfc5280::nc::not-allowed-in-ee-noncritical", "what a leaf permits binds nobody"},
    {"rfc5280::nc::not-allowed-in-ee-critical", "likewise"},
    {"rfc5280::nc::invalid-dnsname-leading-period", "a web server's name"},
    {"rfc5280::nc::nc-permits-invalid-dns-san", "a web server's name"},
    {"rfc5280::nc::nc-forbids-dnsname-wildcard-san", "a web server's name"},
    {"rfc5280::nc::nc-permits-invalid-email-san", "what is no address is none to be asked for"},
    {"rfc5280::nc::nc-forbids-same-chain-ica", "the other path is told less: for web servers"},
    {"rfc5280::san::noncritical-with-empty-subject", "a profile for CAs, RFC 5280 4.2.1.6"},
    {"rfc5280::san::underscore-dns", "a web server's name"},
    {"rfc5280::san::ip-in-dns", "a web server's name"},
    {"rfc5280::eku::ee-wrong-eku", "every one is wrong here"},
    {"rfc5280::eku::ee-eku-empty", "likewise"},
    {"rfc5280::ca-empty-subject", "a profile for CAs, RFC 5280 4.1.2.6"},
    {"rfc5280::root-missing-basic-constraints", "an anchor is what the user says it is"},
    {"rfc5280::root-non-critical-basic-constraints", "likewise"},
    {"rfc5280::leaf-ku-keycertsign", "it signs nothing here"},
    {"rfc5280::ca-as-leaf-wrong-san", "a web server's name"},
};

/* "2024-03-01T00:00:00.999+00:00"; null is any time. */
static uint64_t
limbo_time(const cJSON *c)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(c, "validation_time");
    struct tm t = {0};
    if (!cJSON_IsString(text))
        return IN_2024;
    assert_non_null(strptime(text->valuestring, "%Y-%m-%dT%H:%M:%S", &t));
    return (uint64_t)timegm(&t);
}

static enum trust_reason
limbo_judge(const cJSON *c)
{
    struct buf der = BUF_INIT(CERT_MAX);
    struct heap h;
    heap_open(&h);
    take_all(h.anchors, testdata_member(c, "trusted_certs"));
    take_all(h.issuers, testdata_member(c, "untrusted_intermediates"));
    if (pem_der(testdata_member(c, "peer_certificate"), &der))
        take_leaf(&h, buf_span(&der));
    buf_release(&der);
    return heap_judge(&h, limbo_time(c));
}

static void
limbo(void **state)
{
    unsigned judged = 0, wrong = 0;
    const cJSON *c;
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json("vectors/5-x509-hostile/limbo-rfc5280.json");
    cJSON_ArrayForEach(c, testdata_member(all, "testcases"))
    {
        /* libcrypto 3.0 loses memory over a policyConstraints without certificatePolicies. */
        if (strcmp(testdata_string(c, "id"), "rfc5280::pc::ica-noncritical-pc") == 0)
            continue;
        bool success = strcmp(testdata_string(c, "expected_result"), "SUCCESS") == 0;
        enum trust_reason r = limbo_judge(c);
        bool ok = r == TRUST_OK || r == TRUST_EKU; /* they are for web servers */
        judged++;
        if ((ok == success) == DIFFERS(limbo_differences, testdata_string(c, "id"))) {
            print_error("%s: %s\n", testdata_string(c, "id"), trust_reason_name(r));
            wrong++;
        }
    }
    cJSON_Delete(all);
    print_message("%u cases\n", judged);
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkits),
        cmocka_unit_test(limbo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
