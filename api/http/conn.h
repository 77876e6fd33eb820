/*
 * One HTTP/1.1 connection, server's side, without I/O: bytes in, requests out, answers in, bytes
 * out.
 *
 * RFC 9112 over llhttp's strict parser.  What that parser lets pass and a smuggler could use is
 * refused here: see head.h, and conn_next.  A request is handed out when it is complete; the next
 * one is looked at only when the answer to this one has been written, so pipelined requests are
 * answered in order and what is buffered is bounded by HTTP_IN_MAX and the route's body limit.
 *
 * Life cycle: init; then in any order: space and fed (bytes from the peer), next (a request?),
 * answer (to the request or the refusal), output and wrote (bytes to the peer); release.  One
 * thread; `now` is milliseconds of a clock that never goes back.  No I/O, no clock.  Uses head,
 * limits, message, reply.
 */
#ifndef API_HTTP_CONN_H
#define API_HTTP_CONN_H

#include <stddef.h>

#include "api/http/limits.h"
#include "api/http/message.h"
#include "api/http/reply.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* What conn_body_fn answers when the request is to be handed out at once, without its body. */
#define CONN_BODY_NOW SIZE_MAX

struct conn;

/* Called when a head is complete (c->message.rq, without its body): how long the body may be. */
typedef size_t conn_body_fn(struct conn *c);

struct conn_options {
    conn_body_fn *body_max;
    struct room *room; /* what its bodies share with other connections' */
    unsigned head_ms;  /* from a head's first byte, or the connection's begin, to the head's end */
    unsigned body_ms;  /* from there to the body's end */
    unsigned idle_ms;  /* between an answer and the next request's first byte */
};

/* Length of a 100 (Continue) at most. */
#define CONN_INTERIM_MAX 32

enum conn_state { CONN_HEAD, CONN_BODY, CONN_WAITS, CONN_WRITES, CONN_CLOSED };

struct conn {
    const struct conn_options *options;
    enum conn_state state;
    struct message message;
    enum result why;     /* of a refusal */
    unsigned why_status; /* its status when it is not reply_status(why); else 0 */
    bool eof;            /* the peer sends no more */
    bool last;           /* the connection ends with this answer */
    bool refused;        /* and what the peer still sends is unread: linger */
    uint64_t since;      /* when the state's deadline began to run */
    uint64_t requests;   /* complete ones so far */

    size_t in_n; /* bytes in in[] */
    size_t pos;  /* the first that is not yet used */
    size_t line; /* head_scan's, from pos */

    size_t head_n, head_done;
    size_t body_done;
    struct span out_body; /* the answer's, borrowed */
    bool interim;         /* head[] holds a 100 (Continue) */
    char head[CONN_INTERIM_MAX + HTTP_REPLY_HEAD_MAX];
    uint8_t in[HTTP_IN_MAX];
};

/* Makes *c a fresh connection.  options is borrowed for its life.  Allocates nothing. */
void conn_init(struct conn *c, const struct conn_options *options, uint64_t now);

/* Frees the buffers.  Twice does nothing. */
void conn_release(struct conn *c);

/* Where the next bytes of the peer may be put; *ret_n == 0: nowhere, stop reading until the output
 * has gone. */
uint8_t *conn_space(struct conn *c, size_t *ret_n);

/* n bytes have been put there.  Requires n <= conn_space's. */
void conn_fed(struct conn *c, size_t n, uint64_t now);

/* The peer has ended its side. */
void conn_eof(struct conn *c);

enum conn_event {
    CONN_MORE,    /* nothing to do until more bytes come, or until output has gone */
    CONN_REQUEST, /* c->message.rq is complete: answer it */
    CONN_REFUSED, /* c->why, c->why_status: answer that; the connection ends with it */
    CONN_ENDED    /* nothing more will come of it: close */
};

/*
 * Looks at what has come.  What message.rq borrows stays until its answer has been written; while
 * a request waits for its answer, other threads may read it.  Refusals (RFC 9112 and 9110 sections
 * in head.h and result.h): RES_HTTP_SYNTAX, RES_HTTP_HEAD (over HTTP_HEAD_MAX or HTTP_HEADERS_MAX),
 * RES_HTTP_LENGTH (two Content-Length, one beside Transfer-Encoding, one that is no number),
 * RES_HTTP_TRANSFER_CODING (anything but "chunked", once, in HTTP/1.1), RES_HTTP_HOST,
 * RES_HTTP_VERSION, RES_HTTP_METHOD (CONNECT; 501 for a method nobody knows), RES_HTTP_BODY,
 * RES_HTTP_BODIES, RES_MEMORY.  Trailers are refused: nothing here has a use for them.
 */
MUST_CHECK enum conn_event conn_next(struct conn *c, uint64_t now);

/*
 * Answers the request or refusal.  r->body is borrowed until conn_output gives nothing more, or
 * until conn_rebody.  The connection ends after it when r->close, or the request said so, or it was
 * a refusal.
 */
void conn_answer(struct conn *c, const struct reply *r, const char *date, uint64_t now);

/* The same bytes at another place: what is left of the answer's body lies at p now. */
void conn_rebody(struct conn *c, const uint8_t *p);

/* What is to be written next: *ret of them, at most 2. */
unsigned conn_output(const struct conn *c, struct span ret[static 2]);

/* n bytes of that have been written. */
void conn_wrote(struct conn *c, size_t n, uint64_t now);

/* When the peer must have done what it is waited for, in milliseconds; UINT64_MAX: it is not waited
 * for. */
uint64_t conn_deadline(const struct conn *c);

/* The deadline has passed: CONN_REFUSED with RES_HTTP_TIMEOUT when a request had begun, CONN_ENDED
 * otherwise. */
MUST_CHECK enum conn_event conn_expire(struct conn *c);

/* How long a body has been coming, in milliseconds; 0 when none is. */
uint64_t conn_body_age(const struct conn *c, uint64_t now);

/* Gives up a body that is coming, and its room, for others: CONN_REFUSED with RES_HTTP_BODIES.
 * Requires that one is coming. */
MUST_CHECK enum conn_event conn_evict(struct conn *c);

/* Whether a request has begun and is not yet answered. */
bool conn_busy(const struct conn *c);

#endif
