#include "log/directory/gather.h"

#include <stdlib.h>
#include <string.h>

void
gather_init(struct gather *g)
{
    memset(g, 0, sizeof(*g));
    intake_init(&g->intake);
}

void
gather_clear(struct gather *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->at[i]);
    g->n = 0;
}

void
gather_release(struct gather *g)
{
    gather_clear(g);
    free(g->at);
    g->at = NULL;
    g->cap = 0;
    intake_release(&g->intake);
}

static enum result
add(struct gather *g, uint64_t index, struct touch **ret)
{
    if (g->n == g->cap) {
        size_t cap = g->cap == 0 ? 256 : 2 * g->cap;
        struct touch **at = realloc(g->at, cap * sizeof(struct touch *));

        if (at == NULL)
            return RES_MEMORY;
        g->at = at;
        g->cap = cap;
    }
    struct touch *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return RES_MEMORY;
    t->index = index;
    t->leaf_hash = g->intake.leaf_hash;
    g->at[g->n++] = t;
    *ret = t;
    return RES_OK;
}

static enum result
add_mailbox(struct gather *g, uint64_t index, const struct mailbox *m)
{
    struct touch *t;
    enum result rc = add(g, index, &t);

    if (rc != RES_OK)
        return rc;
    t->label.b[0] = LABEL_MAILBOX;
    memcpy(t->label.b + 1, m->address.p, m->address.n);
    t->label.n = 1 + m->address.n;
    t->record = g->intake.record;
    t->record.source = m->source;
    memcpy(t->text, m->certified.p, m->certified.n);
    t->record.address = span_of(t->text, m->certified.n);
    return RES_OK;
}

/* Whether an earlier mailbox that enters has the domain of number i. */
static bool
domain_seen(const struct intake *n, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (n->enters[k] && span_equal(n->mailboxes.list[k].domain, n->mailboxes.list[i].domain))
            return true;
    return false;
}

static enum result
add_domain(struct gather *g, uint64_t index, struct span domain)
{
    struct touch *t;
    enum result rc = add(g, index, &t);

    if (rc != RES_OK)
        return rc;
    t->label.b[0] = LABEL_DOMAIN;
    memcpy(t->label.b + 1, domain.p, domain.n);
    t->label.n = 1 + domain.n;
    return RES_OK;
}

enum result
gather_entry(struct gather *g, struct store_view *v, uint64_t index, const struct bindings *b)
{
    const struct intake *n = &g->intake;
    enum result rc = intake_read(&g->intake, v, index, b);

    for (size_t i = 0; rc == RES_OK && i < n->mailboxes.n; i++) {
        if (!n->enters[i])
            continue;
        rc = add_mailbox(g, index, &n->mailboxes.list[i]);
        /* Of a certificate with very many mailboxes each domain is added each time, and made one by
         * gather_sort. */
        if (rc == RES_OK && (i > 64 || !domain_seen(n, i)))
            rc = add_domain(g, index, n->mailboxes.list[i].domain);
    }
    return rc;
}

static int
compare_labels(const struct label *a, const struct label *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->b, b->b, n);

    return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

static int
compare(const void *a, const void *b)
{
    const struct touch *const *x = a, *const *y = b;
    int c = compare_labels(&(*x)->label, &(*y)->label);

    return c != 0 ? c : ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

void
gather_sort(struct gather *g)
{
    size_t kept = 0;

    if (g->n == 0)
        return;
    qsort(g->at, g->n, sizeof(struct touch *), compare);
    /* One label, one entry: once.  A mailbox stands once in each certificate as it is. */
    for (size_t i = 1; i < g->n; i++) {
        if (compare((const void *)&g->at[kept], (const void *)&g->at[i]) == 0)
            free(g->at[i]);
        else
            g->at[++kept] = g->at[i];
    }
    g->n = kept + 1;
}

size_t
gather_same(const struct gather *g, size_t from)
{
    size_t n = 1;

    while (from + n < g->n && compare_labels(&g->at[from]->label, &g->at[from + n]->label) == 0)
        n++;
    return n;
}
