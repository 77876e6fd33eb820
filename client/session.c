#include "client/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/json.h"
#include "client/reply.h"
#include "merkle/base/text.h"

#define REQUEST_MAX (4 * 1024 * 1024)
/* Between two looks for a covering head. */
#define HEAD_AGAIN_MS 250

enum step { STEP_SUBMIT, STEP_HEAD, STEP_PROOF, STEP_DONE };

struct session {
    struct session_config c;
    struct subject subject;
    enum step step;
    unsigned tries;
    uint64_t wait_ms; /* not 0: wait, then go on with step */
    uint64_t deadline;
    struct buf request; /* JSON of the submission */
    struct buf sct;
    bool has_promise;
    struct promise promise;
    bool has_head;
    struct view_head head;
    struct reply_path path;
    struct verdict verdict;
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
    s->c = *c;
    if (s->c.tries == 0)
        s->c.tries = SESSION_TRIES;
    s->subject = *subject;
    *subject = SUBJECT_INIT;
    buf_init(&s->request, REQUEST_MAX);
    buf_init(&s->sct, UINT16_MAX);
    buf_init(&s->head.bytes, HEAD_MAX);
    verdict_init(&s->verdict);
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
    verdict_release(&s->verdict);
    free(s);
}

/* RFC 6962 section 4.1: {"chain": [base64, …]}. */
static enum result
write_request(const struct subject_chain *chain, struct buf *out)
{
    enum result r = buf_add(out, span_str("{\"chain\":["));
    for (size_t i = 0; r == RES_OK && i < chain->n; i++) {
        if (i > 0)
            r = buf_add(out, span_str(","));
        if (r == RES_OK)
            r = json_write_base64(chain->certs[i], out);
    }
    return r == RES_OK ? buf_add(out, span_str("]}")) : r;
}

enum result
session_submit(const struct session_config *c, struct subject *subject,
               const struct subject_chain *chain, uint64_t now, struct session **ret)
{
    struct session *s;
    enum result r = start(c, subject, &s);
    if (r != RES_OK)
        return r;
    r = write_request(chain, &s->request);
    if (r != RES_OK) {
        session_free(s);
        return r;
    }
    s->step = STEP_SUBMIT;
    s->deadline = now + c->log->mmd_ms + SESSION_PATIENCE_MS;
    *ret = s;
    return RES_OK;
}

static void
end(struct session *s)
{
    s->step = STEP_DONE;
    s->wait_ms = 0;
}

static void
fault(struct session *s, enum result r)
{
    end(s);
    verdict_end(&s->verdict, VERDICT_FAULT, r, "%s", result_sentence(r));
}

/* An answer that is wrong by itself. */
static void
wrong_answer(struct session *s, const struct answer *a, enum result why)
{
    struct ask asked;
    session_ask(s, &asked);
    const char *path = asked.kind == ASK_FETCH ? asked.path : "(an SCT from elsewhere)";
    enum result r = evidence_write_answer(s->c.log, path, a->body, why, &s->verdict.evidence);
    if (r != RES_OK || result_class(why) == CLASS_BROKEN) {
        fault(s, r != RES_OK ? r : why);
        return;
    }
    end(s);
    s->verdict.evidence_kind = EVIDENCE_ANSWER;
    verdict_end(&s->verdict, VERDICT_REFUSED, why, "the answer to %s is wrong: %s (%s)", path,
                result_sentence(why), result_source(why));
}

/* The SCT is the log's word; what it did is another. */
static void
broken_promise(struct session *s, struct span answer, enum result why, const char *sentence)
{
    const struct entry entry = subject_entry(&s->subject);
    const struct evidence_head head = {s->head.form, buf_span(&s->head.bytes)};
    enum result r = evidence_write_promise(s->c.log, buf_span(&s->sct), &entry, head, answer,
                                           &s->verdict.evidence);
    if (r != RES_OK) {
        fault(s, r);
        return;
    }
    end(s);
    s->verdict.evidence_kind = EVIDENCE_PROMISE;
    verdict_end(&s->verdict, VERDICT_REFUSED, why, "%s: %s", s->c.log->note.name, sentence);
}

/* Verifies s->sct and says what follows; RES_OK makes the promise valid. */
static enum result
take_sct(struct session *s, uint64_t now)
{
    const struct entry entry = subject_entry(&s->subject);
    struct sct sct;
    enum result r = sct_parse(buf_span(&s->sct), &sct);
    if (r == RES_OK)
        r = inclusion_check_sct(s->c.log, &sct, &entry, now, &s->promise);
    if (r != RES_OK)
        return r;
    s->has_promise = true;
    s->step = STEP_HEAD;
    return RES_OK;
}

static void
clock_is_off(struct session *s)
{
    end(s);
    verdict_end(&s->verdict, VERDICT_LATER, RES_CLOCK,
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
        end(s);
        verdict_end(&s->verdict, result_class(r) == CLASS_BROKEN ? VERDICT_FAULT : VERDICT_INPUT, r,
                    "the SCT is not valid for this certificate: %s (%s)", result_sentence(r),
                    result_source(r));
    }
    *ret = s;
    return RES_OK;
}

/* Base64 has three characters that a query must not hold as they stand. */
static void
write_escaped(struct span base64, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < base64.n && n + 4 < cap; i++) {
        char c = (char)base64.p[i];
        if (c == '+' || c == '/' || c == '=')
            n += (size_t)snprintf(out + n, cap - n, "%%%02X", (unsigned)c);
        else
            out[n++] = c;
    }
    out[n] = '\0';
}

static void
write_proof_path(const struct session *s, char out[static ASK_PATH_MAX])
{
    /* 44 characters, each at most three times as long. */
    char hash[3 * BASE64_ENCODED(HASH_SIZE) + 8];
    struct buf text = BUF_INIT(64);
    hash[0] = '\0';
    if (text_base64(hash_span(&s->promise.leaf_hash), &text) == RES_OK)
        write_escaped(buf_span(&text), hash, sizeof hash);
    buf_release(&text);
    (void)snprintf(out, ASK_PATH_MAX, "/ct/v1/get-proof-by-hash?hash=%s&tree_size=%" PRIu64, hash,
                   s->head.head.size);
}

void
session_ask(const struct session *s, struct ask *ret)
{
    *ret = (struct ask){.kind = ASK_FETCH};
    if (s->step == STEP_DONE) {
        ret->kind = ASK_DONE;
    } else if (s->wait_ms > 0) {
        ret->kind = ASK_WAIT;
        ret->wait_ms = s->wait_ms;
    } else if (s->step == STEP_HEAD) {
        ret->kind = ASK_HEAD;
    } else if (s->step == STEP_PROOF) {
        write_proof_path(s, ret->path);
    } else {
        (void)snprintf(ret->path, sizeof ret->path, "/ct/v1/%s",
                       s->subject.type == ENTRY_PRECERT ? "add-pre-chain" : "add-chain");
        ret->body = buf_span(&s->request);
    }
}

/* Neither an answer of a log nor a refusal. */
static void
not_a_log(struct session *s, const struct answer *a)
{
    struct ask asked;
    session_ask(s, &asked);
    end(s);
    verdict_end(&s->verdict, VERDICT_LATER, RES_UNREACHABLE,
                "%s answers %u to %s: is the URL in the policy that of a log?", s->c.log->url,
                a->status, asked.path);
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
on_submitted(struct session *s, const struct answer *a, uint64_t now)
{
    struct reply_problem problem;
    if (a->status < 400 && a->status != 200) {
        not_a_log(s, a);
        return;
    }
    if (a->status >= 400) {
        reply_problem(a->body, &problem);
        end(s);
        verdict_end(&s->verdict, VERDICT_INPUT, refusal_named(problem.name),
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
        wrong_answer(s, a, r);
}

/* No head covers the promise yet. */
static void
wait_for_head(struct session *s, uint64_t now)
{
    s->step = STEP_HEAD;
    if (now < s->deadline) {
        s->wait_ms = HEAD_AGAIN_MS;
        return;
    }
    end(s);
    verdict_end(&s->verdict, VERDICT_LATER, RES_STALE,
                "no head covers the entry yet, and the log signs no newer one: try again later");
}

void
session_head(struct session *s, const struct view_head *h, uint64_t now)
{
    assert(s->step == STEP_HEAD && s->wait_ms == 0);
    s->head.form = h->form;
    s->head.head = h->head;
    buf_clear(&s->head.bytes);
    enum result r = buf_add(&s->head.bytes, buf_span(&h->bytes));
    if (r != RES_OK) {
        fault(s, r);
        return;
    }
    s->has_head = true;
    bool covers = s->promise.has_index ? h->head.size > s->promise.index
                                       : h->head.timestamp >= s->promise.timestamp;
    if (covers && h->head.size > 0)
        s->step = STEP_PROOF;
    else if (inclusion_broken(&s->promise, &h->head, s->c.log->mmd_ms))
        broken_promise(s, span_of(NULL, 0), RES_CONFLICT,
                       "the merge delay is over and the signed tree does not hold the entry");
    else
        wait_for_head(s, now);
}

void
session_no_head(struct session *s, const struct verdict *why)
{
    assert(why->kind != VERDICT_YES && why->kind != VERDICT_PENDING);
    end(s);
    verdict_end(&s->verdict, why->kind, why->why, "%s", why->detail);
}

static void
on_proof(struct session *s, const struct answer *a, uint64_t now)
{
    bool late = s->head.head.timestamp >= s->promise.timestamp &&
                s->head.head.timestamp - s->promise.timestamp >= s->c.log->mmd_ms;
    /* RFC 6962 section 4.5: 404 says that the tree has no such leaf.  Without a leaf_index in the
     * SCT it may come. */
    if (a->status == 404 && !s->promise.has_index && !late) {
        wait_for_head(s, now);
        return;
    }
    if (a->status != 200 && !answer_is_refusal(a)) {
        not_a_log(s, a);
        return;
    }
    enum result r = a->status == 200 ? reply_proof(a->body, &s->path) : RES_UNKNOWN_HASH;
    if (r == RES_OK)
        r = inclusion_check_proof(&s->promise, &s->head.head, s->path.index, s->path.path,
                                  s->path.n);
    if (r == RES_MEMORY) {
        fault(s, r);
    } else if (r != RES_OK) {
        broken_promise(s, a->body, r,
                       a->status == 200 ? "the proof does not show the entry in the signed tree"
                                        : "the log says that its tree does not hold the entry");
    } else {
        end(s);
        verdict_end(&s->verdict, VERDICT_YES, RES_OK,
                    "entry %" PRIu64 " of the signed tree of size %" PRIu64, s->path.index,
                    s->head.head.size);
    }
}

static void
on_later(struct session *s, const struct answer *a)
{
    if (++s->tries < s->c.tries) {
        s->wait_ms = answer_backoff(a, s->tries, s->c.seed);
        return;
    }
    end(s);
    if (a->transport != RES_OK)
        verdict_end(&s->verdict, VERDICT_LATER, RES_UNREACHABLE, "%s could not be reached%s%s",
                    s->c.log->url, a->error[0] != '\0' ? ": " : "", a->error);
    else
        verdict_end(&s->verdict, VERDICT_LATER, RES_BUSY, "%s answers %u: try again later",
                    s->c.log->url, a->status);
}

void
session_answer(struct session *s, const struct answer *a, uint64_t now)
{
    assert(s->step != STEP_DONE);
    if (s->wait_ms > 0) {
        s->wait_ms = 0;
        return;
    }
    assert(s->step != STEP_HEAD);
    if (answer_is_later(a)) {
        on_later(s, a);
        return;
    }
    s->tries = 0;
    if (a->transport == RES_TOO_LARGE)
        wrong_answer(s, a, a->transport);
    else if (a->transport != RES_OK)
        fault(s, a->transport);
    else if (s->step == STEP_SUBMIT)
        on_submitted(s, a, now);
    else
        on_proof(s, a, now);
}

const struct verdict *
session_verdict(const struct session *s)
{
    return &s->verdict;
}

const struct promise *
session_promise(const struct session *s)
{
    return s->has_promise ? &s->promise : NULL;
}

enum result
session_receipt(const struct session *s, struct span file, struct receipt *ret)
{
    assert(s->verdict.kind == VERDICT_YES);
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
        r = buf_add(&ret->origin, span_str(s->c.log->note.name));
    if (r == RES_OK)
        r = buf_add(&ret->sct, buf_span(&s->sct));
    if (r == RES_OK)
        r = buf_add(&ret->head, buf_span(&s->head.bytes));
    return r;
}
