#include "merkle/leaf/mailboxes.h"

#include "merkle/leaf/ber.h"
#include "merkle/leaf/charset.h"
#include "merkle/leaf/der.h"

#include <assert.h>
#include <stdlib.h>

/* How one mailbox stands in bytes while they are gathered: source, two lengths, address, certified.
 */
#define ENTRY_HEAD 3
#define ENTRY_MAX (ENTRY_HEAD + 2 * ADDRESS_MAX)
/* Longest string in octets that can be an address: four for each character. */
#define STRING_MAX (4 * (size_t)ADDRESS_TEXT_MAX)

static const struct span OID_SAN = DER_OID_CONTENT(0x55, 0x1d, 0x11);
static const struct span OID_COMMON_NAME = DER_OID_CONTENT(0x55, 4, 3);
/* 1.2.840.113549.1.9.1 */
static const struct span OID_EMAIL_ADDRESS =
    DER_OID_CONTENT(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1);
/* 0.9.2342.19200300.100.1.3 */
static const struct span OID_MAIL =
    DER_OID_CONTENT(0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 3);
/* 1.3.6.1.5.5.7.8.9, id-on-SmtpUTF8Mailbox */
static const struct span OID_SMTP_UTF8_MAILBOX = DER_OID_CONTENT(0x2b, 6, 1, 5, 5, 7, 8, 9);

/* What goes along while a certificate is searched. */
struct search {
    struct mailboxes found; /* bytes holds entries one after the other; list is empty */
    struct buf pieces;      /* of a string */
    struct buf text;        /* a reading of it */
    enum result err;        /* RES_OK or RES_MEMORY: then nothing more is gathered */
};

/* ---- gathering ---- */

static void
refuse(struct search *s, enum result why)
{
    if (why == RES_MEMORY) {
        s->err = RES_MEMORY;
    } else if (s->found.refused++ == 0) {
        s->found.why = why;
    }
}

static void
add_entry(struct search *s, enum mailbox_source source, struct span address, struct span certified)
{
    uint8_t head[ENTRY_HEAD] = {(uint8_t)source, (uint8_t)address.n, (uint8_t)certified.n};
    struct buf *b = &s->found.bytes;
    s->err = buf_reserve(b, ENTRY_MAX);
    if (s->err != RES_OK)
        return;
    /* There is room for all three. */
    (void)!buf_add(b, span_of(head, sizeof head));
    (void)!buf_add(b, address);
    (void)!buf_add(b, certified);
    s->found.n++;
}

/* One reading of a string, in s->text. */
static void
add_reading(struct search *s, enum mailbox_source source, bool name_only)
{
    struct span certified = buf_span(&s->text);
    struct address a;
    enum result r = address_parse(certified, &a);
    if (r != RES_OK) {
        if (!name_only || r == RES_MEMORY)
            refuse(s, r);
        return;
    }
    if (certified.n > ADDRESS_MAX) {
        certified = address_span(&a);
        source = MAILBOX_OTHER;
    }
    add_entry(s, source, address_span(&a), certified);
}

/* Every reading of the string e with that universal tag.  name_only: it stands where names of
 * people stand too, so that one which is no address is nothing to tell. */
static void
add_string(struct search *s, unsigned tag, struct ber_element e, enum mailbox_source source,
           bool name_only)
{
    struct span octets;
    enum result r = ber_string(e, &s->pieces, &octets);
    if (r == RES_OK && !charset_agreed(tag, octets))
        source = MAILBOX_OTHER;
    for (size_t nth = 0; s->err == RES_OK && nth < CHARSET_READINGS_MAX; nth++) {
        if (r == RES_OK)
            r = charset_read(tag, octets, nth, &s->text);
        if (r == RES_OK) {
            add_reading(s, source, name_only);
            continue;
        }
        if (r == RES_MEMORY || (r != RES_ABSENT && !name_only))
            refuse(s, r == RES_TOO_LARGE  ? RES_ADDRESS_TOO_LONG
                      : r == RES_ENCODING ? RES_ADDRESS_ENCODING
                                          : r);
        return;
    }
}

/* ---- where to look ---- */

/* The universal tag of an attribute's value, whichever way it is encoded; 0 for another class. */
static unsigned
universal(struct ber_element e)
{
    return (e.tag & 0xc0) == 0 ? e.tag & 0x1f : 0;
}

/* AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY } */
static void
search_attribute(struct search *s, struct span attribute, enum mailbox_source email)
{
    struct ber_element type, value;
    if (!ber_take(&attribute, DER_OID, &type) || !ber_next(&attribute, &value))
        return;
    if (span_equal(type.content, OID_EMAIL_ADDRESS))
        add_string(s, universal(value), value, email, false);
    else if (span_equal(type.content, OID_MAIL))
        add_string(s, universal(value), value, MAILBOX_OTHER, false);
    else if (span_equal(type.content, OID_COMMON_NAME))
        add_string(s, universal(value), value, MAILBOX_OTHER, true);
}

/* Name ::= SEQUENCE OF SET OF AttributeTypeAndValue; email is the source of its emailAddress. */
static void
search_name(struct search *s, struct span name, enum mailbox_source email)
{
    struct ber_element names, set, attribute;
    if (!ber_take(&name, DER_SEQUENCE, &names))
        return;
    while (s->err == RES_OK && ber_next(&names.content, &set))
        while (s->err == RES_OK && ber_is(set, DER_SET) && ber_next(&set.content, &attribute))
            if (ber_is(attribute, DER_SEQUENCE))
                search_attribute(s, attribute.content, email);
}

/* OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY } */
static void
search_other_name(struct search *s, struct span other, bool der)
{
    struct ber_element type, explicit, value;
    if (!ber_take(&other, DER_OID, &type) || !span_equal(type.content, OID_SMTP_UTF8_MAILBOX) ||
        !ber_take(&other, DER_CONTEXT_CONSTRUCTED(0), &explicit) ||
        !ber_next(&explicit.content, &value))
        return;
    bool exact = der && value.tag == CHARSET_UTF8;
    add_string(s, universal(value), value, exact ? MAILBOX_SAN_SMTPUTF8 : MAILBOX_OTHER, false);
}

/* GeneralName, RFC 5280 section 4.2.1.6: otherName [0], rfc822Name [1], directoryName [4] EXPLICIT.
 * A rfc822Name in pieces is BER. */
static void
search_general_name(struct search *s, struct ber_element e, bool der)
{
    bool exact = der && e.tag == DER_CONTEXT(1);
    if (ber_is(e, DER_CONTEXT(0)))
        search_other_name(s, e.content, der);
    else if (ber_is(e, DER_CONTEXT(1)))
        add_string(s, CHARSET_IA5, e, exact ? MAILBOX_SAN_RFC822 : MAILBOX_OTHER, false);
    else if (ber_is(e, DER_CONTEXT(4)))
        search_name(s, e.content, MAILBOX_OTHER);
}

/* Whether s is one SEQUENCE in DER as far as der.h looks. */
static bool
is_der(struct span s)
{
    enum result err = RES_OK;
    struct der d = der_of(s, &err);
    der_check_inside(&d, der_take(&d, DER_SEQUENCE));
    der_leave(&d);
    return err == RES_OK;
}

static void
search_san(struct search *s, struct span value)
{
    struct ber_element names, name;
    bool der = is_der(value);
    if (!ber_take(&value, DER_SEQUENCE, &names))
        return;
    while (s->err == RES_OK && ber_next(&names.content, &name))
        search_general_name(s, name, der);
}

/* ---- each address once ---- */

/* Which of two spans of the same bytes stands first. */
static int
by_place(struct span a, struct span b)
{
    return (a.p > b.p) - (a.p < b.p);
}

static int
by_source(const void *pa, const void *pb)
{
    const struct mailbox *a = pa, *b = pb;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return by_place(a->address, b->address);
}

static int
by_address(const void *pa, const void *pb)
{
    const struct mailbox *a = pa, *b = pb;
    size_t n = a->address.n < b->address.n ? a->address.n : b->address.n;
    int c = memcmp(a->address.p, b->address.p, n);
    if (c == 0)
        c = (a->address.n > b->address.n) - (a->address.n < b->address.n);
    return c != 0 ? c : by_source(pa, pb);
}

/* The domain of an address in its form: no '@' stands in a domain. */
static struct span
domain_of(struct span address)
{
    size_t at = address.n;
    while (address.p[at - 1] != '@')
        at--;
    return span_of(address.p + at, address.n - at);
}

/* Lists the entries in m->bytes, as they stand. */
static enum result
list_entries(struct mailboxes *m)
{
    const uint8_t *p = m->bytes.p;
    assert(m->n <= MAILBOXES_MAX);
    if (m->n == 0)
        return RES_OK;
    m->list = calloc(m->n, sizeof *m->list);
    if (m->list == NULL)
        return RES_MEMORY;
    for (size_t i = 0; i < m->n; i++) {
        struct span address = span_of(p + ENTRY_HEAD, p[1]);
        struct span certified = span_of(address.p + address.n, p[2]);
        m->list[i] = (struct mailbox){p[0], address, domain_of(address), certified};
        p = certified.p + certified.n;
    }
    return RES_OK;
}

/* Leaves each address once, its strongest source, and puts them in order. */
static void
merge(struct mailboxes *m)
{
    size_t kept = 0;
    if (m->n == 0)
        return;
    qsort(m->list, m->n, sizeof *m->list, by_address);
    for (size_t i = 1; i < m->n; i++)
        if (!span_equal(m->list[i].address, m->list[kept].address))
            m->list[++kept] = m->list[i];
    m->n = kept + 1;
    qsort(m->list, m->n, sizeof *m->list, by_source);
}

enum result
mailboxes_of(const struct cert *c, struct mailboxes *ret)
{
    struct search s = {.found = MAILBOXES_INIT, .err = RES_OK};
    const struct cert_extension *san = cert_find(c, OID_SAN);
    buf_init(&s.found.bytes, (size_t)MAILBOXES_MAX * ENTRY_MAX);
    buf_init(&s.pieces, STRING_MAX);
    buf_init(&s.text, ADDRESS_TEXT_MAX);
    search_name(&s, c->subject, MAILBOX_SUBJECT_EMAIL);
    if (san != NULL)
        search_san(&s, san->value);
    enum result r = s.err == RES_OK ? list_entries(&s.found) : s.err;
    buf_release(&s.pieces);
    buf_release(&s.text);
    if (r != RES_OK) {
        mailboxes_release(&s.found);
        return r;
    }
    merge(&s.found);
    *ret = s.found;
    return RES_OK;
}

void
mailboxes_release(struct mailboxes *m)
{
    free(m->list);
    buf_release(&m->bytes);
    *m = MAILBOXES_INIT;
}
