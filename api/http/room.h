/*
 * Room: so many bytes, which many buffers share.
 *
 * Each connection's request body has a limit of its own; together they are bounded here, so that
 * many slow bodies are refused and do not take the machine's memory.  Who fills the room with
 * bodies that do not end keeps others' submissions out until the body's time is over: a front that
 * buffers bodies is what helps against that.  One thread.  Pure.  Uses nothing.
 */
#ifndef API_HTTP_ROOM_H
#define API_HTTP_ROOM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct room {
    size_t max;
    size_t held; /* never above max */
};

/* Takes n bytes; false: there are not so many, and nothing is taken. */
static inline bool
room_take(struct room *r, size_t n)
{
    if (n > r->max - r->held)
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
