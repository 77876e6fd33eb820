/*
 * The subcommands of `cartulary`, a row each: one file, one function, one help text.
 */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include "tools/app.h"

struct command {
    const char *name;
    const char *arguments;
    const char *purpose; /* one line */
    const char *help;    /* what it does, with an example */
    /* argv[0] is the subcommand's name; getopt starts fresh.  Returns the exit code. */
    int (*run)(const struct options *o, int argc, char **argv);
};

extern const struct command CMD_SUBMIT, CMD_LOOKUP, CMD_HISTORY, CMD_VERIFY, CMD_MONITOR, CMD_HEADS,
    CMD_EVIDENCE, CMD_CREDENTIAL;

/* Says what is wrong with the use of a subcommand and where to read on; returns EXIT_INPUT. */
int cmd_usage(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints a subcommand's help on stdout; returns EXIT_YES. */
int cmd_help(const struct command *c);

#endif
