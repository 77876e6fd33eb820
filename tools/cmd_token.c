/* cartularyd token: auditors' bearer tokens. */
#include <stdio.h>
#include <string.h>

#include "log/tokens.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd token DIR add NAME      make a token for the auditor NAME and print it, once\n"
    "cartularyd token DIR remove NAME   take it back\n"
    "cartularyd token DIR list          print the names\n"
    "\n"
    "In a log with 'entries = auditors' the bodies of entries are given only to requests with\n"
    "'Authorization: Bearer TOKEN'.  Only a hash of the token is kept.  A log that serves reads "
    "the\n"
    "tokens again on SIGHUP.\n";

static int
list(const char *dir)
{
    static struct tokens t;
    enum result rc = tokens_load(dir, &t);
    if (rc != RES_OK) {
        daemon_complain("%s/tokens: %s", dir, result_sentence(rc));
        return daemon_exit_code(rc);
    }
    for (size_t i = 0; i < t.n; i++)
        (void)printf("%s\n", t.token[i].name);
    return DAEMON_OK;
}

static int
add(const char *dir, const char *name)
{
    char text[TOKENS_TEXT_MAX];
    enum result rc = tokens_add(dir, name, text);
    if (rc == RES_OK) {
        (void)printf("%s\n", text);
        daemon_complain(
            "shown only this once; send SIGHUP to the running log, which then takes it");
        return DAEMON_OK;
    }
    daemon_complain("%s: %s", name,
                    rc == RES_EXISTS  ? "has a token already; remove it first"
                    : rc == RES_VALUE ? "a name is 1 to 63 of A-Z a-z 0-9 . _ -"
                                      : result_sentence(rc));
    return daemon_exit_code(rc);
}

static int
take_back(const char *dir, const char *name)
{
    enum result rc = tokens_remove(dir, name);
    if (rc != RES_OK)
        daemon_complain("%s: %s", name, rc == RES_ABSENT ? "has no token" : result_sentence(rc));
    return daemon_exit_code(rc);
}

int
cmd_token(int argc, char **argv)
{
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (argc == 3 && strcmp(argv[2], "list") == 0)
        return list(argv[1]);
    if (argc == 4 && strcmp(argv[2], "add") == 0)
        return add(argv[1], argv[3]);
    if (argc == 4 && strcmp(argv[2], "remove") == 0)
        return take_back(argv[1], argv[3]);
    daemon_complain("token wants DIR and add, list or remove; see 'cartularyd token --help'");
    return DAEMON_USAGE;
}
