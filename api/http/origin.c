#include "api/http/origin.h"

#include <string.h>

#include "api/http/head.h"
#include "merkle/base/text.h"

#define PORT_LARGEST 65535

void
origin_add_line(struct origin_lines *l, struct span value)
{
    if (l->n == HTTP_FORWARDED_MAX) {
        memmove(l->line, l->line + 1, (HTTP_FORWARDED_MAX - 1) * sizeof *l->line);
        l->n--;
    }
    l->line[l->n++] = value;
}

static bool
is_trusted(const struct ip *ip, const struct origin_trust *trust)
{
    if (ip->n == 0)
        return trust->unix_peers;
    for (unsigned i = 0; i < trust->n; i++)
        if (ip_in(ip, &trust->nets[i]))
            return true;
    return false;
}

/* Whether s is empty or ":port". */
static bool
is_port(struct span s)
{
    uint64_t port;

    return s.n == 0 ||
           (s.p[0] == ':' && text_u64(span_of(s.p + 1, s.n - 1), PORT_LARGEST, &port) == RES_OK);
}

/* Reads a member of the list. */
static bool
read_member(struct span s, struct ip *ret)
{
    const uint8_t *end;
    struct span address = s;

    if (s.p[0] == '[') {
        end = memchr(s.p, ']', s.n);
        if (end == NULL)
            return false;
        address = span_of(s.p + 1, (size_t)(end - s.p) - 1);
        s = span_of(end + 1, s.n - address.n - 2);
        return is_port(s) && memchr(address.p, ':', address.n) != NULL &&
               ip_parse(address, ret) == RES_OK;
    }
    /* One colon parts a port from an IPv4 address; IPv6 has two at least. */
    end = memchr(s.p, ':', s.n);
    if (end != NULL && memchr(end + 1, ':', s.n - (size_t)(end - s.p) - 1) == NULL) {
        address.n = (size_t)(end - s.p);
        if (!is_port(span_of(end, s.n - address.n)))
            return false;
    }
    return ip_parse(address, ret) == RES_OK;
}

/* Takes the last member off *line; it may be empty. */
static struct span
take_last(struct span *line)
{
    size_t at = line->n;
    struct span member;

    while (at > 0 && line->p[at - 1] != ',')
        at--;
    member = span_of(line->p + at, line->n - at);
    line->n = at > 0 ? at - 1 : 0;
    return head_trim(member);
}

struct ip
origin_of(const struct ip *peer, const struct origin_trust *trust, const struct origin_lines *lines)
{
    struct ip at = *peer;
    unsigned hops = 0;

    if (!is_trusted(&at, trust))
        return at;
    for (unsigned i = lines->n; i > 0; i--) {
        struct span line = lines->line[i - 1];

        while (line.n > 0) {
            struct span member = take_last(&line);

            if (hops++ == HTTP_HOPS_MAX)
                return *peer;
            if (member.n == 0)
                continue;
            if (!read_member(member, &at))
                return *peer;
            if (!is_trusted(&at, trust))
                return at;
        }
    }
    return at;
}
