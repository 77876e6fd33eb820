#include "client/io/transport_curl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#define CONNECT_MS 10000
#define TOTAL_MS 60000
#define CONNECTIONS 8
#define URL_MAX (POLICY_URL_MAX + ASK_PATH_MAX + 32)
#define USER_AGENT "cartulary/0.1"

struct request {
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;   /* sent */
    bool octets;       /* it is no JSON */
    struct buf answer; /* received */
    bool too_large, no_memory;
    char error[CURL_ERROR_SIZE];
    transport_fn *fn;
    void *arg;
    struct request *next, **link; /* list of all that are under way */
};

struct transport {
    struct transport_config c;
    CURLM *multi;
    struct request *requests;
    size_t pending;
};

enum result
transport_new(const struct transport_config *c, struct transport **ret)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return RES_CRYPTO;
    struct transport *t = calloc(1, sizeof *t);
    if (t == NULL)
        return RES_MEMORY;
    t->c = *c;
    t->c.connect_ms = c->connect_ms != 0 ? c->connect_ms : CONNECT_MS;
    t->c.total_ms = c->total_ms != 0 ? c->total_ms : TOTAL_MS;
    t->c.answer_max = c->answer_max != 0 ? c->answer_max : ASK_ANSWER_MAX;
    t->c.connections = c->connections != 0 ? c->connections : CONNECTIONS;
    t->multi = curl_multi_init();
    if (t->multi == NULL) {
        free(t);
        return RES_MEMORY;
    }
    (void)curl_multi_setopt(t->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)t->c.connections);
    (void)curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)t->c.connections);
    *ret = t;
    return RES_OK;
}

static void
request_free(struct transport *t, struct request *q)
{
    if (q->easy != NULL) {
        (void)curl_multi_remove_handle(t->multi, q->easy);
        curl_easy_cleanup(q->easy);
    }
    curl_slist_free_all(q->headers);
    buf_release(&q->body);
    buf_release(&q->answer);
    if (q->link != NULL) {
        *q->link = q->next;
        if (q->next != NULL)
            q->next->link = q->link;
        t->pending--;
    }
    free(q);
}

void
transport_free(struct transport *t)
{
    if (t == NULL)
        return;
    for (struct request *q = t->requests, *next; q != NULL; q = next) {
        next = q->next;
        request_free(t, q);
    }
    (void)curl_multi_cleanup(t->multi);
    free(t);
}

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
    struct request *q = arg;
    enum result r = buf_add(&q->answer, span_of(p, size * n));
    q->too_large = r == RES_TOO_LARGE;
    q->no_memory = r == RES_MEMORY;
    return r == RES_OK ? size * n : 0;
}

static bool
has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* One failed option fails the request: a limit that is not set is no limit. */
#define SET(option, value)                                            \
    do {                                                              \
        if (curl_easy_setopt(q->easy, (option), (value)) != CURLE_OK) \
            return RES_MEMORY;                                        \
    } while (0)

static enum result
set_url(struct request *q, const char *url, const char *path)
{
    char full[URL_MAX];
    bool is_socket = has_prefix(url, "unix:");
    if (!is_socket && !has_prefix(url, "http://") && !has_prefix(url, "https://"))
        return RES_VALUE;
    int n = snprintf(full, sizeof full, "%s%s", is_socket ? "http://localhost" : url, path);
    if (n < 0 || (size_t)n >= sizeof full)
        return RES_VALUE;
    if (is_socket) {
        SET(CURLOPT_UNIX_SOCKET_PATH, url + strlen("unix:"));
        SET(CURLOPT_PROXY, "");
    }
    SET(CURLOPT_URL, full);
    return RES_OK;
}

static enum result
set_limits(const struct transport *t, struct request *q)
{
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)t->c.connect_ms);
    SET(CURLOPT_TIMEOUT_MS, (long)t->c.total_ms);
    SET(CURLOPT_USERAGENT, USER_AGENT);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_ERRORBUFFER, q->error);
    SET(CURLOPT_WRITEFUNCTION, on_bytes);
    SET(CURLOPT_WRITEDATA, q);
    SET(CURLOPT_PRIVATE, q);
    return RES_OK;
}

static enum result
set_body(struct request *q)
{
    if (q->body.n == 0)
        return RES_OK;
    q->headers = curl_slist_append(NULL, q->octets ? "Content-Type: application/octet-stream"
                                                   : "Content-Type: application/json");
    /* No "Expect: 100-continue": it costs a round trip or a second. */
    struct curl_slist *more = q->headers == NULL ? NULL : curl_slist_append(q->headers, "Expect:");
    if (more == NULL)
        return RES_MEMORY;
    SET(CURLOPT_HTTPHEADER, q->headers);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
    SET(CURLOPT_POSTFIELDS, (const char *)q->body.p);
    return RES_OK;
}

enum result
transport_start(struct transport *t, const char *url, const struct ask *ask, transport_fn *fn,
                void *arg)
{
    assert(ask->kind == ASK_FETCH);
    struct request *q = calloc(1, sizeof *q);
    if (q == NULL)
        return RES_MEMORY;
    q->fn = fn;
    q->arg = arg;
    buf_init(&q->body, ask->body.n);
    q->octets = ask->octets;
    buf_init(&q->answer, t->c.answer_max);
    q->easy = curl_easy_init();
    enum result r = q->easy == NULL ? RES_MEMORY : buf_add(&q->body, ask->body);
    if (r == RES_OK)
        r = set_limits(t, q);
    if (r == RES_OK)
        r = set_url(q, url, ask->path);
    if (r == RES_OK)
        r = set_body(q);
    if (r == RES_OK && curl_multi_add_handle(t->multi, q->easy) != CURLM_OK)
        r = RES_MEMORY;
    if (r != RES_OK) {
        request_free(t, q);
        return r;
    }
    q->next = t->requests;
    q->link = &t->requests;
    if (q->next != NULL)
        q->next->link = &q->next;
    t->requests = q;
    t->pending++;
    return RES_OK;
}

size_t
transport_pending(const struct transport *t)
{
    return t->pending;
}

static void
finish(struct transport *t, struct request *q, CURLcode code)
{
    struct answer a = {.transport = RES_OK, .body = buf_span(&q->answer)};
    curl_off_t retry = 0;
    long status = 0;
    (void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(q->easy, CURLINFO_RETRY_AFTER, &retry);
    a.status = (unsigned)status;
    a.retry_after = retry > 0 ? (uint64_t)retry : 0;
    if (q->too_large)
        a.transport = RES_TOO_LARGE;
    else if (q->no_memory || code == CURLE_OUT_OF_MEMORY)
        a.transport = RES_MEMORY;
    else if (code != CURLE_OK)
        a.transport = RES_UNREACHABLE;
    if (a.transport != RES_OK)
        (void)snprintf(a.error, sizeof a.error, "%.127s",
                       q->error[0] != '\0' ? q->error : curl_easy_strerror(code));
    q->fn(q->arg, &a);
    request_free(t, q);
}

enum result
transport_run(struct transport *t, unsigned wait_ms)
{
    int running, left;
    CURLMsg *message;
    if (curl_multi_perform(t->multi, &running) != CURLM_OK)
        return RES_MEMORY;
    if (running > 0 && (size_t)running == t->pending) {
        if (curl_multi_poll(t->multi, NULL, 0, (int)wait_ms, NULL) != CURLM_OK ||
            curl_multi_perform(t->multi, &running) != CURLM_OK)
            return RES_MEMORY;
    }
    while ((message = curl_multi_info_read(t->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish(t, (struct request *)(void *)private, code);
    }
    return RES_OK;
}
