/*
 * Certificates.  What is accepted lies inside the input; OpenSSL accepts it too and agrees about
 * its parts, unless OpenSSL refuses one of the parts that a log takes as they come (names, keys,
 * algorithms, times) when given alone.  Headers of elements have one form: written again they are
 * the same bytes.
 */
#include "merkle/leaf/cert.h"
#include "merkle/leaf/der.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

/* Parsed without decoding keys: the null provider, as nothing here needs more. */
static OSSL_LIB_CTX *
context(void)
{
    static OSSL_LIB_CTX *ctx;
    if (ctx == NULL) {
        ctx = OSSL_LIB_CTX_new();
        FUZZ_CHECK(ctx != NULL && OSSL_PROVIDER_load(ctx, "null") != NULL);
    }
    return ctx;
}

#define ALONE(type, free_it, s)                        \
    {                                                  \
        const unsigned char *p_ = (s).p;               \
        type *x_ = d2i_##type(NULL, &p_, (long)(s).n); \
        bool ok_ = x_ != NULL && p_ == (s).p + (s).n;  \
        free_it(x_);                                   \
        if (!ok_)                                      \
            return false;                              \
    }

static bool
openssl_takes_the_parts(const struct cert *c)
{
    ALONE(X509_NAME, X509_NAME_free, c->issuer)
    ALONE(X509_NAME, X509_NAME_free, c->subject)
    ALONE(X509_ALGOR, X509_ALGOR_free, c->algorithm)
    ALONE(X509_ALGOR, X509_ALGOR_free, c->tbs_algorithm)
    ALONE(X509_ALGOR, X509_ALGOR_free, c->spki_algorithm)
    for (size_t i = 0; i < c->extension_count; i++)
        ALONE(X509_EXTENSION, X509_EXTENSION_free, c->extension[i].whole)
    return true;
}

static void
check_same(const struct cert *c, X509 *x)
{
    const ASN1_BIT_STRING *signature;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    unsigned char *der = NULL;
    X509_get0_signature(&signature, NULL, x);
    FUZZ_CHECK(span_equal(c->signature, span_of(ASN1_STRING_get0_data(signature),
                                                (size_t)ASN1_STRING_length(signature))));
    FUZZ_CHECK(X509_get_version(x) + 1 == (long)c->version);
    FUZZ_CHECK((size_t)X509_get_ext_count(x) == c->extension_count);
    FUZZ_CHECK(serial != NULL);
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    FUZZ_CHECK(n > 0 && (size_t)n <= c->spki.n + 8);
    OPENSSL_free(der);
}

static void
check_borrowed(const struct cert *c, struct span in)
{
    const struct span parts[] = {c->tbs,       c->serial,    c->tbs_algorithm,  c->issuer,
                                 c->subject,   c->spki,      c->spki_algorithm, c->algorithm,
                                 c->signature, c->extensions};
    FUZZ_CHECK(c->der.p == in.p && c->der.n == in.n);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        FUZZ_CHECK(fuzz_inside(parts[i], in));
    FUZZ_CHECK(c->version >= 1 && c->version <= 3 && c->extension_count <= CERT_EXTENSIONS_MAX);
    FUZZ_CHECK(c->eku_count <= CERT_EKUS_MAX);
    for (size_t i = 0; i < c->extension_count; i++) {
        const struct cert_extension *x = &c->extension[i];
        FUZZ_CHECK(fuzz_inside(x->whole, c->extensions) && fuzz_inside(x->oid, x->whole) &&
                   fuzz_inside(x->value, x->whole));
        FUZZ_CHECK(cert_find(c, x->oid) == x);
    }
    for (size_t i = 0; i < c->eku_count; i++)
        FUZZ_CHECK(fuzz_inside(c->eku[i], c->extensions) && cert_has_eku(c, c->eku[i]));
}

static void
check_header(struct span whole)
{
    uint8_t header[DER_HEADER_MAX];
    enum result err = RES_OK;
    struct der d = der_of(whole, &err);
    struct der_element e = der_any(&d);
    FUZZ_CHECK(err == RES_OK && !der_more(&d) && e.whole.n == whole.n);
    size_t n = der_header(e.tag, e.content.n, header);
    FUZZ_CHECK(n == der_header_size(e.content.n) && n + e.content.n == whole.n);
    FUZZ_CHECK(memcmp(header, whole.p, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cert c;
    struct span in = span_of(data, size);
    if (size > 0 && data[0] != 0x30) { /* not a SEQUENCE: a dotted OID, then */
        char text[64];
        uint8_t oid[32];
        snprintf(text, sizeof text, "%.*s", (int)(size < 63 ? size : 63), (const char *)data);
        FUZZ_CHECK(cert_oid_from_text(text, oid, sizeof oid) <= sizeof oid);
    }
    enum result r = cert_parse(in, &c);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r != RES_OK)
        return 0;
    check_borrowed(&c, in);
    check_header(in);
    check_header(c.tbs);
    check_header(c.spki);
    for (size_t i = 0; i < c.extension_count; i++)
        check_header(c.extension[i].whole);
    if (PLANT && (c.key_usage & (1u << 4)) != 0)
        FUZZ_CHECK(c.signature.p[c.signature.n] != 0x5a); /* the planted bug: one byte too far */
    X509 *x = X509_new_ex(context(), NULL);
    const unsigned char *p = data;
    x = d2i_X509(&x, &p, (long)size) == NULL ? NULL : x;
    if (x != NULL) {
        FUZZ_CHECK(p == data + size);
        check_same(&c, x);
    } else {
        FUZZ_CHECK(!openssl_takes_the_parts(&c));
    }
    X509_free(x);
    ERR_clear_error();
    return 0;
}
