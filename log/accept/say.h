/*
 * Parts of certificates as text, for the sentence of a refusal.
 *
 * Takes any bytes: what cannot be read is said to be unreadable.  The text is printable ASCII,
 * other bytes stand as '?'; one that is too long ends in "...". Pure.  Uses span.
 */
#ifndef LOG_ACCEPT_SAY_H
#define LOG_ACCEPT_SAY_H

#include "merkle/base/span.h"

/* Longest text, its NUL included. */
#define SAY_MAX 64

struct say {
    char text[SAY_MAX];
};

/* The content of an OBJECT IDENTIFIER in dotted form. */
struct say say_oid(struct span oid);

/* The OID of an AlgorithmIdentifier (whole). */
struct say say_algorithm(struct span algorithm);

/* A Name (whole) by its last common name, or else its last attribute; "no name" when it is empty.
 */
struct say say_name(struct span name);

/* Seconds since 1970 as a date, "2026-11-21". */
struct say say_date(int64_t seconds);

#endif
