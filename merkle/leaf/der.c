#include "merkle/leaf/der.h"

#include <assert.h>

struct der
der_of(struct span s, enum result *err)
{
    return (struct der){.p = s.p, .end = s.n > 0 ? s.p + s.n : s.p, .err = err};
}

void
der_fail(const struct der *d, enum result err)
{
    if (*d->err == RES_OK)
        *d->err = err;
}

bool
der_more(const struct der *d)
{
    return *d->err == RES_OK && d->p != d->end;
}

bool
der_next_is(const struct der *d, unsigned tag)
{
    return der_more(d) && *d->p == tag;
}

/* X.690 8.9-8.12, 10.2: sequences and sets are constructed, strings and everything else primitive.
 */
static bool
tag_possible(unsigned tag)
{
    unsigned number = tag & 0x1f;
    if (number == 0x1f)
        return false; /* the long form, see the header */
    if ((tag & 0xc0) != 0)
        return true; /* not universal: both forms */
    /* EXTERNAL, EMBEDDED PDV, SEQUENCE, SET, CHARACTER STRING */
    bool constructed = number == 8 || number == 11 || number == 16 || number == 17 || number == 29;
    return number != 0 && constructed == ((tag & 0x20) != 0);
}

/* X.690 10.1: definite form, in the fewest octets.  False when malformed or past end. */
static bool
take_length(const uint8_t **p, const uint8_t *end, size_t *ret)
{
    if (*p == end)
        return false;
    size_t n = *(*p)++;
    if (n >= 0x80) {
        size_t octets = n & 0x7f;
        if (octets == 0 || octets > 4 || (size_t)(end - *p) < octets || **p == 0)
            return false;
        for (n = 0; octets > 0; octets--)
            n = n << 8 | *(*p)++;
        if (n < 0x80)
            return false;
    }
    *ret = n;
    return n <= (size_t)(end - *p);
}

struct der_element
der_any(struct der *d)
{
    const uint8_t *start = d->p, *p = d->p;
    size_t n;
    if (*d->err != RES_OK)
        return (struct der_element){0};
    if (p == d->end || !tag_possible(*p++) || !take_length(&p, d->end, &n)) {
        der_fail(d, RES_DER);
        return (struct der_element){0};
    }
    d->p = p + n;
    return (struct der_element){
        .tag = *start,
        .content = span_of(p, n),
        .whole = span_of(start, (size_t)(d->p - start)),
    };
}

struct der_element
der_take(struct der *d, unsigned tag)
{
    if (*d->err == RES_OK && !der_next_is(d, tag))
        der_fail(d, RES_DER);
    return der_any(d);
}

struct der
der_enter(struct der *d, unsigned tag)
{
    return der_of(der_take(d, tag).content, d->err);
}

void
der_leave(const struct der *d)
{
    if (d->p != d->end)
        der_fail(d, RES_DER);
}

static void
check_inside(const struct der *d, struct der_element e, unsigned depth)
{
    if ((e.tag & 0x20) == 0)
        return;
    if (depth == DER_DEPTH_MAX) {
        der_fail(d, RES_TOO_LARGE);
        return;
    }
    struct der in = der_of(e.content, d->err);
    while (der_more(&in))
        check_inside(d, der_any(&in), depth + 1);
}

void
der_check_inside(const struct der *d, struct der_element e)
{
    check_inside(d, e, 0);
}

struct span
der_oid(struct der *d)
{
    struct span s = der_take(d, DER_OID).content;
    /* X.690 8.19.2: each subidentifier ends in an octet without bit 8 and does not begin with 0x80.
     */
    bool ok = s.n > 0 && (s.p[s.n - 1] & 0x80) == 0;
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] != 0x80 || (i > 0 && (s.p[i - 1] & 0x80) != 0);
    if (!ok)
        der_fail(d, RES_DER);
    return s;
}

struct span
der_integer(struct der *d)
{
    struct span s = der_take(d, DER_INTEGER).content;
    /* X.690 8.3.2: the first nine bits are neither all zero nor all one. */
    if (s.n == 0 ||
        (s.n > 1 && ((s.p[0] == 0 && s.p[1] < 0x80) || (s.p[0] == 0xff && s.p[1] >= 0x80))))
        der_fail(d, RES_DER);
    return s;
}

bool
der_boolean(struct der *d)
{
    struct span s = der_take(d, DER_BOOLEAN).content;
    if (s.n == 1 && (s.p[0] == 0x00 || s.p[0] == 0xff))
        return s.p[0] == 0xff;
    der_fail(d, RES_DER);
    return false;
}

struct span
der_bit_string(struct der *d, uint8_t tag, unsigned *ret_unused)
{
    struct span s = der_take(d, tag).content;
    *ret_unused = 0;
    /* X.690 8.6.2 and 11.2.1: the count of unused bits, at most 7, none of nothing, and they are
     * zero. */
    if (s.n == 0 || s.p[0] > 7 || (s.n == 1 && s.p[0] != 0) ||
        (s.p[s.n - 1] & ((1u << s.p[0]) - 1)) != 0) {
        der_fail(d, RES_DER);
        return (struct span){0};
    }
    *ret_unused = s.p[0];
    return span_of(s.p + 1, s.n - 1);
}

/* Two digits at p, or -1. */
static int
two_digits(const uint8_t *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Days from 1970-01-01 to the date in the Gregorian calendar; years begin in March, so that the
 * leap day is a year's last. */
static int64_t
days_since_1970(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1;
    int from_march = (month + 9) % 12;
    int64_t days = 365LL * y + y / 4 - y / 100 + y / 400;
    return days + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* MMDDHHMMSSZ, 11 octets at p.  False when it is no moment of that year. */
static bool
moment(int year, const uint8_t *p, int64_t *ret)
{
    int month = two_digits(p), day = two_digits(p + 2);
    int hour = two_digits(p + 4), minute = two_digits(p + 6), second = two_digits(p + 8);
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || p[10] != 'Z')
        return false;
    *ret = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

int64_t
der_time(struct der *d)
{
    struct der_element e = der_any(d);
    int64_t t = 0;
    if (e.tag == DER_UTC_TIME && e.content.n == 13) {
        int yy = two_digits(e.content.p);
        /* RFC 5280 4.1.2.5.1: 50 and above are 19YY. */
        if (yy >= 0 && moment(yy >= 50 ? 1900 + yy : 2000 + yy, e.content.p + 2, &t))
            return t;
    } else if (e.tag == DER_GENERALIZED_TIME && e.content.n == 15) {
        int century = two_digits(e.content.p), yy = two_digits(e.content.p + 2);
        /* Year 0 has no March before it; nobody issues there. */
        if (century >= 0 && yy >= 0 && century + yy > 0 &&
            moment(century * 100 + yy, e.content.p + 4, &t))
            return t;
    }
    der_fail(d, RES_CERT_TIME);
    return 0;
}

size_t
der_header_size(size_t n)
{
    return n < 0x80 ? 2 : n < 0x100 ? 3 : n < 0x10000 ? 4 : 5;
}

size_t
der_header(unsigned tag, size_t n, uint8_t out[static DER_HEADER_MAX])
{
    assert(n < (size_t)1 << 24);
    size_t size = der_header_size(n);
    out[0] = (uint8_t)tag;
    out[1] = (uint8_t)(size == 2 ? n : 0x80 | (size - 2));
    for (size_t i = size - 1; i >= 2; i--, n >>= 8)
        out[i] = (uint8_t)n;
    return size;
}
