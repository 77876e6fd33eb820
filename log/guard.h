/*
 * The bit-flip guard: before a commit, what was written is read back and everything that was signed
 * is derived again by another path.
 *
 * One flipped bit in a leaf hash, after its SCT left, has ended public logs: the head is signed
 * over a tree that nobody can show.  So, inside the still open transaction: each new entry's hash
 * and key are computed from the bytes that the store gives back (a precertificate's TBS is spliced
 * again) and compared with the tile that holds the hash; its timestamp and signature are those that
 * will be answered; its issuers hash to their names.  Older entries that were packed into a bundle
 * still hash to their leaf hashes.  Every tile record that changed holds the nodes that follow from
 * its bottom row, each full one folds into its place one level up, and the root is folded from the
 * bottom rows of the right edge, without the compact range.  The head's two signatures are
 * verified; of the SCTs' all in a small batch, one in GUARD_SCT_EVERY in a large one.
 *
 * What it cannot see: a bit that flips after it has looked, and a signature that flips while it is
 * made in a large batch (whoever gets that SCT sees it).
 * Uses store (reading), stored, known, merkle.
 */
#ifndef LOG_GUARD_H
#define LOG_GUARD_H

#include "log/known.h"
#include "log/log.h"
#include "log/store/store.h"
#include "merkle/base/buf.h"
#include "merkle/note/key.h"

#define GUARD_SCT_EVERY 64
/* In batches of at most so many entries every SCT is verified: some 60 us each. */
#define GUARD_SCT_ALL 16

struct guard {
    const char *origin;
    const struct p256_key *key; /* the log's */
    const uint8_t *note_public; /* Ed25519, 32 bytes */
    struct buf scratch;         /* owned by whoever made the guard */
    struct known *issuers;      /* those that read back sound; NULL: look at each every time */
};

/* What the sequencer holds of a new entry, to be found again in the store; all borrowed. */
struct guard_claim {
    const struct hash *key;                   /* entry_key, as it was when the chain was checked */
    const struct hash *precertificate_sha256; /* as submitted; NULL unless a precertificate */
    const struct log_receipt *receipt;        /* what will be answered */
};

/*
 * Checks the entries [first, head->size) and the head, as read back through v; claims are those of
 * the entries, size - first of them.  *ret_what names the step that failed, static.  RES_GUARD when
 * anything differs; RES_IO, RES_MEMORY.
 */
MUST_CHECK enum result guard_check(struct guard *g, struct store_view *v, uint64_t first,
                                   const struct store_head *head, const struct guard_claim *claims,
                                   const char **ret_what);

/* Whether a tile's record of that width is what follows from its bottom row: every complete node
 * the hash of its children, every other place zero. */
bool guard_record(const struct hash *nodes, unsigned width);

/* The root of the tree of size leaves, folded from the bottom rows of the right edge's tiles.
 * RES_STORE_DAMAGED. */
MUST_CHECK enum result guard_root(struct store_view *v, uint64_t size, struct hash *ret);

/* The root of n hashes, n a power of two, at most TILE_WIDTH, by folding them; row is overwritten.
 */
void guard_fold(struct hash *row, unsigned n, struct hash *ret);

/* Checks both signatures of a head.  RES_SIGNATURE. */
MUST_CHECK enum result guard_head(const struct guard *g, const struct store_head *head);

#endif
