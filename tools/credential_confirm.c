/* cartulary credential --confirm: the final verification of provisional credentials. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/directory/confirmer.h"
#include "client/directory/followup.h"
#include "client/json.h"
#include "merkle/base/text.h"
#include "tools/accuse.h"
#include "tools/credential.h"
#include "tools/engine.h"
#include "tools/remembered.h"
#include "tools/seen.h"

/* ---- the file ---- */

#define NAME_ROOM (2 * HASH_SIZE + 16)

static void
file_name(const struct policy_log *log, char out[static NAME_ROOM])
{
    text_hex_to(hash_span(p256_key_id(log->p256)), out);
    (void)snprintf(out + (ptrdiff_t)2 * HASH_SIZE, 16, ".pending");
}

int
credential_load_pending(struct app *a, const struct policy_log *log, struct pendings *ret)
{
    char name[NAME_ROOM], why[APP_REASON_MAX];
    struct buf text = BUF_INIT(PENDING_FILE_MAX);
    if (a->o.stateless)
        return EXIT_YES;
    file_name(log, name);
    enum result r = statedir_read(&a->dir, name, &text);
    if (r == RES_OK)
        r = pendings_parse(buf_span(&text), log, ret);
    else if (r == RES_ABSENT)
        r = RES_OK;
    buf_release(&text);
    if (r == RES_OK)
        return EXIT_YES;
    app_say("%s/%s: %s; restore it from a backup, or move it away: then the credentials that wait "
            "are not confirmed",
            a->state_path, name, app_reason(r, why));
    return EXIT_FAULT;
}

int
credential_save_pending(struct app *a, const struct policy_log *log, const struct pendings *p)
{
    char name[NAME_ROOM], why[APP_REASON_MAX];
    struct buf text = BUF_INIT(PENDING_FILE_MAX);
    if (a->o.stateless)
        return EXIT_YES;
    file_name(log, name);
    enum result r = pendings_write(p, log, &text);
    if (r == RES_OK)
        r = statedir_write(&a->dir, name, buf_span(&text));
    buf_release(&text);
    if (r == RES_OK)
        return EXIT_YES;
    app_say("cannot write %s/%s: %s; the old file stands", a->state_path, name, app_reason(r, why));
    return EXIT_FAULT;
}

/* ---- one of them ---- */

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
tell(const struct app *a, const struct policy_log *log, const struct pending *p,
     const struct confirmer *f)
{
    const struct verdict *v = confirmer_verdict(f);
    struct span address = span_of(p->c.label.p + 1, p->c.label.n - 1);
    struct buf text = BUF_INIT(4096);
    bool yes = v->kind == VERDICT_YES;
    enum result r = RES_OK;
    if (!a->o.json) {
        (void)printf("%.*s, version %" PRIu32 ": %s (directory of %s)\n", (int)address.n,
                     (const char *)address.p, p->c.version, v->detail, log->note.name);
        return EXIT_YES;
    }
    r = json_write_string(address, &text);
    if (r == RES_OK)
        r = buf_add(&text, span_of("", 1));
    if (r == RES_OK)
        (void)printf("{\"log\":\"%s\",\"address\":%s,\"version\":%" PRIu32
                     ",\"exit\":%d,\"confirmed\":%s}\n",
                     log->note.name, (const char *)text.p, p->c.version, app_exit_of(v->kind),
                     yes ? "true" : "false");
    buf_release(&text);
    return r == RES_OK ? EXIT_YES : EXIT_FAULT;
}

void
credential_head(const struct credential *c, const struct credential_pending *p,
                struct proved_head *ret)
{
    *ret = (struct proved_head){.size = p->view.peaks.size, .is_signed = true};
    logtree_root(&p->view.peaks, &ret->root);
    memcpy(ret->signature, c->head.signature.p, sizeof(ret->signature));
}

/* *ret_settled: it waits no more.  transport NULL: nobody is asked.  quiet: what goes on waiting is
 * not told. */
static int
confirm(struct app *a, struct transport *transport, const struct policy_log *log,
        const struct memory *m, const struct pending *p, bool quiet, bool *ret_settled)
{
    const struct confirmer_config c = {
        .log = log, .memory = m, .pending = p, .offline = transport == NULL, .seed = app_now()};
    struct confirmer *f;
    *ret_settled = false;
    if (confirmer_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask, answer};
    int e = engine_run(transport, log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *v = confirmer_verdict(f);
        e = app_exit_of(v->kind);
        if (v->kind == VERDICT_REFUSED) {
            struct proved_head head;
            credential_head(&p->c, &p->proof.pending, &head);
            e = accuse_with(a, transport, log, m, &head, span_of(NULL, 0), v);
        }
        *ret_settled = v->kind == VERDICT_YES || confirmer_lost(f) ||
                       (v->kind == VERDICT_REFUSED && e == EXIT_REFUSED);
        if (!quiet || *ret_settled)
            e = app_worse(e, tell(a, log, p, f));
    }
    confirmer_free(f);
    return e;
}

/* ---- all of a log's ---- */

static int
confirm_each(struct credential_task *t, struct transport *transport, const struct policy_log *log,
             const struct memory *m, struct pendings *p, const struct pending *only)
{
    int e = EXIT_YES;
    for (size_t i = 0; i < p->n;) {
        bool settled = false;
        if (only == NULL || p->at[i] == only)
            e = app_worse(e, confirm(&t->app, transport, log, m, p->at[i], false, &settled));
        if (settled)
            pendings_drop(p, i);
        else
            i++;
    }
    return app_worse(e, credential_save_pending(&t->app, log, p));
}

/* only: the credential's bytes; NULL: each. */
static int
confirm_log(struct credential_task *t, struct transport *transport, const struct policy_log *log,
            const struct buf *only, size_t *ret_waiting)
{
    const struct pending *one = NULL;
    struct memory m;
    struct pendings p;
    memory_init(&m);
    pendings_init(&p);
    int e = credential_load_pending(&t->app, log, &p);
    if (e == EXIT_YES && only != NULL) {
        one = pendings_find(&p, buf_span(only));
        *ret_waiting += one != NULL;
    } else {
        *ret_waiting += p.n;
    }
    if (e == EXIT_YES && (only != NULL ? one != NULL : p.n > 0)) {
        e = remembered_load(&t->app, log, &m);
        if (e == EXIT_YES)
            e = remembered_heads(&t->app, transport, log, &m);
        if (e == EXIT_YES)
            e = confirm_each(t, transport, log, &m, &p, one);
    }
    pendings_release(&p);
    memory_release(&m);
    return e;
}

static int
confirm_logs(struct credential_task *t, struct transport *transport, size_t *ret_waiting)
{
    int worst = EXIT_YES;
    if (t->origin != NULL && app_choose_log(&t->app, t->origin) == NULL)
        return EXIT_INPUT;
    for (size_t i = 0; i < policy_logs(t->app.policy); i++) {
        const struct policy_log *log = policy_log(t->app.policy, i);
        if (log->p256 == NULL || log->url[0] == '\0' || !log->has_directory ||
            (t->origin != NULL && strcmp(t->origin, log->note.name) != 0))
            continue;
        worst = app_worse(worst, confirm_log(t, transport, log, NULL, ret_waiting));
    }
    return worst;
}

/* ---- as the log is monitored ---- */

int
credential_confirm_due(struct app *a, struct transport *transport, const struct policy_log *log,
                       const struct memory *m)
{
    struct pendings p;
    size_t before;
    pendings_init(&p);
    int e = credential_load_pending(a, log, &p);
    before = p.n;
    for (size_t i = 0; i < p.n;) {
        bool settled = false, due = pending_due(p.at[i], m);
        int one = confirm(a, due ? transport : NULL, log, m, p.at[i], !due, &settled);
        /* What goes on waiting is as it should be, unless it is time. */
        if (settled || due || one == EXIT_FAULT)
            e = app_worse(e, one);
        if (settled)
            pendings_drop(&p, i);
        else
            i++;
    }
    if (p.n < before)
        e = app_worse(e, credential_save_pending(a, log, &p));
    pendings_release(&p);
    return e;
}

/* ---- one file ---- */

static void
drop(struct pendings *p, const struct pending *one)
{
    size_t i = 0;
    while (p->at[i] != one)
        i++;
    pendings_drop(p, i);
}

/* What its sender sent after a credential: verified if it can be, else kept until it can. */
static int
take_update(struct credential_task *t, const struct followup *u, struct pendings *p,
            struct pending *one)
{
    bool settled = false;
    struct memory m;
    memory_init(&m);
    int e = remembered_load(&t->app, u->log, &m);
    enum result r = e == EXIT_YES ? pending_queue(one, buf_span(&u->update)) : RES_OK;
    if (r != RES_OK) {
        app_say("%s: %s", t->file, result_sentence(r));
        e = r == RES_TOO_LARGE ? EXIT_INPUT : EXIT_FAULT;
    }
    if (e == EXIT_YES)
        e = confirm(&t->app, NULL, u->log, &m, one, false, &settled);
    if (settled)
        drop(p, one);
    if (settled || e == EXIT_LATER)
        e = app_worse(e, credential_save_pending(&t->app, u->log, p));
    memory_release(&m);
    return e;
}

static int
confirm_by_update(struct credential_task *t, struct span text, size_t *ret_waiting)
{
    struct followup u;
    struct pendings p;
    int e = credential_form(t->file, followup_parse(text, t->app.policy, &u));
    if (e != EXIT_YES)
        return e;
    pendings_init(&p);
    e = credential_load_pending(&t->app, u.log, &p);
    struct pending *one = pendings_find_hash(&p, &u.credential);
    *ret_waiting = one != NULL;
    if (e == EXIT_YES && one != NULL)
        e = take_update(t, &u, &p, one);
    pendings_release(&p);
    followup_release(&u);
    return e;
}

static int
confirm_file(struct credential_task *t, struct transport *transport, size_t *ret_waiting)
{
    struct buf text = BUF_INIT(VOUCHER_FILE_MAX);
    struct voucher v;
    int e = credential_read_file(t->file, &text);
    if (e == EXIT_YES && followup_is(buf_span(&text))) {
        e = confirm_by_update(t, buf_span(&text), ret_waiting);
    } else if (e == EXIT_YES) {
        e = credential_form(t->file, voucher_parse(buf_span(&text), t->app.policy, &v));
        if (e == EXIT_YES) {
            e = confirm_log(t, transport, v.log, &v.bytes, ret_waiting);
            voucher_release(&v);
        }
    }
    buf_release(&text);
    if (e == EXIT_YES && *ret_waiting == 0) {
        app_say("the credential of %s does not wait: check it first, or it was confirmed", t->file);
        e = EXIT_INPUT;
    }
    return e;
}

int
credential_confirm_all(struct credential_task *t)
{
    const struct transport_config tc = {0};
    struct transport *transport = NULL;
    size_t waiting = 0;
    if (transport_new(&tc, &transport) != RES_OK) {
        app_say("cannot set up libcurl");
        return EXIT_FAULT;
    }
    int e = t->file != NULL ? confirm_file(t, transport, &waiting)
                            : confirm_logs(t, transport, &waiting);
    if (e == EXIT_YES && waiting == 0 && !t->app.o.json)
        (void)puts("no credential waits to be confirmed");
    transport_free(transport);
    return e;
}
