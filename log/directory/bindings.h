/*
 * Which roots are bound to domains: what recipes say of it (Act 1 in FORMATS.md).
 *
 * A certificate under a bound root enters the directory for its domains only, and is logged all the
 * same.  Pure but for memory.  Uses roots, codec.
 */
#ifndef LOG_DIRECTORY_BINDINGS_H
#define LOG_DIRECTORY_BINDINGS_H

#include "log/accept/roots.h"
#include "merkle/base/buf.h"

struct bindings {
    struct buf body; /* of the act; empty: none is bound */
};

/* None is bound; a body has at most BINDINGS_MAX bytes: what act_put takes. */
#define BINDINGS_MAX ((1u << 24) - 1)
#define BINDINGS_INIT ((struct bindings){.body = BUF_INIT(BINDINGS_MAX)})

void bindings_release(struct bindings *b);

/* Takes over an act's body, which is looked through.  RES_VALUE, RES_TRUNCATED, RES_MEMORY: *b is
 * unchanged. */
MUST_CHECK enum result bindings_read(struct bindings *b, struct span body);

/* What the roots say now: replaces *b.  RES_TOO_LARGE, RES_MEMORY. */
MUST_CHECK enum result bindings_of(struct bindings *b, const struct roots *roots);

bool bindings_equal(const struct bindings *a, const struct bindings *b);

/* Whether a mailbox in that domain may enter under the root: it is not bound, or to this one. */
bool bindings_allow(const struct bindings *b, const struct hash *root, struct span domain);

#endif
