#include "client/directory/memory.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/keytrans/ladder.h"

void
memory_init(struct memory *m)
{
    memset(m, 0, sizeof(*m));
    buf_init(&m->anchor, STATEMENT_MAX);
}

void
memory_release(struct memory *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->labels[i]);
    free(m->labels);
    buf_release(&m->anchor);
    memory_init(m);
}

const struct kt_view *
memory_last(const struct memory *m)
{
    return m->has_view ? &m->view : NULL;
}

void
memory_advance(struct memory *m, const struct proved_head *h)
{
    m->has_view = true;
    m->view = h->view;
    if (h->is_signed)
        memcpy(m->signature, h->signature, sizeof(m->signature));
}

enum result
memory_anchor(struct memory *m, struct span anchor)
{
    struct buf fresh = BUF_INIT(STATEMENT_MAX);
    enum result r = buf_add(&fresh, anchor);

    if (r != RES_OK)
        return r;
    buf_release(&m->anchor);
    m->anchor = fresh;
    return RES_OK;
}

struct kt_optional
memory_stop(const struct memory *m)
{
    return (struct kt_optional){m->recent_n > 0, m->recent_n > 0 ? m->recent[0].peaks.size - 1 : 0};
}

void
memory_heads(struct memory *m, const struct proved_heads *h)
{
    struct kt_optional stop = memory_stop(m);
    unsigned fresh = 0, kept;

    while (fresh < h->heads.n && (!stop.has || h->heads.at[fresh] > stop.value))
        fresh++;
    kept = m->recent_n > HEADS_RECENT_MAX - fresh ? HEADS_RECENT_MAX - fresh : m->recent_n;
    memmove(&m->recent[fresh], m->recent, kept * sizeof(m->recent[0]));
    memcpy(m->recent, h->views, fresh * sizeof(m->recent[0]));
    m->recent_n = fresh + kept;
    memory_advance(m, &h->head);
}

struct memory_label *
memory_find(struct memory *m, struct span label)
{
    for (size_t i = 0; i < m->n; i++)
        if (span_equal(span_of(m->labels[i]->label.b, m->labels[i]->label.n), label))
            return m->labels[i];
    return NULL;
}

enum result
memory_label(struct memory *m, struct span label, struct memory_label **ret)
{
    *ret = memory_find(m, label);
    if (*ret != NULL)
        return RES_OK;
    if (m->n == MEMORY_LABELS_MAX || label.n > LABEL_MAX)
        return RES_TOO_LARGE;
    if (m->n == m->cap) {
        size_t cap = m->cap == 0 ? 16 : 2 * m->cap;
        struct memory_label **labels = realloc(m->labels, cap * sizeof(struct memory_label *));

        if (labels == NULL)
            return RES_MEMORY;
        m->labels = labels;
        m->cap = cap;
    }
    struct memory_label *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return RES_MEMORY;
    memcpy(l->label.b, label.p, label.n);
    l->label.n = label.n;
    m->labels[m->n++] = l;
    *ret = l;
    return RES_OK;
}

static int
by_version(const void *a, const void *b)
{
    const struct consume_version *x = a, *y = b;

    return (x->version > y->version) - (x->version < y->version);
}

static struct consume_version *
step_of(struct memory_label *l, uint32_t version)
{
    const struct consume_version key = {.version = version};

    return bsearch(&key, l->steps, l->steps_n, sizeof(key), by_version);
}

enum result
memory_steps(struct memory_label *l, const struct consume_version *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct consume_version *at = step_of(l, steps[i].version);

        if (at != NULL && at->has_commitment && steps[i].has_commitment &&
            !hash_equal(&at->commitment, &steps[i].commitment))
            return RES_CONFLICT;
    }
    for (size_t i = 0; i < n; i++) {
        struct consume_version *at = step_of(l, steps[i].version);

        if (at != NULL) {
            if (!at->has_commitment)
                *at = steps[i];
            continue;
        }
        if (l->steps_n == PROVED_STEPS_MAX)
            return RES_TOO_LARGE;
        l->steps[l->steps_n++] = steps[i];
        qsort(l->steps, l->steps_n, sizeof(*steps), by_version);
    }
    return RES_OK;
}

enum result
memory_follow(struct memory *m, struct span label, uint64_t position, uint32_t version,
              const struct consume_version *steps, size_t n)
{
    struct memory_label *l;
    enum result rc = memory_label(m, label, &l);

    if (rc == RES_OK)
        rc = memory_steps(l, steps, n);
    return rc == RES_OK ? contact_add(&l->map, position, version) : rc;
}

/* Marks the steps that a ladder needs when the version is the greatest; for none (-1) it ends at
 * version 0. */
static void
mark_needed(struct memory_label *l, int64_t version, bool needed[static PROVED_STEPS_MAX])
{
    uint32_t ladder[LADDER_STEPS_MAX];
    unsigned n = ladder_base(version < 0 ? 0 : (uint32_t)version, ladder);

    if (version < 0)
        n = 1;
    for (unsigned i = 0; i < n; i++) {
        const struct consume_version *at = step_of(l, ladder[i]);
        if (at != NULL)
            needed[at - l->steps] = true;
    }
}

void
memory_prune(struct memory_label *l)
{
    bool needed[PROVED_STEPS_MAX] = {false};
    size_t kept = 0;

    for (size_t i = 0; l->watched && i <= l->upcoming_n; i++)
        mark_needed(l, l->at_start + (int64_t)i, needed);
    for (unsigned i = 0; i < l->map.n; i++)
        mark_needed(l, l->map.entries[i].version, needed);
    for (size_t i = 0; i < l->steps_n; i++)
        if (needed[i])
            l->steps[kept++] = l->steps[i];
    l->steps_n = kept;
}

struct owner_state
memory_owner(const struct memory_label *l)
{
    return (struct owner_state){l->start, l->at_start, l->upcoming, l->upcoming_n};
}

void
memory_tidy(struct memory *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (m->labels[i]->watched || m->labels[i]->map.n > 0)
            m->labels[kept++] = m->labels[i];
        else
            free(m->labels[i]);
    }
    m->n = kept;
}
