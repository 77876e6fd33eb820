/*
 * Recipes, DIR/directory/recipes: what each epoch is made from, durable before it is made
 * (FORMATS.md).
 *
 * Thread: the builder's.  Uses codec, hash.
 */
#ifndef LOG_DIRECTORY_RECIPE_H
#define LOG_DIRECTORY_RECIPE_H

#include "merkle/base/buf.h"
#include "merkle/base/codec.h"
#include "merkle/tree/hash.h"

#define RECIPE_MAX ((size_t)32 << 20) /* bytes of one, its acts included */

struct recipe {
    uint64_t number;
    uint64_t timestamp; /* milliseconds */
    uint64_t certificates;
    struct hash certificates_root;
    uint64_t crls;
    struct hash crls_root;
    unsigned acts_n;
    struct span acts; /* Act, acts_n of them, well-formed; borrowed */
};

struct act {
    enum { ACT_BINDINGS = 1 } kind;
    struct span body;
};

void recipe_get(struct reader *r, struct recipe *ret);
void recipe_put(struct writer *w, const struct recipe *q);
/* The next act of recipe.acts. */
void act_get(struct reader *r, struct act *ret);
void act_put(struct writer *w, const struct act *a);

struct recipes;

/* Makes an empty file (new, synced).  RES_EXISTS, RES_IO. */
MUST_CHECK enum result recipes_create(const char *path);

/* Opens for an environment that has made `made` epochs: a torn record behind those is cut off.
 * RES_STORE_DAMAGED when fewer than made stand there or one of them is damaged; RES_ABSENT, RES_IO,
 * RES_MEMORY.  read_only: nothing is cut off. */
MUST_CHECK enum result recipes_open(const char *path, uint64_t made, bool read_only,
                                    struct recipes **ret);
void recipes_close(struct recipes *r); /* NULL does nothing */

uint64_t recipes_count(const struct recipes *r);

/* Reads record number n into *bytes (cleared); *ret borrows from it.  RES_ABSENT, RES_STORE_DAMAGED. */
MUST_CHECK enum result recipes_read(struct recipes *r, uint64_t n, struct buf *bytes,
                                    struct recipe *ret);

/* Appends and syncs: after RES_OK it stands.  Requires q->number == recipes_count.  RES_IO: then the
 * process must end. */
MUST_CHECK enum result recipes_append(struct recipes *r, const struct recipe *q);

#endif
