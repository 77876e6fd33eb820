/*
 * A key directory in a scratch directory, filled without a certificate log: entries with the
 * timestamps and new versions that a test wants, and a model of it in memory to compare with.
 *
 * Everything is real but what fills it: keys, LMDB, index, and the directory that is opened over
 * it.  For tests only: every function asserts (cmocka) what it does not return.
 */
#ifndef TESTS_UNIT_DIRECTORY_TESTDIR_H
#define TESTS_UNIT_DIRECTORY_TESTDIR_H

#include "log/directory/change.h"
#include "log/directory/directory_private.h"
#include "merkle/keytrans/transcript.h"
#include "merkle/tree/range.h"
#include "tests/vectors/rng.h"

#define TESTDIR_ORIGIN "log.example/test"
/* Bytes of map that valgrind and every sanitizer allow. */
#define TESTDIR_MAP (UINT64_C(1) << 30)
/* Mailboxes, and behind them one domain. */
#define TESTDIR_LABELS 6
#define TESTDIR_DOMAIN (TESTDIR_LABELS - 1)
/* A label of which there never is a version. */
#define TESTDIR_STRANGER TESTDIR_LABELS
/* Versions of which a test may know the key without a proof. */
#define TESTDIR_KEYS 600

struct testdir_version {
    uint64_t entry;
    struct hash commitment;
    uint8_t *value; /* owned */
    size_t value_n;
};

struct testdir_label {
    struct label name;
    struct testdir_version *at;
    size_t n, cap;
    struct hash key[TESTDIR_KEYS]; /* as far as they were asked for */
    bool has_key[TESTDIR_KEYS];
};

struct testdir {
    char *path;
    struct config config;
    struct kt_config kt;
    struct signer *signer;
    struct store *store;
    struct roots *roots; /* none */
    struct directory *d; /* NULL while it is being filled */
    struct directory_reader *r;
    /* the model */
    struct testdir_label label[TESTDIR_LABELS + 1];
    /* What each new version of a mailbox adds, while it is set; NULL: a record that nothing but its
     * version has. */
    const struct mailbox_record *record;
    /* Not 0: that version of label 0 is committed to as a tombstone, which the model has as its
     * value; the directory knows nothing of it and goes on behind it.  Who tells the one must put
     * the value into the directory's answer. */
    uint32_t tombstone;
    struct log_entry *entries;
    struct logtree_peaks *peaks; /* of the first 1, 2, … entries */
    struct feed_entry *feed;
    struct range feed_range;
    size_t n, cap;
    /* while it is being filled */
    struct shelf *shelf;
    struct keyring *keys;
    struct versions *versions;
    struct recipes *recipes;
    struct shelf_view *view;
    struct held held;
    struct changes changes;
    struct prefix_ref root;
    struct buf hashes[2];
    uint64_t rows, labels;
};

/* Makes an empty directory with that window, being filled. */
void testdir_init(struct testdir *t, const struct kt_window *window);
void testdir_release(struct testdir *t);

/* Appends an entry with one new version of each label whose bit is set. */
void testdir_append(struct testdir *t, uint64_t timestamp, unsigned labels);

/* Entry 0 with nothing in it and n - 1 more, some of them with new versions: label i in one of
 * 2^i. */
void testdir_random(struct testdir *t, struct rng *r, size_t n);

/* Ends or goes on with filling: opens the directory with a reader, or closes them. */
void testdir_open(struct testdir *t);
void testdir_fill(struct testdir *t);

/* What time the directory is told. */
void testdir_clock(uint64_t timestamp);

/* Erases a label at that time and, when that was done, takes the tombstone up into the model.
 * Requires that the directory is open. */
enum result testdir_erase(struct testdir *t, unsigned label, uint64_t timestamp);
/* Takes up what the open directory has beyond the model: one epoch with that label's new version.
 */
void testdir_take_epoch(struct testdir *t, unsigned label);

struct span testdir_name(const struct testdir *t, unsigned label);

/* How many versions of a label there are in the tree of that size. */
uint32_t testdir_versions(const struct testdir *t, unsigned label, uint64_t size);

/* The VRF output of a version below TESTDIR_KEYS, whether it is there or not. */
const struct hash *testdir_key(struct testdir *t, unsigned label, uint32_t version);

/* What a client of the tree of that size keeps. */
void testdir_view(const struct testdir *t, uint64_t size, struct kt_view *ret);

#endif
