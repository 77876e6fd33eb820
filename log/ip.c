#include "log/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "merkle/base/text.h"

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct ip
ip_of_bytes(const uint8_t *p, size_t n)
{
    assert(n == 4 || n == 16);
    if (n == 16 && memcmp(p, MAPPED, sizeof(MAPPED)) == 0)
        return ip_of_bytes(p + sizeof(MAPPED), 4);
    struct ip ip = {.n = (uint8_t)n};
    memcpy(ip.b, p, n);
    return ip;
}

/* *ret_n is the length that was written: 16 also for an IPv4 address written as IPv6. */
static enum result
parse(struct span text, struct ip *ret, size_t *ret_n)
{
    char z[IP_TEXT_MAX + 1];
    uint8_t b[16];
    if (text.n == 0 || text.n > IP_TEXT_MAX || memchr(text.p, 0, text.n))
        return RES_VALUE;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    size_t n = strchr(z, ':') ? 16 : 4;
    if (inet_pton(n == 16 ? AF_INET6 : AF_INET, z, b) != 1)
        return RES_VALUE;
    *ret = ip_of_bytes(b, n);
    *ret_n = n;
    return RES_OK;
}

enum result
ip_parse(struct span text, struct ip *ret)
{
    size_t n;
    return parse(text, ret, &n);
}

/* Sets the bits behind the first `bits` to 0. */
static void
cut(struct ip *ip, unsigned bits)
{
    for (unsigned i = 0; i < ip->n; i++) {
        unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
        if (keep < 8)
            ip->b[i] &= (uint8_t)(0xff00u >> keep);
    }
}

static bool
same(const struct ip *a, const struct ip *b)
{
    return a->n == b->n && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

enum result
ip_net_parse(struct span text, struct ip_net *ret)
{
    const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    size_t written, n = slash ? (size_t)(slash - text.p) : text.n;
    struct ip_net net;
    enum result rc = parse(span_of(text.p, n), &net.ip, &written);
    if (rc != RES_OK)
        return rc;
    uint64_t bits = 8 * written;
    if (slash && text_u64(span_of(slash + 1, text.n - n - 1), bits, &bits) != RES_OK)
        return RES_VALUE;
    size_t mapped = 8 * (written - net.ip.n);
    if (bits < mapped)
        return RES_VALUE;
    net.bits = (uint8_t)(bits - mapped);
    struct ip whole = net.ip;
    cut(&whole, net.bits);
    if (!same(&whole, &net.ip))
        return RES_VALUE;
    *ret = net;
    return RES_OK;
}

bool
ip_in(const struct ip *ip, const struct ip_net *net)
{
    struct ip first = *ip;
    if (ip->n == 0)
        return false;
    cut(&first, net->bits);
    return same(&first, &net->ip);
}

void
ip_client_key(const struct ip *ip, struct hash *ret)
{
    struct ip first = *ip;
    cut(&first, ip->n == 4 ? IP_CLIENT_BITS_4 : IP_CLIENT_BITS_6);
    memset(ret, 0, sizeof(*ret));
    ret->b[0] = first.n;
    memcpy(ret->b + 1, first.b, sizeof(first.b));
}
