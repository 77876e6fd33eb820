#include "merkle/leaf/charset.h"

#include "merkle/base/text.h"

#define BYTE_ORDER_MARK 0xfeff

static bool
is_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 0x80)
            return false;
    return true;
}

static bool
is_eight_bit(unsigned tag)
{
    switch (tag) {
    case CHARSET_NUMERIC:
    case CHARSET_PRINTABLE:
    case CHARSET_TELETEX:
    case CHARSET_VIDEOTEX:
    case CHARSET_IA5:
    case CHARSET_GRAPHIC:
    case CHARSET_VISIBLE:
    case CHARSET_GENERAL:
        return true;
    default:
        return false;
    }
}

static bool
begins_with(struct span s, const char *mark, size_t n)
{
    return s.n >= n && memcmp(s.p, mark, n) == 0;
}

bool
charset_agreed(unsigned tag, struct span s)
{
    switch (tag) {
    case CHARSET_UTF8:
        return !begins_with(s, "\xef\xbb\xbf", 3);
    case CHARSET_BMP:
        return !begins_with(s, "\xfe\xff", 2);
    case CHARSET_UNIVERSAL:
        return !begins_with(s, "\0\0\xfe\xff", 4);
    default:
        return !is_eight_bit(tag) || is_ascii(s);
    }
}

/* Appends the character c, which is no surrogate and at most U+10FFFF.  RFC 3629 section 3. */
static enum result
put_character(uint32_t c, struct buf *out)
{
    uint8_t b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        b[i] = (uint8_t)(0x80 | (c & 0x3f));
    b[0] = (uint8_t)(lead[n] | c);
    return buf_add(out, span_of(b, n));
}

static uint32_t
big_endian(const uint8_t *p, size_t width)
{
    uint32_t v = 0;
    for (size_t i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

/* Two units of UTF-16 that stand for one character. */
static bool
is_pair(uint32_t high, uint32_t low)
{
    return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}

/* Appends s, characters of width bytes each, the most significant first. */
static enum result
read_units(struct span s, size_t width, struct buf *out)
{
    enum result r = s.n % width == 0 ? RES_OK : RES_ENCODING;
    for (size_t i = 0; r == RES_OK && i < s.n; i += width) {
        uint32_t c = big_endian(s.p + i, width);
        if (width == 2 && s.n - i >= 4 && is_pair(c, big_endian(s.p + i + 2, 2))) {
            i += 2;
            c = 0x10000 + ((c - 0xd800) << 10) + (big_endian(s.p + i, 2) - 0xdc00);
        }
        if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            r = RES_ENCODING;
        else if (c != BYTE_ORDER_MARK || i > 0)
            r = put_character(c, out);
    }
    return r;
}

static enum result
read_utf8(struct span s, struct buf *out)
{
    if (!text_is_utf8(s))
        return RES_ENCODING;
    if (begins_with(s, "\xef\xbb\xbf", 3))
        s = span_of(s.p + 3, s.n - 3);
    return buf_add(out, s);
}

static enum result
read_eight_bit(struct span s, size_t nth, struct buf *out)
{
    bool utf8 = text_is_utf8(s);
    if (nth == 1 && (!utf8 || is_ascii(s)))
        return RES_ABSENT;
    return nth == 0 && utf8 ? read_utf8(s, out) : read_units(s, 1, out);
}

enum result
charset_read(unsigned tag, struct span s, size_t nth, struct buf *out)
{
    enum result r = RES_ABSENT;
    buf_clear(out);
    if (is_eight_bit(tag) && nth < CHARSET_READINGS_MAX)
        r = read_eight_bit(s, nth, out);
    else if (tag == CHARSET_UTF8 && nth == 0)
        r = read_utf8(s, out);
    else if (tag == CHARSET_BMP && nth == 0)
        r = read_units(s, 2, out);
    else if (tag == CHARSET_UNIVERSAL && nth == 0)
        r = read_units(s, 4, out);
    if (r != RES_OK)
        buf_clear(out);
    return r;
}
