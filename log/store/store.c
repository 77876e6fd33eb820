#include "log/store/store.h"
#include "log/store/mapfile.h"
#include "log/store/store_private.h"
#include "log/store/wipe.h"

#include "merkle/base/codec.h"

#include <assert.h>
#include <stdlib.h>

/* Read transactions at once, of all processes: one for each worker, loop and scrubber, and room. */
#define READERS 256

static const struct lmdb_options whole = {
    .tables = {"meta", "tail", "bundle", "tile", "edge", "issuer"},
    .readers = READERS,
};

/* Pending bytes of one transaction; a batch is far smaller. */
#define PENDING_MAX ((size_t)1 << 31)

static struct lmdb_options
options_for(const struct store_options *o)
{
    struct lmdb_options l = whole;
    l.path = o->path;
    l.map_size = o->map_size;
    l.read_only = o->read_only;
    return l;
}

static enum result
read_format(struct lmdb_txn *t, uint32_t *ret)
{
    struct span v;
    enum result r = lmdb_get(t, TABLE_META, span_str(META_FORMAT), &v);
    if (r != RES_OK)
        return r == RES_ABSENT ? RES_STORE_DAMAGED : r;
    struct reader in = reader_of(v);
    uint32_t format = get_u32(&in);
    if (reader_end(&in) != RES_OK)
        return RES_STORE_DAMAGED;
    *ret = format;
    return RES_OK;
}

/* Runs fn in a snapshot of env. */
static enum result
with_snapshot(struct lmdb *env, enum result (*fn)(struct lmdb_txn *t, void *arg), void *arg)
{
    struct lmdb_txn *t;
    enum result r = lmdb_reader_new(env, &t);
    if (r != RES_OK)
        return r;
    r = lmdb_reader_renew(t);
    if (r == RES_OK)
        r = fn(t, arg);
    lmdb_reader_free(t);
    return r;
}

static enum result
format_step(struct lmdb_txn *t, void *arg)
{
    return read_format(t, arg);
}

/*
 * Looks at the format number through an environment that is opened for reading and knows only the
 * first table: a store of another format must be left as it is.  RES_ABSENT when there is no store.
 */
static enum result
probe_format(const struct store_options *o, uint32_t *ret)
{
    struct lmdb_options l = options_for(o);
    l.read_only = true;
    memset(l.tables, 0, sizeof(l.tables));
    l.tables[0] = whole.tables[0];
    struct lmdb *env;
    enum result r = lmdb_open(&l, &env);
    if (r != RES_OK)
        return r;
    r = with_snapshot(env, format_step, ret);
    lmdb_close(env);
    return r;
}

static enum result
write_meta(struct lmdb *env, struct span origin)
{
    static const uint8_t format[4] = {0, 0, 0, STORE_FORMAT};
    struct lmdb_txn *t;
    enum result r = lmdb_begin_write(env, &t);
    if (r != RES_OK)
        return r;
    r = lmdb_put(t, TABLE_META, span_str(META_FORMAT), span_of(format, sizeof(format)), false);
    if (r == RES_OK)
        r = lmdb_put(t, TABLE_META, span_str(META_ORIGIN), origin, false);
    if (r != RES_OK) {
        lmdb_abort(t);
        return r;
    }
    return lmdb_commit(t);
}

enum result
store_create(const struct store_options *o, const char *origin)
{
    assert(!o->read_only);
    struct span name = span_str(origin);
    if (name.n < 1 || name.n > STORE_ORIGIN_MAX)
        return RES_VALUE;
    uint32_t format;
    enum result r = probe_format(o, &format);
    if (r != RES_ABSENT)
        return r == RES_OK || r == RES_STORE_DAMAGED ? RES_EXISTS : r;

    struct lmdb_options l = options_for(o);
    struct lmdb *env;
    r = lmdb_open(&l, &env);
    if (r != RES_OK)
        return r;
    r = write_meta(env, name);
    lmdb_close(env);
    /* LMDB syncs the file, not the name of it. */
    return r == RES_OK ? mapfile_sync_directory(o->path) : r;
}

static enum result
origin_step(struct lmdb_txn *t, void *arg)
{
    struct store *s = arg;
    struct span v;
    enum result r = lmdb_get(t, TABLE_META, span_str(META_ORIGIN), &v);
    if (r != RES_OK)
        return r == RES_ABSENT ? RES_STORE_DAMAGED : r;
    if (v.n < 1 || v.n > STORE_ORIGIN_MAX || memchr(v.p, 0, v.n) != NULL)
        return RES_STORE_DAMAGED;
    memcpy(s->origin, v.p, v.n);
    s->origin[v.n] = '\0';
    return RES_OK;
}

enum result
store_open(const struct store_options *o, uint32_t *ret_format, struct store **ret)
{
    uint32_t format;
    enum result r = probe_format(o, &format);
    if (r != RES_OK)
        return r;
    *ret_format = format;
    if (format != STORE_FORMAT)
        return RES_STORE_FORMAT;

    struct store *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return RES_MEMORY;
    buf_init(&s->bytes, PENDING_MAX);
    struct lmdb_options l = options_for(o);
    r = lmdb_open(&l, &s->env);
    if (r == RES_OK)
        r = with_snapshot(s->env, origin_step, s);
    if (r != RES_OK) {
        store_close(s);
        return r;
    }
    *ret = s;
    return RES_OK;
}

void
store_close(struct store *s)
{
    if (s == NULL)
        return;
    lmdb_close(s->env);
    buf_release(&s->bytes);
    free(s->pending);
    free(s);
}

const char *
store_origin(const struct store *s)
{
    return s->origin;
}

enum result
store_wipe(struct store *s)
{
    return wipe_unused(s->env);
}

bool
store_latched(const struct store *s)
{
    return lmdb_latched(s->env);
}

enum result
store_sizes(struct store *s, struct lmdb_sizes *ret)
{
    return lmdb_sizes(s->env, ret);
}

uint64_t
store_bytes(const struct store *s)
{
    return lmdb_bytes(s->env);
}

enum result
store_copy(struct store *s, const char *dest)
{
    return lmdb_copy(s->env, dest);
}
