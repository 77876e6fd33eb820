/*
 * Marker files in a log's directory that keep it from serving: `halted` (something did not add up;
 * fsck, then resume) and `copy` (a backup; promote).  Their text says why.
 *
 * Uses files.
 */
#ifndef LOG_MARKER_H
#define LOG_MARKER_H

#include "merkle/base/result.h"

#define MARKER_HALTED "halted"
#define MARKER_COPY "copy"
#define MARKER_TEXT_MAX 256

/* Writes the marker, synced.  RES_IO. */
MUST_CHECK enum result marker_set(const char *dir, const char *name, const char *text);

/* Reads it: RES_OK when it is there (text, its newline cut off), RES_ABSENT when not. */
MUST_CHECK enum result marker_get(const char *dir, const char *name,
                                  char text[static MARKER_TEXT_MAX]);

/* Removes it.  RES_ABSENT, RES_IO. */
MUST_CHECK enum result marker_clear(const char *dir, const char *name);

#endif
