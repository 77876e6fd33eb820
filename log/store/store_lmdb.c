#include "log/store/store_lmdb.h"

#include <assert.h>
#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "log/store/mapfile.h"

struct lmdb_txn {
    struct lmdb *env;
    MDB_txn *txn;
};

struct lmdb {
    MDB_env *env;
    MDB_dbi table[LMDB_TABLES_MAX];
    unsigned tables;
    uint64_t map_size;
    struct lmdb_txn writer; /* the one write transaction; the writer's thread */
    atomic_bool latched;
};

static enum result
result_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return RES_OK;
    case MDB_NOTFOUND:
        return RES_ABSENT;
    case MDB_KEYEXIST:
        return RES_EXISTS;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case MDB_MAP_RESIZED:
        return RES_STORE_FULL;
    case MDB_READERS_FULL:
        return RES_BUSY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL: /* a tree deeper than there can be */
    case MDB_BAD_TXN:     /* what a transaction answers once it has met a damaged page */
        return RES_STORE_DAMAGED;
    case ENOMEM:
        return RES_MEMORY;
    default:
        return RES_IO;
    }
}

/* As result_of, for calls that may write pages early (LMDB spills a large transaction): their errno
 * counts as a failed write. */
static enum result
result_of_write(struct lmdb *env, int rc)
{
    if (rc == MDB_PANIC || (rc > 0 && rc != ENOMEM && rc != EINVAL))
        atomic_store(&env->latched, true);
    return result_of(rc);
}

static MDB_val
val_of(struct span s)
{
    /* LMDB takes no const; it does not write through keys and values handed to it. */
    static const uint8_t nothing;
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)(s.n == 0 ? &nothing : s.p)};
}

static struct span
span_of_val(const MDB_val *v)
{
    return span_of(v->mv_data, v->mv_size);
}

/* ---- opening ---- */

/* See mapfile_cover. */
static enum result
cover_last_page(MDB_env *env, const char *path)
{
    MDB_envinfo info;
    MDB_stat stat;
    int fd;
    if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat) != 0 ||
        mdb_env_get_fd(env, &fd) != 0)
        return RES_IO;
    uint64_t pages = (uint64_t)info.me_last_pgno + 1;
    if (pages > info.me_mapsize / stat.ms_psize)
        return RES_STORE_DAMAGED;
    return mapfile_cover(path, fd, pages * stat.ms_psize);
}

static enum result
open_tables(struct lmdb *env, const struct lmdb_options *o)
{
    MDB_txn *txn;
    enum result r = result_of(mdb_txn_begin(env->env, NULL, o->read_only ? MDB_RDONLY : 0, &txn));
    if (r != RES_OK)
        return r;
    while (env->tables < LMDB_TABLES_MAX && o->tables[env->tables] != NULL) {
        int rc = mdb_dbi_open(txn, o->tables[env->tables], o->read_only ? 0 : MDB_CREATE,
                              &env->table[env->tables]);
        if (rc != 0) {
            mdb_txn_abort(txn);
            return rc == MDB_NOTFOUND ? RES_STORE_DAMAGED : result_of(rc);
        }
        env->tables++;
    }
    return result_of(mdb_txn_commit(txn));
}

static enum result
open_env(struct lmdb *env, const struct lmdb_options *o)
{
    MDB_envinfo info;
    if (o->read_only && mapfile_unwritten(o->path))
        return RES_ABSENT;
    int rc = mdb_env_create(&env->env);
    if (rc != 0)
        return result_of(rc);
    if ((rc = mdb_env_set_maxdbs(env->env, LMDB_TABLES_MAX)) != 0 ||
        (rc = mdb_env_set_mapsize(env->env, (size_t)o->map_size)) != 0 ||
        (rc = mdb_env_set_maxreaders(env->env, o->readers)) != 0)
        return result_of(rc);
    unsigned flags = MDB_NORDAHEAD | MDB_NOTLS | (o->read_only ? (unsigned)MDB_RDONLY : 0) |
                     (o->unsynced ? (unsigned)MDB_NOSYNC : 0);
    rc = mdb_env_open(env->env, o->path, flags, 0600);
    if (rc == ENOENT && o->read_only)
        return RES_ABSENT;
    if (rc == EINVAL) /* our flags are right: a meta page with a page size that cannot be */
        return RES_STORE_DAMAGED;
    if (rc != 0)
        return result_of(rc);
    if ((rc = mdb_env_info(env->env, &info)) != 0)
        return result_of(rc);
    if (o->read_only && info.me_last_txnid == 0)
        return RES_ABSENT; /* nothing was ever committed */
    int dead;
    rc = mdb_reader_check(env->env, &dead);
    if (rc != 0)
        return result_of(rc);
    enum result r = cover_last_page(env->env, o->path);
    return r == RES_OK ? open_tables(env, o) : r;
}

enum result
lmdb_open(const struct lmdb_options *o, struct lmdb **ret)
{
    struct lmdb *env = calloc(1, sizeof(*env));
    if (env == NULL)
        return RES_MEMORY;
    env->map_size = o->map_size;
    atomic_init(&env->latched, false);
    enum result r = open_env(env, o);
    if (r != RES_OK) {
        lmdb_close(env);
        return r;
    }
    *ret = env;
    return RES_OK;
}

void
lmdb_close(struct lmdb *env)
{
    if (env == NULL)
        return;
    assert(env->writer.txn == NULL);
    if (env->env != NULL)
        mdb_env_close(env->env);
    free(env);
}

/* ---- transactions ---- */

enum result
lmdb_begin_write(struct lmdb *env, struct lmdb_txn **ret)
{
    assert(env->writer.txn == NULL);
    if (atomic_load(&env->latched))
        return RES_STORE_LATCHED;
    MDB_txn *txn;
    int rc = mdb_txn_begin(env->env, NULL, 0, &txn);
    if (rc != 0)
        return result_of_write(env, rc);
    env->writer = (struct lmdb_txn){.env = env, .txn = txn};
    *ret = &env->writer;
    return RES_OK;
}

enum result
lmdb_commit(struct lmdb_txn *t)
{
    struct lmdb *env = t->env;
    assert(t == &env->writer && t->txn != NULL);
    /*
     * Before this line the last commit stands; after it, with 0, this one does.  A crash inside
     * leaves the one or the other: LMDB syncs the data before it writes the one meta page that
     * points to it.
     */
    int rc = mdb_txn_commit(t->txn);
    t->txn = NULL;
    if (rc != 0)
        atomic_store(&env->latched, true);
    return result_of(rc);
}

enum result
lmdb_sync(struct lmdb *env)
{
    assert(env->writer.txn == NULL);
    if (atomic_load(&env->latched))
        return RES_STORE_LATCHED;
    int rc = mdb_env_sync(env->env, 1);
    if (rc != 0)
        atomic_store(&env->latched, true);
    return rc == 0 ? RES_OK : RES_IO;
}

void
lmdb_abort(struct lmdb_txn *t)
{
    if (t == NULL)
        return;
    assert(t == &t->env->writer && t->txn != NULL);
    mdb_txn_abort(t->txn);
    t->txn = NULL;
}

bool
lmdb_latched(const struct lmdb *env)
{
    return atomic_load(&env->latched);
}

enum result
lmdb_reader_new(struct lmdb *env, struct lmdb_txn **ret)
{
    struct lmdb_txn *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return RES_MEMORY;
    int rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &t->txn);
    if (rc != 0) {
        free(t);
        return result_of(rc);
    }
    mdb_txn_reset(t->txn);
    t->env = env;
    *ret = t;
    return RES_OK;
}

enum result
lmdb_reader_renew(struct lmdb_txn *t)
{
    int rc = mdb_txn_renew(t->txn);
    if (rc != 0)
        mdb_txn_reset(t->txn); /* however far it came: the next renew begins anew */
    return result_of(rc);
}

void
lmdb_reader_reset(struct lmdb_txn *t)
{
    mdb_txn_reset(t->txn);
}

void
lmdb_reader_free(struct lmdb_txn *t)
{
    if (t == NULL)
        return;
    mdb_txn_abort(t->txn);
    free(t);
}

/* ---- reading ---- */

enum result
lmdb_get(struct lmdb_txn *t, unsigned table, struct span key, struct span *ret)
{
    assert(table < t->env->tables);
    MDB_val k = val_of(key);
    MDB_val v;
    int rc = mdb_get(t->txn, t->env->table[table], &k, &v);
    if (rc == 0)
        *ret = span_of_val(&v);
    return result_of(rc);
}

static enum result
cursor_get(struct lmdb_txn *t, unsigned table, struct span key, MDB_cursor_op op,
           struct span *ret_key, struct span *ret_value)
{
    assert(table < t->env->tables);
    MDB_cursor *c;
    int rc = mdb_cursor_open(t->txn, t->env->table[table], &c);
    if (rc != 0)
        return result_of(rc);
    MDB_val k = val_of(key);
    MDB_val v;
    rc = mdb_cursor_get(c, &k, &v, op);
    mdb_cursor_close(c);
    if (rc == 0) {
        *ret_key = span_of_val(&k);
        *ret_value = span_of_val(&v);
    }
    return result_of(rc);
}

enum result
lmdb_last(struct lmdb_txn *t, unsigned table, struct span *ret_key, struct span *ret_value)
{
    return cursor_get(t, table, span_of(NULL, 0), MDB_LAST, ret_key, ret_value);
}

enum result
lmdb_seek(struct lmdb_txn *t, unsigned table, struct span key, struct span *ret_key,
          struct span *ret_value)
{
    return cursor_get(t, table, key, MDB_SET_RANGE, ret_key, ret_value);
}

/* ---- writing ---- */

static enum result
put(struct lmdb_txn *t, unsigned table, struct span key, MDB_val *v, unsigned flags)
{
    assert(table < t->env->tables && key.n > 0 && key.n <= 511);
    MDB_val k = val_of(key);
    return result_of_write(t->env, mdb_put(t->txn, t->env->table[table], &k, v, flags));
}

enum result
lmdb_put(struct lmdb_txn *t, unsigned table, struct span key, struct span value, bool append)
{
    MDB_val v = val_of(value);
    return put(t, table, key, &v, append ? MDB_APPEND : 0);
}

enum result
lmdb_reserve(struct lmdb_txn *t, unsigned table, struct span key, size_t n, bool append,
             uint8_t **ret)
{
    MDB_val v = {.mv_size = n, .mv_data = NULL};
    enum result r = put(t, table, key, &v, MDB_RESERVE | (append ? (unsigned)MDB_APPEND : 0));
    if (r == RES_OK)
        *ret = v.mv_data;
    return r;
}

enum result
lmdb_delete(struct lmdb_txn *t, unsigned table, struct span key)
{
    assert(table < t->env->tables);
    MDB_val k = val_of(key);
    return result_of_write(t->env, mdb_del(t->txn, t->env->table[table], &k, NULL));
}

enum result
lmdb_drop(struct lmdb_txn *t, unsigned table)
{
    assert(table < t->env->tables);
    return result_of_write(t->env, mdb_drop(t->txn, t->env->table[table], 0));
}

/* ---- the whole environment ---- */

/* The free list is LMDB's table 0: page lists whose first word is their count. */
static enum result
count_free_pages(MDB_txn *txn, uint64_t *ret)
{
    MDB_cursor *c;
    int rc = mdb_cursor_open(txn, 0, &c);
    if (rc != 0)
        return result_of(rc);
    MDB_val k, v;
    uint64_t pages = 0;
    while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
        size_t n;
        if (v.mv_size < sizeof(n)) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(&n, v.mv_data, sizeof(n));
        pages += n;
    }
    mdb_cursor_close(c);
    if (rc != MDB_NOTFOUND)
        return result_of(rc);
    *ret = pages;
    return RES_OK;
}

static enum result
sizes_in(struct lmdb *env, MDB_txn *txn, struct lmdb_sizes *ret)
{
    MDB_envinfo info;
    MDB_stat st;
    int rc = mdb_env_info(env->env, &info);
    if (rc == 0)
        rc = mdb_env_stat(env->env, &st);
    if (rc != 0)
        return result_of(rc);
    uint64_t free_pages = 0;
    enum result r = count_free_pages(txn, &free_pages);
    if (r != RES_OK)
        return r;
    struct lmdb_sizes s = {
        .file = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize,
        .freed = free_pages * st.ms_psize,
        .map = info.me_mapsize,
    };
    for (unsigned i = 0; i < env->tables; i++) {
        if ((rc = mdb_stat(txn, env->table[i], &st)) != 0)
            return result_of(rc);
        s.table[i] =
            (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * (uint64_t)st.ms_psize;
        s.entries[i] = st.ms_entries;
    }
    *ret = s;
    return RES_OK;
}

uint64_t
lmdb_bytes(const struct lmdb *env)
{
    MDB_envinfo info;
    MDB_stat st;
    if (mdb_env_info(env->env, &info) != 0 || mdb_env_stat(env->env, &st) != 0)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
}

enum result
lmdb_sizes(struct lmdb *env, struct lmdb_sizes *ret)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return result_of(rc);
    enum result r = sizes_in(env, txn, ret);
    mdb_txn_abort(txn);
    return r;
}

/* ---- for who wipes ---- */

/* MDB_msg_func: a line for each reader, "pid thread txnid", where "-" is no snapshot; and one of
 * words. */
static int
note_reader(const char *line, void *ctx)
{
    const char *pid = line + strspn(line, " "), *last = strrchr(line, ' ');
    bool *busy = ctx;

    if (*pid >= '0' && *pid <= '9' && last != NULL && last[1] != '-')
        *busy = true;
    return 0;
}

/* One record of the free list: how many pages, and their numbers. */
static enum result
tell_free(const MDB_val *v, const struct lmdb_visitor *to)
{
    size_t n, page;
    enum result r = RES_OK;

    if (v->mv_size < sizeof(n))
        return RES_STORE_DAMAGED;
    memcpy(&n, v->mv_data, sizeof(n));
    if (n > v->mv_size / sizeof(n) - 1)
        return RES_STORE_DAMAGED;
    for (size_t i = 1; i <= n && r == RES_OK; i++) {
        memcpy(&page, (const uint8_t *)v->mv_data + i * sizeof(page), sizeof(page));
        r = to->free_page(to->arg, page);
    }
    return r;
}

/* Each record of a table: of the free list, or of one of ours. */
static enum result
visit_table(MDB_txn *txn, MDB_dbi table, const struct lmdb_visitor *to)
{
    MDB_cursor *c;
    MDB_val k, v;
    enum result r = RES_OK;
    int rc = mdb_cursor_open(txn, table, &c);

    if (rc != 0)
        return result_of(rc);
    while (r == RES_OK && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
        r = table == 0 ? tell_free(&v, to) : to->value(to->arg, span_of(v.mv_data, v.mv_size));
    mdb_cursor_close(c);
    return r == RES_OK && rc != MDB_NOTFOUND ? result_of(rc) : r;
}

static enum result
visit_in(struct lmdb *env, MDB_txn *txn, const struct lmdb_visitor *to)
{
    MDB_envinfo info;
    MDB_stat st;
    int fd, rc = mdb_env_stat(env->env, &st);

    if (rc == 0)
        rc = mdb_env_info(env->env, &info);
    if (rc == 0)
        rc = mdb_env_get_fd(env->env, &fd);
    if (rc != 0)
        return result_of(rc);
    enum result r = to->file(to->arg, fd, st.ms_psize, (uint64_t)info.me_last_pgno + 1);
    if (r == RES_OK)
        r = visit_table(txn, 0, to);
    for (unsigned i = 0; i < env->tables && r == RES_OK; i++)
        r = visit_table(txn, env->table[i], to);
    return r;
}

enum result
lmdb_visit(struct lmdb *env, const struct lmdb_visitor *to)
{
    MDB_txn *txn;
    bool busy = false;
    int dead, rc = mdb_reader_check(env->env, &dead);

    if (rc == 0 && mdb_reader_list(env->env, note_reader, &busy) < 0)
        rc = EIO;
    if (rc == 0 && busy)
        return RES_BUSY;
    if (rc == 0)
        rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return result_of(rc);
    enum result r = visit_in(env, txn, to);
    mdb_txn_abort(txn);
    return r;
}

enum result
lmdb_copy(struct lmdb *env, const char *dest)
{
    int rc = mdb_env_copy(env->env, dest);
    if (rc == EEXIST)
        return RES_EXISTS;
    enum result r = result_of(rc);
    if (r == RES_OK)
        r = mapfile_sync(dest);
    if (r != RES_OK)
        mapfile_remove(dest);
    return r;
}
