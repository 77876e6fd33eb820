/*
 * Times as people write them on a command line: a day, a day and a time of day, or seconds.
 */
#ifndef TOOLS_WHEN_H
#define TOOLS_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* Reads "2026-01-31", "2026-01-31T12:00:00" with or without a final Z (UTC), or seconds since 1970;
 * false when it is none of them. */
bool when_parse(const char *text, uint64_t *ret_seconds);

#endif
