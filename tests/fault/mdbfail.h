/*
 * LMDB calls that fail on purpose, as failalloc does for memory: the nth call of those wrapped
 * fails once, either before it does anything or after it has done everything.
 *
 * Reaches the calls of the program's own objects (--wrap), not LMDB's own inner ones.  One counter
 * for the process.  For tests only.
 */
#ifndef TESTS_FAULT_MDBFAIL_H
#define TESTS_FAULT_MDBFAIL_H

#include <stdbool.h>
#include <stddef.h>

enum mdbfail_when { MDBFAIL_BEFORE, MDBFAIL_AFTER };

/* Starts counting anew.  The nth call from now answers EIO, and only that one; 0: none does. */
void mdbfail_at(size_t nth, enum mdbfail_when when);

/* Calls since then. */
size_t mdbfail_count(void);

/* The name of the call that failed since then, or NULL. */
const char *mdbfail_what(void);

#endif
