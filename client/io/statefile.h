/*
 * Files that outlive a run: read whole, written whole, durably or not at all.
 *
 * A state directory is locked for the life of its handle, so that two runs cannot overwrite each
 * other's view. One thread.  Uses buf, result; POSIX files.
 */
#ifndef CLIENT_IO_STATEFILE_H
#define CLIENT_IO_STATEFILE_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

struct statedir {
    int fd;
    int lock;
};

#define STATEDIR_INIT ((struct statedir){.fd = -1, .lock = -1})

/*
 * Opens dir, making it and what is missing above it (mode 0700), and takes its lock, waiting up to
 * wait_ms for another run.  RES_BUSY when that one still has it, RES_IO (errno says why).
 */
MUST_CHECK enum result statedir_open(const char *dir, unsigned wait_ms, struct statedir *ret);
void
statedir_close(struct statedir *d); /* frees the lock; a closed or never opened one is left alone */

/* Appends the whole file to out.  RES_ABSENT, RES_TOO_LARGE over out's ceiling, RES_MEMORY, RES_IO.
 */
MUST_CHECK enum result statedir_read(const struct statedir *d, const char *name, struct buf *out);

/*
 * Replaces the file: a temporary file beside it, fsync, rename, fsync of the directory.  After a
 * crash either the old or the new bytes are there.  Requires strlen(name) < 200.  RES_IO: the old
 * file stands; also (errno EEXIST) when the temporary file's name is taken by what is not a file of
 * ours: no link is followed.
 */
MUST_CHECK enum result statedir_write(const struct statedir *d, const char *name,
                                      struct span bytes);

/* Reads any file, "-" being standard input.  Errors of statedir_read. */
MUST_CHECK enum result file_read(const char *path, struct buf *out);

#endif
