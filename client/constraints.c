#include "client/constraints.h"

#include <openssl/x509v3.h>

/* ".good.example": the domains below it, and not itself. */
static enum result
is_below(struct span domain, struct span base, bool *ret)
{
    struct domain d;
    enum result rc = domain_parse(span_of(base.p + 1, base.n - 1), &d);

    if (rc != RES_OK)
        return rc;
    *ret = domain.n > d.n + 1 && domain.p[domain.n - d.n - 1] == '.' &&
           memcmp(domain.p + domain.n - d.n, d.b, d.n) == 0;
    return RES_OK;
}

/* "RFC 5280 4.2.1.10: a particular mailbox, all addresses at a particular host, or all mailboxes in
 * a domain."  Errors of domain_parse and address_parse: it is none of the three. */
static enum result
matches(const struct address *a, struct span base, bool *ret)
{
    struct address one;
    struct domain host;
    enum result rc;

    if (base.n > 0 && base.p[0] == '.')
        return is_below(address_domain(a), base, ret);
    if (memchr(base.p, '@', base.n) != NULL) {
        rc = address_parse(base, &one);
        *ret = rc == RES_OK && span_equal(address_span(a), address_span(&one));
        return rc;
    }
    rc = domain_parse(base, &host);
    *ret = rc == RES_OK && span_equal(address_domain(a), domain_span(&host));
    return rc;
}

static bool
is_utf8_mailbox(const GENERAL_NAME *n)
{
    return n->type == GEN_OTHERNAME &&
           OBJ_obj2nid(n->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox;
}

/* Whether one of the subtrees is a's; *ret_any: whether one is about mail.  What cannot be read
 * matches when strange does. */
static enum result
among(STACK_OF(GENERAL_SUBTREE) * trees, const struct address *a, bool strange, bool *ret_any,
      bool *ret_match)
{
    *ret_any = *ret_match = false;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees) && !*ret_match; i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;
        if (is_utf8_mailbox(base)) {
            *ret_any = true;
            *ret_match = strange;
        }
        if (base->type != GEN_EMAIL)
            continue;
        const ASN1_IA5STRING *s = base->d.rfc822Name;
        struct span text = span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
        *ret_any = true;
        enum result rc = text.n == 0 ? RES_ADDRESS_SHAPE : matches(a, text, ret_match);
        if (rc == RES_MEMORY)
            return rc;
        if (rc != RES_OK)
            *ret_match = strange;
    }
    return RES_OK;
}

enum result
constraints_allow(const X509 *ca, const struct address *a, bool *ret)
{
    int critical = 0;
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca, NID_name_constraints, &critical, NULL);
    bool bound, permitted, some, excluded;

    if (nc == NULL) {
        *ret = critical == -1; /* there is none; otherwise it cannot be read */
        return RES_OK;
    }
    enum result rc = among(nc->permittedSubtrees, a, false, &bound, &permitted);
    if (rc == RES_OK)
        rc = among(nc->excludedSubtrees, a, true, &some, &excluded);
    NAME_CONSTRAINTS_free(nc);
    if (rc == RES_OK)
        *ret = (!bound || permitted) && !excluded;
    return rc;
}
