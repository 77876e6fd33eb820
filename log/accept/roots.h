/*
 * The roots that a log accepts.
 *
 * Loaded from PEM, looked up by subject name and by fingerprint.  A set is immutable once made; a
 * reload makes a new one (additive: a root that was once accepted stays, at least verify-only) and
 * swaps the pointer under the owner's lock.  Public keys are decoded once, here.
 *
 * A root may be verify-only: the log still knows it, so that a chain under it is refused with the
 * reason root-verify-only and not as one of a stranger, but takes nothing new under it.  RFC 6962
 * 4.7 has get-roots list those "that are acceptable to the log": it leaves such a root out.
 *
 * Uses root, pem.
 */
#ifndef LOG_ACCEPT_ROOTS_H
#define LOG_ACCEPT_ROOTS_H

#include "log/accept/root.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

/* Roots in one set; RFC 6962 get-roots gives all of them in one answer. */
#define ROOTS_MAX 4096

struct roots;

/* An empty set with one reference. */
MUST_CHECK enum result roots_new(struct roots **ret);

/* References, atomic; the last one frees. */
struct roots *roots_ref(struct roots *r);
void roots_unref(struct roots *r); /* NULL does nothing */

/*
 * Adds every certificate of PEM text; those already there (same bytes) only have their flags
 * updated.  *ret_added counts the new ones.  Only before the set is shared.  domains:
 * comma-separated or NULL. Text outside of CERTIFICATE blocks is a comment; blank text adds
 * nothing. RES_ENCODING for bad PEM, another kind of block, or text without any block; the errors
 * of root_new; RES_TOO_LARGE beyond ROOTS_MAX; RES_MEMORY. *ret_line is the line of the failing
 * block, from 1.  On failure the set is unchanged.
 */
MUST_CHECK enum result roots_add_pem(struct roots *r, struct span pem, const char *domains,
                                     bool verify_only, size_t *ret_added, size_t *ret_line);

/* Adds copies of all roots of other that r does not hold, as verify-only: what makes a reload
 * additive.  RES_TOO_LARGE, RES_MEMORY; r is then unchanged. */
MUST_CHECK enum result roots_keep(struct roots *r, const struct roots *other);

size_t roots_count(const struct roots *r);
const struct root *roots_at(const struct roots *r, size_t i); /* requires i < roots_count(r) */

/* The root with that fingerprint, or NULL. */
const struct root *roots_by_sha256(const struct roots *r, const struct hash *sha256);

/* The first root at or after *from whose subject is name byte for byte, or NULL; *from is then one
 * past it. */
const struct root *roots_by_subject(const struct roots *r, struct span name, size_t *from);

#endif
