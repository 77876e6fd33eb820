/*
 * The scrubber: re-reads what is committed, so that decay is found while a copy still exists.
 *
 * A thread that audits one bundle after the other, at a pace that passes over all of them once in
 * the configured period; a finding halts the log.  Where it stands is kept in DIR/scrub ("next
 * began previous", decimal: the next bundle, when this pass and the one before it began, in
 * seconds), so that a restart goes on. Uses audit, log_private.
 */
#ifndef LOG_SCRUB_H
#define LOG_SCRUB_H

#include "log/log_private.h"

struct scrub;

MUST_CHECK enum result scrub_new(struct log *l, struct scrub **ret);
MUST_CHECK enum result scrub_start(struct scrub *s);
void scrub_stop(struct scrub *s); /* waits for the thread */
void scrub_free(struct scrub *s); /* NULL does nothing */

/* Fills in the scrub_* fields. */
void scrub_stats(struct scrub *s, struct log_stats *ret);

#endif
