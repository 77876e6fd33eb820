/* cartulary verify: does a log hold this certificate? */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/session.h"
#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"
#include "tools/cmd.h"
#include "tools/crew.h"

static const struct option OPTIONS[] = {{"receipt", required_argument, NULL, 'r'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static const char ISSUER_MISSING[] = "the issuer's certificate is missing: add it to the file "
                                     "after the certificate, or name it with --trust";
static const char CAUTION[] = "Logged is not trusted: this shows that the certificate is on "
                              "record, not that it deserves belief.\n";

/* ---- by receipt: offline ---- */

static void
print_proved(const struct app *a, const char *how, const struct policy_log *log,
             const struct promise *p, const struct head *h, uint64_t index)
{
    char time[APP_TIME_MAX], head_time[APP_TIME_MAX], leaf[2 * HASH_SIZE + 1];
    app_time(p->timestamp, time);
    app_time(h->timestamp, head_time);
    text_hex_to(hash_span(&p->leaf_hash), leaf);
    if (a->o.json) {
        (void)printf("{\"log\":\"%s\",\"how\":\"%s\",\"exit\":0,\"leaf_index\":%" PRIu64
                     ",\"leaf_hash\":\"%s\",\"timestamp\":%" PRIu64 ",\"tree_size\":%" PRIu64 "}\n",
                     log->note.name, how, index, leaf, p->timestamp, h->size);
        return;
    }
    (void)printf("%s: proved (%s)\n"
                 "  SCT of %s: the log's signature over this certificate verifies\n"
                 "  entry %" PRIu64 " of the tree of size %" PRIu64
                 ", signed at %s: the inclusion proof verifies\n",
                 log->note.name, how, time, index, h->size, head_time);
}

/* Whether the receipt's leaf hash is that of entry under the receipt's SCT.  Only chooses words:
 * what proves is receipt_verify. */
static bool
is_about(const struct receipt *r, const struct entry *entry)
{
    struct sct sct;
    struct hash leaf;
    if (sct_parse(buf_span(&r->sct), &sct) != RES_OK)
        return true; /* then that is what is wrong */
    const struct timestamped_entry t = {
        .timestamp = sct.timestamp, .entry = *entry, .extensions = sct.extensions};
    entry_leaf_hash(&t, &leaf);
    return r->type == entry->type && hash_equal(&leaf, &r->leaf_hash);
}

/* The entries that a receipt could be about, tried in turn.  *ret_about: it may be about one of
 * them, or one could not be made because the issuer is missing. */
static enum result
try_receipt(const struct app *a, const struct receipt *r, const struct subject_chain *chain,
            struct receipt_verdict *ret, bool *ret_about)
{
    enum result (*const of[])(const struct subject_chain *, struct subject *) = {subject_submitted,
                                                                                 subject_embedded};
    enum result first = RES_OK;
    *ret_about = false;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct subject s = SUBJECT_INIT;
        enum result rc = of[i](chain, &s);
        const struct entry entry = subject_entry(&s);
        if (rc == RES_OK)
            *ret_about = is_about(r, &entry) || *ret_about;
        else
            *ret_about = rc != RES_CERT_SCT_LIST || *ret_about;
        if (rc == RES_OK)
            rc = receipt_verify(r, a->policy, &entry, ret);
        subject_release(&s);
        if (rc == RES_OK)
            return RES_OK;
        if (i == 0)
            first = rc;
    }
    return first;
}

/* Why the one receipt of the file is none for the certificate. */
static void
say_why_not(const struct app *a, const struct receipt *r, enum result why, bool parsed, bool about)
{
    char reason[APP_REASON_MAX];
    const struct policy_log *log = policy_log_by_origin(a->policy, buf_span(&r->origin));
    if (parsed && (log == NULL || log->p256 == NULL)) {
        char name[KEY_NAME_MAX + 1];
        size_t n = r->origin.n < sizeof name ? r->origin.n : sizeof name - 1;
        for (size_t i = 0; i < n; i++) /* a stranger's text on a terminal */
            name[i] = (char)(r->origin.p[i] > ' ' && r->origin.p[i] < 0x7f ? r->origin.p[i] : '?');
        name[n] = '\0';
        app_say(log == NULL ? "the receipt is of log %s, which the policy does not name"
                            : "the receipt is of log %s, for which the policy gives no ct-key",
                name);
    } else if (parsed && !about) {
        app_say("the receipt is not one for this certificate, or it was altered: its leaf hash is "
                "another");
    } else {
        app_say("the receipt does not verify: %s", app_reason(why, reason));
    }
}

static int
verify_receipt(struct app *a, const struct subject_chain *chain, const char *path)
{
    struct buf text = BUF_INIT(512u * 1024 * 1024);
    struct receipt receipt;
    struct receipt_verdict v;
    size_t lines = 0;
    bool parsed = false, about = false;
    int e = EXIT_NO;
    enum result last = RES_ABSENT;
    enum result r = file_read(path, &text);
    if (r != RES_OK) {
        char why[APP_REASON_MAX];
        app_say("cannot read the receipts %s: %s", path,
                r == RES_ABSENT ? "no such file" : app_reason(r, why));
        buf_release(&text);
        return EXIT_INPUT;
    }
    receipt_init(&receipt);
    for (size_t at = 0; at < text.n && e == EXIT_NO;) {
        const uint8_t *nl = memchr(text.p + at, '\n', text.n - at);
        size_t end = nl == NULL ? text.n : (size_t)(nl - text.p);
        struct span line = span_of(text.p + at, end - at);
        at = end + 1;
        if (line.n == 0)
            continue;
        lines++;
        last = receipt_parse(line, &receipt);
        parsed = last == RES_OK;
        if (parsed)
            last = try_receipt(a, &receipt, chain, &v, &about);
        if (last == RES_OK) {
            print_proved(a, "receipt, offline", v.log, &v.promise, &v.head, receipt.index);
            e = EXIT_YES;
        }
    }
    if (e != EXIT_YES && lines == 1) {
        say_why_not(a, &receipt, last, parsed, about);
        e = result_class(last) == CLASS_FALSE ? EXIT_NO : EXIT_INPUT;
    } else if (e != EXIT_YES && lines == 0) {
        app_say("%s holds no receipt", path);
        e = EXIT_INPUT;
    } else if (e != EXIT_YES && last == RES_CHAIN_ROOT) {
        app_say("%s", ISSUER_MISSING);
        e = EXIT_INPUT;
    } else if (e != EXIT_YES) {
        app_say("none of %zu receipts in %s is one for this certificate", lines, path);
    } else if (!a->o.json) {
        (void)printf("  not asked: whether the log still holds to this tree (run `cartulary "
                     "monitor --once`)\n%s",
                     CAUTION);
    }
    receipt_release(&receipt);
    buf_release(&text);
    return e;
}

/* ---- by embedded SCTs: asks the logs ---- */

struct embedded {
    struct app *app;
    const struct policy_log *log;
    const struct subject_chain *chain;
    const struct sct *sct;
    bool given;
    int exit;
};

static struct session *
next(void *arg, void **ret_tag)
{
    struct embedded *e = arg;
    const struct session_config c = {.log = e->log, .seed = app_now()};
    struct subject s = SUBJECT_INIT;
    struct buf sct = BUF_INIT(UINT16_MAX);
    struct session *session = NULL;
    char why[APP_REASON_MAX];
    *ret_tag = NULL;
    if (e->given)
        return NULL;
    e->given = true;
    enum result r = subject_embedded(e->chain, &s);
    if (r == RES_OK)
        r = sct_write(e->sct, &sct);
    if (r == RES_OK)
        r = session_locate(&c, &s, buf_span(&sct), app_now(), &session);
    subject_release(&s);
    buf_release(&sct);
    if (r == RES_OK)
        return session;
    if (r == RES_CHAIN_ROOT)
        app_say("%s", ISSUER_MISSING);
    else
        app_say("%s", app_reason(r, why));
    e->exit = result_class(r) == CLASS_BROKEN ? EXIT_FAULT : EXIT_INPUT;
    return NULL;
}

static void
ended(void *arg, void *tag, const struct session *s)
{
    struct embedded *e = arg;
    const struct verdict *v = session_verdict(s);
    struct receipt receipt;
    (void)tag;
    e->exit = app_exit_of(v->kind);
    if (v->kind == VERDICT_YES) {
        struct head head;
        receipt_init(&receipt);
        enum result r = session_receipt(s, span_of(NULL, 0), &receipt);
        if (r == RES_OK)
            r = head_open(e->log, NULL, receipt.form, buf_span(&receipt.head), &head);
        if (r == RES_OK)
            print_proved(e->app, "embedded SCT", e->log, session_promise(s), &head, receipt.index);
        else
            e->exit = EXIT_FAULT;
        receipt_release(&receipt);
        return;
    }
    app_say("%s: %s", e->log->note.name, v->detail);
    /* An SCT that nobody's key made is a negative answer about this certificate. */
    if (v->kind == VERDICT_INPUT && result_class(v->why) == CLASS_FALSE)
        e->exit = EXIT_NO;
    if (v->kind == VERDICT_REFUSED && v->evidence.n > 0)
        e->exit = app_save_evidence(e->app, e->log, v);
}

static int
verify_embedded(struct app *a, const struct subject_chain *chain)
{
    struct sct scts[SCT_LIST_MAX];
    struct cert cert;
    struct span list;
    size_t n = 0, known = 0;
    int worst = EXIT_YES;
    enum result r = cert_parse(chain->certs[0], &cert);
    if (r == RES_OK)
        r = precert_embedded_scts(&cert, &list);
    if (r == RES_OK)
        r = sct_list_parse(list, scts, SCT_LIST_MAX, &n);
    if (r == RES_ABSENT) {
        app_say("the certificate holds no SCT: give the receipt that `cartulary submit` stored, "
                "with --receipt FILE");
        return EXIT_INPUT;
    }
    if (r != RES_OK) {
        char why[APP_REASON_MAX];
        app_say("the certificate cannot be read: %s", app_reason(r, why));
        return EXIT_INPUT;
    }
    for (size_t i = 0; i < n; i++) {
        struct embedded e = {.app = a, .chain = chain, .sct = &scts[i], .exit = EXIT_YES};
        e.log = policy_log_by_id(a->policy, &scts[i].log_id);
        if (e.log == NULL || e.log->url[0] == '\0') {
            char id[2 * HASH_SIZE + 1];
            text_hex_to(hash_span(&scts[i].log_id), id);
            app_say("passed over: an SCT of log %s, which the policy does not name%s", id,
                    e.log == NULL ? "" : " with a URL");
            continue;
        }
        known++;
        const struct crew_config c = {
            .app = a, .log = e.log, .parallel = 1, .next = next, .ended = ended, .arg = &e};
        worst = app_worse(worst, crew_run(&c));
        worst = app_worse(worst, e.exit);
    }
    if (known == 0) {
        app_say("the policy names none of the %zu logs whose SCTs the certificate holds", n);
        return EXIT_INPUT;
    }
    if (worst == EXIT_YES && !a->o.json)
        (void)fputs(CAUTION, stdout);
    return worst;
}

static int
verify(const struct options *o, const char *path, const char *receipts)
{
    struct certs pem = CERTS_INIT;
    char why[APP_REASON_MAX];
    struct app a;
    int e = receipts != NULL ? app_open_offline(&a, o, true) : app_open(&a, o, true);
    if (e == EXIT_YES && app_load_certs(path, &pem, why) != RES_OK) {
        app_say("%s: %s", path, why);
        e = EXIT_INPUT;
    }
    if (e == EXIT_YES) {
        const struct subject_chain chain = {
            .certs = pem.certs, .n = pem.n, .anchors = a.anchors, .anchor_count = a.anchor_count};
        e = receipts != NULL ? verify_receipt(&a, &chain, receipts) : verify_embedded(&a, &chain);
    }
    certs_release(&pem);
    app_close(&a);
    return e;
}

static int
run(const struct options *o, int argc, char **argv)
{
    const char *receipts = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'r')
            receipts = optarg;
        else if (c == 'h')
            return cmd_help(&CMD_VERIFY);
        else
            return cmd_usage(&CMD_VERIFY, "unknown option");
    }
    if (optind + 1 != argc)
        return cmd_usage(&CMD_VERIFY, "name one certificate or chain file");
    return verify(o, argv[optind], receipts);
}

const struct command CMD_VERIFY = {
    .name = "verify",
    .arguments = "CERT.pem|CHAIN.pem [--receipt FILE]",
    .purpose = "verify that a log holds a certificate",
    .help = "With --receipt: looks in FILE (one receipt a line, as `submit` stores them) for one "
            "of this certificate and\n"
            "verifies all of it without asking anyone: SCT, leaf hash, inclusion proof, both "
            "signatures of the head.\n"
            "\n"
            "Without: takes the SCTs embedded in the certificate that come from logs of the "
            "policy, verifies their\n"
            "signatures over the certificate as it was before they were put in, fetches a head "
            "that is consistent with\n"
            "everything seen before, and an inclusion proof.  The issuer's certificate must follow "
            "in the file, or be\n"
            "among --trust.\n"
            "\n"
            "  --receipt FILE      offline, by receipt\n"
            "\n"
            "Exit 1: a signature or proof is false.  Exit 2: there is nothing to verify.\n"
            "example: cartulary --policy log.policy verify alice.pem --receipt receipts.jsonl\n",
    .run = run,
};
