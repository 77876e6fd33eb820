/*
 * The bit-flip guard: before a commit, what was written is read back and everything that was signed
 * is derived again by another path.
 *
 * One flipped bit in a leaf hash, after its SCT left, has ended public logs: the head is signed
 * over a tree that nobody can show.  So, inside the still open transaction: each new entry's hash
 * and key are computed from the bytes that the store gives back (a precertificate's TBS is spliced
 * again) and compared with the tile that holds the hash; each full tile's bottom row is folded into
 * its place one level up; the root is folded from the bottom rows of the right edge, without the
 * compact range; the head's two signatures are verified, and of the SCTs' one in GUARD_SCT_EVERY.
 * Uses store (reading), stored, merkle.
 */
#ifndef LOG_GUARD_H
#define LOG_GUARD_H

#include "log/store/store.h"
#include "merkle/base/buf.h"
#include "merkle/note/key.h"

#define GUARD_SCT_EVERY 64

struct guard {
    const char *origin;
    const struct p256_key *key; /* the log's */
    const uint8_t *note_public; /* Ed25519, 32 bytes */
    struct buf scratch;         /* owned by whoever made the guard */
};

/*
 * Checks the entries [first, head->size) and the head, as read back through v; keys are the entry
 * keys as they were when the chains were checked, size - first of them.  *ret_what names the step
 * that failed, static. RES_GUARD when anything differs; RES_IO, RES_MEMORY.
 */
MUST_CHECK enum result guard_check(struct guard *g, struct store_view *v, uint64_t first,
                                   const struct store_head *head, const struct hash *const *keys,
                                   const char **ret_what);

/* The root of the tree of size leaves, folded from the bottom rows of the right edge's tiles.
 * RES_STORE_DAMAGED. */
MUST_CHECK enum result guard_root(struct store_view *v, uint64_t size, struct hash *ret);

/* The root of n hashes, n a power of two, at most TILE_WIDTH, by folding them; row is overwritten.
 */
void guard_fold(struct hash *row, unsigned n, struct hash *ret);

/* Checks both signatures of a head.  RES_SIGNATURE. */
MUST_CHECK enum result guard_head(const struct guard *g, const struct store_head *head);

#endif
