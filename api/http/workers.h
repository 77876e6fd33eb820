/*
 * Worker threads with a bounded queue.
 *
 * One mutex guards the queue; it is never held while a job runs.  Not libuv's pool: that one is
 * shared with everything, its size is an environment variable, and its threads have no state of
 * their own. Uses route, pthread.
 */
#ifndef API_HTTP_WORKERS_H
#define API_HTTP_WORKERS_H

#include "api/http/route.h"

struct workers;

/* Starts n threads, each with its own struct thread of the n at threads (borrowed).  RES_MEMORY. */
MUST_CHECK enum result workers_start(struct thread *threads, unsigned n, unsigned queue_max,
                                     struct workers **ret);

/* Queues x: its route's handler will run on a worker.  RES_BUSY when queue_max wait; RES_DRAINING
 * after stop. */
MUST_CHECK enum result workers_add(struct workers *w, struct exchange *x);

/* Jobs waiting now. */
unsigned workers_waiting(struct workers *w);

/* Runs what is queued, ends the threads and waits for them. */
void workers_stop(struct workers *w);

/* After workers_stop.  NULL does nothing. */
void workers_free(struct workers *w);

#endif
