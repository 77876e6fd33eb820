/*
 * What an ASN.1 character string says, in UTF-8.
 *
 * Readers do not agree on it.  Bytes above 0x7f do not belong in an IA5String or PrintableString,
 * yet stand in them: some programs take them for UTF-8, some for ISO 8859-1.  TeletexString is T.61
 * by the standard and ISO 8859-1 by custom; some try UTF-8 first.  So a string of eight-bit
 * characters has up to two readings, and what must not be overlooked is looked up under both.
 *
 *     UTF8String                                one reading; none when it is not UTF-8
 *     BMPString, UniversalString                one reading; surrogates in a BMPString are joined
 *     Printable, IA5, Teletex, Numeric, Visible,
 *     Graphic, General, VideotexString          ASCII: one reading; otherwise UTF-8 where it is
 *                                               UTF-8, and ISO 8859-1
 *
 * A byte order mark at the front is no part of the text.  Nothing else is dropped or mapped; U+0000
 * is a character here.  Private to merkle/leaf.  Pure; allocates only through the caller's buf.
 * Uses buf, result, span, text.
 */
#ifndef MERKLE_LEAF_CHARSET_H
#define MERKLE_LEAF_CHARSET_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Readings of one string. */
#define CHARSET_READINGS_MAX 2

/* Universal tags of character strings, X.680 section 8.4. */
#define CHARSET_UTF8 12
#define CHARSET_NUMERIC 18
#define CHARSET_PRINTABLE 19
#define CHARSET_TELETEX 20
#define CHARSET_VIDEOTEX 21
#define CHARSET_IA5 22
#define CHARSET_GRAPHIC 25
#define CHARSET_VISIBLE 26
#define CHARSET_GENERAL 27
#define CHARSET_UNIVERSAL 28
#define CHARSET_BMP 30

/* Whether readers agree on s: it has one reading at most, and no byte order mark in front. */
bool charset_agreed(unsigned tag, struct span s);

/*
 * Empties *out, then writes reading nth (from 0) of s, a string with that universal tag, in UTF-8.
 *
 * RES_ABSENT when it has no such reading, or the tag is of no character string; RES_ENCODING when s
 * is not what its tag says, which is then the answer for reading 0; RES_TOO_LARGE over the ceiling
 * of *out; RES_MEMORY.  *out is empty on failure.
 */
MUST_CHECK enum result charset_read(unsigned tag, struct span s, size_t nth, struct buf *out);

#endif
