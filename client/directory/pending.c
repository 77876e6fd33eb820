#include "client/directory/pending.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/record.h"
#include "merkle/base/text.h"

#define KIND "pending"

void
pendings_init(struct pendings *p)
{
    p->n = 0;
}

static void
pending_free(struct pending *p)
{
    buf_release(&p->bytes);
    buf_release(&p->update);
    free(p);
}

void
pendings_release(struct pendings *p)
{
    while (p->n > 0)
        pending_free(p->at[--p->n]);
}

void
pendings_drop(struct pendings *p, size_t i)
{
    pending_free(p->at[i]);
    p->n--;
    memmove(&p->at[i], &p->at[i + 1], (p->n - i) * sizeof(struct pending *));
}

struct pending *
pendings_find(const struct pendings *p, struct span credential)
{
    for (size_t i = 0; i < p->n; i++)
        if (span_equal(buf_span(&p->at[i]->bytes), credential))
            return p->at[i];
    return NULL;
}

struct pending *
pendings_find_hash(const struct pendings *p, const struct hash *sha256)
{
    struct hash h;

    for (size_t i = 0; i < p->n; i++) {
        hash_sha256(buf_span(&p->at[i]->bytes), &h);
        if (hash_equal(&h, sha256))
            return p->at[i];
    }
    return NULL;
}

bool
pending_expired(const struct pending *p, const struct memory *m)
{
    return m->recent_n == HEADS_RECENT_MAX &&
           p->c.position < m->recent[m->recent_n - 1].peaks.size - 1;
}

static bool
is_beyond(const struct pending *p, const struct kt_view *v)
{
    return v->peaks.size > p->proof.pending.view.peaks.size;
}

bool
pending_confirmable(const struct pending *p, const struct memory *m)
{
    return m->recent_n > 0 && is_beyond(p, &m->recent[0]) &&
           (m->recent_n < HEADS_RECENT_MAX || !is_beyond(p, &m->recent[m->recent_n - 1]));
}

bool
pending_due(const struct pending *p, const struct memory *m)
{
    return pending_expired(p, m) || (m->recent_n >= HEADS_RECENT_MAX / 2 &&
                                     is_beyond(p, &m->recent[HEADS_RECENT_MAX / 2 - 1]));
}

enum result
pending_queue(struct pending *p, struct span update)
{
    if (update.n > PENDING_UPDATE_MAX)
        return RES_TOO_LARGE;
    buf_clear(&p->update);
    return buf_add(&p->update, update);
}

static enum result
prove(struct pending *p, const struct policy_log *log)
{
    const struct credential_recent recent = {&p->basis, 1};
    struct reader in = reader_of(buf_span(&p->bytes));
    enum result r;

    credential_get(&in, &p->c);
    r = reader_end(&in);
    if (r == RES_OK && !p->c.provisional)
        r = RES_VALUE;
    return r == RES_OK ? voucher_prove(log, &recent, &p->c, &p->proof) : r;
}

enum result
pendings_add(struct pendings *p, const struct policy_log *log, struct span credential,
             const struct kt_view *basis, uint64_t since)
{
    struct pending *one;
    enum result r;

    if (pendings_find(p, credential) != NULL)
        return RES_OK;
    if (p->n == PENDING_MAX)
        return RES_TOO_LARGE;
    one = calloc(1, sizeof(*one));
    if (one == NULL)
        return RES_MEMORY;
    buf_init(&one->bytes, VOUCHER_FILE_MAX);
    buf_init(&one->update, PENDING_UPDATE_MAX);
    one->basis = *basis;
    one->since = since;
    r = buf_add(&one->bytes, credential);
    if (r == RES_OK)
        r = prove(one, log);
    if (r == RES_OK)
        p->at[p->n++] = one;
    else
        pending_free(one);
    return r;
}

/* ---- the file ---- */

static enum result
write_one(const struct pending *p, struct buf *out)
{
    struct buf bytes = BUF_INIT(MEMORY_VIEW_BYTES), text = BUF_INIT(32);
    struct writer w = writer_to(&bytes);
    enum result r = record_write_base64("credential", buf_span(&p->bytes), out);

    memory_view_put(&w, &p->basis);
    if (r == RES_OK)
        r = writer_end(&w);
    if (r == RES_OK)
        r = record_write_base64("distinguished", buf_span(&bytes), out);
    if (r == RES_OK)
        r = buf_printf(&text, "%" PRIu64, p->since);
    if (r == RES_OK)
        r = record_write_text("since", buf_span(&text), out);
    if (r == RES_OK && p->update.n > 0)
        r = record_write_base64("update", buf_span(&p->update), out);
    buf_release(&bytes);
    buf_release(&text);
    return r;
}

enum result
pendings_write(const struct pendings *p, const struct policy_log *log, struct buf *out)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    enum result r = note_key_write(&log->note, &key);

    if (r == RES_OK)
        r = record_write_heading(KIND, out);
    if (r == RES_OK)
        r = record_write_text("log", buf_span(&key), out);
    for (size_t i = 0; i < p->n && r == RES_OK; i++)
        r = write_one(p->at[i], out);
    buf_release(&key);
    return r == RES_OK ? record_write_digest(out) : r;
}

static enum result
read_one(struct record *in, const struct policy_log *log, struct pendings *p)
{
    struct buf credential = BUF_INIT(VOUCHER_FILE_MAX), view = BUF_INIT(MEMORY_VIEW_BYTES);
    size_t before = p->n;
    struct kt_view basis;
    struct span text;
    uint64_t since = 0;
    enum result r = record_base64(in, "credential", &credential);

    if (r == RES_OK)
        r = record_base64(in, "distinguished", &view);
    if (r == RES_OK)
        r = memory_view_get(buf_span(&view), &basis);
    if (r == RES_OK)
        r = record_text(in, "since", &text);
    if (r == RES_OK && text_u64(text, UINT64_MAX, &since) != RES_OK)
        r = RES_VALUE;
    if (r == RES_OK)
        r = pendings_add(p, log, buf_span(&credential), &basis, since);
    if (r == RES_OK && p->n == before)
        r = RES_VALUE;
    if (r == RES_OK && record_next_is(in, "update"))
        r = record_base64(in, "update", &p->at[before]->update);
    buf_release(&credential);
    buf_release(&view);
    return r;
}

enum result
pendings_parse(struct span text, const struct policy_log *log, struct pendings *ret)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    struct record in;
    struct span vkey;
    enum result r = record_open(text, KIND, &in);

    if (r == RES_OK)
        r = note_key_write(&log->note, &key);
    if (r == RES_OK)
        r = record_text(&in, "log", &vkey);
    if (r == RES_OK && !span_equal(vkey, buf_span(&key)))
        r = RES_KEY;
    while (r == RES_OK && !record_done(&in))
        r = read_one(&in, log, ret);
    buf_release(&key);
    if (r != RES_OK)
        pendings_release(ret);
    return r;
}
