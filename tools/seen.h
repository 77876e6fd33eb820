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

/* The two halves of it: writes the file, of that name, and says so only on failure; names it.
 * EXIT_REFUSED, or EXIT_FAULT when it was not written. */
#define SEEN_NAME_SIZE 160
int seen_keep_evidence(struct app *a, const struct policy_log *log, const struct verdict *v,
                       char ret_name[static SEEN_NAME_SIZE]);
void seen_tell_evidence(const struct app *a, const char *name);

#endif
