#include "tools/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "merkle/base/text.h"

static size_t
index_of(const struct app *a, const struct policy_log *log)
{
    size_t i = 0;
    while (policy_log(a->policy, i) != log)
        i++;
    return i;
}

static void
view_name(const struct policy_log *log, char out[static 2 * HASH_SIZE + 8])
{
    text_hex_to(hash_span(p256_key_id(log->p256)), out);
    memcpy(out + (ptrdiff_t)2 * HASH_SIZE, ".view", 6);
}

struct view *
seen_view(struct app *a, const struct policy_log *log, int *ret_exit)
{
    char name[2 * HASH_SIZE + 8];
    struct buf text = BUF_INIT(VIEW_MAX);
    size_t i = index_of(a, log);
    if (a->view_loaded[i] || a->o.stateless)
        return &a->views[i];
    view_name(log, name);
    enum result r = statedir_read(&a->dir, name, &text);
    if (r == RES_OK)
        r = view_parse(buf_span(&text), log, &a->views[i]);
    else if (r == RES_ABSENT)
        r = RES_OK;
    buf_release(&text);
    a->view_loaded[i] = r == RES_OK;
    if (r == RES_OK)
        return &a->views[i];
    app_say("%s/%s: %s; what was seen of %s cannot be trusted.  Restore the file from a backup, or "
            "move it away to begin again: then changes since the first contact are not noticed",
            a->state_path, name, r == RES_IO ? strerror(errno) : result_sentence(r),
            log->note.name);
    *ret_exit = EXIT_FAULT;
    return NULL;
}

int
seen_save(struct app *a, const struct policy_log *log)
{
    char name[2 * HASH_SIZE + 8];
    struct buf text = BUF_INIT(VIEW_MAX);
    if (a->o.stateless)
        return EXIT_YES;
    view_name(log, name);
    enum result r = view_write(&a->views[index_of(a, log)], log, &text);
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
seen_keep_evidence(struct app *a, const struct policy_log *log, const struct verdict *v,
                   char ret_name[static SEEN_NAME_SIZE])
{
    struct statedir here = {.fd = AT_FDCWD, .lock = -1};
    char id[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(p256_key_id(log->p256)), id);
    (void)snprintf(ret_name, SEEN_NAME_SIZE, "%s-%" PRIu64 "-%.16s.evidence",
                   evidence_kind_name(v->evidence_kind), app_now(), id);
    const struct statedir *dir = a->dir.fd >= 0 ? &a->dir : &here;
    if (a->dir.fd < 0)
        here.fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum result r = statedir_write(dir, ret_name, buf_span(&v->evidence));
    int saved = errno;
    statedir_close(&here);
    if (r == RES_OK)
        return EXIT_REFUSED;
    app_say("cannot write the evidence %s: %s", ret_name, strerror(saved));
    return EXIT_FAULT;
}

void
seen_tell_evidence(const struct app *a, const char *name)
{
    app_say("PROOF REFUSED: evidence in %s%s%s; check it with: cartulary evidence FILE, and show "
            "it to others",
            a->dir.fd >= 0 ? a->state_path : ".", "/", name);
}

int
seen_save_evidence(struct app *a, const struct policy_log *log, const struct verdict *v)
{
    char name[SEEN_NAME_SIZE];
    int e = seen_keep_evidence(a, log, v, name);
    if (e == EXIT_REFUSED)
        seen_tell_evidence(a, name);
    return e;
}
