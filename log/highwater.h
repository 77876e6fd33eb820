/*
 * The high-water file: every head that was signed and published, in a place outside the log's
 * directory.
 *
 * A store that was rolled back (an old backup, a snapshot restored) looks sound by itself; here it
 * is found to be behind.  One line for each head, "size timestamp root-in-base64"; only the last
 * counts, so the file is begun anew when it has grown.  A last line that a crash cut short is
 * ignored: its head was never published.
 *
 * Thread: one (the sequencer's).  Uses files, text, hash.
 */
#ifndef LOG_HIGHWATER_H
#define LOG_HIGHWATER_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

struct highwater;

struct highwater_mark {
    uint64_t size;
    uint64_t timestamp; /* milliseconds */
    struct hash root;
};

/* Opens or makes the file and reads its newest mark into *ret_mark; *ret_found says whether there
 * is one. RES_IO; RES_ENCODING when a whole line is malformed. */
MUST_CHECK enum result highwater_open(const char *path, struct highwater **ret,
                                      struct highwater_mark *ret_mark, bool *ret_found);

/* Appends a mark and syncs.  After a failure the file may not be written again: RES_IO, and the log
 * must stop. */
MUST_CHECK enum result highwater_append(struct highwater *h, const struct highwater_mark *mark);

void highwater_close(struct highwater *h); /* NULL does nothing */

#endif
