/*
 * A walk through the combined tree: the data that an algorithm asks for, entry by entry, and what
 * follows from having seen it.  KEYTRANS, "Tree Proofs / Combined Tree" and its appendix.
 *
 * Each algorithm (view, search, contact, owner, update, heads) is written once, against this.
 * Where the data comes from is a source: the prover's reads its own tree and records, the
 * verifier's consumes a CombinedTreeProof.  So both ask for the same things in the same order, and
 * the same rules hold for both: timestamps never fall to the right, two proofs for one entry give
 * one root, what was kept from before stays as it was.
 *
 * Pure; no allocation: a transcript is about 40 KB.  One thread.  Uses config, ladder, logtree,
 * search_tree.
 */
#ifndef MERKLE_KEYTRANS_TRANSCRIPT_H
#define MERKLE_KEYTRANS_TRANSCRIPT_H

#include "merkle/keytrans/config.h"
#include "merkle/keytrans/ladder.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/keytrans/search_tree.h"

/* timestamps<0..2^8-1> and the frontier that was kept */
#define TRANSCRIPT_ENTRIES_MAX (255 + SEARCH_TREE_HEIGHT_MAX)
/* Versions of one label in one answer: binary_ladder<0..2^8-1>, and the owner's<0..2^16-1>, of
 * which no more than these are looked up. */
#define TRANSCRIPT_VERSIONS_MAX 512

/* A log entry that somebody keeps. */
struct kt_kept {
    uint64_t position;
    struct log_entry entry;
};

/* What a client keeps of the last tree head that it verified.  KEYTRANS, "Updating Views of the
 * Tree". */
struct kt_view {
    struct logtree_peaks peaks; /* the tree's size and its full subtrees */
    struct kt_kept frontier[SEARCH_TREE_HEIGHT_MAX];
    unsigned n;
};

/* Where an algorithm's data comes from. */
struct transcript_source {
    void *arg;
    /* The timestamp of an entry.  Called once for each entry that was not kept. */
    enum result (*timestamp)(void *arg, uint64_t position, uint64_t *ret);
    /* A series of lookups in one entry's prefix tree: open, lookup for each version (at least one),
     * close, which gives the root of that tree.  A ladder of which everything is omitted opens
     * nothing. */
    enum result (*open)(void *arg, uint64_t position);
    enum result (*lookup)(void *arg, uint32_t version, bool *ret_included);
    enum result (*close)(void *arg, struct hash *ret_root);
    /* Whether the walk over distinguished entries ends before position; expected is the version the
     * owner expects there, -1 none. */
    enum result (*stop)(void *arg, uint64_t position, int64_t expected, bool *ret);
};

struct transcript_entry {
    uint64_t position;
    struct log_entry entry;
    bool sent;     /* its timestamp was asked of the source */
    bool has_root; /* entry.prefix_root is known */
};

/* What was shown of one version. */
struct transcript_version {
    uint32_t version;
    bool included, missing;
    uint64_t included_at; /* leftmost entry where it was shown to be there */
    uint64_t missing_at;  /* rightmost entry where it was shown not to be */
};

struct transcript {
    uint64_t size; /* of the tree that is shown */
    struct kt_window window;
    const struct kt_view *last; /* borrowed; NULL: none */
    struct transcript_source source;
    uint64_t newest; /* timestamp of entry size - 1, once view_update has run */
    struct transcript_entry entries[TRANSCRIPT_ENTRIES_MAX]; /* by position */
    unsigned n;
    struct transcript_version versions[TRANSCRIPT_VERSIONS_MAX]; /* by version */
    unsigned versions_n;
};

/*
 * Begins a walk in a tree of size entries for somebody who keeps last (NULL: nothing), borrowed.
 * RES_RANGE unless 0 < size <= NODE_LEAVES_MAX and 0 < last's size <= size.
 */
MUST_CHECK enum result transcript_init(struct transcript *t, uint64_t size,
                                       const struct kt_window *window, const struct kt_view *last,
                                       const struct transcript_source *source);

/*
 * The timestamp of an entry, asked of the source the first time only.  RES_KT_TIMESTAMP when it is
 * less than one to its left or greater than one to its right; RES_TOO_LARGE over
 * TRANSCRIPT_ENTRIES_MAX; errors of the source.  Requires position < size.
 */
MUST_CHECK enum result transcript_timestamp(struct transcript *t, uint64_t position, uint64_t *ret);

/*
 * A search ladder for target in the entry.  With omit, versions already shown to be there in an
 * entry to the left, or not to be there in one to the right, are not looked up again.  How it ended
 * into *ret. RES_KT_LADDER when two lookups contradict each other; RES_KT_ROOTS when the entry's
 * prefix root differs from the one known; errors of transcript_timestamp and the source.
 */
MUST_CHECK enum result transcript_search(struct transcript *t, uint64_t position, uint32_t target,
                                         bool omit, enum ladder_end *ret);

/* As transcript_search with omit, and leaving out versions <= known besides, which somebody knows
 * to be there (-1: none). */
MUST_CHECK enum result transcript_search_known(struct transcript *t, uint64_t position,
                                               uint32_t target, int64_t known,
                                               enum ladder_end *ret);

/* A monitoring ladder for target: RES_KT_LADDER when a version is not there.  Other errors as
 * transcript_search. */
MUST_CHECK enum result transcript_monitor(struct transcript *t, uint64_t position, uint32_t target);

/* Looks up n versions, ascending, none omitted; whether all are there into *ret.  n may be 0:
 * nothing is looked up.  Errors as transcript_search. */
MUST_CHECK enum result transcript_versions(struct transcript *t, uint64_t position,
                                           const uint32_t *versions, unsigned n, bool *ret);

/*
 * The positions, ascending, of entries whose timestamp was sent: the leaves of the inclusion proof.
 * *ret_roots: how many of them have no root yet (prefix_roots).  ret has room for 255.
 * RES_TOO_LARGE when more were sent.
 */
MUST_CHECK enum result transcript_leaves(const struct transcript *t, uint64_t *ret, unsigned *ret_n,
                                         unsigned *ret_roots);

/* Gives the entries without a root theirs, left to right; n is what transcript_leaves said. */
void transcript_fill(struct transcript *t, const struct hash *roots, unsigned n);

/* The entry at position, NULL when it was not inspected.  Borrowed until the next change of *t. */
const struct transcript_entry *transcript_find(const struct transcript *t, uint64_t position);

#endif
