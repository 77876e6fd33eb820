/*
 * What the header fields of a request say, as far as anybody here listens: Host, Authorization,
 * Accept-Encoding, Expect, X-Forwarded-For, and the two codings that are refused.
 *
 * Life cycle: zeroed; fields_take for each field; fields_check at the head's end.  Pure.  Uses
 * head, origin.
 */
#ifndef API_HTTP_FIELDS_H
#define API_HTTP_FIELDS_H

#include <stdbool.h>

#include "api/http/origin.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* All spans borrow from the values that were given, without blanks at either end; empty when the
 * field does not stand there, or twice: its repetition leaves us no opinion. */
struct fields {
    struct span host;
    struct span accept_encoding;
    struct span authorization;
    bool expects;                  /* Expect: 100-continue */
    struct origin_lines forwarded; /* X-Forwarded-For, each as it stands */
    unsigned hosts, codings, accepts, authorizations;
};

/*
 * Takes one field.
 *
 *   RES_HTTP_MEDIA            a Content-Encoding other than identity: no route takes one
 *   RES_HTTP_TRANSFER_CODING  anything but "chunked", once (RFC 9112 6.1)
 */
MUST_CHECK enum result fields_take(struct fields *f, struct span name, struct span value);

/*
 * What only the whole head can tell.
 *
 *   RES_HTTP_HOST             none in HTTP/1.1, two, or one that is none (RFC 9112 3.2)
 *   RES_HTTP_TRANSFER_CODING  in HTTP/1.0, where framing by it is faulty (RFC 9112 6.1)
 *   RES_HTTP_SYNTAX           two Authorization: a credential that stands twice is no credential
 *                             (RFC 6750 2)
 */
MUST_CHECK enum result fields_check(const struct fields *f, bool http10);

#endif
