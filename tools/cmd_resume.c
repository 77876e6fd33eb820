/* cartularyd resume: serve again after a halt. */
#include <stdio.h>

#include "log/fsck.h"
#include "log/marker.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd resume DIR\n"
    "\n"
    "A log that found something wrong with what it was about to sign, or whose disk failed, "
    "halts:\n"
    "the file DIR/halted says why and 'cartularyd serve' refuses.  Resume checks the whole log as\n"
    "'cartularyd fsck' does, and only when it is sound takes the file away.\n";

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    (void)printf("%s: %s\n", where, what);
}

int
cmd_resume(int argc, char **argv)
{
    char text[MARKER_TEXT_MAX];
    struct fsck_report report;
    struct log_trouble why;
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (argc != 2) {
        daemon_complain("resume wants DIR; see 'cartularyd resume --help'");
        return DAEMON_USAGE;
    }
    enum result rc = marker_get(argv[1], MARKER_HALTED, text);
    if (rc != RES_OK) {
        daemon_complain(rc == RES_ABSENT ? "%s has not halted: there is nothing to resume"
                                         : "%s: the marker cannot be read",
                        argv[1]);
        return daemon_exit_code(rc);
    }
    struct fsck_options o = {
        .dir = argv[1], .sct_every = 1, .proof_every = 1, .finding = on_finding};
    rc = fsck_run(&o, &report, &why);
    if (rc != RES_OK) {
        daemon_complain("not resumed: %s",
                        rc == RES_STORE_DAMAGED ? "the log is damaged" : why.text);
        return daemon_exit_code(rc);
    }
    rc = marker_clear(argv[1], MARKER_HALTED);
    if (rc != RES_OK) {
        daemon_complain("%s/halted cannot be removed", argv[1]);
        return DAEMON_FAULT;
    }
    (void)printf("sound; it had halted: %s\nnext: cartularyd serve %s\n", text, argv[1]);
    return DAEMON_OK;
}
