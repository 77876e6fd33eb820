/*
 * JSON, read strictly: the only door to cJSON.
 *
 * cJSON cuts strings at NUL, keeps duplicate keys, lets invalid UTF-8, control bytes and trailing
 * bytes pass; so the text is looked at before cJSON sees it, and its objects afterwards. Any
 * thread.  Uses result, span, buf.
 */
#ifndef API_HTTP_JSON_H
#define API_HTTP_JSON_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

struct json; /* one value, inside a document */

/*
 * Reads one document, RFC 8259, which must be an object.  text.p[text.n] must be readable and NUL.
 * The document is owned by the caller: json_document_free. RES_JSON: not JSON, not an object,
 * trailing bytes, deeper than JSON_DEPTH_MAX, more than JSON_VALUES_MAX values or JSON_MEMBERS_MAX
 * members; RES_JSON_TEXT: byte order mark, NUL (also \u0000), control bytes, invalid UTF-8;
 * RES_JSON_DUPLICATE: a key twice in one object, at any depth.
 */
MUST_CHECK enum result json_read_strict(struct span text, struct json **ret);
void json_document_free(struct json *document); /* NULL does nothing */

/* The member of that name, borrowed, or NULL: none, or object is none.  Case matters. */
const struct json *json_find(const struct json *object, const char *name);

/* Elements of an array: the first, the next, NULL at the end.  NULL when it is no array. */
const struct json *json_array_first(const struct json *array);
const struct json *json_array_next(const struct json *element);
bool json_is_array(const struct json *value);

/* A string's bytes, borrowed.  RES_JSON when value is NULL or no string. */
MUST_CHECK enum result json_string(const struct json *value, struct span *ret);

/* A whole number below 2^53, beyond which JSON numbers are not exact.  RES_JSON. */
MUST_CHECK enum result json_uint(const struct json *value, uint64_t *ret);

/* Appends s as it stands inside a JSON string; bytes that are no UTF-8 become '?'.  Errors of
 * buf_add. */
MUST_CHECK enum result json_escape(struct span s, struct buf *out);

#endif
