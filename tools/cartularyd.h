/*
 * The subcommands of cartularyd: one function each, in cmd_*.c.
 *
 * argv[0] is the subcommand's name; the result is the exit code.  Only tools/ prints and has exit
 * codes.
 */
#ifndef TOOLS_CARTULARYD_H
#define TOOLS_CARTULARYD_H

#include <stdbool.h>

#include "merkle/base/result.h"

/* Exit codes of cartularyd; fsck uses 0, 1 and 2 in its own sense (sound, damaged, could not
 * check). */
enum {
    DAEMON_OK = 0,
    DAEMON_REFUSED = 1, /* what was found forbids it */
    DAEMON_USAGE = 2,   /* options or input are wrong */
    DAEMON_LATER = 3,   /* not now */
    DAEMON_FAULT = 5    /* disk, memory, cryptography */
};

int cmd_init(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_fsck(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_promote(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_erase(int argc, char **argv);
int cmd_upgrade(int argc, char **argv);

/* Prints "cartularyd: " and the message to stderr. */
void daemon_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for a result. */
int daemon_exit_code(enum result r);

/* Prints help to stdout when argv holds --help or -h behind the subcommand; whether it did. */
bool daemon_help(int argc, char **argv, const char *help);

#endif
