/*
 * HTTP by libcurl: the only file that includes <curl/curl.h>.
 *
 * http, https and Unix sockets ("unix:/path"); no redirects, no cookies, no proxies from the
 * environment for sockets; answers of bounded size; many requests at once, each answered once. One
 * thread.  Uses verdict (ask, answer), buf, result.
 */
#ifndef CLIENT_IO_TRANSPORT_CURL_H
#define CLIENT_IO_TRANSPORT_CURL_H

#include "client/verdict.h"

struct transport_config {
    unsigned connect_ms;  /* 0: 10 s */
    unsigned total_ms;    /* 0: 60 s */
    size_t answer_max;    /* 0: ASK_ANSWER_MAX */
    unsigned connections; /* at once, for all hosts; 0: 8 */
};

struct transport;

/* RES_MEMORY; RES_CRYPTO when the library cannot be set up.  Free with transport_free. */
MUST_CHECK enum result transport_new(const struct transport_config *c, struct transport **ret);
/* Cancels what is under way: no answer is given any more.  NULL does nothing. */
void transport_free(struct transport *t);

/* Called once for each request that was started, from inside transport_run. */
typedef void transport_fn(void *arg, const struct answer *a);

/*
 * Starts what ask (an ASK_FETCH) asks of url, a URL of a policy.  Copies everything.  RES_VALUE for
 * a URL of another kind; RES_MEMORY.
 */
MUST_CHECK enum result transport_start(struct transport *t, const char *url, const struct ask *ask,
                                       transport_fn *fn, void *arg);

/* How many requests are under way. */
size_t transport_pending(const struct transport *t);

/* Waits at most wait_ms for something to happen and gives the answers that are there. */
MUST_CHECK enum result transport_run(struct transport *t, unsigned wait_ms);

#endif
