/*
 * Mailboxes and their labels.  The first byte says what follows: 'S' the value of a subjectAltName,
 * 'N' a subject, '0' (which begins a certificate) a certificate with itself; anything else the tag
 * of a string whose readings are addresses.
 *
 * Whatever has a form is that form's own, has a label, and stands once; every rfc822Name that a
 * strict reader finds is among the mailboxes, and every address that libcrypto reads.
 */
#include "merkle/base/text.h"
#include "merkle/leaf/ber.h"
#include "merkle/leaf/charset.h"
#include "merkle/leaf/der.h"
#include "merkle/leaf/mailboxes.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static void
check_domain(struct span text)
{
    struct domain d, again;
    enum result r = domain_parse(text, &d);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r != RES_OK)
        return;
    FUZZ_CHECK(d.n > 0 && d.n <= DOMAIN_MAX);
    FUZZ_CHECK(domain_parse(domain_span(&d), &again) == RES_OK);
    FUZZ_CHECK(span_equal(domain_span(&d), domain_span(&again)));
}

/* Whether text has a form; then *ret is that. */
static bool
check_address(struct span text, struct address *ret)
{
    struct address again;
    struct label l;
    enum result r = address_parse(text, ret);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r != RES_OK)
        return false;
    FUZZ_CHECK(ret->n > 2 && ret->n <= ADDRESS_MAX && ret->b[ret->domain - 1] == '@');
    FUZZ_CHECK(text_printable(address_span(ret)) == ret->n);
    FUZZ_CHECK(address_parse(address_span(ret), &again) == RES_OK);
    FUZZ_CHECK(span_equal(address_span(ret), address_span(&again)));
    label_of_address(ret, &l);
    FUZZ_CHECK(label_is(span_of(l.b, l.n)));
    if (PLANT && ret->b[0] == '"' && ret->n == ret->domain + 1)
        FUZZ_CHECK(text.p[text.n] != 0x5a); /* the planted bug: one byte too far */
    check_domain(address_domain(ret));
    return true;
}

static bool
holds(const struct mailboxes *m, struct span address)
{
    for (size_t i = 0; i < m->n; i++)
        if (span_equal(m->list[i].address, address))
            return true;
    return false;
}

static void
check_list(const struct mailboxes *m)
{
    FUZZ_CHECK(m->n <= MAILBOXES_MAX && (m->refused == 0) == (m->why == RES_OK));
    for (size_t i = 0; i < m->n; i++) {
        const struct mailbox *b = &m->list[i];
        struct address a;
        FUZZ_CHECK(b->source >= MAILBOX_SAN_RFC822 && b->source <= MAILBOX_OTHER);
        FUZZ_CHECK(i == 0 || m->list[i - 1].source <= b->source);
        FUZZ_CHECK(b->certified.n > 0 && b->certified.n <= ADDRESS_MAX);
        FUZZ_CHECK(check_address(b->certified, &a));
        FUZZ_CHECK(span_equal(address_span(&a), b->address));
        FUZZ_CHECK(span_equal(address_domain(&a), b->domain));
        for (size_t k = 0; k < i && i < 100; k++)
            FUZZ_CHECK(!span_equal(m->list[k].address, b->address));
    }
}

/* ---- what libcrypto reads, which is lax too ---- */

/* Text without the byte order mark that is no part of it. */
static void
check_held(const unsigned char *text, int n, const struct mailboxes *m)
{
    struct span s = span_of(text, n > 0 ? (size_t)n : 0);
    struct address a;
    if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
        s = span_of(s.p + 3, s.n - 3);
    if (check_address(s, &a))
        FUZZ_CHECK(holds(m, address_span(&a)));
}

static void
check_name(const X509_NAME *name, const struct mailboxes *m)
{
    for (int i = 0; i < X509_NAME_entry_count(name) && i < 100; i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(e));
        unsigned char *text = NULL;
        if (nid != NID_pkcs9_emailAddress && nid != NID_rfc822Mailbox && nid != NID_commonName)
            continue;
        int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(e));
        check_held(text, n, m);
        OPENSSL_free(text);
    }
}

static void
check_san(struct span san, const struct mailboxes *m)
{
    const unsigned char *p = san.p;
    GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &p, (long)san.n);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < 100; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type == GEN_EMAIL)
            check_held(ASN1_STRING_get0_data(g->d.rfc822Name), ASN1_STRING_length(g->d.rfc822Name),
                       m);
        else if (g->type == GEN_DIRNAME)
            check_name(g->d.directoryName, m);
        else if (g->type == GEN_OTHERNAME && g->d.otherName->value->type == V_ASN1_UTF8STRING &&
                 OBJ_obj2nid(g->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox)
            check_held(g->d.otherName->value->value.utf8string->data,
                       g->d.otherName->value->value.utf8string->length, m);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

static void
check_subject(struct span subject, const struct mailboxes *m)
{
    const unsigned char *p = subject.p;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)subject.n);
    if (name != NULL)
        check_name(name, m);
    X509_NAME_free(name);
    ERR_clear_error();
}

/* Each rfc822Name up to where a strict reader stops, when all of it is ASCII. */
static void
check_strict(struct span san, const struct mailboxes *m)
{
    enum result err = RES_OK;
    struct der d = der_of(san, &err);
    struct der names = der_enter(&d, DER_SEQUENCE);
    for (unsigned i = 0; i < 100 && der_more(&names); i++) {
        struct der_element e = der_any(&names);
        struct address a;
        if (err == RES_OK && e.tag == DER_CONTEXT(1) && charset_agreed(CHARSET_IA5, e.content) &&
            check_address(e.content, &a))
            FUZZ_CHECK(holds(m, address_span(&a)));
    }
}

static void
check_certificate(const struct cert *c)
{
    struct mailboxes m;
    FUZZ_CHECK(mailboxes_of(c, &m) == RES_OK);
    check_list(&m);
    for (size_t i = 0; i < c->extension_count; i++)
        if (span_equal(c->extension[i].oid, span_str("U\x1d\x11"))) {
            check_strict(c->extension[i].value, &m);
            check_san(c->extension[i].value, &m);
        }
    check_subject(c->subject, &m);
    mailboxes_release(&m);
}

/* Every reading of a string, in pieces too. */
static void
check_string(unsigned tag, struct span s)
{
    struct buf text = BUF_INIT(2 * ADDRESS_TEXT_MAX);
    for (size_t nth = 0; nth < CHARSET_READINGS_MAX; nth++) {
        struct address a;
        if (charset_read(tag, s, nth, &text) != RES_OK)
            break;
        FUZZ_CHECK(text_is_utf8(buf_span(&text)));
        FUZZ_CHECK(nth == 0 || !charset_agreed(tag, s));
        (void)check_address(buf_span(&text), &a);
        check_domain(buf_span(&text));
    }
    (void)label_is(s);
    buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cert c;
    struct span in = span_of(data, size);
    if (size == 0 || size > CERT_MAX)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    if (data[0] == '0') {
        if (cert_parse(in, &c) == RES_OK)
            check_certificate(&c);
        return 0;
    }
    memset(&c, 0, sizeof c);
    if (data[0] == 'S') {
        c.extension[0] = (struct cert_extension){.oid = span_str("U\x1d\x11"), .value = rest};
        c.extension_count = 1;
        check_certificate(&c);
    } else if (data[0] == 'N') {
        c.subject = rest;
        check_certificate(&c);
    } else {
        check_string(data[0] & 0x1f, rest);
    }
    return 0;
}
