/*
 * The key directory's part in fsck: its public keys from DIR/policy, the certificate log beside it,
 * its index.
 *
 * Uses check, rebuild, policyfile, store,
 * index.
 */
#ifndef LOG_FSCK_DIRECTORY_H
#define LOG_FSCK_DIRECTORY_H

#include "log/config.h"
#include "log/fsck.h"

/* Checks the directory of the log in o->dir, when it has one; findings are counted in *ret.  As
 * fsck_run. */
MUST_CHECK enum result fsck_directory(const struct fsck_options *o, const struct config *c,
                                      struct fsck_report *ret, struct log_trouble *why);

/* Makes it again, over a certificate log that was found sound; the caller holds the lock.  RES_KEY,
 * RES_CONFIG when DIR/keys and policy are of different logs; errors of signer_open,
 * rebuild_directory. */
MUST_CHECK enum result fsck_directory_rebuild(const struct fsck_options *o, const struct config *c,
                                              struct rebuild_report *ret, struct log_trouble *why);

#endif
