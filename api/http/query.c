#include "api/http/query.h"

#include "merkle/base/text.h"

static int
hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes s into out of cap bytes.  RES_TOO_LARGE when it does not fit; RES_PARAMETER for a broken
 * sequence. */
static enum result
decode(struct span s, char *out, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++, n++) {
        int c = s.p[i];

        if (c == '%') {
            int high = s.n - i > 2 ? hex_of(s.p[i + 1]) : -1;
            int low = s.n - i > 2 ? hex_of(s.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return RES_PARAMETER;
            c = high << 4 | low;
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (n < cap)
            out[n] = (char)c;
    }
    *ret_n = n;
    return n <= cap ? RES_OK : RES_TOO_LARGE;
}

static struct query_param *
find(struct query_param *p, size_t n, const char *name, size_t name_n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(p[i].name) == name_n && memcmp(p[i].name, name, name_n) == 0)
            return &p[i];
    return NULL;
}

static enum result
take_pair(struct span pair, struct query_param *p, size_t n, const char **ret_name)
{
    const uint8_t *eq = pair.n > 0 ? memchr(pair.p, '=', pair.n) : NULL;
    size_t name_n = eq == NULL ? pair.n : (size_t)(eq - pair.p);
    struct span value = eq == NULL ? span_of(NULL, 0) : span_of(eq + 1, pair.n - name_n - 1);
    char name[QUERY_NAME_MAX];
    char waste[1];
    struct query_param *known = NULL;
    size_t decoded;
    enum result r = decode(span_of(pair.p, name_n), name, sizeof name, &decoded);

    if (r == RES_PARAMETER)
        return r;
    if (r == RES_OK)
        known = find(p, n, name, decoded);
    if (known == NULL) {
        r = decode(value, waste, 0, &decoded);
        return r == RES_PARAMETER ? r : RES_OK;
    }
    *ret_name = known->name;
    if (known->present || decode(value, known->value, sizeof known->value, &known->n) != RES_OK)
        return RES_PARAMETER;
    known->present = true;
    *ret_name = "query";
    return RES_OK;
}

enum result
query_read(struct span query, struct query_param *p, size_t n, const char **ret_name)
{
    size_t pairs = 0;

    for (size_t i = 0; i < n; i++)
        p[i].present = false;
    *ret_name = "query";
    while (query.n > 0) {
        const uint8_t *amp = memchr(query.p, '&', query.n);
        size_t pair_n = amp == NULL ? query.n : (size_t)(amp - query.p);
        enum result r;

        if (++pairs > QUERY_PAIRS_MAX)
            return RES_PARAMETER;
        r = take_pair(span_of(query.p, pair_n), p, n, ret_name);
        if (r != RES_OK)
            return r;
        if (amp == NULL)
            break;
        query = span_of(amp + 1, query.n - pair_n - 1);
    }
    for (size_t i = 0; i < n; i++) {
        if (!p[i].present) {
            *ret_name = p[i].name;
            return RES_PARAMETER;
        }
    }
    return RES_OK;
}

enum result
query_u64(const struct query_param *p, uint64_t *ret)
{
    return text_u64(span_of(p->value, p->n), UINT64_MAX, ret) == RES_OK ? RES_OK : RES_PARAMETER;
}

/* The next pair of *rest, split at its first '='. */
static void
next_pair(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    const uint8_t *amp = memchr(rest->p, '&', rest->n);
    size_t n = amp == NULL ? rest->n : (size_t)(amp - rest->p);
    const uint8_t *eq = n > 0 ? memchr(rest->p, '=', n) : NULL;
    size_t name_n = eq == NULL ? n : (size_t)(eq - rest->p);

    *ret_name = span_of(rest->p, name_n);
    *ret_value = eq == NULL ? span_of(NULL, 0) : span_of(eq + 1, n - name_n - 1);
    *rest = amp == NULL ? span_of(NULL, 0) : span_of(amp + 1, rest->n - n - 1);
}

enum result
query_find(struct span query, const char *name, char *out, size_t cap, size_t *ret_n,
           bool *ret_present)
{
    size_t pairs = 0;

    *ret_present = false;
    while (query.n > 0) {
        struct span given, value;
        char decoded[QUERY_NAME_MAX];
        size_t n;

        if (++pairs > QUERY_PAIRS_MAX)
            return RES_PARAMETER;
        next_pair(&query, &given, &value);
        if (decode(given, decoded, sizeof decoded, &n) != RES_OK || n != strlen(name) ||
            memcmp(decoded, name, n) != 0)
            continue;
        if (*ret_present || decode(value, out, cap, ret_n) != RES_OK)
            return RES_PARAMETER;
        *ret_present = true;
    }
    return RES_OK;
}
