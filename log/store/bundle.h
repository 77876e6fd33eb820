/*
 * Slot and Bundle: the two records in which entries lie, one by one or 256 together (FORMATS.md).
 *
 * A record of 1.4 KB alone wastes much of its page, 256 together waste half a page; and the leaves
 * of a bundle are the data tile, byte for byte.  Everything read is bounded by the record before it
 * is used. Pure.  Uses store.h (struct store_entry), span, result.
 */
#ifndef LOG_STORE_BUNDLE_H
#define LOG_STORE_BUNDLE_H

#include "log/store/store.h"

/* Bytes of the Slot of *e.  Requires 1 <= e->sct_signature.n <= STORE_SCT_SIGNATURE_MAX. */
size_t slot_size(const struct store_entry *e);

/* Writes the Slot of *e to the slot_size(e) bytes at out. */
void slot_write(const struct store_entry *e, uint8_t *out);

/* Reads a Slot, borrowing from it.  RES_STORE_DAMAGED when it is none. */
MUST_CHECK enum result slot_read(struct span record, struct store_entry *ret);

/* A Bundle's parts, borrowed from its record. */
struct bundle {
    const uint8_t *offsets; /* 257 big-endian uint32 */
    struct span leaves;
    const uint8_t *signatures; /* 256 times length and 72 bytes */
};

/* Finds the parts; the offsets themselves are looked at by those below.  RES_STORE_DAMAGED. */
MUST_CHECK enum result bundle_read(struct span record, struct bundle *ret);

/* The entry at place i, borrowed.  Requires i < STORE_BUNDLE.  RES_STORE_DAMAGED. */
MUST_CHECK enum result bundle_entry(const struct bundle *b, unsigned i, struct store_entry *ret);

/* The first width leaves, borrowed.  Requires width <= STORE_BUNDLE.  RES_STORE_DAMAGED. */
MUST_CHECK enum result bundle_leaves(const struct bundle *b, unsigned width, struct span *ret);

/* Bytes of the Bundle whose leaves have leaves_n bytes together. */
size_t bundle_size(uint32_t leaves_n);

/* Fills a Bundle entry by entry: init, 256 times add, and then it is whole. */
struct bundle_writer {
    uint8_t *offsets;
    uint8_t *leaves;
    uint8_t *signatures;
    uint32_t leaves_n; /* announced */
    uint32_t at;       /* written so far */
    unsigned count;
};

/* Writes to the bundle_size(leaves_n) bytes at out. */
void bundle_writer_init(struct bundle_writer *w, uint8_t *out, uint32_t leaves_n);

/* Adds the next entry, copied.  RES_STORE_DAMAGED when its leaf does not fit what was announced:
 * the bytes changed between measuring and packing. */
MUST_CHECK enum result bundle_writer_add(struct bundle_writer *w, const struct store_entry *e);

/* Whether 256 entries were added and all announced bytes written. */
bool bundle_writer_whole(const struct bundle_writer *w);

#endif
