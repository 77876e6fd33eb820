#include "log/accept/say.h"

#include <stdio.h>
#include <time.h>

#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_SET 0x31
#define ELLIPSIS "..."

static struct say
say(const char *text)
{
    struct say s;

    snprintf(s.text, sizeof s.text, "%s", text);
    return s;
}

/* Takes one element off the front of *in; its tag, or 0 when there is none. */
static unsigned
take(struct span *in, struct span *content)
{
    size_t head = 2, n;
    unsigned tag;

    if (in->n < 2) {
        return 0;
    }
    tag = in->p[0];
    n = in->p[1];
    if (n > 0x80) {
        size_t bytes = n & 0x7f;

        if (bytes > 3 || in->n < 2 + bytes) {
            return 0;
        }
        n = 0;
        for (size_t i = 0; i < bytes; i++) {
            n = n << 8 | in->p[2 + i];
        }
        head += bytes;
    }
    if (n > in->n - head) {
        return 0;
    }
    *content = span_of(in->p + head, n);
    *in = span_of(in->p + head + n, in->n - head - n);
    return tag;
}

/* One arc of an OID off the front of *s; false when it is malformed or beyond 63 bits. */
static bool
take_arc(struct span *s, uint64_t *ret)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s->n && i < 9; i++) {
        v = v << 7 | (s->p[i] & 0x7f);
        if (s->p[i] < 0x80) {
            *ret = v;
            *s = span_of(s->p + i + 1, s->n - i - 1);
            return true;
        }
    }
    return false;
}

struct say
say_oid(struct span oid)
{
    struct say s;
    uint64_t arc;
    size_t n;

    if (!take_arc(&oid, &arc)) {
        return say("unreadable");
    }
    n = (size_t)snprintf(s.text, sizeof s.text, "%u.%llu",
                         arc < 40   ? 0U
                         : arc < 80 ? 1U
                                    : 2U,
                         (unsigned long long)(arc < 40   ? arc
                                              : arc < 80 ? arc - 40
                                                         : arc - 80));
    while (oid.n > 0) {
        /* 20: a dot and the longest arc */
        if (n + 20 + sizeof ELLIPSIS > sizeof s.text || !take_arc(&oid, &arc)) {
            snprintf(s.text + n, sizeof s.text - n, ELLIPSIS);
            return s;
        }
        n += (size_t)snprintf(s.text + n, sizeof s.text - n, ".%llu", (unsigned long long)arc);
    }
    return s;
}

struct say
say_algorithm(struct span algorithm)
{
    struct span body, oid;

    if (take(&algorithm, &body) != TAG_SEQUENCE || take(&body, &oid) != TAG_OID) {
        return say("unreadable");
    }
    return say_oid(oid);
}

/* The printable of v, between quotes. */
static struct say
quote(struct span v)
{
    const size_t room = SAY_MAX - sizeof "\"...\"";
    struct say s = say("\"");
    size_t n = 1;

    for (size_t i = 0; i < v.n && i < room; i++) {
        s.text[n++] = (char)(v.p[i] >= 0x20 && v.p[i] < 0x7f ? v.p[i] : '?');
    }
    snprintf(s.text + n, sizeof s.text - n, "%s\"", v.n > room ? ELLIPSIS : "");
    return s;
}

struct say
say_name(struct span name)
{
    static const uint8_t common_name[] = {0x55, 0x04, 0x03};
    struct span rdns, rdn, pair, oid, value, chosen = {.p = NULL, .n = 0};
    bool any = false, is_cn = false;

    if (take(&name, &rdns) != TAG_SEQUENCE) {
        return say("an unreadable name");
    }
    while (take(&rdns, &rdn) == TAG_SET) {
        while (take(&rdn, &pair) == TAG_SEQUENCE && take(&pair, &oid) == TAG_OID &&
               take(&pair, &value) != 0) {
            bool cn = span_equal(oid, span_of(common_name, sizeof common_name));

            if (cn || !is_cn) {
                chosen = value;
                any = true;
                is_cn = cn;
            }
        }
    }
    return any ? quote(chosen) : say("no name");
}

struct say
say_date(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    struct say s;

    if (gmtime_r(&t, &tm) == NULL || strftime(s.text, sizeof s.text, "%Y-%m-%d", &tm) == 0) {
        return say("an unreadable date");
    }
    return s;
}
