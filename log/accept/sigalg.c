#include "log/accept/sigalg.h"

#define TAG_INTEGER 0x02
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT(n) (0xa0 + (n))
/* Longer than the modulus of RSA-4096 no salt can be; RSA-8192 leaves room for more, which nobody
 * uses. */
#define SALT_MAX 512

/* Contents of OBJECT IDENTIFIERs. */
#define PKCS1 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01
#define ANSI_X962_SIG 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04
#define NIST_HASH 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02
#define OID(...)                                                                         \
    {                                                                                    \
        .p = (const uint8_t[]){__VA_ARGS__}, .n = sizeof((const uint8_t[]){__VA_ARGS__}) \
    }

enum parameters { NOTHING, NULL_OR_NOTHING, PSS_PARAMETERS };

static const struct {
    struct span oid;
    enum sigalg_scheme scheme;
    enum sigalg_hash hash;
    enum parameters parameters;
} ALGORITHMS[] = {
    {OID(ANSI_X962_SIG, 3, 2), SIGALG_ECDSA, SIGALG_SHA256, NULL_OR_NOTHING},
    {OID(ANSI_X962_SIG, 3, 3), SIGALG_ECDSA, SIGALG_SHA384, NULL_OR_NOTHING},
    {OID(ANSI_X962_SIG, 3, 4), SIGALG_ECDSA, SIGALG_SHA512, NULL_OR_NOTHING},
    {OID(ANSI_X962_SIG, 3, 1), SIGALG_ECDSA, SIGALG_SHA224, NULL_OR_NOTHING},
    {OID(ANSI_X962_SIG, 1), SIGALG_ECDSA, SIGALG_SHA1, NULL_OR_NOTHING},
    {OID(PKCS1, 11), SIGALG_RSA, SIGALG_SHA256, NULL_OR_NOTHING},
    {OID(PKCS1, 12), SIGALG_RSA, SIGALG_SHA384, NULL_OR_NOTHING},
    {OID(PKCS1, 13), SIGALG_RSA, SIGALG_SHA512, NULL_OR_NOTHING},
    {OID(PKCS1, 14), SIGALG_RSA, SIGALG_SHA224, NULL_OR_NOTHING},
    {OID(PKCS1, 5), SIGALG_RSA, SIGALG_SHA1, NULL_OR_NOTHING},
    {OID(PKCS1, 10), SIGALG_PSS, SIGALG_SHA1, PSS_PARAMETERS},
    {OID(0x2b, 0x65, 0x70), SIGALG_ED25519, SIGALG_SHA512, NOTHING},
    {OID(0x2b, 0x65, 0x71), SIGALG_ED448, SIGALG_SHA512, NOTHING},
};

static const struct {
    struct span oid;
    enum sigalg_hash hash;
} HASHES[] = {
    {OID(NIST_HASH, 1), SIGALG_SHA256},
    {OID(NIST_HASH, 2), SIGALG_SHA384},
    {OID(NIST_HASH, 3), SIGALG_SHA512},
    {OID(NIST_HASH, 4), SIGALG_SHA224},
    {OID(0x2b, 0x0e, 0x03, 0x02, 0x1a), SIGALG_SHA1},
};

static const struct span MGF1 = OID(PKCS1, 8);

/* Takes one element of that tag off the front of *in; false and *in unchanged when another stands
 * there. */
static bool
take(struct span *in, uint8_t tag, struct span *content)
{
    size_t n, head = 2;

    if (in->n < 2 || in->p[0] != tag) {
        return false;
    }
    n = in->p[1];
    if (n == 0x81) {
        if (in->n < 3 || in->p[2] < 0x80) {
            return false;
        }
        n = in->p[2];
        head = 3;
    } else if (n > 0x7f) {
        return false; /* no algorithm identifier of ours is that long */
    }
    if (n > in->n - head) {
        return false;
    }
    *content = span_of(in->p + head, n);
    *in = span_of(in->p + head + n, in->n - head - n);
    return true;
}

/* Nothing, or NULL, is left. */
static bool
is_null_or_nothing(struct span s)
{
    return s.n == 0 || (s.n == 2 && s.p[0] == 0x05 && s.p[1] == 0);
}

/* A hash's AlgorithmIdentifier, alone in s. */
static bool
read_hash(struct span s, enum sigalg_hash *ret)
{
    struct span body, oid;

    if (!take(&s, TAG_SEQUENCE, &body) || s.n != 0 || !take(&body, TAG_OID, &oid) ||
        !is_null_or_nothing(body)) {
        return false;
    }
    for (size_t i = 0; i < sizeof HASHES / sizeof HASHES[0]; i++) {
        if (span_equal(oid, HASHES[i].oid)) {
            *ret = HASHES[i].hash;
            return true;
        }
    }
    return false;
}

/* MaskGenAlgorithm: MGF1 and its hash. */
static bool
read_mgf(struct span s, enum sigalg_hash *ret)
{
    struct span body, oid;

    return take(&s, TAG_SEQUENCE, &body) && s.n == 0 && take(&body, TAG_OID, &oid) &&
           span_equal(oid, MGF1) && read_hash(body, ret);
}

/* A non-negative INTEGER of one or two bytes, alone in s. */
static bool
read_small(struct span s, unsigned *ret)
{
    struct span v;

    if (!take(&s, TAG_INTEGER, &v) || s.n != 0 || v.n == 0 || v.n > 2 || v.p[0] > 0x7f) {
        return false;
    }
    *ret = v.n == 1 ? v.p[0] : (unsigned)v.p[0] << 8 | v.p[1];
    return true;
}

/* RSASSA-PSS-params, RFC 4055 section 3.1: four fields, each with a default, the trailer always
 * 0xbc (1). */
static bool
read_pss(struct span s, struct sigalg *a)
{
    struct span body, field;
    unsigned trailer = 1;

    a->hash = SIGALG_SHA1;
    a->mgf = SIGALG_SHA1;
    a->salt = 20;
    if (!take(&s, TAG_SEQUENCE, &body) || s.n != 0) {
        return false;
    }
    if (take(&body, TAG_CONTEXT(0), &field) && !read_hash(field, &a->hash)) {
        return false;
    }
    if (take(&body, TAG_CONTEXT(1), &field) && !read_mgf(field, &a->mgf)) {
        return false;
    }
    if (take(&body, TAG_CONTEXT(2), &field) && !read_small(field, &a->salt)) {
        return false;
    }
    if (take(&body, TAG_CONTEXT(3), &field) && !read_small(field, &trailer)) {
        return false;
    }
    return body.n == 0 && trailer == 1 && a->salt <= SALT_MAX;
}

static bool
parameters_fit(enum parameters kind, struct span s, struct sigalg *a)
{
    switch (kind) {
    case NOTHING:
        return s.n == 0;
    case NULL_OR_NOTHING:
        return is_null_or_nothing(s);
    case PSS_PARAMETERS:
        return read_pss(s, a);
    }
    return false;
}

enum result
sigalg_parse(struct span algorithm, struct sigalg *ret)
{
    struct span body, oid;
    struct sigalg a = {.scheme = SIGALG_RSA};

    if (!take(&algorithm, TAG_SEQUENCE, &body) || algorithm.n != 0 || !take(&body, TAG_OID, &oid)) {
        return RES_CHAIN_SIGNATURE_ALGORITHM;
    }
    for (size_t i = 0; i < sizeof ALGORITHMS / sizeof ALGORITHMS[0]; i++) {
        if (span_equal(oid, ALGORITHMS[i].oid)) {
            a.scheme = ALGORITHMS[i].scheme;
            a.hash = ALGORITHMS[i].hash;
            if (!parameters_fit(ALGORITHMS[i].parameters, body, &a)) {
                return RES_CHAIN_SIGNATURE_ALGORITHM;
            }
            *ret = a;
            return RES_OK;
        }
    }
    return RES_CHAIN_SIGNATURE_ALGORITHM;
}
