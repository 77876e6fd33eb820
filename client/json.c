#include "client/json.h"

#include <math.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "merkle/base/text.h"

struct json {
    cJSON *top;
};

/* struct json_value is cJSON's node under a name of ours. */
static const cJSON *
node_of(const struct json_value *v)
{
    return (const cJSON *)(const void *)v;
}

/* Control bytes, invalid UTF-8 and \u0000: cJSON lets them pass or cuts the string there. */
static enum result
check_text(struct span s)
{
    bool in_string = false;
    unsigned depth = 0;
    if (!text_is_utf8(s))
        return RES_JSON_TEXT;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c < 0x20 && (in_string || (c != '\t' && c != '\n' && c != '\r')))
            return RES_JSON_TEXT;
        if (c == 0x7f)
            return RES_JSON_TEXT;
        if (in_string && c == '\\') {
            if (s.n - i >= 6 && memcmp(s.p + i, "\\u0000", 6) == 0)
                return RES_JSON_TEXT;
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > JSON_DEPTH_MAX)
                return RES_JSON;
        } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return RES_OK;
}

/* Recursion is bounded by JSON_DEPTH_MAX, which check_text has held. */
static enum result
check_duplicates(const cJSON *node)
{
    for (const cJSON *a = node->child; a != NULL; a = a->next) {
        if (cJSON_IsObject(node))
            for (const cJSON *b = node->child; b != a; b = b->next)
                if (strcmp(a->string, b->string) == 0)
                    return RES_JSON_DUPLICATE;
        enum result r = check_duplicates(a);
        if (r != RES_OK)
            return r;
    }
    return RES_OK;
}

enum result
json_parse(struct span text, struct json **ret)
{
    struct json *j = NULL;
    char *copy = NULL;
    enum result r = check_text(text);
    if (r != RES_OK)
        return r;
    /* A byte order mark is not JSON text (RFC 8259 section 8.1). */
    if (text.n == 0 || text.p[0] == 0xef)
        return RES_JSON;
    r = RES_MEMORY;
    j = calloc(1, sizeof *j);
    copy = malloc(text.n + 1);
    if (j == NULL || copy == NULL)
        goto out;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    j->top = cJSON_ParseWithLengthOpts(copy, text.n + 1, NULL, 1);
    r = RES_JSON;
    if (j->top == NULL || !cJSON_IsObject(j->top))
        goto out;
    r = check_duplicates(j->top);
    if (r != RES_OK)
        goto out;
    *ret = j;
    j = NULL;
out:
    free(copy);
    json_free(j);
    return r;
}

void
json_free(struct json *j)
{
    if (j == NULL)
        return;
    cJSON_Delete(j->top);
    free(j);
}

const struct json_value *
json_get(const struct json *j, const char *name)
{
    return (const struct json_value *)(const void *)cJSON_GetObjectItemCaseSensitive(j->top, name);
}

const struct json_value *
json_top(const struct json *j)
{
    return (const struct json_value *)(const void *)j->top;
}

const struct json_value *
json_member(const struct json_value *v, const char *name)
{
    if (v == NULL || !cJSON_IsObject(node_of(v)))
        return NULL;
    return (const struct json_value *)(const void *)cJSON_GetObjectItemCaseSensitive(node_of(v),
                                                                                     name);
}

const struct json_value *
json_first(const struct json_value *v)
{
    return v == NULL || !cJSON_IsArray(node_of(v))
               ? NULL
               : (const struct json_value *)(const void *)node_of(v)->child;
}

const struct json_value *
json_next(const struct json_value *v)
{
    return v == NULL ? NULL : (const struct json_value *)(const void *)node_of(v)->next;
}

size_t
json_count(const struct json *j)
{
    size_t n = 0;
    for (const cJSON *c = j->top->child; c != NULL; c = c->next)
        n++;
    return n;
}

enum result
json_u64(const struct json_value *v, uint64_t max, uint64_t *ret)
{
    if (v == NULL || !cJSON_IsNumber(node_of(v)))
        return RES_JSON;
    double d = node_of(v)->valuedouble;
    if (!(d >= 0 && d <= (double)JSON_INTEGER_MAX) || floor(d) != d || (uint64_t)d > max)
        return RES_NUMBER;
    *ret = (uint64_t)d;
    return RES_OK;
}

enum result
json_text(const struct json_value *v, struct span *ret)
{
    if (v == NULL || !cJSON_IsString(node_of(v)))
        return RES_JSON;
    *ret = span_str(node_of(v)->valuestring);
    return RES_OK;
}

enum result
json_base64(const struct json_value *v, struct buf *out)
{
    struct span s;
    enum result r = json_text(v, &s);
    return r == RES_OK ? text_unbase64(s, out) : r;
}

enum result
json_hash(const struct json_value *v, struct hash *ret)
{
    struct span s;
    enum result r = json_text(v, &s);
    return r == RES_OK ? text_unbase64_exact(s, ret->b, HASH_SIZE) : r;
}

enum result
json_hashes(const struct json_value *v, struct hash *ret, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    if (v == NULL || !cJSON_IsArray(node_of(v)))
        return RES_JSON;
    for (const cJSON *c = node_of(v)->child; c != NULL; c = c->next) {
        if (n == cap)
            return RES_TOO_LARGE;
        enum result r = json_hash((const struct json_value *)(const void *)c, &ret[n++]);
        if (r != RES_OK)
            return r;
    }
    *ret_n = n;
    return RES_OK;
}

/* Length of the UTF-8 sequence at s[i], 0 when there is none. */
static size_t
utf8_length(struct span s, size_t i)
{
    for (size_t n = 1; n <= 4 && i + n <= s.n; n++)
        if (text_is_utf8(span_of(s.p + i, n)))
            return n;
    return 0;
}

enum result
json_write_string(struct span s, struct buf *out)
{
    enum result r = buf_add(out, span_str("\""));
    for (size_t i = 0; r == RES_OK && i < s.n;) {
        size_t n = utf8_length(s, i);
        uint8_t c = s.p[i];
        if (n == 0)
            r = buf_add(out, span_str("\xef\xbf\xbd"));
        else if (c == '"' || c == '\\')
            r = buf_printf(out, "\\%c", c);
        else if (c == '\n')
            r = buf_add(out, span_str("\\n"));
        else if (c < 0x20 || c == 0x7f)
            r = buf_printf(out, "\\u%04x", c);
        else
            r = buf_add(out, span_of(s.p + i, n));
        i += n == 0 ? 1 : n;
    }
    return r == RES_OK ? buf_add(out, span_str("\"")) : r;
}

enum result
json_write_base64(struct span s, struct buf *out)
{
    enum result r = buf_add(out, span_str("\""));
    if (r == RES_OK)
        r = text_base64(s, out);
    return r == RES_OK ? buf_add(out, span_str("\"")) : r;
}
