#include "merkle/base/pem.h"

#include "merkle/base/text.h"

#define DASHES "-----"
#define BEGIN "-----BEGIN "
#define BEGIN_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE "-----END CERTIFICATE-----"

struct pem
pem_of(struct span text, enum pem_others others)
{
    return (struct pem){.rest = text, .line = 1, .begin = 1, .others = others};
}

/* The next line without its end and the white space before it; false at the end of the text. */
static bool
take_line(struct pem *p, struct span *ret)
{
    const uint8_t *newline;
    size_t n, skip;

    if (p->rest.n == 0) {
        return false;
    }
    newline = memchr(p->rest.p, '\n', p->rest.n);
    n = newline == NULL ? p->rest.n : (size_t)(newline - p->rest.p);
    skip = newline == NULL ? n : n + 1;
    *ret = span_of(p->rest.p, n);
    p->rest = span_of(p->rest.p + skip, p->rest.n - skip);
    p->line++;
    while (ret->n > 0 && (ret->p[ret->n - 1] == '\r' || ret->p[ret->n - 1] == ' ' ||
                          ret->p[ret->n - 1] == '\t')) {
        ret->n--;
    }
    return true;
}

static bool
starts_with(struct span s, const char *start)
{
    return s.n >= strlen(start) && memcmp(s.p, start, strlen(start)) == 0;
}

/* The lines of base64 up to END, joined in *text. */
static enum result
read_block(struct pem *p, struct buf *text)
{
    struct span line;

    while (take_line(p, &line)) {
        enum result r;

        if (span_equal(line, span_str(END_CERTIFICATE))) {
            return RES_OK;
        }
        if (starts_with(line, DASHES)) {
            return RES_ENCODING;
        }
        r = buf_add(text, line);
        if (r != RES_OK) {
            return r;
        }
    }
    return RES_ENCODING;
}

/* Whether the line begins a block that is looked at. */
static bool
is_begin(const struct pem *p, struct span line)
{
    return p->others == PEM_OTHERS_PASSED ? span_equal(line, span_str(BEGIN_CERTIFICATE))
                                          : starts_with(line, BEGIN);
}

enum result
pem_next(struct pem *p, struct buf *out)
{
    struct buf text = BUF_INIT(BASE64_ENCODED(out->max));
    struct span line;
    enum result r;

    do {
        if (!take_line(p, &line)) {
            return RES_ABSENT;
        }
    } while (!is_begin(p, line));
    p->begin = p->line - 1;
    if (!span_equal(line, span_str(BEGIN_CERTIFICATE))) {
        return RES_ENCODING;
    }
    r = read_block(p, &text);
    if (r == RES_OK && text.n == 0) {
        r = RES_ENCODING;
    }
    if (r == RES_OK) {
        buf_clear(out);
        r = text_unbase64(buf_span(&text), out);
    }
    buf_release(&text);
    return r;
}
