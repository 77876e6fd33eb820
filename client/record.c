#include "client/record.h"

#include <assert.h>

#include "merkle/base/text.h"
#include "merkle/tree/hash.h"

/* "sha256 ", 64 digits, newline. */
#define DIGEST_LINE 72

/* The next line without its newline; the text is known to end with one. */
static struct span
first_line(struct span text)
{
    const uint8_t *nl = memchr(text.p, '\n', text.n);
    return span_of(text.p, nl == NULL ? text.n : (size_t)(nl - text.p));
}

static enum result
check_line(struct span line)
{
    size_t key = 0;
    while (key < line.n && ((line.p[key] >= 'a' && line.p[key] <= 'z') ||
                            (line.p[key] >= '0' && line.p[key] <= '9') || line.p[key] == '-'))
        key++;
    if (key == 0 || key + 1 >= line.n || line.p[key] != ' ')
        return RES_ENCODING;
    return text_printable(line) == line.n ? RES_OK : RES_ENCODING;
}

static enum result
check_digest(struct span text)
{
    char hex[2 * HASH_SIZE + 1];
    struct hash h;
    struct span line = span_of(text.p + text.n - DIGEST_LINE, DIGEST_LINE);
    hash_sha256(span_of(text.p, text.n - DIGEST_LINE), &h);
    text_hex_to(hash_span(&h), hex);
    if (memcmp(line.p, "sha256 ", 7) != 0 || memcmp(line.p + 7, hex, 2 * HASH_SIZE) != 0 ||
        line.p[DIGEST_LINE - 1] != '\n')
        return RES_ENCODING;
    return RES_OK;
}

enum result
record_open(struct span text, const char *kind, struct record *ret)
{
    struct buf heading = BUF_INIT(64);
    enum result r = record_write_heading(kind, &heading);
    size_t n = heading.n;
    bool known = r == RES_OK && text.n >= n && memcmp(text.p, heading.p, n) == 0;
    buf_release(&heading);
    if (r != RES_OK)
        return r;
    if (!known)
        return RES_VALUE;
    if (text.n < n + DIGEST_LINE || text.p[text.n - DIGEST_LINE - 1] != '\n')
        return RES_ENCODING;
    r = check_digest(text);
    if (r != RES_OK)
        return r;
    struct span rest = span_of(text.p + n, text.n - n - DIGEST_LINE);
    for (size_t at = 0; at < rest.n;) {
        struct span line = first_line(span_of(rest.p + at, rest.n - at));
        r = check_line(line);
        if (r != RES_OK)
            return r;
        at += line.n + 1;
    }
    ret->rest = rest;
    return RES_OK;
}

bool
record_done(const struct record *r)
{
    return r->rest.n == 0;
}

bool
record_next_is(const struct record *r, const char *key)
{
    size_t n = strlen(key);
    return r->rest.n > n && memcmp(r->rest.p, key, n) == 0 && r->rest.p[n] == ' ';
}

enum result
record_text(struct record *r, const char *key, struct span *ret)
{
    size_t n = strlen(key) + 1;
    if (!record_next_is(r, key))
        return RES_ABSENT;
    struct span line = first_line(r->rest);
    *ret = span_of(line.p + n, line.n - n);
    r->rest = span_of(r->rest.p + line.n + 1, r->rest.n - line.n - 1);
    return RES_OK;
}

enum result
record_base64(struct record *r, const char *key, struct buf *out)
{
    struct span text;
    enum result rc = record_text(r, key, &text);
    return rc == RES_OK ? text_unbase64(text, out) : rc;
}

enum result
record_end(const struct record *r)
{
    return record_done(r) ? RES_OK : RES_TRAILING;
}

enum result
record_write_heading(const char *kind, struct buf *out)
{
    assert(out->n == 0);
    return buf_printf(out, "cartulary %s 1\n", kind);
}

enum result
record_write_text(const char *key, struct span value, struct buf *out)
{
    assert(value.n > 0);
    enum result r = buf_printf(out, "%s ", key);
    if (r == RES_OK)
        r = buf_add(out, value);
    return r == RES_OK ? buf_add(out, span_str("\n")) : r;
}

enum result
record_write_base64(const char *key, struct span bytes, struct buf *out)
{
    assert(bytes.n > 0);
    enum result r = buf_printf(out, "%s ", key);
    if (r == RES_OK)
        r = text_base64(bytes, out);
    return r == RES_OK ? buf_add(out, span_str("\n")) : r;
}

enum result
record_write_digest(struct buf *out)
{
    char hex[2 * HASH_SIZE + 1];
    struct hash h;
    hash_sha256(buf_span(out), &h);
    text_hex_to(hash_span(&h), hex);
    return buf_printf(out, "sha256 %s\n", hex);
}
