/*
 * cartulary, the client of a transparency log for S/MIME certificates.  The subcommands are a
 * table; each has its own file.  It links no server code.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/cmd.h"

static const struct command *const COMMANDS[] = {&CMD_SUBMIT,   &CMD_LOOKUP,    &CMD_HISTORY,
                                                 &CMD_VERIFY,   &CMD_MONITOR,   &CMD_HEADS,
                                                 &CMD_EVIDENCE, &CMD_CREDENTIAL};
#define COMMANDS_N (sizeof COMMANDS / sizeof *COMMANDS)

static const char OPTIONS_HELP[] =
    "options, before the command:\n"
    "  --policy FILE      which logs to believe (default: ~/.config/cartulary/policy, "
    "/etc/cartulary/policy)\n"
    "  --trust FILE.pem   certificates among which missing issuers are looked for\n"
    "  --state DIR        where to remember what logs have shown (default: "
    "$XDG_STATE_HOME/cartulary)\n"
    "  --stateless        remember nothing; then a log that changes its story goes unnoticed\n"
    "  --json             results as JSON, one object a line\n"
    "  --help, --version\n"
    "\n"
    "exit: 0 every proof verified   1 a negative answer, proved   2 bad usage or input\n"
    "      3 unreachable, stale, or our clock: try later   4 PROOF REFUSED, evidence kept   5 disk "
    "or memory\n"
    "\n"
    "Logged is not trusted: a log records what was issued, not whether it deserves belief.\n";

static void
print_help(FILE *out)
{
    (void)fputs("usage: cartulary [options] COMMAND [arguments]\n\n", out);
    for (size_t i = 0; i < COMMANDS_N; i++)
        (void)fprintf(out, "  %-10s %s\n", COMMANDS[i]->name, COMMANDS[i]->purpose);
    (void)fputs("\n`cartulary COMMAND --help` explains one of them.\n\n", out);
    (void)fputs(OPTIONS_HELP, out);
}

int
cmd_help(const struct command *c)
{
    (void)printf("usage: cartulary [options] %s %s\n\n%s\n%s", c->name, c->arguments, c->help,
                 OPTIONS_HELP);
    return EXIT_YES;
}

int
cmd_usage(const struct command *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)fprintf(stderr, "cartulary %s: ", c->name);
    (void)vfprintf(stderr, format, ap);
    (void)fprintf(stderr, "\nusage: cartulary [options] %s %s\nsee: cartulary %s --help\n", c->name,
                  c->arguments, c->name);
    va_end(ap);
    return EXIT_INPUT;
}

enum { OPT_POLICY = 256, OPT_TRUST, OPT_STATE, OPT_STATELESS, OPT_JSON, OPT_HELP, OPT_VERSION };

static const struct option OPTIONS[] = {{"policy", required_argument, NULL, OPT_POLICY},
                                        {"trust", required_argument, NULL, OPT_TRUST},
                                        {"state", required_argument, NULL, OPT_STATE},
                                        {"stateless", no_argument, NULL, OPT_STATELESS},
                                        {"json", no_argument, NULL, OPT_JSON},
                                        {"help", no_argument, NULL, OPT_HELP},
                                        {"version", no_argument, NULL, OPT_VERSION},
                                        {NULL, 0, NULL, 0}};

/* Whether arg is --NAME or --NAME=… of name's n bytes. */
static bool
is_option(const char *arg, const char *name, size_t n)
{
    return strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, name, n) == 0 &&
           (arg[2 + n] == '\0' || arg[2 + n] == '=');
}

/* Whether a subcommand's usage names the option arg. */
static bool
is_of_command(const struct command *c, const char *arg)
{
    for (const char *at = c->arguments; (at = strstr(at, "--")) != NULL; at += 2)
        if (is_option(arg, at + 2, strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-")))
            return true;
    return false;
}

/* An option of the subcommand that was given before it. */
static void
say_after(const char *arg)
{
    for (size_t i = 0; i < COMMANDS_N; i++)
        if (is_of_command(COMMANDS[i], arg)) {
            app_say("%.*s stands after the command", (int)strcspn(arg, "="), arg);
            return;
        }
}

/* Whether an option of the program was given after the subcommand; says so. */
static bool
says_before(const struct command *c, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        for (const struct option *o = OPTIONS; o->name != NULL; o++)
            if (is_option(argv[i], o->name, strlen(o->name)) && o->val != OPT_HELP &&
                !is_of_command(c, argv[i])) {
                app_say("--%s stands before the command: cartulary --%s%s %s", o->name, o->name,
                        o->has_arg == no_argument ? "" : " ...", c->name);
                return true;
            }
    return false;
}

/* EXIT_YES to go on, or the exit code to leave with in *ret_done. */
static int
read_options(int argc, char **argv, struct options *o, bool *ret_done)
{
    int c;
    *ret_done = true;
    while ((c = getopt_long(argc, argv, "+h", OPTIONS, NULL)) != -1) {
        if (c == OPT_POLICY)
            o->policy = optarg;
        else if (c == OPT_TRUST)
            o->trust = optarg;
        else if (c == OPT_STATE)
            o->state = optarg;
        else if (c == OPT_STATELESS)
            o->stateless = true;
        else if (c == OPT_JSON)
            o->json = true;
        else if (c == OPT_HELP || c == 'h') {
            print_help(stdout);
            return EXIT_YES;
        } else if (c == OPT_VERSION) {
            (void)puts("cartulary " CARTULARY_VERSION);
            return EXIT_YES;
        } else {
            say_after(argv[optind - 1]);
            (void)fputs("see: cartulary --help\n", stderr);
            return EXIT_INPUT;
        }
    }
    if (o->state != NULL && o->stateless) {
        app_say("--state and --stateless exclude each other");
        return EXIT_INPUT;
    }
    *ret_done = false;
    return EXIT_YES;
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    bool done;
    int e = read_options(argc, argv, &o, &done);
    if (done)
        return e;
    if (optind == argc) {
        print_help(stderr);
        return EXIT_INPUT;
    }
    const char *name = argv[optind];
    for (size_t i = 0; i < COMMANDS_N; i++) {
        if (strcmp(COMMANDS[i]->name, name) != 0)
            continue;
        argc -= optind;
        argv += optind;
        if (says_before(COMMANDS[i], argc, argv))
            return EXIT_INPUT;
        optind = 0; /* glibc: start afresh */
        e = COMMANDS[i]->run(&o, argc, argv);
        /* Output that could not be written was not given. */
        if (fflush(stdout) != 0 || ferror(stdout)) {
            app_say("cannot write the output");
            e = EXIT_FAULT;
        }
        return e;
    }
    app_say("there is no command \"%s\"; see: cartulary --help", name);
    return EXIT_INPUT;
}
