#include "client/directory/shown.h"

#include <string.h>

#include "client/record.h"
#include "client/view.h"

#define KIND "directory-head"
#define HEADING "cartulary " KIND " 1\n"

void
shown_init(struct shown *s)
{
    memset(s, 0, sizeof(*s));
    buf_init(&s->anchor, STATEMENT_MAX);
}

void
shown_release(struct shown *s)
{
    buf_release(&s->anchor);
    shown_init(s);
}

bool
shown_is(struct span text)
{
    size_t n = strlen(HEADING);

    return text.n >= n && memcmp(text.p, HEADING, n) == 0;
}

enum result
shown_write(const struct memory *m, const struct policy_log *log, struct buf *out)
{
    struct buf head = BUF_INIT(STATEMENT_MAX);
    struct hash root;

    logtree_root(&m->view.peaks, &root);
    enum result r = statement_put_head(m->view.peaks.size, &root, m->signature, &head);
    if (r == RES_OK)
        r = record_write_heading(KIND, out);
    if (r == RES_OK)
        r = view_write_keys(log, out);
    if (r == RES_OK)
        r = record_write_base64("kt-head", buf_span(&head), out);
    if (r == RES_OK && m->anchor.n > 0)
        r = record_write_base64("anchor", buf_span(&m->anchor), out);
    buf_release(&head);
    return r == RES_OK ? record_write_digest(out) : r;
}

/* The lines that name a log must be those that are written for it. */
static enum result
check_keys(struct record *in, const struct policy_log *log)
{
    struct buf want = BUF_INIT(4096);
    enum result r = view_write_keys(log, &want);

    if (r == RES_OK && (in->rest.n < want.n || memcmp(in->rest.p, want.p, want.n) != 0))
        r = RES_KEY;
    if (r == RES_OK)
        in->rest = span_of(in->rest.p + want.n, in->rest.n - want.n);
    buf_release(&want);
    return r;
}

static enum result
read_head(struct record *in, const struct policy_log *log, struct proved_head *ret)
{
    struct buf bytes = BUF_INIT(STATEMENT_MAX);
    struct statement s;
    enum result r = record_base64(in, "kt-head", &bytes);
    const struct statement_told told = {.kind = STATEMENT_KT_HEAD, .bytes = buf_span(&bytes)};

    if (r == RES_OK)
        r = statement_open(log, &told, &s);
    if (r == RES_OK) {
        ret->size = s.size;
        ret->root = s.root;
        ret->is_signed = true;
        memcpy(ret->signature, bytes.p + bytes.n - sizeof(ret->signature), sizeof(ret->signature));
    }
    buf_release(&bytes);
    return r;
}

static enum result
read_anchor(struct record *in, const struct policy_log *log, struct buf *out)
{
    struct statement s;
    enum result r = record_base64(in, "anchor", out);
    const struct statement_told told = {.kind = STATEMENT_ANCHOR, .bytes = buf_span(out)};

    return r == RES_OK ? statement_open(log, &told, &s) : r;
}

enum result
shown_parse(struct span text, const struct policy_log *log, struct shown *ret)
{
    struct record in;
    struct shown s;
    enum result r = record_open(text, KIND, &in);

    shown_init(&s);
    if (r == RES_OK)
        r = check_keys(&in, log);
    if (r == RES_OK)
        r = read_head(&in, log, &s.head);
    if (r == RES_OK && record_next_is(&in, "anchor"))
        r = read_anchor(&in, log, &s.anchor);
    if (r == RES_OK)
        r = record_end(&in);
    if (r == RES_OK)
        *ret = s;
    else
        shown_release(&s);
    return r;
}
