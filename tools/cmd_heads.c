/* cartulary heads: what has each log shown us, and is it what it showed a friend? */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/shown.h"
#include "merkle/base/text.h"
#include "tools/cmd.h"
#include "tools/follow.h"
#include "tools/friend.h"
#include "tools/seen.h"

static const struct option OPTIONS[] = {{"compare", required_argument, NULL, 'c'},
                                        {"checkpoint", no_argument, NULL, 'p'},
                                        {"log", required_argument, NULL, 'l'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static void
print_view(const struct app *a, const struct policy_log *log, const struct view *v)
{
    char id[2 * HASH_SIZE + 1], root[2 * HASH_SIZE + 1], time[APP_TIME_MAX];
    text_hex_to(hash_span(p256_key_id(log->p256)), id);
    if (!a->o.json)
        (void)printf("%s (%zu heads; the file to give to a friend is %s/%s.view)\n", log->note.name,
                     v->n, a->o.stateless ? "-" : a->state_path, id);
    for (size_t i = 0; i < v->n; i++) {
        const struct head *h = &v->heads[i].head;
        text_hex_to(hash_span(&h->root), root);
        app_time(h->timestamp, time);
        if (a->o.json)
            (void)printf("{\"log\":\"%s\",\"log_id\":\"%s\",\"tree_size\":%" PRIu64
                         ",\"timestamp\":%" PRIu64 ",\"root\":\"%s\"}\n",
                         log->note.name, id, h->size, h->timestamp, root);
        else
            (void)printf("  %10" PRIu64 "  %s  %s\n", h->size, root, time);
    }
}

/* The log has to link a head of the friend's with one of ours. */
static int
link_heads(struct app *a, struct transport *t, const struct policy_log *log,
           const struct view_head *ours, const struct view_head *theirs)
{
    const struct monitor_config c = {.log = log, .policy = a->policy, .seed = app_now()};
    bool ours_older = head_relate(&ours->head, &theirs->head) == HEAD_OLDER;
    struct monitor *m = NULL;
    if (monitor_new_link(&c, ours_older ? ours : theirs, ours_older ? theirs : ours, &m) !=
        RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    int e = follow_run(t, log, m);
    if (e == EXIT_YES) {
        const struct verdict *v = monitor_verdict(m);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s", v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = seen_save_evidence(a, log, v);
    }
    monitor_free(m);
    return e;
}

/* A contradiction that needs no proof: any two heads of the two views. */
static int
find_contradiction(struct app *a, const struct policy_log *log, const struct view *ours,
                   const struct view *theirs)
{
    for (size_t i = 0; i < ours->n; i++) {
        for (size_t k = 0; k < theirs->n; k++) {
            const struct view_head *x = &ours->heads[i], *y = &theirs->heads[k];
            enum head_relation rel = head_relate(&x->head, &y->head);
            if (!head_contradicts(rel))
                continue;
            struct verdict v;
            verdict_init(&v);
            verdict_end(&v, VERDICT_REFUSED, RES_CONFLICT,
                        "your friend was shown another log (%s): size %" PRIu64
                        " and size %" PRIu64,
                        head_relation_name(rel), x->head.size, y->head.size);
            v.evidence_kind = EVIDENCE_HEADS;
            enum result r =
                evidence_write_heads(log, (struct evidence_head){x->form, buf_span(&x->bytes)},
                                     (struct evidence_head){y->form, buf_span(&y->bytes)},
                                     span_of(NULL, 0), &v.evidence);
            app_say("%s", v.detail);
            int e = r == RES_OK ? seen_save_evidence(a, log, &v) : EXIT_FAULT;
            verdict_release(&v);
            return e;
        }
    }
    return EXIT_YES;
}

/* Every head of the friend's is linked by one proof: its newest, since a view is a chain. */
static int
compare_views(struct app *a, const struct policy_log *log, const struct view *ours,
              const struct view *theirs)
{
    const struct transport_config tc = {0};
    const struct view_head *x = view_newest(ours), *y = view_newest(theirs);
    int e = find_contradiction(a, log, ours, theirs);
    if (e != EXIT_YES)
        return e;
    enum head_relation rel = head_relate(&x->head, &y->head);
    if (rel != HEAD_SAME && x->head.size > 0 && y->head.size > 0) {
        struct transport *t = NULL;
        if (transport_new(&tc, &t) != RES_OK) {
            app_say("cannot set up libcurl");
            return EXIT_FAULT;
        }
        e = link_heads(a, t, log, x, y);
        transport_free(t);
    }
    if (e == EXIT_YES && !a->o.json)
        (void)printf("%s: your friend was shown the same log (yours: size %" PRIu64
                     ", theirs: size %" PRIu64 ")\n",
                     log->note.name, x->head.size, y->head.size);
    return e;
}

static int
compare(struct app *a, const char *path)
{
    struct buf text = BUF_INIT(VIEW_MAX);
    struct view *theirs = calloc(1, sizeof *theirs);
    enum result r = theirs == NULL ? RES_MEMORY : file_read(path, &text);
    int e = EXIT_INPUT;
    size_t i = 0;
    if (r != RES_OK) {
        app_say("cannot read %s: %s", path, result_sentence(r));
        goto out;
    }
    if (shown_is(buf_span(&text))) {
        e = friend_compare(a, path, buf_span(&text));
        goto out;
    }
    /* The file says which log it is about; only a log of the policy can be compared. */
    for (r = RES_KEY; i < policy_logs(a->policy) && r == RES_KEY; i++)
        if (policy_log(a->policy, i)->p256 != NULL)
            r = view_parse(buf_span(&text), policy_log(a->policy, i), theirs);
    if (r != RES_OK) {
        app_say("%s: %s", path,
                r == RES_KEY ? "it is about a log that the policy does not name"
                             : result_sentence(r));
        goto out;
    }
    const struct policy_log *log = policy_log(a->policy, i - 1);
    struct view *ours = seen_view(a, log, &e);
    if (ours == NULL)
        goto out;
    if (view_newest(ours) == NULL) {
        app_say("nothing was seen of %s yet: run `cartulary monitor --once` first", log->note.name);
        goto out;
    }
    e = compare_views(a, log, ours, theirs);
out:
    buf_release(&text);
    if (theirs != NULL)
        view_release(theirs);
    free(theirs);
    return e;
}

static int
list(struct app *a, const char *origin)
{
    int e = EXIT_YES;
    for (size_t i = 0; i < policy_logs(a->policy); i++) {
        const struct policy_log *log = policy_log(a->policy, i);
        if (log->p256 == NULL || (origin != NULL && strcmp(origin, log->note.name) != 0))
            continue;
        const struct view *v = seen_view(a, log, &e);
        if (v == NULL)
            return e;
        print_view(a, log, v);
        e = friend_print(a, log);
        if (e != EXIT_YES)
            return e;
    }
    return e;
}

/* The newest checkpoint of one log as the log sent it: what promotes a backup. */
static int
print_checkpoint(struct app *a, const char *origin)
{
    int e = EXIT_YES;
    for (size_t i = 0; i < policy_logs(a->policy); i++) {
        const struct policy_log *log = policy_log(a->policy, i);
        if (log->p256 == NULL || (origin != NULL && strcmp(origin, log->note.name) != 0))
            continue;
        const struct view *v = seen_view(a, log, &e);
        const struct view_head *newest = v == NULL ? NULL : view_newest(v);
        if (v == NULL)
            return e;
        if (newest == NULL || newest->form != HEAD_CHECKPOINT) {
            app_say("no checkpoint of %s was seen yet: run `cartulary monitor --once` first",
                    log->note.name);
            return EXIT_LATER;
        }
        (void)fwrite(newest->bytes.p, 1, newest->bytes.n, stdout);
        return EXIT_YES;
    }
    app_say("the policy names no such log");
    return EXIT_INPUT;
}

static int
run(const struct options *o, int argc, char **argv)
{
    const char *file = NULL, *origin = NULL;
    bool checkpoint = false;
    struct app a;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'c')
            file = optarg;
        else if (c == 'p')
            checkpoint = true;
        else if (c == 'l')
            origin = optarg;
        else if (c == 'h')
            return cmd_help(&CMD_HEADS);
        else
            return cmd_usage(&CMD_HEADS, "unknown option");
    }
    if (optind != argc)
        return cmd_usage(&CMD_HEADS, "it takes no arguments");
    if (o->stateless)
        return cmd_usage(&CMD_HEADS, "with --stateless there are no heads to show");
    int e = app_open(&a, o, true);
    if (e == EXIT_YES)
        e = file != NULL ? compare(&a, file)
            : checkpoint ? print_checkpoint(&a, origin)
                         : list(&a, origin);
    app_close(&a);
    return e;
}

const struct command CMD_HEADS = {
    .name = "heads",
    .arguments = "[--compare FILE | --checkpoint] [--log ORIGIN]",
    .purpose = "show the signed heads that were seen, or compare them with a friend's",
    .help = "Prints size, root and time of each head that this client has verified.  The same "
            "heads, with their\n"
            "signatures, stand in the .view file that it names: give that to somebody else.  The "
            "newest head of a key\n"
            "directory stands in the .directory-head file; no address is in either.\n"
            "\n"
            "  --compare FILE      their .view file: every signature in it is verified, and the "
            "log has to prove that\n"
            "                      theirs and yours are the same log.  If it cannot, both heads "
            "are kept as evidence\n"
            "                      and the exit code is 4.  Or their .directory-head file: what "
            "was signed of the key\n"
            "                      directory is compared, and the log has to say that both trees "
            "are in its feed\n"
            "  --checkpoint        print the newest signed checkpoint as the log sent it, for "
            "`cartularyd promote --head`\n"
            "  --log ORIGIN        only this log of the policy\n"
            "\n"
            "example: cartulary --policy log.policy heads --compare alice.view\n",
    .run = run,
};
