/*
 * What a client was shown of a directory, to give to somebody else: the newest signed head and the
 * newest anchor, and no address.
 *
 * The file's format is in client/FORMATS.md, "Directory head".  No I/O, no clock.  Uses memory,
 * statement, view (its key lines), record.
 */
#ifndef CLIENT_DIRECTORY_SHOWN_H
#define CLIENT_DIRECTORY_SHOWN_H

#include "client/directory/memory.h"

/* Largest file: two statements in base64, and the keys. */
#define SHOWN_MAX (2 * STATEMENT_MAX)

struct shown {
    struct proved_head head; /* size, root, signature; is_signed */
    struct buf anchor;       /* as statement.h has it; may be empty */
};

void shown_init(struct shown *s);
void shown_release(struct shown *s);

/* Whether text begins as such a file does. */
bool shown_is(struct span text);

/* Appends the file to out, which must be empty.  Requires m->has_view.  Errors of buf_reserve. */
MUST_CHECK enum result shown_write(const struct memory *m, const struct policy_log *log,
                                   struct buf *out);

/*
 * Reads a file about log's directory and verifies what stands in it.  *ret must be empty.
 * RES_VALUE, RES_ENCODING, RES_ABSENT, RES_TRAILING for another form; RES_KEY when it is about
 * another log; errors of statement_open; RES_MEMORY.
 */
MUST_CHECK enum result shown_parse(struct span text, const struct policy_log *log,
                                   struct shown *ret);

#endif
