/* The file of a directory's memory: client/FORMATS.md, "Directory state". */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/directory/memory.h"
#include "client/record.h"
#include "merkle/base/text.h"

#define KIND "directory"

/* ---- the view as bytes ---- */

void
memory_view_put(struct writer *w, const struct kt_view *v)
{
    put_u64(w, v->peaks.size);
    for (unsigned i = 0; i < (unsigned)__builtin_popcountll(v->peaks.size); i++)
        put_bytes(w, hash_span(&v->peaks.heads[i]));
    put_u8(w, v->n);
    for (unsigned i = 0; i < v->n; i++) {
        put_u64(w, v->frontier[i].position);
        put_u64(w, v->frontier[i].entry.timestamp);
        put_bytes(w, hash_span(&v->frontier[i].entry.prefix_root));
    }
}

static void
take_hash(struct reader *in, struct hash *ret)
{
    struct span s = get_bytes(in, HASH_SIZE);

    if (in->err == RES_OK)
        memcpy(ret->b, s.p, HASH_SIZE);
}

/* The frontier must be that of the size. */
enum result
memory_view_get(struct span bytes, struct kt_view *ret)
{
    struct reader in = reader_of(bytes);
    struct search_path path;

    memset(ret, 0, sizeof(*ret));
    ret->peaks.size = get_u64(&in);
    if (ret->peaks.size == 0 || ret->peaks.size > NODE_LEAVES_MAX)
        return RES_VALUE;
    for (unsigned i = 0; i < (unsigned)__builtin_popcountll(ret->peaks.size); i++)
        take_hash(&in, &ret->peaks.heads[i]);
    search_tree_frontier(ret->peaks.size, &path);
    ret->n = get_u8(&in);
    if (ret->n != path.n)
        return RES_VALUE;
    for (unsigned i = 0; i < ret->n && in.err == RES_OK; i++) {
        ret->frontier[i].position = get_u64(&in);
        ret->frontier[i].entry.timestamp = get_u64(&in);
        take_hash(&in, &ret->frontier[i].entry.prefix_root);
        if (ret->frontier[i].position != path.at[i])
            return RES_VALUE;
    }
    return reader_end(&in);
}

/* ---- writing ---- */

static enum result
write_log(const struct policy_log *log, struct buf *out)
{
    struct buf text = BUF_INIT(KEY_VKEY_MAX), config = BUF_INIT(256);
    struct writer w = writer_to(&config);
    enum result r = note_key_write(&log->note, &text);

    if (r == RES_OK)
        r = record_write_text("log", buf_span(&text), out);
    kt_config_put(&w, &log->directory);
    if (r == RES_OK)
        r = writer_end(&w);
    if (r == RES_OK)
        r = record_write_base64("configuration", buf_span(&config), out);
    buf_release(&text);
    buf_release(&config);
    return r;
}

static enum result
write_view(const struct memory *m, struct buf *out)
{
    struct buf bytes = BUF_INIT(MEMORY_VIEW_BYTES);
    struct writer w = writer_to(&bytes);
    enum result r;

    memory_view_put(&w, &m->view);
    r = writer_end(&w);
    if (r == RES_OK)
        r = record_write_base64("view", buf_span(&bytes), out);
    buf_clear(&bytes);
    w = writer_to(&bytes);
    put_u64(&w, m->view.peaks.size);
    put_bytes(&w, span_of(m->signature, sizeof(m->signature)));
    if (r == RES_OK)
        r = writer_end(&w);
    if (r == RES_OK)
        r = record_write_base64("head", buf_span(&bytes), out);
    if (r == RES_OK && m->anchor.n > 0)
        r = record_write_base64("anchor", buf_span(&m->anchor), out);
    buf_release(&bytes);
    return r;
}

/* The recent distinguished entries, as they are kept. */
static enum result
write_recent(const struct memory *m, struct buf *out)
{
    struct buf bytes = BUF_INIT(MEMORY_VIEW_BYTES);
    enum result r = RES_OK;

    for (unsigned i = 0; i < m->recent_n && r == RES_OK; i++) {
        struct writer w = writer_to(&bytes);
        memory_view_put(&w, &m->recent[i]);
        r = writer_end(&w);
        if (r == RES_OK)
            r = record_write_base64("distinguished", buf_span(&bytes), out);
        buf_clear(&bytes);
    }
    buf_release(&bytes);
    return r;
}

static enum result write_line(const char *key, struct buf *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum result
write_line(const char *key, struct buf *out, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return record_write_text(key, span_str(text), out);
}

static enum result
write_step(const struct consume_version *s, struct buf *out)
{
    struct buf text = BUF_INIT(256), bytes = BUF_INIT(2 * HASH_SIZE);
    enum result r = buf_printf(&text, "%" PRIu32 " ", s->version);

    if (r == RES_OK)
        r = buf_add(&bytes, hash_span(&s->key));
    if (r == RES_OK && s->has_commitment)
        r = buf_add(&bytes, hash_span(&s->commitment));
    if (r == RES_OK)
        r = text_base64(buf_span(&bytes), &text);
    if (r == RES_OK)
        r = record_write_text("step", buf_span(&text), out);
    buf_release(&text);
    buf_release(&bytes);
    return r;
}

static enum result
write_label(const struct memory_label *l, struct buf *out)
{
    enum result r = record_write_base64("label", span_of(l->label.b, l->label.n), out);

    for (unsigned i = 0; i < l->map.n && r == RES_OK; i++)
        r = write_line("entry", out, "%" PRIu64 " %" PRIu32, l->map.entries[i].position,
                       l->map.entries[i].version);
    for (size_t i = 0; i < l->steps_n && r == RES_OK; i++)
        r = write_step(&l->steps[i], out);
    if (r == RES_OK && l->watched)
        r = write_line("owner", out, "%" PRIu64 " %" PRId64, l->start, l->at_start);
    for (size_t i = 0; l->watched && i < l->upcoming_n && r == RES_OK; i++)
        r = write_line("upcoming", out, "%" PRIu64, l->upcoming[i]);
    return r;
}

enum result
memory_write(const struct memory *m, const struct policy_log *log, struct buf *out)
{
    enum result r = record_write_heading(KIND, out);

    if (r == RES_OK)
        r = write_log(log, out);
    if (r == RES_OK && m->has_view)
        r = write_view(m, out);
    if (r == RES_OK)
        r = write_recent(m, out);
    for (size_t i = 0; i < m->n && r == RES_OK; i++)
        r = write_label(m->labels[i], out);
    return r == RES_OK ? record_write_digest(out) : r;
}

/* ---- reading ---- */

static enum result
check_log(struct record *in, const struct policy_log *log)
{
    struct buf ours = BUF_INIT(2048), config = BUF_INIT(256), given = BUF_INIT(256);
    struct writer w = writer_to(&config);
    struct span text;
    enum result r = note_key_write(&log->note, &ours);

    if (r == RES_OK)
        r = record_text(in, "log", &text);
    if (r == RES_OK && !span_equal(text, buf_span(&ours)))
        r = RES_KEY;
    kt_config_put(&w, &log->directory);
    if (r == RES_OK)
        r = writer_end(&w);
    if (r == RES_OK)
        r = record_base64(in, "configuration", &given);
    if (r == RES_OK && !span_equal(buf_span(&given), buf_span(&config)))
        r = RES_KEY;
    buf_release(&ours);
    buf_release(&config);
    buf_release(&given);
    return r;
}

static enum result
read_view(struct record *in, const struct policy_log *log, struct memory *m)
{
    struct buf bytes = BUF_INIT(MEMORY_VIEW_BYTES);
    struct hash root;
    enum result r = record_base64(in, "view", &bytes);

    if (r == RES_OK)
        r = memory_view_get(buf_span(&bytes), &m->view);
    buf_clear(&bytes);
    if (r == RES_OK)
        r = record_base64(in, "head", &bytes);
    if (r == RES_OK) {
        struct reader head = reader_of(buf_span(&bytes));
        uint64_t size = get_u64(&head);
        struct span signature = get_bytes(&head, sizeof(m->signature));
        r = reader_end(&head);
        if (r == RES_OK && size != m->view.peaks.size)
            r = RES_VALUE;
        if (r == RES_OK) {
            memcpy(m->signature, signature.p, signature.n);
            logtree_root(&m->view.peaks, &root);
            r = kt_head_verify(&log->directory, size, &root, signature);
        }
    }
    m->has_view = r == RES_OK;
    buf_release(&bytes);
    return r;
}

static enum result
read_anchor(struct record *in, const struct policy_log *log, struct memory *m)
{
    struct statement s;
    enum result r = record_base64(in, "anchor", &m->anchor);
    const struct statement_told told = {.kind = STATEMENT_ANCHOR, .bytes = buf_span(&m->anchor)};

    return r == RES_OK ? statement_open(log, &told, &s) : r;
}

/* From right to left, none beyond the newest head. */
static enum result
read_recent(struct record *in, struct memory *m)
{
    struct buf bytes = BUF_INIT(MEMORY_VIEW_BYTES);
    enum result r = RES_OK;

    while (r == RES_OK && record_next_is(in, "distinguished")) {
        struct kt_view *v = &m->recent[m->recent_n];
        uint64_t before = m->recent_n == 0 ? m->view.peaks.size + 1 : v[-1].peaks.size;

        if (!m->has_view || m->recent_n == HEADS_RECENT_MAX)
            r = RES_VALUE;
        buf_clear(&bytes);
        if (r == RES_OK)
            r = record_base64(in, "distinguished", &bytes);
        if (r == RES_OK)
            r = memory_view_get(buf_span(&bytes), v);
        if (r == RES_OK && v->peaks.size >= before)
            r = RES_VALUE;
        m->recent_n += r == RES_OK;
    }
    buf_release(&bytes);
    return r;
}

/* The next word of *rest, up to a blank or the end. */
static struct span
word(struct span *rest)
{
    const uint8_t *blank = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;
    size_t n = blank == NULL ? rest->n : (size_t)(blank - rest->p);
    struct span w = span_of(rest->p, n);

    *rest = blank == NULL ? span_of(NULL, 0) : span_of(blank + 1, rest->n - n - 1);
    return w;
}

static enum result
read_entry(struct span text, struct memory_label *l)
{
    uint64_t position, version;
    struct span first = word(&text);
    enum result r = text_u64(first, NODE_LEAVES_MAX - 1, &position);

    if (r == RES_OK)
        r = text_u64(text, UINT32_MAX, &version);
    size_t before = l->map.n;
    if (r != RES_OK || (before > 0 && l->map.entries[before - 1].position >= position))
        return RES_VALUE;
    r = contact_add(&l->map, position, (uint32_t)version);
    return r == RES_OK && l->map.n != before + 1 ? RES_VALUE : r;
}

static enum result
read_step(struct span text, struct memory_label *l)
{
    struct buf bytes = BUF_INIT(2 * HASH_SIZE);
    struct consume_version *s = &l->steps[l->steps_n];
    uint64_t version;
    struct span first = word(&text);
    enum result r = text_u64(first, UINT32_MAX, &version) == RES_OK ? RES_OK : RES_VALUE;

    if (r == RES_OK && (l->steps_n == PROVED_STEPS_MAX ||
                        (l->steps_n > 0 && l->steps[l->steps_n - 1].version >= version)))
        r = RES_VALUE;
    if (r == RES_OK)
        r = text_unbase64(text, &bytes);
    if (r == RES_OK && bytes.n != HASH_SIZE && bytes.n != (size_t)2 * HASH_SIZE)
        r = RES_VALUE;
    if (r == RES_OK) {
        s->version = (uint32_t)version;
        memcpy(s->key.b, bytes.p, HASH_SIZE);
        s->has_commitment = bytes.n > HASH_SIZE;
        if (s->has_commitment)
            memcpy(s->commitment.b, bytes.p + HASH_SIZE, HASH_SIZE);
        l->steps_n++;
    }
    buf_release(&bytes);
    return r;
}

static enum result
read_owner(struct span text, struct memory_label *l)
{
    uint64_t at_start = 0;
    struct span first = word(&text);
    enum result r = text_u64(first, NODE_LEAVES_MAX - 1, &l->start);
    bool none = span_equal(text, span_str("-1"));

    if (r == RES_OK && !none)
        r = text_u64(text, UINT32_MAX, &at_start);
    l->at_start = none ? -1 : (int64_t)at_start;
    l->watched = r == RES_OK;
    return r == RES_OK ? r : RES_VALUE;
}

static enum result
read_upcoming(struct span text, struct memory_label *l)
{
    uint64_t position;
    size_t n = l->upcoming_n;

    if (n == MEMORY_UPCOMING_MAX || text_u64(text, NODE_LEAVES_MAX - 1, &position) != RES_OK ||
        position <= l->start || (n > 0 && l->upcoming[n - 1] > position))
        return RES_VALUE;
    l->upcoming[l->upcoming_n++] = position;
    return RES_OK;
}

/* All lines of one kind that follow. */
static enum result
read_lines(struct record *in, const char *key,
           enum result (*take)(struct span, struct memory_label *), struct memory_label *l)
{
    enum result r = RES_OK;
    struct span text;

    while (r == RES_OK && record_next_is(in, key)) {
        r = record_text(in, key, &text);
        if (r == RES_OK)
            r = take(text, l);
    }
    return r;
}

static enum result
read_label(struct record *in, struct memory *m)
{
    struct buf bytes = BUF_INIT(LABEL_MAX);
    struct memory_label *l = NULL;
    struct span text;
    enum result r = record_base64(in, "label", &bytes);

    if (r == RES_OK && (!label_is(buf_span(&bytes)) || memory_find(m, buf_span(&bytes)) != NULL))
        r = RES_VALUE;
    if (r == RES_OK)
        r = memory_label(m, buf_span(&bytes), &l);
    buf_release(&bytes);
    if (r == RES_OK)
        r = read_lines(in, "entry", read_entry, l);
    if (r == RES_OK)
        r = read_lines(in, "step", read_step, l);
    if (r == RES_OK && record_next_is(in, "owner")) {
        r = record_text(in, "owner", &text);
        if (r == RES_OK)
            r = read_owner(text, l);
        if (r == RES_OK)
            r = read_lines(in, "upcoming", read_upcoming, l);
    }
    return r;
}

enum result
memory_parse(struct span text, const struct policy_log *log, struct memory *ret)
{
    struct record in;
    struct memory m;
    enum result r = record_open(text, KIND, &in);

    memory_init(&m);
    if (r == RES_OK)
        r = check_log(&in, log);
    if (r == RES_OK && record_next_is(&in, "view"))
        r = read_view(&in, log, &m);
    if (r == RES_OK && m.has_view && record_next_is(&in, "anchor"))
        r = read_anchor(&in, log, &m);
    if (r == RES_OK)
        r = read_recent(&in, &m);
    while (r == RES_OK && !record_done(&in))
        r = read_label(&in, &m);
    if (r == RES_OK)
        *ret = m;
    else
        memory_release(&m);
    return r;
}
