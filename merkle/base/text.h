/*
 * Text forms of bytes and numbers, strict both ways: one canonical form is accepted.
 *
 * Uses result, span, buf.  The body of base64 is OpenSSL's EVP_DecodeBlock/EVP_EncodeBlock; what
 * that is lax about (white space, padding bits, '=' inside) is refused here.
 */
#ifndef MERKLE_BASE_TEXT_H
#define MERKLE_BASE_TEXT_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Bytes that base64 text of n characters can hold at most. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)
/* Characters of base64 for n bytes, padding included. */
#define BASE64_ENCODED(n) (((n) + 2) / 3 * 4)

/* Appends the standard base64 of s, padded (RFC 4648 section 4).  Errors of buf_reserve. */
MUST_CHECK enum result text_base64(struct span s, struct buf *out);

/*
 * Appends the bytes of base64 text.  RES_ENCODING unless the text is exactly what text_base64
 * writes for them: padded, no white space, zero padding bits.  *out unchanged on failure.
 */
MUST_CHECK enum result text_unbase64(struct span text, struct buf *out);

/*
 * As text_unbase64 for exactly n bytes at ret, written only on success; RES_VALUE when the count
 * differs. Allocates nothing.
 */
MUST_CHECK enum result text_unbase64_exact(struct span text, uint8_t *ret, size_t n);

/* Appends s in lower-case hex. */
MUST_CHECK enum result text_hex(struct span s, struct buf *out);

/* Writes 2 n lower-case hex digits and a NUL to out, which holds 2 n + 1. */
void text_hex_to(struct span s, char *out);

/* Reads exactly 2 n lower-case hex digits into ret, written only on success.  RES_ENCODING. */
MUST_CHECK enum result text_unhex(struct span text, uint8_t *ret, size_t n);

/* A decimal number in [0, max] without sign or leading zeros.  RES_NUMBER. */
MUST_CHECK enum result text_u64(struct span text, uint64_t max, uint64_t *ret);

/* Whether s is valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool text_is_utf8(struct span s);

/*
 * How many bytes at the front of s may go to a terminal: valid UTF-8 without control characters
 * (U+0000–U+001F, U+007F–U+009F).  So no byte of 0x80–0x9f stands alone in them either, which a
 * terminal without UTF-8 would obey.
 */
size_t text_printable(struct span s);

#endif
