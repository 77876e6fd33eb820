/*
 * Query parameters: application/x-www-form-urlencoded, strictly.
 *
 * Unknown parameters are passed over; a known one may stand once.
 * Pure.  Uses result, span, text, limits.
 */
#ifndef API_HTTP_QUERY_H
#define API_HTTP_QUERY_H

#include "api/http/limits.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

struct query_param {
    const char *name;
    bool present;
    size_t n;
    char value[QUERY_VALUE_MAX]; /* decoded, n bytes */
};

/*
 * Finds the n parameters named in p.  RES_PARAMETER: one of them twice, missing, or longer than
 * QUERY_VALUE_MAX; a broken percent sequence anywhere; more than QUERY_PAIRS_MAX pairs.  *ret_name
 * is then the parameter's name or "query", static.
 */
MUST_CHECK enum result query_read(struct span query, struct query_param *p, size_t n,
                                  const char **ret_name);

/* The value as a decimal number of 64 bits, RFC 6962 section 4.  RES_PARAMETER. */
MUST_CHECK enum result query_u64(const struct query_param *p, uint64_t *ret);

/*
 * Finds one parameter that may be missing and may be long: its decoded bytes into out, of cap
 * bytes; *ret_present tells whether it stands.  RES_PARAMETER: twice, longer than cap, a broken
 * percent sequence in it, or more than QUERY_PAIRS_MAX pairs.
 */
MUST_CHECK enum result query_find(struct span query, const char *name, char *out, size_t cap,
                                  size_t *ret_n, bool *ret_present);

#endif
