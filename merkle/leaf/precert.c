#include "merkle/leaf/precert.h"

#include <assert.h>

#include "merkle/base/codec.h"
#include "merkle/leaf/der.h"

bool
precert_is(const struct cert *c)
{
    return cert_find(c, CERT_OID_POISON) != NULL;
}

enum result
precert_check_poison(const struct cert *c)
{
    static const uint8_t null[] = {0x05, 0x00};
    const struct cert_extension *x = cert_find(c, CERT_OID_POISON);
    if (x == NULL || !x->critical || !span_equal(x->value, span_of(null, sizeof null)))
        return RES_CERT_POISON;
    return RES_OK;
}

bool
precert_is_signer(const struct cert *c)
{
    return c->is_ca && cert_has_eku(c, CERT_OID_PRECERT_SIGNING);
}

/* What becomes of a TBSCertificate. */
struct splice {
    const struct cert *c;
    const struct cert_extension *dropped;  /* of c */
    struct span issuer;                    /* in place of c's */
    const struct cert_extension *replaced; /* of c; NULL: none */
    struct span value;                     /* in place of replaced's value */
};

/* Content of the one replaced extension but its value: the OID and the critical flag as they stand.
 */
static struct span
extension_head(const struct cert_extension *x)
{
    const uint8_t *value = x->value.p - der_header_size(x->value.n);
    return span_of(x->oid.p - der_header_size(x->oid.n),
                   (size_t)(value - x->oid.p) + der_header_size(x->oid.n));
}

/* Size of an element with n bytes of content. */
static size_t
element_size(size_t n)
{
    return der_header_size(n) + n;
}

static size_t
extension_content_size(const struct splice *s, const struct cert_extension *x)
{
    return extension_head(x).n + element_size(s->value.n);
}

/* Bytes of all extensions that stay. */
static size_t
list_size(const struct splice *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->c->extension_count; i++) {
        const struct cert_extension *x = &s->c->extension[i];
        if (x == s->replaced)
            n += element_size(extension_content_size(s, x));
        else if (x != s->dropped)
            n += x->whole.n;
    }
    return n;
}

/* Room was reserved: these cannot fail. */
static void
add(struct buf *out, struct span s)
{
    enum result r = buf_add(out, s);
    assert(r == RES_OK);
}

static void
add_header(struct buf *out, unsigned tag, size_t n)
{
    uint8_t header[DER_HEADER_MAX];
    add(out, span_of(header, der_header(tag, n, header)));
}

static void
add_extension(const struct splice *s, const struct cert_extension *x, struct buf *out)
{
    if (x == s->replaced) {
        add_header(out, DER_SEQUENCE, extension_content_size(s, x));
        add(out, extension_head(x));
        add_header(out, DER_OCTET_STRING, s->value.n);
        add(out, s->value);
    } else if (x != s->dropped) {
        add(out, x->whole);
    }
}

/* The bytes from a up to b, both inside one input. */
static struct span
between(const uint8_t *a, const uint8_t *b)
{
    return span_of(a, (size_t)(b - a));
}

/* Appends the TBSCertificate that s describes.  The [3] element is the last of a TBSCertificate,
 * and stays away when no extension is left: Extensions is SIZE (1..MAX). */
static enum result
splice_tbs(const struct splice *s, struct buf *out)
{
    const struct cert *c = s->c;
    const uint8_t *issuer_end = c->issuer.p + c->issuer.n;
    struct der_element tbs;
    enum result err = RES_OK;
    struct der d = der_of(c->tbs, &err);
    tbs = der_take(&d, DER_SEQUENCE);
    struct span before = between(tbs.content.p, c->issuer.p);
    struct span middle = between(issuer_end, c->extensions.p);
    size_t list = list_size(s);
    size_t tagged = list == 0 ? 0 : element_size(element_size(list));
    size_t content = before.n + s->issuer.n + middle.n + tagged;
    err = buf_reserve(out, element_size(content));
    if (err != RES_OK)
        return err;
    add_header(out, DER_SEQUENCE, content);
    add(out, before);
    add(out, s->issuer);
    add(out, middle);
    if (list == 0)
        return RES_OK;
    add_header(out, DER_CONTEXT_CONSTRUCTED(3), element_size(list));
    add_header(out, DER_SEQUENCE, list);
    for (size_t i = 0; i < c->extension_count; i++)
        add_extension(s, &c->extension[i], out);
    return RES_OK;
}

enum result
precert_tbs(const struct cert *pre, const struct cert *signer, struct buf *out)
{
    enum result r = precert_check_poison(pre);
    if (r != RES_OK)
        return r;
    struct splice s = {.c = pre, .dropped = cert_find(pre, CERT_OID_POISON), .issuer = pre->issuer};
    if (signer != NULL) {
        const struct cert_extension *theirs = cert_find(signer, CERT_OID_AKI);
        s.issuer = signer->issuer;
        s.replaced = cert_find(pre, CERT_OID_AKI);
        if ((s.replaced == NULL) != (theirs == NULL))
            return RES_CERT_AKI;
        if (theirs != NULL)
            s.value = theirs->value;
    }
    return splice_tbs(&s, out);
}

enum result
precert_final_tbs(const struct cert *c, struct buf *out)
{
    struct splice s = {.c = c, .dropped = cert_find(c, CERT_OID_SCT_LIST), .issuer = c->issuer};
    if (s.dropped == NULL)
        return RES_CERT_SCT_LIST;
    return splice_tbs(&s, out);
}

enum result
precert_embedded_scts(const struct cert *c, struct span *ret)
{
    const struct cert_extension *x = cert_find(c, CERT_OID_SCT_LIST);
    if (x == NULL)
        return RES_ABSENT;
    enum result err = RES_OK;
    struct der d = der_of(x->value, &err);
    struct span list = der_take(&d, DER_OCTET_STRING).content;
    der_leave(&d);
    struct reader r = reader_of(list);
    struct reader scts = reader_of(get_vec16(&r, 1, UINT16_MAX));
    while (!reader_done(&scts))
        (void)get_vec16(&scts, 1, UINT16_MAX);
    if (err != RES_OK || reader_end(&r) != RES_OK || reader_end(&scts) != RES_OK)
        return RES_CERT_SCT_LIST;
    *ret = list;
    return RES_OK;
}

void
precert_issuer_key_hash(const struct cert *issuer, struct hash *ret)
{
    hash_sha256(issuer->spki, ret);
}
