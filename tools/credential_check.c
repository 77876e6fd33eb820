/* cartulary credential --check: nobody is asked, whatever comes of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/landmarks.h"
#include "client/directory/statement.h"
#include "client/json.h"
#include "tools/accuse.h"
#include "tools/credential.h"
#include "tools/offered.h"
#include "tools/remembered.h"
#include "tools/seen.h"

/* ---- what was handed in ---- */

int
credential_read_file(const char *path, struct buf *ret)
{
    char why[APP_REASON_MAX];
    enum result r = file_read(path, ret);
    if (r == RES_OK)
        return EXIT_YES;
    app_say("cannot read %s: %s", path, r == RES_ABSENT ? "no such file" : app_reason(r, why));
    return r == RES_MEMORY ? EXIT_FAULT : EXIT_INPUT;
}

int
credential_form(const char *path, enum result r)
{
    char why[APP_REASON_MAX];
    if (r == RES_OK)
        return EXIT_YES;
    if (r == RES_KEY_UNKNOWN)
        app_say("%s is of a log whose directory the policy does not name", path);
    else
        app_say("%s is no such file: %s", path,
                r == RES_ABSENT ? "a line is missing" : app_reason(r, why));
    return result_class(r) == CLASS_BROKEN ? EXIT_FAULT : EXIT_INPUT;
}

int
credential_read(const struct credential_task *t, const char *path, struct voucher *ret)
{
    struct buf text = BUF_INIT(VOUCHER_FILE_MAX);
    int e = credential_read_file(path, &text);
    if (e == EXIT_YES)
        e = credential_form(path, voucher_parse(buf_span(&text), t->app.policy, ret));
    buf_release(&text);
    return e;
}

/* ---- why not ---- */

/* "Implementations MUST NOT use a verification failure at this point as a prompt to request
 * updates": the user may. */
static int
not_recent(const struct credential_task *t, const struct voucher *v, const struct memory *m)
{
    const struct kt_view *oldest = &m->recent[m->recent_n - 1];
    if (v->c.position >= m->recent[0].peaks.size) {
        app_say("%s is for distinguished entry %" PRIu64 ", newer than those known here: run "
                "`cartulary monitor --once` some time, then check again",
                t->file, v->c.position);
        return EXIT_LATER;
    }
    if (m->recent_n == HEADS_RECENT_MAX && v->c.position < oldest->peaks.size - 1) {
        app_say("%s has expired: entry %" PRIu64 " is not one of the %d newest distinguished ones "
                "any more; ask for a new credential",
                t->file, v->c.position, HEADS_RECENT_MAX);
        return EXIT_NO;
    }
    app_say("%s is for entry %" PRIu64 ", which is not a distinguished one", t->file,
            v->c.position);
    return EXIT_INPUT;
}

static int
keep_evidence(struct credential_task *t, const struct voucher *v, enum result why)
{
    struct verdict verdict;
    verdict_init(&verdict);
    verdict.evidence_kind = EVIDENCE_ANSWER;
    enum result r =
        evidence_write_answer(v->log, "credential", buf_span(&v->bytes), why, &verdict.evidence);
    int e = r == RES_OK ? seen_save_evidence(&t->app, v->log, &verdict) : EXIT_FAULT;
    verdict_release(&verdict);
    return e;
}

/* A provisional one with an anchor of its tree that holds by itself, and not beside it: the log
 * signed both.  EXIT_YES when it is not that. */
static int
accuse_of_both(struct credential_task *t, const struct voucher *v, const struct memory *m)
{
    const struct credential_recent recent = {m->recent, m->recent_n};
    struct voucher_proof *proof = calloc(1, sizeof *proof);
    struct buf anchor = BUF_INIT(STATEMENT_MAX);
    struct proved_head head;
    struct json *j = NULL;
    int e = EXIT_YES;
    if (proof != NULL && voucher_prove(v->log, &recent, &v->c, proof) == RES_OK &&
        json_parse(buf_span(&v->beside), &j) == RES_OK &&
        statement_put_anchor(json_member(json_top(j), "anchor"), &anchor) == RES_OK) {
        credential_head(&v->c, &proof->pending, &head);
        e = accuse_offline(&t->app, v->log, m, &head, buf_span(&anchor));
    }
    json_free(j);
    buf_release(&anchor);
    free(proof);
    return e;
}

/* A false one: made up by whoever sent it, or by a log that shows others another tree. */
static int
refused(struct credential_task *t, const struct voucher *v, const struct memory *m, enum result r,
        const char *what)
{
    char why[APP_REASON_MAX];
    if (r == RES_KT_NOT_RECENT)
        return not_recent(t, v, m);
    app_say("%s does not hold: %s: %s", t->file, what, app_reason(r, why));
    if (result_class(r) == CLASS_BROKEN)
        return EXIT_FAULT;
    if (result_class(r) == CLASS_FALSE && v->c.provisional && strcmp(what, "anchor") == 0) {
        int e = accuse_of_both(t, v, m);
        return e == EXIT_YES ? EXIT_INPUT : e;
    }
    if (result_class(r) != CLASS_FALSE || strcmp(what, "credential") != 0)
        return EXIT_INPUT;
    app_say("either it was changed or made up on its way, or %s shows others another tree than you",
            v->log->note.name);
    return keep_evidence(t, v, r);
}

/* ---- what it says ---- */

static int
print_json(const struct voucher *v, const struct found *f, const struct offer *offers,
           enum offer_outcome outcome)
{
    struct buf address = BUF_INIT(4096);
    enum result r = json_write_string(span_of(v->label.b + 1, v->label.n - 1), &address);
    if (r == RES_OK)
        r = buf_add(&address, span_of("", 1));
    if (r == RES_OK)
        (void)printf("{\"log\":\"%s\",\"address\":%s,\"credential\":\"%s\",\"confirmed\":%s,"
                     "\"exit\":%d,\"reason\":\"%s\",\"version\":%" PRIu32 ",\"position\":%" PRIu64
                     ",\"timestamp\":%" PRIu64 ",\"records\":[",
                     v->log->note.name, (const char *)address.p,
                     v->c.provisional ? "provisional" : "standard",
                     v->c.provisional ? "false" : "true", outcome == OFFER_YES ? EXIT_YES : EXIT_NO,
                     offer_outcome_name(outcome), v->c.version, v->c.position, f->head.timestamp);
    buf_release(&address);
    int e = r == RES_OK ? offered_json(f, offers) : EXIT_FAULT;
    (void)puts("]}");
    return e;
}

static void
print_text(const struct voucher *v, const struct found *f, const struct offer *offers,
           enum offer_outcome outcome)
{
    char time[APP_TIME_MAX];
    app_time(f->head.timestamp, time);
    (void)printf("%.*s: %s (directory of %s, as of %s)\n", (int)v->label.n - 1, v->label.b + 1,
                 offer_outcome_name(outcome), v->log->note.name, time);
    (void)printf("  %s credential for version %" PRIu32 ", by distinguished entry %" PRIu64 "%s\n",
                 v->c.provisional ? "provisional" : "standard", v->c.version, v->c.position,
                 v->c.provisional ? ": not yet confirmed" : "");
    if (v->c.provisional)
        (void)printf("  it waits: `cartulary credential --confirm` confirms it when the log has "
                     "gone on\n");
    offered_print(f, offers);
}

static int
tell(struct credential_task *t, const struct voucher *v, const struct found *f)
{
    struct offer *offers = calloc(f->records_n + 1, sizeof *offers);
    struct buf pem = BUF_INIT(CERTS_FILE_MAX);
    enum offer_outcome outcome = OFFER_NEVER;
    int e = EXIT_YES;
    enum result r = offers == NULL ? RES_MEMORY : offers_make(f, &t->q, offers, &outcome);
    if (r == RES_OK)
        r = offered_pem(f, offers, &pem);
    if (r != RES_OK) {
        app_say("%s", result_sentence(r));
        e = EXIT_FAULT;
    } else if (t->app.o.json) {
        e = print_json(v, f, offers, outcome);
    } else {
        print_text(v, f, offers, outcome);
    }
    if (e == EXIT_YES && t->out != NULL)
        e = offered_write(t->out, buf_span(&pem));
    buf_release(&pem);
    free(offers);
    return e != EXIT_YES ? e : outcome == OFFER_YES ? EXIT_YES : EXIT_NO;
}

/* ---- keeping a provisional one ---- */

static int
keep(struct credential_task *t, const struct voucher *v, const struct memory *m)
{
    const struct kt_view *basis = m->recent;
    struct pendings p;
    if (!v->c.provisional)
        return EXIT_YES;
    pendings_init(&p);
    while (basis->peaks.size - 1 != v->c.position)
        basis++;
    int e = credential_load_pending(&t->app, v->log, &p);
    if (e == EXIT_YES) {
        enum result r = pendings_add(&p, v->log, buf_span(&v->bytes), basis, app_now());
        if (r == RES_OK)
            e = credential_save_pending(&t->app, v->log, &p);
        else {
            app_say("it cannot be kept to be confirmed: %s",
                    r == RES_TOO_LARGE ? "too many wait already; run `cartulary credential "
                                         "--confirm`"
                                       : result_sentence(r));
            e = r == RES_TOO_LARGE ? EXIT_INPUT : EXIT_FAULT;
        }
    }
    pendings_release(&p);
    return e;
}

/* ---- all of it ---- */

static int
verify(struct credential_task *t, const struct voucher *v, const struct memory *m)
{
    const struct credential_recent recent = {m->recent, m->recent_n};
    struct voucher_said *said = calloc(1, sizeof *said);
    const char *what = "credential";
    enum result r =
        said == NULL ? RES_MEMORY : voucher_verify(v, t->app.policy, &recent, said, &what);
    int e;
    if (r != RES_OK) {
        e = refused(t, v, m, r, what);
    } else {
        /* Kept first: who was told something shall be able to confirm it. */
        e = keep(t, v, m);
        if (e == EXIT_YES)
            e = tell(t, v, &said->found);
        found_release(&said->found);
    }
    free(said);
    return e;
}

/* Whether what is known here is of any use. */
static int
ready(const struct app *a, const struct policy_log *log, const struct memory *m)
{
    if (a->o.stateless) {
        app_say("a credential is checked by what is remembered of the log: not with --stateless");
        return EXIT_INPUT;
    }
    if (m->recent_n == 0) {
        app_say("no distinguished entry of %s is known here: run `cartulary monitor --once` "
                "first, and now and then",
                log->note.name);
        return EXIT_LATER;
    }
    if (landmarks_stale(m, log, app_now())) {
        app_say("what is known here of %s is too old to tell a recent credential: run `cartulary "
                "monitor --once`",
                log->note.name);
        return EXIT_LATER;
    }
    return EXIT_YES;
}

int
credential_check(struct credential_task *t)
{
    struct voucher v;
    struct memory m;
    int e = credential_read(t, t->file, &v);
    if (e != EXIT_YES)
        return e;
    memory_init(&m);
    if (t->text != NULL && !span_equal(span_of(t->label.b, t->label.n), v.c.label)) {
        app_say("%s is about another address than %s", t->file, t->text);
        e = EXIT_INPUT;
    }
    if (t->text == NULL)
        t->q.address = span_of(v.label.b + 1, v.label.n - 1);
    if (e == EXIT_YES)
        e = remembered_load(&t->app, v.log, &m);
    if (e == EXIT_YES)
        e = ready(&t->app, v.log, &m);
    if (e == EXIT_YES)
        e = verify(t, &v, &m);
    memory_release(&m);
    voucher_release(&v);
    return e;
}
