/*
 * Comparing a key directory with a friend's view of it: the file to give away, and reading theirs.
 *
 * For the subcommands of `cartulary`; each function says on stderr what is wrong, and returns an
 * exit code of app.h.
 */
#ifndef TOOLS_FRIEND_H
#define TOOLS_FRIEND_H

#include "client/directory/memory.h"
#include "tools/app.h"

/* Writes the file to give away; nothing when nothing was seen, or with --stateless. */
int friend_save(struct app *a, const struct policy_log *log, const struct memory *m);

/* Prints the newest head of log's directory, and the file's name; nothing when there is none. */
int friend_print(struct app *a, const struct policy_log *log);

/* Compares a friend's file, text, which was read from path, with what is kept: the log has to say
 * in one signed feed that both trees are its directory's.  EXIT_REFUSED with evidence when what it
 * signed contradicts itself; EXIT_LATER when it does not say. */
int friend_compare(struct app *a, const char *path, struct span text);

#endif
