/*
 * The request head before a parser sees it: where it ends, and what no parser should be asked
 * about.
 *
 * llhttp in strict mode still takes a bare LF after the request line, obs-fold, an empty field
 * name, and characters in a target that RFC 3986 does not have; here they are refused. Pure.  Uses
 * span, result.
 */
#ifndef API_HTTP_HEAD_H
#define API_HTTP_HEAD_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

/*
 * Looks for the end of the head in s, which begins with its request line.  *line is where the line
 * begins that was not complete last time (0 at first), so that no byte is looked at twice; *ret_n
 * is the length with the empty line, or 0 while the end has not come. RES_HTTP_SYNTAX: bare LF or
 * CR (RFC 9112 2.2), obs-fold (5.2), a field without a name (5.1).
 */
MUST_CHECK enum result head_scan(struct span s, size_t *line, size_t *ret_n);

/*
 * Splits a request target in origin-form (RFC 9112 3.2.1) into path and query, both borrowed and as
 * sent; *ret_query is empty when there is none.  RES_HTTP_SYNTAX: another form, a fragment, a
 * character that RFC 3986 does not allow, a broken percent sequence. The absolute form is refused
 * on purpose: this server is an origin behind a front, never a proxy, and a second host name in a
 * request is a second opinion.
 */
MUST_CHECK enum result head_target(struct span target, struct span *ret_path,
                                   struct span *ret_query);

/* Whether value equals text, ASCII letters in either case. */
bool head_is(struct span value, const char *text);

/* value without blanks (SP, TAB) at either end. */
struct span head_trim(struct span value);

#endif
