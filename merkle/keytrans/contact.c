#include "merkle/keytrans/contact.h"

#include <string.h>

static bool
has_version(const struct contact_entry *e, unsigned n, uint32_t version)
{
    for (unsigned i = 0; i < n; i++)
        if (e[i].version == version)
            return true;
    return false;
}

bool
contact_map_valid(const struct contact_map *m, uint64_t size)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->entries[i].position >= size ||
            (i > 0 && m->entries[i].position <= m->entries[i - 1].position) ||
            has_version(m->entries, i, m->entries[i].version))
            return false;
    return true;
}

enum result
contact_add(struct contact_map *m, uint64_t position, uint32_t version)
{
    unsigned i = 0;

    if (has_version(m->entries, m->n, version))
        return RES_OK;
    while (i < m->n && m->entries[i].position < position)
        i++;
    if (i < m->n && m->entries[i].position == position) {
        if (m->entries[i].version < version)
            m->entries[i].version = version;
        return RES_OK;
    }
    if (m->n == CONTACT_ENTRIES_MAX)
        return RES_TOO_LARGE;
    memmove(&m->entries[i + 1], &m->entries[i], (m->n - i) * sizeof(m->entries[0]));
    m->entries[i] = (struct contact_entry){position, version};
    m->n++;
    return RES_OK;
}

/* Step 2: the entries to inspect above x, from left to right. */
struct route {
    uint64_t at[SEARCH_TREE_HEIGHT_MAX];
    unsigned n;
    bool distinguished; /* x itself is */
    bool arrives;       /* at a distinguished entry */
    bool waits;         /* which the owner's walk is to look at, so that it is not in at */
    uint64_t until;     /* the distinguished entry, when it arrives */
};

static enum result
plan_route(struct transcript *t, const struct contact_waiting *waiting, uint64_t x, struct route *r)
{
    struct search_path path;
    enum result rc;

    *r = (struct route){.n = 0};
    /* Step 1 and 2.3 */
    rc = window_first(t, x, &r->until, &r->arrives);
    r->distinguished = r->arrives && r->until == x;
    if (rc != RES_OK || r->distinguished)
        return rc;
    r->waits = r->arrives && waiting != NULL && x >= waiting->start;
    search_tree_path(x, t->size, &path);
    for (unsigned i = path.n - 1; i-- > 0;) {
        bool last = r->arrives && path.at[i] == r->until;

        if (path.at[i] > x && !(last && r->waits))
            r->at[r->n++] = path.at[i];
        if (last)
            break;
    }
    return RES_OK;
}

/* What has been given, and where the entries that stay are now: built from right to left. */
struct follow {
    struct contact_entry given[TRANSCRIPT_ENTRIES_MAX]; /* ladders of this answer */
    unsigned given_n;
    struct contact_map kept;
    struct contact_waiting waiting;
};

static const struct contact_entry *
given_at(const struct follow *f, uint64_t position)
{
    for (unsigned i = 0; i < f->given_n; i++)
        if (f->given[i].position == position)
            return &f->given[i];
    return NULL;
}

/* Step 3.1 and 3.2 at one entry of the route; *ret_covered when a greater version's ladder stands
 * there already. */
static enum result
follow_step(struct transcript *t, uint64_t at, struct contact_entry *e, struct follow *f,
            bool *ret_covered)
{
    const struct contact_entry *before = given_at(f, at);
    enum result rc;

    *ret_covered = before != NULL;
    if (before != NULL)
        return before->version > e->version ? RES_OK : RES_KT_LADDER;
    if (f->given_n == TRANSCRIPT_ENTRIES_MAX)
        return RES_TOO_LARGE;
    rc = transcript_monitor(t, at, e->version);
    if (rc == RES_OK) {
        e->position = at;
        f->given[f->given_n++] = *e;
    }
    return rc;
}

/* Step 3 for one entry of the map. */
static enum result
follow_route(struct transcript *t, const struct route *r, struct contact_entry e, struct follow *f)
{
    bool covered = false;
    enum result rc = RES_OK;

    for (unsigned i = 0; rc == RES_OK && !covered && i < r->n; i++)
        rc = follow_step(t, r->at[i], &e, f, &covered);
    if (rc != RES_OK || covered)
        return rc;
    if (r->waits) {
        f->waiting.entries[f->waiting.n] = e;
        f->waiting.until[f->waiting.n++] = r->until;
    } else if (!r->arrives) {
        rc = contact_add(&f->kept, e.position, e.version);
    }
    return rc;
}

enum result
contact_monitor(struct transcript *t, struct contact_waiting *waiting, struct contact_map *m)
{
    struct follow f;

    f.given_n = 0;
    f.kept.n = 0;
    f.waiting.n = 0;
    for (unsigned i = m->n; i-- > 0;) {
        struct route r;
        enum result rc = plan_route(t, waiting, m->entries[i].position, &r);

        if (rc == RES_OK && !r.distinguished)
            rc = follow_route(t, &r, m->entries[i], &f);
        if (rc != RES_OK)
            return rc;
    }
    *m = f.kept;
    if (waiting != NULL) {
        f.waiting.start = waiting->start;
        *waiting = f.waiting;
    }
    return RES_OK;
}

enum result
contact_settle(struct contact_map *m, const struct contact_waiting *waiting, uint64_t start)
{
    for (unsigned i = 0; i < waiting->n; i++) {
        if (waiting->until[i] > start) {
            enum result rc =
                contact_add(m, waiting->entries[i].position, waiting->entries[i].version);

            if (rc != RES_OK)
                return rc;
        }
    }
    return RES_OK;
}
