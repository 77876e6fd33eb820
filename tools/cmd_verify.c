/* cartulary verify: does a log hold this certificate? */
#include <getopt.h>
#include <stdio.h>

#include "client/session.h"
#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"
#include "tools/cmd.h"
#include "tools/crew.h"
#include "tools/proved.h"
#include "tools/seen.h"
#include "tools/verify_receipt.h"

static const struct option OPTIONS[] = {{"receipt", required_argument, NULL, 'r'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

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
        app_say("%s", PROVED_ISSUER_MISSING);
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
            proved_print(e->app, "embedded SCT", e->log, session_promise(s), &head, receipt.index);
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
        e->exit = seen_save_evidence(e->app, e->log, v);
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
        (void)fputs(PROVED_CAUTION, stdout);
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
        e = receipts != NULL ? verify_receipts(&a, &chain, receipts) : verify_embedded(&a, &chain);
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
