#include "tools/remembered.h"

#include <errno.h>
#include <stdio.h>

#include "client/directory/finder.h"
#include "client/directory/landmarks.h"
#include "merkle/base/text.h"
#include "tools/accuse.h"
#include "tools/engine.h"
#include "tools/follow.h"
#include "tools/friend.h"
#include "tools/seen.h"

#define NAME_MAX_HERE (2 * HASH_SIZE + 16)

static void
file_name(const struct policy_log *log, char out[static NAME_MAX_HERE])
{
    text_hex_to(hash_span(p256_key_id(log->p256)), out);
    (void)snprintf(out + (ptrdiff_t)2 * HASH_SIZE, 16, ".directory");
}

int
remembered_load(struct app *a, const struct policy_log *log, struct memory *ret)
{
    char name[NAME_MAX_HERE];
    struct buf text = BUF_INIT(MEMORY_FILE_MAX);
    if (a->o.stateless)
        return EXIT_YES;
    file_name(log, name);
    enum result r = statedir_read(&a->dir, name, &text);
    if (r == RES_OK)
        r = memory_parse(buf_span(&text), log, ret);
    else if (r == RES_ABSENT)
        r = RES_OK;
    buf_release(&text);
    if (r == RES_OK)
        return EXIT_YES;
    app_say("%s/%s: %s; what was seen of the directory of %s cannot be trusted.  Restore the file "
            "from a backup, or move it away to begin again: then what was looked up before is not "
            "followed any more",
            a->state_path, name, r == RES_IO ? strerror(errno) : result_sentence(r),
            log->note.name);
    return EXIT_FAULT;
}

int
remembered_save(struct app *a, const struct policy_log *log, struct memory *m)
{
    char name[NAME_MAX_HERE];
    struct buf text = BUF_INIT(MEMORY_FILE_MAX);
    if (a->o.stateless)
        return EXIT_YES;
    file_name(log, name);
    memory_tidy(m);
    enum result r = memory_write(m, log, &text);
    if (r == RES_OK)
        r = statedir_write(&a->dir, name, buf_span(&text));
    buf_release(&text);
    if (r == RES_OK)
        return friend_save(a, log, m);
    app_say("cannot write %s/%s: %s; the old file stands", a->state_path, name,
            r == RES_IO ? strerror(errno) : result_sentence(r));
    return EXIT_FAULT;
}

int
remembered_follow_log(struct app *a, struct transport *t, const struct policy_log *log)
{
    struct monitor *m = NULL;
    int e = EXIT_FAULT;
    struct view *view = seen_view(a, log, &e);
    if (view == NULL)
        return e;
    const struct monitor_config c = {
        .log = log, .policy = a->policy, .view = view, .seed = app_now()};
    if (monitor_new(&c, &m) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    e = follow_run(t, log, m);
    if (e == EXIT_YES) {
        const struct verdict *v = monitor_verdict(m);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s: %s", log->note.name, v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = seen_save_evidence(a, log, v);
        else if (monitor_head(m) != NULL && view_newest(view) != NULL)
            e = app_worse(e, seen_save(a, log));
    }
    monitor_free(m);
    return e;
}

static void
ask(void *arg, struct ask *ret)
{
    finder_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    finder_answer(arg, a, now);
}

int
remembered_follow(struct app *a, struct transport *t, const struct policy_log *log,
                  struct memory *m, size_t *ret_followed)
{
    int e = EXIT_FAULT;
    struct view *view = seen_view(a, log, &e);
    if (view == NULL)
        return e;
    const struct finder_config c = {
        .log = log, .policy = a->policy, .view = view, .memory = m, .seed = app_now()};
    struct finder *f;
    if (finder_new(&c, &f) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {f, ask, answer};
    e = engine_run(t, log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *v = finder_verdict(f);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s: %s", log->note.name, v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = accuse(a, t, log, m, finder_refused(f), v);
        *ret_followed = finder_followed(f);
        if (*ret_followed > 0)
            e = app_worse(e, remembered_save(a, log, m));
    }
    finder_free(f);
    return e;
}

static void
ask_landmarks(void *arg, struct ask *ret)
{
    landmarks_ask(arg, ret);
}

static void
answer_landmarks(void *arg, const struct answer *a, uint64_t now)
{
    landmarks_answer(arg, a, now);
}

int
remembered_heads(struct app *a, struct transport *t, const struct policy_log *log, struct memory *m)
{
    const struct landmarks_config c = {.log = log, .memory = m, .seed = app_now()};
    struct landmarks *l;
    if (landmarks_new(&c, &l) != RES_OK) {
        app_say("no memory");
        return EXIT_FAULT;
    }
    const struct engine engine = {l, ask_landmarks, answer_landmarks};
    int e = engine_run(t, log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *v = landmarks_verdict(l);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s: %s", log->note.name, v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = accuse(a, t, log, m, NULL, v);
        else if (v->kind == VERDICT_YES)
            e = remembered_save(a, log, m);
    }
    landmarks_free(l);
    return e;
}

int
remembered_heads_due(struct app *a, struct transport *t, const struct policy_log *log,
                     struct memory *m)
{
    bool due = m->recent_n > 0 && landmarks_due(m, log, app_now());

    return due ? remembered_heads(a, t, log, m) : EXIT_YES;
}
