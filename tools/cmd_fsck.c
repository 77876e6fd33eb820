/* cartularyd fsck: check a log's directory. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/fsck.h"
#include "merkle/base/text.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd fsck DIR [--scts N] [--quiet]\n"
    "\n"
    "Reads every byte of the log in DIR and checks each against the others: entries against leaf\n"
    "hashes, tiles against each other and the signed root, precertificates against what was\n"
    "logged, issuers against their names, signatures against log.pub.pem.  Needs no keys, changes\n"
    "nothing, and may run while the log serves.\n"
    "\n"
    "  --scts N   check one SCT signature in N (the default, 1, checks all: some 60 us each)\n"
    "  --quiet    no progress on stderr\n"
    "\n"
    "Exit codes: 0 sound, 1 damaged (what and where is printed), 2 could not be checked.\n";

#define FINDINGS_SHOWN 100

struct state {
    bool quiet;
    uint64_t shown;
};

static void
on_progress(void *arg, uint64_t done, uint64_t of)
{
    struct state *s = arg;
    if (s->quiet || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries%s", done, of,
                  done == of ? "\n" : "");
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    struct state *s = arg;
    if (s->shown++ < FINDINGS_SHOWN)
        (void)printf("%s: %s\n", where, what);
    else if (s->shown == FINDINGS_SHOWN + 1)
        (void)printf("(more findings are counted, not shown)\n");
}

static int
take_options(int argc, char **argv, struct fsck_options *o, struct state *s)
{
    static const struct option OPTIONS[] = {{"scts", required_argument, NULL, 's'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {NULL, 0, NULL, 0}};
    int c;
    uint64_t every = 1;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c == 'q')
            s->quiet = true;
        else if (c != 's' || text_u64(span_str(optarg), 1000000000, &every) != RES_OK || every == 0)
            return DAEMON_USAGE;
    }
    if (optind + 1 != argc)
        return DAEMON_USAGE;
    o->dir = argv[optind];
    o->sct_every = (unsigned)every;
    return DAEMON_OK;
}

/* Checks and says what was found; the exit code. */
static int
check(const struct fsck_options *o)
{
    struct fsck_report report;
    struct log_trouble why;
    char root[2 * HASH_SIZE + 1];
    enum result rc = fsck_run(o, &report, &why);
    if (rc != RES_OK && rc != RES_STORE_DAMAGED) {
        daemon_complain("could not check: %s", why.text);
        return 2;
    }
    text_hex_to(hash_span(&report.root), root);
    if (rc == RES_OK) {
        (void)printf("sound: %" PRIu64 " entries, root %s\n", report.size, root);
        if (report.erased > 0)
            (void)printf("%" PRIu64 " of them are erased: their leaf hashes are there\n",
                         report.erased);
        return 0;
    }
    (void)printf("damaged: %" PRIu64 " findings in %" PRIu64 " entries\n", report.findings,
                 report.size);
    return 1;
}

/* Whether a process ends so when the bytes it reads lead it astray. */
static bool
is_crash(int number)
{
    return number == SIGBUS || number == SIGSEGV || number == SIGABRT || number == SIGFPE ||
           number == SIGILL;
}

/* How the checking process ended, as an exit code. */
static int
judge(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (is_crash(WTERMSIG(status))) {
        (void)printf("damaged: the store's own structure is torn; reading it ended in signal %d. "
                     "Bring a backup to life\n",
                     WTERMSIG(status));
        return 1;
    }
    daemon_complain("could not check: ended by signal %d", WTERMSIG(status));
    return 2;
}

/* LMDB believes the file that it maps: pages torn badly enough end the process that follows them.
 * So a process of its own checks, and this one lives to say so. */
static int
check_apart(const struct fsck_options *o)
{
    int status = 0;
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        /* When whoever asked is gone, so is the question. */
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(2);
        int code = check(o);
        (void)fflush(NULL);
        _exit(code);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        daemon_complain("could not check: no process for it");
        return 2;
    }
    return judge(status);
}

int
cmd_fsck(int argc, char **argv)
{
    struct state state = {.quiet = false};
    struct fsck_options o = {.progress = on_progress, .finding = on_finding, .arg = &state};
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (take_options(argc, argv, &o, &state) != DAEMON_OK) {
        daemon_complain("fsck wants DIR; see 'cartularyd fsck --help'");
        return DAEMON_USAGE;
    }
    return check_apart(&o);
}
