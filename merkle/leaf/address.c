#include "merkle/leaf/address.h"

#include "merkle/base/text.h"

#include <assert.h>

/* atext of RFC 5322 section 3.2.3, and what RFC 6531 section 3.3 adds to it. */
static bool
is_atext(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321 4.1.2: Dot-string = Atom *("." Atom) */
static bool
is_dot_atom(struct span s)
{
    bool dot = true; /* an atom must begin here */
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '.' && !is_atext(s.p[i]))
            return false;
        if (s.p[i] == '.' && dot)
            return false;
        dot = s.p[i] == '.';
    }
    return !dot;
}

/* Splits at the one '@' outside quotes. */
static enum result
split(struct span text, struct span *ret_local, struct span *ret_domain)
{
    bool quoted = false;
    size_t at = 0, count = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++; /* whatever follows stands for itself */
        else if (c == '@' && !quoted && count++ == 0)
            at = i;
    }
    if (quoted)
        return RES_ADDRESS_QUOTES;
    if (count > 1)
        return RES_ADDRESS_SEVERAL;
    if (count == 0 || at == 0 || at + 1 == text.n)
        return RES_ADDRESS_SHAPE;
    *ret_local = span_of(text.p, at);
    *ret_domain = span_of(text.p + at + 1, text.n - at - 1);
    return RES_OK;
}

/* The content of a quoted-string, which begins with a quote and in which quotes are closed. */
static enum result
unquote(struct span local, uint8_t *out, size_t *ret_n)
{
    size_t n = 0, i = 1;
    for (; local.p[i] != '"'; i++) {
        /* RFC 5321 4.1.2: quoted-pairSMTP = %d92 %d32-126 */
        if (local.p[i] == '\\' && (local.p[++i] < 0x20 || local.p[i] > 0x7e))
            return RES_ADDRESS_LOCAL;
        out[n++] = local.p[i];
    }
    *ret_n = n;
    return i + 1 == local.n ? RES_OK : RES_ADDRESS_QUOTES;
}

/* A local part without quotes: atoms and dots in any order. */
static enum result
take_bare(struct span local, uint8_t *out, size_t *ret_n)
{
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] == '"')
            return RES_ADDRESS_QUOTES;
        if (local.p[i] != '.' && !is_atext(local.p[i]))
            return RES_ADDRESS_LOCAL;
        out[i] = local.p[i];
    }
    *ret_n = local.n;
    return RES_OK;
}

static enum result
put(struct address *a, uint8_t c)
{
    if (a->n == sizeof a->b)
        return RES_ADDRESS_TOO_LONG;
    a->b[a->n++] = c;
    return RES_OK;
}

/* Appends content, ASCII letters in lower case, in quotes where it needs them. */
static enum result
put_local(struct span content, struct address *a)
{
    bool bare = is_dot_atom(content);
    enum result r = bare ? RES_OK : put(a, '"');
    for (size_t i = 0; r == RES_OK && i < content.n; i++) {
        uint8_t c = content.p[i];
        if (c == '"' || c == '\\')
            r = put(a, '\\');
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        if (r == RES_OK)
            r = put(a, c);
    }
    return r != RES_OK || bare ? r : put(a, '"');
}

enum result
address_parse(struct span text, struct address *ret)
{
    uint8_t content[ADDRESS_TEXT_MAX];
    struct address a = {.n = 0};
    struct span local, host;
    struct domain d;
    size_t n = 0;
    if (text.n > ADDRESS_TEXT_MAX)
        return RES_ADDRESS_TOO_LONG;
    if (!text_is_utf8(text))
        return RES_ADDRESS_ENCODING;
    if (text_printable(text) != text.n)
        return RES_ADDRESS_CONTROL;
    enum result r = split(text, &local, &host);
    if (r == RES_OK && host.p[0] == '[')
        r = RES_ADDRESS_LITERAL;
    if (r == RES_OK)
        r = local.p[0] == '"' ? unquote(local, content, &n) : take_bare(local, content, &n);
    if (r == RES_OK)
        r = domain_parse(host, &d);
    if (r == RES_OK)
        r = put_local(span_of(content, n), &a);
    if (r == RES_OK)
        r = put(&a, '@');
    if (r != RES_OK)
        return r;
    if (d.n > sizeof a.b - a.n)
        return RES_ADDRESS_TOO_LONG;
    a.domain = a.n;
    memcpy(a.b + a.n, d.b, d.n);
    a.n += d.n;
    *ret = a;
    return RES_OK;
}

static void
label_write(enum label_kind kind, struct span s, struct label *ret)
{
    assert(s.n > 0 && s.n < sizeof ret->b);
    ret->b[0] = (uint8_t)kind;
    memcpy(ret->b + 1, s.p, s.n);
    ret->n = 1 + s.n;
}

void
label_of_address(const struct address *a, struct label *ret)
{
    label_write(LABEL_MAILBOX, address_span(a), ret);
}

void
label_of_domain(const struct domain *d, struct label *ret)
{
    label_write(LABEL_DOMAIN, domain_span(d), ret);
}

bool
label_is(struct span s)
{
    struct address a;
    struct domain d;
    if (s.n < 2 || s.n > LABEL_MAX)
        return false;
    struct span rest = span_of(s.p + 1, s.n - 1);
    if (s.p[0] == LABEL_MAILBOX)
        return address_parse(rest, &a) == RES_OK && span_equal(address_span(&a), rest);
    if (s.p[0] == LABEL_DOMAIN)
        return domain_parse(rest, &d) == RES_OK && span_equal(domain_span(&d), rest);
    return false;
}
