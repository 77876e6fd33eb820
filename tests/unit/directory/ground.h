/*
 * A certificate log with certificates for mail in it, and directories that are made over it epoch
 * by epoch, with the recipes that a test wants.
 *
 * Everything is real: minted chains, a log that took them, keys, LMDB.  The log is closed when the
 * first directory is made.  For tests only: every function asserts (cmocka) what it does not
 * return.
 */
#ifndef TESTS_UNIT_DIRECTORY_GROUND_H
#define TESTS_UNIT_DIRECTORY_GROUND_H

#include "log/directory/epoch.h"
#include "tests/unit/log/testlog.h"

/* 2026-02-02 */
#define GROUND_MS UINT64_C(1770000000000)
#define GROUND_S (GROUND_MS / 1000)
#define GROUND_ENTRIES_MAX 64

/* A certificate for mail. */
struct mail {
    const char *san;   /* "email:a@x.example,email:b@y.example" */
    uint64_t serial;   /* the same: the same TBSCertificate but for poison and SCT list */
    const char *usage; /* NULL: critical,digitalSignature */
    EVP_PKEY *key;     /* NULL: the CA's leaf key */
    int64_t not_after; /* 0: 2028 */
    bool precert;      /* with the poison; else a certificate */
    bool scts;         /* with an SCT list */
    bool bound;        /* under the second root, which stands alone above it */
};

struct ground_log {
    char *scratch;
    char path[256];
    struct testca ca;
    EVP_PKEY *second_key;
    X509 *second;
    struct span second_der;
    struct hash second_sha256;
    struct store *store; /* once the log is closed */
    struct signer *signer;
    uint64_t n; /* entries */
};

/* Makes a log with the mails in it, in order, and closes it. */
void ground_log_init(struct ground_log *g, const struct mail *mails, size_t n);
void ground_log_release(struct ground_log *g);

/* What the log's store file holds, and back to it; the store opened again, as by a new process.  No
 * directory over it may be open. */
void ground_log_save(struct ground_log *g, struct buf *ret);
void ground_log_restore(struct ground_log *g, const struct buf *saved);
void ground_log_reopen(struct ground_log *g);

/* The chain of a mail, to be submitted; testchain_release. */
struct testchain ground_chain(const struct ground_log *g, const struct mail *m);

/* The leaf hash of an entry, and the root of the first size entries, by MTH. */
void ground_leaf(const struct ground_log *g, uint64_t index, struct hash *ret);
void ground_root(const struct ground_log *g, uint64_t size, struct hash *ret);

/* A directory over it, without a builder. */
struct ground {
    const struct ground_log *log;
    char *path;
    struct shelf *shelf;
    struct keyring *keys;
    struct versions *versions;
    struct epoch *epoch;
    struct shelf_view *view; /* never begun between the functions here */
};

/* Makes one with labels' keys of its own (keys NULL) or a copy of that directory's. */
void ground_new(struct ground *d, const struct ground_log *log, const struct ground *keys);
void ground_open(struct ground *d);  /* again, after ground_close */
void ground_close(struct ground *d); /* everything but the files; twice does nothing */
void ground_release(struct ground *d);

/* The recipe of the next epoch: up to that many entries, GROUND_MS + 1000 times its number. */
struct recipe ground_recipe(const struct ground *d, uint64_t certificates);
/* Runs the next epoch, which must succeed. */
void ground_run(struct ground *d, uint64_t certificates);

struct directory_head ground_head(struct ground *d);

/* Every row and byte of both directories is the same. */
void ground_same(struct ground *a, struct ground *b);

/*
 * Checks everything that stands against what it must follow from, slowly: rows against outputs,
 * commitments and order; prefix trees against the sets of leaves; both trees over the entries, the
 * head and its signatures.
 */
void ground_audit(struct ground *d);

/* The value of a label's version (UINT32_MAX: the newest) into *out, which is emptied; its version.
 * Fails the test when the label has none. */
uint32_t ground_value(struct ground *d, uint8_t kind, const char *name, uint32_t version,
                      struct buf *out);
/* How many versions a label has. */
uint32_t ground_versions(struct ground *d, uint8_t kind, const char *name);

#endif
