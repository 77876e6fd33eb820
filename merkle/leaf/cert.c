#include "merkle/leaf/cert.h"

#include "merkle/leaf/der.h"

const struct span CERT_OID_POISON = DER_OID_CONTENT(0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3);
const struct span CERT_OID_SCT_LIST = DER_OID_CONTENT(0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2);
const struct span CERT_OID_PRECERT_SIGNING = DER_OID_CONTENT(0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 4);
const struct span CERT_OID_EMAIL_PROTECTION = DER_OID_CONTENT(0x2b, 6, 1, 5, 5, 7, 3, 4);
const struct span CERT_OID_ANY_EKU = DER_OID_CONTENT(0x55, 0x1d, 0x25, 0);
const struct span CERT_OID_AKI = DER_OID_CONTENT(0x55, 0x1d, 0x23);

static const struct span OID_KEY_USAGE = DER_OID_CONTENT(0x55, 0x1d, 0x0f);
static const struct span OID_BASIC_CONSTRAINTS = DER_OID_CONTENT(0x55, 0x1d, 0x13);
static const struct span OID_EXTENDED_KEY_USAGE = DER_OID_CONTENT(0x55, 0x1d, 0x25);

/* AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL } */
static struct span
read_algorithm(struct der *d)
{
    struct der_element e = der_take(d, DER_SEQUENCE);
    struct der in = der_of(e.content, d->err);
    (void)der_oid(&in);
    if (der_more(&in))
        der_check_inside(&in, der_any(&in));
    der_leave(&in);
    return e.whole;
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }; may be empty here. */
static struct span
read_name(struct der *d)
{
    struct der_element e = der_take(d, DER_SEQUENCE);
    struct der names = der_of(e.content, d->err);
    while (der_more(&names)) {
        struct der rdn = der_enter(&names, DER_SET);
        while (der_more(&rdn)) {
            struct der attribute = der_enter(&rdn, DER_SEQUENCE);
            (void)der_oid(&attribute);
            der_check_inside(&attribute, der_any(&attribute));
            der_leave(&attribute);
        }
    }
    return e.whole;
}

static void
read_validity(struct der *tbs, struct cert *c)
{
    struct der in = der_enter(tbs, DER_SEQUENCE);
    c->not_before = der_time(&in);
    c->not_after = der_time(&in);
    der_leave(&in);
}

static void
read_spki(struct der *tbs, struct cert *c)
{
    struct der_element e = der_take(tbs, DER_SEQUENCE);
    struct der in = der_of(e.content, tbs->err);
    unsigned unused;
    c->spki = e.whole;
    c->spki_algorithm = read_algorithm(&in);
    (void)der_bit_string(&in, DER_BIT_STRING, &unused);
    der_leave(&in);
}

/* version [0] EXPLICIT INTEGER DEFAULT v1 */
static void
read_version(struct der *tbs, struct cert *c)
{
    c->version = 1;
    if (!der_next_is(tbs, DER_CONTEXT_CONSTRUCTED(0)))
        return;
    struct der in = der_enter(tbs, DER_CONTEXT_CONSTRUCTED(0));
    struct span v = der_integer(&in);
    der_leave(&in);
    /* RFC 5280 4.1.2.1: v1(0), v2(1), v3(2). */
    if (v.n == 1 && v.p[0] <= 2)
        c->version = v.p[0] + 1u;
    else
        der_fail(tbs, RES_CERT);
}

/* [n] IMPLICIT UniqueIdentifier, RFC 5280 4.1.2.8: in v2 and v3 only. */
static void
skip_unique_id(struct der *tbs, const struct cert *c, unsigned n)
{
    if (!der_next_is(tbs, DER_CONTEXT(n)))
        return;
    unsigned unused;
    if (c->version == 1)
        der_fail(tbs, RES_CERT);
    (void)der_bit_string(tbs, (uint8_t)DER_CONTEXT(n), &unused);
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX)
 * OPTIONAL } */
static void
read_basic_constraints(struct der *d, struct cert *c)
{
    struct der in = der_enter(d, DER_SEQUENCE);
    c->has_basic_constraints = true;
    if (der_next_is(&in, DER_BOOLEAN))
        c->is_ca = der_boolean(&in);
    if (der_more(&in)) {
        struct span path = der_integer(&in);
        if (path.n > 0 && path.p[0] >= 0x80)
            der_fail(d, RES_CERT);
    }
    der_leave(&in);
}

/* KeyUsage ::= BIT STRING; trailing zero bits, which DER forbids in a named bit list, are let pass.
 */
static void
read_key_usage(struct der *d, struct cert *c)
{
    unsigned unused;
    struct span bits = der_bit_string(d, DER_BIT_STRING, &unused);
    c->has_key_usage = true;
    for (unsigned i = 0; i < 9 && i / 8 < bits.n; i++)
        if ((bits.p[i / 8] & (0x80u >> i % 8)) != 0)
            c->key_usage |= 1u << i;
}

/* ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId */
static void
read_eku(struct der *d, struct cert *c)
{
    struct der in = der_enter(d, DER_SEQUENCE);
    c->has_eku = true;
    if (!der_more(&in))
        der_fail(d, RES_CERT);
    while (der_more(&in)) {
        if (c->eku_count == CERT_EKUS_MAX) {
            der_fail(d, RES_TOO_LARGE);
            return;
        }
        c->eku[c->eku_count++] = der_oid(&in);
    }
}

/* Reads the extensions whose content this project acts on; what is wrong inside them is not the
 * certificate's DER but its content. */
static enum result
read_known(const struct cert_extension *x, struct cert *c)
{
    enum result err = RES_OK;
    struct der value = der_of(x->value, &err);
    if (span_equal(x->oid, OID_BASIC_CONSTRAINTS))
        read_basic_constraints(&value, c);
    else if (span_equal(x->oid, OID_KEY_USAGE))
        read_key_usage(&value, c);
    else if (span_equal(x->oid, OID_EXTENDED_KEY_USAGE))
        read_eku(&value, c);
    else
        return RES_OK;
    der_leave(&value);
    return err == RES_DER ? RES_CERT : err;
}

/* Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } */
static void
read_extension(struct der *list, struct cert *c)
{
    struct cert_extension x = {.critical = false};
    struct der_element e = der_take(list, DER_SEQUENCE);
    struct der in = der_of(e.content, list->err);
    x.whole = e.whole;
    x.oid = der_oid(&in);
    if (der_next_is(&in, DER_BOOLEAN))
        x.critical = der_boolean(&in);
    x.value = der_take(&in, DER_OCTET_STRING).content;
    der_leave(&in);
    if (*list->err != RES_OK)
        return;
    /* RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular
     * extension." */
    if (cert_find(c, x.oid) != NULL) {
        der_fail(list, RES_CERT_DUPLICATE_EXTENSION);
    } else if (c->extension_count == CERT_EXTENSIONS_MAX) {
        der_fail(list, RES_TOO_LARGE);
    } else {
        c->extension[c->extension_count++] = x;
        der_fail(list, read_known(&x, c));
    }
}

/* extensions [3] EXPLICIT SEQUENCE SIZE (1..MAX) OF Extension, RFC 5280 4.1.2.9: in v3 only. */
static void
read_extensions(struct der *tbs, struct cert *c)
{
    if (!der_next_is(tbs, DER_CONTEXT_CONSTRUCTED(3)))
        return;
    struct der_element e = der_take(tbs, DER_CONTEXT_CONSTRUCTED(3));
    struct der in = der_of(e.content, tbs->err);
    struct der list = der_enter(&in, DER_SEQUENCE);
    der_leave(&in);
    c->extensions = e.whole;
    if (c->version != 3 || !der_more(&list))
        der_fail(tbs, RES_CERT);
    while (der_more(&list))
        read_extension(&list, c);
}

static void
read_tbs(struct der *outer, struct cert *c)
{
    struct der_element e = der_take(outer, DER_SEQUENCE);
    struct der tbs = der_of(e.content, outer->err);
    c->tbs = e.whole;
    read_version(&tbs, c);
    c->serial = der_integer(&tbs);
    c->tbs_algorithm = read_algorithm(&tbs);
    c->issuer = read_name(&tbs);
    read_validity(&tbs, c);
    c->subject = read_name(&tbs);
    read_spki(&tbs, c);
    skip_unique_id(&tbs, c, 1);
    skip_unique_id(&tbs, c, 2);
    read_extensions(&tbs, c);
    der_leave(&tbs);
}

enum result
cert_parse(struct span der, struct cert *ret)
{
    enum result err = der.n > CERT_MAX ? RES_TOO_LARGE : RES_OK;
    struct cert c = {.der = der};
    struct der in = der_of(der, &err);
    struct der whole = der_enter(&in, DER_SEQUENCE);
    unsigned unused;
    der_leave(&in);
    read_tbs(&whole, &c);
    c.algorithm = read_algorithm(&whole);
    c.signature = der_bit_string(&whole, DER_BIT_STRING, &unused);
    der_leave(&whole);
    /* Signatures are whole bytes; which bits a signature covers must not depend on the reader. */
    if (unused != 0)
        der_fail(&whole, RES_CERT);
    if (err != RES_OK)
        return err;
    *ret = c;
    return RES_OK;
}

const struct cert_extension *
cert_find(const struct cert *c, struct span oid)
{
    for (size_t i = 0; i < c->extension_count; i++)
        if (span_equal(c->extension[i].oid, oid))
            return &c->extension[i];
    return NULL;
}

bool
cert_has_eku(const struct cert *c, struct span oid)
{
    for (size_t i = 0; i < c->eku_count; i++)
        if (span_equal(c->eku[i], oid))
            return true;
    return false;
}

/* One arc of a dotted OID at *text, moving past it.  False without digits, with a leading zero, or
 * beyond 2^63. */
static bool
take_arc(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t v = 0;
    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (v > (UINT64_MAX >> 1) / 10 - 1)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *text = p;
    *ret = v;
    return true;
}

/* Appends one subidentifier at *n.  False when it does not fit. */
static bool
put_arc(uint64_t v, uint8_t *out, size_t cap, size_t *n)
{
    size_t digits = 1;
    for (uint64_t rest = v >> 7; rest != 0; rest >>= 7)
        digits++;
    if (digits > cap - *n)
        return false;
    for (size_t i = digits; i > 0; i--)
        out[(*n)++] = (uint8_t)((v >> 7 * (i - 1) & 0x7f) | (i > 1 ? 0x80 : 0));
    return true;
}

size_t
cert_oid_from_text(const char *text, uint8_t *out, size_t cap)
{
    uint64_t first, arc;
    size_t n = 0;
    if (!take_arc(&text, &first) || first > 2 || *text++ != '.' || !take_arc(&text, &arc) ||
        (first < 2 && arc > 39) || !put_arc(first * 40 + arc, out, cap, &n))
        return 0;
    while (*text != '\0')
        if (*text++ != '.' || !take_arc(&text, &arc) || !put_arc(arc, out, cap, &n))
            return 0;
    return n;
}
