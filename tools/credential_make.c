/* cartulary credential --make: the log is asked once, by whoever makes it. */
#include <inttypes.h>
#include <stdio.h>

#include "client/directory/finder.h"
#include "client/directory/maker.h"
#include "client/json.h"
#include "tools/accuse.h"
#include "tools/credential.h"
#include "tools/engine.h"
#include "tools/offered.h"
#include "tools/remembered.h"
#include "tools/seen.h"

/* The exit code of an engine's end; says what is not well.  refused: as accuse takes it. */
static int
exit_of(struct app *a, struct transport *transport, const struct policy_log *log,
        const struct memory *m, const struct found *refused, const struct verdict *v)
{
    if (v->kind != VERDICT_YES)
        app_say("%s: %s", log->note.name, v->detail);
    return v->kind == VERDICT_REFUSED ? accuse(a, transport, log, m, refused, v)
                                      : app_exit_of(v->kind);
}

/* ---- the look-up ---- */

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

/* As `cartulary lookup` asks: what was looked up before is followed, and nothing that the log had
 * is missing. */
static int
look_up(struct credential_task *t, struct transport *transport, const struct policy_log *log,
        struct memory *m)
{
    int e = EXIT_FAULT;
    const struct finder_config c = {.log = log,
                                    .policy = t->app.policy,
                                    .view = seen_view(&t->app, log, &e),
                                    .memory = m,
                                    .look_up = true,
                                    .label = t->label,
                                    .seed = app_now()};
    struct finder *f;
    if (c.view == NULL)
        return e;
    if (finder_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask_finder, answer_finder};
    e = engine_run(transport, log, &engine);
    if (e == EXIT_YES)
        e = exit_of(&t->app, transport, log, m, finder_refused(f), finder_verdict(f));
    if (e == EXIT_YES && !finder_found(f)->present) {
        app_say("%s: the directory of %s has no certificate: never", t->text, log->note.name);
        e = EXIT_NO;
    }
    finder_free(f);
    return e;
}

/* ---- making ---- */

static void
ask_maker(void *arg, struct ask *ret)
{
    maker_ask(arg, ret);
}

static void
answer_maker(void *arg, const struct answer *a, uint64_t now)
{
    maker_answer(arg, a, now);
}

static int
tell(const struct credential_task *t, const struct policy_log *log, struct span file)
{
    struct voucher v;
    FILE *to = strcmp(t->file, "-") == 0 ? stderr : stdout;
    if (voucher_parse(file, t->app.policy, &v) != RES_OK)
        return EXIT_FAULT;
    const char *kind = v.c.provisional ? "provisional" : "standard";
    if (t->app.o.json)
        (void)fprintf(to,
                      "{\"log\":\"%s\",\"credential\":\"%s\",\"version\":%" PRIu32
                      ",\"position\":%" PRIu64 "}\n",
                      log->note.name, kind, v.c.version, v.c.position);
    else
        (void)fprintf(to,
                      "%s: %s credential for version %" PRIu32 ", by distinguished entry %" PRIu64
                      " (directory of %s)\n%s",
                      t->text, kind, v.c.version, v.c.position, log->note.name,
                      v.c.provisional
                          ? "  Its newest certificates are not in that entry yet: who gets it "
                            "believes the log's signature,\n  and confirms it later "
                            "(`cartulary credential --confirm`)\n"
                          : "");
    voucher_release(&v);
    return EXIT_YES;
}

static int
make(struct credential_task *t, struct transport *transport, const struct policy_log *log,
     struct memory *m)
{
    const struct maker_config c = {
        .log = log, .policy = t->app.policy, .memory = m, .label = t->label, .seed = app_now()};
    struct maker *k;
    if (maker_new(&c, &k) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {k, ask_maker, answer_maker};
    int e = engine_run(transport, log, &engine);
    if (e == EXIT_YES)
        e = exit_of(&t->app, transport, log, m, NULL, maker_verdict(k));
    if (e == EXIT_YES)
        e = offered_write(t->file, maker_file(k));
    if (e == EXIT_YES)
        e = tell(t, log, maker_file(k));
    maker_free(k);
    return e;
}

int
credential_make(struct credential_task *t)
{
    const struct transport_config tc = {0};
    const struct policy_log *log = app_choose_log(&t->app, t->origin);
    struct transport *transport = NULL;
    struct memory m;
    memory_init(&m);
    if (log == NULL)
        return EXIT_INPUT;
    if (!log->has_directory) {
        app_say("the policy names no key directory of %s", log->note.name);
        return EXIT_INPUT;
    }
    if (transport_new(&tc, &transport) != RES_OK) {
        app_say("cannot set up libcurl");
        return EXIT_FAULT;
    }
    int e = remembered_follow_log(&t->app, transport, log);
    if (e == EXIT_YES)
        e = remembered_load(&t->app, log, &m);
    bool loaded = e == EXIT_YES;
    if (e == EXIT_YES)
        e = look_up(t, transport, log, &m);
    if (e == EXIT_YES)
        e = make(t, transport, log, &m);
    if (loaded && e != EXIT_REFUSED)
        e = app_worse(e, remembered_save(&t->app, log, &m));
    memory_release(&m);
    transport_free(transport);
    return e;
}
