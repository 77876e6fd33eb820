#include "api/http/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "api/http/limits.h"
#include "merkle/base/text.h"

/* What a byte may mean: inside a string only these four stop the scan. */
enum { PLAIN, QUOTE, BACKSLASH, CONTROL, HIGH };

static inline int
kind_of(uint8_t c)
{
    if (c >= 0x80)
        return HIGH;
    if (c < 0x20)
        return CONTROL;
    return c == '"' ? QUOTE : c == '\\' ? BACKSLASH : PLAIN;
}

/* The first place at or after i that may stop the scan, eight bytes at a time: a certificate is
 * kilobytes of base64. A hit may be false, a miss never is. */
static size_t
skip_plain(struct span s, size_t i)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;

    while (s.n - i >= 8) {
        uint64_t w, quote, backslash;

        memcpy(&w, s.p + i, sizeof w);
        quote = w ^ ones * '"';
        backslash = w ^ ones * '\\';
        if ((((w - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0 ||
            (w & tops) != 0)
            break;
        i += 8;
    }
    return i;
}

/* From the byte after the opening quote to the one after the closing quote, *ret. */
static enum result
scan_string(struct span s, size_t i, bool *high, size_t *ret)
{
    for (i = skip_plain(s, i); i < s.n;) {
        uint8_t c = s.p[i++];

        switch (kind_of(c)) {
        case QUOTE:
            *ret = i;
            return RES_OK;
        case BACKSLASH:
            /* An escaped NUL would cut the string short. */
            if (s.n - i >= 5 && memcmp(s.p + i, "u0000", 5) == 0)
                return RES_JSON_TEXT;
            i++;
            break;
        case CONTROL:
            return RES_JSON_TEXT;
        case HIGH:
            *high = true;
            break;
        default:
            break;
        }
    }
    return RES_JSON;
}

static size_t
digits_at(struct span s, size_t i)
{
    size_t n = 0;

    while (i + n < s.n && s.p[i + n] >= '0' && s.p[i + n] <= '9')
        n++;
    return n;
}

/* RFC 8259 6, from a number's first byte to the one behind it, *ret: cJSON takes what strtod takes,
 * zeros in front and points without digits. */
static enum result
scan_number(struct span s, size_t i, size_t *ret)
{
    size_t n;

    if (s.p[i] == '-')
        i++;
    n = digits_at(s, i);
    if (n == 0 || (n > 1 && s.p[i] == '0'))
        return RES_JSON;
    i += n;
    if (i < s.n && s.p[i] == '.') {
        n = digits_at(s, ++i);
        if (n == 0)
            return RES_JSON;
        i += n;
    }
    if (i < s.n && (s.p[i] | 0x20) == 'e') {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        n = digits_at(s, i);
        if (n == 0)
            return RES_JSON;
        i += n;
    }
    *ret = i;
    return RES_OK;
}

/* One pass over the text: what cJSON would let pass, and how much it would have to build. */
static enum result
scan(struct span s)
{
    size_t depth = 0;
    size_t values = 1;
    bool high = false;

    for (size_t i = 0; i < s.n;) {
        uint8_t c = s.p[i++];

        if (c == '"') {
            enum result r = scan_string(s, i, &high, &i);

            if (r != RES_OK)
                return r;
        } else if (c == '{' || c == '[') {
            values++;
            if (++depth > JSON_DEPTH_MAX)
                return RES_JSON;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0)
                return RES_JSON;
        } else if (c == ',') {
            values++;
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            enum result r = scan_number(s, i - 1, &i);

            if (r != RES_OK)
                return r;
        } else if (c >= 0x80 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            /* Outside strings JSON is ASCII: this is a byte order mark, a NUL, or noise. */
            return RES_JSON_TEXT;
        }
    }
    if (values > JSON_VALUES_MAX)
        return RES_JSON;
    return high && !text_is_utf8(s) ? RES_JSON_TEXT : RES_OK;
}

/* RFC 8259 4: names within an object SHOULD be unique; here they must.  Recursion is bounded by
 * JSON_DEPTH_MAX. */
static enum result
check_members(const cJSON *v) /* NOLINT(misc-no-recursion) */
{
    size_t n = 0;

    for (const cJSON *a = v->child; a != NULL; a = a->next) {
        enum result r;

        if (cJSON_IsObject(v)) {
            if (++n > JSON_MEMBERS_MAX)
                return RES_JSON;
            for (const cJSON *b = v->child; b != a; b = b->next)
                if (strcmp(a->string, b->string) == 0)
                    return RES_JSON_DUPLICATE;
        }
        if (a->child == NULL)
            continue;
        r = check_members(a);
        if (r != RES_OK)
            return r;
    }
    return RES_OK;
}

enum result
json_read_strict(struct span text, struct json **ret)
{
    const char *end = NULL;
    cJSON *v;
    enum result r = scan(text);

    if (r != RES_OK)
        return r;
    v = cJSON_ParseWithLengthOpts((const char *)text.p, text.n + 1, &end, 1);
    if (v == NULL)
        return RES_JSON;
    r = cJSON_IsObject(v) ? check_members(v) : RES_JSON;
    if (r != RES_OK) {
        cJSON_Delete(v);
        return r;
    }
    *ret = (struct json *)v;
    return RES_OK;
}

void
json_document_free(struct json *document)
{
    cJSON_Delete((cJSON *)document);
}

const struct json *
json_find(const struct json *object, const char *name)
{
    return (const struct json *)cJSON_GetObjectItemCaseSensitive((const cJSON *)object, name);
}

bool
json_is_array(const struct json *value)
{
    return cJSON_IsArray((const cJSON *)value);
}

const struct json *
json_array_first(const struct json *array)
{
    return json_is_array(array) ? (const struct json *)((const cJSON *)array)->child : NULL;
}

const struct json *
json_array_next(const struct json *element)
{
    return (const struct json *)((const cJSON *)element)->next;
}

enum result
json_string(const struct json *value, struct span *ret)
{
    const cJSON *v = (const cJSON *)value;

    if (!cJSON_IsString(v))
        return RES_JSON;
    *ret = span_str(v->valuestring);
    return RES_OK;
}

enum result
json_uint(const struct json *value, uint64_t *ret)
{
    const cJSON *v = (const cJSON *)value;
    double d;

    if (!cJSON_IsNumber(v))
        return RES_JSON;
    d = v->valuedouble;
    if (!(d >= 0 && d < 9007199254740992.0) || (double)(uint64_t)d != d)
        return RES_JSON;
    *ret = (uint64_t)d;
    return RES_OK;
}

enum result
json_escape(struct span s, struct buf *out)
{
    bool utf8 = text_is_utf8(s);

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        char text[8];
        enum result r;

        if (c < 0x20 || c == 0x7f)
            snprintf(text, sizeof text, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            snprintf(text, sizeof text, "\\%c", c);
        else
            snprintf(text, sizeof text, "%c", c >= 0x80 && !utf8 ? '?' : c);
        r = buf_add(out, span_str(text));
        if (r != RES_OK)
            return r;
    }
    return RES_OK;
}
