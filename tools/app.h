/*
 * What the subcommands of `cartulary` share: options, policy, trust anchors, state directory, words
 * for people.
 */
#ifndef TOOLS_APP_H
#define TOOLS_APP_H

#include "client/certs.h"
#include "client/io/statefile.h"
#include "client/policy.h"
#include "client/verdict.h"
#include "client/view.h"

/* The exit codes of every subcommand. */
enum {
    EXIT_YES = 0,     /* every proof verified */
    EXIT_NO = 1,      /* a negative answer, proved */
    EXIT_INPUT = 2,   /* bad usage or input */
    EXIT_LATER = 3,   /* unreachable, stale, or our clock: try later */
    EXIT_REFUSED = 4, /* proof refused; an evidence file is named */
    EXIT_FAULT = 5    /* disk, memory */
};

struct options {
    const char *policy; /* NULL: the usual places */
    const char *trust;
    const char *state;
    bool stateless;
    bool json;
};

struct app {
    struct options o;
    struct policy *policy;
    struct certs trust;
    struct span *anchors; /* --trust and the policy's, borrowed certificates in an owned array */
    size_t anchor_count;
    char state_path[4096];
    struct statedir dir; /* not open with --stateless */
    struct view *views;  /* one for each log of the policy */
    bool *view_loaded;
};

/* Room for a sentence about a result. */
#define APP_REASON_MAX 256

/* Why r: errno's words for RES_IO (call before errno moves), else the sentence, with the paragraph
 * when there is one.  Returns out. */
const char *app_reason(enum result r, char out[static APP_REASON_MAX]);

/* Reads the certificates in the file at path ("-": standard input) into *ret, CERTS_INIT before;
 * on an error why tells a file that is not there from one that holds no certificate.  Errors of
 * file_read and certs_parse. */
MUST_CHECK enum result app_load_certs(const char *path, struct certs *ret,
                                      char why[static APP_REASON_MAX]);

/* Loads what the options name; state: also opens the state directory.  Returns EXIT_YES, or says
 * what is wrong and returns the exit code.  app_close in any case. */
int app_open(struct app *a, const struct options *o, bool state);
void app_close(struct app *a);

/* Reads policy and trust only when a policy can be found; *a->policy may then be NULL.  For offline
 * checks. */
int app_open_offline(struct app *a, const struct options *o, bool policy_required);

/* The log that --log names, or the only usable one; NULL after saying what is wrong. */
const struct policy_log *app_choose_log(const struct app *a, const char *origin);

/* The exit code of a verdict. */
int app_exit_of(enum verdict_kind kind);
/* Which of two exit codes a run with several parts ends with: 5, 4, 3, 2, 1, 0 in this order. */
int app_worse(int a, int b);

/* Milliseconds since 1970. */
uint64_t app_now(void);

/* "2026-01-02 03:04:05 UTC" from milliseconds. */
#define APP_TIME_MAX 40
void app_time(uint64_t ms, char out[static APP_TIME_MAX]);

/* stderr: "cartulary: …\n". */
void app_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
