#include "merkle/keytrans/transcript.h"

#include <assert.h>
#include <string.h>

/* Index of the first entry at or after position. */
static unsigned
entry_index(const struct transcript *t, uint64_t position)
{
    unsigned low = 0, high = t->n;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (t->entries[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct transcript_entry *
entry_at(struct transcript *t, uint64_t position)
{
    unsigned i = entry_index(t, position);

    return i < t->n && t->entries[i].position == position ? &t->entries[i] : NULL;
}

const struct transcript_entry *
transcript_find(const struct transcript *t, uint64_t position)
{
    unsigned i = entry_index(t, position);

    return i < t->n && t->entries[i].position == position ? &t->entries[i] : NULL;
}

/* Adds an entry in its place among the others; "any given timestamp is greater than or equal to all
 * observed timestamps to its left". */
static enum result
add_entry(struct transcript *t, const struct transcript_entry *e)
{
    unsigned i = entry_index(t, e->position);

    if (t->n == TRANSCRIPT_ENTRIES_MAX)
        return RES_TOO_LARGE;
    if ((i > 0 && t->entries[i - 1].entry.timestamp > e->entry.timestamp) ||
        (i < t->n && t->entries[i].entry.timestamp < e->entry.timestamp))
        return RES_KT_TIMESTAMP;
    memmove(&t->entries[i + 1], &t->entries[i], (t->n - i) * sizeof(t->entries[0]));
    t->entries[i] = *e;
    t->n++;
    return RES_OK;
}

enum result
transcript_init(struct transcript *t, uint64_t size, const struct kt_window *window,
                const struct kt_view *last, const struct transcript_source *source)
{
    if (size == 0 || size > NODE_LEAVES_MAX ||
        (last != NULL && (last->peaks.size == 0 || last->peaks.size > size)))
        return RES_RANGE;
    t->size = size;
    t->window = *window;
    t->last = last;
    t->source = *source;
    t->newest = 0;
    t->n = 0;
    t->versions_n = 0;
    for (unsigned i = 0; last != NULL && i < last->n; i++) {
        struct transcript_entry e = {.position = last->frontier[i].position,
                                     .entry = last->frontier[i].entry,
                                     .has_root = true};
        enum result rc = add_entry(t, &e);

        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

enum result
transcript_timestamp(struct transcript *t, uint64_t position, uint64_t *ret)
{
    const struct transcript_entry *known = transcript_find(t, position);
    struct transcript_entry e = {.position = position, .sent = true};
    enum result rc;

    assert(position < t->size);
    if (known != NULL) {
        *ret = known->entry.timestamp;
        return RES_OK;
    }
    rc = t->source.timestamp(t->source.arg, position, &e.entry.timestamp);
    if (rc == RES_OK)
        rc = add_entry(t, &e);
    if (rc == RES_OK)
        *ret = e.entry.timestamp;
    return rc;
}

/* What was shown of version, made if it is new; NULL when there are too many. */
static struct transcript_version *
version_at(struct transcript *t, uint32_t version)
{
    unsigned i = 0;

    while (i < t->versions_n && t->versions[i].version < version)
        i++;
    if (i < t->versions_n && t->versions[i].version == version)
        return &t->versions[i];
    if (t->versions_n == TRANSCRIPT_VERSIONS_MAX)
        return NULL;
    memmove(&t->versions[i + 1], &t->versions[i], (t->versions_n - i) * sizeof(t->versions[0]));
    t->versions[i] = (struct transcript_version){.version = version};
    t->versions_n++;
    return &t->versions[i];
}

/* A version that is there stays there: nothing shown to be there is missing in an entry to the
 * right. */
static enum result
show(struct transcript *t, uint64_t position, uint32_t version, bool included)
{
    struct transcript_version *v = version_at(t, version);

    if (v == NULL)
        return RES_TOO_LARGE;
    if (included && (!v->included || position < v->included_at)) {
        v->included = true;
        v->included_at = position;
    }
    if (!included && (!v->missing || position > v->missing_at)) {
        v->missing = true;
        v->missing_at = position;
    }
    return v->included && v->missing && v->included_at <= v->missing_at ? RES_KT_LADDER : RES_OK;
}

/* Whether a lookup of version in the entry may be left out, and what it would give. */
static bool
omitted(const struct transcript *t, uint64_t position, uint32_t version, bool *ret)
{
    for (unsigned i = 0; i < t->versions_n; i++) {
        const struct transcript_version *v = &t->versions[i];

        if (v->version == version) {
            *ret = v->included && v->included_at < position;
            return *ret || (v->missing && v->missing_at > position);
        }
    }
    return false;
}

static enum result
lookup(struct transcript *t, uint64_t position, uint32_t version, bool *ret)
{
    enum result rc = t->source.lookup(t->source.arg, version, ret);

    return rc == RES_OK ? show(t, position, version, *ret) : rc;
}

/* Begins a series of lookups.  The entry's timestamp binds its prefix root into the log: without it
 * a proof would prove nothing. */
static enum result
begin(struct transcript *t, uint64_t position)
{
    uint64_t timestamp;
    enum result rc = transcript_timestamp(t, position, &timestamp);

    return rc == RES_OK ? t->source.open(t->source.arg, position) : rc;
}

/* Ends a series; "if multiple proofs are consumed for the same log entry, users MUST verify that
 * they all produce the same root". */
static enum result
end(struct transcript *t, uint64_t position)
{
    struct transcript_entry *e = entry_at(t, position);
    struct hash root;
    enum result rc = t->source.close(t->source.arg, &root);

    if (rc != RES_OK)
        return rc;
    if (e->has_root)
        return hash_equal(&e->entry.prefix_root, &root) ? RES_OK : RES_KT_ROOTS;
    e->entry.prefix_root = root;
    e->has_root = true;
    return RES_OK;
}

/* Which lookups of a ladder are left out. */
struct omission {
    bool shown;    /* what this transcript has shown elsewhere */
    int64_t known; /* versions up to it, which are there; -1: none */
};

static bool
left_out(const struct transcript *t, uint64_t position, uint32_t version, struct omission o,
         bool *ret)
{
    if ((int64_t)version <= o.known) {
        *ret = true;
        return true;
    }
    return o.shown && omitted(t, position, version, ret);
}

static enum result
search(struct transcript *t, uint64_t position, uint32_t target, struct omission o,
       enum ladder_end *ret)
{
    struct ladder l = ladder_search(target);
    uint32_t version;
    bool opened = false;
    enum result rc = RES_OK;

    while (rc == RES_OK && ladder_next(&l, &version)) {
        bool included = false;

        if (!left_out(t, position, version, o, &included)) {
            if (!opened) {
                rc = begin(t, position);
                opened = true;
            }
            if (rc == RES_OK)
                rc = lookup(t, position, version, &included);
        }
        ladder_feed(&l, included);
    }
    if (rc == RES_OK && opened)
        rc = end(t, position);
    if (rc == RES_OK)
        *ret = l.end;
    return rc;
}

enum result
transcript_search(struct transcript *t, uint64_t position, uint32_t target, bool omit,
                  enum ladder_end *ret)
{
    return search(t, position, target, (struct omission){omit, -1}, ret);
}

enum result
transcript_search_known(struct transcript *t, uint64_t position, uint32_t target, int64_t known,
                        enum ladder_end *ret)
{
    return search(t, position, target, (struct omission){true, known}, ret);
}

enum result
transcript_versions(struct transcript *t, uint64_t position, const uint32_t *versions, unsigned n,
                    bool *ret)
{
    bool all = true;
    enum result rc;

    if (n == 0) {
        *ret = true;
        return RES_OK;
    }
    rc = begin(t, position);
    for (unsigned i = 0; rc == RES_OK && i < n; i++) {
        bool included = false;

        rc = lookup(t, position, versions[i], &included);
        all = all && included;
    }
    if (rc == RES_OK)
        rc = end(t, position);
    if (rc == RES_OK)
        *ret = all;
    return rc;
}

enum result
transcript_monitor(struct transcript *t, uint64_t position, uint32_t target)
{
    uint32_t versions[LADDER_STEPS_MAX];
    unsigned n = ladder_monitoring(target, versions);
    bool all;
    enum result rc = transcript_versions(t, position, versions, n, &all);

    return rc != RES_OK || all ? rc : RES_KT_LADDER;
}

enum result
transcript_leaves(const struct transcript *t, uint64_t *ret, unsigned *ret_n, unsigned *ret_roots)
{
    unsigned n = 0, roots = 0;

    for (unsigned i = 0; i < t->n; i++) {
        if (!t->entries[i].sent)
            continue;
        if (n == LOGTREE_LEAVES_MAX)
            return RES_TOO_LARGE;
        ret[n++] = t->entries[i].position;
        roots += !t->entries[i].has_root;
    }
    *ret_n = n;
    *ret_roots = roots;
    return RES_OK;
}

void
transcript_fill(struct transcript *t, const struct hash *roots, unsigned n)
{
    unsigned used = 0;

    for (unsigned i = 0; i < t->n && used < n; i++) {
        if (t->entries[i].sent && !t->entries[i].has_root) {
            t->entries[i].entry.prefix_root = roots[used++];
            t->entries[i].has_root = true;
        }
    }
}
