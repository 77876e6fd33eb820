/*
 * The way out to one peer: what its connection has to say goes to the socket, at once as far as the
 * kernel takes it, later for the rest.
 *
 * What a peer does not take is memory that stands, counted in server.held.  When all of it together
 * would pass server_options.held_max, those go that have waited longest.  While a write is under
 * way client.writing is set, and client.patience tells until when a peer that takes nothing is
 * borne.  On the loop's thread.  Uses conn, client_private.
 */
#ifndef API_HTTP_OUTLET_H
#define API_HTTP_OUTLET_H

#include <stdbool.h>

struct client;

/*
 * Writes what there is.  true: all of it has gone.  false: not all of it yet, and client_pump is
 * called when it has; or the connection has ended, because the peer is gone or for want of memory.
 * What the answer's body borrows is free when this returns: the rest is kept in x.out.
 */
bool outlet_flush(struct client *c);

#endif
