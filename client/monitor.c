#include "client/monitor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/exchange.h"
#include "client/inclusion.h"
#include "client/reply.h"
#include "client/request.h"
#include "merkle/tree/verify.h"

enum step {
    STEP_HEAD,      /* fetch the newest head */
    STEP_LINK_VIEW, /* fetch the proof from the view's newest to it */
    STEP_STH,       /* fetch get-sth beside it */
    STEP_LINK_STH,  /* fetch the proof between the two */
    STEP_LINK_GIVEN /* monitor_new_link: the only step */
};

struct monitor {
    struct monitor_config c;
    enum step step;
    struct exchange x;
    struct view_head head; /* this run's head */
    struct view_head sth;  /* and get-sth's */
    bool has_head, has_sth;
    bool older_than_view;              /* the log served a head from before our newest */
    const struct view_head *from, *to; /* being linked */
    bool first_contact;
};

static enum result
start(const struct monitor_config *c, enum step step, struct monitor **ret)
{
    struct monitor *m = calloc(1, sizeof *m);
    assert(c->log->p256 != NULL);
    if (m == NULL)
        return RES_MEMORY;
    m->c = *c;
    exchange_init(&m->x, c->log, c->tries == 0 ? MONITOR_TRIES : c->tries, c->seed);
    m->step = step;
    buf_init(&m->head.bytes, HEAD_MAX);
    buf_init(&m->sth.bytes, HEAD_MAX);
    *ret = m;
    return RES_OK;
}

enum result
monitor_new(const struct monitor_config *c, struct monitor **ret)
{
    enum result r = start(c, STEP_HEAD, ret);
    if (r == RES_OK)
        (*ret)->first_contact = view_newest(c->view) == NULL;
    return r;
}

enum result
monitor_new_link(const struct monitor_config *c, const struct view_head *older,
                 const struct view_head *newer, struct monitor **ret)
{
    assert(head_relate(&older->head, &newer->head) == HEAD_OLDER);
    enum result r = start(c, STEP_LINK_GIVEN, ret);
    if (r == RES_OK) {
        (*ret)->from = older;
        (*ret)->to = newer;
    }
    return r;
}

void
monitor_free(struct monitor *m)
{
    if (m == NULL)
        return;
    buf_release(&m->head.bytes);
    buf_release(&m->sth.bytes);
    exchange_release(&m->x);
    free(m);
}

static enum head_form
form_of_heads(const struct monitor *m)
{
    return m->c.log->static_ct ? HEAD_CHECKPOINT : HEAD_STH;
}

void
monitor_ask(const struct monitor *m, struct ask *ret)
{
    if (!exchange_ask(&m->x, ret))
        return;
    if (m->step == STEP_STH)
        request_head(HEAD_STH, ret->path);
    else if (m->step == STEP_HEAD)
        request_head(form_of_heads(m), ret->path);
    else
        request_consistency(m->from->head.size, m->to->head.size, ret->path);
}

/* The log's own signatures contradict each other, or its proof does not link them. */
static void
conflict(struct monitor *m, const struct view_head *a, const struct view_head *b,
         struct span answer, enum result why)
{
    const struct evidence_head ea = {a->form, buf_span(&a->bytes)};
    const struct evidence_head eb = {b->form, buf_span(&b->bytes)};
    enum head_relation rel = head_relate(&a->head, &b->head);
    enum result r = evidence_write_heads(m->c.log, ea, eb, answer, &m->x.verdict.evidence);
    if (r != RES_OK) {
        exchange_fault(&m->x, r);
        return;
    }
    m->x.verdict.evidence_kind = EVIDENCE_HEADS;
    verdict_end(&m->x.verdict, VERDICT_REFUSED, why,
                "two signed heads of %s contradict each other (%s): size %" PRIu64 " at %" PRIu64
                " ms and size %" PRIu64 " at %" PRIu64 " ms",
                m->c.log->note.name,
                head_contradicts(rel) ? head_relation_name(rel) : "no proof links them",
                a->head.size, a->head.timestamp, b->head.size, b->head.timestamp);
}

/* Everything was verified: the view grows, then the clock is asked. */
static void
finish(struct monitor *m, uint64_t now)
{
    const struct head *h = &m->head.head;
    if (m->has_sth && m->sth.head.timestamp > h->timestamp &&
        head_relate(&m->sth.head, h) == HEAD_NEWER)
        h = &m->sth.head;
    if (h->timestamp > now + INCLUSION_AHEAD_MAX) {
        verdict_end(&m->x.verdict, VERDICT_LATER, RES_CLOCK,
                    "the head's time lies %" PRIu64 " s ahead of this machine's clock: set the "
                    "clock, or the log's is wrong",
                    (h->timestamp - now) / 1000);
        return;
    }
    if (!m->older_than_view) {
        enum result r =
            view_advance(m->c.view, m->head.form, &m->head.head, buf_span(&m->head.bytes));
        if (r != RES_OK) {
            exchange_fault(&m->x, r);
            return;
        }
    }
    if (m->older_than_view)
        verdict_end(&m->x.verdict, VERDICT_LATER, RES_STALE,
                    "the log served a head of size %" PRIu64 " that is older than one seen before "
                    "(size %" PRIu64 "): an old copy, or a log that went back; try again",
                    m->head.head.size, view_newest(m->c.view)->head.size);
    else if (now > h->timestamp && now - h->timestamp > MONITOR_STALE_MS)
        verdict_end(&m->x.verdict, VERDICT_LATER, RES_STALE,
                    "the newest head is %" PRIu64 " minutes old: the log has stopped signing",
                    (now - h->timestamp) / 60000);
    else
        verdict_end(&m->x.verdict, VERDICT_YES, RES_OK,
                    "the head of size %" PRIu64 " is consistent", h->size);
}

static void
after_view(struct monitor *m, uint64_t now)
{
    if (m->c.cross_check && m->c.log->static_ct)
        m->step = STEP_STH;
    else
        finish(m, now);
}

/* Nothing to prove from an empty tree: RFC 6962 section 2.1.2 has 0 < m. */
static bool
needs_proof(const struct view_head *from)
{
    return from->head.size > 0;
}

static bool
take_head(struct monitor *m, const struct answer *a, enum head_form form, struct view_head *out)
{
    enum result r = head_open(m->c.log, m->c.policy, form, a->body, &out->head);
    if (r == RES_OK) {
        out->form = form;
        buf_clear(&out->bytes);
        r = buf_add(&out->bytes, a->body);
    }
    if (r != RES_OK) {
        struct ask asked;
        monitor_ask(m, &asked);
        exchange_wrong(&m->x, a, asked.path, r);
    }
    return r == RES_OK;
}

static void
on_head(struct monitor *m, const struct answer *a, uint64_t now)
{
    const struct view_head *seen = view_newest(m->c.view);
    if (!take_head(m, a, form_of_heads(m), &m->head))
        return;
    m->has_head = true;
    if (seen == NULL) {
        after_view(m, now);
        return;
    }
    enum head_relation rel = head_relate(&m->head.head, &seen->head);
    if (head_contradicts(rel)) {
        conflict(m, seen, &m->head, span_of(NULL, 0), RES_CONFLICT);
        return;
    }
    m->older_than_view =
        rel == HEAD_OLDER || (rel == HEAD_SAME && m->head.head.timestamp < seen->head.timestamp);
    m->from = rel == HEAD_OLDER ? &m->head : seen;
    m->to = rel == HEAD_OLDER ? seen : &m->head;
    if (rel != HEAD_SAME && needs_proof(m->from))
        m->step = STEP_LINK_VIEW;
    else
        after_view(m, now);
}

static void
on_sth(struct monitor *m, const struct answer *a, uint64_t now)
{
    /* An STH carries no cosignatures: the quorum was asked of the checkpoint. */
    const struct policy *policy = m->c.policy;
    m->c.policy = NULL;
    bool taken = take_head(m, a, HEAD_STH, &m->sth);
    m->c.policy = policy;
    if (!taken)
        return;
    m->has_sth = true;
    enum head_relation rel = head_relate(&m->head.head, &m->sth.head);
    if (head_contradicts(rel)) {
        conflict(m, &m->head, &m->sth, span_of(NULL, 0), RES_CONFLICT);
        return;
    }
    m->from = rel == HEAD_NEWER ? &m->sth : &m->head;
    m->to = rel == HEAD_NEWER ? &m->head : &m->sth;
    if (rel != HEAD_SAME && needs_proof(m->from))
        m->step = STEP_LINK_STH;
    else
        finish(m, now);
}

static void
on_link(struct monitor *m, const struct answer *a, uint64_t now)
{
    struct reply_path p;
    /* A log that cannot link what it signed denies what it signed. */
    enum result r = a->status == 200 ? reply_consistency(a->body, &p) : RES_UNKNOWN_HASH;
    if (r == RES_OK)
        r = consistency_verify(m->from->head.size, m->to->head.size, &m->from->head.root,
                               &m->to->head.root, p.path, p.n);
    if (r == RES_MEMORY) {
        exchange_fault(&m->x, r);
    } else if (r != RES_OK) {
        conflict(m, m->from, m->to, a->body, r);
    } else if (m->step == STEP_LINK_VIEW) {
        after_view(m, now);
    } else if (m->step == STEP_LINK_GIVEN) {
        verdict_end(&m->x.verdict, VERDICT_YES, RES_OK,
                    "the tree of size %" PRIu64 " is a prefix of the tree of size %" PRIu64,
                    m->from->head.size, m->to->head.size);
    } else {
        finish(m, now);
    }
}

void
monitor_answer(struct monitor *m, const struct answer *a, uint64_t now)
{
    struct ask asked;
    monitor_ask(m, &asked);
    if (!exchange_take(&m->x, a, asked.path))
        return;
    bool head = m->step == STEP_HEAD || m->step == STEP_STH;
    if (a->status != 200 && (head || !answer_is_refusal(a)))
        exchange_no_log(&m->x, a, asked.path);
    else if (m->step == STEP_HEAD)
        on_head(m, a, now);
    else if (m->step == STEP_STH)
        on_sth(m, a, now);
    else
        on_link(m, a, now);
}

const struct verdict *
monitor_verdict(const struct monitor *m)
{
    return &m->x.verdict;
}

const struct view_head *
monitor_head(const struct monitor *m)
{
    enum verdict_kind k = m->x.verdict.kind;
    return m->has_head && (k == VERDICT_YES || k == VERDICT_LATER) ? &m->head : NULL;
}

bool
monitor_first_contact(const struct monitor *m)
{
    return m->first_contact;
}
