#include "tests/mint/bench.h"

#include "tests/mint/mint.h"
#include "tests/mint/mintfile.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

/* What is rewritten in each leaf: 16 hex digits, and the serial number. */
#define ADDRESS_MARK "0123456789abcdef"
#define MARK_SIZE 16
#define SERIAL_SIZE 16
#define MARKS_MAX 4
#define LEAF_MAX 2048
/* SEQUENCE of ecdsa-with-SHA256. */
static const uint8_t ALGORITHM[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

struct stencil {
    uint8_t tbs[LEAF_MAX];
    size_t n;
    size_t serial;
    size_t mark[MARKS_MAX];
    size_t marks;
    EVP_PKEY_CTX *sign;
};

/* The TBSCertificate of der, tag and length included: the first element inside.  Both lengths have
 * two bytes. */
static struct span
tbs_of(struct span der)
{
    const uint8_t *p = der.p + 4;

    assert(der.p[1] == 0x82 && p[1] == 0x82);
    return span_of(p, 4 + ((size_t)p[2] << 8 | p[3]));
}

static void
cut_stencil(struct stencil *s, const X509 *leaf, EVP_PKEY *issuer_key)
{
    struct span der = mint_der(leaf), tbs = tbs_of(der);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    const uint8_t *at;

    assert(tbs.n <= sizeof s->tbs && ASN1_STRING_length(serial) == SERIAL_SIZE);
    s->n = tbs.n;
    memcpy(s->tbs, tbs.p, tbs.n);
    at = memmem(tbs.p, tbs.n, ASN1_STRING_get0_data(serial), SERIAL_SIZE);
    assert(at != NULL);
    s->serial = (size_t)(at - tbs.p);
    s->marks = 0;
    for (at = tbs.p;
         (at = memmem(at, (size_t)(tbs.p + tbs.n - at), ADDRESS_MARK, MARK_SIZE)) != NULL;
         at += MARK_SIZE) {
        assert(s->marks < MARKS_MAX);
        s->mark[s->marks++] = (size_t)(at - tbs.p);
    }
    assert(s->marks > 0);
    s->sign = EVP_PKEY_CTX_new(issuer_key, NULL);
    assert(s->sign != NULL && EVP_PKEY_sign_init(s->sign) == 1);
    mint_free(der);
}

/* The number as 16 hex digits, scrambled so that neighbours do not look alike. */
static void
write_mark(uint64_t number, uint8_t out[static MARK_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    number *= UINT64_C(0x9e3779b97f4a7c15); /* odd: a bijection */
    for (int i = 0; i < MARK_SIZE; i++) {
        out[i] = (uint8_t)digits[number >> (60 - 4 * i) & 15];
    }
}

/* Leaf number of the stencil to out; its length. */
static size_t
press(struct stencil *s, uint64_t number, uint8_t out[static LEAF_MAX])
{
    uint8_t digest[SHA256_DIGEST_LENGTH], signature[80], mark[MARK_SIZE];
    size_t k = sizeof signature, n, body;
    int rc;

    write_mark(number, mark);
    SHA256(mark, sizeof mark, digest);
    memcpy(s->tbs + s->serial, digest, SERIAL_SIZE);
    s->tbs[s->serial] = (uint8_t)((s->tbs[s->serial] & 0x3f) | 0x40); /* positive, minimal */
    for (size_t i = 0; i < s->marks; i++) {
        memcpy(s->tbs + s->mark[i], mark, MARK_SIZE);
    }
    SHA256(s->tbs, s->n, digest);
    rc = EVP_PKEY_sign(s->sign, signature, &k, digest, sizeof digest);
    assert(rc == 1);
    body = s->n + sizeof ALGORITHM + 3 + k;
    assert(body + 4 <= LEAF_MAX && k < 0x7f);
    out[0] = 0x30;
    out[1] = 0x82;
    out[2] = (uint8_t)(body >> 8);
    out[3] = (uint8_t)body;
    n = 4;
    memcpy(out + n, s->tbs, s->n);
    n += s->n;
    memcpy(out + n, ALGORITHM, sizeof ALGORITHM);
    n += sizeof ALGORITHM;
    out[n++] = 0x03; /* BIT STRING, no unused bits */
    out[n++] = (uint8_t)(k + 1);
    out[n++] = 0;
    memcpy(out + n, signature, k);
    return n + k;
}

static X509 *
mint_model(EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct mint_spec s = {
        .issuer = issuer,
        .issuer_key = issuer_key,
        .key = key,
        .serial = 1,
        .subject = {{"C", "DE"},
                    {"ST", "Brandenburg"},
                    {"L", "Musterstadt an der Havel"},
                    {"O", "Muster und Soehne Vermoegensverwaltung GmbH"},
                    {"organizationIdentifier", "NTRDE-DER3306.HRB12345"},
                    {"GN", "Ada"},
                    {"SN", "Archer"},
                    {"CN", "Ada Archer"},
                    {"emailAddress", ADDRESS_MARK "@bench.example"}},
        .extension = {{"authorityKeyIdentifier", "keyid"},
                      {"subjectKeyIdentifier", "hash"},
                      {"keyUsage", "critical,digitalSignature,keyEncipherment"},
                      {"extendedKeyUsage", "emailProtection,clientAuth"},
                      {"subjectAltName", "email:" ADDRESS_MARK "@bench.example"},
                      {"certificatePolicies", "2.23.140.1.5.3.2"},
                      {"crlDistributionPoints",
                       "URI:http://crl.bench.example/smime/sponsor-validated/issuing-ca-2026.crl"},
                      {"authorityInfoAccess",
                       "caIssuers;URI:http://aia.bench.example/smime/issuing-ca-2026.cer,"
                       "OCSP;URI:http://ocsp.bench.example"}},
    };

    return mint_cert(&s);
}

bool
mint_bench(FILE *out, uint32_t count, uint64_t seed)
{
    EVP_PKEY *root_key = mint_key(MINT_P256), *key = mint_key(MINT_P256);
    EVP_PKEY *leaf_key = mint_key(MINT_RSA_2048);
    X509 *root = mint_root("Bench Root", root_key);
    X509 *ca = mint_ca("Bench S/MIME CA", key, root, root_key);
    X509 *model = mint_model(leaf_key, ca, key);
    struct span root_der = mint_der(root), ca_der = mint_der(ca);
    struct stencil s;
    uint8_t leaf[LEAF_MAX];
    bool ok;

    cut_stencil(&s, model, key);
    ok = mint_file_begin(out, count, ca_der, root_der);
    for (uint32_t i = 0; i < count && ok; i++) {
        ok = mint_file_put(out, span_of(leaf, press(&s, seed << 32 | i, leaf)));
    }
    EVP_PKEY_CTX_free(s.sign);
    mint_free(root_der);
    mint_free(ca_der);
    X509_free(model);
    X509_free(ca);
    X509_free(root);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
    return ok && fflush(out) == 0;
}
