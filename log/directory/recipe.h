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
    enum { ACT_BINDINGS = 1, ACT_ERASE = 2 } kind;
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

/*
 * Opens with the cursor behind the recipes of `made` epochs, which end at offset (both from the
 * shelf's head; 0 and 0 to read all).  Something behind those that is no whole record is what a
 * crash tore: it is cut off, unless read_only, when no whole record stands behind it and it is not
 * longer than one.  RES_STORE_DAMAGED otherwise, with nothing cut off, and when the file ends
 * before offset; RES_ABSENT, RES_IO, RES_MEMORY.
 */
MUST_CHECK enum result recipes_open(const char *path, uint64_t made, uint64_t offset,
                                    bool read_only, struct recipes **ret);
void recipes_close(struct recipes *r); /* NULL does nothing */

/* The recipe at the cursor into *bytes (cleared); *ret borrows from it.  RES_ABSENT when there is
 * none: all that stand have been passed. */
MUST_CHECK enum result recipes_next(struct recipes *r, struct buf *bytes, struct recipe *ret);

/* Where the recipe at the cursor ends, or, when there is none, where the cursor is. */
uint64_t recipes_offset(const struct recipes *r);

/* Moves the cursor over the recipe: its epoch stands.  RES_STORE_DAMAGED when what follows is no
 * record. */
MUST_CHECK enum result recipes_pass(struct recipes *r);

/* Appends and syncs: after RES_OK it stands, at the cursor.  Requires that none is there, and
 * q->number to be the next.  RES_IO: then the process must end. */
MUST_CHECK enum result recipes_append(struct recipes *r, const struct recipe *q);

#endif
