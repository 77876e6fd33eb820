#include "api/http/head.h"

#include <string.h>
#include <strings.h>

/* One line of the head, without its CRLF, in a message whose first line it is or not. */
static enum result
check_line(struct span s, bool first)
{
    if (memchr(s.p, '\r', s.n) != NULL)
        return RES_HTTP_SYNTAX;
    if (s.n == 0)
        return RES_OK;
    /* RFC 9112 3: single blanks between the three parts. */
    if (first)
        return memmem(s.p, s.n, "  ", 2) == NULL ? RES_OK : RES_HTTP_SYNTAX;
    /* RFC 9112 5.2: a server that receives an obs-fold MUST reject it or replace it. */
    if (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == ':')
        return RES_HTTP_SYNTAX;
    return RES_OK;
}

enum result
head_scan(struct span s, size_t *line, size_t *ret_n)
{
    *ret_n = 0;
    while (*line < s.n) {
        const uint8_t *begin = s.p + *line;
        const uint8_t *lf = memchr(begin, '\n', s.n - *line);
        enum result r;

        if (lf == NULL) {
            /* A CR may be last: its LF can come yet. */
            const uint8_t *cr = memchr(begin, '\r', s.n - *line);

            return cr != NULL && cr != s.p + s.n - 1 ? RES_HTTP_SYNTAX : RES_OK;
        }
        if (lf == begin || lf[-1] != '\r')
            return RES_HTTP_SYNTAX;
        r = check_line(span_of(begin, (size_t)(lf - 1 - begin)), *line == 0);
        if (r != RES_OK)
            return r;
        *line = (size_t)(lf + 1 - s.p);
        if (lf - 1 == begin) {
            *ret_n = *line;
            return RES_OK;
        }
    }
    return RES_OK;
}

/* RFC 3986: unreserved, gen-delims and sub-delims but "#[]", and '%'. */
static const uint8_t target_char[256] = {
    ['!'] = 1, ['$'] = 1, ['%'] = 2, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1,
    ['+'] = 1, [','] = 1, ['-'] = 1, ['.'] = 1, ['/'] = 1,  ['0'] = 1, ['1'] = 1, ['2'] = 1,
    ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,  ['8'] = 1, ['9'] = 1, [':'] = 1,
    [';'] = 1, ['='] = 1, ['?'] = 3, ['@'] = 1, ['A'] = 1,  ['B'] = 1, ['C'] = 1, ['D'] = 1,
    ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,  ['J'] = 1, ['K'] = 1, ['L'] = 1,
    ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,  ['R'] = 1, ['S'] = 1, ['T'] = 1,
    ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,  ['Z'] = 1, ['_'] = 1, ['a'] = 1,
    ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,  ['g'] = 1, ['h'] = 1, ['i'] = 1,
    ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,  ['o'] = 1, ['p'] = 1, ['q'] = 1,
    ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,  ['w'] = 1, ['x'] = 1, ['y'] = 1,
    ['z'] = 1, ['~'] = 1,
};

static bool
is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

enum result
head_target(struct span target, struct span *ret_path, struct span *ret_query)
{
    size_t path_n = target.n;

    if (target.n == 0 || target.p[0] != '/')
        return RES_HTTP_SYNTAX;
    for (size_t i = 0; i < target.n; i++) {
        switch (target_char[target.p[i]]) {
        case 0:
            return RES_HTTP_SYNTAX;
        case 2:
            if (target.n - i < 3 || !is_hex(target.p[i + 1]) || !is_hex(target.p[i + 2]))
                return RES_HTTP_SYNTAX;
            break;
        case 3:
            if (path_n == target.n)
                path_n = i;
            break;
        default:
            break;
        }
    }
    *ret_path = span_of(target.p, path_n);
    *ret_query = path_n == target.n ? span_of(NULL, 0)
                                    : span_of(target.p + path_n + 1, target.n - path_n - 1);
    return RES_OK;
}

bool
head_is(struct span value, const char *text)
{
    return value.n == strlen(text) && strncasecmp((const char *)value.p, text, value.n) == 0;
}

struct span
head_trim(struct span value)
{
    while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t')) {
        value.p++;
        value.n--;
    }
    while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    return value;
}
