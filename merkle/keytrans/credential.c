#include "merkle/keytrans/credential.h"

#include <stdlib.h>

#include "merkle/keytrans/search.h"

/* ---- the walks, of both sides ---- */

/* Standard, step 1: a ladder in the last entry of the tree, which the view has. */
static enum result
show_standard(struct transcript *t, uint32_t version)
{
    enum ladder_end how;
    enum result rc = transcript_search(t, t->size - 1, version, false, &how);

    return rc != RES_OK || how == LADDER_EQUAL ? rc : RES_KT_LADDER;
}

/* Provisional, step 2: beyond the tree that the view is of. */
static enum result
show_provisional(struct transcript *t, uint32_t version, uint64_t *ret_terminal)
{
    uint64_t terminal;
    enum result rc = view_update(t);

    if (rc == RES_OK)
        rc = search_greatest(t, version, &terminal);
    if (rc == RES_OK && terminal < t->last->peaks.size)
        rc = RES_KT_CREDENTIAL;
    if (rc == RES_OK)
        *ret_terminal = terminal;
    return rc;
}

/* CredentialUpdate: from the terminal entry up to the last of the tree, or to a distinguished one
 * before it. */
static enum result
show_update(struct transcript *t, uint32_t version, uint64_t terminal)
{
    struct contact_map map = {.entries = {{terminal, version}}, .n = 1};
    enum result rc = view_update(t);

    if (rc == RES_OK)
        rc = contact_monitor(t, NULL, &map);
    /* "In that smaller tree" the last entry need not be distinguished yet: it may wait there. */
    if (rc == RES_OK && map.n > 0 && map.entries[0].position != t->size - 1)
        rc = RES_KT_CREDENTIAL;
    return rc;
}

/* ---- making ---- */

/* A transcript that records into r, of the tree of size entries for somebody who has seen last. */
struct making {
    struct transcript t;
    struct kt_view last;
};

static enum result
making_new(struct recorder *r, const struct kt_window *window, uint64_t size, uint64_t last,
           struct making **ret)
{
    struct transcript_source source = record_source(r);
    struct making *m;
    enum result rc;

    if (last == 0 || last > size)
        return RES_RANGE;
    m = malloc(sizeof(*m));
    if (m == NULL)
        return RES_MEMORY;
    rc = record_view(r->tree, last, &m->last);
    if (rc == RES_OK)
        rc = transcript_init(&m->t, size, window, &m->last, &source);
    if (rc == RES_OK)
        *ret = m;
    else
        free(m);
    return rc;
}

enum result
credential_standard(struct recorder *r, const struct kt_window *window, uint64_t position,
                    uint32_t version, struct credential *ret)
{
    struct making *m = NULL;
    enum result rc =
        position == UINT64_MAX ? RES_RANGE : making_new(r, window, position + 1, position + 1, &m);

    if (rc == RES_OK)
        rc = show_standard(&m->t, version);
    if (rc == RES_OK) {
        ret->position = position;
        ret->provisional = false;
        ret->distinguished = (struct proof_queue){buf_span(&r->prefix_proofs), r->prefix_proofs_n};
    }
    free(m);
    return rc;
}

enum result
credential_provisional(struct recorder *r, const struct kt_window *window, uint64_t position,
                       uint64_t size, uint32_t version, struct credential *ret)
{
    struct combined_proof proof;
    struct making *m = NULL;
    uint64_t terminal;
    enum result rc = position >= size ? RES_RANGE : making_new(r, window, size, position + 1, &m);

    if (rc == RES_OK)
        rc = show_provisional(&m->t, version, &terminal);
    if (rc == RES_OK)
        rc = record_finish(r, &m->t, &proof);
    if (rc == RES_OK) {
        ret->position = position;
        ret->provisional = true;
        ret->head.updated = true;
        ret->head.size = size;
        ret->search = proof;
    }
    free(m);
    return rc;
}

/* The first distinguished entry that the credential's tree does not have. */
static enum result
find_goal(const struct record_tree *tree, const struct kt_window *window, uint64_t size,
          const struct credential_update_request *q, uint64_t *ret)
{
    struct recorder r;
    struct making *m = NULL;
    bool found, done = false;
    enum result rc;

    record_init(&r, tree, NULL);
    rc = making_new(&r, window, size, size, &m);
    if (rc == RES_OK)
        rc = view_update(&m->t);
    if (rc == RES_OK)
        rc = window_distinguished(&m->t, q->terminal, &done);
    if (rc == RES_OK)
        rc = window_first(&m->t, q->tree_size, ret, &found);
    if (rc == RES_OK && (done || !found))
        rc = RES_ABSENT;
    free(m);
    record_release(&r);
    return rc;
}

enum result
credential_update(struct recorder *r, const struct kt_window *window, uint64_t size,
                  const struct credential_update_request *q, struct combined_proof *ret)
{
    struct making *m = NULL;
    uint64_t goal;
    enum result rc = RES_OK;

    if (q->tree_size == 0 || q->tree_size > size || q->terminal >= q->tree_size)
        return RES_RANGE;
    rc = find_goal(r->tree, window, size, q, &goal);
    if (rc == RES_OK)
        rc = making_new(r, window, goal + 1, q->tree_size, &m);
    if (rc == RES_OK)
        rc = show_update(&m->t, q->version, q->terminal);
    if (rc == RES_OK)
        rc = record_finish(r, &m->t, ret);
    free(m);
    return rc;
}

/* ---- verifying ---- */

/* A transcript that takes a proof apart. */
struct checking {
    struct transcript t;
    struct consumer c;
};

static enum result
checking_new(const struct kt_config *config, uint64_t size, const struct kt_view *last,
             const struct combined_proof *proof, const struct consume_version *versions, size_t n,
             struct checking **ret)
{
    struct checking *k = malloc(sizeof(*k));
    struct transcript_source source;
    enum result rc;

    if (k == NULL)
        return RES_MEMORY;
    consume_init(&k->c, proof, versions, n);
    source = consume_source(&k->c);
    rc = transcript_init(&k->t, size, &config->window, last, &source);
    if (rc == RES_OK)
        *ret = k;
    else
        free(k);
    return rc;
}

static const struct kt_view *
view_ending_at(const struct credential_recent *recent, uint64_t position)
{
    for (size_t i = 0; i < recent->n; i++)
        if (recent->views[i].peaks.size - 1 == position)
            return &recent->views[i];
    return NULL;
}

/* Steps 1 and 2; the root that the ladder leads to is compared by the transcript, which has the
 * entry from the view. */
static enum result
verify_standard(const struct kt_config *config, const struct kt_view *recent,
                const struct credential *c, const struct consume_version *versions, size_t n)
{
    struct combined_proof proof = {.prefix_proofs = c->distinguished};
    struct checking *k = NULL;
    enum result rc = checking_new(config, c->position + 1, recent, &proof, versions, n, &k);

    if (rc == RES_OK)
        rc = show_standard(&k->t, c->version);
    free(k);
    return rc;
}

/* "Users follow these steps to initially verify a provisional credential." */
static enum result
verify_provisional(const struct kt_config *config, const struct kt_view *recent,
                   const struct credential *c, const struct consume_version *versions, size_t n,
                   struct credential_pending *ret)
{
    struct credential_pending p = {.version = c->version};
    struct checking *k = NULL;
    struct hash root;
    enum result rc;

    if (c->head.size <= c->position + 1)
        return RES_KT_CREDENTIAL;
    rc = checking_new(config, c->head.size, recent, &c->search, versions, n, &k);
    if (rc == RES_OK)
        rc = show_provisional(&k->t, c->version, &p.terminal);
    if (rc == RES_OK)
        rc = consume_finish(&k->c, &k->t, &root, &p.view);
    if (rc == RES_OK)
        rc = kt_head_verify(config, c->head.size, &root, c->head.signature);
    if (rc == RES_OK) {
        p.prefix_root = transcript_find(&k->t, p.terminal)->entry.prefix_root;
        *ret = p;
    }
    free(k);
    return rc;
}

enum result
credential_verify(const struct kt_config *config, const struct credential_recent *recent,
                  const struct credential *c, const struct consume_version *versions, size_t n,
                  struct credential_pending *ret)
{
    const struct kt_view *view = view_ending_at(recent, c->position);

    if (view == NULL)
        return RES_KT_NOT_RECENT;
    return c->provisional ? verify_provisional(config, view, c, versions, n, ret)
                          : verify_standard(config, view, c, versions, n);
}

enum result
credential_confirm(const struct credential_pending *p, const struct credential_recent *recent)
{
    const struct kt_view *view = view_ending_at(recent, p->terminal);

    if (view == NULL)
        return RES_KT_NOT_RECENT;
    return hash_equal(&view->frontier[view->n - 1].entry.prefix_root, &p->prefix_root)
               ? RES_OK
               : RES_KT_ROOTS;
}

/* The first of the recent entries that the credential's tree does not have.  Distinguished ones
 * that it has right of the terminal entry mean that the terminal entry is distinguished itself. */
static const struct kt_view *
goal_view(const struct credential_pending *p, const struct credential_recent *recent)
{
    const struct kt_view *goal = NULL;

    for (size_t i = 0; i < recent->n; i++) {
        const struct kt_view *v = &recent->views[i];

        if (v->peaks.size > p->view.peaks.size &&
            (goal == NULL || v->peaks.size < goal->peaks.size))
            goal = v;
    }
    return goal;
}

enum result
credential_verify_update(const struct kt_config *config, const struct credential_recent *recent,
                         const struct credential_pending *p, const struct combined_proof *monitor,
                         const struct consume_version *versions, size_t n, uint64_t *ret_position)
{
    const struct kt_view *goal = goal_view(p, recent);
    struct checking *k = NULL;
    struct hash root, expected;
    struct kt_view unused;
    enum result rc;

    if (goal == NULL)
        return RES_KT_NOT_RECENT;
    rc = checking_new(config, goal->peaks.size, &p->view, monitor, versions, n, &k);
    if (rc == RES_OK)
        rc = show_update(&k->t, p->version, p->terminal);
    if (rc == RES_OK)
        rc = consume_finish(&k->c, &k->t, &root, &unused);
    free(k);
    if (rc != RES_OK)
        return rc;
    logtree_root(&goal->peaks, &expected);
    if (!hash_equal(&root, &expected))
        return RES_ROOT_DIFFERS;
    *ret_position = goal->peaks.size - 1;
    return RES_OK;
}
