#include "tools/accuse.h"

#include "client/directory/accuser.h"
#include "tools/engine.h"
#include "tools/seen.h"

static void
ask(void *arg, struct ask *ret)
{
    accuser_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    accuser_answer(arg, a, now);
}

static int
save_proof(struct app *a, const struct policy_log *log, const struct accuser *accuser,
           const struct verdict *v)
{
    enum statement_relation relation;
    struct verdict proof;
    verdict_init(&proof);
    enum result r = accuser_evidence(accuser, &relation, &proof.evidence);
    int e;
    if (r == RES_OK) {
        app_say("%s: signatures of the log contradict each other (%s): that proves it to anybody",
                log->note.name, statement_relation_name(relation));
        proof.evidence_kind = EVIDENCE_DIRECTORY;
        e = seen_save_evidence(a, log, &proof);
    } else {
        e = seen_save_evidence(a, log, v);
    }
    verdict_release(&proof);
    return e;
}

int
accuse(struct app *a, struct transport *t, const struct policy_log *log, const struct memory *m,
       const struct found *refused, const struct verdict *v)
{
    struct accuser *accuser;
    int e = EXIT_FAULT;
    const struct accuser_config c = {.log = log,
                                     .memory = m,
                                     .view = seen_view(a, log, &e),
                                     .newest = refused == NULL ? NULL : &refused->head,
                                     .anchor = refused == NULL ? span_of(NULL, 0)
                                                               : buf_span(&refused->anchor),
                                     .seed = app_now()};
    if (v->evidence_kind != EVIDENCE_ANSWER || accuser_new(&c, &accuser) != RES_OK)
        return seen_save_evidence(a, log, v);
    const struct engine engine = {accuser, ask, answer};
    if (engine_run(t, log, &engine) == EXIT_YES)
        e = save_proof(a, log, accuser, v);
    else
        e = seen_save_evidence(a, log, v);
    accuser_free(accuser);
    return e;
}
