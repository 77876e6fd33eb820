/*
 * From one peer's request to its answer: which route, on which thread, and the answer back to the
 * connection, counted and told.
 *
 * An exchange whose route runs on a worker is another thread's from then on (client.in_flight) and
 * comes back through server_finish and answer_resume; until then nothing of it, nor of the request
 * that it borrows, may be touched or freed.  On the loop's thread.  Uses conn, route, workers,
 * outlet, client_private.
 */
#ifndef API_HTTP_ANSWER_H
#define API_HTTP_ANSWER_H

#include <stddef.h>

struct client;
struct conn;
struct exchange;

/* conn_options.body_max: finds the route of the head that has come, and tells its limit. */
size_t answer_body_max(struct conn *conn);

/* Answers the request that conn_next has handed out, at once or, client.in_flight, later. */
void answer_request(struct client *c);

/* Answers the refusal that conn_next or conn_expire has handed out. */
void answer_refusal(struct client *c);

/* An exchange has come back from another thread: answers it, and goes on with its connection, which
 * may have ended meanwhile. */
void answer_resume(struct exchange *x);

#endif
