#include "merkle/base/text.h"

#include <assert.h>
#include <openssl/evp.h>

/* EVP counts in int; both are whole groups. */
#define ENCODE_CHUNK ((size_t)3 << 28)
#define DECODE_CHUNK ((size_t)4 << 28)

enum result
text_base64(struct span s, struct buf *out)
{
    enum result rc;
    unsigned char group[5];
    size_t body, n;
    uint8_t *to;

    if (s.n > SIZE_MAX / 4 * 3 - 3)
        return RES_TOO_LARGE;
    rc = buf_reserve(out, BASE64_ENCODED(s.n));
    if (rc != RES_OK || s.n == 0)
        return rc;
    /* EVP_EncodeBlock ends with a NUL: each next call overwrites it, the last goes by way of group.
     */
    to = out->p + out->n;
    body = (s.n - 1) / 3 * 3;
    for (size_t i = 0; i < body; i += n) {
        n = body - i < ENCODE_CHUNK ? body - i : ENCODE_CHUNK;
        to += EVP_EncodeBlock(to, s.p + i, (int)n);
    }
    (void)EVP_EncodeBlock(group, s.p + body, (int)(s.n - body));
    memcpy(to, group, 4);
    out->n += BASE64_ENCODED(s.n);
    return RES_OK;
}

/* The number of '=' at the end: 0 to 2.  Requires text.n > 0. */
static size_t
padding(struct span text)
{
    if (text.p[text.n - 1] != '=')
        return 0;
    return text.p[text.n - 2] == '=' ? 2 : 1;
}

/*
 * Decodes whole groups without padding.  EVP_DecodeBlock skips white space at both ends and takes
 * '=' for zero bits anywhere: the first shows in the number of bytes, the second is looked for.
 */
static bool
decode_groups(struct span text, uint8_t *to)
{
    size_t n;

    if (text.n == 0)
        return true;
    if (memchr(text.p, '=', text.n) != NULL)
        return false;
    for (size_t i = 0; i < text.n; i += n) {
        n = text.n - i < DECODE_CHUNK ? text.n - i : DECODE_CHUNK;
        if (EVP_DecodeBlock(to, text.p + i, (int)n) != (int)(n / 4 * 3))
            return false;
        to += n / 4 * 3;
    }
    return true;
}

/* Decodes the last group: "pad bits MUST be set to zero", RFC 4648 3.5. */
static bool
decode_last(const uint8_t *text, size_t pad, uint8_t *to)
{
    uint8_t group[4], bytes[3];

    memcpy(group, text, 4);
    memset(group + 4 - pad, 'A', pad);
    if (!decode_groups(span_of(group, 4), bytes))
        return false;
    for (size_t i = 3 - pad; i < 3; i++)
        if (bytes[i] != 0)
            return false;
    memcpy(to, bytes, 3 - pad);
    return true;
}

enum result
text_unbase64(struct span text, struct buf *out)
{
    enum result rc;
    size_t pad, body;
    uint8_t *to;

    if (text.n % 4 != 0)
        return RES_ENCODING;
    if (text.n == 0)
        return RES_OK;
    pad = padding(text);
    rc = buf_reserve(out, BASE64_DECODED_MAX(text.n) - pad);
    if (rc != RES_OK)
        return rc;
    to = out->p + out->n;
    body = text.n - 4;
    if (!decode_groups(span_of(text.p, body), to))
        return RES_ENCODING;
    if (!decode_last(text.p + body, pad, to + body / 4 * 3))
        return RES_ENCODING;
    out->n += BASE64_DECODED_MAX(text.n) - pad;
    return RES_OK;
}

/* Whether text_unbase64 would take it, found without memory for the bytes. */
static bool
is_base64(struct span text)
{
    uint8_t group[3];
    size_t body;

    if (text.n % 4 != 0)
        return false;
    if (text.n == 0)
        return true;
    body = text.n - 4;
    for (size_t i = 0; i < body; i += 4)
        if (!decode_groups(span_of(text.p + i, 4), group))
            return false;
    return decode_last(text.p + body, padding(text), group);
}

enum result
text_unbase64_exact(struct span text, uint8_t *ret, size_t n)
{
    size_t pad, body;
    bool ok;

    if (!is_base64(text))
        return RES_ENCODING;
    pad = text.n == 0 ? 0 : padding(text);
    if (BASE64_DECODED_MAX(text.n) - pad != n)
        return RES_VALUE;
    if (n == 0)
        return RES_OK;
    body = text.n - 4;
    ok = decode_groups(span_of(text.p, body), ret);
    ok = decode_last(text.p + body, pad, ret + body / 4 * 3) && ok;
    assert(ok);
    return RES_OK;
}

static void
hex_digits(struct span s, uint8_t *to)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < s.n; i++) {
        to[2 * i] = (uint8_t)digits[s.p[i] >> 4];
        to[2 * i + 1] = (uint8_t)digits[s.p[i] & 15];
    }
}

enum result
text_hex(struct span s, struct buf *out)
{
    enum result rc;

    if (s.n > SIZE_MAX / 2)
        return RES_TOO_LARGE;
    rc = buf_reserve(out, 2 * s.n);
    if (rc != RES_OK || s.n == 0)
        return rc;
    hex_digits(s, out->p + out->n);
    out->n += 2 * s.n;
    return RES_OK;
}

void
text_hex_to(struct span s, char *out)
{
    hex_digits(s, (uint8_t *)out);
    out[2 * s.n] = '\0';
}

/* The value of a lower-case hex digit, or 16. */
static unsigned
hex_value(uint8_t c)
{
    if ('0' <= c && c <= '9')
        return c - (unsigned)'0';
    if ('a' <= c && c <= 'f')
        return c - (unsigned)'a' + 10;
    return 16;
}

enum result
text_unhex(struct span text, uint8_t *ret, size_t n)
{
    if (text.n % 2 != 0 || text.n / 2 != n)
        return RES_ENCODING;
    for (size_t i = 0; i < text.n; i++)
        if (hex_value(text.p[i]) == 16)
            return RES_ENCODING;
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint8_t)(hex_value(text.p[2 * i]) << 4 | hex_value(text.p[2 * i + 1]));
    return RES_OK;
}

enum result
text_u64(struct span text, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0, digit;

    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
        return RES_NUMBER;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return RES_NUMBER;
        digit = (uint64_t)(text.p[i] - '0');
        if (v > max / 10 || digit > max - v * 10)
            return RES_NUMBER;
        v = v * 10 + digit;
    }
    *ret = v;
    return RES_OK;
}

/*
 * Length of the UTF-8 sequence that c begins, and the range of its second byte, by the grammar of
 * RFC 3629 section 4: that range is what keeps out overlong forms, surrogates and all beyond
 * U+10FFFF.  0 when no sequence begins with c.
 */
static size_t
utf8_length(uint8_t c, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = 0x80;
    *ret_high = 0xbf;
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return 2;
    if (c == 0xe0)
        *ret_low = 0xa0;
    if (c == 0xed)
        *ret_high = 0x9f;
    if (c == 0xf0)
        *ret_low = 0x90;
    if (c == 0xf4)
        *ret_high = 0x8f;
    return c < 0xf0 ? 3 : 4;
}

/* Length of the sequence at the front of s, which is not empty; 0 when there is none. */
static size_t
utf8_front(struct span s)
{
    uint8_t low, high;
    size_t n = utf8_length(s.p[0], &low, &high);

    if (n == 0 || n > s.n)
        return 0;
    if (n > 1 && (s.p[1] < low || s.p[1] > high))
        return 0;
    for (size_t k = 2; k < n; k++)
        if (s.p[k] < 0x80 || s.p[k] > 0xbf)
            return 0;
    return n;
}

bool
text_is_utf8(struct span s)
{
    size_t n;

    for (size_t i = 0; i < s.n; i += n) {
        n = utf8_front(span_of(s.p + i, s.n - i));
        if (n == 0)
            return false;
    }
    return true;
}

size_t
text_printable(struct span s)
{
    size_t i = 0;

    while (i < s.n) {
        size_t n = utf8_front(span_of(s.p + i, s.n - i));

        if (n == 0 || s.p[i] < 0x20 || s.p[i] == 0x7f || (s.p[i] == 0xc2 && s.p[i + 1] < 0xa0))
            break;
        i += n;
    }
    return i;
}
