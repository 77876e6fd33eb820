#include "client/directory/accuser.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/json.h"

/* Sizes that the feed is asked about: of the kept head, the kept anchor, the newest head. */
#define SIZES_MAX 3
/* Two heads, two anchors, and what is told of each size. */
#define STATEMENTS_MAX (4 + SIZES_MAX)

struct accuser {
    struct accuser_config c;
    struct buf bytes[STATEMENTS_MAX];
    struct statement statements[STATEMENTS_MAX];
    size_t n;
    size_t told_from; /* those from here on are answers */
    uint64_t sizes[SIZES_MAX];
    size_t sizes_n, at;
    unsigned tries;
    bool other; /* an answer was about another size than was asked for */
    uint64_t wait_ms;
    enum statement_relation found;
    struct statement_told pair[2]; /* when found is a contradiction */
};

/* ---- statements ---- */

static bool
is_found(const struct accuser *a)
{
    return statement_contradicts(a->found);
}

static void
compare(struct accuser *a, const struct statement *x, const struct statement *y)
{
    enum statement_relation r = statement_relate(x, y);

    if (is_found(a) || !statement_contradicts(r))
        return;
    a->found = r;
    a->pair[0] = x->told;
    a->pair[1] = y->told;
}

static void
compare_with_log(struct accuser *a, const struct statement *s)
{
    for (size_t i = 0; a->c.view != NULL && i < a->c.view->n; i++) {
        const struct view_head *h = &a->c.view->heads[i];
        const struct statement head = {.told = {STATEMENT_LOG_HEAD, h->form, buf_span(&h->bytes)},
                                       .size = h->head.size,
                                       .root = h->head.root};
        compare(a, &head, s);
    }
}

/* Takes up what stands in the next of bytes: none of it when it is not the log's. */
static enum result
take(struct accuser *a, enum statement_kind kind)
{
    const struct statement_told told = {.kind = kind, .bytes = buf_span(&a->bytes[a->n])};
    struct statement *s = &a->statements[a->n];
    enum result r = statement_open(a->c.log, &told, s);

    if (r != RES_OK) {
        buf_clear(&a->bytes[a->n]);
        return result_class(r) == CLASS_BROKEN ? r : RES_OK;
    }
    for (size_t i = 0; i < a->n; i++)
        compare(a, &a->statements[i], s);
    compare_with_log(a, s);
    a->n++;
    return RES_OK;
}

static enum result
take_head(struct accuser *a, uint64_t size, const struct hash *root, const uint8_t signature[64])
{
    enum result r = statement_put_head(size, root, signature, &a->bytes[a->n]);

    return r == RES_OK ? take(a, STATEMENT_KT_HEAD) : r;
}

static enum result
take_anchor(struct accuser *a, struct span bytes)
{
    enum result r = buf_add(&a->bytes[a->n], bytes);

    return r == RES_OK ? take(a, STATEMENT_ANCHOR) : r;
}

static void
ask_about(struct accuser *a, uint64_t size)
{
    for (size_t i = 0; i < a->sizes_n; i++)
        if (a->sizes[i] == size)
            return;
    assert(a->sizes_n < SIZES_MAX);
    a->sizes[a->sizes_n++] = size;
}

/* What is known before anything is asked. */
static enum result
begin(struct accuser *a)
{
    const struct memory *m = a->c.memory;
    const struct proved_head *newest = a->c.newest;
    struct hash root;
    enum result r = RES_OK;

    if (m->has_view) {
        logtree_root(&m->view.peaks, &root);
        ask_about(a, m->view.peaks.size);
        r = take_head(a, m->view.peaks.size, &root, m->signature);
    }
    if (r == RES_OK && newest != NULL && newest->is_signed) {
        ask_about(a, newest->size);
        r = take_head(a, newest->size, &newest->root, newest->signature);
    }
    if (r == RES_OK && m->anchor.n > 0) {
        r = take_anchor(a, buf_span(&m->anchor));
        if (r == RES_OK && a->n > 0 && a->statements[a->n - 1].told.kind == STATEMENT_ANCHOR)
            ask_about(a, a->statements[a->n - 1].size);
    }
    if (r == RES_OK && a->c.anchor.n > 0)
        r = take_anchor(a, a->c.anchor);
    a->told_from = a->n;
    return r;
}

enum result
accuser_new(const struct accuser_config *c, struct accuser **ret)
{
    struct accuser *a = calloc(1, sizeof(*a));

    assert(c->log->has_directory);
    if (a == NULL)
        return RES_MEMORY;
    a->c = *c;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        buf_init(&a->bytes[i], STATEMENT_MAX);
    enum result r = begin(a);
    if (r != RES_OK) {
        accuser_free(a);
        return r;
    }
    *ret = a;
    return RES_OK;
}

void
accuser_free(struct accuser *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        buf_release(&a->bytes[i]);
    free(a);
}

/* ---- asking ---- */

void
accuser_ask(struct accuser *a, struct ask *ret)
{
    *ret = (struct ask){.kind = ASK_FETCH};
    if (is_found(a) || a->at == a->sizes_n) {
        ret->kind = ASK_DONE;
    } else if (a->wait_ms > 0) {
        ret->kind = ASK_WAIT;
        ret->wait_ms = a->wait_ms;
    } else {
        (void)snprintf(ret->path, sizeof(ret->path), "/feed/anchor?size=%" PRIu64, a->sizes[a->at]);
    }
}

/* What is no anchor is no statement; with no memory for it there is no proof either. */
static void
read_anchor(struct accuser *a, struct span body)
{
    struct buf *bytes = &a->bytes[a->n];
    struct json *j = NULL;
    enum result r = json_parse(body, &j);

    if (r == RES_OK)
        r = statement_put_anchor(json_top(j), bytes);
    if (r == RES_OK)
        r = take(a, STATEMENT_ANCHOR);
    if (r == RES_OK && a->n > 0 && a->statements[a->n - 1].size != a->sizes[a->at])
        a->other = true;
    if (r != RES_OK)
        buf_clear(bytes);
    json_free(j);
}

void
accuser_answer(struct accuser *a, const struct answer *answer, uint64_t now)
{
    (void)now;
    if (a->wait_ms > 0) {
        a->wait_ms = 0;
        return;
    }
    if (answer_is_later(answer) && a->c.patient && ++a->tries < ACCUSER_TRIES) {
        a->wait_ms = answer_backoff(answer, a->tries, a->c.seed);
        return;
    }
    if (answer->transport == RES_OK && answer->status == 200)
        read_anchor(a, answer->body);
    a->tries = 0;
    a->at++;
}

bool
accuser_linked(const struct accuser *a)
{
    const struct statement *first = &a->statements[a->told_from];

    for (size_t i = a->told_from; i < a->n; i++)
        if (a->statements[i].feed_size != first->feed_size)
            return false;
    return !is_found(a) && !a->other && a->sizes_n > 0 && a->n - a->told_from == a->sizes_n;
}

enum result
accuser_evidence(const struct accuser *a, enum statement_relation *ret_relation, struct buf *out)
{
    if (!is_found(a))
        return RES_ABSENT;
    enum result r = evidence_write_directory(a->c.log, &a->pair[0], &a->pair[1], out);
    if (r == RES_OK)
        *ret_relation = a->found;
    return r;
}
