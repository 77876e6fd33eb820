#include "merkle/keytrans/ladder.h"

#include <assert.h>

/* 2^32 - 1 is the greatest version there can be. */
#define VERSION_END (UINT64_C(1) << 32)

/* What follows from whether version l->next is there; l->next is then the next one to ask for. */
static void
advance(struct ladder *l, bool included)
{
    if (included && l->next > l->target) {
        l->end = LADDER_GREATER;
        return;
    }
    if (!included && l->next <= l->target) {
        l->end = LADDER_LESS;
        return;
    }
    if (included) {
        l->lower = l->next;
    } else {
        l->upper = l->next;
        l->climbing = false;
    }
    if (l->climbing)
        l->next = l->next << 1 | 1;
    else if (l->lower + 1 < l->upper)
        l->next = (l->lower + l->upper) / 2;
    else
        l->end = LADDER_EQUAL;
}

/* Versions that cannot be are not asked for: they are not there. */
static void
skip_impossible(struct ladder *l)
{
    while (l->end == LADDER_OPEN && l->next >= VERSION_END)
        advance(l, false);
}

struct ladder
ladder_search(uint32_t target)
{
    return (struct ladder){.target = target, .end = LADDER_OPEN, .climbing = true};
}

bool
ladder_next(const struct ladder *l, uint32_t *ret)
{
    if (l->end != LADDER_OPEN)
        return false;
    *ret = (uint32_t)l->next;
    return true;
}

void
ladder_feed(struct ladder *l, bool included)
{
    assert(l->end == LADDER_OPEN);
    advance(l, included);
    skip_impossible(l);
}

/* The base ladder of target up to limit. */
static unsigned
base_up_to(uint32_t target, uint32_t limit, uint32_t *ret)
{
    struct ladder l = ladder_search(target);
    uint32_t version;
    unsigned n = 0;

    while (ladder_next(&l, &version)) {
        if (version <= limit)
            ret[n++] = version;
        ladder_feed(&l, version <= target);
    }
    return n;
}

unsigned
ladder_base(uint32_t target, uint32_t *ret)
{
    return base_up_to(target, UINT32_MAX, ret);
}

unsigned
ladder_monitoring(uint32_t target, uint32_t *ret)
{
    return base_up_to(target, target, ret);
}
