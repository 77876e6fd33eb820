#include "client/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/exchange.h"
#include "client/reply.h"
#include "client/request.h"

/* Between two looks for a covering head. */
#define HEAD_AGAIN_MS 250

enum step { STEP_SUBMIT, STEP_HEAD, STEP_PROOF };

struct session {
    const struct policy_log *log;
    struct subject subject;
    enum step step;
    struct exchange x;
    uint64_t deadline;
    struct buf request; /* JSON of the submission */
    struct buf sct;
    bool has_promise;
    struct promise promise;
    bool has_head;
    struct view_head head;
    struct reply_path path;
};

static enum result
start(const struct session_config *c, struct subject *subject, struct session **ret)
{
    struct session *s = calloc(1, sizeof *s);
    assert(c->log->p256 != NULL);
    if (s == NULL) {
        subject_release(subject);
        return RES_MEMORY;
    }
    s->log = c->log;
    exchange_init(&s->x, c->log, c->tries == 0 ? SESSION_TRIES : c->tries, c->seed);
    s->subject = *subject;
    *subject = SUBJECT_INIT;
    buf_init(&s->request, REQUEST_MAX);
    buf_init(&s->sct, UINT16_MAX);
    buf_init(&s->head.bytes, HEAD_MAX);
    *ret = s;
    return RES_OK;
}

void
session_free(struct session *s)
{
    if (s == NULL)
        return;
    subject_release(&s->subject);
    buf_release(&s->request);
    buf_release(&s->sct);
    buf_release(&s->head.bytes);
    exchange_release(&s->x);
    free(s);
}

enum result
session_submit(const struct session_config *c, struct subject *subject,
               const struct subject_chain *chain, uint64_t now, struct session **ret)
{
    struct session *s;
    enum result r = start(c, subject, &s);
    if (r != RES_OK)
        return r;
    r = request_chain(chain, &s->request);
    if (r != RES_OK) {
        session_free(s);
        return r;
    }
    s->step = STEP_SUBMIT;
    s->deadline = now + c->log->mmd_ms + SESSION_PATIENCE_MS;
    *ret = s;
    return RES_OK;
}

/* The SCT is the log's word; what it did is another. */
static void
broken_promise(struct session *s, struct span answer, enum result why, const char *sentence)
{
    const struct entry entry = subject_entry(&s->subject);
    const struct evidence_head head = {s->head.form, buf_span(&s->head.bytes)};
    enum result r = evidence_write_promise(s->log, buf_span(&s->sct), &entry, head, answer,
                                           &s->x.verdict.evidence);
    if (r != RES_OK) {
        exchange_fault(&s->x, r);
        return;
    }
    s->x.verdict.evidence_kind = EVIDENCE_PROMISE;
    verdict_end(&s->x.verdict, VERDICT_REFUSED, why, "%s: %s", s->log->note.name, sentence);
}

/* Verifies s->sct and says what follows; RES_OK makes the promise valid. */
static enum result
take_sct(struct session *s, uint64_t now)
{
    const struct entry entry = subject_entry(&s->subject);
    struct sct sct;
    enum result r = sct_parse(buf_span(&s->sct), &sct);
    if (r == RES_OK)
        r = inclusion_check_sct(s->log, &sct, &entry, now, &s->promise);
    if (r != RES_OK)
        return r;
    s->has_promise = true;
    s->step = STEP_HEAD;
    return RES_OK;
}

static void
clock_is_off(struct session *s)
{
    verdict_end(&s->x.verdict, VERDICT_LATER, RES_CLOCK,
                "the SCT's time lies ahead of this machine's clock: set the clock, or the log's "
                "is wrong");
}

enum result
session_locate(const struct session_config *c, struct subject *subject, struct span sct,
               uint64_t now, struct session **ret)
{
    struct session *s;
    enum result r = start(c, subject, &s);
    if (r != RES_OK)
        return r;
    r = buf_add(&s->sct, sct);
    if (r != RES_OK) {
        session_free(s);
        return r;
    }
    s->deadline = now + c->log->mmd_ms + SESSION_PATIENCE_MS;
    r = take_sct(s, now);
    if (r == RES_CLOCK) {
        clock_is_off(s);
    } else if (r != RES_OK) {
        /* Nobody but its maker signed it: bad input, no evidence against the log. */
        verdict_end(&s->x.verdict, result_class(r) == CLASS_BROKEN ? VERDICT_FAULT : VERDICT_INPUT,
                    r, "the SCT is not valid for this certificate: %s (%s)", result_sentence(r),
                    result_source(r));
    }
    *ret = s;
    return RES_OK;
}

void
session_ask(const struct session *s, struct ask *ret)
{
    if (!exchange_ask(&s->x, ret))
        return;
    if (s->step == STEP_HEAD) {
        ret->kind = ASK_HEAD;
    } else if (s->step == STEP_PROOF) {
        request_proof(&s->promise.leaf_hash, s->head.head.size, ret->path);
    } else {
        request_submission(s->subject.type, ret->path);
        ret->body = buf_span(&s->request);
    }
}

/* The refusal that the log names, when it is one of ours; its words are not trusted with more. */
static enum result
refusal_named(const char *name)
{
    for (int r = 0; r < RESULT_COUNT; r++)
        if (result_class((enum result)r) == CLASS_INPUT &&
            strcmp(result_name((enum result)r), name) == 0)
            return (enum result)r;
    return RES_VALUE;
}

static void
on_submitted(struct session *s, const struct answer *a, const char *path, uint64_t now)
{
    struct reply_problem problem;
    if (a->status < 400 && a->status != 200) {
        exchange_no_log(&s->x, a, path);
        return;
    }
    if (a->status >= 400) {
        reply_problem(a->body, &problem);
        verdict_end(&s->x.verdict, VERDICT_INPUT, refusal_named(problem.name),
                    "the log refuses it with %u %s: %s", a->status,
                    problem.name[0] != '\0' ? problem.name : "(no reason given)", problem.detail);
        return;
    }
    buf_clear(&s->sct);
    enum result r = reply_sct(a->body, &s->sct);
    if (r == RES_OK)
        r = take_sct(s, now);
    if (r == RES_CLOCK)
        clock_is_off(s);
    else if (r != RES_OK)
        exchange_wrong(&s->x, a, path, r);
}

/* No head covers the promise yet. */
static void
wait_for_head(struct session *s, uint64_t now)
{
    s->step = STEP_HEAD;
    if (now < s->deadline) {
        s->x.wait_ms = HEAD_AGAIN_MS;
        return;
    }
    verdict_end(&s->x.verdict, VERDICT_LATER, RES_STALE,
                "no head covers the entry yet, and the log signs no newer one: try again later");
}

void
session_head(struct session *s, const struct view_head *h, uint64_t now)
{
    assert(!exchange_ended(&s->x) && s->step == STEP_HEAD && s->x.wait_ms == 0);
    s->head.form = h->form;
    s->head.head = h->head;
    buf_clear(&s->head.bytes);
    enum result r = buf_add(&s->head.bytes, buf_span(&h->bytes));
    if (r != RES_OK) {
        exchange_fault(&s->x, r);
        return;
    }
    s->has_head = true;
    bool covers = s->promise.has_index ? h->head.size > s->promise.index
                                       : h->head.timestamp >= s->promise.timestamp;
    if (covers && h->head.size > 0)
        s->step = STEP_PROOF;
    else if (inclusion_broken(&s->promise, &h->head, s->log->mmd_ms))
        broken_promise(s, span_of(NULL, 0), RES_CONFLICT,
                       "the merge delay is over and the signed tree does not hold the entry");
    else
        wait_for_head(s, now);
}

void
session_no_head(struct session *s, const struct verdict *why)
{
    assert(!exchange_ended(&s->x) && why->kind != VERDICT_YES && why->kind != VERDICT_PENDING);
    verdict_end(&s->x.verdict, why->kind, why->why, "%s", why->detail);
}

static void
on_proof(struct session *s, const struct answer *a, const char *path, uint64_t now)
{
    bool late = s->head.head.timestamp >= s->promise.timestamp &&
                s->head.head.timestamp - s->promise.timestamp >= s->log->mmd_ms;
    /* RFC 6962 section 4.5: 404 says that the tree has no such leaf.  Without a leaf_index in the
     * SCT it may come. */
    if (a->status == 404 && !s->promise.has_index && !late) {
        wait_for_head(s, now);
        return;
    }
    if (a->status != 200 && !answer_is_refusal(a)) {
        exchange_no_log(&s->x, a, path);
        return;
    }
    enum result r = a->status == 200 ? reply_proof(a->body, &s->path) : RES_UNKNOWN_HASH;
    if (r == RES_OK)
        r = inclusion_check_proof(&s->promise, &s->head.head, s->path.index, s->path.path,
                                  s->path.n);
    if (r == RES_MEMORY) {
        exchange_fault(&s->x, r);
    } else if (r != RES_OK) {
        broken_promise(s, a->body, r,
                       a->status == 200 ? "the proof does not show the entry in the signed tree"
                                        : "the log says that its tree does not hold the entry");
    } else {
        verdict_end(&s->x.verdict, VERDICT_YES, RES_OK,
                    "entry %" PRIu64 " of the signed tree of size %" PRIu64, s->path.index,
                    s->head.head.size);
    }
}

void
session_answer(struct session *s, const struct answer *a, uint64_t now)
{
    struct ask asked;
    session_ask(s, &asked);
    assert(asked.kind == ASK_FETCH || asked.kind == ASK_WAIT);
    if (!exchange_take(&s->x, a, asked.path))
        return;
    if (s->step == STEP_SUBMIT)
        on_submitted(s, a, asked.path, now);
    else
        on_proof(s, a, asked.path, now);
}

const struct verdict *
session_verdict(const struct session *s)
{
    return &s->x.verdict;
}

const struct promise *
session_promise(const struct session *s)
{
    return s->has_promise ? &s->promise : NULL;
}

enum result
session_receipt(const struct session *s, struct span file, struct receipt *ret)
{
    assert(s->x.verdict.kind == VERDICT_YES);
    ret->type = s->subject.type;
    ret->leaf_hash = s->promise.leaf_hash;
    ret->index = s->path.index;
    ret->path_n = s->path.n;
    memcpy(ret->path, s->path.path, sizeof ret->path);
    ret->form = s->head.form;
    buf_clear(&ret->file);
    buf_clear(&ret->origin);
    buf_clear(&ret->sct);
    buf_clear(&ret->head);
    enum result r = buf_add(&ret->file, file);
    if (r == RES_OK)
        r = buf_add(&ret->origin, span_str(s->log->note.name));
    if (r == RES_OK)
        r = buf_add(&ret->sct, buf_span(&s->sct));
    if (r == RES_OK)
        r = buf_add(&ret->head, buf_span(&s->head.bytes));
    return r;
}
