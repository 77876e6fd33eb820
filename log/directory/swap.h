/*
 * Putting a directory's new data.mdb and index in the place of the old ones, which nobody has open.
 *
 * A rename decides: a crash before it leaves the old file, one behind it the new one, and either
 * serves.  The old file keeps a name of its own.  Uses files, index.
 */
#ifndef LOG_DIRECTORY_SWAP_H
#define LOG_DIRECTORY_SWAP_H

#include "log/trouble.h"
#include "merkle/base/result.h"

#define SWAP_NAME_MAX 64

/* Removes the directory scratch with what a new one consists of; also half of it, or nothing.
 * RES_IO when something else is in it. */
MUST_CHECK enum result swap_clear(const char *scratch);

/* Moves what is in scratch, synced and closed, to dir.  The name that the old data.mdb has now into
 * ret_kept, "" when there was none.  RES_EXISTS when no name is free; RES_IO; *why says more. */
MUST_CHECK enum result swap_in(const char *dir, const char *scratch,
                               char ret_kept[static SWAP_NAME_MAX], struct log_trouble *why);

#endif
