/*
 * A test's directory as an engine of the client meets it: a policy that names its keys, and answers
 * to what is asked, by path.
 *
 * The answers are those of a real directory; who wants a lie changes them on their way.  For tests
 * only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_DESK_H
#define TESTS_UNIT_DIRECTORY_DESK_H

#include "client/directory/memory.h"
#include "client/verdict.h"
#include "tests/unit/client/testlog.h"
#include "tests/unit/directory/testdir.h"

/* Room for an answer. */
#define DESK_ANSWER_MAX (1u << 20)

struct desk {
    struct testdir t;
    struct testlog ct;     /* the certificate log that the policy names */
    struct policy_log log; /* as ct.log, with the directory */
};

/* An empty directory with that window, being filled (testdir.h), and its policy. */
void desk_init(struct desk *d, const struct kt_window *window);
void desk_release(struct desk *d);

/* Appends n entries, a second apart, each with a new version of every label whose bit is set, and
 * opens the directory. */
void desk_append(struct desk *d, size_t n, unsigned labels);

/* Timestamp of the newest entry, where the clock of the tests stands. */
uint64_t desk_now(const struct desk *d);

/* What the directory answers at the path of ask, with the status that it has over HTTP, into *ret,
 * which borrows from body, emptied first.  The directory must be open. */
void desk_answer(struct desk *d, const struct ask *ask, struct buf *body, struct answer *ret);

/* The record that is kept of a label; NULL when there is none. */
struct memory_label *desk_kept(const struct desk *d, struct memory *m, unsigned label);

/* The file of the memory, into *out, which is emptied first. */
void desk_write(const struct desk *d, const struct memory *m, struct buf *out);

/*
 * What is kept of the label follows from the directory: the newest head; of a watched label the
 * greatest version at its start and where the later ones stand; what is followed is there, and what
 * is known of versions is true.
 */
void desk_audit(struct desk *d, struct memory *m, unsigned label);

#endif
