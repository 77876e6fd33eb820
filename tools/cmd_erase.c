/* cartularyd erase: destroy what is kept of one mailbox. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "log/directory/directory.h"
#include "log/log.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd erase DIR ADDRESS --reason request|domain|order|retention\n"
    "\n"
    "Erases one mailbox, for good: a tombstone becomes its last version in the key\n"
    "directory, public like any other, and the mailbox's own key is destroyed, so that\n"
    "nobody can read any more which certificates it had.  The bodies of its certificates\n"
    "go from the log too, but of those that name another mailbox.  Hashes, VRF outputs\n"
    "and commitments stay: the log is the same tree as before.  Certificates that are\n"
    "issued for it later are logged and not found.\n"
    "\n"
    "The log must not be serving: stop it, erase, start it again.  It reads the whole\n"
    "log: some seconds for a million entries.  Refused until the newest version has\n"
    "stood for 24 hours, so that who watches the mailbox has had time to see it, and in\n"
    "a log with 'entries = public', of which everybody has copies.\n"
    "\n"
    "  ADDRESS   '-' reads it from standard input, so that no list of processes shows it\n"
    "  --reason  stands in the tombstone: whose mailbox it is asked for it (request),\n"
    "            whose domain it is (domain), a court or an authority (order), the\n"
    "            operator's rule how long to keep what (retention)\n"
    "\n"
    "    cartularyd erase /var/lib/mylog alice@example.org --reason request\n"
    "\n"
    "Backups hold the key and the bodies: make new ones, and destroy the old.  When the\n"
    "power fails in between, the next start completes it.\n"
    "\n"
    "Exit codes: 0 erased, also when it was before; 1 the mailbox has nothing to erase,\n"
    "or the log refuses to open; 2 wrong usage, no address, a public log; 3 not now;\n"
    "5 a fault of this machine.\n";

struct options {
    const char *dir, *address;
    enum mailbox_erased reason;
};

static bool
read_reason(const char *text, enum mailbox_erased *ret)
{
    for (unsigned i = MAILBOX_ERASED_REQUEST; mailbox_erased_name((uint8_t)i) != NULL; i++)
        if (strcmp(text, mailbox_erased_name((uint8_t)i)) == 0) {
            *ret = (enum mailbox_erased)i;
            return true;
        }
    return false;
}

static int
read_options(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {{"reason", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    bool has_reason = false;
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c != 'r')
            return DAEMON_USAGE;
        has_reason = read_reason(optarg, &ret->reason);
        if (!has_reason) {
            daemon_complain("--reason takes request, domain, order or retention");
            return DAEMON_USAGE;
        }
    }
    if (!has_reason || optind + 2 != argc) {
        daemon_complain("erase wants DIR, ADDRESS and --reason; see 'cartularyd erase --help'");
        return DAEMON_USAGE;
    }
    ret->dir = argv[optind];
    ret->address = argv[optind + 1];
    return DAEMON_OK;
}

/* The label of what was typed, or of the first line of standard input. */
static int
read_label(const char *text, struct label *ret)
{
    char line[ADDRESS_TEXT_MAX + 2];
    struct address address;
    if (strcmp(text, "-") == 0) {
        if (fgets(line, sizeof(line), stdin) == NULL)
            line[0] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        text = line;
    }
    enum result rc = address_parse(span_str(text), &address);
    if (rc != RES_OK) {
        daemon_complain("that is no address: %s", result_sentence(rc));
        return DAEMON_USAGE;
    }
    label_of_address(&address, ret);
    return DAEMON_OK;
}

/* Old copies of what was erased may stand in pages of the store that are not in use. */
static int
wipe(struct directory *d)
{
    enum result rc = directory_wipe(d);
    if (rc == RES_OK)
        return DAEMON_OK;
    daemon_complain(rc == RES_BUSY ? "a backup or fsck reads the store: when it has ended, run "
                                     "this again, so that unused pages are overwritten"
                                   : "unused pages of the store cannot be overwritten");
    return rc == RES_BUSY ? DAEMON_LATER : daemon_exit_code(rc);
}

/* The address is not repeated: what is printed here is kept in places that are not erased. */
static int
tell(struct directory *d, enum result rc)
{
    struct directory_stats s;
    directory_stats(d, &s);
    switch (rc) {
    case RES_OK:
        (void)printf("erased: the tombstone is in epoch %llu\n"
                     "next: backups from before still hold the mailbox's key: make new ones, and "
                     "destroy the old\n",
                     (unsigned long long)s.size - 1);
        return wipe(d);
    case RES_ERASED:
        (void)puts("it was erased before");
        return wipe(d);
    case RES_KT_NO_LABEL:
        daemon_complain("the directory has nothing of this mailbox; nothing was written");
        return DAEMON_REFUSED;
    case RES_ERASE_EARLY:
        daemon_complain("not yet: its newest version must have stood for %llu hours; nothing was "
                        "written",
                        (unsigned long long)directory_config(d)->window.monitoring / 3600000);
        return DAEMON_LATER;
    default:
        daemon_complain("not erased, or not to its end: %s (%s); the next start goes on",
                        result_sentence(rc), result_name(rc));
        return daemon_exit_code(rc);
    }
}

static int
erase(const struct config *c, const struct label *label, enum mailbox_erased reason)
{
    struct log_sink sink = {.line = NULL};
    struct log_trouble why;
    struct log *l;
    enum result rc = log_open(c, sink, &l, &why);
    if (rc != RES_OK) {
        daemon_complain("%s", why.text);
        return rc == RES_EXISTS ? DAEMON_LATER : daemon_exit_code(rc);
    }
    struct directory *d = log_directory(l);
    int code = DAEMON_REFUSED;
    if (d == NULL)
        daemon_complain("a log with a notAfter window has no directory");
    else
        code = tell(d, directory_erase(d, label, reason));
    log_close(l);
    return code;
}

int
cmd_erase(int argc, char **argv)
{
    char detail[CONFIG_TEXT_MAX];
    struct options o = {.reason = MAILBOX_ERASED_REQUEST};
    struct config c;
    struct label label;
    int line;
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    int code = read_options(argc, argv, &o);
    if (code == DAEMON_OK)
        code = read_label(o.address, &label);
    if (code != DAEMON_OK)
        return code;
    enum result rc = config_load(o.dir, &c, &line, detail);
    if (rc != RES_OK) {
        daemon_complain("%s/cartulary.conf, line %d: %s", o.dir, line,
                        rc == RES_CONFIG ? detail : result_sentence(rc));
        return rc == RES_ABSENT ? DAEMON_USAGE : daemon_exit_code(rc);
    }
    if (c.entries_public) {
        daemon_complain("%s has 'entries = public': everybody may have copied what it holds, and a "
                        "tombstone would say what is not so",
                        o.dir);
        return DAEMON_USAGE;
    }
    return erase(&c, &label, o.reason);
}
