/* cartularyd backup: copy a log without its keys. */
#include <inttypes.h>
#include <stdio.h>

#include "log/copy.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd backup DIR DEST\n"
    "\n"
    "Copies the log in DIR to the new directory DEST: one snapshot of the store, the "
    "configuration,\n"
    "the roots and the public files.  No keys and no tokens.  The log may serve meanwhile.\n"
    "Run it as the log's account.  A DEST that was not finished must be removed before another "
    "try.\n"
    "\n"
    "The copy does not serve: an old copy that signed new heads would fork the log.  See\n"
    "'cartularyd promote --help' for what makes it a log again, and check it with 'cartularyd "
    "fsck'.\n";

int
cmd_backup(int argc, char **argv)
{
    struct store_head head;
    struct log_trouble why;
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (argc != 3) {
        daemon_complain("backup wants DIR and DEST; see 'cartularyd backup --help'");
        return DAEMON_USAGE;
    }
    enum result rc = copy_backup(argv[1], argv[2], &head, &why);
    if (rc != RES_OK) {
        daemon_complain("%s", why.text);
        return daemon_exit_code(rc);
    }
    (void)printf("copied %" PRIu64 " entries to %s, without keys\n", head.size, argv[2]);
    return DAEMON_OK;
}
