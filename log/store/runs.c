#include "log/store/runs.h"

#include "merkle/base/codec.h"

#include <assert.h>
#include <stdlib.h>

#define META_FORMAT "format"
#define META_COVERED "covered"

/* Read transactions at once. */
#define READERS 256

static uint8_t *
put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> (24 - 8 * i));
    return p;
}

struct span
runs_key(struct chunk_id id, uint8_t out[static RUNS_KEY_SIZE])
{
    out[0] = (uint8_t)id.map;
    out[1] = (uint8_t)id.level;
    (void)put_be32(put_be32(out + 2, id.number), id.chunk);
    return span_of(out, RUNS_KEY_SIZE);
}

static enum result
key_read(struct span key, struct chunk_id *ret)
{
    struct reader in = reader_of(key);
    ret->map = get_u8(&in);
    ret->level = get_u8(&in);
    ret->number = get_u32(&in);
    ret->chunk = get_u32(&in);
    return reader_end(&in);
}

bool
runs_live(uint64_t units, unsigned level, uint32_t *ret_number)
{
    if (level > RUNS_LEVEL_MAX || (units >> level & 1) == 0)
        return false;
    *ret_number = (uint32_t)((units >> level) - 1);
    return true;
}

/* ---- the environment ---- */

enum result
runs_units(struct lmdb_txn *t, uint64_t *ret)
{
    struct span v;
    enum result r = lmdb_get(t, RUNS_META, span_str(META_COVERED), &v);
    if (r != RES_OK)
        return r == RES_ABSENT ? RES_STORE_DAMAGED : r;
    struct reader in = reader_of(v);
    uint64_t covered = get_u64(&in);
    if (reader_end(&in) != RES_OK || covered % INDEX_UNIT != 0 || covered > RECORD_INDEX_MAX + 1)
        return RES_STORE_DAMAGED;
    *ret = covered / INDEX_UNIT;
    return RES_OK;
}

enum result
runs_put_units(struct lmdb_txn *t, uint64_t units)
{
    uint8_t v[8];
    for (int i = 0; i < 8; i++)
        v[i] = (uint8_t)(units * INDEX_UNIT >> (56 - 8 * i));
    return lmdb_put(t, RUNS_META, span_str(META_COVERED), span_of(v, sizeof(v)), false);
}

static const uint8_t format[4] = {0, 0, 0, INDEX_FORMAT};

/* Reads the format and the cover.  RES_ABSENT when there is no format. */
static enum result
read_meta(struct lmdb_txn *t, uint64_t *ret_units)
{
    struct span v;
    enum result r = lmdb_get(t, RUNS_META, span_str(META_FORMAT), &v);
    if (r != RES_OK)
        return r;
    return span_equal(v, span_of(format, sizeof(format))) ? runs_units(t, ret_units)
                                                          : RES_STORE_DAMAGED;
}

/* An environment without a format is empty (new, or its making was interrupted: RES_ABSENT) or was
 * condemned (RES_STORE_DAMAGED). */
static enum result
without_format(struct lmdb_txn *t)
{
    struct span key, v;
    enum result r = RES_ABSENT;
    for (unsigned table = RUNS_META; r == RES_ABSENT && table <= RUNS_CHUNK; table++)
        r = lmdb_last(t, table, &key, &v);
    return r == RES_OK ? RES_STORE_DAMAGED : r;
}

/* Reads the format and the cover; writes both where nothing stands. */
static enum result
begin_or_continue(struct lmdb_txn *t, uint64_t *ret_units)
{
    enum result r = read_meta(t, ret_units);
    if (r != RES_ABSENT || (r = without_format(t)) != RES_ABSENT)
        return r;
    r = lmdb_put(t, RUNS_META, span_str(META_FORMAT), span_of(format, sizeof(format)), false);
    if (r == RES_OK)
        r = runs_put_units(t, 0);
    *ret_units = 0;
    return r;
}

static enum result
begin(struct lmdb *env, uint64_t *ret_units)
{
    struct lmdb_txn *t;
    enum result r = lmdb_begin_write(env, &t);
    if (r != RES_OK)
        return r;
    r = begin_or_continue(t, ret_units);
    if (r == RES_OK)
        return lmdb_commit(t);
    lmdb_abort(t);
    return r;
}

static enum result
look(struct lmdb *env, uint64_t *ret_units)
{
    struct lmdb_txn *t;
    enum result r = lmdb_reader_new(env, &t);
    if (r != RES_OK)
        return r;
    r = lmdb_reader_renew(t);
    if (r == RES_OK)
        r = read_meta(t, ret_units);
    if (r == RES_ABSENT)
        r = without_format(t);
    lmdb_reader_free(t);
    return r;
}

enum result
runs_open(const struct index_options *o, struct lmdb **ret, uint64_t *ret_units)
{
    const struct lmdb_options l = {
        .path = o->path,
        .tables = {"meta", "chunk"},
        .map_size = o->map_size,
        .read_only = o->read_only,
        .readers = READERS,
    };
    struct lmdb *env;
    enum result r = lmdb_open(&l, &env);
    if (r != RES_OK)
        return r;
    r = o->read_only ? look(env, ret_units) : begin(env, ret_units);
    if (r != RES_OK) {
        lmdb_close(env);
        return r;
    }
    *ret = env;
    return RES_OK;
}

enum result
runs_condemn(struct lmdb *env)
{
    struct lmdb_txn *t;
    enum result r = lmdb_begin_write(env, &t);
    if (r != RES_OK)
        return r;
    r = lmdb_delete(t, RUNS_META, span_str(META_FORMAT));
    if (r == RES_OK || r == RES_ABSENT)
        return lmdb_commit(t);
    lmdb_abort(t);
    return r;
}

enum result
runs_chunk(struct lmdb_txn *t, struct chunk_id id, struct chunk *ret)
{
    uint8_t key[RUNS_KEY_SIZE];
    struct span v;
    enum result r = lmdb_get(t, RUNS_CHUNK, runs_key(id, key), &v);
    if (r != RES_OK)
        return r == RES_ABSENT ? RES_STORE_DAMAGED : r;
    return chunk_open(v, ret);
}

/* ---- what is left over ---- */

static bool
key_live(struct span key, uint64_t units, struct chunk_id *ret)
{
    uint32_t number;
    return key_read(key, ret) == RES_OK && ret->map < INDEX_MAPS &&
           runs_live(units, ret->level, &number) && ret->number == number &&
           ret->chunk < UINT32_C(1) << ret->level;
}

enum result
runs_sweep(struct lmdb_txn *t, uint64_t units, unsigned max, bool *ret_done)
{
    uint8_t from[RUNS_KEY_SIZE] = {0};
    for (unsigned deleted = 0;;) {
        struct span key, v;
        struct chunk_id id;
        enum result r = lmdb_seek(t, RUNS_CHUNK, span_of(from, sizeof(from)), &key, &v);
        if (r == RES_ABSENT) {
            *ret_done = true;
            return RES_OK;
        }
        if (r != RES_OK)
            return r;
        if (key_live(key, units, &id)) {
            /* On behind this run, without looking at its other chunks. */
            id.chunk = UINT32_C(1) << id.level;
            (void)runs_key(id, from);
            continue;
        }
        if (deleted == max) {
            *ret_done = false;
            return RES_OK;
        }
        uint8_t copy[511];
        assert(key.n <= sizeof(copy));
        memcpy(copy, key.p, key.n);
        if ((r = lmdb_delete(t, RUNS_CHUNK, span_of(copy, key.n))) != RES_OK)
            return r;
        deleted++;
    }
}

/* ---- the check ---- */

struct run_check {
    struct chunk_id id; /* of the run; .chunk counts */
    uint64_t first;     /* the run's first entry */
    uint64_t count;     /* its entries */
    uint64_t seen;
    uint8_t *bits; /* one for each entry */
};

static enum result
check_chunk(struct lmdb_txn *t, struct run_check *k)
{
    struct chunk c;
    enum result r = runs_chunk(t, k->id, &c);
    if (r == RES_OK)
        r = chunk_verify(&c);
    if (r != RES_OK)
        return r;
    struct record last = {0, 0};
    for (size_t i = 0; i < c.n; i++) {
        struct record now = chunk_record(&c, i);
        bool ordered = i == 0 || now.prefix > last.prefix ||
                       (now.prefix == last.prefix && now.index > last.index);
        bool here = k->id.level == 0 || now.prefix >> (64 - k->id.level) == k->id.chunk;
        uint64_t place = now.index - k->first;
        if (!ordered || !here || place >= k->count || (k->bits[place / 8] >> place % 8 & 1) != 0)
            return RES_STORE_DAMAGED;
        k->bits[place / 8] |= (uint8_t)(1U << place % 8);
        k->seen++;
        last = now;
    }
    return RES_OK;
}

static enum result
check_run(struct lmdb_txn *t, unsigned map, unsigned level, uint32_t number)
{
    struct run_check k = {
        .id = {.map = map, .level = level, .number = number},
        .first = ((uint64_t)number * INDEX_UNIT) << level,
        .count = (uint64_t)INDEX_UNIT << level,
    };
    k.bits = calloc((size_t)k.count / 8, 1);
    if (k.bits == NULL)
        return RES_MEMORY;
    enum result r = RES_OK;
    for (; r == RES_OK && k.id.chunk < UINT32_C(1) << level; k.id.chunk++)
        r = check_chunk(t, &k);
    if (r == RES_OK && k.seen != k.count)
        r = RES_STORE_DAMAGED;
    free(k.bits);
    return r;
}

enum result
runs_check(struct lmdb_txn *t)
{
    uint64_t units;
    enum result r = runs_units(t, &units);
    for (unsigned map = 0; r == RES_OK && map < INDEX_MAPS; map++)
        for (unsigned level = 0; r == RES_OK && level <= RUNS_LEVEL_MAX; level++) {
            uint32_t number;
            if (runs_live(units, level, &number))
                r = check_run(t, map, level, number);
        }
    return r;
}
