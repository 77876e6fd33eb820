/* cartulary credential: what a mailbox's keys are, proved on paper that one user hands another. */
#include <getopt.h>
#include <stdio.h>

#include "tools/cmd.h"
#include "tools/credential.h"
#include "tools/offered.h"

static const struct option OPTIONS[] = {
    {"make", required_argument, NULL, 'm'},   {"check", required_argument, NULL, 'c'},
    {"update", required_argument, NULL, 'u'}, {"confirm", no_argument, NULL, 'C'},
    {"for", required_argument, NULL, 'f'},    {"fold", no_argument, NULL, 'F'},
    {"out", required_argument, NULL, 'o'},    {"log", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

/* What was given on the command line. */
struct given {
    int what;    /* 'm', 'c', 'u', 'C'; 0: nothing, -1: two of them */
    bool checks; /* --for, --fold or --out */
};

static int
read_address(const char *text, struct credential_task *t)
{
    struct address address;
    enum result r = address_parse(span_str(text), &address);
    if (r != RES_OK) {
        app_say("\"%s\" is no address: %s", text, result_sentence(r));
        return EXIT_INPUT;
    }
    label_of_address(&address, &t->label);
    t->text = text;
    t->q.address = span_str(text);
    return EXIT_YES;
}

static void
choose(struct given *g, int what)
{
    g->what = g->what == 0 ? what : -1;
}

static int
check(struct credential_task *t)
{
    struct trust_anchors *anchors = NULL;
    if (t->app.anchor_count == 0)
        app_say("no trust anchors: nothing can be offered.  Name yours with --trust FILE.pem, or "
                "by \"#cartulary anchor\" lines in the policy");
    if (trust_anchors_new(t->app.anchors, t->app.anchor_count, &anchors) != RES_OK) {
        app_say("cannot read the trust anchors");
        return EXIT_FAULT;
    }
    t->q.anchors = anchors;
    t->q.time = app_now() / 1000;
    int e = credential_check(t);
    trust_anchors_free(anchors);
    return e;
}

static int
run_task(struct credential_task *t, const struct options *o, int what)
{
    int e = app_open(&t->app, o, true);
    if (e == EXIT_YES)
        e = what == 'm'   ? credential_make(t)
            : what == 'c' ? check(t)
            : what == 'u' ? credential_update_write(t)
                          : credential_confirm_all(t);
    app_close(&t->app);
    return e;
}

/* The arguments behind the options, n of them. */
static int
take_arguments(struct credential_task *t, const struct given *g, int n, char **at)
{
    static const char *const says[] = {['m'] = "--make takes one address",
                                       ['c'] = "--check takes one address at most",
                                       ['u'] = "--update takes one credential",
                                       ['C'] = "--confirm takes one file at most"};
    bool needed = g->what == 'm' || g->what == 'u';
    if (needed ? n != 1 : n > 1)
        return cmd_usage(&CMD_CREDENTIAL, "%s", says[g->what]);
    if (g->checks && g->what != 'c')
        return cmd_usage(&CMD_CREDENTIAL, "--for, --fold and --out belong to --check");
    if (t->origin != NULL && (g->what == 'c' || g->what == 'u' || (g->what == 'C' && n == 1)))
        return cmd_usage(&CMD_CREDENTIAL, "a file says itself of which log it is");
    if (n == 0)
        return EXIT_YES;
    if (g->what == 'C')
        t->file = at[0];
    else if (g->what == 'u')
        t->given = at[0];
    else
        return read_address(at[0], t);
    return EXIT_YES;
}

static int
run(const struct options *o, int argc, char **argv)
{
    static struct credential_task t;
    struct given g = {0};
    int c;
    t = (struct credential_task){.q = {.purpose = MAILBOX_BOTH}};
    while ((c = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (c == 'h')
            return cmd_help(&CMD_CREDENTIAL);
        else if (c == 'm' || c == 'c' || c == 'u' || c == 'C')
            choose(&g, c);
        else if (c == 'l')
            t.origin = optarg;
        else if (c == 'F' || c == 'o' || (c == 'f' && offered_purpose(optarg, &t.q.purpose)))
            g.checks = true;
        else
            return cmd_usage(&CMD_CREDENTIAL,
                             c == 'f' ? "--for takes encrypt or sign" : "unknown option");
        t.q.fold = t.q.fold || c == 'F';
        t.out = c == 'o' ? optarg : t.out;
        t.file = c == 'm' || c == 'c' || c == 'u' ? optarg : t.file;
    }
    if (g.what <= 0)
        return cmd_usage(&CMD_CREDENTIAL, "one of --make, --check, --update and --confirm");
    int e = take_arguments(&t, &g, argc - optind, argv + optind);
    return e == EXIT_YES ? run_task(&t, o, g.what) : e;
}

const struct command CMD_CREDENTIAL = {
    .name = "credential",
    .arguments = "--make FILE [--log ORIGIN] ADDRESS | --check FILE [--for encrypt|sign] [--fold] "
                 "[--out FILE.pem] [ADDRESS] | --update FILE CREDENTIAL | --confirm [--log ORIGIN] "
                 "[FILE]",
    .purpose = "the keys of an address in a file that proves itself, offline",
    .help =
        "A credential is a file that one user gives another.  It proves which certificates an "
        "address has, so that whoever\n"
        "gets it need not ask the log about the address, and the log does not learn who writes to "
        "whom.\n"
        "\n"
        "  --make FILE         looks ADDRESS up, every proof verified, and writes a credential "
        "(\"-\": stdout).  Its owner may\n"
        "                      make it, or anybody.  It is standard when the newest certificates "
        "stand in a distinguished\n"
        "                      entry of the directory already (one is made about once a day), else "
        "provisional\n"
        "  --check FILE        verifies a credential (\"-\": stdin) against the distinguished "
        "entries that are known here, and\n"
        "                      asks nobody, whatever comes of it: `cartulary monitor --once`, now "
        "and then, learns them.\n"
        "                      A provisional one is kept until it is confirmed.  With ADDRESS: it "
        "must be about that one\n"
        "  --update FILE       for who made a provisional one: asks the log for what confirms "
        "CREDENTIAL, and writes it, to be\n"
        "                      given to whoever has that one\n"
        "  --confirm [FILE]    confirms the provisional ones that were checked before: asks the "
        "log "
        "for what is new, and where\n"
        "                      that is not enough for the confirmation itself, naming the address. "
        " "
        "FILE: that credential only;\n"
        "                      or an update that somebody gave you: then nobody is asked, and it "
        "is "
        "kept while it is too early\n"
        "\n"
        "with --check:\n"
        "  --for encrypt|sign  only certificates for that purpose are offered\n"
        "  --fold              take certificates whose address differs in ASCII case\n"
        "  --out FILE.pem      write what is offered, newest first\n"
        "with --make and --confirm:\n"
        "  --log ORIGIN        only this log of the policy\n"
        "\n"
        "Logged is not trusted.  A certificate is OFFERED only when it validates to your trust "
        "anchors (--trust, or the\n"
        "policy's); every other one is listed with the reason and never written.  What was revoked "
        "since the time that\n"
        "is told cannot be known offline.\n"
        "\n"
        "exit 1: nothing is offered, with the reason as in `lookup`; or the credential has expired "
        "(the entry it is for is\n"
        "not one of the 10 newest distinguished ones any more).  exit 3: it is for an entry that "
        "is "
        "not known here, or it\n"
        "cannot be confirmed yet.  exit 4: its proof is false, or the log does not confirm what it "
        "signed; evidence is kept.\n"
        "\n"
        "example: cartulary credential --make alice.credential alice@example.org\n"
        "         cartulary --trust roots.pem credential --check alice.credential --for encrypt "
        "--out alice.pem alice@example.org\n",
    .run = run,
};
