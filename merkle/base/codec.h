/*
 * The TLS presentation language (RFC 8446 section 3): big-endian integers and length-prefixed
 * vectors.
 *
 * Reader and writer carry a sticky error, so that a parser reads like the structure in the RFC: get
 * every field, then ask once.  After the first error all gets return zero or an empty span, all
 * puts do nothing. Pure but for the buffer's memory.  Uses result, span, buf.
 */
#ifndef MERKLE_BASE_CODEC_H
#define MERKLE_BASE_CODEC_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

struct reader {
    const uint8_t *p;
    const uint8_t *end;
    enum result err;
};

/* A reader over s, borrowed for the reader's life. */
struct reader reader_of(struct span s);

/* Big-endian integers of 1, 2, 3, 5 and 8 bytes.  RES_TRUNCATED when fewer are left. */
uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u24(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u40(struct reader *r);
uint64_t get_u64(struct reader *r);

/* The next n bytes, borrowed from the input.  RES_TRUNCATED when fewer are left. */
struct span get_bytes(struct reader *r, size_t n);

/*
 * opaque<min..max> behind a length of 1, 2 or 3 bytes.  RES_TRUNCATED when the input is too short,
 * RES_VALUE when the length is outside [min, max].
 */
struct span get_vec8(struct reader *r, size_t min, size_t max);
struct span get_vec16(struct reader *r, size_t min, size_t max);
struct span get_vec24(struct reader *r, size_t min, size_t max);

/* Marks the reader as failed with err unless it has failed already. */
void reader_fail(struct reader *r, enum result err);

/* Whether nothing is left or the reader has failed: the condition of a loop over a vector's
 * elements. */
bool reader_done(const struct reader *r);

/* The first error, or RES_TRAILING when bytes are left, or RES_OK.  The last call of every parser.
 */
MUST_CHECK enum result reader_end(const struct reader *r);

struct writer {
    struct buf *out; /* borrowed */
    enum result err;
};

/* A writer that appends to out. */
struct writer writer_to(struct buf *out);

/* Integers; RES_VALUE when v does not fit the width. */
void put_u8(struct writer *w, uint64_t v);
void put_u16(struct writer *w, uint64_t v);
void put_u24(struct writer *w, uint64_t v);
void put_u32(struct writer *w, uint64_t v);
void put_u40(struct writer *w, uint64_t v);
void put_u64(struct writer *w, uint64_t v);

/* Bytes without a length. */
void put_bytes(struct writer *w, struct span s);

/* A vector behind a length of 1, 2 or 3 bytes; RES_VALUE when s is too long for it. */
void put_vec8(struct writer *w, struct span s);
void put_vec16(struct writer *w, struct span s);
void put_vec24(struct writer *w, struct span s);

/*
 * A vector whose content is written between open and close: returns a mark to hand to close, which
 * fills in the length.  bytes is the width of the length, 1 to 3.
 */
size_t put_open(struct writer *w, unsigned bytes);
void put_close(struct writer *w, size_t mark, unsigned bytes);

/* The first error or RES_OK. */
MUST_CHECK enum result writer_end(const struct writer *w);

/* As writer_end for a writer that began when the buffer held mark bytes: on an error nothing more
 * is in it. */
MUST_CHECK enum result writer_end_or_cut(const struct writer *w, size_t mark);

#endif
