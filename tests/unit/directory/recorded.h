/*
 * A directory as it lies on disk: data.mdb, recipes and keys that fit, with every kind of object in
 * them, and a copy of the three to go back to.
 *
 * For tests only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_RECORDED_H
#define TESTS_UNIT_DIRECTORY_RECORDED_H

#include "log/directory/recipe.h"
#include "tests/unit/directory/ground.h"

#define RECORDED_MAILS 44
#define RECORDED_EPOCHS 46 /* three pages of entries */
#define RECORDED_MAP (UINT64_C(1) << 30)
#define RECORDED_FILE_MAX ((size_t)64 << 20)
/* In which the second root is bound to one.example; bytes of every other recipe. */
#define RECORDED_BINDS 7
#define RECORDED_RECIPE 110

enum { RECORDED_DATA, RECORDED_RECIPES, RECORDED_KEYS, RECORDED_FILES_N };
extern const char *const RECORDED_FILES[RECORDED_FILES_N];

struct recorded {
    struct ground_log log;
    struct ground d; /* closed */
    struct buf golden[RECORDED_FILES_N];
};

/* Epoch i covers i entries, as far as there are; mailbox many@one.example is in each of them. */
void recorded_init(struct recorded *r);
void recorded_release(struct recorded *r);

/* DIR/directory/NAME; until the next call. */
const char *recorded_file(const struct recorded *r, const char *name);

/* Overwrites a file, mode 0600, without a sync. */
void recorded_write(const char *path, struct span bytes);

/* Puts the three files back; nobody has them open. */
void recorded_put_back(const struct recorded *r);

#endif
