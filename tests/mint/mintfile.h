/*
 * A file of many distinct leaves under one intermediate, for load: written by `mint --bench`, read
 * by whoever submits them.
 *
 * Format, integers big-endian:
 *
 *   magic[8]       "MINTED\0\1"
 *   uint32         number of leaves
 *   cert           the intermediate, then
 *   cert           the root that issued it, then
 *   cert           each leaf, issued by the intermediate's P-256 key
 *
 *   cert           uint32 length || that many bytes of DER
 *
 * For example, a file of one leaf: 4d 49 4e 54 45 44 00 01  00 00 00 01  00 00 01 9a 30 82 01 96 …
 *
 * The reader maps the file; spans are borrowed until it is closed.  One reader belongs to one
 * thread; any number of readers may have the same file open.  For tests and tools of the tests
 * only.
 */
#ifndef TESTS_MINT_MINTFILE_H
#define TESTS_MINT_MINTFILE_H

#include "merkle/base/span.h"
#include <stdio.h>

struct mint_file {
    struct span map;
    const uint8_t *next;      /* the next leaf */
    uint32_t count;           /* leaves in the file */
    uint32_t read;            /* of those, given by mint_file_next */
    struct span intermediate; /* DER */
    struct span root;         /* DER */
};

/* Opens the file.  False, and nothing to close, when it cannot be read or does not begin as it
 * should. */
bool mint_file_open(struct mint_file *f, const char *path);

/* The next leaf; false after the last one, or where the file is cut short. */
bool mint_file_next(struct mint_file *f, struct span *leaf);

/* Skips n leaves or to the end: so that several readers can share one file. */
void mint_file_skip(struct mint_file *f, uint32_t n);

/* Back to the first leaf. */
void mint_file_rewind(struct mint_file *f);

/* Unmaps; spans end.  A zeroed or closed *f does nothing. */
void mint_file_close(struct mint_file *f);

/* Writes magic, count, intermediate and root; then each leaf.  False when a write fails. */
bool mint_file_begin(FILE *out, uint32_t count, struct span intermediate, struct span root);
bool mint_file_put(FILE *out, struct span der);

#endif
