#include "merkle/leaf/domain.h"

#include "merkle/base/text.h"

#include <idn2.h>

/* Length of the full stop at the front of s, 0 when none stands there.  UTS 46 section 2.3. */
static size_t
full_stop(struct span s)
{
    static const struct span stops[] = {
        {(const uint8_t *)".", 1},
        {(const uint8_t *)"\xe3\x80\x82", 3}, /* U+3002 */
        {(const uint8_t *)"\xef\xbc\x8e", 3}, /* U+FF0E */
        {(const uint8_t *)"\xef\xbd\xa1", 3}, /* U+FF61 */
    };
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (s.n >= stops[i].n && memcmp(s.p, stops[i].p, stops[i].n) == 0)
            return stops[i].n;
    return 0;
}

/* Takes the label at the front of *s; *ret_stop is the length of the full stop behind it, which is
 * taken too. */
static struct span
take_label(struct span *s, size_t *ret_stop)
{
    struct span rest = *s;
    *ret_stop = 0;
    while (rest.n > 0 && (*ret_stop = full_stop(rest)) == 0)
        rest = span_of(rest.p + 1, rest.n - 1);
    struct span label = span_of(s->p, s->n - rest.n);
    *s = span_of(rest.p + *ret_stop, rest.n - *ret_stop);
    return label;
}

static bool
is_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 0x80)
            return false;
    return true;
}

/* Appends s, ASCII letters in lower case. */
static enum result
put_lower(struct span s, struct domain *d)
{
    if (s.n > sizeof d->b - d->n)
        return RES_ADDRESS_TOO_LONG;
    for (size_t i = 0; i < s.n; i++)
        d->b[d->n++] = (uint8_t)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + ('a' - 'A') : s.p[i]);
    return RES_OK;
}

/* Appends the A-label of a label with other characters than ASCII.  Requires no NUL in it. */
static enum result
put_mapped(struct span label, struct domain *d)
{
    char in[DOMAIN_TEXT_MAX + 1];
    uint8_t *out = NULL;
    memcpy(in, label.p, label.n);
    in[label.n] = '\0';
    int rc = idn2_lookup_u8((const uint8_t *)in, &out, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? RES_MEMORY : RES_ADDRESS_IDN;
    enum result r = put_lower(span_str((const char *)out), d);
    idn2_free(out);
    return r;
}

static bool
is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str], one after the other with dots between. */
static bool
is_host_name(const struct domain *d)
{
    size_t length = 0;
    for (size_t i = 0; i <= d->n; i++) {
        if (i < d->n && d->b[i] != '.') {
            if (!is_letter_or_digit(d->b[i]) && (d->b[i] != '-' || length == 0))
                return false;
            length++;
        } else if (length == 0 || length > DOMAIN_LABEL_MAX || d->b[i - 1] == '-') {
            return false;
        } else {
            length = 0;
        }
    }
    return true;
}

enum result
domain_parse(struct span text, struct domain *ret)
{
    struct domain d = {.n = 0};
    enum result r = RES_OK;
    size_t stop = 1;
    if (text.n > DOMAIN_TEXT_MAX)
        return RES_ADDRESS_TOO_LONG;
    if (!text_is_utf8(text))
        return RES_ADDRESS_DOMAIN;
    if (text_printable(text) != text.n)
        return RES_ADDRESS_CONTROL;
    for (bool first = true; r == RES_OK && text.n > 0; first = false) {
        struct span label = take_label(&text, &stop);
        if (!first)
            r = put_lower(span_str("."), &d);
        if (r == RES_OK)
            r = is_ascii(label) ? put_lower(label, &d) : put_mapped(label, &d);
    }
    if (r != RES_OK)
        return r;
    if (!is_host_name(&d))
        return RES_ADDRESS_DOMAIN;
    *ret = d;
    return RES_OK;
}
