#include "client/evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/record.h"
#include "client/reply.h"
#include "client/view.h"
#include "merkle/base/text.h"
#include "merkle/leaf/cert.h"
#include "merkle/tree/verify.h"

static const char *const KIND[] = {"heads", "promise", "answer"};

const char *
evidence_kind_name(enum evidence_kind kind)
{
    return KIND[kind];
}

/* ---- writing ---- */

static enum result
write_start(const struct policy_log *log, enum evidence_kind kind, struct buf *out)
{
    enum result r = record_write_heading("evidence", out);
    if (r == RES_OK)
        r = view_write_keys(log, out);
    return r == RES_OK ? record_write_text("kind", span_str(KIND[kind]), out) : r;
}

static enum result
write_head(struct evidence_head h, struct buf *out)
{
    enum result r = buf_printf(out, "head %s ", head_form_name(h.form));
    if (r == RES_OK)
        r = text_base64(h.bytes, out);
    return r == RES_OK ? buf_add(out, span_str("\n")) : r;
}

static enum result
write_finish(struct span answer, struct buf *out)
{
    enum result r = RES_OK;
    if (answer.n > 0)
        r = record_write_base64("answer", answer, out);
    return r == RES_OK ? record_write_digest(out) : r;
}

enum result
evidence_write_heads(const struct policy_log *log, struct evidence_head a, struct evidence_head b,
                     struct span answer, struct buf *out)
{
    enum result r = write_start(log, EVIDENCE_HEADS, out);
    if (r == RES_OK)
        r = write_head(a, out);
    if (r == RES_OK)
        r = write_head(b, out);
    return r == RES_OK ? write_finish(answer, out) : r;
}

enum result
evidence_write_promise(const struct policy_log *log, struct span sct, const struct entry *entry,
                       struct evidence_head head, struct span answer, struct buf *out)
{
    struct buf leaf = BUF_INIT(CERT_MAX + 128);
    struct sct s;
    enum result r = sct_parse(sct, &s);
    if (r != RES_OK)
        return r;
    const struct timestamped_entry t = {
        .timestamp = s.timestamp, .entry = *entry, .extensions = s.extensions};
    r = entry_leaf_write(&t, &leaf);
    if (r == RES_OK)
        r = write_start(log, EVIDENCE_PROMISE, out);
    if (r == RES_OK)
        r = record_write_base64("sct", sct, out);
    if (r == RES_OK)
        r = record_write_base64("leaf", buf_span(&leaf), out);
    if (r == RES_OK)
        r = buf_printf(out, "mmd %" PRIu64 "\n", log->mmd_ms / 1000);
    if (r == RES_OK)
        r = write_head(head, out);
    buf_release(&leaf);
    return r == RES_OK ? write_finish(answer, out) : r;
}

enum result
evidence_write_answer(const struct policy_log *log, const char *asked, struct span answer,
                      enum result why, struct buf *out)
{
    enum result r = write_start(log, EVIDENCE_ANSWER, out);
    if (r == RES_OK)
        r = record_write_text("asked", span_str(asked), out);
    if (r == RES_OK && answer.n > 0)
        r = record_write_base64("answer", answer, out);
    if (r == RES_OK)
        r = record_write_text("why", span_str(result_name(why)), out);
    return r == RES_OK ? record_write_digest(out) : r;
}

/* ---- checking ---- */

static enum result
read_keys(struct record *in, struct policy_log *log)
{
    struct buf spki = BUF_INIT(1024);
    struct span text;
    enum result r = record_text(in, "log", &text);
    if (r == RES_OK)
        r = note_key_parse(text, &log->note);
    if (r == RES_OK && log->note.type != KEY_ED25519)
        r = RES_KEY;
    if (r == RES_OK)
        r = record_base64(in, "ct-key", &spki);
    if (r == RES_OK)
        r = p256_key_parse(buf_span(&spki), &log->p256);
    if (r == RES_OK)
        r = note_key_rfc6962(log->note.name, log->p256, &log->rfc6962);
    buf_release(&spki);
    return r;
}

static enum result
read_head(struct record *in, const struct policy_log *log, struct head *ret)
{
    struct buf bytes = BUF_INIT(HEAD_MAX);
    enum head_form form;
    struct span text;
    enum result r = record_text(in, "head", &text);
    if (r != RES_OK)
        return r;
    const uint8_t *blank = memchr(text.p, ' ', text.n);
    if (blank == NULL)
        return RES_ENCODING;
    size_t n = (size_t)(blank - text.p);
    r = head_form_parse(span_of(text.p, n), &form);
    if (r == RES_OK)
        r = text_unbase64(span_of(text.p + n + 1, text.n - n - 1), &bytes);
    if (r == RES_OK)
        r = head_open(log, NULL, form, buf_span(&bytes), ret);
    buf_release(&bytes);
    return r;
}

/* The answer, when the file has one. */
static enum result
read_answer(struct record *in, struct buf *out)
{
    return record_next_is(in, "answer") ? record_base64(in, "answer", out) : RES_OK;
}

static void
find(struct evidence_report *e, enum evidence_verdict verdict, const char *finding)
{
    e->verdict = verdict;
    e->finding = finding;
}

static enum result
check_heads(struct record *in, const struct policy_log *log, struct evidence_report *e)
{
    struct buf answer = BUF_INIT(EVIDENCE_MAX);
    struct reply_path p;
    enum result r = read_head(in, log, &e->head[0]);
    if (r == RES_OK)
        r = read_head(in, log, &e->head[1]);
    if (r == RES_OK)
        r = read_answer(in, &answer);
    if (r != RES_OK)
        goto out;
    enum head_relation rel = head_relate(&e->head[0], &e->head[1]);
    const struct head *a = &e->head[rel == HEAD_NEWER ? 1 : 0];
    const struct head *b = &e->head[rel == HEAD_NEWER ? 0 : 1];
    if (head_contradicts(rel))
        find(e, EVIDENCE_PROVED, head_relation_name(rel));
    else if (rel == HEAD_SAME ||
             (reply_consistency(buf_span(&answer), &p) == RES_OK &&
              consistency_verify(a->size, b->size, &a->root, &b->root, p.path, p.n) == RES_OK))
        find(e, EVIDENCE_AGREES, "agrees");
    else
        find(e, EVIDENCE_UNPROVED, "unproved");
out:
    buf_release(&answer);
    return r;
}

/* What the answer to get-proof-by-hash makes of the promise. */
static void
judge_answer(struct evidence_report *e, struct span answer)
{
    struct reply_path p;
    enum result r = reply_proof(answer, &p);
    if (r == RES_OK)
        r = inclusion_check_proof(&e->promise, &e->head[0], p.index, p.path, p.n);
    if (r == RES_OK)
        find(e, EVIDENCE_AGREES, "agrees");
    else if (r == RES_CONFLICT)
        find(e, EVIDENCE_PROVED, "misplaced");
    else
        find(e, EVIDENCE_UNPROVED, "unproved");
}

static enum result
check_promise(struct record *in, const struct policy_log *log, const struct policy *policy,
              struct evidence_report *e)
{
    struct buf sct = BUF_INIT(UINT16_MAX), leaf = BUF_INIT(CERT_MAX + 128);
    struct buf answer = BUF_INIT(EVIDENCE_MAX);
    struct timestamped_entry t;
    struct span mmd;
    struct sct s;
    uint64_t seconds = 0;
    enum result r = record_base64(in, "sct", &sct);
    if (r == RES_OK)
        r = record_base64(in, "leaf", &leaf);
    if (r == RES_OK)
        r = record_text(in, "mmd", &mmd);
    if (r == RES_OK)
        r = text_u64(mmd, POLICY_MMD_MAX, &seconds);
    if (r == RES_OK)
        r = read_head(in, log, &e->head[0]);
    if (r == RES_OK)
        r = read_answer(in, &answer);
    if (r == RES_OK)
        r = sct_parse(buf_span(&sct), &s);
    if (r == RES_OK)
        r = entry_leaf_parse(buf_span(&leaf), &t);
    if (r == RES_OK && (t.timestamp != s.timestamp || !span_equal(t.extensions, s.extensions)))
        r = RES_SIGNATURE;
    if (r == RES_OK)
        r = inclusion_check_sct(log, &s, &t.entry, 0, &e->promise);
    if (r != RES_OK)
        goto out;
    const struct policy_log *known = policy == NULL ? NULL : policy_log_by_id(policy, &e->log_id);
    e->mmd_known = known != NULL;
    /* Whoever made the file could have made the delay up. */
    e->mmd_ms = e->mmd_known ? known->mmd_ms : seconds * 1000;
    if (e->mmd_known && inclusion_broken(&e->promise, &e->head[0], e->mmd_ms))
        find(e, EVIDENCE_PROVED, "not-merged");
    else
        judge_answer(e, buf_span(&answer));
out:
    buf_release(&sct);
    buf_release(&leaf);
    buf_release(&answer);
    return r;
}

static enum result
check_answer(struct record *in, struct evidence_report *e)
{
    struct buf answer = BUF_INIT(EVIDENCE_MAX);
    struct span text;
    enum result r = record_text(in, "asked", &text);
    if (r == RES_OK)
        r = read_answer(in, &answer);
    if (r == RES_OK)
        r = record_text(in, "why", &text);
    find(e, EVIDENCE_UNPROVED, "unproved");
    buf_release(&answer);
    return r;
}

enum result
evidence_check(struct span text, const struct policy *policy, struct evidence_report *ret)
{
    struct evidence_report e = {.verdict = EVIDENCE_UNPROVED};
    struct policy_log log = {.static_ct = true};
    struct span kind;
    struct record in;
    if (text.n > EVIDENCE_MAX)
        return RES_TOO_LARGE;
    enum result r = record_open(text, "evidence", &in);
    if (r == RES_OK)
        r = read_keys(&in, &log);
    if (r == RES_OK)
        r = record_text(&in, "kind", &kind);
    if (r != RES_OK)
        goto out;
    e.note = log.note;
    e.log_id = *p256_key_id(log.p256);
    r = RES_VALUE;
    for (e.kind = EVIDENCE_HEADS; e.kind <= EVIDENCE_ANSWER; e.kind++)
        if (span_equal(kind, span_str(KIND[e.kind])))
            break;
    if (e.kind == EVIDENCE_HEADS)
        r = check_heads(&in, &log, &e);
    else if (e.kind == EVIDENCE_PROMISE)
        r = check_promise(&in, &log, policy, &e);
    else if (e.kind == EVIDENCE_ANSWER)
        r = check_answer(&in, &e);
    if (r == RES_OK)
        r = record_end(&in);
    if (r == RES_OK)
        *ret = e;
out:
    p256_key_free(log.p256);
    return r;
}
