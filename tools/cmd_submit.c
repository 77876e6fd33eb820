/* cartulary submit: hand certificates in and come back with receipts. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/json.h"
#include "client/session.h"
#include "tools/cmd.h"
#include "tools/crew.h"
#include "tools/filelist.h"
#include "tools/receipts.h"
#include "tools/seen.h"

#define PARALLEL 16

static const struct option OPTIONS[] = {
    {"from", required_argument, NULL, 'f'},     {"receipts", required_argument, NULL, 'r'},
    {"parallel", required_argument, NULL, 'p'}, {"log", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};

struct submission {
    struct app *app;
    const struct policy_log *log;
    struct filelist files;
    struct receipts receipts;
    size_t next;
    size_t done, skipped, refused, later, failed;
    size_t unreachable; /* in a row */
    unsigned parallel;
    uint64_t shown; /* when progress was last shown */
    int exit;
};

/* One file's outcome that is not a receipt. */
static void
fail(struct submission *s, const char *file, int code, const char *why, const char *detail)
{
    s->exit = app_worse(s->exit, code);
    if (code == EXIT_INPUT)
        s->refused++;
    else if (code == EXIT_LATER)
        s->later++;
    else
        s->failed++;
    if (s->app->o.json) {
        struct buf line = BUF_INIT(16384);
        enum result r = buf_add(&line, span_str("{\"file\":"));
        if (r == RES_OK)
            r = json_write_string(span_str(file), &line);
        if (r == RES_OK)
            r = buf_printf(&line, ",\"exit\":%d,\"why\":\"%s\",\"detail\":", code, why);
        if (r == RES_OK)
            r = json_write_string(span_str(detail), &line);
        if (r == RES_OK)
            (void)fprintf(stderr, "%.*s}\n", (int)line.n, (const char *)line.p);
        buf_release(&line);
    } else {
        app_say("%s: %s", file, detail);
    }
}

/* On a terminal, a line that is written over. */
static void
progress(struct submission *s, bool last)
{
    uint64_t now = app_now();
    if (s->files.n < 2 || isatty(STDERR_FILENO) == 0 || (!last && now < s->shown + 200))
        return;
    s->shown = now;
    (void)fprintf(stderr, "\r%zu of %zu: %zu logged, %zu refused, %zu later%s",
                  s->done + s->skipped + s->refused + s->later + s->failed, s->files.n,
                  s->done + s->skipped, s->refused, s->later, last ? "\n" : "  ");
}

/* Whether the stored receipt is really one for this file, from this log. */
static bool
is_done(const struct submission *s, const char *path, const struct entry *entry)
{
    struct span line = receipts_find(&s->receipts, path);
    struct receipt_verdict v;
    struct receipt receipt;
    if (line.n == 0)
        return false;
    receipt_init(&receipt);
    enum result r = receipt_parse(line, &receipt);
    if (r == RES_OK)
        r = receipt_verify(&receipt, s->app->policy, entry, &v);
    receipt_release(&receipt);
    return r == RES_OK && v.log == s->log;
}

/* RES_OK with *ret NULL: its receipt is there already.  Else why says what is wrong. */
static enum result
open_session(struct submission *s, const char *path, struct session **ret,
             char why[static APP_REASON_MAX])
{
    struct certs pem = CERTS_INIT;
    struct subject subject = SUBJECT_INIT;
    const struct session_config c = {.log = s->log, .seed = s->next};
    *ret = NULL;
    enum result r = app_load_certs(path, &pem, why);
    const bool loaded = r == RES_OK;
    const struct subject_chain chain = {.certs = pem.certs,
                                        .n = pem.n,
                                        .anchors = s->app->anchors,
                                        .anchor_count = s->app->anchor_count};
    if (r == RES_OK)
        r = subject_submitted(&chain, &subject);
    if (r == RES_OK) {
        const struct entry entry = subject_entry(&subject);
        if (!is_done(s, path, &entry))
            r = session_submit(&c, &subject, &chain, app_now(), ret);
    }
    if (loaded && r != RES_OK)
        (void)app_reason(r, why);
    subject_release(&subject);
    certs_release(&pem);
    return r;
}

static struct session *
next(void *arg, void **ret_tag)
{
    struct submission *s = arg;
    /* A log that nobody in the crew can reach is not asked once more for each of a million files.
     */
    if (s->unreachable >= s->parallel && s->next < s->files.n) {
        app_say("the log cannot be reached: %zu files were not tried", s->files.n - s->next);
        s->later += s->files.n - s->next;
        s->exit = app_worse(s->exit, EXIT_LATER);
        s->next = s->files.n;
    }
    while (s->next < s->files.n) {
        char *path = s->files.path[s->next++];
        struct session *session;
        char why[APP_REASON_MAX] = "", detail[APP_REASON_MAX + 32];
        progress(s, false);
        enum result r = open_session(s, path, &session, why);
        if (r == RES_OK && session != NULL) {
            *ret_tag = path;
            return session;
        }
        if (r == RES_OK) {
            s->skipped++;
            continue;
        }
        (void)snprintf(detail, sizeof detail, "cannot be submitted: %s", why);
        fail(s, path, r == RES_MEMORY ? EXIT_FAULT : EXIT_INPUT, result_name(r), detail);
    }
    return NULL;
}

static void
ended(void *arg, void *tag, const struct session *session)
{
    struct submission *s = arg;
    const char *path = tag;
    const struct verdict *v = session_verdict(session);
    struct receipt receipt;
    s->unreachable = v->kind == VERDICT_LATER && v->why == RES_UNREACHABLE ? s->unreachable + 1 : 0;
    if (v->kind != VERDICT_YES) {
        int code = app_exit_of(v->kind);
        fail(s, path, code, result_name(v->why), v->detail);
        if (v->kind == VERDICT_REFUSED && v->evidence.n > 0)
            s->exit = app_worse(s->exit, seen_save_evidence(s->app, s->log, v));
        return;
    }
    receipt_init(&receipt);
    enum result r = session_receipt(session, span_str(path), &receipt);
    if (r == RES_OK)
        r = receipts_append(&s->receipts, &receipt);
    receipt_release(&receipt);
    if (r == RES_OK) {
        s->done++;
        progress(s, false);
    } else {
        fail(s, path, EXIT_FAULT, result_name(r),
             r == RES_IO ? strerror(errno) : result_sentence(r));
    }
}

static void
summary(const struct submission *s)
{
    if (!s->app->o.json)
        app_say("%zu logged and verified, %zu had their receipt already, %zu refused or "
                "unreadable, %zu left for "
                "later, %zu failed%s",
                s->done, s->skipped, s->refused, s->later, s->failed,
                s->later > 0 && s->receipts.is_file ? "; run the same command again to go on" : "");
}

static int
submit(struct submission *s, const char *origin, const char *receipts, unsigned parallel)
{
    s->log = app_choose_log(s->app, origin);
    if (s->log == NULL)
        return EXIT_INPUT;
    enum result r = receipts_open(receipts, &s->receipts);
    if (r != RES_OK) {
        /* A path that cannot be is the caller's mistake, not this machine's. */
        bool misnamed = r == RES_IO && (errno == ENOENT || errno == ENOTDIR || errno == EISDIR);
        app_say("cannot open the receipts %s: %s", receipts,
                r != RES_IO       ? result_sentence(r)
                : errno == ENOENT ? "there is no such directory"
                                  : strerror(errno));
        return misnamed ? EXIT_INPUT : EXIT_FAULT;
    }
    if (s->receipts.torn > 0)
        app_say("%s: cut off %zu bytes of a receipt that was not written to its end", receipts,
                s->receipts.torn);
    s->parallel = parallel;
    const struct crew_config c = {
        .app = s->app, .log = s->log, .parallel = parallel, .next = next, .ended = ended, .arg = s};
    s->exit = app_worse(s->exit, crew_run(&c));
    progress(s, true);
    return s->exit;
}

static int
with_files(const struct options *o, struct submission *s, const char *origin, const char *receipts,
           unsigned parallel)
{
    struct app a;
    int e = app_open(&a, o, true);
    s->app = &a;
    if (e == EXIT_YES)
        e = submit(s, origin, receipts, parallel);
    if (s->parallel > 0) /* it came to submitting */
        summary(s);
    if (receipts_close(&s->receipts) != RES_OK) {
        app_say("cannot write the receipts: %s", strerror(errno));
        e = EXIT_FAULT;
    }
    app_close(&a);
    return e;
}

static int
run(const struct options *o, int argc, char **argv)
{
    struct submission s = {.exit = EXIT_YES};
    const char *from = NULL, *receipts = NULL, *origin = NULL;
    unsigned long parallel = PARALLEL;
    bool ok = true;
    char *end;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'f')
            from = optarg;
        else if (c == 'r')
            receipts = optarg;
        else if (c == 'l')
            origin = optarg;
        else if (c == 'h')
            return cmd_help(&CMD_SUBMIT);
        else if (c == 'p') {
            parallel = strtoul(optarg, &end, 10);
            if (*end != '\0' || parallel < 1 || parallel > CREW_PARALLEL_MAX)
                return cmd_usage(&CMD_SUBMIT, "--parallel takes 1 to %d", CREW_PARALLEL_MAX);
        } else
            return cmd_usage(&CMD_SUBMIT, "unknown option");
    }
    if ((from == NULL) == (optind == argc))
        return cmd_usage(&CMD_SUBMIT, "name chain files, or a directory with --from");
    for (int i = optind; ok && i < argc; i++)
        ok = filelist_add(&s.files, argv[i]);
    if (ok && from != NULL)
        ok = strcmp(from, "-") == 0 ? filelist_add_stdin(&s.files)
                                    : filelist_add_directory(&s.files, from);
    int e = EXIT_INPUT;
    if (!ok)
        app_say("%s: %s", from != NULL ? from : "files", strerror(errno));
    else if (s.files.n == 0)
        app_say("%s holds no .pem, .crt, .cer or .der file", from);
    else
        e = with_files(o, &s, origin, receipts, (unsigned)parallel);
    filelist_release(&s.files);
    return e;
}

const struct command CMD_SUBMIT = {
    .name = "submit",
    .arguments = "CHAIN.pem... | --from DIR|-  [--receipts FILE] [--parallel N] [--log ORIGIN]",
    .purpose = "hand certificates in, verify that they were logged, keep receipts",
    .help =
        "Each file holds one chain: the certificate or precertificate first, then its issuers; the "
        "root may be left\n"
        "out.  The log answers with an SCT; its signature is verified, then a signed head that "
        "covers the entry is\n"
        "waited for, verified, shown to be consistent with everything seen before, and the "
        "inclusion proof is\n"
        "fetched and verified.  Only then a receipt is written: one line of JSON, which proves all "
        "this offline\n"
        "(`cartulary verify CHAIN.pem --receipt FILE`).\n"
        "\n"
        "  --from DIR          every .pem, .crt, .cer and .der file of DIR; -: file names on "
        "standard input\n"
        "  --receipts FILE     append receipts to FILE instead of standard output; files whose "
        "receipt is in it\n"
        "                      already are skipped, so the same command goes on where it was "
        "interrupted\n"
        "  --parallel N        this many at once (16)\n"
        "  --log ORIGIN        which log of the policy, when it names several\n"
        "\n"
        "A busy log (429, 503) is asked again, as it asks to be.  The exit code is that of the "
        "worst file: 5 disk or\n"
        "memory, 4 proof refused, 3 left for later, 2 refused by the log or unreadable, 0 all "
        "logged.\n"
        "\n"
        "example: cartulary --policy log.policy submit --from issued/ --receipts receipts.jsonl\n",
    .run = run,
};
