/* cartularyd promote: make a backup a log again. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log/copy.h"
#include "log/files.h"
#include "merkle/note/note.h"
#include "tools/cartularyd.h"
#include "tools/witness_head.h"

static const char HELP[] =
    "cartularyd promote DIR --head FILE [--feed FILE] [--old-head]\n"
    "cartularyd promote DIR --witnesses [--feed FILE] [--old-head]\n"
    "\n"
    "Before: STOP the old log for good, never to be started again, and take the newest head AFTER\n"
    "that: while it runs it may sign a newer one at any time.\n"
    "\n"
    "DIR is a backup.  A backup that is older than what the log has already signed would fork the\n"
    "log if it served: everyone who saw the newer head would hold proof against it.  So promote "
    "wants\n"
    "the newest head that is known outside and refuses when it is newer than the copy's own.\n"
    "A head that is behind the copy is taken too, but proves nothing about newer ones.\n"
    "\n"
    "  --head FILE   a signed checkpoint of this log, from wherever the newest is to be had: what\n"
    "                'cartulary heads --checkpoint' prints, a saved /checkpoint, a proxy's cache;\n"
    "                not a monitor's .view file\n"
    "  --witnesses   asks the witnesses of DIR/policy, lines \"witness NAME VKEY URL\": all must "
    "have\n"
    "                a URL and answer with a head that they cosigned\n"
    "  --feed FILE   the newest head of the key directory's feed, a saved /feed/checkpoint: "
    "wanted\n"
    "                when the log has a directory, which may be forked just as the log may\n"
    "  --old-head    takes a head that is older than 24 hours: only when the log has signed none\n"
    "                since, because it stood still\n"
    "\n"
    "The clock must stand after the head: the next one has to be later.\n"
    "\n"
    "Bring the log's keys back into DIR/keys first (mode 0600): a backup holds none.\n"
    "The file that highwater in cartulary.conf names must come along too.  Tokens are not copied:\n"
    "make them again with 'cartularyd token'.\n";

struct options {
    const char *dir;
    const char *head;
    const char *feed;
    bool witnesses;
    bool old_head;
};

static int
take_options(int argc, char **argv, struct options *o)
{
    static const struct option OPTIONS[] = {{"head", required_argument, NULL, 'h'},
                                            {"feed", required_argument, NULL, 'f'},
                                            {"witnesses", no_argument, NULL, 'w'},
                                            {"old-head", no_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c == 'h')
            o->head = optarg;
        else if (c == 'f')
            o->feed = optarg;
        else if (c == 'w')
            o->witnesses = true;
        else if (c == 'o')
            o->old_head = true;
        else
            return DAEMON_USAGE;
    }
    if (optind + 1 != argc || (o->head != NULL) == o->witnesses) {
        daemon_complain("promote wants DIR and either --head FILE or --witnesses; see "
                        "'cartularyd promote --help'");
        return DAEMON_USAGE;
    }
    o->dir = argv[optind];
    return DAEMON_OK;
}

static uint64_t
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int
cmd_promote(int argc, char **argv)
{
    struct options o = {.dir = NULL};
    struct log_trouble why = {""};
    struct buf head = BUF_INIT(NOTE_MAX), feed = BUF_INIT(NOTE_MAX);
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (take_options(argc, argv, &o) != DAEMON_OK)
        return DAEMON_USAGE;
    enum result rc = o.head ? files_read(o.head, &head) : witness_head(o.dir, &head, &why);
    if (rc != RES_OK && !why.text[0])
        log_say(&why, "%.300s: %s", o.head ? o.head : o.dir, result_sentence(rc));
    if (rc == RES_OK && o.feed) {
        rc = files_read(o.feed, &feed);
        if (rc != RES_OK)
            log_say(&why, "%.300s: %s", o.feed, result_sentence(rc));
    }
    if (rc == RES_OK)
        rc = copy_promote(o.dir, buf_span(&head), buf_span(&feed), now_ms(),
                          o.old_head ? UINT64_MAX : COPY_HEAD_AGE_MS, &why);
    buf_release(&head);
    buf_release(&feed);
    if (rc != RES_OK) {
        daemon_complain("%s", why.text);
        if (o.head && (rc == RES_NOTE || rc == RES_CHECKPOINT))
            daemon_complain("wanted is what 'cartulary heads --checkpoint' prints or a saved "
                            "/checkpoint, not a .view file");
        return daemon_exit_code(rc);
    }
    (void)printf(
        "%s is a log again; nothing else may sign with these keys\nnext: cartularyd serve %s\n",
        o.dir, o.dir);
    return DAEMON_OK;
}
