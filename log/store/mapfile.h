/*
 * The file under an environment, DIR/data.mdb: what can be asked and done of it without LMDB.
 *
 * dir is the environment's directory.  Every path longer than 4,095 bytes is RES_IO, or "no".  Uses
 * result.
 */
#ifndef LOG_STORE_MAPFILE_H
#define LOG_STORE_MAPFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "merkle/base/result.h"

/* How much shorter than its last page number says a sound file may be. */
#define MAPFILE_SHORTFALL_MAX (UINT64_C(64) << 20)

/* Whether the file is there without a byte: its maker ended before LMDB's first write.  LMDB would
 * write it now, also when it may only read. */
bool mapfile_unwritten(const char *dir);

/*
 * Lengthens the file, open as fd, with zeros to need bytes; a longer one is left alone.
 *
 * A page at the file's end that was taken and freed within one transaction is never written, so a
 * sound file can end before the last page that its meta page counts; and a truncated one does.
 * Reading the map beyond the end of the file is a SIGBUS; zeros LMDB and our checks take for damage
 * where anything refers to them.  fallocate only ever lengthens: another process that writes
 * meanwhile loses nothing.
 *
 * RES_STORE_DAMAGED when more than MAPFILE_SHORTFALL_MAX is missing, or the file cannot be written;
 * RES_IO.
 */
MUST_CHECK enum result mapfile_cover(const char *dir, int fd, uint64_t need);

/* Syncs the file, and the names in the directory.  RES_IO. */
MUST_CHECK enum result mapfile_sync(const char *dir);

/* Syncs the names in the directory path (LMDB syncs its file, not the file's name).  RES_IO. */
MUST_CHECK enum result mapfile_sync_directory(const char *path);

/* Removes the file; nothing when there is none. */
void mapfile_remove(const char *dir);

#endif
