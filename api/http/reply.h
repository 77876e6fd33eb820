/*
 * Answers: a status, a few headers from templates, a body; and the problem document of a refusal.
 *
 * Pure but for the buffer's memory.  Uses result, span, buf.
 */
#ifndef API_HTTP_REPLY_H
#define API_HTTP_REPLY_H

#include "api/http/limits.h"
#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

enum reply_type {
    REPLY_NONE, /* no body and no Content-Type */
    REPLY_JSON,
    REPLY_PROBLEM,
    REPLY_TEXT,
    REPLY_METRICS,
    REPLY_OCTETS,
    REPLY_CERTIFICATE
};

enum reply_cache {
    REPLY_NO_STORE,  /* heads, refusals, anything that may be different next time */
    REPLY_IMMUTABLE, /* never different: for a year */
    REPLY_DAY,       /* proofs at given sizes: true for ever, but not worth a cache's space */
    REPLY_PRIVATE    /* was given to one who showed a token */
};

struct reply {
    unsigned status;
    enum reply_type type;
    enum reply_cache cache;
    bool cors;            /* any page may read it */
    bool vary;            /* could have been compressed, or was */
    bool gzip;            /* body is gzip */
    bool close;           /* the connection ends with it */
    bool discreet;        /* about somebody's address: no referrer, no index */
    bool alike;           /* no reason phrase: the head is as long whatever the status */
    unsigned retry_after; /* seconds; 0: no such header */
    const char *allow;    /* Allow's value, static; NULL: no such header */
    bool preflight;       /* tell what a page may ask */
    struct span body;     /* who owns it says how long it lives */
};

/* How the request asked for its answer. */
struct reply_form {
    bool head;        /* HEAD: all headers, no body */
    bool http10;      /* HTTP/1.0: keeping the connection must be said */
    const char *date; /* IMF-fixdate, 29 characters */
};

#define REPLY_DATE_SIZE 30

/* Writes the head of the answer to out; returns its length, at most HTTP_REPLY_HEAD_MAX. */
size_t reply_head(const struct reply *r, const struct reply_form *form,
                  char out[static HTTP_REPLY_HEAD_MAX]);

/* The status that a result is answered with. */
unsigned reply_status(enum result r);

/* Retry-After of a result, seconds; 0 for none. */
unsigned reply_retry_after(enum result r);

/*
 * Appends the RFC 9457 problem document: type "urn:cartulary:problem:<name>", title, status,
 * detail.  detail: a sentence beside the paragraph, or NULL; results that are not the peer's fault
 * get none.  Errors of buf_add.
 */
MUST_CHECK enum result reply_problem_body(enum result r, unsigned status, const char *detail,
                                          struct buf *out);

/* Fills *ret with the refusal r, its document appended to out (whose bytes it borrows; when there
 * is no memory for it the answer has no body). */
void reply_refusal(enum result r, const char *detail, struct buf *out, struct reply *ret);

/* Writes the IMF-fixdate (RFC 9110 5.6.7) of seconds since 1970 and a NUL. */
void reply_date(int64_t seconds, char out[static REPLY_DATE_SIZE]);

#endif
