#include "tests/unit/log/renew.h"

#include "tests/mint/mint.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define KNOWN_MAX 512

struct renewal {
    size_t n;
    struct {
        X509 *old;
        struct span der;
        EVP_PKEY *key;   /* the new one */
        struct span new; /* made when first wanted, so that there is one */
    } known[KNOWN_MAX];
};

struct renewal *
renew_new(void)
{
    struct renewal *r = calloc(1, sizeof *r);

    assert(r != NULL);
    return r;
}

void
renew_free(struct renewal *r)
{
    for (size_t i = 0; i < r->n; i++) {
        X509_free(r->known[i].old);
        EVP_PKEY_free(r->known[i].key);
        mint_free(r->known[i].der);
        mint_free(r->known[i].new);
    }
    free(r);
}

static X509 *
parse(struct span der)
{
    const uint8_t *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);

    ERR_clear_error();
    return x;
}

/* The new key in place of x's; NULL when none was made yet. */
static EVP_PKEY *
key_of(const struct renewal *r, const X509 *x)
{
    const ASN1_BIT_STRING *k = X509_get0_pubkey_bitstr(x);

    for (size_t i = 0; i < r->n; i++) {
        if (ASN1_STRING_cmp(X509_get0_pubkey_bitstr(r->known[i].old), k) == 0) {
            return r->known[i].key;
        }
    }
    return NULL;
}

/* The new key of the one with that name. */
static EVP_PKEY *
key_named(const struct renewal *r, const X509_NAME *name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(r->known[i].old), name) == 0) {
            return r->known[i].key;
        }
    }
    return NULL;
}

void
renew_know(struct renewal *r, struct span der)
{
    X509 *x = parse(der);
    EVP_PKEY *key;

    if (x == NULL) {
        return;
    }
    assert(r->n < KNOWN_MAX);
    key = key_of(r, x);
    if (key == NULL) {
        key = key_named(r, X509_get_subject_name(x));
    }
    if (key != NULL) {
        EVP_PKEY_up_ref(key);
    } else {
        key = mint_key(MINT_P256);
    }
    r->known[r->n].old = x;
    r->known[r->n].der = mint_der(x);
    r->known[r->n++].key = key;
}

/* Makes the renewed form of x, known as number i. */
static void
make_renewed(struct renewal *r, size_t i, EVP_PKEY *issuer_key)
{
    X509 *x = X509_dup(r->known[i].old);
    int nid = X509_get_signature_nid(x), ok;

    ok = X509_set_pubkey(x, r->known[i].key);
    assert(ok == 1);
    if (nid == NID_md2WithRSAEncryption || nid == NID_md5WithRSAEncryption) {
        ok = i2d_re_X509_tbs(x, NULL);
    } else {
        ok = X509_sign(x, issuer_key, EVP_sha256());
    }
    assert(ok > 0);
    r->known[i].new = mint_der(x);
    X509_free(x);
}

void
renew(struct renewal *r, struct buf *der)
{
    for (size_t i = 0; i < r->n; i++) {
        EVP_PKEY *issuer_key = key_named(r, X509_get_issuer_name(r->known[i].old));
        enum result res;

        if (issuer_key == NULL || !span_equal(r->known[i].der, buf_span(der))) {
            continue;
        }
        if (r->known[i].new.p == NULL) {
            make_renewed(r, i, issuer_key);
        }
        buf_clear(der);
        res = buf_add(der, r->known[i].new);
        assert(res == RES_OK);
        return;
    }
}
