/*
 * What this client has seen of one log: signed heads, each linked to the one before.  It only
 * grows.
 *
 * Life cycle: VIEW_INIT, view_parse or any number of view_advance, view_release.  The format is in
 * FORMATS.md. No I/O, no clock.  Uses head, record, buf, result.
 */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include "client/head.h"
#include "client/record.h"

/* Heads kept: the first ever seen and the newest. */
#define VIEW_HEADS_MAX 64
/* Largest view file. */
#define VIEW_MAX (8 * 1024 * 1024)

struct view_head {
    enum head_form form;
    struct head head;
    struct buf bytes; /* as the log sent them, owned by the view */
};

struct view {
    struct view_head heads[VIEW_HEADS_MAX]; /* oldest first */
    size_t n;
};

#define VIEW_INIT ((struct view){.n = 0})

void view_release(struct view *v); /* *v is then empty */

/* The newest head, NULL when the log was never seen.  Borrowed until the next change. */
const struct view_head *view_newest(const struct view *v);

/*
 * Takes up a head whose signatures were verified and which was shown to be consistent with the
 * newest one: the caller vouches for both.  A head of the same tree with a later timestamp replaces
 * the newest one (unless that is the first), with the same or an earlier timestamp it changes
 * nothing.  Copies bytes. RES_CONFLICT when the head contradicts the newest one or is older: *v
 * unchanged.  RES_MEMORY.
 */
MUST_CHECK enum result view_advance(struct view *v, enum head_form form, const struct head *head,
                                    struct span bytes);

/*
 * Reads a view of log, all of it, and verifies every signature and the order again.  *ret must be
 * empty. RES_VALUE, RES_ENCODING, RES_ABSENT, RES_TRAILING for another form; RES_KEY when the file
 * is about other keys than log's; RES_CONFLICT when its heads are out of order; errors of
 * head_open; RES_MEMORY.
 */
MUST_CHECK enum result view_parse(struct span text, const struct policy_log *log, struct view *ret);

/* Appends the view file to out, which must be empty.  Errors of buf_reserve. */
MUST_CHECK enum result view_write(const struct view *v, const struct policy_log *log,
                                  struct buf *out);

/* The lines that name a log in views and evidence: "log" and "ct-key". */
MUST_CHECK enum result view_write_keys(const struct policy_log *log, struct buf *out);

#endif
