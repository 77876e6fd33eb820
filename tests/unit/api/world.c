#include "tests/unit/api/world.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log/create.h"
#include "merkle/base/text.h"
#include "tests/mint/mint.h"
#include "tests/vectors/check.h"

/* How long the directory may take to cover what was submitted. */
#define COVERED_SECONDS 60

/* ---- a log ---- */

static void
say(void *arg, const char *event, const char *fields)
{
    struct world *w = arg;

    pthread_mutex_lock(&w->lock);
    int n = snprintf(w->lines + w->lines_n, WORLD_LINES - w->lines_n, "%s %s\n", event, fields);
    if (n > 0 && (size_t)n < WORLD_LINES - w->lines_n)
        w->lines_n += (size_t)n;
    pthread_mutex_unlock(&w->lock);
}

static void
say_of_app(void *app, const char *event, const char *fields)
{
    say((char *)app - offsetof(struct world, api), event, fields);
}

static void
mint_all(struct world *w, struct buf *pem)
{
    EVP_PKEY *key[3] = {mint_key(MINT_P256), mint_key(MINT_P256), mint_key(MINT_P256)};
    X509 *root = mint_root("Root", key[0]);
    X509 *ca = mint_ca("CA", key[1], root, key[0]);
    X509 *other = mint_root("Stranger", key[2]);
    X509 *x[3] = {mint_leaf("a@example.org", key[2], ca, key[1]),
                  mint_precert("b@example.org", key[2], ca, key[1]),
                  mint_leaf("c@example.org", key[2], other, key[2])};
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long n;

    PEM_write_bio_X509(bio, root);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(buf_add(pem, span_of(text, (size_t)n)), RES_OK);
    BIO_free(bio);
    w->root = mint_der(root);
    w->ca = mint_der(ca);
    w->stranger_root = mint_der(other);
    w->leaf = mint_der(x[0]);
    w->pre = mint_der(x[1]);
    w->stranger = mint_der(x[2]);
    X509_free(root);
    X509_free(other);
    w->ca_cert = ca;
    w->root_key = key[0];
    w->ca_key = key[1];
    for (int i = 0; i < 3; i++)
        X509_free(x[i]);
    EVP_PKEY_free(key[2]);
}

static void
on_drain(void *app)
{
    log_drain(((struct api *)app)->log);
}

static void *
run(void *arg)
{
    server_run(arg);
    return NULL;
}

static void
make_log(struct world *w, const struct world_options *o)
{
    struct buf pem = BUF_INIT(1 << 20);
    struct log_trouble why = {""};
    char detail[CONFIG_TEXT_MAX], path[96];
    int line;

    mint_all(w, &pem);
    struct create_options c = {.dir = w->dir,
                               .origin = WORLD_ORIGIN,
                               .url = "https://log.example",
                               .entries_public = o->entries_public,
                               .not_after_limit = o->not_after_limit,
                               .roots_pem = buf_span(&pem)};
    if (create_log(&c, &why) != RES_OK)
        fail_msg("%s", why.text);
    buf_release(&pem);
    assert_int_equal(tokens_add(w->dir, "auditor", w->token), RES_OK);
    if (o->conf != NULL) {
        snprintf(path, sizeof path, "%s/cartulary.conf", w->dir);
        FILE *f = fopen(path, "a");
        assert_non_null(f);
        (void)fputs(o->conf, f);
        assert_int_equal(fclose(f), 0);
    }
    if (config_load(w->dir, &w->config, &line, detail) != RES_OK)
        fail_msg("line %d: %s", line, detail);
    w->config.map_size = UINT64_C(1) << 30;
    w->config.entries_max = 2;
    if (log_open(&w->config, (struct log_sink){.line = say, .arg = w}, &w->api.log, &why) != RES_OK)
        fail_msg("%s", why.text);
}

void
world_begin(struct world *w, const struct world_options *o)
{
    const char *wrong;

    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    snprintf(w->dir, sizeof w->dir, "/tmp/test_api.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    make_log(w, o);
    w->api.config = &w->config;
    struct server_options s = {.listen = "127.0.0.1:0",
                               .connections = 100,
                               .workers = 2,
                               .head_ms = 5000,
                               .body_ms = 5000,
                               .idle_ms = 5000,
                               .lookup_rate = w->config.lookup_rate,
                               .lookup_burst = w->config.lookup_burst,
                               .routes = api_routes(w->config.body_max),
                               .hooks = {.app = &w->api,
                                         .thread_new = api_thread_new,
                                         .thread_free = api_thread_free,
                                         .line = say_of_app,
                                         .drain = on_drain}};
    assert_int_equal(server_new(&s, &w->api.server, &wrong), RES_OK);
    assert_int_equal(log_start(w->api.log), RES_OK);
    pthread_create(&w->id, NULL, run, w->api.server);
}

void
world_end(struct world *w)
{
    char command[128];

    server_stop(w->api.server);
    pthread_join(w->id, NULL);
    server_free(w->api.server);
    log_close(w->api.log);
    mint_free(w->leaf);
    mint_free(w->pre);
    mint_free(w->ca);
    mint_free(w->root);
    mint_free(w->stranger);
    mint_free(w->stranger_root);
    X509_free(w->ca_cert);
    EVP_PKEY_free(w->root_key);
    EVP_PKEY_free(w->ca_key);
    pthread_mutex_destroy(&w->lock);
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

uint64_t
world_size(struct world *w)
{
    struct store_head h;
    uint64_t generation;

    log_head(w->api.log, &h, &generation);
    return h.size;
}

void
world_covered(struct world *w)
{
    struct timespec pause = {.tv_nsec = 10000000};
    struct directory_stats s;

    for (int i = 0; i < COVERED_SECONDS * 100; i++) {
        directory_stats(log_directory(w->api.log), &s);
        if (s.certificates == world_size(w))
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("the directory covers %d entries only", (int)s.certificates);
}

/* ---- a client ---- */

int
world_ask(struct world *w, const char *method, const char *path, const char *headers,
          struct span body, struct buf *ret)
{
    const char *colon = strrchr(server_address(w->api.server), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(colon + 1)),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval wait = {.tv_sec = 20};
    struct buf rq = BUF_INIT(1 << 20);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t n;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(buf_printf(&rq, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", method,
                                path, headers),
                     RES_OK);
    if (body.n > 0)
        assert_int_equal(buf_printf(&rq, "Content-Length: %zu\r\n", body.n), RES_OK);
    assert_int_equal(buf_printf(&rq, "\r\n"), RES_OK);
    assert_int_equal(buf_add(&rq, body), RES_OK);
    assert_int_equal(send(fd, rq.p, rq.n, MSG_NOSIGNAL), (ssize_t)rq.n);
    buf_release(&rq);
    ret->n = 0;
    do {
        assert_int_equal(buf_reserve(ret, 65536), RES_OK);
        n = recv(fd, ret->p + ret->n, 65535, 0);
        if (n > 0)
            ret->n += (size_t)n;
    } while (n > 0);
    close(fd);
    ret->p[ret->n] = '\0';
    return ret->n > 12 ? atoi((char *)ret->p + 9) : 0;
}

struct span
world_head(const struct buf *answer)
{
    const uint8_t *at = memmem(answer->p, answer->n, "\r\n\r\n", 4);

    assert_non_null(at);
    return span_of(answer->p, (size_t)(at - answer->p) + 4);
}

struct span
world_body(const struct buf *answer)
{
    size_t n = world_head(answer).n;

    return span_of(answer->p + n, answer->n - n);
}

void
world_expect(const char *says, int status, int want, const struct buf *answer, const char *holds)
{
    if (status != want || memmem(answer->p, answer->n, holds, strlen(holds)) == NULL)
        fail_msg("%s: not %d with %s:\n%s", says, want, holds, (const char *)answer->p);
}

void
world_chain(const struct span *certs, size_t n, struct buf *out)
{
    out->n = 0;
    assert_int_equal(buf_printf(out, "{\"chain\":["), RES_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(buf_printf(out, i == 0 ? "\"" : ",\""), RES_OK);
        assert_int_equal(text_base64(certs[i], out), RES_OK);
        assert_int_equal(buf_printf(out, "\""), RES_OK);
    }
    assert_int_equal(buf_printf(out, "]}"), RES_OK);
}

void
world_certify(struct world *w, const char *address)
{
    EVP_PKEY *key = mint_key(MINT_P256);
    X509 *x = mint_leaf(address, key, w->ca_cert, w->ca_key);
    struct span der[2] = {mint_der(x), w->ca};
    struct buf json = BUF_INIT(1 << 20), answer = BUF_INIT(1 << 20);

    world_chain(der, 2, &json);
    world_expect(address, world_ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), &answer),
                 200, &answer, "\"sct_version\"");
    mint_free(der[0]);
    X509_free(x);
    EVP_PKEY_free(key);
    buf_release(&json);
    buf_release(&answer);
}
