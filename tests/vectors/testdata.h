/*
 * Test data that is kept outside the source tree: the directory that the environment variable
 * CARTULARY_TESTDATA names, or "shared" beside the source directory.
 *
 * A test that needs it begins with TESTDATA_OR_SKIP().  From there on a missing file or member is a
 * broken test: every function below says on stderr what is missing and aborts. For tests only. Uses
 * buf, text, cJSON.
 */
#ifndef TESTS_VECTORS_TESTDATA_H
#define TESTS_VECTORS_TESTDATA_H

#include "merkle/base/buf.h"

#include <cjson/cJSON.h>

#define TESTDATA_PATH_MAX 4096

/* The directory without a final '/', static; NULL when there is none. */
const char *testdata_root(void);

/* Skips a cmocka test, and says so, where there is no test data.  Needs <cmocka.h>. */
#define TESTDATA_OR_SKIP()                                                    \
    do {                                                                      \
        if (testdata_root() == NULL) {                                        \
            print_message("skipped: no test data; set CARTULARY_TESTDATA\n"); \
            skip();                                                           \
        }                                                                     \
    } while (0)

/* Writes the path of a file below the root ("vectors/1-merkle-ct/tile-paths.json") to out. */
void testdata_path(const char *relative, char out[static TESTDATA_PATH_MAX]);

/* Reads a whole file of at most 64 MiB into *ret, which must be empty; the caller releases it. */
void testdata_load(const char *relative, struct buf *ret);

/* Reads a file as one JSON value; the caller frees it with cJSON_Delete. */
cJSON *testdata_json(const char *relative);

/* The member of an object by its exact name; aborts when there is none, or it is of another type.
 */
const cJSON *testdata_member(const cJSON *object, const char *name);
const char *testdata_string(const cJSON *object, const char *name);
/* A whole number in [0, 2^53). */
uint64_t testdata_u64(const cJSON *object, const char *name);
/* false when there is no such member. */
bool testdata_flag(const cJSON *object, const char *name);

/* Empties *ret, then appends the bytes of a string in strict hex (either case) or base64. */
void testdata_hex(const char *text, struct buf *ret);
void testdata_base64(const char *text, struct buf *ret);

/*
 * Calls each for every file whose name ends in suffix, in the directory and those below it, with
 * its path relative to the root, in order of strcmp.  Returns the number of files.
 */
typedef void testdata_file_fn(void *arg, const char *relative);
size_t testdata_each(const char *directory, const char *suffix, testdata_file_fn *each, void *arg);

#endif
