/*
 * What was seen of the logs, in the state directory: a view of each, and evidence when one
 * contradicts itself.
 *
 * For the subcommands of `cartulary`; each function says on stderr what is wrong, and returns an
 * exit code of app.h.
 */
#ifndef TOOLS_SEEN_H
#define TOOLS_SEEN_H

#include "tools/app.h"

/* The view of log, read from the state directory the first time.  NULL after saying what is wrong;
 * *ret_exit then. */
struct view *seen_view(struct app *a, const struct policy_log *log, int *ret_exit);

/* Writes the view back; nothing with --stateless. */
int seen_save(struct app *a, const struct policy_log *log);

/* Writes the verdict's evidence into the state directory (or the working directory with
 * --stateless) and names the file on stderr. */
int seen_save_evidence(struct app *a, const struct policy_log *log, const struct verdict *v);

#endif
