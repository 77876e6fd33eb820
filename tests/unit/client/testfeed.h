/*
 * A key directory in memory for tests of the client: a log with its two more keys, and signatures
 * over whatever the test asks for, also over lies.  Nothing of log/.
 *
 * Every function aborts when it cannot do its work.
 */
#ifndef TESTS_UNIT_CLIENT_TESTFEED_H
#define TESTS_UNIT_CLIENT_TESTFEED_H

#include "client/directory/statement.h"
#include "tests/unit/client/testlog.h"

#define TESTFEED_ENTRIES 16

struct testfeed {
    struct testlog log;  /* the certificate log; its policy names no directory */
    struct testlog feed; /* the feed's key and tree */
    uint8_t kt_public[32], kt_secret[64];
    struct policy *policy; /* names the directory */
    const struct policy_log *of;
    struct feed_entry entries[TESTFEED_ENTRIES];
};

/* New keys; entry i is of time 1000 * (i + 1), of 2 * (i + 1) certificates of the log, and of a
 * directory whose root is made up. */
void testfeed_init(struct testfeed *f);
void testfeed_release(struct testfeed *f);

/* Each clears out first. */
/* A signed KEYTRANS head, as a statement. */
void testfeed_head(const struct testfeed *f, uint64_t size, const struct hash *root,
                   struct buf *out);
/* Entry size-1 in the feed of that many entries, as /feed/anchor answers. */
void testfeed_answer(struct testfeed *f, uint64_t size, uint64_t feed_size, struct buf *out);
/* The same as a statement. */
void testfeed_anchor(struct testfeed *f, uint64_t size, uint64_t feed_size, struct buf *out);

#endif
