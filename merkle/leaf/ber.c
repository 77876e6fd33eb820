#include "merkle/leaf/ber.h"

static bool read_element(struct span *rest, unsigned depth, struct ber_element *ret);

static struct span
after(struct span s, size_t n)
{
    return n == s.n ? span_of(NULL, 0) : span_of(s.p + n, s.n - n);
}

/* One octet off the front.  False at the end. */
static bool
take_octet(struct span *s, uint8_t *ret)
{
    if (s->n == 0)
        return false;
    *ret = *s->p;
    *s = after(*s, 1);
    return true;
}

/* X.690 8.1.2: in the long form the number follows, seven bits to an octet, up to one without
 * bit 8. A number that would have fitted the first octet counts as if it stood there. */
static bool
take_tag(struct span *s, unsigned *ret)
{
    unsigned number = 0;
    uint8_t first, more;
    if (!take_octet(s, &first))
        return false;
    *ret = first;
    if ((first & 0x1f) != 0x1f)
        return true;
    do {
        if (!take_octet(s, &more))
            return false;
        number = number << 7 | (more & 0x7f);
        if (number > 0x1f)
            number = 0x1f; /* any that does not fit */
    } while ((more & 0x80) != 0);
    *ret = (first & 0xe0u) | number;
    return true;
}

/* X.690 8.1.3: a definite length of any count of octets, as long as its value is one that can be.
 */
static bool
take_length(struct span *s, uint8_t first, size_t *ret)
{
    size_t n = first;
    uint8_t next;
    if (first >= 0x80) {
        n = 0;
        for (unsigned octets = first & 0x7f; octets > 0; octets--) {
            if (!take_octet(s, &next) || n > SIZE_MAX >> 8)
                return false;
            n = n << 8 | next;
        }
    }
    *ret = n;
    return n <= s->n;
}

/* X.690 8.1.5.  A zero tag with a length is an element to those who look for the two octets only.
 */
static bool
is_end(struct span s)
{
    return s.n >= 2 && s.p[0] == 0 && s.p[1] == 0;
}

/* The content ends before the two zero octets that follow a whole element of it. */
static bool
take_indefinite(struct span *s, unsigned depth, struct span *ret)
{
    struct span rest = *s;
    struct ber_element inside;
    if (depth == BER_DEPTH_MAX)
        return false;
    while (!is_end(rest))
        if (!read_element(&rest, depth + 1, &inside))
            return false;
    *ret = span_of(s->p, s->n - rest.n);
    *s = after(rest, 2);
    return true;
}

static bool
read_element(struct span *rest, unsigned depth, struct ber_element *ret)
{
    struct span s = *rest;
    struct ber_element e;
    uint8_t first;
    size_t n = 0;
    if (is_end(s) || !take_tag(&s, &e.tag) || !take_octet(&s, &first))
        return false;
    if (first == 0x80) {
        if (!ber_constructed(e) || !take_indefinite(&s, depth, &e.content))
            return false;
    } else {
        if (!take_length(&s, first, &n))
            return false;
        e.content = span_of(s.p, n);
        s = after(s, n);
    }
    *rest = s;
    *ret = e;
    return true;
}

bool
ber_next(struct span *rest, struct ber_element *ret)
{
    if (read_element(rest, 0, ret))
        return true;
    *rest = span_of(NULL, 0);
    return false;
}

bool
ber_take(struct span *rest, unsigned tag, struct ber_element *ret)
{
    struct span ahead = *rest;
    struct ber_element e;
    if (!read_element(&ahead, 0, &e) || !ber_is(e, tag))
        return false;
    *rest = ahead;
    *ret = e;
    return true;
}

/* Appends the pieces inside e, whatever their tags are: the readers that this follows do not look.
 */
static enum result
gather(struct ber_element e, unsigned depth, struct buf *out)
{
    struct span rest = e.content;
    struct ber_element piece;
    enum result r = RES_OK;
    if (!ber_constructed(e))
        return buf_add(out, e.content);
    if (depth == BER_PIECES_MAX)
        return RES_TOO_LARGE;
    while (r == RES_OK && ber_next(&rest, &piece))
        r = gather(piece, depth + 1, out);
    return r;
}

enum result
ber_string(struct ber_element e, struct buf *pieces, struct span *ret)
{
    buf_clear(pieces);
    if (!ber_constructed(e)) {
        *ret = e.content;
        return RES_OK;
    }
    enum result r = gather(e, 0, pieces);
    if (r == RES_OK)
        *ret = buf_span(pieces);
    return r;
}
