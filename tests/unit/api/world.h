/*
 * A log that serves its endpoints in a thread of the test, over real sockets, and three chains that
 * it is asked to take.
 *
 * For cmocka tests; every function asserts what it does not return.
 */
#ifndef TESTS_UNIT_API_WORLD_H
#define TESTS_UNIT_API_WORLD_H

#include <openssl/x509.h>
#include <pthread.h>

#include "api/http/api.h"
#include "log/tokens.h"

#define WORLD_ORIGIN "log.example/test"
#define WORLD_LINES 65536

struct world {
    char dir[64];
    struct config config;
    struct api api;
    pthread_t id;
    char token[TOKENS_TEXT_MAX];
    /* leaf for a@example.org and precertificate for b@example.org, by ca, by root; the stranger's
     * leaf for c@example.org and its root, that the log does not take */
    struct span leaf, pre, ca, root, stranger, stranger_root;
    X509 *ca_cert;
    EVP_PKEY *root_key, *ca_key;
    pthread_mutex_t lock;
    size_t lines_n;
    char lines[WORLD_LINES]; /* what log and server said to the operator */
};

/* How it is other than the rest: what init asks, and lines behind cartulary.conf. */
struct world_options {
    bool entries_public;
    const char *not_after_limit; /* NULL: no window */
    const char *conf;            /* NULL: none */
};

void world_begin(struct world *w, const struct world_options *o);
void world_end(struct world *w);

/* Sends one request and reads the whole answer into *ret, NUL-terminated; returns the status. */
int world_ask(struct world *w, const char *method, const char *path, const char *headers,
              struct span body, struct buf *ret);

/* The body in an answer, the whole head of one. */
struct span world_body(const struct buf *answer);
struct span world_head(const struct buf *answer);

/* The status is want, and holds stands in the answer. */
void world_expect(const char *says, int status, int want, const struct buf *answer,
                  const char *holds);

/* Makes {"chain":[…]} of n certificates of *out. */
void world_chain(const struct span *certs, size_t n, struct buf *out);

/* Has the log take a certificate for the address by ca. */
void world_certify(struct world *w, const char *address);

/* The newest size of the certificate log. */
uint64_t world_size(struct world *w);

/* Waits until the directory covers all that the log has. */
void world_covered(struct world *w);

#endif
