/*
 * How old a head may be by which a copy is judged: an old one does not tell what was signed since.
 *
 * Pure.  Uses trouble.
 */
#ifndef LOG_HEADAGE_H
#define LOG_HEADAGE_H

#include "log/trouble.h"
#include "merkle/base/result.h"

#include <stdint.h>

/*
 * Whether a head of that time can be the newest, and the next one be later; all in milliseconds
 * since 1970.  which: what it is called in *why.
 *
 *   RES_OK
 *   RES_CLOCK  it is not before now: the next one must be later (RFC 6962 section 3.5)
 *   RES_STALE  it is older than max_age_ms (UINT64_MAX: any age will do)
 */
MUST_CHECK enum result headage_check(const char *which, uint64_t timestamp, uint64_t now_ms,
                                     uint64_t max_age_ms, struct log_trouble *why);

#endif
