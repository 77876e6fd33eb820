/*
 * One request as it comes, taken apart by llhttp's strict parser: a whole head, then pieces of the
 * body, until it is complete.
 *
 * What that parser lets pass and a smuggler could use is refused here, or by head.h before it.
 * Knows nothing of the requests before and behind it, of answers or of deadlines: see conn.h.
 *
 * Life cycle: init; for each request: head, then, when message_has_body, allow and body until it is
 * whole; release.  After an error only release is allowed.  One thread.  No I/O, no clock.  Uses
 * fields, head, room, limits, buf, llhttp.
 */
#ifndef API_HTTP_MESSAGE_H
#define API_HTTP_MESSAGE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/http/fields.h"
#include "api/http/room.h"
#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OPTIONS, METHOD_OTHER };

/* A request.  Its spans borrow from the head that was given, as long as that stays where it is;
 * body from the message, until the next message_head, message_rest or message_release. */
struct request {
    enum method method;
    struct span path;            /* as sent, begins with '/'; "*" for OPTIONS only */
    struct span query;           /* as sent, without '?' */
    struct span accept_encoding; /* empty also when the field stood twice */
    struct span authorization;
    struct span body; /* body.p[body.n] is NUL and readable when n > 0 */
    bool http10;
};

/* Only rq, status, keep and fields are for others to read, after message_head. */
struct message {
    struct request rq;
    unsigned status; /* of a refusal, when it is not reply_status's; else 0 */
    bool keep;       /* the request allows another */
    struct fields fields;

    llhttp_t parser;
    enum result why;  /* what a callback refused; else RES_OK */
    unsigned names;   /* fields that have begun */
    struct span name; /* of the one under way */
    struct span value;
    bool chunked;
    bool headed;         /* the parser has seen the head's end */
    bool complete;       /* the parser has seen the message's end */
    size_t length;       /* Content-Length, or 0 */
    size_t framed;       /* bytes of a chunked body as they came */
    uint8_t framed_last; /* the last of them */
    size_t body_max;
    struct buf body;   /* its capacity is taken from room */
    struct room *room; /* borrowed; this message's address says who takes */
};

/* Makes *m ready for a head.  room is what its body shares with others', borrowed for its life.
 * Allocates nothing. */
void message_init(struct message *m, struct room *room);

/* Frees the body and gives its room back.  Twice does nothing. */
void message_release(struct message *m);

/* Gives the body's memory back when it grew beyond HTTP_BUFFER_KEPT, or when room is scarce;
 * else a connection that rests keeps it, and its room.  The request is over. */
void message_rest(struct message *m);

/*
 * Begins a request: takes its head, from the request line to the empty line as head_scan found it.
 * Borrows head until the next call.
 *
 *   RES_HTTP_SYNTAX   what the parser refuses; a target that is none (head_target)
 *   RES_HTTP_HEAD     more than HTTP_HEADERS_MAX fields
 *   RES_HTTP_LENGTH   two Content-Length, one beside Transfer-Encoding, one that is no number
 *                     (RFC 9112 6.3)
 *   RES_HTTP_BODY     a Content-Length over half the address space
 *   RES_HTTP_VERSION  neither HTTP/1.1 nor HTTP/1.0
 *   RES_HTTP_METHOD   CONNECT; with status 501 a method nobody knows (RFC 9110 15.6.2)
 *   RES_HTTP_TRANSFER_CODING  one that the parser does not know
 *   and the errors of fields_take and fields_check.
 */
MUST_CHECK enum result message_head(struct message *m, struct span head);

/* Whether bytes of a body are to come behind the head. */
bool message_has_body(const struct message *m);

/* The body may be max bytes long.  RES_HTTP_BODY: it is announced longer; RES_HTTP_BODIES;
 * RES_MEMORY.  Requires message_has_body and max < SIZE_MAX. */
MUST_CHECK enum result message_allow(struct message *m, size_t max);

/*
 * Takes the next piece of the body, of which nothing is borrowed.  Requires in.n > 0.  *ret_used
 * bytes of it belong to this request: all of them unless *ret_whole, which tells that the body is
 * complete and rq.body is set.
 *
 *   RES_HTTP_SYNTAX  broken chunks, a bare LF, a trailer: nothing here has a use for it
 *   RES_HTTP_BODY    longer than allowed, or announced so; or chunk framing out of all proportion
 *   RES_HTTP_BODIES  there is no room: other connections hold it
 *   RES_MEMORY
 */
MUST_CHECK enum result message_body(struct message *m, struct span in, size_t *ret_used,
                                    bool *ret_whole);

#endif
