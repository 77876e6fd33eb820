/*
 * Room: so many bytes, which many buffers share.
 *
 * Each connection's request body has a limit of its own; together they are bounded here, so that
 * many slow bodies do not take the machine's memory.  Whoever finds the room full may have
 * something thrown out of it: otherwise bodies that never end would keep all others out.  One
 * thread.  Uses nothing.
 */
#ifndef API_HTTP_ROOM_H
#define API_HTTP_ROOM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct room {
    size_t max;
    size_t held; /* never above max */
    /* Makes somebody else than who (as it was given to room_take) give bytes back; false: nobody
     * will.  NULL: nobody ever does. */
    bool (*evict)(void *arg, const void *who);
    void *arg;
};

/* Takes n bytes for who, evicting others while that helps; false: there are not so many, and
 * nothing is taken. */
static inline bool
room_take(struct room *r, size_t n, const void *who)
{
    if (n > r->max)
        return false;
    while (n > r->max - r->held)
        if (r->evict == NULL || !r->evict(r->arg, who))
            return false;
    r->held += n;
    return true;
}

/* Gives n bytes back that were taken. */
static inline void
room_give(struct room *r, size_t n)
{
    assert(n <= r->held);
    r->held -= n;
}

/* Whether less is left than half: then nobody keeps what it does not need now. */
static inline bool
room_scarce(const struct room *r)
{
    return r->held > r->max / 2;
}

#endif
