/* cartulary monitor: has each log of the policy kept to what it showed before? */
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/follow.h"
#include "tools/seen.h"
#include "tools/watch.h"

#define INTERVAL_S 60
/* Addresses on one command line; those of earlier runs are remembered. */
#define WATCH_MAX 64

static const struct option OPTIONS[] = {
    {"once", no_argument, NULL, 'o'},           {"log", required_argument, NULL, 'l'},
    {"interval", required_argument, NULL, 'i'}, {"watch", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

static void
report(const struct app *a, const struct policy_log *log, const struct monitor *m,
       uint64_t size_before)
{
    const struct verdict *v = monitor_verdict(m);
    const struct view_head *h = monitor_head(m);
    char time[APP_TIME_MAX] = "";
    assert(v->kind != VERDICT_YES || h != NULL);
    if (h != NULL)
        app_time(h->head.timestamp, time);
    if (a->o.json) {
        (void)printf("{\"log\":\"%s\",\"exit\":%d,\"why\":\"%s\"", log->note.name,
                     app_exit_of(v->kind), result_name(v->why));
        if (h != NULL)
            (void)printf(
                ",\"tree_size\":%" PRIu64 ",\"timestamp\":%" PRIu64 ",\"first_contact\":%s",
                h->head.size, h->head.timestamp, monitor_first_contact(m) ? "true" : "false");
        (void)puts("}");
    } else if (v->kind == VERDICT_YES && monitor_first_contact(m)) {
        (void)printf("%s: size %" PRIu64
                     " at %s; signatures verified.  First contact: there is nothing yet to "
                     "be consistent with\n",
                     log->note.name, h->head.size, time);
    } else if (v->kind == VERDICT_YES) {
        (void)printf("%s: size %" PRIu64
                     " at %s; consistent with everything seen before (size %" PRIu64
                     "), signatures verified\n",
                     log->note.name, h->head.size, time, size_before);
    }
    if (v->kind != VERDICT_YES)
        app_say("%s: %s", log->note.name, v->detail);
}

/* What one run was told on its command line. */
struct task {
    const char *origin;
    const char *watch[WATCH_MAX];
    size_t watch_n;
};

static int
check_log(struct app *a, struct transport *t, const struct policy_log *log, const struct task *task)
{
    struct monitor *m = NULL;
    int e = EXIT_FAULT;
    struct view *view = seen_view(a, log, &e);
    if (view == NULL)
        return e;
    const struct view_head *before = view_newest(view);
    uint64_t size_before = before == NULL ? 0 : before->head.size;
    const struct monitor_config c = {
        .log = log, .policy = a->policy, .view = view, .cross_check = true, .seed = app_now()};
    if (monitor_new(&c, &m) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    e = follow_run(t, log, m);
    if (e == EXIT_YES) {
        const struct verdict *v = monitor_verdict(m);
        report(a, log, m, size_before);
        e = app_exit_of(v->kind);
        if (v->kind == VERDICT_REFUSED)
            e = seen_save_evidence(a, log, v);
        else if (monitor_head(m) != NULL && view_newest(view) != NULL)
            e = app_worse(e, seen_save(a, log));
    }
    monitor_free(m);
    if (e == EXIT_YES && log->has_directory)
        e = watch_round(a, t, log, task->watch, task->watch_n);
    return e;
}

static int
check_all(struct app *a, struct transport *t, const struct task *task)
{
    int worst = EXIT_YES;
    if (task->origin != NULL) {
        const struct policy_log *log = app_choose_log(a, task->origin);
        return log == NULL ? EXIT_INPUT : check_log(a, t, log, task);
    }
    size_t checked = 0;
    for (size_t i = 0; i < policy_logs(a->policy); i++) {
        const struct policy_log *log = policy_log(a->policy, i);
        if (log->p256 == NULL || log->url[0] == '\0')
            continue;
        checked++;
        worst = app_worse(worst, check_log(a, t, log, task));
    }
    if (checked == 0) {
        app_say("the policy names no log with a URL and a \"#cartulary ct-key\" line");
        return EXIT_INPUT;
    }
    return worst;
}

/* Policy and state are opened for one round: between rounds other runs of the client have the lock.
 */
static int
round_of_checks(const struct options *o, struct transport *t, const struct task *task)
{
    struct app a;
    int e = app_open(&a, o, true);
    if (e == EXIT_YES)
        e = check_all(&a, t, task);
    app_close(&a);
    return e;
}

static int
monitor(const struct options *o, const struct task *task, bool once, unsigned interval)
{
    const struct transport_config tc = {0};
    const struct sigaction stop = {.sa_handler = on_signal};
    struct transport *t = NULL;
    if (transport_new(&tc, &t) != RES_OK) {
        app_say("cannot set up libcurl");
        return EXIT_FAULT;
    }
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    int e = round_of_checks(o, t, task);
    /* A log that contradicts itself ends the watch: somebody has to look. */
    while (!once && !stopped && (e == EXIT_YES || e == EXIT_LATER)) {
        (void)fflush(stdout);
        (void)sleep(interval);
        if (!stopped)
            e = round_of_checks(o, t, task);
    }
    transport_free(t);
    return e;
}

static int
run(const struct options *o, int argc, char **argv)
{
    struct task task = {.origin = NULL};
    bool once = false;
    unsigned long interval = INTERVAL_S;
    char *end;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'o')
            once = true;
        else if (c == 'l')
            task.origin = optarg;
        else if (c == 'w' && task.watch_n < WATCH_MAX)
            task.watch[task.watch_n++] = optarg;
        else if (c == 'w')
            return cmd_usage(&CMD_MONITOR, "--watch at most 64 times; run it again for more");
        else if (c == 'h')
            return cmd_help(&CMD_MONITOR);
        else if (c == 'i') {
            interval = strtoul(optarg, &end, 10);
            if (*end != '\0' || interval < 1 || interval > 86400)
                return cmd_usage(&CMD_MONITOR, "--interval takes 1 to 86400 seconds");
        } else
            return cmd_usage(&CMD_MONITOR, "unknown option");
    }
    if (optind != argc)
        return cmd_usage(&CMD_MONITOR, "it takes no arguments");
    return monitor(o, &task, once, (unsigned)interval);
}

const struct command CMD_MONITOR = {
    .name = "monitor",
    .arguments = "[--once] [--log ORIGIN] [--interval SECONDS] [--watch ADDRESS]...",
    .purpose = "check that each log keeps to what it showed before",
    .help =
        "Fetches the newest signed head of each log in the policy, verifies both its "
        "signatures and the quorum of\n"
        "witnesses, has the log prove that everything seen before is still in the tree, and "
        "compares get-sth with\n"
        "/checkpoint.  Where a log has a key directory, what was looked up before is followed, "
        "watched addresses are\n"
        "checked, and what credentials are checked by is learned; those that wait are confirmed "
        "where that names no address\n"
        "to the log, or their time is over.  What was verified is remembered in the state "
        "directory.\n"
        "\n"
        "When heads contradict each other, or no proof links them, both signed heads are kept "
        "in an evidence file\n"
        "and the exit code is 4.  A head older than 20 minutes, or none, is exit 3.\n"
        "\n"
        "  --once              one round, then exit (for cron and timers); otherwise a round "
        "every --interval (60 s)\n"
        "  --log ORIGIN        only this log of the policy\n"
        "  --interval SECONDS  between rounds, 1 to 86400\n"
        "  --watch ADDRESS     from now on tell each certificate that names this address, "
        "wherever it stands in it, and have\n"
        "                      the key directory show that there is no other.  Remembered: later "
        "runs need not say it\n"
        "\n"
        "example: cartulary --policy log.policy monitor --once\n",
    .run = run,
};
