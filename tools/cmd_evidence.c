/* cartulary evidence: what does an evidence file prove?  Asks nobody. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "tools/cmd.h"

static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static void
print_head(const char *what, const struct head *h)
{
    char time[APP_TIME_MAX], root[2 * HASH_SIZE + 1];
    app_time(h->timestamp, time);
    text_hex_to(hash_span(&h->root), root);
    (void)printf("  %s: size %" PRIu64 ", root %s, signed at %s\n", what, h->size, root, time);
}

/* Whether the evidence is about a log that this user believes in. */
static const char *
standing(const struct app *a, const struct evidence_report *e)
{
    if (a->policy == NULL)
        return "no policy at hand: whether this key is one you believe in is yours to say";
    const struct policy_log *log = policy_log_by_id(a->policy, &e->log_id);
    if (log == NULL)
        return "the policy names no log with this key";
    if (memcmp(log->note.public, e->note.public, sizeof e->note.public) != 0 ||
        strcmp(log->note.name, e->note.name) != 0)
        return "the policy names this key under another origin or with another Ed25519 key";
    return "it is a log of the policy";
}

static const char *
meaning(const char *finding)
{
    static const struct {
        const char *finding, *meaning;
    } rows[] = {
        {"fork", "PROVED: the log signed two different trees of one size"},
        {"shrank", "PROVED: the log signed a smaller tree after a larger one"},
        {"same-time", "PROVED: the log signed two different trees at one instant"},
        {"not-merged",
         "PROVED: the log promised to take the entry in and did not within the policy's merge "
         "delay"},
        {"misplaced", "PROVED: the entry stands at another index than the log's SCT says"},
        {"kt-fork", "PROVED: the log signed two different trees of its key directory at one size"},
        {"head-and-feed",
         "PROVED: the log signed a head of its key directory, and a feed in which that tree is "
         "another one"},
        {"feed-fork", "PROVED: the log signed two different feeds of its key directory"},
        {"feed-back",
         "PROVED: in the feed of its key directory, time or the number of certificates goes back"},
        {"log-and-feed",
         "PROVED: the log signed a head, and a key directory that is of another certificate log"},
        {"other-keys",
         "NOT PROVED: what is signed contradicts itself, but the policy does not give the log "
         "these keys"},
        {"agrees", "NOT PROVED: nothing in the file contradicts anything else in it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].finding, finding) == 0)
            return rows[i].meaning;
    return "NOT PROVED by this file alone: the log could still show a proof that reconciles it.  "
           "Ask the log, its "
           "witnesses and other users for it";
}

static void
print_statement(const struct statement *s)
{
    char time[APP_TIME_MAX], root[2 * HASH_SIZE + 1], certificates[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(&s->root), root);
    if (s->told.kind != STATEMENT_ANCHOR) {
        (void)printf("  signed head of the %s: size %" PRIu64 ", root %s\n",
                     s->told.kind == STATEMENT_KT_HEAD ? "directory" : "certificate log", s->size,
                     root);
        return;
    }
    app_time(s->entry.timestamp, time);
    text_hex_to(hash_span(&s->entry.certificates_root), certificates);
    (void)printf("  entry %" PRIu64 " of the signed feed of size %" PRIu64 ": of %s\n"
                 "    directory: size %" PRIu64 ", root %s\n"
                 "    certificate log: size %" PRIu64 ", root %s\n",
                 s->size - 1, s->feed_size, time, s->size, root, s->entry.certificates,
                 certificates);
}

static void
print_directory(const struct evidence_report *e)
{
    char key[2 * KT_KEY_SIZE + 1];
    struct buf feed = BUF_INIT(KEY_VKEY_MAX);
    text_hex_to(span_of(e->directory_key, KT_KEY_SIZE), key);
    if (note_key_write(&e->feed, &feed) == RES_OK)
        (void)printf("  the directory's key %s\n  the feed's key %.*s\n", key, (int)feed.n,
                     (const char *)feed.p);
    buf_release(&feed);
    print_statement(&e->statement[0]);
    print_statement(&e->statement[1]);
}

static void
print_text(const struct app *a, const struct evidence_report *e)
{
    char id[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(&e->log_id), id);
    (void)printf("evidence (%s) about %s, LogID %s\n  (%s)\n", evidence_kind_name(e->kind),
                 e->note.name, id, standing(a, e));
    if (e->kind == EVIDENCE_DIRECTORY)
        print_directory(e);
    if (e->kind == EVIDENCE_HEADS || e->kind == EVIDENCE_PROMISE)
        print_head(e->kind == EVIDENCE_HEADS ? "first head" : "head", &e->head[0]);
    if (e->kind == EVIDENCE_HEADS)
        print_head("second head", &e->head[1]);
    if (e->kind == EVIDENCE_PROMISE) {
        char time[APP_TIME_MAX];
        app_time(e->promise.timestamp, time);
        (void)printf("  promise: SCT of %s, merge delay %" PRIu64 " s%s", time, e->mmd_ms / 1000,
                     e->mmd_known ? "" : " (only the file says so: a policy must, to be proof)");
        if (e->promise.has_index)
            (void)printf(", index %" PRIu64, e->promise.index);
        (void)puts("");
    }
    (void)printf("%s\n", meaning(e->finding));
}

static int
print_json(const struct evidence_report *e)
{
    static const char *const verdicts[] = {"proved", "unproved", "agrees"};
    struct buf line = BUF_INIT(4096);
    char id[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(&e->log_id), id);
    enum result r = buf_printf(&line,
                               "{\"kind\":\"%s\",\"log_id\":\"%s\",\"verdict\":\"%s\","
                               "\"finding\":\"%s\",\"log\":",
                               evidence_kind_name(e->kind), id, verdicts[e->verdict], e->finding);
    if (r == RES_OK)
        r = json_write_string(span_str(e->note.name), &line);
    if (r == RES_OK)
        (void)printf("%.*s}\n", (int)line.n, (const char *)line.p);
    buf_release(&line);
    return r == RES_OK ? EXIT_YES : EXIT_FAULT;
}

static int
check_file(const struct app *a, const char *path)
{
    struct buf text = BUF_INIT(EVIDENCE_MAX);
    struct evidence_report e;
    enum result r = file_read(path, &text);
    if (r == RES_OK)
        r = evidence_check(buf_span(&text), a->policy, &e);
    buf_release(&text);
    if (r != RES_OK) {
        app_say("%s is no evidence: %s (%s)", path, result_sentence(r), result_source(r));
        return result_class(r) == CLASS_BROKEN && r != RES_IO ? EXIT_FAULT : EXIT_INPUT;
    }
    if (a->o.json) {
        if (print_json(&e) != EXIT_YES)
            return EXIT_FAULT;
    } else
        print_text(a, &e);
    return e.verdict == EVIDENCE_PROVED ? EXIT_YES : EXIT_NO;
}

static int
run(const struct options *o, int argc, char **argv)
{
    struct app a;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'h')
            return cmd_help(&CMD_EVIDENCE);
        return cmd_usage(&CMD_EVIDENCE, "unknown option");
    }
    if (optind + 1 != argc)
        return cmd_usage(&CMD_EVIDENCE, "name one file");
    int e = app_open_offline(&a, o, false);
    if (e == EXIT_YES)
        e = check_file(&a, argv[optind]);
    app_close(&a);
    return e;
}

const struct command CMD_EVIDENCE = {
    .name = "evidence",
    .arguments = "FILE",
    .purpose = "check, without asking anyone, what an evidence file proves",
    .help =
        "Verifies every signature in an evidence file and says whether they contradict each "
        "other.  Exit 0: the file\n"
        "proves it by itself; 1: it does not (the heads agree, or a proof that is not in the "
        "file could reconcile\n"
        "them); 2: it is no evidence.  With a policy it also says whether the log is one of "
        "yours; a broken\n"
        "merge delay is proved only by the delay that the policy gives, and a lie about the key "
        "directory only with\n"
        "the directory's keys that it gives.  A refused answer (kind answer) is not signed, and "
        "proves nothing to others.\n"
        "\n"
        "example: cartulary evidence "
        "~/.local/state/cartulary/heads-1790000000000-0123456789abcdef.evidence\n",
    .run = run,
};
