/* cartulary-hammer: loads a log and measures how it answers; see options.c. */
#include "tests/bench/hammer/modes.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#define COMPLAINTS_MAX 5

void
complain(int status, struct span body)
{
    static unsigned said;
    if (said++ < COMPLAINTS_MAX)
        fprintf(stderr, "hammer: %d %.*s\n", status, (int)(body.n < 300 ? body.n : 300),
                (const char *)body.p);
}

static double
own_cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double
quantile_ms(const struct load_result *r, double q)
{
    return (double)histogram_quantile(&r->latency, q) / 1e6;
}

static double
per_request_us(const struct load_result *r, double seconds)
{
    return r->requests == 0 ? 0 : seconds * 1e6 / (double)r->requests;
}

static void
say_json(const struct load_result *r, double own)
{
    printf("{\"requests\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"seconds\":%.6f,\"rate\":%.1f,\"p50_ms\":%.4f,\"p90_ms\":%.4f,\"p99_ms\":%.4f,"
           "\"max_ms\":%.4f,\"client_cpu_us_per_request\":%.3f",
           r->requests, r->errors, r->lost, r->seconds,
           r->seconds > 0 ? (double)r->requests / r->seconds : 0, quantile_ms(r, 0.5),
           quantile_ms(r, 0.9), quantile_ms(r, 0.99), (double)r->latency.max / 1e6,
           per_request_us(r, own));
    if (r->processes_read)
        printf(",\"server_cpu_us_per_request\":%.3f,\"rss_anon\":%" PRIu64,
               per_request_us(r, r->cpu_seconds), r->rss_anon);
    printf("}\n");
}

static void
say_text(const struct load_result *r, double own)
{
    printf("%" PRIu64 " requests in %.3f s: %.0f/s, %" PRIu64 " errors, %" PRIu64 " lost\n",
           r->requests, r->seconds, r->seconds > 0 ? (double)r->requests / r->seconds : 0,
           r->errors, r->lost);
    printf("latency ms: p50 %.3f  p90 %.3f  p99 %.3f  max %.3f\n", quantile_ms(r, 0.5),
           quantile_ms(r, 0.9), quantile_ms(r, 0.99), (double)r->latency.max / 1e6);
    printf("client: %.2f us of CPU a request\n", per_request_us(r, own));
    if (r->processes_read)
        printf("server: %.2f us of CPU a request, %.1f MB anonymous\n",
               per_request_us(r, r->cpu_seconds), (double)r->rss_anon / 1e6);
}

int
main(int argc, char **argv)
{
    static struct options o;
    static struct load_result r;
    struct load_source source;
    struct submit *submit = NULL;
    struct table *table = NULL;
    options_read(argc, argv, &o);
    signal(SIGPIPE, SIG_IGN);
    struct load_options how = {.target = &o.target,
                               .processes = &o.processes,
                               .connections = o.connections,
                               .rate = o.rate,
                               .duration = o.duration,
                               .stop_on_loss = o.stop_on_loss};
    bool ok = o.mode == MODE_SUBMIT ? submit_begin(&o, &submit, &source)
              : o.mode == MODE_GET  ? get_begin(&o, &table, &source)
                                    : proofs_begin(&o, &table, &source);
    double own = own_cpu_seconds();
    ok = ok && load_run(&how, &source, &r);
    own = own_cpu_seconds() - own;
    ok = submit_end(submit) && ok;
    table_end(table);
    if (!ok)
        return 3;
    if (o.json)
        say_json(&r, own);
    else
        say_text(&r, own);
    return r.errors > 0 || (r.lost > 0 && !o.stop_on_loss) ? 1 : 0;
}
