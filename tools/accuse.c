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

/* Whether something was found; *ret is a verdict to save then. */
static bool
find_proof(const struct policy_log *log, const struct accuser *accuser, struct verdict *ret)
{
    enum statement_relation relation;
    if (accuser_evidence(accuser, &relation, &ret->evidence) != RES_OK)
        return false;
    app_say("%s: signatures of the log contradict each other (%s): that proves it to anybody",
            log->note.name, statement_relation_name(relation));
    ret->evidence_kind = EVIDENCE_DIRECTORY;
    return true;
}

int
accuse(struct app *a, struct transport *t, const struct policy_log *log, const struct memory *m,
       const struct found *refused, const struct verdict *v)
{
    return accuse_with(a, t, log, m, refused == NULL ? NULL : &refused->head,
                       refused == NULL ? span_of(NULL, 0) : buf_span(&refused->anchor), v);
}

int
accuse_offline(struct app *a, const struct policy_log *log, const struct memory *m,
               const struct proved_head *head, struct span anchor)
{
    struct accuser *accuser;
    int e = EXIT_FAULT;
    const struct accuser_config c = {.log = log,
                                     .memory = m,
                                     .view = seen_view(a, log, &e),
                                     .newest = head,
                                     .anchor = anchor,
                                     .seed = app_now()};
    struct verdict proof;
    if (c.view == NULL)
        return e;
    if (accuser_new(&c, &accuser) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    verdict_init(&proof);
    e = find_proof(log, accuser, &proof) ? seen_save_evidence(a, log, &proof) : EXIT_YES;
    verdict_release(&proof);
    accuser_free(accuser);
    return e;
}

int
accuse_with(struct app *a, struct transport *t, const struct policy_log *log,
            const struct memory *m, const struct proved_head *head, struct span anchor,
            const struct verdict *v)
{
    struct accuser *accuser;
    int e = EXIT_FAULT;
    const struct accuser_config c = {.log = log,
                                     .memory = m,
                                     .view = seen_view(a, log, &e),
                                     .newest = head,
                                     .anchor = anchor,
                                     .seed = app_now()};
    if (v->evidence_kind != EVIDENCE_ANSWER || accuser_new(&c, &accuser) != RES_OK)
        return seen_save_evidence(a, log, v);
    const struct engine engine = {accuser, ask, answer};
    char first[SEEN_NAME_SIZE], better[SEEN_NAME_SIZE];
    struct verdict proof;
    verdict_init(&proof);
    /* Before the log is asked anything: it may not answer, and the user may not wait. */
    e = seen_keep_evidence(a, log, v, first);
    bool kept = e == EXIT_REFUSED;
    bool found =
        (t == NULL || engine_run(t, log, &engine) == EXIT_YES) && find_proof(log, accuser, &proof);
    if (found) {
        int written = seen_keep_evidence(a, log, &proof, better);
        found = written == EXIT_REFUSED;
        e = app_worse(e, written);
    }
    if (found || kept)
        seen_tell_evidence(a, found ? better : first);
    if (found && kept)
        app_say("%s: the answer that was refused is beside it, %s", log->note.name, first);
    verdict_release(&proof);
    accuser_free(accuser);
    return e;
}

int
accuse_friend(struct app *a, struct transport *t, const struct policy_log *log,
              const struct memory *m, const struct proved_head *theirs, struct span anchor,
              bool *ret_linked)
{
    struct accuser *accuser;
    int e = EXIT_FAULT;
    const struct accuser_config c = {.log = log,
                                     .memory = m,
                                     .view = seen_view(a, log, &e),
                                     .newest = theirs,
                                     .anchor = anchor,
                                     .patient = true,
                                     .seed = app_now()};
    struct verdict proof;
    if (c.view == NULL)
        return e;
    if (accuser_new(&c, &accuser) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {accuser, ask, answer};
    verdict_init(&proof);
    e = engine_run(t, log, &engine);
    *ret_linked = accuser_linked(accuser);
    if (e == EXIT_YES && find_proof(log, accuser, &proof))
        e = seen_save_evidence(a, log, &proof);
    verdict_release(&proof);
    accuser_free(accuser);
    return e;
}
