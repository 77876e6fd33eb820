/*
 * One request against a log in memory, asked on both sides: the prover's, who records, and the
 * verifier's, who consumes what was recorded.
 *
 * For tests.  What must hold on every honest answer is asserted here.
 */
#ifndef TESTS_UNIT_KEYTRANS_ASKED_H
#define TESTS_UNIT_KEYTRANS_ASKED_H

#include "merkle/keytrans/as_of.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/owner.h"
#include "merkle/keytrans/search.h"
#include "tests/unit/keytrans/memtree.h"
#include "tests/vectors/rng.h"

/* Versions whose search keys a verifier knows: the ladders of 300 versions. */
#define ASKED_VERSIONS 700

enum asked_kind {
    ASK_NOTHING, /* the view alone */
    ASK_GREATEST,
    ASK_FIXED,
    ASK_ABSENT,
    ASK_AS_OF,
    ASK_CONTACT,
    ASK_OWNER_INIT,
    ASK_OWNER_MONITOR,
    ASK_UPDATE,
    ASK_HEADS,
    ASK_KINDS
};

/* What is asked, and what came of it. */
struct asked {
    enum asked_kind kind;
    uint32_t version;
    uint64_t position; /* start, insertion, or where the walk over heads stops (0: nowhere) */
    unsigned count;
    uint64_t time;
    struct as_of as_of;
    struct contact_map map;
    struct owner_state owner;
    uint64_t terminal; /* or how far an owner came */
    struct heads heads;
    struct search_path entries;
    uint32_t greatest[SEARCH_TREE_HEIGHT_MAX];
    unsigned greatest_n;
    const struct memlabel *label; /* the prover's: to say what the greatest versions are */
};

/* Where a request is asked. */
struct asked_of {
    struct memtree *tree;
    struct memlabel *label;
    uint64_t size, last; /* last 0: none */
    const struct kt_window *window;
    unsigned ladders; /* the server's limit; 0: none */
};

/* Asks the prover; the proof's bytes into out. */
enum result asked_prove(const struct asked_of *of, struct asked *a, struct buf *out);

/* Asks the verifier. */
enum result asked_check(const struct asked_of *of, struct asked *a, struct span bytes,
                        struct hash *ret_root, struct kt_view *ret_view);

/* Asks both: both must come to the same, the root must be the tree's, and what is to be kept what
 * the tree has.  The error is the prover's. */
enum result asked_both(const struct asked_of *of, const struct asked *a, struct asked *ret);

/* How many versions there are in the tree of that size. */
uint32_t asked_versions(const struct memlabel *l, uint64_t size);

/* A random log of so many entries: in one of every so many entries new versions of labels[0],
 * several when told so, another label beside. */
void asked_log(struct rng *r, struct memtree *tree, struct memlabel labels[2], uint64_t entries,
               unsigned every, bool several);
void asked_drop(struct memtree *tree, struct memlabel labels[2]);

/* Windows of every kind; the last one has a lifetime. */
#define ASKED_WINDOWS 6
extern const struct kt_window asked_windows[ASKED_WINDOWS];

#endif
