/*
 * The file that `cartulary submit` stores receipts in: a line each, only ever appended to, read at
 * the start to know what is done already.
 */
#ifndef TOOLS_RECEIPTS_H
#define TOOLS_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/receipt.h"

/* Largest file of receipts that is read back. */
#define RECEIPTS_MAX ((size_t)4 * 1024 * 1024 * 1024)

struct receipts {
    int fd;         /* where lines go */
    bool is_file;   /* --receipts FILE; else standard output */
    struct buf old; /* what the file held */
    struct line {
        struct span label, line; /* label: the raw JSON text of "file", borrowed from old */
    } * lines;                   /* sorted by label */
    size_t n;
    size_t torn; /* bytes of an incomplete last line that were cut off */
};

/* Opens path for appending (NULL: standard output) and reads what it holds.  A last line without
 * newline is the trace of a crash and is cut off.  RES_IO with errno, RES_MEMORY.  receipts_close
 * in any case. */
MUST_CHECK enum result receipts_open(const char *path, struct receipts *ret);

/* The stored line labelled file, or an empty span. */
struct span receipts_find(const struct receipts *r, const char *file);

/* Writes one line at once.  RES_IO. */
MUST_CHECK enum result receipts_append(struct receipts *r, const struct receipt *receipt);

/* Makes the lines durable and closes the file.  RES_IO. */
MUST_CHECK enum result receipts_close(struct receipts *r);

#endif
