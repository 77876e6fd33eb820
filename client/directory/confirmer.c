#include "client/directory/confirmer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/judge.h"
#include "client/exchange.h"

#define PATH "/kt/v1/credential-update"

struct confirmer {
    struct confirmer_config c;
    struct exchange x;
    struct buf body;
    struct buf update; /* of the log, that confirmed it */
    uint64_t position;
    bool lost;
};

/* ---- what is known ---- */

static struct credential_recent
recent_of(const struct confirmer *f)
{
    return (struct credential_recent){f->c.memory->recent, f->c.memory->recent_n};
}

/* Whether there is an entry that a CredentialUpdate can lead to. */
static bool
has_goal(const struct confirmer *f)
{
    const struct memory *m = f->c.memory;

    return m->recent_n > 0 && m->recent[0].peaks.size > f->c.pending->proof.pending.view.peaks.size;
}

static void
confirmed(struct confirmer *f, uint64_t position)
{
    f->position = position;
    verdict_end(&f->x.verdict, VERDICT_YES, RES_OK, "confirmed by distinguished entry %" PRIu64,
                position);
}

/* The credential itself is what the log's tree contradicts. */
static void
refuse_credential(struct confirmer *f, enum result why)
{
    const struct answer a = {.body = buf_span(&f->c.pending->bytes)};

    judge(&f->x, &a, "credential", why, "a provisional credential");
}

static void
lose(struct confirmer *f)
{
    f->lost = true;
    verdict_end(&f->x.verdict, VERDICT_INPUT, RES_KT_NOT_RECENT,
                "never confirmed, and it cannot be any more: the entry that would confirm it is no "
                "longer known here.  What it showed rests on the log's signature alone");
}

static enum result
take(struct confirmer *f, struct span answer, uint64_t *ret_position)
{
    const struct pending *p = f->c.pending;
    const struct credential_recent recent = recent_of(f);
    struct reader in = reader_of(answer);
    struct combined_proof monitor;
    enum result r;

    combined_proof_get(&in, &monitor);
    r = reader_end(&in);
    return r == RES_OK
               ? credential_verify_update(&f->c.log->directory, &recent, &p->proof.pending,
                                          &monitor, p->proof.steps, p->proof.steps_n, ret_position)
               : r;
}

/* What the sender sent.  A false one is forgotten when the log can be asked. */
static void
look_at_sent(struct confirmer *f)
{
    uint64_t position;
    enum result r = take(f, buf_span(&f->c.pending->update), &position);

    if (r == RES_OK)
        confirmed(f, position);
    else if (result_class(r) == CLASS_BROKEN)
        exchange_fault(&f->x, r);
    else if (f->c.offline)
        verdict_end(&f->x.verdict, VERDICT_INPUT, r, "the update does not confirm it: %s",
                    result_sentence(r));
}

static void
look_at_known(struct confirmer *f)
{
    const struct credential_pending *p = &f->c.pending->proof.pending;
    const struct credential_recent recent = recent_of(f);
    enum result r = credential_confirm(p, &recent);

    if (r == RES_OK)
        confirmed(f, p->terminal);
    else if (r != RES_KT_NOT_RECENT)
        refuse_credential(f, r);
    else if (has_goal(f) && f->c.pending->update.n > 0)
        look_at_sent(f);
    if (!exchange_ended(&f->x) && (f->c.offline || !has_goal(f)))
        verdict_end(&f->x.verdict, VERDICT_LATER, RES_KT_NOT_RECENT,
                    "not confirmed yet: no distinguished entry after it is known; try again later");
}

enum result
confirmer_new(const struct confirmer_config *c, struct confirmer **ret)
{
    struct confirmer *f = calloc(1, sizeof(*f));

    assert(c->log->has_directory);
    if (f == NULL)
        return RES_MEMORY;
    f->c = *c;
    exchange_init(&f->x, c->log, c->tries == 0 ? CONFIRMER_TRIES : c->tries, c->seed);
    buf_init(&f->body, KT_REQUEST_MAX);
    buf_init(&f->update, ASK_ANSWER_MAX);
    look_at_known(f);
    *ret = f;
    return RES_OK;
}

void
confirmer_free(struct confirmer *f)
{
    if (f == NULL)
        return;
    buf_release(&f->body);
    buf_release(&f->update);
    exchange_release(&f->x);
    free(f);
}

/* ---- asking ---- */

void
confirmer_ask(struct confirmer *f, struct ask *ret)
{
    const struct pending *p = f->c.pending;
    const struct credential_update_request q = {.label = p->c.label,
                                                .version = p->c.version,
                                                .tree_size = p->proof.pending.view.peaks.size,
                                                .terminal = p->proof.pending.terminal};
    struct writer w = writer_to(&f->body);

    if (!exchange_ask(&f->x, ret))
        return;
    (void)snprintf(ret->path, sizeof(ret->path), PATH);
    buf_clear(&f->body);
    credential_update_request_put(&w, &q);
    ret->octets = true;
    ret->body = buf_span(&f->body);
    if (writer_end(&w) != RES_OK) {
        exchange_fault(&f->x, RES_MEMORY);
        ret->kind = ASK_DONE;
    }
}

void
confirmer_answer(struct confirmer *f, const struct answer *a, uint64_t now)
{
    uint64_t position = 0;
    enum result r = RES_KT_NO_VERSION;

    (void)now;
    if (!exchange_take(&f->x, a, PATH))
        return;
    if (a->status != 200 && !answer_is_refusal(a)) {
        exchange_no_log(&f->x, a, PATH);
        return;
    }
    if (a->status == 200)
        r = take(f, a->body, &position);
    if (r == RES_OK)
        r = buf_add(&f->update, a->body);
    if (r == RES_OK)
        confirmed(f, position);
    else if (result_class(r) == CLASS_BROKEN)
        exchange_fault(&f->x, r);
    else if (!pending_confirmable(f->c.pending, f->c.memory) ||
             pending_expired(f->c.pending, f->c.memory))
        /* An honest log leads to an entry that is forgotten here, or has nothing when that for
         * which the credential was made was distinguished itself. */
        lose(f);
    else
        judge(&f->x, a, PATH, r, "the confirmation of a credential");
}

const struct verdict *
confirmer_verdict(const struct confirmer *f)
{
    return &f->x.verdict;
}

uint64_t
confirmer_position(const struct confirmer *f)
{
    return f->position;
}

struct span
confirmer_update(const struct confirmer *f)
{
    return buf_span(&f->update);
}

bool
confirmer_lost(const struct confirmer *f)
{
    return f->lost;
}
