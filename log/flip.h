/*
 * Places where a test build flips a bit, to show that no wrong root is signed.  Nothing in a
 * product build.
 */
#ifndef LOG_FLIP_H
#define LOG_FLIP_H

#ifdef CARTULARY_FLIP
#include <stddef.h>
/* Given by the test: may change the n bytes at p. */
void flip_point(const char *name, void *p, size_t n);
#else
#define flip_point(name, p, n) ((void)0)
#endif

#endif
