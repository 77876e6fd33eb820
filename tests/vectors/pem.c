#include "tests/vectors/pem.h"

#include "merkle/base/text.h"
#include "tests/vectors/testdata.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_LENGTH 80

/* Where needle begins at or after from, or NULL. */
static const uint8_t *
find(struct span text, const uint8_t *from, const char *needle)
{
    return memmem(from, (size_t)(text.p + text.n - from), needle, strlen(needle));
}

/* Appends the bytes of the base64 between a and b, white space left out. */
static void
decode(const uint8_t *a, const uint8_t *b, struct buf *ret)
{
    struct buf packed = BUF_INIT((size_t)(b - a));
    for (; a < b; a++)
        if (*a > ' ' && buf_add(&packed, span_of(a, 1)) != RES_OK)
            abort();
    if (text_unbase64(buf_span(&packed), ret) != RES_OK) {
        fputs("pem: a block is not base64 or too long for its buffer\n", stderr);
        abort();
    }
    buf_release(&packed);
}

bool
pem_block(struct span text, const char *label, size_t nth, struct buf *ret)
{
    char begin[LINE_MAX_LENGTH], end[LINE_MAX_LENGTH];
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    buf_clear(ret);
    if (text.n == 0)
        return false;
    for (const uint8_t *a = text.p;; nth--) {
        a = find(text, a, begin);
        if (a == NULL)
            return false;
        a += strlen(begin);
        const uint8_t *b = find(text, a, end);
        if (b == NULL)
            return false;
        if (nth == 0) {
            decode(a, b, ret);
            return true;
        }
    }
}

void
pem_load(const char *relative, const char *label, struct buf *ret)
{
    struct buf file;
    testdata_load(relative, &file);
    if (!pem_block(buf_span(&file), label, 0, ret)) {
        if (find(buf_span(&file), file.p, "-----BEGIN ") != NULL) {
            fprintf(stderr, "pem: no %s in %s\n", label, relative);
            abort();
        }
        if (buf_add(ret, buf_span(&file)) != RES_OK)
            abort();
    }
    buf_release(&file);
}
