/* cartularyd init: make a log's directory. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/create.h"
#include "log/files.h"
#include "log/rootsfile.h"
#include "tools/cartularyd.h"

static const char HELP[] =
    "cartularyd init DIR --origin NAME --url URL [--roots FILE.pem[=domain,...]]...\n"
    "                [--entries auditors|public] [--not-after-start T] [--not-after-limit T]\n"
    "\n"
    "Makes the directory DIR of a new log: cartulary.conf, keys/ (readable by its owner only), an\n"
    "empty store/, roots.pem, and the public files policy and log.pub.pem.  The policy is what\n"
    "clients are given: it holds the log's keys and its URL.  The folder that DIR stands in must "
    "exist.\n"
    "\n"
    "  --origin NAME        the log's name for ever, a URL without scheme: log.example/2026\n"
    "  --url URL            where strangers reach it: https://log.example/2026\n"
    "  --roots FILE.pem     roots whose chains are accepted; may be given several times.  With\n"
    "                       =a.example,b.example the roots are bound to these domains\n"
    "  --entries auditors   bodies of entries only with a bearer token (the default: certificates\n"
    "                       hold addresses), see 'cartularyd token'\n"
    "  --entries public     bodies of entries to everyone: a full RFC 6962 and static-ct log\n"
    "  --not-after-start T  take only leaves whose notAfter is T or later\n"
    "  --not-after-limit T  and before T; T is 2027-01-01, 2027-01-01T00:00:00Z or seconds since "
    "1970\n"
    "\n"
    "Keep a copy of DIR/keys in a safe place: backups do not hold them, and a log cannot be given\n"
    "new ones.\n";

#define ROOTS_FILES_MAX 64

struct options {
    struct create_options create;
    const char *roots[ROOTS_FILES_MAX];
    size_t roots_count;
    char start[32], limit[32];
};

/* Seconds since 1970 from a date; false when it is none. */
static bool
parse_time(const char *text, char out[static 32])
{
    struct tm tm;
    memset(&tm, 0, sizeof(tm));
    if (strspn(text, "0123456789") == strlen(text) && text[0] && strlen(text) < 20) {
        (void)snprintf(out, 32, "%s", text);
        return true;
    }
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end && *end == 'T')
        end = strptime(end, "T%H:%M:%SZ", &tm);
    if (!end || *end)
        return false;
    (void)snprintf(out, 32, "%lld", (long long)timegm(&tm));
    return true;
}

static int
set_time(const char *option, const char *text, char room[static 32], const char **ret)
{
    if (!parse_time(text, room)) {
        daemon_complain("%s %s: wants a date such as 2027-01-01", option, text);
        return DAEMON_USAGE;
    }
    *ret = room;
    return DAEMON_OK;
}

static int
take_option(struct options *o, int c)
{
    switch (c) {
    case 'o':
        o->create.origin = optarg;
        return DAEMON_OK;
    case 'u':
        o->create.url = optarg;
        return DAEMON_OK;
    case 'r':
        if (o->roots_count == ROOTS_FILES_MAX) {
            daemon_complain("--roots: at most %d files; put them into one", ROOTS_FILES_MAX);
            return DAEMON_USAGE;
        }
        o->roots[o->roots_count++] = optarg;
        return DAEMON_OK;
    case 'e':
        o->create.entries_public = strcmp(optarg, "public") == 0;
        if (o->create.entries_public || strcmp(optarg, "auditors") == 0)
            return DAEMON_OK;
        daemon_complain("--entries %s: wants auditors or public", optarg);
        return DAEMON_USAGE;
    case 's':
        return set_time("--not-after-start", optarg, o->start, &o->create.not_after_start);
    case 'l':
        return set_time("--not-after-limit", optarg, o->limit, &o->create.not_after_limit);
    default:
        return DAEMON_USAGE;
    }
}

static int
take_options(int argc, char **argv, struct options *o)
{
    static const struct option OPTIONS[] = {{"origin", required_argument, NULL, 'o'},
                                            {"url", required_argument, NULL, 'u'},
                                            {"roots", required_argument, NULL, 'r'},
                                            {"entries", required_argument, NULL, 'e'},
                                            {"not-after-start", required_argument, NULL, 's'},
                                            {"not-after-limit", required_argument, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        int code = take_option(o, c);
        if (code != DAEMON_OK)
            return code;
    }
    if (optind + 1 != argc || !o->create.origin || !o->create.url) {
        daemon_complain("init wants DIR, --origin and --url; see 'cartularyd init --help'");
        return DAEMON_USAGE;
    }
    o->create.dir = argv[optind];
    return DAEMON_OK;
}

/* Appends one --roots argument: the file, behind a line that binds it to its domains. */
static int
add_roots(const char *argument, struct buf *out)
{
    char path[FILES_PATH_MAX];
    const char *equals = strrchr(argument, '=');
    size_t n = equals ? (size_t)(equals - argument) : strlen(argument);
    if (n >= sizeof(path)) {
        daemon_complain("--roots: the path is too long");
        return DAEMON_USAGE;
    }
    memcpy(path, argument, n);
    path[n] = 0;
    enum result rc =
        equals ? buf_printf(out, "# domains: %s\n", equals + 1) : buf_printf(out, "# public\n");
    if (rc == RES_OK)
        rc = files_read(path, out);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n");
    if (rc == RES_OK)
        return DAEMON_OK;
    daemon_complain("--roots %s: %s", path, result_sentence(rc));
    return rc == RES_ABSENT ? DAEMON_USAGE : DAEMON_FAULT;
}

int
cmd_init(int argc, char **argv)
{
    struct options o;
    struct buf roots = BUF_INIT(ROOTSFILE_MAX);
    struct log_trouble why;
    memset(&o, 0, sizeof(o));
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    int code = take_options(argc, argv, &o);
    for (size_t i = 0; i < o.roots_count && code == DAEMON_OK; i++)
        code = add_roots(o.roots[i], &roots);
    if (code == DAEMON_OK) {
        o.create.roots_pem = buf_span(&roots);
        enum result rc = create_log(&o.create, &why);
        code = daemon_exit_code(rc);
        if (rc != RES_OK)
            daemon_complain("%s", why.text);
    }
    buf_release(&roots);
    if (code != DAEMON_OK)
        return code;
    (void)printf("made %s\npolicy for clients: %s/policy\n", o.create.dir, o.create.dir);
    if (o.roots_count == 0)
        (void)printf("no roots yet: put them into %s/roots.pem before serving\n", o.create.dir);
    (void)printf("next: cartularyd serve %s\n", o.create.dir);
    return DAEMON_OK;
}
