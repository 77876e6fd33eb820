/*
 * What is kept of the logs' directories, in the state directory; and what every verb does first:
 * follow the certificate log, and what was looked up before.
 *
 * For the subcommands of `cartulary`; each function says on stderr what is wrong, and returns an
 * exit code of app.h.
 */
#ifndef TOOLS_REMEMBERED_H
#define TOOLS_REMEMBERED_H

#include "client/directory/memory.h"
#include "client/io/transport_curl.h"
#include "tools/app.h"

/* The memory of log's directory, read from the state directory; empty when there is none, or with
 * --stateless.  *ret is memory_init before. */
int remembered_load(struct app *a, const struct policy_log *log, struct memory *ret);

/* Writes it back; nothing with --stateless. */
int remembered_save(struct app *a, const struct policy_log *log, struct memory *m);

/* One monitor's run over log, and its view saved: quiet when all is well. */
int remembered_follow_log(struct app *a, struct transport *t, const struct policy_log *log);

/* Follows what was looked up before, and saves what came of it.  *ret_followed labels. */
int remembered_follow(struct app *a, struct transport *t, const struct policy_log *log,
                      struct memory *m, size_t *ret_followed);

/* Asks for the distinguished entries that are new, and saves what came of it. */
int remembered_heads(struct app *a, struct transport *t, const struct policy_log *log,
                     struct memory *m);

/* The same where it is cheap: for somebody who knows some of them already, once there may be more.
 */
int remembered_heads_due(struct app *a, struct transport *t, const struct policy_log *log,
                         struct memory *m);

#endif
