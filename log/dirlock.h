/*
 * One process serves a directory at a time.
 *
 * DIR/lock can be removed under one that serves, or not be copied with a store that is linked; so
 * the store is locked as well, by a lock of its own that LMDB's, which are of another kind and on
 * another file, do not meet: who reads needs neither.
 *
 * Life cycle: DIRLOCK_NONE; take; release.  A process that ends lets go.
 */
#ifndef LOG_DIRLOCK_H
#define LOG_DIRLOCK_H

#include "log/trouble.h"
#include "merkle/base/result.h"

struct dirlock {
    int lock;  /* flock of DIR/lock */
    int store; /* flock of the store's data.mdb */
};

#define DIRLOCK_NONE ((struct dirlock){.lock = -1, .store = -1})

/* Takes both; a store that is not there is not locked: opening it says so.  RES_EXISTS: another
 * holds one of them; RES_ABSENT: no directory; RES_IO; RES_TOO_LARGE: a path too long.  Release
 * also after a failure. */
MUST_CHECK enum result dirlock_take(struct dirlock *l, const char *dir, struct log_trouble *why);

/* Lets go of what was taken.  Twice does nothing. */
void dirlock_release(struct dirlock *l);

#endif
