/* cartulary history: which keys had this address, version by version? */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/finder.h"
#include "client/directory/history.h"
#include "client/json.h"
#include "merkle/base/text.h"
#include "tools/cmd.h"
#include "tools/engine.h"
#include "tools/records.h"
#include "tools/remembered.h"
#include "tools/seen.h"

static const struct option OPTIONS[] = {
    {"log", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

/* One run against one log. */
struct run {
    struct app *app;
    struct transport *transport;
    const struct policy_log *log;
    const char *text;
    struct label label;
    struct memory memory;
};

static void
ask_finder(void *arg, struct ask *ret)
{
    finder_ask(arg, ret);
}

static void
answer_finder(void *arg, const struct answer *a, uint64_t now)
{
    finder_answer(arg, a, now);
}

static void
ask_history(void *arg, struct ask *ret)
{
    history_ask(arg, ret);
}

static void
answer_history(void *arg, const struct answer *a, uint64_t now)
{
    history_answer(arg, a, now);
}

/* What a verdict other than yes means for the exit code. */
static int
exit_of(struct run *run, const struct verdict *v)
{
    if (v->kind == VERDICT_YES)
        return EXIT_YES;
    app_say("%s: %s", run->log->note.name, v->detail);
    return v->kind == VERDICT_REFUSED ? seen_save_evidence(run->app, run->log, v)
                                      : app_exit_of(v->kind);
}

/* The greatest version into *ret, and whether it is a tombstone; EXIT_NO when there is none. */
static int
find_greatest(struct run *run, uint32_t *ret, bool *ret_erased)
{
    int e = EXIT_FAULT;
    const struct finder_config c = {.log = run->log,
                                    .policy = run->app->policy,
                                    .view = seen_view(run->app, run->log, &e),
                                    .memory = &run->memory,
                                    .look_up = true,
                                    .label = run->label,
                                    .seed = app_now()};
    struct finder *f;
    if (c.view == NULL)
        return e;
    if (finder_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask_finder, answer_finder};
    e = engine_run(run->transport, run->log, &engine);
    if (e == EXIT_YES)
        e = exit_of(run, finder_verdict(f));
    if (e == EXIT_YES && !finder_found(f)->present)
        e = EXIT_NO;
    else if (e == EXIT_YES) {
        *ret = finder_found(f)->search.version;
        *ret_erased = finder_found(f)->state.tombstone;
    }
    finder_free(f);
    return e;
}

static int
print_versions(const struct run *run, const struct history_version *v, size_t n)
{
    struct span before = span_of(NULL, 0);
    for (size_t i = 0; i < n; i++) {
        char time[APP_TIME_MAX];
        app_time(v[i].seen_from, time);
        if (!run->app->o.json)
            (void)printf("%s version %" PRIu32 ", in the directory of %s by %s\n", run->text,
                         v[i].version, run->log->note.name, time);
        else
            (void)printf("{\"log\":\"%s\",\"version\":%" PRIu32 ",\"seen\":%" PRIu64 ",",
                         run->log->note.name, v[i].version, v[i].seen_from);
        enum result r = records_print(&run->label, buf_span(&v[i].value), before, run->app->o.json);
        if (run->app->o.json)
            (void)puts("}");
        if (r != RES_OK) {
            app_say("version %" PRIu32 " holds what no directory writes: %s", v[i].version,
                    result_sentence(r));
            return EXIT_FAULT;
        }
        before = buf_span(&v[i].value);
    }
    return EXIT_YES;
}

static int
print_history(struct run *run, uint32_t greatest, bool erased)
{
    const struct history_config c = {.log = run->log,
                                     .memory = &run->memory,
                                     .label = run->label,
                                     .greatest = greatest,
                                     .erased = erased,
                                     .seed = app_now()};
    struct history *h;
    if (history_new(&c, &h) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {h, ask_history, answer_history};
    int e = engine_run(run->transport, run->log, &engine);
    if (e == EXIT_YES)
        e = exit_of(run, history_verdict(h));
    if (e == EXIT_YES) {
        size_t n;
        const struct history_version *v = history_versions(h, &n);
        if (erased && v[0].version > 0)
            app_say("%" PRIu32 " earlier versions were erased", v[0].version);
        else if (v[0].version > 0)
            app_say("only the newest %zu versions", n);
        e = print_versions(run, v, n);
    }
    history_free(h);
    return e;
}

static int
ask_log(struct run *run)
{
    uint32_t greatest = 0;
    bool erased = false;
    memory_init(&run->memory);
    int e = remembered_follow_log(run->app, run->transport, run->log);
    if (e == EXIT_YES)
        e = remembered_load(run->app, run->log, &run->memory);
    if (e == EXIT_YES)
        e = find_greatest(run, &greatest, &erased);
    if (e == EXIT_YES)
        e = print_history(run, greatest, erased);
    else if (e == EXIT_NO && !run->app->o.json)
        (void)printf("%s: never (directory of %s)\n", run->text, run->log->note.name);
    if (e <= EXIT_LATER)
        e = app_worse(e, remembered_save(run->app, run->log, &run->memory));
    memory_release(&run->memory);
    return e;
}

/* 0 when some log has a history, 1 when all prove that there is none. */
static int
ask_all(struct run *run, const char *origin)
{
    int worst = EXIT_YES;
    size_t asked = 0, none = 0;
    for (size_t i = 0; i < policy_logs(run->app->policy); i++) {
        run->log = policy_log(run->app->policy, i);
        if (run->log->p256 == NULL || run->log->url[0] == '\0' || !run->log->has_directory ||
            (origin != NULL && strcmp(origin, run->log->note.name) != 0))
            continue;
        asked++;
        int e = ask_log(run);
        none += e == EXIT_NO;
        if (e != EXIT_NO)
            worst = app_worse(worst, e);
    }
    if (asked == 0) {
        app_say("the policy names no such log with a key directory");
        return EXIT_INPUT;
    }
    return worst == EXIT_YES && none == asked ? EXIT_NO : worst;
}

static int
run_history(const struct options *o, int argc, char **argv)
{
    static struct run run;
    const struct transport_config tc = {0};
    const char *origin = NULL;
    struct address address;
    struct app app;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'h')
            return cmd_help(&CMD_HISTORY);
        else if (c == 'l')
            origin = optarg;
        else
            return cmd_usage(&CMD_HISTORY, "unknown option");
    }
    if (optind != argc - 1)
        return cmd_usage(&CMD_HISTORY, "it takes one address");
    run = (struct run){.app = &app, .text = argv[optind]};
    enum result r = address_parse(span_str(run.text), &address);
    if (r != RES_OK) {
        app_say("\"%s\" is no address: %s", run.text, result_sentence(r));
        return EXIT_INPUT;
    }
    label_of_address(&address, &run.label);
    int e = app_open(&app, o, true);
    if (e == EXIT_YES && transport_new(&tc, &run.transport) != RES_OK) {
        app_say("cannot set up libcurl");
        e = EXIT_FAULT;
    }
    if (e == EXIT_YES)
        e = ask_all(&run, origin);
    transport_free(run.transport);
    app_close(&app);
    return e;
}

const struct command CMD_HISTORY = {
    .name = "history",
    .arguments = "[--log ORIGIN] ADDRESS",
    .purpose = "every key that an address had, version by version",
    .help = "Asks the key directory for every version of one address and verifies each.  A version "
            "is made whenever something\n"
            "changes: what is new in it is marked.  All that was logged is shown, also what nobody "
            "should trust: this says what\n"
            "was issued, `lookup` says what to use.\n"
            "\n"
            "  --log ORIGIN  only this log of the policy\n"
            "\n"
            "exit 1: the address never had a certificate, proved.\n"
            "\n"
            "example: cartulary --policy log.policy history alice@example.org\n",
    .run = run_history,
};
