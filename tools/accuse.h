/*
 * What is kept when an answer of a key directory is refused: the answer, and two statements that
 * the log signed and that contradict each other, where there are such.
 *
 * For the subcommands of `cartulary`; says on stderr what it found, and returns an exit code of
 * app.h.
 */
#ifndef TOOLS_ACCUSE_H
#define TOOLS_ACCUSE_H

#include "client/directory/found.h"
#include "client/directory/memory.h"
#include "client/io/transport_curl.h"
#include "tools/app.h"

/* As seen_save_evidence for the verdict of a conversation with log's directory, after asking the
 * log for what contradicts it.  m: what is kept of the directory; refused: what was verified of the
 * answer, NULL: nothing.  t NULL: nobody is asked. */
int accuse(struct app *a, struct transport *t, const struct policy_log *log, const struct memory *m,
           const struct found *refused, const struct verdict *v);

/* The same with a head that the log signed, and an anchor (may be empty). */
int accuse_with(struct app *a, struct transport *t, const struct policy_log *log,
                const struct memory *m, const struct proved_head *head, struct span anchor,
                const struct verdict *v);

/* Whether such a head and anchor contradict each other or what is kept of the log; nobody is asked.
 * EXIT_REFUSED with evidence when they do, EXIT_YES when not. */
int accuse_offline(struct app *a, const struct policy_log *log, const struct memory *m,
                   const struct proved_head *head, struct span anchor);

/* Compares what is kept of log's directory, m, with the head and the anchor (may be empty) that a
 * friend was shown, as client/directory/accuser.h does.  EXIT_REFUSED with evidence when what the
 * log signed contradicts itself; else EXIT_YES, and in *ret_linked whether the log vouched for both
 * in one feed. */
int accuse_friend(struct app *a, struct transport *t, const struct policy_log *log,
                  const struct memory *m, const struct proved_head *theirs, struct span anchor,
                  bool *ret_linked);

#endif
