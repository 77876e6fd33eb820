/*
 * JSON, read strictly and written by hand: RFC 8259, for the bodies of RFC 6962 section 4 and for
 * receipts.
 *
 * The only file with <cjson/cJSON.h>.  What cJSON is lax about is refused here: NUL and control
 * bytes, invalid UTF-8, \u0000, trailing bytes, duplicate keys, integers that a double cannot hold.
 * No I/O, no clock.  Uses result, span, buf, text, hash.
 */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/tree/hash.h"

/* Deepest nesting accepted; nothing here needs more than an array of strings in an object. */
#define JSON_DEPTH_MAX 8

/* A document whose top is an object. */
struct json;

/* A value inside a document, borrowed from it. */
struct json_value;

/*
 * Reads text, all of it.  RES_JSON, RES_JSON_DUPLICATE (in any object, at any depth),
 * RES_JSON_TEXT; RES_MEMORY. Free with json_free.
 */
MUST_CHECK enum result json_parse(struct span text, struct json **ret);
void json_free(struct json *j); /* NULL does nothing */

/* The member of the top object with that name, or NULL.  Borrowed from j. */
const struct json_value *json_get(const struct json *j, const char *name);

/* The member of an object, the first element of an array, the next one; NULL: none, or v is no such
 * thing, or NULL. */
const struct json_value *json_member(const struct json_value *v, const char *name);
const struct json_value *json_first(const struct json_value *v);
const struct json_value *json_next(const struct json_value *v);

/* The top object itself. */
const struct json_value *json_top(const struct json *j);

/* How many members the top object has. */
size_t json_count(const struct json *j);

/* All below: RES_JSON when v is NULL or of another type. */

/* An integer in [0, max]; max <= 2^53 - 1, beyond which JSON numbers are not exact.  RES_NUMBER. */
#define JSON_INTEGER_MAX ((UINT64_C(1) << 53) - 1)
MUST_CHECK enum result json_u64(const struct json_value *v, uint64_t max, uint64_t *ret);

/* A string's bytes, borrowed from the document. */
MUST_CHECK enum result json_text(const struct json_value *v, struct span *ret);

/* A string of base64, appended to out.  RES_ENCODING; errors of buf_reserve. */
MUST_CHECK enum result json_base64(const struct json_value *v, struct buf *out);

/* A string of base64 of exactly 32 bytes.  RES_ENCODING, RES_VALUE. */
MUST_CHECK enum result json_hash(const struct json_value *v, struct hash *ret);

/* An array of such strings into ret[0, *ret_n).  RES_TOO_LARGE for more than cap. */
MUST_CHECK enum result json_hashes(const struct json_value *v, struct hash *ret, size_t cap,
                                   size_t *ret_n);

/* Appends s as a JSON string with its quotes.  Bytes that are not UTF-8 are written as U+FFFD. */
MUST_CHECK enum result json_write_string(struct span s, struct buf *out);

/* Appends s as a JSON string of base64. */
MUST_CHECK enum result json_write_base64(struct span s, struct buf *out);

#endif
