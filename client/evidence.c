#include "client/evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/record.h"
#include "client/reply.h"
#include "client/view.h"
#include "merkle/base/text.h"
#include "merkle/leaf/cert.h"
#include "merkle/tree/verify.h"

static const char *const KIND[] = {"heads", "promise", "answer", "directory"};

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

static const char *const STATEMENT[] = {"kt-head", "anchor", "head"};

static enum result
write_statement(const struct statement_told *told, struct buf *out)
{
    if (told->kind == STATEMENT_LOG_HEAD)
        return write_head((struct evidence_head){told->form, told->bytes}, out);
    return record_write_base64(STATEMENT[told->kind], told->bytes, out);
}

enum result
evidence_write_directory(const struct policy_log *log, const struct statement_told *a,
                         const struct statement_told *b, struct buf *out)
{
    struct buf config = BUF_INIT(KT_HEAD_TBS_MAX), feed = BUF_INIT(KEY_VKEY_MAX);
    struct writer w = writer_to(&config);
    kt_config_put(&w, &log->directory);
    enum result r = writer_end(&w);
    if (r == RES_OK)
        r = note_key_write(&log->feed, &feed);
    if (r == RES_OK)
        r = write_start(log, EVIDENCE_DIRECTORY, out);
    if (r == RES_OK)
        r = record_write_base64("configuration", buf_span(&config), out);
    if (r == RES_OK)
        r = record_write_text("feed", buf_span(&feed), out);
    if (r == RES_OK)
        r = write_statement(a, out);
    if (r == RES_OK)
        r = write_statement(b, out);
    buf_release(&config);
    buf_release(&feed);
    return r == RES_OK ? record_write_digest(out) : r;
}

/* ---- checking ---- */

static bool
same_key(const struct note_key *a, const struct note_key *b)
{
    return a->type == b->type && strcmp(a->name, b->name) == 0 &&
           memcmp(a->public, b->public, sizeof a->public) == 0;
}

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

/* The bytes of a signed head, appended to out. */
static enum result
read_head_bytes(struct record *in, enum head_form *ret_form, struct buf *out)
{
    struct span text;
    enum result r = record_text(in, "head", &text);
    if (r != RES_OK)
        return r;
    const uint8_t *blank = memchr(text.p, ' ', text.n);
    if (blank == NULL)
        return RES_ENCODING;
    size_t n = (size_t)(blank - text.p);
    r = head_form_parse(span_of(text.p, n), ret_form);
    return r == RES_OK ? text_unbase64(span_of(text.p + n + 1, text.n - n - 1), out) : r;
}

static enum result
read_head(struct record *in, const struct policy_log *log, struct head *ret)
{
    struct buf bytes = BUF_INIT(HEAD_MAX);
    enum head_form form;
    enum result r = read_head_bytes(in, &form, &bytes);
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

/* The Configuration and the feed's key, which must bear the log's name. */
static enum result
read_directory_keys(struct record *in, struct policy_log *log)
{
    struct buf config = BUF_INIT(KT_HEAD_TBS_MAX);
    size_t n = strlen(log->note.name);
    struct span text;
    enum result r = record_base64(in, "configuration", &config);
    if (r == RES_OK) {
        struct reader bytes = reader_of(buf_span(&config));
        kt_config_get(&bytes, &log->directory);
        r = reader_end(&bytes);
    }
    if (r == RES_OK)
        r = record_text(in, "feed", &text);
    if (r == RES_OK)
        r = note_key_parse(text, &log->feed);
    if (r == RES_OK &&
        (log->feed.type != KEY_ED25519 || strncmp(log->feed.name, log->note.name, n) != 0 ||
         strcmp(log->feed.name + n, "/feed") != 0))
        r = RES_KEY;
    log->has_directory = r == RES_OK;
    buf_release(&config);
    return r;
}

static enum result
read_statement(struct record *in, const struct policy_log *log, struct buf *bytes,
               struct statement *ret)
{
    struct statement_told told = {.kind = STATEMENT_LOG_HEAD};
    enum result r;
    if (record_next_is(in, STATEMENT[STATEMENT_LOG_HEAD])) {
        r = read_head_bytes(in, &told.form, bytes);
    } else {
        told.kind =
            record_next_is(in, STATEMENT[STATEMENT_ANCHOR]) ? STATEMENT_ANCHOR : STATEMENT_KT_HEAD;
        r = record_base64(in, STATEMENT[told.kind], bytes);
    }
    told.bytes = buf_span(bytes);
    return r == RES_OK ? statement_open(log, &told, ret) : r;
}

/* Whether the policy gives the log all of these keys. */
static bool
keys_are_known(const struct policy *policy, const struct policy_log *log)
{
    const struct policy_log *known = policy_log_by_id(policy, p256_key_id(log->p256));
    struct buf ours = BUF_INIT(KT_HEAD_TBS_MAX), theirs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w[2] = {writer_to(&ours), writer_to(&theirs)};
    if (known == NULL || !known->has_directory)
        return false;
    kt_config_put(&w[0], &known->directory);
    kt_config_put(&w[1], &log->directory);
    bool same = writer_end(&w[0]) == RES_OK && writer_end(&w[1]) == RES_OK &&
                span_equal(buf_span(&ours), buf_span(&theirs));
    buf_release(&ours);
    buf_release(&theirs);
    return same && same_key(&known->note, &log->note) && same_key(&known->feed, &log->feed);
}

static enum result
check_directory(struct record *in, struct policy_log *log, const struct policy *policy,
                struct evidence_report *e)
{
    struct buf bytes[2] = {BUF_INIT(STATEMENT_MAX), BUF_INIT(STATEMENT_MAX)};
    enum result r = read_directory_keys(in, log);
    for (size_t i = 0; r == RES_OK && i < 2; i++) {
        r = read_statement(in, log, &bytes[i], &e->statement[i]);
        e->statement[i].told.bytes = span_of(NULL, 0);
    }
    buf_release(&bytes[0]);
    buf_release(&bytes[1]);
    if (r != RES_OK)
        return r;
    e->feed = log->feed;
    memcpy(e->directory_key, log->directory.signature_key, sizeof e->directory_key);
    enum statement_relation rel = statement_relate(&e->statement[0], &e->statement[1]);
    if (!statement_contradicts(rel))
        find(e, rel == STATEMENTS_AGREE ? EVIDENCE_AGREES : EVIDENCE_UNPROVED,
             statement_relation_name(rel));
    else if (policy != NULL && !keys_are_known(policy, log))
        find(e, EVIDENCE_UNPROVED, "other-keys");
    else
        find(e, EVIDENCE_PROVED, statement_relation_name(rel));
    return RES_OK;
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
    for (e.kind = EVIDENCE_HEADS; e.kind <= EVIDENCE_DIRECTORY; e.kind++)
        if (span_equal(kind, span_str(KIND[e.kind])))
            break;
    if (e.kind == EVIDENCE_HEADS)
        r = check_heads(&in, &log, &e);
    else if (e.kind == EVIDENCE_PROMISE)
        r = check_promise(&in, &log, policy, &e);
    else if (e.kind == EVIDENCE_ANSWER)
        r = check_answer(&in, &e);
    else if (e.kind == EVIDENCE_DIRECTORY)
        r = check_directory(&in, &log, policy, &e);
    if (r == RES_OK)
        r = record_end(&in);
    if (r == RES_OK)
        *ret = e;
out:
    p256_key_free(log.p256);
    return r;
}
