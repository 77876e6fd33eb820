#include "client/view.h"

#include <assert.h>

#include "merkle/base/text.h"

void
view_release(struct view *v)
{
    for (size_t i = 0; i < v->n; i++)
        buf_release(&v->heads[i].bytes);
    v->n = 0;
}

const struct view_head *
view_newest(const struct view *v)
{
    return v->n == 0 ? NULL : &v->heads[v->n - 1];
}

/* Makes room at the end: the second oldest goes, the first ever seen stays. */
static void
thin(struct view *v)
{
    if (v->n < VIEW_HEADS_MAX)
        return;
    buf_release(&v->heads[1].bytes);
    memmove(&v->heads[1], &v->heads[2], (VIEW_HEADS_MAX - 2) * sizeof v->heads[0]);
    v->n--;
}

enum result
view_advance(struct view *v, enum head_form form, const struct head *head, struct span bytes)
{
    const struct view_head *newest = view_newest(v);
    bool renew = false;
    if (newest != NULL) {
        enum head_relation rel = head_relate(head, &newest->head);
        if (rel == HEAD_SAME && head->timestamp <= newest->head.timestamp)
            return RES_OK;
        if (rel != HEAD_SAME && rel != HEAD_NEWER)
            return RES_CONFLICT;
        renew = rel == HEAD_SAME && v->n > 1 && v->heads[v->n - 2].head.size == newest->head.size;
    }
    struct view_head add = {.form = form, .head = *head, .bytes = BUF_INIT(HEAD_MAX)};
    enum result r = buf_add(&add.bytes, bytes);
    if (r != RES_OK)
        return r;
    if (renew) {
        buf_release(&v->heads[v->n - 1].bytes);
        v->heads[v->n - 1] = add;
        return RES_OK;
    }
    thin(v);
    v->heads[v->n++] = add;
    return RES_OK;
}

/* The log that the file is about must be the one asked for, both keys. */
static enum result
check_keys(struct record *in, const struct policy_log *log)
{
    struct buf want = BUF_INIT(4096);
    struct span text;
    enum result r = record_text(in, "log", &text);
    if (r == RES_OK)
        r = note_key_write(&log->note, &want);
    if (r == RES_OK && !span_equal(text, buf_span(&want)))
        r = RES_KEY;
    buf_clear(&want);
    if (r == RES_OK)
        r = record_base64(in, "ct-key", &want);
    if (r == RES_OK && !span_equal(buf_span(&want), p256_key_spki(log->p256)))
        r = RES_KEY;
    buf_release(&want);
    return r;
}

/* "<form> <base64>" */
static enum result
read_head(struct record *in, const struct policy_log *log, struct view_head *ret)
{
    struct span text;
    enum result r = record_text(in, "head", &text);
    if (r != RES_OK)
        return r;
    const uint8_t *blank = memchr(text.p, ' ', text.n);
    size_t form = blank == NULL ? text.n : (size_t)(blank - text.p);
    if (blank == NULL)
        return RES_ENCODING;
    r = head_form_parse(span_of(text.p, form), &ret->form);
    buf_init(&ret->bytes, HEAD_MAX);
    if (r == RES_OK)
        r = text_unbase64(span_of(text.p + form + 1, text.n - form - 1), &ret->bytes);
    if (r == RES_OK)
        r = head_open(log, NULL, ret->form, buf_span(&ret->bytes), &ret->head);
    if (r != RES_OK)
        buf_release(&ret->bytes);
    return r;
}

/* What view_advance could have put after a. */
static bool
may_follow(const struct head *a, const struct head *b)
{
    enum head_relation rel = head_relate(b, a);
    return rel == HEAD_NEWER || (rel == HEAD_SAME && b->timestamp > a->timestamp);
}

enum result
view_parse(struct span text, const struct policy_log *log, struct view *ret)
{
    struct record in;
    assert(ret->n == 0);
    enum result r = record_open(text, "view", &in);
    if (r == RES_OK)
        r = check_keys(&in, log);
    while (r == RES_OK && !record_done(&in)) {
        struct view_head h;
        r = ret->n < VIEW_HEADS_MAX ? read_head(&in, log, &h) : RES_TOO_LARGE;
        if (r != RES_OK)
            break;
        ret->heads[ret->n++] = h;
        if (ret->n > 1 && !may_follow(&ret->heads[ret->n - 2].head, &h.head))
            r = RES_CONFLICT;
    }
    if (r == RES_OK && ret->n == 0)
        r = RES_ABSENT;
    if (r != RES_OK)
        view_release(ret);
    return r;
}

enum result
view_write_keys(const struct policy_log *log, struct buf *out)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    enum result r = note_key_write(&log->note, &key);
    if (r == RES_OK)
        r = record_write_text("log", buf_span(&key), out);
    if (r == RES_OK)
        r = record_write_base64("ct-key", p256_key_spki(log->p256), out);
    buf_release(&key);
    return r;
}

enum result
view_write(const struct view *v, const struct policy_log *log, struct buf *out)
{
    enum result r = record_write_heading("view", out);
    if (r == RES_OK)
        r = view_write_keys(log, out);
    for (size_t i = 0; r == RES_OK && i < v->n; i++) {
        r = buf_printf(out, "head %s ", head_form_name(v->heads[i].form));
        if (r == RES_OK)
            r = text_base64(buf_span(&v->heads[i].bytes), out);
        if (r == RES_OK)
            r = buf_add(out, span_str("\n"));
    }
    return r == RES_OK ? record_write_digest(out) : r;
}
