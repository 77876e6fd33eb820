#include "client/directory/statement.h"

#include <assert.h>
#include <string.h>

#include "client/json.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/verify.h"

/* ---- writing ---- */

enum result
statement_put_head(uint64_t size, const struct hash *root, const uint8_t signature[static 64],
                   struct buf *out)
{
    struct writer w = writer_to(out);

    put_u64(&w, size);
    put_bytes(&w, hash_span(root));
    put_bytes(&w, span_of(signature, KT_SIGNATURE_SIZE));
    return writer_end(&w);
}

enum result
statement_put_anchor(const struct json_value *v, struct buf *out)
{
    struct buf entry = BUF_INIT(FEED_ENTRY_SIZE);
    struct hash path[PROOF_HASHES_MAX];
    struct span note;
    uint64_t size;
    size_t n;
    enum result r = json_u64(json_member(v, "size"), JSON_INTEGER_MAX, &size);

    if (r == RES_OK)
        r = json_base64(json_member(v, "entry"), &entry);
    if (r == RES_OK && entry.n < FEED_ENTRY_SIZE)
        r = RES_TRUNCATED;
    if (r == RES_OK)
        r = json_hashes(json_member(v, "audit_path"), path, PROOF_HASHES_MAX, &n);
    if (r == RES_OK)
        r = json_text(json_member(v, "checkpoint"), &note);
    if (r == RES_OK) {
        struct writer w = writer_to(out);
        put_u64(&w, size);
        put_bytes(&w, buf_span(&entry));
        put_u8(&w, n);
        put_bytes(&w, span_of(path[0].b, n * HASH_SIZE));
        put_bytes(&w, note);
        r = writer_end(&w);
    }
    buf_release(&entry);
    return r;
}

/* ---- verifying ---- */

static enum result
take_hash(struct reader *in, struct hash *ret)
{
    struct span s = get_bytes(in, HASH_SIZE);

    if (in->err == RES_OK)
        memcpy(ret->b, s.p, HASH_SIZE);
    return in->err;
}

static enum result
open_kt_head(const struct policy_log *log, struct statement *s)
{
    struct reader in = reader_of(s->told.bytes);

    s->size = get_u64(&in);
    enum result r = take_hash(&in, &s->root);
    struct span signature = get_bytes(&in, KT_SIGNATURE_SIZE);
    if (r == RES_OK)
        r = reader_end(&in);
    return r == RES_OK ? kt_head_verify(&log->directory, s->size, &s->root, signature) : r;
}

static enum result
open_checkpoint(const struct policy_log *log, struct span text, struct checkpoint *ret)
{
    struct note note;
    enum result r = note_parse(text, &note);

    if (r == RES_OK)
        r = note_verify(&note, &log->feed, 1, NULL, NULL, NULL);
    if (r == RES_OK)
        r = checkpoint_parse(note.text, ret);
    if (r == RES_OK && !span_equal(ret->origin, span_str(log->feed.name)))
        r = RES_ORIGIN;
    return r;
}

static enum result
open_anchor(const struct policy_log *log, struct statement *s)
{
    struct reader in = reader_of(s->told.bytes), entry;
    struct hash path[PROOF_HASHES_MAX], leaf;
    struct span bytes;
    struct checkpoint c;

    s->size = get_u64(&in);
    bytes = get_bytes(&in, FEED_ENTRY_SIZE);
    size_t n = get_u8(&in);
    if (in.err == RES_OK && (s->size == 0 || n > PROOF_HASHES_MAX))
        return RES_VALUE;
    for (size_t i = 0; i < n && in.err == RES_OK; i++)
        (void)take_hash(&in, &path[i]);
    if (in.err != RES_OK)
        return in.err;
    entry = reader_of(bytes);
    feed_entry_get(&entry, &s->entry);
    enum result r = reader_end(&entry);
    size_t used = sizeof(uint64_t) + FEED_ENTRY_SIZE + 1 + n * HASH_SIZE;
    s->checkpoint = span_of(s->told.bytes.p + used, s->told.bytes.n - used);
    if (r == RES_OK)
        r = open_checkpoint(log, s->checkpoint, &c);
    if (r != RES_OK)
        return r;
    hash_leaf(bytes, &leaf);
    s->root = s->entry.root;
    s->feed_size = c.size;
    s->feed_root = c.root;
    return inclusion_verify(&leaf, s->size - 1, c.size, path, n, &c.root);
}

static enum result
open_log_head(const struct policy_log *log, struct statement *s)
{
    struct head head;
    enum result r = head_open(log, NULL, s->told.form, s->told.bytes, &head);

    if (r == RES_OK) {
        s->size = head.size;
        s->root = head.root;
    }
    return r;
}

enum result
statement_open(const struct policy_log *log, const struct statement_told *told,
               struct statement *ret)
{
    static enum result (*const open[])(const struct policy_log *, struct statement *) = {
        open_kt_head, open_anchor, open_log_head};
    struct statement s = {.told = *told};
    enum result r = open[told->kind](log, &s);

    if (r == RES_OK)
        *ret = s;
    return r;
}

/* ---- comparing ---- */

static enum statement_relation
same_or(const struct hash *a, const struct hash *b, enum statement_relation otherwise)
{
    return hash_equal(a, b) ? STATEMENTS_AGREE : otherwise;
}

static bool
same_entry(const struct feed_entry *a, const struct feed_entry *b)
{
    return a->timestamp == b->timestamp && hash_equal(&a->prefix_root, &b->prefix_root) &&
           hash_equal(&a->root, &b->root) && a->certificates == b->certificates &&
           hash_equal(&a->certificates_root, &b->certificates_root) && a->crls == b->crls &&
           hash_equal(&a->crls_root, &b->crls_root) && a->additions == b->additions &&
           hash_equal(&a->additions_hash, &b->additions_hash);
}

/* Two entries of the feed, a's not after b's. */
static enum statement_relation
relate_anchors(const struct statement *a, const struct statement *b)
{
    const struct feed_entry *x = &a->entry, *y = &b->entry;
    bool one_size = a->feed_size == b->feed_size;

    if (one_size && !hash_equal(&a->feed_root, &b->feed_root))
        return STATEMENTS_FEED_FORK;
    if (a->size == b->size)
        return same_entry(x, y) ? STATEMENTS_AGREE : STATEMENTS_FEED_FORK;
    if (x->timestamp > y->timestamp || x->certificates > y->certificates)
        return STATEMENTS_FEED_BACK;
    if (x->certificates == y->certificates &&
        !hash_equal(&x->certificates_root, &y->certificates_root))
        return STATEMENTS_FEED_FORK;
    return one_size ? STATEMENTS_AGREE : STATEMENTS_APART;
}

enum statement_relation
statement_relate(const struct statement *a, const struct statement *b)
{
    if (a->told.kind > b->told.kind) {
        const struct statement *c = a;
        a = b;
        b = c;
    }
    if (a->told.kind == STATEMENT_ANCHOR && b->told.kind == STATEMENT_ANCHOR)
        return a->size <= b->size ? relate_anchors(a, b) : relate_anchors(b, a);
    if (a->told.kind == STATEMENT_ANCHOR)
        return a->entry.certificates == b->size
                   ? same_or(&a->entry.certificates_root, &b->root, STATEMENTS_LOG_AND_FEED)
                   : STATEMENTS_APART;
    if (a->told.kind == STATEMENT_LOG_HEAD || b->told.kind == STATEMENT_LOG_HEAD ||
        a->size != b->size)
        return STATEMENTS_APART;
    return same_or(&a->root, &b->root,
                   b->told.kind == STATEMENT_KT_HEAD ? STATEMENTS_KT_FORK
                                                     : STATEMENTS_HEAD_AND_FEED);
}

const char *
statement_relation_name(enum statement_relation r)
{
    static const char *const names[] = {"unproved",  "agrees",    "kt-fork",     "head-and-feed",
                                        "feed-fork", "feed-back", "log-and-feed"};
    return names[r];
}

bool
statement_contradicts(enum statement_relation r)
{
    return r > STATEMENTS_AGREE;
}
