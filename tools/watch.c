#include "tools/watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/directory/warden.h"
#include "client/json.h"
#include "tools/accuse.h"
#include "tools/credential.h"
#include "tools/engine.h"
#include "tools/records.h"

static void
ask(void *arg, struct ask *ret)
{
    warden_ask(arg, ret);
}

static void
answer(void *arg, const struct answer *a, uint64_t now)
{
    warden_answer(arg, a, now);
}

static enum result
tell_version(const struct app *a, const struct policy_log *log, const struct label *label,
             struct span value, struct span before)
{
    struct span address = span_of(label->b + 1, label->n - 1);
    struct buf text = BUF_INIT(4096);
    enum result r;
    if (!a->o.json) {
        (void)printf("%.*s: something changed (directory of %s)\n", (int)address.n, address.p,
                     log->note.name);
        return records_print(label, value, before, false);
    }
    r = json_write_string(address, &text);
    if (r == RES_OK)
        r = buf_add(&text, span_of("", 1));
    if (r == RES_OK) {
        (void)printf("{\"log\":\"%s\",\"watched\":%s,", log->note.name, (const char *)text.p);
        r = records_print(label, value, before, true);
        (void)puts("}");
    }
    buf_release(&text);
    return r;
}

static int
tell(const struct app *a, const struct policy_log *log, const struct label *label,
     const struct warden *w)
{
    struct span before = span_of(NULL, 0);
    size_t n;
    const struct buf *news = warden_news(w, &n);
    if (warden_began(w) && !a->o.json)
        (void)printf("%.*s: watched from now on (directory of %s); `cartulary history` shows what "
                     "was before\n",
                     (int)label->n - 1, label->b + 1, log->note.name);
    if (warden_missed(w) > 0)
        app_say("%.*s: %" PRIu32 " versions that you had not seen were erased; the log can no "
                "longer show what was in them",
                (int)label->n - 1, label->b + 1, warden_missed(w));
    for (size_t i = 0; i < n; i++) {
        if (tell_version(a, log, label, buf_span(&news[i]), before) != RES_OK) {
            app_say("a version holds what no directory writes");
            return EXIT_FAULT;
        }
        before = buf_span(&news[i]);
    }
    return EXIT_YES;
}

static int
watch_label(struct app *a, struct transport *t, const struct policy_log *log, struct memory *m,
            const struct label *label)
{
    const struct warden_config c = {.log = log, .memory = m, .label = *label, .seed = app_now()};
    struct warden *w;
    if (warden_new(&c, &w) != RES_OK) {
        app_say("no memory, or more labels than are kept");
        return EXIT_FAULT;
    }
    const struct engine engine = {w, ask, answer};
    int e = engine_run(t, log, &engine);
    if (e == EXIT_YES) {
        const struct verdict *v = warden_verdict(w);
        e = app_exit_of(v->kind);
        if (v->kind != VERDICT_YES)
            app_say("%s: %s", log->note.name, v->detail);
        if (v->kind == VERDICT_REFUSED)
            e = accuse(a, t, log, m, NULL, v);
        e = app_worse(e, tell(a, log, label, w));
    }
    warden_free(w);
    return e;
}

/* The labels that are watched, with those that are from now on. */
static int
watch_all(struct app *a, struct transport *t, const struct policy_log *log, struct memory *m,
          const char *const *addresses, size_t n)
{
    int e = EXIT_YES;
    for (size_t i = 0; i < m->n; i++) {
        struct label label = m->labels[i]->label;
        if (m->labels[i]->watched)
            e = app_worse(e, watch_label(a, t, log, m, &label));
    }
    for (size_t i = 0; i < n; i++) {
        struct address address;
        struct label label;
        if (address_parse(span_str(addresses[i]), &address) != RES_OK)
            continue; /* all_addresses has seen to it */
        label_of_address(&address, &label);
        const struct memory_label *l = memory_find(m, span_of(label.b, label.n));
        if (l == NULL || !l->watched)
            e = app_worse(e, watch_label(a, t, log, m, &label));
    }
    return e;
}

static bool
all_addresses(const char *const *addresses, size_t n)
{
    struct address address;
    for (size_t i = 0; i < n; i++) {
        if (address_parse(span_str(addresses[i]), &address) != RES_OK) {
            app_say("\"%s\" is no address", addresses[i]);
            return false;
        }
    }
    return true;
}

int
watch_round(struct app *a, struct transport *t, const struct policy_log *log,
            const char *const *addresses, size_t n)
{
    struct memory m;
    size_t followed = 0;
    if (!all_addresses(addresses, n))
        return EXIT_INPUT;
    memory_init(&m);
    int e = remembered_load(a, log, &m);
    bool loaded = e == EXIT_YES;
    if (e == EXIT_YES)
        e = remembered_follow(a, t, log, &m, &followed);
    if (e == EXIT_YES)
        e = remembered_heads(a, t, log, &m);
    /* Whatever comes of credentials that others sent, one's own mailbox is watched. */
    if (e == EXIT_YES) {
        e = watch_all(a, t, log, &m, addresses, n);
        e = app_worse(e, credential_confirm_due(a, t, log, &m));
    }
    /* Only what was verified stands in it, whatever came of the rest. */
    if (loaded)
        e = app_worse(e, remembered_save(a, log, &m));
    memory_release(&m);
    return e;
}
