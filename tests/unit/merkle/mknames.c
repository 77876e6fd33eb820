#include "tests/unit/merkle/mknames.h"

#include "merkle/base/text.h"
#include "tests/unit/merkle/mkcert.h"

#include <stdlib.h>

#define DER_MAX (1 << 20)

static void
add(struct buf *out, struct span s)
{
    if (buf_add(out, s) != RES_OK)
        abort();
}

/* Makes *content an element with that tag, at the end of *out; empties *content. */
static void
wrap_into(unsigned tag, struct buf *content, struct buf *out)
{
    uint8_t head[5] = {(uint8_t)tag};
    size_t n = content->n, size = n < 0x80 ? 2 : n < 0x100 ? 3 : n < 0x10000 ? 4 : 5;
    head[1] = (uint8_t)(size == 2 ? n : 0x80 + size - 2);
    for (size_t i = size - 1; i >= 2; i--, n >>= 8)
        head[i] = (uint8_t)n;
    add(out, span_of(head, size));
    add(out, buf_span(content));
    buf_clear(content);
}

void
mknames_wrap(unsigned tag, struct buf *b)
{
    struct buf whole = BUF_INIT(DER_MAX);
    wrap_into(tag, b, &whole);
    add(b, buf_span(&whole));
    buf_release(&whole);
}

static void
add_string(unsigned tag, const struct name *n, struct buf *out)
{
    struct buf content = BUF_INIT(DER_MAX);
    add(&content, span_of(n->text, n->n != 0 ? n->n : strlen(n->text)));
    wrap_into(tag, &content, out);
    buf_release(&content);
}

static const char *
attribute_oid(enum place place)
{
    switch (place) {
    case SUBJECT_EMAIL:
    case SAN_DIRECTORY_EMAIL:
        return "0609 2a864886f70d010901";
    case SUBJECT_MAIL:
    case SAN_DIRECTORY_MAIL:
        return "060a 0992268993f22c640103";
    case SUBJECT_CN:
    case SAN_DIRECTORY_CN:
        return "0603 550403";
    default:
        return "0603 55040a";
    }
}

/* One RelativeDistinguishedName with the attribute n. */
static void
add_rdn(const struct name *n, struct buf *out)
{
    struct buf oid = BUF_INIT(64), attribute = BUF_INIT(DER_MAX);
    bool ia5 = n->place == SUBJECT_EMAIL || n->place == SAN_DIRECTORY_EMAIL;
    mkcert_hex(attribute_oid(n->place), &oid);
    add(&attribute, buf_span(&oid));
    add_string(n->tag != 0 ? n->tag : ia5 ? IA5 : UTF8, n, &attribute);
    mknames_wrap(0x30, &attribute);
    wrap_into(0x31, &attribute, out);
    buf_release(&attribute);
    buf_release(&oid);
}

static void
add_other_name(const struct name *n, struct buf *out)
{
    struct buf oid = BUF_INIT(64), value = BUF_INIT(DER_MAX), other = BUF_INIT(DER_MAX);
    mkcert_hex(n->place == SAN_UTF8 ? "0608 2b06010505070809" : "060a 2b060104018237140203", &oid);
    add_string(n->tag != 0 ? n->tag : UTF8, n, &value);
    add(&other, buf_span(&oid));
    wrap_into(0xa0, &value, &other);
    wrap_into(0xa0, &other, out);
    buf_release(&oid);
    buf_release(&value);
    buf_release(&other);
}

void
mknames_general(const struct name *n, struct buf *out)
{
    struct buf name = BUF_INIT(DER_MAX);
    switch (n->place) {
    case SAN_RFC822:
        add_string(n->tag != 0 ? n->tag : 0x81, n, out);
        break;
    case SAN_DNS:
        add_string(0x82, n, out);
        break;
    case SAN_UTF8:
    case SAN_UPN:
        add_other_name(n, out);
        break;
    default:
        add_rdn(n, &name);
        mknames_wrap(0x30, &name);
        wrap_into(0xa4, &name, out);
        break;
    }
    buf_release(&name);
}

char *
mknames_hex(const struct buf *b)
{
    char *hex = malloc(2 * b->n + 1);
    if (hex == NULL)
        abort();
    text_hex_to(buf_span(b), hex);
    return hex;
}

void
mknames(const struct name *names, size_t n, const char *san, struct buf *ret)
{
    struct buf subject = BUF_INIT(DER_MAX), general = BUF_INIT(DER_MAX), x = BUF_INIT(DER_MAX);
    for (size_t i = 0; i < n && names[i].place != NOWHERE; i++)
        if (names[i].place <= SUBJECT_O)
            add_rdn(&names[i], &subject);
        else
            mknames_general(&names[i], &general);
    mknames_wrap(0x30, &subject);
    mknames_wrap(0x30, &general);
    if (san != NULL)
        mkcert_hex(san, &general);
    mkcert_hex("0603 551d11", &x);
    wrap_into(4, &general, &x);
    mknames_wrap(0x30, &x);
    char *subject_hex = mknames_hex(&subject), *extension_hex = mknames_hex(&x);
    mkcert(&(struct mkcert){.subject = subject_hex, .extensions = extension_hex}, ret);
    free(subject_hex);
    free(extension_hex);
    buf_release(&subject);
    buf_release(&general);
    buf_release(&x);
}
