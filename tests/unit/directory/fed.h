/*
 * Engines of the client fed by a test's directory: its answers as they come over HTTP, and a policy
 * that names it.
 *
 * For tests only: every function asserts what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_FED_H
#define TESTS_UNIT_DIRECTORY_FED_H

#include "client/directory/landmarks.h"
#include "tests/unit/client/testlog.h"
#include "tests/unit/directory/testdir.h"

/* l's log with the directory of t: *ret borrows from l. */
void fed_log(const struct testdir *t, const struct testlog *l, struct policy_log *ret);

/* What t, which is open, answers to ask at a /kt/v1 path; the body is appended to out, empty, and
 * borrowed from it. */
struct answer fed_answer(const struct testdir *t, const struct ask *ask, struct buf *out);

/* The timestamp of the newest entry: the time at which its answers are of now. */
uint64_t fed_now(const struct testdir *t);

/* m gets to know the distinguished entries of t; the verdict. */
enum verdict_kind fed_learn(const struct testdir *t, const struct policy_log *log,
                            struct memory *m);

#endif
