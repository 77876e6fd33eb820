/* cartulary lookup: which keys has this address, proved and worth believing? */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/finder.h"
#include "tools/accuse.h"
#include "tools/cmd.h"
#include "tools/engine.h"
#include "tools/offered.h"
#include "tools/records.h"
#include "tools/remembered.h"
#include "tools/seen.h"
#include "tools/when.h"

static const struct option OPTIONS[] = {{"for", required_argument, NULL, 'f'},
                                        {"at", required_argument, NULL, 'a'},
                                        {"fold", no_argument, NULL, 'F'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"log", required_argument, NULL, 'l'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

/* One run. */
struct run {
    struct app app;
    struct transport *transport;
    const char *text; /* the address as it was typed */
    struct label label;
    struct offer_question q;
    struct kt_optional at; /* milliseconds */
    const char *out;
    struct buf pem; /* what is offered */
};

/* ---- saying it ---- */

static int
print_json(const struct run *run, const struct policy_log *log, const struct found *f,
           const struct offer *offers, enum offer_outcome outcome, const char *about)
{
    (void)printf("{\"log\":\"%s\",\"about\":\"%s\",\"exit\":%d,\"reason\":\"%s\",\"size\":%" PRIu64
                 ",\"timestamp\":%" PRIu64 ",\"records\":[",
                 log->note.name, about, outcome == OFFER_YES ? EXIT_YES : EXIT_NO,
                 offer_outcome_name(outcome), f->head.size, f->head.timestamp);
    (void)run;
    int e = offered_json(f, offers);
    (void)puts("]}");
    return e;
}

static void
print_text(const struct run *run, const struct policy_log *log, const struct found *f,
           const struct offer *offers, enum offer_outcome outcome, const char *about)
{
    char time[APP_TIME_MAX];
    app_time(f->head.timestamp, time);
    (void)printf("%s, %s: %s (directory of %s, epoch %" PRIu64 " of %s)\n", run->text, about,
                 offer_outcome_name(outcome), log->note.name, f->head.size - 1, time);
    if (f->of_time && f->present) {
        char from[APP_TIME_MAX], to[APP_TIME_MAX] = "now";
        app_time(f->as_of.begins, from);
        if (f->as_of.claim.followed)
            app_time(f->as_of.ends, to);
        (void)printf("  version %" PRIu32 ", the newest from %s to %s\n", f->as_of.claim.version,
                     from, to);
    } else if (f->present && f->state.tombstone) {
        records_print_tombstone(&f->state);
    } else if (f->present) {
        (void)printf("  version %" PRIu32 "; %zu of %" PRIu32 " certificates have not expired\n",
                     f->search.version, f->records_n, f->state.total);
    }
    offered_print(f, offers);
}

/* ---- what is offered ---- */

/* Judges what was found, tells it, and keeps what is offered. */
static int
tell(struct run *run, const struct policy_log *log, const struct found *f, const char *about,
     enum offer_outcome *ret_outcome)
{
    struct offer *offers = calloc(f->records_n + 1, sizeof *offers);
    enum result r = offers == NULL ? RES_MEMORY : offers_make(f, &run->q, offers, ret_outcome);
    int e = EXIT_YES;
    if (r == RES_OK)
        r = offered_pem(f, offers, &run->pem);
    if (r != RES_OK) {
        app_say("%s", result_sentence(r));
        e = EXIT_FAULT;
    } else if (run->app.o.json) {
        e = print_json(run, log, f, offers, *ret_outcome, about);
    } else {
        print_text(run, log, f, offers, *ret_outcome, about);
    }
    free(offers);
    return e;
}

/* ---- asking ---- */

static void
ask(void *arg, struct ask *ret)
{
    finder_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    finder_answer(arg, a, now);
}

static int
ask_directory(struct run *run, const struct policy_log *log, struct memory *m,
              struct kt_optional at, const char *about, enum offer_outcome *ret_outcome)
{
    int e = EXIT_FAULT;
    const struct finder_config c = {.log = log,
                                    .policy = run->app.policy,
                                    .view = seen_view(&run->app, log, &e),
                                    .memory = m,
                                    .look_up = true,
                                    .label = run->label,
                                    .at = at,
                                    .seed = app_now()};
    struct finder *f;
    if (c.view == NULL)
        return e;
    if (finder_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask, answer};
    e = engine_run(run->transport, log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *v = finder_verdict(f);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s: %s", log->note.name, v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = accuse(&run->app, run->transport, log, m, finder_refused(f), v);
        else if (v->kind == VERDICT_YES)
            e = tell(run, log, finder_found(f), about, ret_outcome);
    }
    finder_free(f);
    return e;
}

/* One log: its heads, then the question; with --at two of them. */
static int
ask_log(struct run *run, const struct policy_log *log, enum offer_outcome *ret_outcome)
{
    static const struct kt_optional NOW = {false, 0};
    struct memory m;
    memory_init(&m);
    buf_clear(&run->pem);
    int e = remembered_follow_log(&run->app, run->transport, log);
    if (e == EXIT_YES)
        e = remembered_load(&run->app, log, &m);
    if (e == EXIT_YES)
        e = remembered_heads_due(&run->app, run->transport, log, &m);
    if (e == EXIT_YES && run->at.has)
        e = ask_directory(run, log, &m, run->at, "known at that time", ret_outcome);
    if (e == EXIT_YES) {
        /* What is known now is said beside; what was known then decides, and is written. */
        size_t kept = run->pem.n;
        enum offer_outcome now = OFFER_NEVER;
        e = ask_directory(run, log, &m, NOW, run->at.has ? "known now about that time" : "now",
                          &now);
        if (run->at.has)
            run->pem.n = kept;
        else
            *ret_outcome = now;
    }
    if (e == EXIT_YES || e == EXIT_LATER)
        e = app_worse(e, remembered_save(&run->app, log, &m));
    memory_release(&m);
    return e;
}

/* All logs that the policy names: an absence must be every one's. */
static int
ask_all(struct run *run, const char *origin)
{
    enum offer_outcome best = OFFER_NEVER, outcome = OFFER_NEVER;
    struct buf pem = BUF_INIT(CERTS_FILE_MAX);
    size_t asked = 0;
    int worst = EXIT_YES;
    for (size_t i = 0; i < policy_logs(run->app.policy); i++) {
        const struct policy_log *log = policy_log(run->app.policy, i);
        if (log->p256 == NULL || log->url[0] == '\0' || !log->has_directory ||
            (origin != NULL && strcmp(origin, log->note.name) != 0))
            continue;
        asked++;
        int e = ask_log(run, log, &outcome);
        worst = app_worse(worst, e);
        if (e != EXIT_YES)
            continue;
        if (outcome == OFFER_YES || best == OFFER_NEVER)
            best = outcome;
        if (buf_add(&pem, buf_span(&run->pem)) != RES_OK)
            worst = app_worse(worst, EXIT_FAULT);
    }
    buf_release(&run->pem);
    run->pem = pem;
    if (asked == 0) {
        app_say("the policy names no log with a key directory%s%s: \"#cartulary directory\" and "
                "\"#cartulary ct-key\" lines and a URL are needed",
                origin != NULL ? " called " : "", origin != NULL ? origin : "");
        return EXIT_INPUT;
    }
    return worst != EXIT_YES ? worst : best == OFFER_YES ? EXIT_YES : EXIT_NO;
}

/* ---- the question ---- */

/* The label, and the address as typed with its domain in the one form: the local part's case is the
 * user's. */
static int
read_address(const char *text, struct run *run, struct address *ret)
{
    enum result r = address_parse(span_str(text), ret);
    if (r != RES_OK) {
        app_say("\"%s\" is no address: %s", text, result_sentence(r));
        return EXIT_INPUT;
    }
    label_of_address(ret, &run->label);
    run->text = text;
    return EXIT_YES;
}

static int
look_up(struct run *run, const struct options *o, const char *origin)
{
    const struct transport_config tc = {0};
    int e = app_open(&run->app, o, true);
    struct trust_anchors *anchors = NULL;
    if (e == EXIT_YES && run->app.anchor_count == 0)
        app_say("no trust anchors: nothing can be offered.  Name yours with --trust FILE.pem, or "
                "by \"#cartulary anchor\" lines in the policy");
    if (e == EXIT_YES &&
        (trust_anchors_new(run->app.anchors, run->app.anchor_count, &anchors) != RES_OK ||
         transport_new(&tc, &run->transport) != RES_OK)) {
        app_say("cannot read the trust anchors, or set up libcurl");
        e = EXIT_FAULT;
    }
    if (e == EXIT_YES) {
        run->q.anchors = anchors;
        buf_init(&run->pem, CERTS_FILE_MAX);
        e = ask_all(run, origin);
        if (e == EXIT_YES && run->out != NULL)
            e = offered_write(run->out, buf_span(&run->pem));
        buf_release(&run->pem);
    }
    transport_free(run->transport);
    trust_anchors_free(anchors);
    app_close(&run->app);
    return e;
}

static int
run_lookup(const struct options *o, int argc, char **argv)
{
    static struct run run;
    const char *origin = NULL;
    struct address address;
    uint64_t at;
    int c;
    run = (struct run){.q = {.purpose = MAILBOX_BOTH}};
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'h')
            return cmd_help(&CMD_LOOKUP);
        else if (c == 'F')
            run.q.fold = true;
        else if (c == 'o')
            run.out = optarg;
        else if (c == 'l')
            origin = optarg;
        else if (c == 'f' && offered_purpose(optarg, &run.q.purpose))
            continue;
        else if (c == 'a' && when_parse(optarg, &at))
            run.at = (struct kt_optional){true, at * 1000};
        else
            return cmd_usage(&CMD_LOOKUP, c == 'f'   ? "--for takes encrypt or sign"
                                          : c == 'a' ? "--at takes 2026-01-31, "
                                                       "2026-01-31T12:00:00 or seconds since 1970"
                                                     : "unknown option");
    }
    if (optind != argc - 1)
        return cmd_usage(&CMD_LOOKUP, "it takes one address");
    if (read_address(argv[optind], &run, &address) != EXIT_YES)
        return EXIT_INPUT;
    run.q.address = span_str(run.text);
    run.q.time = run.at.has ? run.at.value / 1000 : app_now() / 1000;
    return look_up(&run, o, origin);
}

const struct command CMD_LOOKUP = {
    .name = "lookup",
    .arguments =
        "[--for encrypt|sign] [--at TIME] [--fold] [--out FILE.pem] [--log ORIGIN] ADDRESS",
    .purpose = "the keys of an address, proved to be all there are",
    .help =
        "Asks the key directory of each log in the policy for one address, and verifies that "
        "the answer is complete: all\n"
        "certificates that are known for the address now, each of them logged, none hidden.  "
        "Before that it follows what\n"
        "was looked up earlier, so that a directory that showed you something else than others "
        "is found out.\n"
        "\n"
        "Logged is not trusted.  A certificate is OFFERED only when it validates to your trust "
        "anchors (--trust, or the\n"
        "policy's) for the purpose, the address and the time; every other one is listed with "
        "the reason and never written.\n"
        "\n"
        "  --for encrypt|sign  only certificates for that purpose are offered\n"
        "  --at TIME           two answers: what was known at TIME, and what is known now "
        "about TIME\n"
        "                      (2026-01-31, 2026-01-31T12:00:00, UTC, or seconds since 1970)\n"
        "  --fold              take certificates whose address differs in ASCII case\n"
        "  --out FILE.pem      write what is offered, newest first (with --at: what was then);\n"
        "                      `openssl cms -encrypt` takes it\n"
        "  --log ORIGIN        only this log of the policy\n"
        "\n"
        "exit 1 names why nothing is offered: never, none-for-purpose, expired, revoked, "
        "announced, untrusted, erased.\n"
        "\n"
        "example: cartulary --trust roots.pem lookup --for encrypt --out alice.pem "
        "alice@example.org\n",
    .run = run_lookup,
};
