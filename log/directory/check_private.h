/*
 * The inside of a check: what its files share, as they go through recipes, epochs, rows and proofs.
 *
 * Private to check*.c.  One thread.  Uses check, held, recipe, bindings, logtree, range.
 */
#ifndef LOG_DIRECTORY_CHECK_PRIVATE_H
#define LOG_DIRECTORY_CHECK_PRIVATE_H

#include "log/directory/bindings.h"
#include "log/directory/check.h"
#include "log/directory/held.h"
#include "log/directory/nodes.h"
#include "log/directory/recipe.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/keytrans/vrf.h"
#include "merkle/tree/range.h"

#define CHECK_NO_ROW UINT64_MAX

/* What was said once of a whole tree and would only be said again of all that stands on it. */
struct check_said {
    bool prefix, kt, feed, covered;
};

struct checking {
    const struct check_parts *parts;
    struct check_report *ret;
    struct keyring *keys;
    struct shelf *shelf;
    struct shelf_view *view; /* begun */
    struct directory_head head;
    struct held held;
    struct store_view *log; /* begun; NULL: it is not compared */
    struct check_said said;

    struct recipes *recipes; /* NULL: there are none to compare with, any more */
    struct buf recipe;
    struct recipe newest; /* the last one looked at; borrows from recipe */
    bool told;            /* and it is that of the entry at hand */
    unsigned erasures;    /* acts 2 of it that no row was found for yet */
    uint64_t recipes_end; /* where it ends */
    struct bindings bindings;

    /* what stands before the epoch at hand, computed again */
    uint64_t at; /* the end of the stream */
    bool lost;   /* where that is, is not known */
    uint64_t rows, labels;
    struct prefix_store stored; /* nodes as they stand */
    struct nodes nodes;
    struct entry_row before; /* the entry before, as it stands */
    struct logtree_peaks kt;
    struct range feed;
    struct buf hashes[2]; /* of nodes that the entry at hand completes: KEYTRANS, feed */
    uint64_t *last;       /* of each label its newest row, or CHECK_NO_ROW */
    size_t last_cap;
    uint64_t fresh; /* labels that the epoch at hand adds */
    struct buf value, bytes;

    struct vrf_public vrf;
    uint64_t steps; /* proofs passed */
};

/* Tells a finding about directory/data.mdb: "entry 17", "row 3".  kind alone with CHECK_NO_ROW. */
void check_tell(struct checking *k, const char *kind, uint64_t number, const char *what);
/* The same of another file of the directory. */
void check_tell_file(struct checking *k, const char *file, const char *what);

/* Whether the check ends with it: what failed is this machine, not what stands. */
static inline bool
check_ends(enum result rc)
{
    return rc == RES_IO || rc == RES_MEMORY || rc == RES_CRYPTO || rc == RES_BUSY;
}

static inline bool
check_full(const struct checking *k)
{
    return k->ret->findings >= CHECK_FINDINGS_MAX;
}

/* An object of n bytes follows in the stream, and is said to stand at *offset; where it does by
 * what is before it, when that is known.  Goes on behind where it is said to stand. */
MUST_CHECK enum result check_place(struct checking *k, const char *kind, uint64_t number,
                                   uint64_t offset, size_t n);

/* Where an object of n bytes must stand, with zeros up to it; goes on behind it. */
MUST_CHECK enum result check_next(struct checking *k, size_t n, uint64_t *ret);

/* Row seq of entry i, which was made at timestamp (milliseconds); its leaf into *ret. */
MUST_CHECK enum result check_row(struct checking *k, uint64_t seq, uint64_t i, uint64_t timestamp,
                                 struct prefix_leaf *ret);

/* The labels that an epoch adds: their numbers are the next, in the order of their texts. */
MUST_CHECK enum result check_fresh(struct checking *k, uint64_t i);

/* Row seq, a tombstone of an entry made at timestamp: it ends a label whose key is not there, as an
 * act of the entry's recipe says. */
MUST_CHECK enum result check_tombstone(struct checking *k, uint64_t seq,
                                       const struct version_row *row, uint64_t timestamp);

/* Every label without a key has a tombstone, or will get it. */
MUST_CHECK enum result check_erased(struct checking *k);

/* All epochs up to the head, with their recipes. */
MUST_CHECK enum result check_epochs(struct checking *k);

/* The recipe of epoch number: against the one before, the certificate log and, when there is one,
 * its entry (NULL: it has none yet). */
MUST_CHECK enum result check_recipe(struct checking *k, uint64_t number,
                                    const struct feed_entry *entry);

/* Recipes behind those that have entries, and what a crash may have left. */
MUST_CHECK enum result check_recipes_end(struct checking *k);

/* Proof records of all labels. */
MUST_CHECK enum result check_proofs(struct checking *k);

#endif
