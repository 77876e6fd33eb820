/*
 * DIR/roots.pem: PEM certificates, with lines of ours between the blocks.
 *
 *   # domains: a.example,b.example     the blocks after it are bound to these domains
 *   # public                           the blocks after it are public again (as at the top)
 *   # verify-only                      the blocks after it are kept, but take no submissions and
 *                                      are not in get-roots
 *   # accept                           the blocks after it take submissions again (as at the top)
 *
 * Every other line outside of blocks is a remark.
 * Uses roots, files.
 */
#ifndef LOG_ROOTSFILE_H
#define LOG_ROOTSFILE_H

#include "log/accept/roots.h"

#define ROOTSFILE_MAX (16 * 1024 * 1024)

/* Reads the file into a new set.  Errors of roots_add_pem and files_read; RES_ENCODING for a block
 * of another kind or without an end, RES_VALUE for a list of no domains; *ret_line is the failing
 * line, of a block its first, or 0. */
MUST_CHECK enum result rootsfile_load(const char *path, struct roots **ret, size_t *ret_line);

/* The same from text. */
MUST_CHECK enum result rootsfile_parse(struct span text, struct roots **ret, size_t *ret_line);

#endif
