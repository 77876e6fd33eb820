#include "log/directory/shelf.h"

#include <assert.h>
#include <stdlib.h>

#include "log/directory/shelf_private.h"
#include "log/store/mapfile.h"

/* Read transactions at once, of all processes: one for each worker, loop and prover, and room. */
#define READERS 256

static const char *const tables[] = {"page", "entry", "version", "proof", "meta"};

static struct lmdb_options
options_for(const struct shelf_options *o)
{
    struct lmdb_options l = {
        .path = o->path,
        .map_size = o->map_size,
        .read_only = o->read_only,
        .unsynced = o->unsynced,
        .readers = READERS,
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        l.tables[i] = tables[i];
    return l;
}

static enum result
damaged_if_absent(enum result rc)
{
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

static enum result
read_format(struct lmdb_txn *t, unsigned table)
{
    struct span v;
    struct reader in;
    enum result rc = damaged_if_absent(lmdb_get(t, table, span_str(SHELF_META_FORMAT), &v));

    if (rc != RES_OK)
        return rc;
    in = reader_of(v);
    uint32_t format = get_u32(&in);
    if (reader_end(&in) != RES_OK)
        return RES_STORE_DAMAGED;
    return format == SHELF_FORMAT ? RES_OK : RES_STORE_FORMAT;
}

/*
 * Looks at the format number through an environment that is opened for reading and knows one table:
 * a store of another format must be left as it is.  RES_ABSENT when there is none.
 */
static enum result
probe(const struct shelf_options *o)
{
    struct lmdb_options l = options_for(o);
    struct lmdb *env;
    struct lmdb_txn *t;
    enum result rc;

    l.read_only = true;
    memset(l.tables, 0, sizeof(l.tables));
    l.tables[0] = tables[SHELF_META];
    rc = lmdb_open(&l, &env);
    if (rc != RES_OK)
        return rc;
    rc = lmdb_reader_new(env, &t);
    if (rc == RES_OK) {
        rc = lmdb_reader_renew(t);
        if (rc == RES_OK)
            rc = read_format(t, 0);
        lmdb_reader_free(t);
    }
    lmdb_close(env);
    return rc;
}

static enum result
write_meta(struct lmdb *env, struct span origin, struct span configuration)
{
    static const uint8_t format[4] = {0, 0, 0, SHELF_FORMAT};
    struct lmdb_txn *t;
    enum result rc = lmdb_begin_write(env, &t);

    if (rc != RES_OK)
        return rc;
    rc = lmdb_put(t, SHELF_META, span_str(SHELF_META_FORMAT), span_of(format, sizeof(format)),
                  false);
    if (rc == RES_OK)
        rc = lmdb_put(t, SHELF_META, span_str(SHELF_META_ORIGIN), origin, false);
    if (rc == RES_OK)
        rc = lmdb_put(t, SHELF_META, span_str(SHELF_META_CONFIGURATION), configuration, false);
    if (rc == RES_OK)
        return lmdb_commit(t);
    lmdb_abort(t);
    return rc;
}

static enum result
check_configuration(struct span bytes, struct kt_config *ret)
{
    struct reader in = reader_of(bytes);

    kt_config_get(&in, ret);
    return reader_end(&in);
}

enum result
shelf_create(const struct shelf_options *o, const char *origin, struct span configuration)
{
    struct span name = span_str(origin);
    struct lmdb_options l = options_for(o);
    struct kt_config config;
    struct lmdb *env;
    enum result rc;

    assert(!o->read_only);
    if (name.n < 1 || name.n > SHELF_ORIGIN_MAX ||
        check_configuration(configuration, &config) != RES_OK)
        return RES_VALUE;
    rc = probe(o);
    if (rc != RES_ABSENT)
        return rc == RES_OK || rc == RES_STORE_DAMAGED || rc == RES_STORE_FORMAT ? RES_EXISTS : rc;
    rc = lmdb_open(&l, &env);
    if (rc != RES_OK)
        return rc;
    rc = write_meta(env, name, configuration);
    lmdb_close(env);
    /* LMDB syncs the file, not the name of it. */
    return rc == RES_OK ? mapfile_sync_directory(o->path) : rc;
}

static enum result
read_meta(struct shelf *s, struct lmdb_txn *t)
{
    struct directory_head head;
    struct span v;
    enum result rc = lmdb_get(t, SHELF_META, span_str(SHELF_META_ORIGIN), &v);

    if (rc != RES_OK)
        return damaged_if_absent(rc);
    if (v.n < 1 || v.n > SHELF_ORIGIN_MAX || memchr(v.p, 0, v.n) != NULL)
        return RES_STORE_DAMAGED;
    memcpy(s->origin, v.p, v.n);
    s->origin[v.n] = '\0';
    rc = lmdb_get(t, SHELF_META, span_str(SHELF_META_CONFIGURATION), &v);
    if (rc != RES_OK)
        return damaged_if_absent(rc);
    if (check_configuration(v, &s->config) != RES_OK)
        return RES_STORE_DAMAGED;
    rc = shelf_read_head(t, &head);
    return rc == RES_ABSENT ? RES_OK : rc;
}

static enum result
make_places(struct shelf *s)
{
    for (int i = 0; i < SHELF_PAGED; i++) {
        s->places[i] = calloc(PLACES, sizeof(*s->places[i]));
        if (s->places[i] == NULL)
            return RES_MEMORY;
    }
    return RES_OK;
}

static enum result
open_environment(struct shelf *s, const struct shelf_options *o)
{
    struct lmdb_options l = options_for(o);
    struct lmdb_txn *t;
    enum result rc = probe(o);

    if (rc == RES_OK)
        rc = lmdb_open(&l, &s->env);
    if (rc == RES_OK)
        rc = lmdb_reader_new(s->env, &t);
    if (rc != RES_OK)
        return rc;
    rc = lmdb_reader_renew(t);
    if (rc == RES_OK)
        rc = read_meta(s, t);
    lmdb_reader_free(t);
    return rc;
}

enum result
shelf_open(const struct shelf_options *o, struct shelf **ret)
{
    struct shelf *s = calloc(1, sizeof(*s));
    enum result rc;

    if (s == NULL)
        return RES_MEMORY;
    rc = open_environment(s, o);
    if (rc == RES_OK)
        rc = make_places(s);
    if (rc != RES_OK) {
        shelf_close(s);
        return rc;
    }
    *ret = s;
    return RES_OK;
}

void
shelf_close(struct shelf *s)
{
    if (s == NULL)
        return;
    assert(s->txn == NULL);
    lmdb_close(s->env);
    for (int i = 0; i < SHELF_PAGED; i++)
        free(s->places[i]);
    free(s);
}

const char *
shelf_origin(const struct shelf *s)
{
    return s->origin;
}

const struct kt_config *
shelf_config(const struct shelf *s)
{
    return &s->config;
}

enum result
shelf_read_head(struct lmdb_txn *t, struct directory_head *ret)
{
    struct directory_head head;
    struct reader in;
    struct span v;
    enum result rc = lmdb_get(t, SHELF_META, span_str(SHELF_META_HEAD), &v);

    if (rc != RES_OK)
        return rc;
    in = reader_of(v);
    directory_head_get(&in, &head);
    if (reader_end(&in) != RES_OK)
        return RES_STORE_DAMAGED;
    *ret = head;
    return RES_OK;
}

enum result
shelf_read_tails(struct lmdb_txn *t, const struct directory_head *h,
                 struct span ret[static SHELF_PAGED])
{
    struct span v;
    enum result rc = lmdb_get(t, SHELF_META, span_str(SHELF_META_TAILS), &v);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    for (int table = 0; table < SHELF_PAGED; table++) {
        size_t n = (size_t)(shelf_length(h, (enum shelf_table)table) % SHELF_PAGE);
        if (n > v.n)
            return RES_STORE_DAMAGED;
        ret[table] = span_of(v.p, n);
        v = span_of(v.p + n, v.n - n);
    }
    return v.n == 0 ? RES_OK : RES_STORE_DAMAGED;
}

enum result
shelf_sync(struct shelf *s)
{
    return lmdb_sync(s->env);
}

uint64_t
shelf_bytes(const struct shelf *s)
{
    return lmdb_bytes(s->env);
}

enum result
shelf_copy(struct shelf *s, const char *dest)
{
    return lmdb_copy(s->env, dest);
}
