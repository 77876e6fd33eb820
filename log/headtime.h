/*
 * The time of the next head: later than the last one's, never ahead of the clock.
 *
 * A signed time cannot be taken back.  So a clock that went back is waited for, a second at most,
 * and one that has leapt ahead of the clock that never jumps is not believed.
 *
 * Thread: the sequencer's.  Uses result.
 */
#ifndef LOG_HEADTIME_H
#define LOG_HEADTIME_H

#include <stdint.h>

#include "merkle/base/result.h"

struct headtime {
    uint64_t (*now_ms)(void); /* the clock: milliseconds since 1970 */
    uint64_t wall;            /* what it said at the last head of this process, 0 before it, */
    double steady;            /* and the one that never goes back then */
};

/*
 * A time for the head after the one of time last (0: none), in milliseconds since 1970.  May sleep
 * for a second.  RES_CLOCK: the clock stands more than a second before last, or has leapt ahead by
 * more than five minutes since this said RES_OK.
 */
MUST_CHECK enum result headtime_next(struct headtime *t, uint64_t last, uint64_t *ret);

/* Milliseconds of a clock that never goes back, and goes on while the machine sleeps. */
double headtime_steady_ms(void);

#endif
