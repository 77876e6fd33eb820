/*
 * How a conversation with a log ends, and what is said between its engines and whoever moves their
 * bytes.
 *
 * An engine (monitor, session) asks for one thing at a time and is fed the answer; it never sleeps,
 * never opens a socket, never looks at a clock. Uses evidence, result, buf.
 */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H

#include "client/evidence.h"

enum verdict_kind {
    VERDICT_PENDING,
    VERDICT_YES,     /* every proof verified */
    VERDICT_INPUT,   /* what was handed in is wrong, or the log refused it */
    VERDICT_LATER,   /* unreachable, stale, or our clock */
    VERDICT_REFUSED, /* the log contradicts itself: evidence was made */
    VERDICT_FAULT    /* this machine */
};

#define VERDICT_DETAIL_MAX 768

struct verdict {
    enum verdict_kind kind;
    enum result why;
    char detail[VERDICT_DETAIL_MAX]; /* a sentence for a person; see text_printable */
    struct buf evidence;             /* VERDICT_REFUSED: an evidence file, owned */
    enum evidence_kind evidence_kind;
};

void verdict_init(struct verdict *v);
void verdict_release(struct verdict *v);

/* Ends with kind, why and a printf-formatted sentence; bytes that a terminal must not see become
 * '?'. */
void verdict_end(struct verdict *v, enum verdict_kind kind, enum result why, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Longest path and query that an engine asks for. */
#define ASK_PATH_MAX 256
/* Largest answer that an engine takes: a look-up of 256 certificates, filled up to a power of two.
 */
#define ASK_ANSWER_MAX (4 * 1024 * 1024)

enum ask_kind {
    ASK_FETCH, /* GET, or POST when body.n > 0: log->url + path */
    ASK_WAIT,  /* call again with any answer after wait_ms */
    ASK_HEAD,  /* sessions: a verified head newer than the one given before; session_head */
    ASK_DONE   /* nothing: the verdict stands */
};

struct ask {
    enum ask_kind kind;
    char path[ASK_PATH_MAX]; /* "/ct/v1/…" */
    struct span body;        /* application/json, or octets; borrowed from the engine */
    bool octets;             /* body is application/octet-stream */
    uint64_t wait_ms;
};

struct answer {
    enum result transport; /* RES_OK when there is a status; else RES_UNREACHABLE, RES_TOO_LARGE,
                              RES_MEMORY */
    unsigned status;
    uint64_t retry_after; /* seconds; 0 when not given */
    struct span body;     /* borrowed for the call */
    char error[128];      /* the transport's words when it failed; may be empty */
};

/* Whether the answer means "not now": no answer at all, 408, 429, or 5xx. */
bool answer_is_later(const struct answer *a);

/*
 * Whether the answer is a log's own "no" to a question that it must be able to answer: 400, 404 or
 * 410.  What else is not 200 was said by something in between.
 */
bool answer_is_refusal(const struct answer *a);

/*
 * Milliseconds to wait before try number tries (from 1): what Retry-After says, at least a doubling
 * from 250 ms to 30 s, spread by seed so that many waiting clients do not come back at once; at
 * most 5 minutes.
 */
uint64_t answer_backoff(const struct answer *a, unsigned tries, uint64_t seed);

#endif
