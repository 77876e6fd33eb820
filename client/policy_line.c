#include "client/policy_line.h"

#include <stdarg.h>
#include <stdio.h>

#define OURS "#cartulary"

enum result
policy_refuse(struct policy_line *l, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(l->detail, POLICY_DETAIL_MAX, format, ap);
    va_end(ap);
    return RES_CONFIG;
}

bool
policy_word_is(struct span word, const char *s)
{
    return span_equal(word, span_str(s));
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static enum result
split(struct policy_line *l, struct span line)
{
    l->words = 0;
    for (size_t i = 0; i < line.n;) {
        if (is_blank(line.p[i])) {
            i++;
            continue;
        }
        size_t begin = i;
        while (i < line.n && !is_blank(line.p[i]))
            i++;
        if (l->words == POLICY_WORDS_MAX)
            return policy_refuse(l, "more than %d words on a line", POLICY_WORDS_MAX);
        l->word[l->words++] = span_of(line.p + begin, i - begin);
    }
    return RES_OK;
}

/* An ordinary comment may have any number of words, so this is asked before they are counted. */
static bool
is_wanted(struct span line, bool ours)
{
    const size_t n = sizeof OURS - 1;
    size_t blank = 0;
    while (blank < line.n && is_blank(line.p[blank]))
        blank++;
    struct span said = span_of(line.p + blank, line.n - blank);
    bool is_ours =
        said.n >= n && memcmp(said.p, OURS, n) == 0 && (said.n == n || is_blank(said.p[n]));
    if (ours)
        return is_ours;
    return said.n > 0 && said.p[0] != '#';
}

enum result
policy_line_next(struct policy_line *l, struct span *rest, bool ours)
{
    while (rest->n > 0) {
        const uint8_t *nl = memchr(rest->p, '\n', rest->n);
        size_t end = nl == NULL ? rest->n : (size_t)(nl - rest->p);
        size_t next = nl == NULL ? end : end + 1;
        struct span line = span_of(rest->p, end);
        *rest = span_of(rest->p + next, rest->n - next);
        l->number++;
        if (is_wanted(line, ours))
            return split(l, line);
    }
    return RES_ABSENT;
}

enum result
policy_line_octets(struct policy_line *l, struct span text)
{
    l->number = 1;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '\n')
            l->number++;
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            return policy_refuse(l, "the control byte 0x%02x", c);
    }
    return RES_OK;
}
