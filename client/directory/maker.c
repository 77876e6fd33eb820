#include "client/directory/maker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/anchor.h"
#include "client/directory/beside.h"
#include "client/directory/judge.h"
#include "client/directory/landmarks.h"
#include "client/directory/statement.h"
#include "client/exchange.h"
#include "client/request.h"
#include "merkle/keytrans/response.h"

enum step { STEP_HEADS, STEP_LOOK_UP, STEP_ANCHOR, STEP_PATH };

struct maker {
    struct maker_config c;
    struct exchange x;
    enum step step;
    unsigned rounds;
    struct buf body;       /* of the request at hand */
    struct buf credential; /* its bytes */
    struct json *lookup;   /* the answer about the address, and what it says */
    struct found found;
    struct json *anchor;   /* {"anchor":…} of the distinguished entry; NULL: lookup's will do */
    uint64_t certificates; /* the certificate log's size as of that entry */
    struct reply_path *paths; /* of each record, in that log */
    size_t at;                /* the record whose path is asked for */
    const struct json_value *record;
    char proof[ASK_PATH_MAX]; /* the question about it */
    struct buf file;
};

enum result
maker_new(const struct maker_config *c, struct maker **ret)
{
    struct maker *m = calloc(1, sizeof(*m));

    assert(c->log->has_directory);
    if (m == NULL)
        return RES_MEMORY;
    m->c = *c;
    exchange_init(&m->x, c->log, c->tries == 0 ? MAKER_TRIES : c->tries, c->seed);
    buf_init(&m->body, KT_REQUEST_MAX);
    buf_init(&m->credential, ASK_ANSWER_MAX);
    buf_init(&m->file, VOUCHER_FILE_MAX);
    found_init(&m->found);
    *ret = m;
    return RES_OK;
}

void
maker_free(struct maker *m)
{
    if (m == NULL)
        return;
    buf_release(&m->body);
    buf_release(&m->credential);
    buf_release(&m->file);
    found_release(&m->found);
    json_free(m->lookup);
    json_free(m->anchor);
    free(m->paths);
    exchange_release(&m->x);
    free(m);
}

/* ---- asking ---- */

/* The distinguished entry that the credential is for. */
static const struct kt_view *
basis(const struct maker *m)
{
    return &m->c.memory->recent[0];
}

static void
path_of(const struct maker *m, char out[static ASK_PATH_MAX])
{
    if (m->step == STEP_HEADS)
        (void)snprintf(out, ASK_PATH_MAX, LANDMARKS_PATH);
    else if (m->step == STEP_LOOK_UP)
        (void)snprintf(out, ASK_PATH_MAX, "/v1/lookup");
    else if (m->step == STEP_ANCHOR)
        (void)snprintf(out, ASK_PATH_MAX, "/feed/anchor?size=%" PRIu64, basis(m)->peaks.size);
    else
        (void)snprintf(out, ASK_PATH_MAX, "%s", m->proof);
}

static enum result
write_question(struct maker *m)
{
    enum result r = buf_add(&m->body, span_str("{\"address\":"));

    if (r == RES_OK)
        r = json_write_string(span_of(m->c.label.b + 1, m->c.label.n - 1), &m->body);
    return r == RES_OK ? buf_printf(&m->body, ",\"last\":%" PRIu64 "}", basis(m)->peaks.size) : r;
}

void
maker_ask(struct maker *m, struct ask *ret)
{
    enum result r = RES_OK;

    if (!exchange_ask(&m->x, ret))
        return;
    path_of(m, ret->path);
    buf_clear(&m->body);
    ret->octets = m->step == STEP_HEADS;
    if (m->step == STEP_HEADS)
        r = landmarks_write(m->c.memory, &m->body);
    else if (m->step == STEP_LOOK_UP)
        r = write_question(m);
    ret->body = buf_span(&m->body);
    if (r != RES_OK) {
        exchange_fault(&m->x, r);
        ret->kind = ASK_DONE;
    }
}

/* ---- the end ---- */

/* As its recipient will, who knows the same. */
static enum result
verify(const struct maker *m, struct span file)
{
    const struct credential_recent recent = {m->c.memory->recent, m->c.memory->recent_n};
    struct voucher v;
    struct voucher_said *said;
    const char *what;
    enum result r = voucher_parse(file, m->c.policy, &v);

    if (r != RES_OK)
        return r;
    said = malloc(sizeof(*said));
    r = said == NULL ? RES_MEMORY : voucher_verify(&v, m->c.policy, &recent, said, &what);
    if (r == RES_OK)
        found_release(&said->found);
    free(said);
    voucher_release(&v);
    return r;
}

static enum result
finish(struct maker *m)
{
    const struct json *from = m->anchor == NULL ? m->lookup : m->anchor;
    struct buf beside = BUF_INIT(ASK_ANSWER_MAX);
    enum result r = beside_write(m->lookup, json_get(from, "anchor"), m->paths, &beside);

    if (r == RES_OK)
        r = voucher_write(m->c.log, buf_span(&m->credential), buf_span(&beside), &m->file);
    if (r == RES_OK)
        r = verify(m, buf_span(&m->file));
    if (r == RES_OK)
        verdict_end(&m->x.verdict, VERDICT_YES, RES_OK, "made and verified");
    buf_release(&beside);
    return r;
}

/* ---- answers ---- */

static enum result
on_heads(struct maker *m, const struct answer *a, uint64_t now)
{
    enum result r = landmarks_take(m->c.memory, m->c.log, a->body, now);

    if (r == RES_OK)
        m->step = STEP_LOOK_UP;
    return r;
}

/* The credential in the answer: its search, or only that in the distinguished entry. */
static enum result
write_credential(struct maker *m)
{
    struct reader in = reader_of(buf_span(&m->found.answer));
    struct writer out = writer_to(&m->credential);
    struct search_response a;
    struct prefix_proof unused;
    struct credential c;

    search_response_get(&in, true, &a);
    if (reader_end(&in) != RES_OK)
        return reader_end(&in);
    c = (struct credential){.label = span_of(m->c.label.b, m->c.label.n),
                            .version = a.version,
                            .opening = a.opening,
                            .value = a.value,
                            .ladder = a.ladder,
                            .position = basis(m)->peaks.size - 1,
                            .head = a.head,
                            .search = a.proof};
    c.provisional = m->found.search.terminal != c.position;
    if (!c.provisional) { /* a greatest-version search begins in the rightmost distinguished entry
                           */
        in = reader_of(a.proof.prefix_proofs.bytes);
        prefix_proof_get(&in, &unused);
        c.distinguished.n = 1;
        c.distinguished.bytes =
            span_of(a.proof.prefix_proofs.bytes.p, (size_t)(in.p - a.proof.prefix_proofs.bytes.p));
    }
    credential_put(&out, &c);
    return writer_end(&out);
}

static enum result
take_lookup(struct maker *m, const struct answer *a, uint64_t now, const char **ret_what)
{
    const struct found_question q = {
        .log = m->c.log, .policy = m->c.policy, .last = basis(m), .label = m->c.label, .now = now};
    struct hash root;
    enum result r = found_read(&q, a->status == 404, a->body, &m->found, ret_what);

    if (r != RES_OK)
        return r;
    *ret_what = "the directory's tree";
    if (m->found.head.size < m->c.memory->view.peaks.size)
        return RES_RANGE;
    logtree_root(&m->c.memory->view.peaks, &root);
    if (m->found.head.size == m->c.memory->view.peaks.size &&
        !hash_equal(&root, &m->found.head.root))
        return RES_ROOT_DIFFERS;
    return RES_OK;
}

/* The tree grew since its distinguished entries were asked for: the answer's head was compared with
 * nothing that was seen before. */
static void
begin_again(struct maker *m)
{
    found_release(&m->found);
    m->step = STEP_HEADS;
    if (++m->rounds == MAKER_ROUNDS_MAX)
        verdict_end(&m->x.verdict, VERDICT_LATER, RES_BUSY,
                    "the directory grows faster than it is asked: try again");
}

static enum result
on_lookup(struct maker *m, const struct answer *a, uint64_t now, const char **ret_what)
{
    enum result r = take_lookup(m, a, now, ret_what);

    if (r != RES_OK)
        return r;
    if (m->found.head.size != m->c.memory->view.peaks.size) {
        begin_again(m);
        return RES_OK;
    }
    if (!m->found.present) {
        verdict_end(&m->x.verdict, VERDICT_INPUT, RES_KT_NO_LABEL,
                    "the address has no certificates: there is nothing to vouch for");
        return RES_OK;
    }
    r = json_parse(a->body, &m->lookup);
    if (r == RES_OK)
        r = write_credential(m);
    if (r != RES_OK)
        return r;
    if (m->found.search.terminal != basis(m)->peaks.size - 1 ||
        m->found.head.size == basis(m)->peaks.size)
        return finish(m);
    m->step = STEP_ANCHOR;
    return RES_OK;
}

/* The next record's path, or the end. */
static enum result
next_path(struct maker *m)
{
    struct hash leaf;
    uint64_t index;

    if (m->record == NULL)
        return finish(m);
    enum result r = beside_leaf(m->record, &leaf, &index);
    if (r != RES_OK)
        return r;
    request_proof(&leaf, m->certificates, m->proof);
    m->step = STEP_PATH;
    return RES_OK;
}

static enum result
on_anchor(struct maker *m, const struct answer *a)
{
    const struct kt_view *v = basis(m);
    struct proved_head head = {.size = v->peaks.size,
                               .timestamp = v->frontier[v->n - 1].entry.timestamp};
    struct buf text = BUF_INIT(ASK_ANSWER_MAX), anchor = BUF_INIT(STATEMENT_MAX);
    struct feed_entry feed;
    enum result r = a->status == 200 ? buf_printf(&text, "{\"anchor\":") : RES_JSON;

    if (r == RES_OK)
        r = buf_add(&text, a->body);
    if (r == RES_OK)
        r = buf_printf(&text, "}");
    if (r == RES_OK)
        r = json_parse(buf_span(&text), &m->anchor);
    buf_release(&text);
    logtree_root(&v->peaks, &head.root);
    if (r == RES_OK)
        r = statement_put_anchor(json_get(m->anchor, "anchor"), &anchor);
    if (r == RES_OK)
        r = anchor_read(m->c.log, m->c.policy, buf_span(&anchor), &head, &feed);
    buf_release(&anchor);
    if (r != RES_OK)
        return r;
    if (feed.certificates == m->found.feed.certificates)
        return finish(m);
    m->certificates = feed.certificates;
    m->record = json_first(json_get(m->lookup, "records"));
    m->paths = calloc(m->found.records_n + 1, sizeof(*m->paths));
    return m->paths == NULL ? RES_MEMORY : next_path(m);
}

/* What it leads to is verified with all the rest. */
static enum result
on_path(struct maker *m, const struct answer *a)
{
    enum result r = a->status == 200 ? reply_proof(a->body, &m->paths[m->at]) : RES_UNKNOWN_HASH;

    if (r != RES_OK)
        return r;
    m->at++;
    m->record = json_next(m->record);
    return next_path(m);
}

void
maker_answer(struct maker *m, const struct answer *a, uint64_t now)
{
    const char *what = "what a credential is made of";
    char path[ASK_PATH_MAX];
    enum result r = RES_KT_NO_VERSION;
    bool known = a->status == 200 || (m->step == STEP_LOOK_UP && a->status == 404) ||
                 (m->step != STEP_LOOK_UP && answer_is_refusal(a));

    path_of(m, path);
    if (!exchange_take(&m->x, a, path))
        return;
    if (!known) {
        exchange_no_log(&m->x, a, path);
        return;
    }
    if (m->step == STEP_LOOK_UP)
        r = on_lookup(m, a, now, &what);
    else if (m->step == STEP_ANCHOR)
        r = on_anchor(m, a);
    else if (m->step == STEP_PATH)
        r = on_path(m, a);
    else if (a->status == 200)
        r = on_heads(m, a, now);
    if (r != RES_OK)
        judge(&m->x, a, path, r, what);
}

const struct verdict *
maker_verdict(const struct maker *m)
{
    return &m->x.verdict;
}

struct span
maker_file(const struct maker *m)
{
    return m->x.verdict.kind == VERDICT_YES ? buf_span(&m->file) : span_of(NULL, 0);
}
