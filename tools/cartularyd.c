/* cartularyd: a transparency log for S/MIME certificates. */
#include "tools/cartularyd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command COMMANDS[] = {
    {"init", cmd_init, "make a log's directory: configuration, keys, store, policy"},
    {"serve", cmd_serve, "run the log"},
    {"fsck", cmd_fsck, "check a log's directory, every byte of it"},
    {"backup", cmd_backup, "copy a log without its keys, also while it runs"},
    {"promote", cmd_promote, "make a backup a log again"},
    {"resume", cmd_resume, "serve again after a halt, once fsck is sound"},
    {"token", cmd_token, "give, list and take back auditors' tokens"},
    {"erase", cmd_erase, "destroy what is kept of one mailbox"},
    {"upgrade", cmd_upgrade, "bring a store to this program's format"},
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

void
daemon_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("cartularyd: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

int
daemon_exit_code(enum result r)
{
    switch (result_class(r)) {
    case CLASS_OK:
        return DAEMON_OK;
    case CLASS_INPUT:
        return DAEMON_USAGE;
    case CLASS_FALSE:
    case CLASS_ABSENT:
        return DAEMON_REFUSED;
    case CLASS_LATER:
        return r == RES_HALTED ? DAEMON_REFUSED : DAEMON_LATER;
    case CLASS_BROKEN:
        break;
    case CLASS_BUG:
        return DAEMON_FAULT;
    }
    switch (r) {
    case RES_CONFIG:
    case RES_EXISTS:
        return DAEMON_USAGE;
    case RES_COPY:
    case RES_STORE_BEHIND:
    case RES_STORE_DAMAGED:
    case RES_STORE_FORMAT:
        return DAEMON_REFUSED;
    default:
        return DAEMON_FAULT;
    }
}

bool
daemon_help(int argc, char **argv, const char *help)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(help, stdout);
            return true;
        }
    }
    return false;
}

static void
usage(FILE *out)
{
    (void)fputs("cartularyd: a transparency log for S/MIME certificates\n"
                "\n"
                "    cartularyd COMMAND DIR [options]      DIR is the log's directory\n"
                "    cartularyd COMMAND --help             what a command does, with examples\n"
                "    --version                             the version\n"
                "\n",
                out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(out, "    %-9s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    (void)fputs(
        "\n"
        "A first log:\n"
        "    cartularyd init /var/lib/mylog --origin log.example/1 --url https://log.example \\\n"
        "        --roots roots.pem\n"
        "    cartularyd serve /var/lib/mylog\n"
        "\n"
        "Exit codes: 0 done, 1 refused by what was found, 2 wrong usage or input, 3 not now,\n"
        "5 a fault of this machine.  See cartularyd(8).\n",
        out);
}

int
main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        usage(stdout);
        return DAEMON_OK;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("cartularyd " CARTULARY_VERSION);
        return DAEMON_OK;
    }
    for (size_t i = 0; argc >= 2 && i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    if (argc >= 2)
        daemon_complain("'%s' is no command", argv[1]);
    usage(stderr);
    return DAEMON_USAGE;
}
