#include "tools/friend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/directory/accuser.h"
#include "client/directory/shown.h"
#include "client/io/transport_curl.h"
#include "merkle/base/text.h"
#include "tools/accuse.h"
#include "tools/remembered.h"

/* The feed may grow between two answers; then they are not of one checkpoint, and asked for again.
 */
#define ROUNDS_MAX 5

#define NAME_MAX_HERE (2 * HASH_SIZE + 24)

static void
file_name(const struct policy_log *log, char out[static NAME_MAX_HERE])
{
    text_hex_to(hash_span(p256_key_id(log->p256)), out);
    (void)snprintf(out + (ptrdiff_t)2 * HASH_SIZE, 24, ".directory-head");
}

int
friend_save(struct app *a, const struct policy_log *log, const struct memory *m)
{
    char name[NAME_MAX_HERE];
    struct buf text = BUF_INIT(SHOWN_MAX);
    if (a->o.stateless || !m->has_view)
        return EXIT_YES;
    file_name(log, name);
    enum result r = shown_write(m, log, &text);
    if (r == RES_OK)
        r = statedir_write(&a->dir, name, buf_span(&text));
    buf_release(&text);
    if (r == RES_OK)
        return EXIT_YES;
    app_say("cannot write %s/%s: %s; the old file stands", a->state_path, name,
            r == RES_IO ? strerror(errno) : result_sentence(r));
    return EXIT_FAULT;
}

int
friend_print(struct app *a, const struct policy_log *log)
{
    char name[NAME_MAX_HERE], root[2 * HASH_SIZE + 1];
    struct memory m;
    struct hash h;
    memory_init(&m);
    int e = log->has_directory ? remembered_load(a, log, &m) : EXIT_YES;
    if (e == EXIT_YES && m.has_view && !a->o.json) {
        file_name(log, name);
        logtree_root(&m.view.peaks, &h);
        text_hex_to(hash_span(&h), root);
        (void)printf("its key directory (the file to give to a friend is %s/%s)\n"
                     "  %10" PRIu64 "  %s\n",
                     a->state_path, name, m.view.peaks.size, root);
    }
    memory_release(&m);
    return e;
}

static const struct policy_log *
log_of(const struct app *a, struct span text, struct shown *ret, enum result *ret_r)
{
    *ret_r = RES_KEY;
    for (size_t i = 0; i < policy_logs(a->policy) && *ret_r == RES_KEY; i++) {
        const struct policy_log *log = policy_log(a->policy, i);
        if (log->p256 != NULL && log->has_directory)
            *ret_r = shown_parse(text, log, ret);
        if (*ret_r == RES_OK)
            return log;
    }
    return NULL;
}

static int
link_directories(struct app *a, const struct policy_log *log, const struct memory *ours,
                 const struct shown *theirs)
{
    const struct transport_config tc = {0};
    struct transport *t = NULL;
    bool linked = false;
    int e = EXIT_YES;
    if (transport_new(&tc, &t) != RES_OK) {
        app_say("cannot set up libcurl");
        return EXIT_FAULT;
    }
    for (unsigned i = 0; i < ROUNDS_MAX && e == EXIT_YES && !linked; i++)
        e = accuse_friend(a, t, log, ours, &theirs->head, buf_span(&theirs->anchor), &linked);
    transport_free(t);
    if (e == EXIT_YES && !linked) {
        app_say("%s does not say what its feed holds of both trees: try again later.  If it never "
                "does, ask others what they were shown",
                log->note.name);
        e = EXIT_LATER;
    }
    return e;
}

int
friend_compare(struct app *a, const char *path, struct span text)
{
    struct shown theirs;
    struct memory ours;
    enum result r;
    shown_init(&theirs);
    const struct policy_log *log = log_of(a, text, &theirs, &r);
    if (log == NULL) {
        app_say("%s: %s", path,
                r == RES_KEY ? "it is about a log that the policy does not name"
                             : result_sentence(r));
        return EXIT_INPUT;
    }
    memory_init(&ours);
    int e = remembered_load(a, log, &ours);
    if (e == EXIT_YES && !ours.has_view) {
        app_say("nothing was seen of the directory of %s yet: look an address up first",
                log->note.name);
        e = EXIT_INPUT;
    }
    if (e == EXIT_YES)
        e = link_directories(a, log, &ours, &theirs);
    if (e == EXIT_YES && !a->o.json)
        (void)printf("%s: your friend was shown the same directory (yours: size %" PRIu64
                     ", theirs: size %" PRIu64 ")\n",
                     log->note.name, ours.view.peaks.size, theirs.head.size);
    memory_release(&ours);
    shown_release(&theirs);
    return e;
}
