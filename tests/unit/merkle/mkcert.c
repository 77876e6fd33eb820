#include "tests/unit/merkle/mkcert.h"

#include "merkle/base/text.h"

#include <stdlib.h>

#define PART_MAX (1 << 20)

static void
add(struct buf *out, struct span s)
{
    if (buf_add(out, s) != RES_OK)
        abort();
}

static void
add_hex(struct buf *out, const char *hex)
{
    uint8_t b;
    for (; *hex != '\0'; hex += 2) {
        while (*hex == ' ')
            hex++;
        if (*hex == '\0')
            return;
        if (hex[1] == '\0' || text_unhex(span_of(hex, 2), &b, 1) != RES_OK)
            abort();
        add(out, span_of(&b, 1));
    }
}

static void
add_part(struct buf *out, const char *hex, const char *otherwise)
{
    add_hex(out, hex == NULL ? otherwise : hex);
}

/* Makes what stands in b the content of an element with that tag. */
static void
wrap(struct buf *b, uint8_t tag)
{
    struct buf out = BUF_INIT(PART_MAX);
    uint8_t head[5] = {tag};
    size_t n = b->n, size = n < 0x80 ? 2 : n < 0x100 ? 3 : n < 0x10000 ? 4 : 5;
    head[1] = (uint8_t)(size == 2 ? n : 0x80 + size - 2);
    for (size_t i = size - 1; i >= 2; i--, n >>= 8)
        head[i] = (uint8_t)n;
    add(&out, span_of(head, size));
    add(&out, buf_span(b));
    buf_clear(b);
    add(b, buf_span(&out));
    buf_release(&out);
}

static void
add_extensions(const struct mkcert *m, struct buf *tbs)
{
    struct buf x = BUF_INIT(PART_MAX);
    if (m->raw3 != NULL) {
        add_hex(tbs, m->raw3);
    } else if (m->extensions != NULL) {
        add_hex(&x, m->extensions);
        wrap(&x, 0x30);
        wrap(&x, 0xa3);
        add(tbs, buf_span(&x));
    }
    buf_release(&x);
}

void
mkcert(const struct mkcert *m, struct buf *ret)
{
    static const char ecdsa[] = "300a 0608 2a8648ce3d040302";
    const char *inner = m->algorithm == NULL ? ecdsa : m->algorithm;
    struct buf validity = BUF_INIT(PART_MAX);
    buf_clear(ret);
    add_part(ret, m->version, "a003 020102");
    add_part(ret, m->serial, "020101");
    add_hex(ret, inner);
    add_part(ret, m->issuer, "300c 310a 3008 0603550403 0c0161");
    add_part(&validity, m->not_before, "170d 3730303130313030303030305a");
    add_part(&validity, m->not_after, "170d 3439313233313233353935395a");
    wrap(&validity, 0x30);
    add(ret, buf_span(&validity));
    buf_release(&validity);
    add_part(ret, m->subject, "3000");
    add_part(ret, m->spki,
             "302a 3005 06032b6570 0321 00"
             "0000000000000000000000000000000000000000000000000000000000000000");
    add_part(ret, m->ids, "");
    add_extensions(m, ret);
    add_part(ret, m->tbs_tail, "");
    wrap(ret, 0x30);
    add_part(ret, m->outer, inner);
    add_part(ret, m->signature, "0302 00ff");
    add_part(ret, m->tail, "");
    wrap(ret, 0x30);
}

void
mkcert_hex(const char *hex, struct buf *ret)
{
    buf_clear(ret);
    add_hex(ret, hex);
}
