#include "log/store/recent.h"

#include <assert.h>
#include <stdlib.h>

static enum result
add_unit(struct recent *q, uint64_t number)
{
    struct unit *u = calloc(1, sizeof(*u));
    if (u == NULL)
        return RES_MEMORY;
    u->number = number;
    if (q->last != NULL)
        q->last->later = u;
    else
        q->first = u;
    q->last = u;
    q->count++;
    return RES_OK;
}

static size_t
bucket_of(uint64_t prefix)
{
    return (size_t)(prefix % INDEX_UNIT);
}

enum result
recent_add(struct recent *q, uint64_t index, const struct hash keys[static INDEX_MAPS])
{
    if (q->last == NULL || q->last->n == INDEX_UNIT) {
        assert(index % INDEX_UNIT == 0);
        enum result r = add_unit(q, index / INDEX_UNIT);
        if (r != RES_OK)
            return r;
    }
    struct unit *u = q->last;
    assert(index == u->number * INDEX_UNIT + u->n);
    for (int map = 0; map < INDEX_MAPS; map++) {
        uint64_t prefix = record_prefix(&keys[map]);
        uint16_t *head = &u->head[map][bucket_of(prefix)];
        u->prefix[map][u->n] = prefix;
        u->next[map][u->n] = *head;
        *head = (uint16_t)(u->n + 1);
    }
    u->n++;
    return RES_OK;
}

struct unit *
recent_full(const struct recent *q)
{
    return q->first != NULL && q->first->n == INDEX_UNIT ? q->first : NULL;
}

void
recent_drop_first(struct recent *q)
{
    struct unit *u = q->first;
    assert(u != NULL);
    q->first = u->later;
    if (q->first == NULL)
        q->last = NULL;
    q->count--;
    free(u);
}

void
recent_release(struct recent *q)
{
    while (q->first != NULL)
        recent_drop_first(q);
}

void
found_add(struct found *f, uint64_t index)
{
    size_t i = f->n;
    while (i > 0 && f->at[i - 1] > index)
        i--;
    if (i > 0 && f->at[i - 1] == index)
        return;
    if (f->n == f->cap) {
        f->more = true;
        if (i == f->cap)
            return;
    } else
        f->n++;
    memmove(f->at + i + 1, f->at + i, (f->n - 1 - i) * sizeof(*f->at));
    f->at[i] = index;
}

void
recent_find(const struct recent *q, enum index_map map, uint64_t prefix, struct found *f)
{
    for (const struct unit *u = q->first; u != NULL; u = u->later) {
        unsigned place = u->head[map][bucket_of(prefix)];
        for (; place != 0; place = u->next[map][place - 1])
            if (u->prefix[map][place - 1] == prefix)
                found_add(f, u->number * INDEX_UNIT + place - 1);
    }
}

bool
recent_newest(const struct recent *q, enum index_map map, uint64_t prefix, uint64_t below,
              uint64_t *ret)
{
    bool found = false;
    for (const struct unit *u = q->first; u != NULL; u = u->later) {
        unsigned place = u->head[map][bucket_of(prefix)];
        /* A chain begins with what was added last. */
        for (; place != 0; place = u->next[map][place - 1])
            if (u->prefix[map][place - 1] == prefix && u->number * INDEX_UNIT + place - 1 < below) {
                *ret = u->number * INDEX_UNIT + place - 1;
                found = true;
                break;
            }
    }
    return found;
}
