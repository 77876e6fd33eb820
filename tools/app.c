#include "tools/app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000

void
app_say(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)fputs("cartulary: ", stderr);
    (void)vfprintf(stderr, format, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
}

uint64_t
app_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
app_time(uint64_t ms, char out[static APP_TIME_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(out, APP_TIME_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(out, APP_TIME_MAX, "%" PRIu64 " ms", ms);
}

int
app_exit_of(enum verdict_kind kind)
{
    static const int codes[] = {EXIT_FAULT, EXIT_YES,     EXIT_INPUT,
                                EXIT_LATER, EXIT_REFUSED, EXIT_FAULT};
    return codes[kind];
}

int
app_worse(int a, int b)
{
    return a > b ? a : b;
}

const char *
app_reason(enum result r, char out[static APP_REASON_MAX])
{
    const char *source = result_source(r);
    if (r == RES_IO)
        (void)snprintf(out, APP_REASON_MAX, "%s", strerror(errno));
    else if (strcmp(source, "-") == 0)
        (void)snprintf(out, APP_REASON_MAX, "%s", result_sentence(r));
    else
        (void)snprintf(out, APP_REASON_MAX, "%s (%s)", result_sentence(r), source);
    return out;
}

enum result
app_load_certs(const char *path, struct certs *ret, char why[static APP_REASON_MAX])
{
    struct buf text = BUF_INIT(CERTS_FILE_MAX);
    const char *absent = "no such file";
    enum result r = file_read(path, &text);
    if (r == RES_OK) {
        absent = "it holds no certificate";
        r = certs_parse(buf_span(&text), ret);
    }
    if (r == RES_ABSENT)
        (void)snprintf(why, APP_REASON_MAX, "%s", absent);
    else if (r != RES_OK)
        (void)app_reason(r, why);
    buf_release(&text);
    return r;
}

/* ---- policy and trust ---- */

/* $variable/suffix, or $HOME/fallback/suffix.  False when neither is set. */
static bool
home_path(const char *variable, const char *fallback, const char *suffix, char *out, size_t cap)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    int n;
    if (base != NULL && base[0] == '/')
        n = snprintf(out, cap, "%s/%s", base, suffix);
    else if (home != NULL && home[0] != '\0')
        n = snprintf(out, cap, "%s/%s/%s", home, fallback, suffix);
    else
        return false;
    return n > 0 && (size_t)n < cap;
}

static bool
find_policy(const struct options *o, char *out, size_t cap)
{
    if (o->policy != NULL)
        return snprintf(out, cap, "%s", o->policy) < (int)cap;
    if (home_path("XDG_CONFIG_HOME", ".config", "cartulary/policy", out, cap) &&
        access(out, R_OK) == 0)
        return true;
    (void)snprintf(out, cap, "/etc/cartulary/policy");
    return access(out, R_OK) == 0;
}

/* A file that the user named cannot be read. */
static int
cannot_read(const char *what, const char *path, enum result r)
{
    app_say("cannot read the %s %s: %s", what, path,
            r == RES_IO       ? strerror(errno)
            : r == RES_ABSENT ? "no such file"
                              : result_sentence(r));
    return r == RES_MEMORY ? EXIT_FAULT : EXIT_INPUT;
}

static int
load_policy(struct app *a, bool required)
{
    char path[4096], detail[POLICY_DETAIL_MAX];
    struct buf text = BUF_INIT(POLICY_MAX);
    size_t line;
    if (!find_policy(&a->o, path, sizeof path)) {
        if (!required)
            return EXIT_YES;
        app_say(
            "no policy: name one with --policy FILE (a log's operator hands it out), or put it at "
            "~/.config/cartulary/policy");
        return EXIT_INPUT;
    }
    enum result r = file_read(path, &text);
    if (r != RES_OK) {
        buf_release(&text);
        return cannot_read("policy", path, r);
    }
    r = policy_parse(buf_span(&text), &a->policy, &line, detail);
    buf_release(&text);
    if (r == RES_OK)
        return EXIT_YES;
    if (line > 0)
        app_say("%s, line %zu: %s", path, line, detail[0] != '\0' ? detail : result_sentence(r));
    else
        app_say("%s: %s", path, detail[0] != '\0' ? detail : result_sentence(r));
    return r == RES_MEMORY ? EXIT_FAULT : EXIT_INPUT;
}

static int
load_trust(struct app *a)
{
    struct buf text = BUF_INIT(CERTS_FILE_MAX);
    enum result r = RES_OK;
    size_t from_policy = a->policy == NULL ? 0 : policy_anchors(a->policy);
    if (a->o.trust != NULL) {
        r = file_read(a->o.trust, &text);
        if (r == RES_OK)
            r = certs_parse(buf_span(&text), &a->trust);
    }
    buf_release(&text);
    if (r != RES_OK)
        return cannot_read("trust anchors", a->o.trust, r);
    a->anchors = calloc(a->trust.n + from_policy + 1, sizeof *a->anchors);
    if (a->anchors == NULL) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    for (size_t i = 0; i < a->trust.n; i++)
        a->anchors[a->anchor_count++] = a->trust.certs[i];
    for (size_t i = 0; i < from_policy; i++)
        a->anchors[a->anchor_count++] = policy_anchor(a->policy, i);
    return EXIT_YES;
}

int
app_open_offline(struct app *a, const struct options *o, bool policy_required)
{
    *a = (struct app){.o = *o, .dir = STATEDIR_INIT, .trust = CERTS_INIT};
    int e = load_policy(a, policy_required);
    return e == EXIT_YES ? load_trust(a) : e;
}

/* ---- state ---- */

static int
open_state(struct app *a)
{
    if (a->o.stateless) {
        app_say("--stateless: nothing is remembered, so a log that shows you another tree than "
                "before, or than "
                "it shows to others, is not noticed");
        return EXIT_YES;
    }
    if (a->o.state != NULL)
        (void)snprintf(a->state_path, sizeof a->state_path, "%s", a->o.state);
    else if (!home_path("XDG_STATE_HOME", ".local/state", "cartulary", a->state_path,
                        sizeof a->state_path)) {
        app_say("no place for the state: set HOME or XDG_STATE_HOME, or use --state DIR or "
                "--stateless");
        return EXIT_INPUT;
    }
    enum result r = statedir_open(a->state_path, LOCK_WAIT_MS, &a->dir);
    if (r == RES_OK)
        return EXIT_YES;
    if (r == RES_BUSY) {
        app_say("another run of cartulary is using %s: try again when it has ended", a->state_path);
        return EXIT_LATER;
    }
    app_say("cannot open the state directory %s: %s", a->state_path, strerror(errno));
    return EXIT_FAULT;
}

int
app_open(struct app *a, const struct options *o, bool state)
{
    int e = app_open_offline(a, o, true);
    if (e == EXIT_YES && state)
        e = open_state(a);
    if (e != EXIT_YES)
        return e;
    a->views = calloc(policy_logs(a->policy) + 1, sizeof *a->views);
    a->view_loaded = calloc(policy_logs(a->policy) + 1, sizeof *a->view_loaded);
    if (a->views != NULL && a->view_loaded != NULL)
        return EXIT_YES;
    app_say("no memory");
    return EXIT_FAULT;
}

void
app_close(struct app *a)
{
    for (size_t i = 0; a->views != NULL && a->policy != NULL && i < policy_logs(a->policy); i++)
        view_release(&a->views[i]);
    free(a->views);
    free(a->view_loaded);
    free(a->anchors);
    certs_release(&a->trust);
    policy_free(a->policy);
    statedir_close(&a->dir);
    *a = (struct app){.dir = STATEDIR_INIT};
}

const struct policy_log *
app_choose_log(const struct app *a, const char *origin)
{
    const struct policy_log *found = NULL;
    for (size_t i = 0; i < policy_logs(a->policy); i++) {
        const struct policy_log *l = policy_log(a->policy, i);
        if (origin != NULL ? strcmp(l->note.name, origin) != 0 : l->p256 == NULL)
            continue;
        if (found != NULL) {
            app_say("the policy names several logs: choose one with --log ORIGIN, such as --log %s",
                    found->note.name);
            return NULL;
        }
        found = l;
    }
    if (found == NULL)
        app_say(origin != NULL ? "the policy names no log %s"
                               : "the policy names no log that can be used%s: a \"#cartulary "
                                 "ct-key\" line is missing",
                origin != NULL ? origin : "");
    else if (found->p256 == NULL || found->url[0] == '\0') {
        app_say("the policy gives no %s for %s", found->p256 == NULL ? "ct-key" : "URL",
                found->note.name);
        found = NULL;
    }
    return found;
}
