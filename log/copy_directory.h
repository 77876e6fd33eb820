/*
 * The key directory's part in backups: copying it while it is written, and what must be known
 * before a copy of it may go on.
 *
 * Uses directory_private, files, headage, merkle/note.
 */
#ifndef LOG_COPY_DIRECTORY_H
#define LOG_COPY_DIRECTORY_H

#include "log/directory/shelf.h"
#include "log/log.h"

/*
 * Copies DIR/directory to dest, if there is one: data.mdb (one snapshot), then recipes and the
 * labels' keys, which then have at least what the snapshot needs.  Before the store: so that its
 * copy has all entries that the recipes speak of.  The index is derived.  RES_IO,
 * RES_STORE_DAMAGED; *why says more.
 */
MUST_CHECK enum result copy_directory(const char *dir, const char *dest, uint64_t map_size,
                                      struct log_trouble *why);

/*
 * Whether the copy in DIR may close the next epoch: feed is the newest signed checkpoint of its
 * feed that is known outside, and the copy's is not older.  Its age is that of the entry that it
 * ends with, which the directory makes anew at least each quarter of an hour.  RES_OK for a log
 * without a directory.  RES_STORE_BEHIND, RES_CONFLICT, RES_CONFIG when feed is empty, RES_STALE
 * also for a head of no entries, errors of headage_check and note_verify; *why says more.
 */
MUST_CHECK enum result copy_check_feed(const struct config *c, struct span feed, uint64_t now_ms,
                                       uint64_t max_age_ms, struct log_trouble *why);

/* Whether s has the feed's entries that the checkpoint counts, and they are the same; when the last
 * of them was made into *ret_timestamp, milliseconds.  Errors as copy_check_feed's, but its age is
 * not asked. */
MUST_CHECK enum result copy_compare_feed(const struct config *c, struct shelf *s, struct span feed,
                                         uint64_t *ret_timestamp, struct log_trouble *why);

#endif
