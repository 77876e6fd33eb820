/*
 * A key directory that is filled fast, to be measured: as many labels and entries as are wanted, in
 * the store's own format.
 *
 * Each label has one version with one record.  Their VRF outputs and proofs are stand-ins of their
 * length, for a million real ones would take minutes: the directory takes them as they stand.  All
 * else is what an epoch writes: commitments, both trees, texts, states, the index, signed heads.
 *
 * The first labels are in groups, whose labels have more versions; everything of theirs is real.
 *
 * Where there are many entries (FILLED_LONG), most labels come at 4,096 entries in equal distances,
 * so that it takes minutes only; of the last FILLED_LAST, which are what searches look into, each
 * FILLED_EVERYth has one addition: as if a million labels had come one by one.  The versions of a
 * label in a group are at random ones of the 4,096.  Elsewhere each entry has as many as the
 * others.
 */
#ifndef TESTS_BENCH_FILLED_H
#define TESTS_BENCH_FILLED_H

#include "log/directory/directory_private.h"

#define FILLED_ORIGIN "bench.example/log"
#define FILLED_MAP (UINT64_C(1) << 36)
#define FILLED_ENTRY_MS 1000
#define FILLED_LONG (UINT64_C(1) << 20)
/* Three days, a power of two: in the trees that end in the last FILLED_LAST entries, what follows
 * the newest distinguished entry takes all its shapes. */
#define FILLED_LAST (UINT64_C(1) << 18)
#define FILLED_EVERY 32

#define FILLED_GROUP 1000
#define FILLED_GROUPS 6

struct filled_size {
    uint64_t labels;  /* at least 16 a group of the size that follows */
    uint64_t entries; /* 0: one for 1,000 labels */
    uint64_t end_ms;  /* when the last entry is, milliseconds since 1970 */
};

/* Makes DIR/directory anew, and DIR, its keys and an empty store where they are missing.  Ends the
 * process on failure. */
void filled_make(const char *dir, struct filled_size n);

/* Label number i. */
struct label filled_label(uint64_t i);

/* Labels in each group when there are so many labels: FILLED_GROUP, or fewer. */
uint64_t filled_group(uint64_t labels);

/* The greatest version of the labels in group g: label i is in group i / filled_group. */
uint32_t filled_greatest(unsigned g);

/* Reads one byte of each page of rows and bytes: a server has long mapped what it reads. */
struct filled;
void filled_warm(struct filled *f);

struct filled {
    struct signer *signer;
    struct store *store;
    struct directory *directory;
    struct directory_reader *reader;
    uint64_t labels, entries, group;
    uint64_t size;      /* the tree that is answered in */
    uint64_t newest_ms; /* when its last entry is; the directory's clock stands there */
    uint8_t touched;    /* filled_warm's */
};

/* Opens what filled_make has made.  Ends the process on failure, as do the others. */
void filled_open(const char *dir, struct filled *ret);
void filled_close(struct filled *f);

/* The next turn of the directory comes FILLED_ENTRY_MS later and covers the certificate log as of
 * that head. */
void filled_cover(const struct store_head *h);

/* Answers from now on in the tree of so many entries, as the directory did when it had them. */
void filled_go_to(struct filled *f, uint64_t size);

/* Asks for a label; the answer into *out, which is cleared.  Results of directory_answer. */
MUST_CHECK enum result filled_search(struct filled *f, uint64_t number, struct kt_optional last,
                                     struct kt_optional version, struct buf *out);

/* A number that looks random, from 0 to below n, and the next seed. */
uint64_t filled_random(uint64_t *seed, uint64_t n);

#endif
