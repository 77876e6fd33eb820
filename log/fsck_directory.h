/*
 * The key directory's part in fsck: its public keys from DIR/policy, the certificate log beside it,
 * its index.
 *
 * Uses check, policyfile, store, index.
 */
#ifndef LOG_FSCK_DIRECTORY_H
#define LOG_FSCK_DIRECTORY_H

#include "log/config.h"
#include "log/fsck.h"

/* Checks the directory of the log in o->dir, when it has one; findings are counted in *ret.  As
 * fsck_run. */
MUST_CHECK enum result fsck_directory(const struct fsck_options *o, const struct config *c,
                                      struct fsck_report *ret, struct log_trouble *why);

#endif
