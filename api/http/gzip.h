/*
 * Content coding: whether the peer takes gzip, and making it.  The only door to libdeflate.
 *
 * Uses result, span, buf, limits.
 */
#ifndef API_HTTP_GZIP_H
#define API_HTTP_GZIP_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Whether an Accept-Encoding (RFC 9110 12.5.3) takes gzip: named, or by "*", with a weight that is
 * not zero. What is malformed does not count. */
bool gzip_accepted(struct span accept_encoding);

/* A compressor of one thread. */
struct gzip;
MUST_CHECK enum result gzip_new(struct gzip **ret);
void gzip_free(struct gzip *g); /* NULL does nothing */

/* Appends s as one gzip member.  RES_MEMORY, RES_TOO_LARGE; *out unchanged then. */
MUST_CHECK enum result gzip_add(struct gzip *g, struct span s, struct buf *out);

#endif
