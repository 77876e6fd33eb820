/*
 * A log in memory for tests of the client: two keys, a list of leaf hashes, and signatures over
 * whatever the test asks for, also over lies.  Made of libcrypto, libsodium and the recursion of
 * RFC 6962 section 2.1; nothing of log/.
 *
 * Every function aborts when it cannot do its work.
 */
#ifndef TESTS_UNIT_CLIENT_TESTLOG_H
#define TESTS_UNIT_CLIENT_TESTLOG_H

#include <openssl/evp.h>

#include "client/policy.h"
#include "client/view.h"
#include "merkle/leaf/entry.h"

#define TESTLOG_LEAVES 64
#define TESTLOG_ORIGIN "log.example.org/smime"
/* Where the clock of the tests stands, milliseconds. */
#define TESTLOG_NOW UINT64_C(1790000000000)

struct testlog {
    EVP_PKEY *p256;
    uint8_t ed_public[32], ed_secret[64];
    struct hash leaf[TESTLOG_LEAVES];
    struct buf policy_text;
    struct policy *policy;
    const struct policy_log *log;
};

/* New keys, leaves that are hashes of their index, a policy with quorum none. */
void testlog_init(struct testlog *l);
void testlog_release(struct testlog *l);

/* The root over the first size leaves. */
void testlog_root(const struct testlog *l, uint64_t size, struct hash *ret);

/* Each clears out first. */
void testlog_checkpoint(const struct testlog *l, uint64_t size, uint64_t timestamp,
                        struct buf *out);
void testlog_sth(const struct testlog *l, uint64_t size, uint64_t timestamp, struct buf *out);
void testlog_consistency(const struct testlog *l, uint64_t first, uint64_t second, struct buf *out);
void testlog_proof(const struct testlog *l, uint64_t index, uint64_t size, struct buf *out);

/* A SignedCertificateTimestamp over entry with that leaf_index (UINT64_MAX: no extension), and the
 * leaf in the tree. */
void testlog_sct(struct testlog *l, const struct entry *entry, uint64_t timestamp, uint64_t index,
                 struct buf *out);
/* The same as the answer to add-chain. */
void testlog_sct_json(struct span sct, struct buf *out);

/* A verified head of the log as a view holds it; release with buf_release(&ret->bytes). */
void testlog_view_head(const struct testlog *l, uint64_t size, uint64_t timestamp,
                       struct view_head *ret);

#endif
