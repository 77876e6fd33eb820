#include "log/rootsfile.h"

#include <stdio.h>

#include "log/files.h"

#define DOMAINS_MAX 4096

struct state {
    char domains[DOMAINS_MAX]; /* empty: public */
    bool verify_only;
};

static bool
is_line(struct span line, const char *text)
{
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
        line.n--;
    return span_equal(line, span_str(text));
}

/* Takes a line of ours; RES_TOO_LARGE for too many domains, RES_VALUE for none. */
static enum result
take_line(struct state *s, struct span line)
{
    static const char DOMAINS[] = "# domains:";
    size_t n = sizeof(DOMAINS) - 1;
    if (is_line(line, "# public")) {
        s->domains[0] = 0;
    } else if (is_line(line, "# verify-only")) {
        s->verify_only = true;
    } else if (is_line(line, "# accept")) {
        s->verify_only = false;
    } else if (line.n >= n && memcmp(line.p, DOMAINS, n) == 0) {
        struct span rest = span_of(line.p + n, line.n - n);
        while (rest.n && rest.p[0] == ' ')
            rest = span_of(rest.p + 1, rest.n - 1);
        while (rest.n && (rest.p[rest.n - 1] == ' ' || rest.p[rest.n - 1] == '\r'))
            rest.n--;
        if (rest.n == 0)
            return RES_VALUE; /* bound to nothing must not read as public */
        if (rest.n >= DOMAINS_MAX)
            return RES_TOO_LARGE;
        memcpy(s->domains, rest.p, rest.n);
        s->domains[rest.n] = 0;
    }
    return RES_OK;
}

/* Cuts the next line off; its newline is gone. */
static struct span
next_line(struct span *rest)
{
    const uint8_t *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct span line = span_of(rest->p, n);
    *rest = span_of(rest->p + n + (end ? 1 : 0), rest->n - n - (end ? 1 : 0));
    return line;
}

static bool
begins(struct span line, const char *text)
{
    size_t n = strlen(text);
    return line.n >= n && memcmp(line.p, text, n) == 0;
}

enum result
rootsfile_parse(struct span text, struct roots **ret, size_t *ret_line)
{
    struct roots *roots;
    struct state state = {.verify_only = false};
    enum result rc = roots_new(&roots);
    *ret_line = 0;
    if (rc != RES_OK)
        return rc;
    const uint8_t *block = NULL;
    size_t line_number = 0, block_line = 0, added, inside;
    while (rc == RES_OK && text.n > 0) {
        struct span line = next_line(&text);
        line_number++;
        if (!block && begins(line, "-----BEGIN CERTIFICATE-----")) {
            block = line.p;
            block_line = line_number;
        } else if (block && begins(line, "-----END CERTIFICATE-----")) {
            struct span pem = span_of(block, (size_t)(text.p - block));
            rc = roots_add_pem(roots, pem, state.domains[0] ? state.domains : NULL,
                               state.verify_only, &added, &inside);
            block = NULL;
        } else if (!block) {
            block_line = line_number;
            rc = begins(line, "-----BEGIN ") ? RES_ENCODING : take_line(&state, line);
        }
    }
    if (rc == RES_OK && block)
        rc = RES_ENCODING;
    if (rc != RES_OK) {
        *ret_line = block_line;
        roots_unref(roots);
        return rc;
    }
    *ret = roots;
    return RES_OK;
}

enum result
rootsfile_load(const char *path, struct roots **ret, size_t *ret_line)
{
    struct buf text = BUF_INIT(ROOTSFILE_MAX);
    *ret_line = 0;
    enum result rc = files_read(path, &text);
    if (rc == RES_OK)
        rc = rootsfile_parse(buf_span(&text), ret, ret_line);
    buf_release(&text);
    return rc;
}
