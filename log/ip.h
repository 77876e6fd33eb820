/*
 * IP addresses and networks, as text and as bytes.
 *
 * An IPv4 address that is written as IPv6 (RFC 4291 2.5.5.2, ::ffff:192.0.2.1) is the IPv4 address:
 * a socket for both shows clients so, and they must not count twice.  Pure.  Uses hash, span,
 * result.
 */
#ifndef LOG_IP_H
#define LOG_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/tree/hash.h"

/* The longest text of an address; none with a scope or a name is one. */
#define IP_TEXT_MAX 45

/* What counts as one client: IPv4 networks of a site, and what a provider gives one customer. */
#define IP_CLIENT_BITS_4 24
#define IP_CLIENT_BITS_6 56

struct ip {
    uint8_t n;     /* 4, 16; 0: no address, as of a peer on a Unix socket */
    uint8_t b[16]; /* the first n are the address, the others 0 */
};

struct ip_net {
    struct ip ip;
    uint8_t bits; /* of it that count; the others are 0 */
};

/* The address of 4 or 16 bytes at p. */
struct ip ip_of_bytes(const uint8_t *p, size_t n);

/* Reads "192.0.2.1" or "2001:db8::1".  RES_VALUE for anything else. */
MUST_CHECK enum result ip_parse(struct span text, struct ip *ret);

/* Reads an address, or one with "/bits" behind it.  RES_VALUE for anything else, and when the
 * address has bits beyond: 10.0.0.1/8 is a mistake, of which nobody knows the meaning. */
MUST_CHECK enum result ip_net_parse(struct span text, struct ip_net *ret);

/* Whether ip lies in net.  No address lies in any. */
bool ip_in(const struct ip *ip, const struct ip_net *net);

/* The key of ip's client: its first IP_CLIENT_BITS_4 or _6 and its kind, for log/rate.h.  All that
 * have no address are one. */
void ip_client_key(const struct ip *ip, struct hash *ret);

#endif
