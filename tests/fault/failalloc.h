/*
 * Allocations that fail on purpose: run once and count, then run again for each and let it fail.
 *
 *     failalloc_at(0);
 *     run();
 *     for (size_t i = 1, n = failalloc_count(); i <= n; i++) {
 *         failalloc_at(i);
 *         run() reports RES_MEMORY, and nothing is lost or changed
 *     }
 *     failalloc_at(0);
 *
 * Reaches malloc, calloc and realloc as called from the program's own objects and static libraries,
 * not from inside shared ones.  One counter for the process; its threads may share it.  For tests
 * only.
 */
#ifndef TESTS_FAULT_FAILALLOC_H
#define TESTS_FAULT_FAILALLOC_H

#include <stddef.h>

/* Starts counting anew.  The nth allocation from now fails, and only that one; 0: none does. */
void failalloc_at(size_t nth);

/* Allocations since then. */
size_t failalloc_count(void);

#endif
