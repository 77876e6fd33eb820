/*
 * Whose request it is, when fronts stand between: the peer's address, or what trusted fronts say of
 * it in X-Forwarded-For.
 *
 * Each front appends the address that it was spoken to from, so the field is read from its end, as
 * far as those who wrote it are trusted; what stands left of the first stranger is that stranger's
 * word.  Pure.  Uses head, limits, log/ip.h.
 */
#ifndef API_HTTP_ORIGIN_H
#define API_HTTP_ORIGIN_H

#include "api/http/limits.h"
#include "log/ip.h"

/* Who is believed. */
struct origin_trust {
    const struct ip_net *nets;
    unsigned n;
    bool unix_peers; /* who comes over a Unix socket */
};

/* X-Forwarded-For: its lines are one list (RFC 9110 5.3), of which only the end is of use. */
struct origin_lines {
    struct span line[HTTP_FORWARDED_MAX]; /* the last ones, in their order */
    unsigned n;
};

/* Takes a line; when there are HTTP_FORWARDED_MAX, the first of them is forgotten. */
void origin_add_line(struct origin_lines *l, struct span value);

/*
 * The address that the request came from.
 *
 * peer itself unless it is trusted; else the last address in lines that is not; when all are, the
 * first that is kept: a client in the fronts' own network.  peer also when there is no
 * address, and when one that is needed is malformed or stands behind HTTP_HOPS_MAX others: then
 * nobody has told.
 *
 * An address is bare, or in brackets, or with ":port" behind it (some fronts write so); blanks and
 * empty members are passed over.
 */
struct ip origin_of(const struct ip *peer, const struct origin_trust *trust,
                    const struct origin_lines *lines);

#endif
