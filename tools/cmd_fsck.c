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

#include "log/files.h"
#include "log/fsck.h"
#include "merkle/base/text.h"
#include "merkle/note/note.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd fsck DIR [--scts N] [--proofs N] [--quiet]\n"
    "cartularyd fsck DIR --rebuild [--feed FILE] [--scts N] [--quiet]\n"
    "\n"
    "Reads every byte of the log in DIR and checks each against the others: entries against leaf\n"
    "hashes, tiles against each other and the signed root, precertificates against what was\n"
    "logged, issuers against their names, signatures against log.pub.pem; and of the key "
    "directory\n"
    "recipes, keys and every row, tree, commitment and proof.  Needs no signing keys, changes\n"
    "nothing, and may run while the log serves.\n"
    "\n"
    "  --scts N   check one SCT signature in N (the default, 1, checks all: some 60 us each)\n"
    "  --proofs N the same for the directory's VRF proofs (some 350 us each)\n"
    "  --quiet    no progress on stderr\n"
    "\n"
    "  --rebuild  checks the certificate log, and makes DIR/directory/data.mdb and its index "
    "again\n"
    "             from it, DIR/directory/recipes and DIR/directory/keys.  Stop the log first; "
    "needs\n"
    "             DIR/keys.  What was signed before is compared; the old file is kept beside the "
    "new\n"
    "             one.  Killed or refused, it has changed nothing; begin it again\n"
    "  --feed FILE  the newest head of the directory's feed that is known outside, a saved\n"
    "             /feed/checkpoint: what is made must be its continuation\n"
    "\n"
    "Exit codes: 0 sound, or made again; 1 damaged (what and where is printed), or not made again\n"
    "because what is there does not fit; 2 could not be checked or made.\n";

#define FINDINGS_SHOWN 100

struct state {
    bool quiet;
    bool rebuild;
    const char *feed;
    uint64_t shown;
};

static void
on_progress(void *arg, const char *of_what, uint64_t done, uint64_t of)
{
    struct state *s = arg;
    if (s->quiet || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " %s%s", done, of, of_what,
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

static bool
take_every(const char *text, uint64_t *ret)
{
    return text_u64(span_str(text), 1000000000, ret) == RES_OK && *ret > 0;
}

static int
take_options(int argc, char **argv, struct fsck_options *o, struct state *s)
{
    static const struct option OPTIONS[] = {
        {"scts", required_argument, NULL, 's'}, {"proofs", required_argument, NULL, 'p'},
        {"rebuild", no_argument, NULL, 'r'},    {"feed", required_argument, NULL, 'f'},
        {"quiet", no_argument, NULL, 'q'},      {NULL, 0, NULL, 0}};
    int c;
    uint64_t scts = 1, proofs = 1;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c == 'q')
            s->quiet = true;
        else if (c == 'r')
            s->rebuild = true;
        else if (c == 'f')
            s->feed = optarg;
        else if ((c != 's' && c != 'p') || !take_every(optarg, c == 's' ? &scts : &proofs))
            return DAEMON_USAGE;
    }
    if (optind + 1 != argc || (s->feed && !s->rebuild))
        return DAEMON_USAGE;
    o->dir = argv[optind];
    o->sct_every = (unsigned)scts;
    o->proof_every = (unsigned)proofs;
    return DAEMON_OK;
}

static void
tell_directory(const struct fsck_report *report)
{
    const struct check_report *d = &report->directory;
    char root[2 * HASH_SIZE + 1];
    if (!report->has_directory)
        return;
    text_hex_to(hash_span(&d->root), root);
    (void)printf("directory: %" PRIu64 " epochs, %" PRIu64 " versions of %" PRIu64
                 " labels (%" PRIu64 " erased), root %s\n",
                 d->size, d->versions, d->labels, d->erased, root);
}

/* The directory alone is damaged. */
static void
tell_next(const struct fsck_options *o)
{
    (void)printf("the certificate log is sound; when recipes and keys are too, stop the log, and "
                 "'cartularyd fsck %s --rebuild' makes the directory again\n",
                 o->dir);
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
        tell_directory(&report);
        return 0;
    }
    (void)printf("damaged: %" PRIu64 " findings in %" PRIu64 " entries\n", report.findings,
                 report.size);
    if (report.directory.findings > 0 && report.directory.findings == report.findings)
        tell_next(o);
    return 1;
}

static void
tell_made(const struct fsck_options *o, const struct rebuild_report *r)
{
    char root[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(&r->root), root);
    (void)printf("made again: %" PRIu64 " epochs, %" PRIu64 " versions of %" PRIu64
                 " labels, root %s\n",
                 r->size, r->versions, r->labels, root);
    if (r->kept[0])
        (void)printf("the file that it replaces is kept as %s/directory/%s; remove it when the log "
                     "serves well\n",
                     o->dir, r->kept);
    if (!r->compared)
        (void)printf("no signed head was there to compare it with: before the log serves, hold it "
                     "against the newest /feed/checkpoint that is known outside (--feed FILE)\n");
}

/* Whether the failure is about what was found, and not about this machine or the question. */
static bool
is_refusal(enum result rc)
{
    return rc == RES_STORE_DAMAGED || rc == RES_STORE_BEHIND || rc == RES_CONFLICT ||
           rc == RES_ABSENT;
}

static int
rebuild(const struct fsck_options *o)
{
    struct fsck_report report;
    struct rebuild_report made;
    struct log_trouble why;
    enum result rc = fsck_rebuild(o, &report, &made, &why);
    if (rc != RES_OK) {
        daemon_complain("not made again: %s", why.text);
        return is_refusal(rc) ? 1 : 2;
    }
    tell_made(o, &made);
    return 0;
}

/* Ends as it ends, when the old file is torn. */
static int
probe(const struct fsck_options *o)
{
    return fsck_probe(o->dir) == RES_OK ? 0 : 1;
}

/* Whether a process ends so when the bytes it reads lead it astray. */
static bool
is_crash(int status)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return number == SIGBUS || number == SIGSEGV || number == SIGABRT || number == SIGFPE ||
           number == SIGILL;
}

/* How the working process ended, as an exit code. */
static int
judge(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (is_crash(status)) {
        (void)printf("damaged: the store's own structure is torn; reading it ended in signal %d. "
                     "Bring a backup to life\n",
                     WTERMSIG(status));
        return 1;
    }
    daemon_complain("could not check: ended by signal %d", WTERMSIG(status));
    return 2;
}

/* LMDB believes the file that it maps: pages torn badly enough end the process that follows them.
 * So a process of its own works, and this one lives to say so.  Its status into *ret. */
static bool
apart(int (*work)(const struct fsck_options *o), const struct fsck_options *o, int *ret)
{
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        /* When whoever asked is gone, so is the question. */
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(2);
        int code = work(o);
        (void)fflush(NULL);
        _exit(code);
    }
    if (pid > 0 && waitpid(pid, ret, 0) == pid)
        return true;
    daemon_complain("could not check: no process for it");
    return false;
}

/* Whose file it is that ended a check decides what to do next: the certificate log is checked
 * alone. */
static int
judge_crash(struct fsck_options *o, int crash)
{
    int status = 0;
    o->log_alone = true;
    if (!apart(check, o, &status))
        return 2;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return judge(status);
    (void)printf("directory/data.mdb: its structure is torn; reading it ended in signal %d\n",
                 WTERMSIG(crash));
    tell_next(o);
    return 1;
}

static int
check_apart(struct fsck_options *o)
{
    int status = 0;
    if (!apart(check, o, &status))
        return 2;
    return is_crash(status) ? judge_crash(o, status) : judge(status);
}

static int
rebuild_apart(struct fsck_options *o)
{
    int status = 0;
    if (!apart(probe, o, &status))
        return 2;
    o->old_unreadable = is_crash(status);
    return apart(rebuild, o, &status) ? judge(status) : 2;
}

/* Reads the checkpoint of --feed, if it was given, and does what was asked. */
static int
begin(struct fsck_options *o, const struct state *s)
{
    struct buf feed = BUF_INIT(NOTE_MAX);
    enum result rc = s->feed ? files_read(s->feed, &feed) : RES_OK;
    if (rc != RES_OK)
        daemon_complain("%s: %s", s->feed, result_sentence(rc));
    o->feed = buf_span(&feed);
    int code = rc != RES_OK ? DAEMON_USAGE : s->rebuild ? rebuild_apart(o) : check_apart(o);
    buf_release(&feed);
    return code;
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
    return begin(&o, &state);
}
