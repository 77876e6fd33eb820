#include "log/fresh.h"

#include <stdlib.h>

/* Half full at most, so that a probe ends soon. */
#define SLOTS (2 * FRESH_KEPT)

struct slot {
    uint64_t prefix;
    uint64_t index1; /* index + 1; 0 is an empty slot */
};

struct table {
    struct slot slot[SLOTS];
    uint64_t from; /* index of the first key put */
    size_t count;
};

struct fresh {
    struct table table[2];
    unsigned newer;
};

static uint64_t
prefix_of(const struct hash *key)
{
    uint64_t v;
    memcpy(&v, key->b, sizeof(v));
    return v;
}

enum result
fresh_new(uint64_t index, struct fresh **ret)
{
    struct fresh *f = malloc(sizeof(*f));
    if (!f)
        return RES_MEMORY;
    fresh_reset(f, index);
    *ret = f;
    return RES_OK;
}

void
fresh_free(struct fresh *f)
{
    free(f);
}

static void
table_clear(struct table *t, uint64_t from)
{
    memset(t, 0, sizeof(*t));
    t->from = from;
}

void
fresh_reset(struct fresh *f, uint64_t index)
{
    table_clear(&f->table[0], index);
    table_clear(&f->table[1], index);
    f->newer = 0;
}

void
fresh_add(struct fresh *f, const struct hash *key, uint64_t index)
{
    struct table *t = &f->table[f->newer];
    if (t->count == FRESH_KEPT) {
        f->newer ^= 1;
        t = &f->table[f->newer];
        table_clear(t, index);
    }
    uint64_t prefix = prefix_of(key);
    size_t at = prefix % SLOTS;
    while (t->slot[at].index1)
        at = (at + 1) % SLOTS;
    t->slot[at] = (struct slot){prefix, index + 1};
    t->count++;
}

uint64_t
fresh_from(const struct fresh *f)
{
    return f->table[f->newer ^ 1].from < f->table[f->newer].from ? f->table[f->newer ^ 1].from
                                                                 : f->table[f->newer].from;
}

size_t
fresh_find(const struct fresh *f, const struct hash *key, uint64_t *ret, size_t cap)
{
    uint64_t prefix = prefix_of(key);
    size_t n = 0;
    for (int i = 0; i < 2; i++)
        for (size_t at = prefix % SLOTS; f->table[i].slot[at].index1; at = (at + 1) % SLOTS)
            if (f->table[i].slot[at].prefix == prefix && n < cap)
                ret[n++] = f->table[i].slot[at].index1 - 1;
    return n;
}
