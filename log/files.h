/*
 * Small files of a log's directory: read whole, replaced whole.
 *
 * Replacing writes a temporary file beside it, syncs it, renames it, and syncs the directory: a
 * crash leaves the old or the new file, never a mixture.  Uses buf, result.
 */
#ifndef LOG_FILES_H
#define LOG_FILES_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

#define FILES_PATH_MAX 512

/* "DIR/NAME" into out.  RES_TOO_LARGE. */
MUST_CHECK enum result files_path(const char *dir, const char *name,
                                  char out[static FILES_PATH_MAX]);

/* Appends the whole file to out, whose ceiling bounds it.  RES_ABSENT, RES_TOO_LARGE, RES_IO. */
MUST_CHECK enum result files_read(const char *path, struct buf *out);

/* Writes all of data to fd, whatever interrupts it; syncs nothing.  RES_IO: some of it may be
 * written. */
MUST_CHECK enum result files_write(int fd, struct span data);

/* Replaces the file by data, mode bits as given.  RES_IO, RES_TOO_LARGE. */
MUST_CHECK enum result files_replace(const char *path, struct span data, unsigned mode);

/* Removes it and syncs the directory; RES_ABSENT when it is not there. */
MUST_CHECK enum result files_remove(const char *path);

bool files_exist(const char *path);

/* Syncs the directory that holds path, which ends without a slash.  RES_IO, RES_TOO_LARGE. */
MUST_CHECK enum result files_sync_parent(const char *path);

/* Syncs a directory.  RES_IO. */
MUST_CHECK enum result files_sync_dir(const char *path);

#endif
