/*
 * Shelves for tests: made in a scratch directory, and rows that follow from their number.
 *
 * Memory or files that cannot be had end the test.
 */
#ifndef TESTS_UNIT_DIRECTORY_SHELFDATA_H
#define TESTS_UNIT_DIRECTORY_SHELFDATA_H

#include "log/directory/shelf.h"

/* Bytes of map that valgrind and every sanitizer allow. */
#define SHELF_TEST_MAP (UINT64_C(1) << 34)

/* A sound Configuration, borrowed until the next call. */
struct span shelfdata_configuration(void);

/* Makes a shelf in the directory path; opens one that is there. */
struct shelf *shelfdata_create(const char *path);
struct shelf *shelfdata_open(const char *path);

/* A view that has begun. */
struct shelf_view *shelfdata_view(struct shelf *s);

/* Row i, whose references are possible from size i + 1 on. */
struct entry_row shelfdata_entry(uint64_t i);
/* Row seq, of entry; label, state and previous are 0, 0 bytes and none. */
struct version_row shelfdata_version(uint64_t seq, uint64_t entry);
/* A head of that many entries. */
struct directory_head shelfdata_head(uint64_t size);

#endif
