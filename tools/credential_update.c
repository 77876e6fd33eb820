/* cartulary credential --update: what confirms a provisional one, for its sender to send on. */
#include <inttypes.h>
#include <stdio.h>

#include "client/directory/confirmer.h"
#include "client/directory/followup.h"
#include "tools/accuse.h"
#include "tools/credential.h"
#include "tools/engine.h"
#include "tools/offered.h"
#include "tools/remembered.h"
#include "tools/seen.h"

static void
ask(void *arg, struct ask *ret)
{
    confirmer_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    confirmer_answer(arg, a, now);
}

static int
write_update(struct credential_task *t, const struct voucher *v, const struct confirmer *f)
{
    struct buf text = BUF_INIT(FOLLOWUP_FILE_MAX);
    struct span update = confirmer_update(f);
    int e = EXIT_FAULT;
    if (update.n == 0) {
        app_say("%s needs none: the entry that it was found at is distinguished now, and whoever "
                "knows that entry confirms it by it",
                t->given);
        return EXIT_NO;
    }
    if (followup_write(v->log, buf_span(&v->bytes), update, &text) == RES_OK)
        e = offered_write(t->file, buf_span(&text));
    else
        app_say("no memory");
    if (e == EXIT_YES && !t->app.o.json && strcmp(t->file, "-") != 0)
        (void)printf("%s confirms %s, by distinguished entry %" PRIu64 " (directory of %s)\n",
                     t->file, t->given, confirmer_position(f), v->log->note.name);
    buf_release(&text);
    return e;
}

/* As the recipient will, but asking. */
static int
ask_update(struct credential_task *t, struct transport *transport, const struct voucher *v,
           const struct memory *m, const struct pending *p)
{
    const struct confirmer_config c = {.log = v->log, .memory = m, .pending = p, .seed = app_now()};
    struct confirmer *f;
    if (confirmer_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask, answer};
    int e = engine_run(transport, v->log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *verdict = confirmer_verdict(f);
        if (verdict->kind != VERDICT_YES)
            app_say("%s: %s", v->log->note.name, verdict->detail);
        e = app_exit_of(verdict->kind);
        if (verdict->kind == VERDICT_REFUSED) {
            struct proved_head head;
            credential_head(&p->c, &p->proof.pending, &head);
            e = accuse_with(&t->app, transport, v->log, m, &head, span_of(NULL, 0), verdict);
        }
        if (e == EXIT_YES)
            e = write_update(t, v, f);
    }
    confirmer_free(f);
    return e;
}

static int
find_update(struct credential_task *t, struct transport *transport, const struct voucher *v,
            const struct memory *m)
{
    const struct kt_view *basis = m->recent, *stop = basis + m->recent_n;
    char why[APP_REASON_MAX];
    struct pendings p;
    pendings_init(&p);
    while (basis < stop && basis->peaks.size - 1 != v->c.position)
        basis++;
    if (basis == stop) {
        bool expired = m->recent_n == HEADS_RECENT_MAX && m->recent_n > 0 &&
                       v->c.position < stop[-1].peaks.size - 1;
        app_say(expired
                    ? "%s has expired: make a new credential"
                    : "%s is for no distinguished entry that the log has: make a new credential",
                t->given);
        return expired ? EXIT_NO : EXIT_INPUT;
    }
    enum result r = pendings_add(&p, v->log, buf_span(&v->bytes), basis, app_now());
    int e = result_class(r) == CLASS_BROKEN ? EXIT_FAULT : EXIT_INPUT;
    if (r == RES_OK)
        e = ask_update(t, transport, v, m, p.at[0]);
    else
        app_say("%s does not hold: %s", t->given, app_reason(r, why));
    pendings_release(&p);
    return e;
}

int
credential_update_write(struct credential_task *t)
{
    const struct transport_config tc = {0};
    struct transport *transport = NULL;
    struct voucher v;
    struct memory m;
    int e = credential_read(t, t->given, &v);
    if (e != EXIT_YES)
        return e;
    memory_init(&m);
    if (!v.c.provisional) {
        app_say("%s is a standard credential: it needs no update", t->given);
        e = EXIT_INPUT;
    } else if (transport_new(&tc, &transport) != RES_OK) {
        app_say("cannot set up libcurl");
        e = EXIT_FAULT;
    }
    if (e == EXIT_YES)
        e = remembered_load(&t->app, v.log, &m);
    if (e == EXIT_YES)
        e = remembered_heads(&t->app, transport, v.log, &m);
    if (e == EXIT_YES)
        e = find_update(t, transport, &v, &m);
    memory_release(&m);
    voucher_release(&v);
    transport_free(transport);
    return e;
}
