#include "mdbfail.h"

#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>

static atomic_size_t count;
static atomic_size_t target;
static _Atomic(const char *) failed;
static enum mdbfail_when when_to_fail;

void
mdbfail_at(size_t nth, enum mdbfail_when when)
{
    when_to_fail = when;
    atomic_store(&failed, NULL);
    atomic_store(&count, 0);
    atomic_store(&target, nth);
}

size_t
mdbfail_count(void)
{
    return atomic_load(&count);
}

const char *
mdbfail_what(void)
{
    return atomic_load(&failed);
}

/* Counts one call; whether it is the one to fail. */
static bool
is_the_one(const char *name)
{
    size_t n = atomic_fetch_add(&count, 1) + 1;
    if (n != atomic_load(&target))
        return false;
    atomic_store(&failed, name);
    return true;
}

/*
 * Each wrapper: the real call, or EIO instead of it, or the real call and then EIO over its
 * success.  UNDO is what keeps a call that gave something away from leaking it when its success is
 * hidden; LOST is what a failure without effect would have released all the same.
 */
#define WRAP(name, parameters, arguments, LOST, UNDO) \
    int __real_##name parameters;                     \
    int __wrap_##name parameters;                     \
    int __wrap_##name parameters                      \
    {                                                 \
        bool fail = is_the_one(#name);                \
        if (fail && when_to_fail == MDBFAIL_BEFORE) { \
            LOST;                                     \
            return EIO;                               \
        }                                             \
        int rc = __real_##name arguments;             \
        if (fail && rc == 0) {                        \
            UNDO;                                     \
            return EIO;                               \
        }                                             \
        return rc;                                    \
    }

#define NONE (void)0

WRAP(mdb_env_create, (MDB_env * *env), (env), NONE, mdb_env_close(*env); *env = NULL)
WRAP(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
     (env, path, flags, mode), NONE, NONE)
WRAP(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi dbs), (env, dbs), NONE, NONE)
WRAP(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size), NONE, NONE)
WRAP(mdb_env_set_maxreaders, (MDB_env * env, unsigned n), (env, n), NONE, NONE)
WRAP(mdb_env_info, (MDB_env * env, MDB_envinfo *info), (env, info), NONE, NONE)
WRAP(mdb_env_stat, (MDB_env * env, MDB_stat *stat), (env, stat), NONE, NONE)
WRAP(mdb_env_get_fd, (MDB_env * env, mdb_filehandle_t *fd), (env, fd), NONE, NONE)
WRAP(mdb_env_sync, (MDB_env * env, int force), (env, force), NONE, NONE)
WRAP(mdb_reader_check, (MDB_env * env, int *dead), (env, dead), NONE, NONE)
WRAP(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
     (env, parent, flags, txn), NONE, mdb_txn_abort(*txn))
/* mdb_txn_commit frees the transaction whatever it answers. */
WRAP(mdb_txn_commit, (MDB_txn * txn), (txn), mdb_txn_abort(txn), NONE)
WRAP(mdb_txn_renew, (MDB_txn * txn), (txn), NONE, NONE)
WRAP(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
     (txn, name, flags, dbi), NONE, NONE)
WRAP(mdb_stat, (MDB_txn * txn, MDB_dbi dbi, MDB_stat *stat), (txn, dbi, stat), NONE, NONE)
WRAP(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data),
     NONE, NONE)
WRAP(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
     (txn, dbi, key, data, flags), NONE, NONE)
WRAP(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data),
     NONE, NONE)
WRAP(mdb_drop, (MDB_txn * txn, MDB_dbi dbi, int del), (txn, dbi, del), NONE, NONE)
WRAP(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor), NONE,
     mdb_cursor_close(*cursor))
WRAP(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
     (cursor, key, data, op), NONE, NONE)
