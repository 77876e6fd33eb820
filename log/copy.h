/*
 * Backups: a hot copy without keys that does not serve, and what makes a copy a log again.
 *
 * Uses store, files, headage, marker, config, merkle/note.
 */
#ifndef LOG_COPY_H
#define LOG_COPY_H

#include "log/store/store.h"
#include "log/trouble.h"
#include "merkle/base/result.h"

/*
 * Copies DIR to the new directory dest: store (one snapshot, hot), configuration, roots, policy,
 * public key, the key directory with its labels' keys; no signing keys, no tokens, no index
 * (derived).  The copy bears the marker `copy`.
 * RES_EXISTS, RES_IO, RES_ABSENT when one of these files is missing; *why says more: what could not
 * be read or written, and that an unfinished dest must be removed.
 */
MUST_CHECK enum result copy_backup(const char *dir, const char *dest, struct store_head *ret,
                                   struct log_trouble *why);

/* How old the newest head known outside may be, unless the operator says otherwise. */
#define COPY_HEAD_AGE_MS (UINT64_C(24) * 3600 * 1000)

/*
 * Takes the marker off when the newest head known outside is not newer than the copy's own:
 * checkpoint is a signed checkpoint of this log, in full.  Its signatures are checked with
 * DIR/policy's keys, its root against the tree. The keys must have been put back into DIR/keys and
 * be those of the store's head. RES_ABSENT when DIR is no copy, RES_COPY when it was
 * never finished, RES_STORE_BEHIND when the copy is
 * older, RES_CONFLICT when the roots differ, errors of checkpoint_open_ct, RES_KEY.  feed is the
 * newest signed checkpoint of the directory's feed, compared likewise (copy_check_feed); empty for
 * a log without a directory.
 *
 * now_ms is the clock's time.  RES_CLOCK when it is not later than the checkpoint's, because the
 * next head must be (RFC 6962 section 3.5); RES_STALE when the checkpoint is older than
 * max_age_ms (UINT64_MAX: any age will do): an old one does not tell what was signed since.  Both
 * are asked of the feed's head too.
 */
MUST_CHECK enum result copy_promote(const char *dir, struct span checkpoint, struct span feed,
                                    uint64_t now_ms, uint64_t max_age_ms, struct log_trouble *why);

#endif
