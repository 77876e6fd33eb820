/*
 * Lists of domains: which ones a root is bound to.
 *
 * As text, comma-separated; in memory a NULL-terminated array of strings in lower case, and NULL
 * for a root that is public.  Private to log/accept.  Pure but for memory.
 */
#ifndef LOG_ACCEPT_DOMAINS_H
#define LOG_ACCEPT_DOMAINS_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

/* Longest domain name as text: RFC 1035 2.3.4 has 255 octets on the wire. */
#define DOMAIN_MAX 253

/*
 * Reads text; NULL gives NULL.  RES_VALUE for an empty list, an empty domain, one longer than
 * DOMAIN_MAX, or one with another character than letters, digits, '-', '.' and '_'; RES_MEMORY.
 * Free with domains_free.
 */
MUST_CHECK enum result domains_parse(const char *text, char ***ret);

/* Appends the text that domains_parse takes, with its NUL.  Requires domains not NULL.  Errors of
 * buf_add, with a part of it in out. */
MUST_CHECK enum result domains_text(char *const *domains, struct buf *out);

void domains_free(char **domains); /* NULL does nothing */

#endif
