/*
 * A log in a scratch directory and a CA that issues for it, for the tests of log/ as a whole.
 *
 * Everything is real: LMDB, keys, minted chains.  What a log holds is audited from storage, each
 * time, against its own bytes and against the slow tree of tests/reference.  For tests only: every
 * function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_LOG_TESTLOG_H
#define TESTS_UNIT_LOG_TESTLOG_H

#include "log/log.h"
#include "log/log_private.h"
#include "log/reader.h"
#include "scratch.h"

#include <openssl/x509.h>

#define TESTLOG_ORIGIN "log.example/test"
/* Bytes of map that valgrind and every sanitizer allow. */
#define TESTLOG_MAP "1073741824"

/* root issues inter, which issues leaves; signer is a precertificate signing certificate under
 * inter. */
struct testca {
    EVP_PKEY *root_key, *inter_key, *signer_key, *leaf_key;
    X509 *root, *inter, *signer;
    struct span root_der, inter_der, signer_der;
};
void testca_init(struct testca *ca);
void testca_release(struct testca *ca);

/* The CA of a group of tests, and the group's fixtures that make and release it. */
extern struct testca testlog_ca;
int testlog_make_ca(void **state);
int testlog_drop_ca(void **state);

/* A chain to submit: the leaf is owned, the issuers are the CA's. */
struct testchain {
    enum entry_type type;
    struct span cert[4];
    size_t n;
};
enum testchain_kind { CHAIN_LEAF, CHAIN_PRECERT, CHAIN_PRECERT_BY_SIGNER, CHAIN_KINDS };
/* The chain for address number i; the same number gives the same bytes only while it is kept: ECDSA
 * is not deterministic. */
struct testchain testchain_mint(const struct testca *ca, enum testchain_kind kind, uint64_t i);
void testchain_release(struct testchain *c);

/* What became of a pending submission: testlog_done is its callback, an outcome its argument. */
struct testlog_outcome {
    unsigned calls;
    enum result rc;
    struct log_receipt receipt; /* when rc is RES_OK */
};
void testlog_done(void *arg, enum result rc, const struct log_receipt *r);

/* Writes text to DIR/name, and appends it. */
void testdir_write(const char *dir, const char *name, const char *text);
void testdir_append(const char *dir, const char *name, const char *text);

/* Makes a log in DIR/log that accepts ca's root, with the lines of extra at the end of its
 * cartulary.conf; its directory in path. */
void testlog_create(const char *scratch, const struct testca *ca, const char *extra,
                    char path[static 256]);
/* log_open with the configuration in path.  *why may be NULL. */
enum result testlog_open(const char *path, struct log **ret, struct log_trouble *why);
/* Opens and starts, and must succeed. */
struct log *testlog_serve(const char *path);
/* Drains and closes. */
void testlog_stop(struct log *l);

/* Takes the store's file into *ret, which is emptied first; puts it back, without index and marker.
 * The log must be closed. */
void testlog_take_store(const char *path, struct buf *ret);
void testlog_put_store(const char *path, struct span data);

/* The same for the files of the directory, for tests that go back behind what it covers. */
struct testlog_directory {
    struct buf file[3];
};
void testlog_take_directory(const char *path, struct testlog_directory *ret);
void testlog_put_directory(const char *path, const struct testlog_directory *d);
void testlog_release_directory(struct testlog_directory *d);

/* Submits chains number from to to - 1, of all kinds in turn, and forgets them; adds none twice. */
void testlog_fill(struct log *l, const struct testca *ca, uint64_t from, uint64_t to);

/* Submits and waits for the answer. */
enum result testlog_submit(struct log *l, struct log_worker *w, const struct testchain *c,
                           struct log_receipt *ret);

/*
 * Audits everything: every entry, tile and issuer against each other, all SCTs, the head's
 * signatures, and the root against MTH of RFC 6962 over the stored entries.  Returns the size.
 */
uint64_t testlog_audit(struct log *l);

/* Whether OpenSSL's own CT code accepts the receipt as an SCT of this log for the chain. */
bool testlog_sct_valid(struct log *l, const struct testca *ca, const struct testchain *c,
                       const struct log_receipt *r);

/* The leaf hash that the chain and the receipt demand, and what its SCT signs, by SHA-256; by
 * another path than the log's.  tbs holds what they were made of. */
void testlog_demanded(const struct testca *ca, const struct testchain *c,
                      const struct log_receipt *r, struct buf *tbs, struct hash *ret_leaf,
                      struct hash *ret_digest);

/* Whether the entry of the chain stands at the receipt's index with its timestamp: inclusion proof
 * against the newest head, through a reader. */
bool testlog_included(struct log *l, const struct testca *ca, const struct testchain *c,
                      const struct log_receipt *r);

/* MTH(D[begin:end]) of RFC 6962 section 2.1 over leaf hashes, recursively. */
void testlog_mth(const struct hash *leaf, uint64_t n, struct hash *ret);

#endif
