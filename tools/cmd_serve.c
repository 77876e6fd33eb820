/* cartularyd serve: run the log. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "api/http/api.h"
#include "tools/cartularyd.h"

#define LISTEN_DEFAULT "127.0.0.1:6962"

static const char HELP[] =
    "cartularyd serve DIR [--listen HOST:PORT|unix:PATH] [--insecure]\n"
    "\n"
    "Serves the log in DIR over HTTP until SIGTERM or SIGINT; then it takes no more connections,\n"
    "answers what has begun, and ends with exit code 0.  SIGHUP reads DIR/roots.pem and "
    "DIR/tokens\n"
    "again; event=roots-none says that no root in the file takes submissions.  One line\n"
    "of \"event=… key=value …\" on stderr for everything that an operator may want to know.\n"
    "\n"
    "  --listen   where to listen, " LISTEN_DEFAULT " unless told; \"[::1]:PORT\" for IPv6;\n"
    "             port 0 takes any free one, which the line event=listening tells\n"
    "  --insecure allows an address that is not loopback.  HTTP has no secrets and no\n"
    "             authenticity: strangers belong behind a TLS front\n"
    "\n"
    "    cartularyd serve /var/lib/mylog\n"
    "    cartularyd serve /var/lib/mylog --listen unix:/run/mylog/http\n"
    "\n"
    "Exit codes: 0 stopped by a signal, 1 the log refuses to start (halted, a copy, behind its "
    "own\n"
    "head) or halted while running, 2 wrong usage or configuration, 3 not now, 5 a fault of this\n"
    "machine.  After 1 nothing may start it again by itself: a log that halted because its disk\n"
    "takes no more could not write DIR/halted either; 'cartularyd fsck DIR' first.\n";

struct options {
    const char *dir;
    const char *listen;
    bool insecure;
};

struct daemon {
    struct api api;
    struct config config;
    bool halted; /* written before server_stop, read after server_run */
};

/* ---- log lines ---- */

static void
write_line(void *arg, const char *event, const char *fields)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct timespec now;
    struct tm tm;
    char when[32] = "";

    (void)arg;
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    pthread_mutex_lock(&lock);
    (void)fprintf(stderr, "time=%s.%03ldZ event=%s%s%s\n", when, now.tv_nsec / 1000000, event,
                  fields[0] != '\0' ? " " : "", fields);
    pthread_mutex_unlock(&lock);
}

/* ---- what the server asks ---- */

static void
on_drain(void *app)
{
    struct api *a = app;

    log_drain(a->log);
}

/* What was added is a line of the log's own. */
static void
on_hangup(void *app)
{
    struct api *a = app;
    struct log_trouble why = {""};
    size_t added;
    char fields[sizeof why + 64];
    enum result r = log_reload_roots(a->log, &added, &why);

    if (r == RES_OK)
        return;
    (void)snprintf(fields, sizeof fields, "reason=%s detail=\"%s\"", result_name(r), why.text);
    write_line(NULL, "roots-kept", fields);
}

/* From the sequencer's thread: nothing will be signed any more. */
static void
on_halt(void *arg)
{
    struct daemon *d = arg;

    d->halted = true;
    if (d->api.server != NULL)
        server_stop(d->api.server);
}

/* ---- run ---- */

static enum result
make_server(struct daemon *d, const struct options *o, const char **why)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct config *c = &d->config;
    struct server_options s = {
        .listen = o->listen,
        .insecure = o->insecure,
        .signals = true,
        .connections = c->connections,
        .workers = c->workers != 0 ? c->workers
                   : cores > 0     ? (unsigned)cores
                                   : 1,
        .head_ms = c->head_timeout_ms,
        .body_ms = c->body_timeout_ms,
        .idle_ms = c->idle_timeout_ms,
        .client_rate = c->client_rate,
        .lookup_rate = c->lookup_rate,
        .lookup_burst = c->lookup_burst,
        .client_burst = c->client_burst,
        .trust = {.nets = c->trusted_proxy, .n = c->trusted_proxies, .unix_peers = c->trusted_unix},
        .routes = api_routes(c->body_max),
        .hooks = {.app = &d->api,
                  .thread_new = api_thread_new,
                  .thread_free = api_thread_free,
                  .drain = on_drain,
                  .hangup = on_hangup,
                  .line = write_line},
    };

    return server_new(&s, &d->api.server, why);
}

/* The log is open: serve it until told to stop. */
static int
serve(struct daemon *d, const struct options *o)
{
    const char *why = "";
    char fields[256];
    enum result r = make_server(d, o, &why);

    if (r != RES_OK) {
        daemon_complain("cannot listen on %s: %s", o->listen,
                        why[0] != '\0' ? why : result_sentence(r));
        return daemon_exit_code(r);
    }
    log_on_halt(d->api.log, on_halt, d);
    r = log_start(d->api.log);
    if (r != RES_OK) {
        daemon_complain("cannot start: %s", result_sentence(r));
        server_free(d->api.server);
        return d->halted ? DAEMON_REFUSED : daemon_exit_code(r);
    }
    (void)snprintf(fields, sizeof fields, "address=%s entries=%s", server_address(d->api.server),
                   d->config.entries_public ? "public" : "auditors");
    write_line(NULL, "listening", fields);
    server_run(d->api.server);
    server_free(d->api.server);
    write_line(NULL, "stopped", "");
    return d->halted ? DAEMON_REFUSED : DAEMON_OK;
}

static int
take_options(int argc, char **argv, struct options *o)
{
    static const struct option OPTIONS[] = {{"listen", required_argument, NULL, 'l'},
                                            {"insecure", no_argument, NULL, 'i'},
                                            {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c == 'l')
            o->listen = optarg;
        else if (c == 'i')
            o->insecure = true;
        else
            return DAEMON_USAGE;
    }
    if (optind + 1 != argc)
        return DAEMON_USAGE;
    o->dir = argv[optind];
    return DAEMON_OK;
}

/* Reads DIR's configuration, or says what is wrong with it. */
static enum result
load(const char *dir, struct config *c)
{
    char detail[CONFIG_TEXT_MAX] = "";
    int line = 0;
    enum result r = config_load(dir, c, &line, detail);

    if (r == RES_ABSENT)
        daemon_complain("%s holds no cartulary.conf; 'cartularyd init' makes a log", dir);
    else if (r != RES_OK)
        daemon_complain("%s/cartulary.conf:%d: %s", dir, line, detail);
    return r;
}

int
cmd_serve(int argc, char **argv)
{
    struct options o = {.listen = LISTEN_DEFAULT};
    struct daemon d = {.halted = false};
    struct log_sink sink = {.line = write_line};
    struct log_trouble why = {""};
    enum result r;
    int code;

    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (take_options(argc, argv, &o) != DAEMON_OK) {
        daemon_complain("serve wants DIR; see 'cartularyd serve --help'");
        return DAEMON_USAGE;
    }
    r = load(o.dir, &d.config);
    if (r != RES_OK)
        return r == RES_ABSENT ? DAEMON_USAGE : daemon_exit_code(r);
    r = log_open(&d.config, sink, &d.api.log, &why);
    if (r != RES_OK) {
        daemon_complain("%s: %s", result_name(r),
                        why.text[0] != '\0' ? why.text : result_sentence(r));
        return daemon_exit_code(r);
    }
    d.api.config = &d.config;
    code = serve(&d, &o);
    log_close(d.api.log);
    return code;
}
