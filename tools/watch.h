/*
 * Watching addresses: what `cartulary monitor` does for those that its user owns.
 *
 * For the subcommands of `cartulary`; each function says on stderr what is wrong, and returns an
 * exit code of app.h.
 */
#ifndef TOOLS_WATCH_H
#define TOOLS_WATCH_H

#include "tools/remembered.h"

/*
 * One round over log's directory, whose certificate log was followed before: what was looked up is
 * followed, then each watched label; addresses (n of them) are watched from now on.  Tells what is
 * new on stdout.
 */
int watch_round(struct app *a, struct transport *t, const struct policy_log *log,
                const char *const *addresses, size_t n);

#endif
