#include "log/store/merger.h"

#include <assert.h>
#include <stdlib.h>

enum result
merger_new(struct lmdb *env, uint64_t units, struct merger **ret)
{
    struct merger *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return RES_MEMORY;
    m->env = env;
    m->units = units;
    m->state = MERGER_SWEEP;
    *ret = m;
    return RES_OK;
}

void
merger_free(struct merger *m)
{
    if (m == NULL)
        return;
    free(m->merged.p);
    free(m->part.p);
    free(m->out.p);
    free(m);
}

void
merger_begin(struct merger *m, const struct unit *u)
{
    assert(m->state == MERGER_IDLE && u->number == m->units && u->n == INDEX_UNIT);
    uint64_t first = u->number * INDEX_UNIT;
    for (int map = 0; map < INDEX_MAPS; map++) {
        for (unsigned i = 0; i < INDEX_UNIT; i++)
            m->unit[map][i] = (struct record){.prefix = u->prefix[map][i], .index = first + i};
        records_sort(m->unit[map], INDEX_UNIT);
    }
    m->level = 0;
    while ((m->units >> m->level & 1) != 0)
        m->level++;
    m->at = (struct chunk_id){.level = m->level, .number = (uint32_t)(m->units >> m->level)};
    m->written = 0;
    m->state = MERGER_BUILD;
}

static enum result
records_reserve(struct records *r, size_t n)
{
    if (n <= r->cap)
        return RES_OK;
    struct record *p = malloc(n * 2 * sizeof(*p));
    if (p == NULL)
        return RES_MEMORY;
    free(r->p);
    *r = (struct records){.p = p, .cap = n * 2};
    return RES_OK;
}

/* The first prefix behind chunk c of a run of that level, or none: then every prefix is before it.
 */
static bool
chunk_end(unsigned level, uint64_t chunk, uint64_t *ret)
{
    if (level == 0 || (chunk + 1) >> level != 0)
        return false;
    *ret = (chunk + 1) << (64 - level);
    return true;
}

static uint64_t
chunk_begin(unsigned level, uint64_t chunk)
{
    return level == 0 ? 0 : chunk << (64 - level);
}

/* The unit's part of the chunk, into merged. */
static enum result
take_unit(struct merger *m, size_t *ret_n)
{
    const struct record *unit = m->unit[m->at.map];
    uint64_t end;
    size_t from = records_lower(unit, INDEX_UNIT, chunk_begin(m->level, m->at.chunk));
    size_t to =
        chunk_end(m->level, m->at.chunk, &end) ? records_lower(unit, INDEX_UNIT, end) : INDEX_UNIT;
    enum result r = records_reserve(&m->merged, to - from + 1);
    if (r != RES_OK)
        return r;
    memcpy(m->merged.p, unit + from, (to - from) * sizeof(*unit));
    *ret_n = to - from;
    return RES_OK;
}

/* The part that the run of a lower level has in the chunk, into part. */
static enum result
take_run(struct merger *m, struct lmdb_txn *t, unsigned level, size_t *ret_n)
{
    unsigned shift = m->level - level;
    struct chunk_id id = {.map = m->at.map, .level = level, .chunk = m->at.chunk >> shift};
    bool live = runs_live(m->units, level, &id.number);
    assert(live);
    struct chunk c;
    enum result r = runs_chunk(t, id, &c);
    /* Once for each chunk that is read in parts, so that no damage is copied under a new check. */
    if (r == RES_OK && m->at.chunk == id.chunk << shift)
        r = chunk_verify(&c);
    if (r != RES_OK)
        return r;
    uint64_t end;
    size_t from = chunk_lower(&c, level, chunk_begin(m->level, m->at.chunk));
    size_t to = chunk_end(m->level, m->at.chunk, &end) ? chunk_lower(&c, level, end) : c.n;
    if (to < from)
        return RES_STORE_DAMAGED;
    if ((r = records_reserve(&m->part, to - from + 1)) != RES_OK)
        return r;
    for (size_t i = from; i < to; i++)
        m->part.p[i - from] = chunk_record(&c, i);
    *ret_n = to - from;
    return RES_OK;
}

/* Merges and writes one chunk; *ret_bytes of it. */
static enum result
build_chunk(struct merger *m, struct lmdb_txn *t, size_t *ret_bytes)
{
    size_t n;
    enum result r = take_unit(m, &n);
    /* From the lowest level up the parts double, so that merging two at a time costs two moves a
     * record. */
    for (unsigned level = 0; r == RES_OK && level < m->level; level++) {
        size_t part_n;
        r = take_run(m, t, level, &part_n);
        if (r == RES_OK)
            r = records_reserve(&m->out, n + part_n + 1);
        if (r != RES_OK)
            break;
        records_merge(m->merged.p, n, m->part.p, part_n, m->out.p);
        struct records swap = m->merged;
        m->merged = m->out;
        m->out = swap;
        n += part_n;
    }
    if (r != RES_OK)
        return r;
    uint8_t key[RUNS_KEY_SIZE];
    uint8_t *out;
    r = lmdb_reserve(t, RUNS_CHUNK, runs_key(m->at, key), chunk_size(n), false, &out);
    if (r != RES_OK)
        return r;
    chunk_write(m->merged.p, n, out);
    m->written += n;
    *ret_bytes = chunk_size(n);
    return RES_OK;
}

/* Goes to the next chunk, or map; at the run's end raises the number covered. */
static enum result
advance(struct merger *m, struct lmdb_txn *t, bool *ret_whole)
{
    *ret_whole = false;
    if (++m->at.chunk < UINT32_C(1) << m->level)
        return RES_OK;
    if (m->written != (uint64_t)INDEX_UNIT << m->level)
        return RES_STORE_DAMAGED;
    m->written = 0;
    m->at.chunk = 0;
    if (++m->at.map < INDEX_MAPS)
        return RES_OK;
    *ret_whole = true;
    return runs_put_units(t, m->units + 1);
}

static enum result
build(struct merger *m, struct lmdb_txn *t, bool *ret_whole)
{
    size_t bytes = 0;
    bool whole = false;
    while (!whole && bytes < MERGER_BYTES) {
        size_t n;
        enum result r = build_chunk(m, t, &n);
        if (r == RES_OK)
            r = advance(m, t, &whole);
        if (r != RES_OK)
            return r;
        bytes += n;
    }
    *ret_whole = whole;
    return RES_OK;
}

enum result
merger_step(struct merger *m)
{
    assert(m->state != MERGER_IDLE);
    struct lmdb_txn *t;
    enum result r = lmdb_begin_write(m->env, &t);
    if (r != RES_OK)
        return r;
    bool done;
    r = m->state == MERGER_BUILD ? build(m, t, &done)
                                 : runs_sweep(t, m->units, MERGER_DELETES, &done);
    if (r != RES_OK) {
        lmdb_abort(t);
        return r;
    }
    r = lmdb_commit(t);
    if (r != RES_OK || !done)
        return r;
    if (m->state == MERGER_SWEEP)
        m->state = MERGER_IDLE;
    else {
        /* The runs that went into the new one are left over now. */
        m->units++;
        m->state = m->level == 0 ? MERGER_IDLE : MERGER_SWEEP;
    }
    return RES_OK;
}
