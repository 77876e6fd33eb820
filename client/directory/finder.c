#include "client/directory/finder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/directory/judge.h"
#include "client/exchange.h"
#include "client/json.h"
#include "client/reply.h"
#include "client/request.h"
#include "merkle/tree/verify.h"

enum step { STEP_FOLLOW, STEP_LOOK_UP, STEP_LINK };

struct finder {
    struct finder_config c;
    struct exchange x;
    enum step step;
    size_t at; /* the label that is followed */
    size_t followed;
    struct buf body; /* of the request at hand */
    struct found found;
    bool has_found;
    uint64_t since;   /* when the directory was first seen behind, milliseconds; 0: it was not */
    uint64_t wait_ms; /* the last wait for it */
    bool said_erased; /* the log says that what was at the time asked is erased */
};

/* ---- what comes next ---- */

/* The next label that must be followed, or what comes after them.  Of a watched label the warden
 * sees more. */
static void
skip_settled(struct finder *f)
{
    while (f->step == STEP_FOLLOW && f->at < f->c.memory->n &&
           (f->c.memory->labels[f->at]->map.n == 0 || f->c.memory->labels[f->at]->watched))
        f->at++;
    if (f->step != STEP_FOLLOW || f->at < f->c.memory->n)
        return;
    if (f->c.look_up)
        f->step = STEP_LOOK_UP;
    else
        verdict_end(&f->x.verdict, VERDICT_YES, RES_OK, "%zu labels were followed", f->followed);
}

enum result
finder_new(const struct finder_config *c, struct finder **ret)
{
    struct finder *f = calloc(1, sizeof(*f));

    assert(c->log->has_directory);
    if (f == NULL)
        return RES_MEMORY;
    f->c = *c;
    exchange_init(&f->x, c->log, c->tries == 0 ? FINDER_TRIES : c->tries, c->seed);
    buf_init(&f->body, KT_REQUEST_MAX);
    found_init(&f->found);
    skip_settled(f);
    *ret = f;
    return RES_OK;
}

void
finder_free(struct finder *f)
{
    if (f == NULL)
        return;
    found_release(&f->found);
    buf_release(&f->body);
    exchange_release(&f->x);
    free(f);
}

/* ---- asking ---- */

static struct kt_optional
last_of(const struct memory *m)
{
    return (struct kt_optional){m->has_view, m->has_view ? m->view.peaks.size : 0};
}

static enum result
write_follow(struct finder *f)
{
    const struct memory_label *l = f->c.memory->labels[f->at];
    struct contact_monitor_request q = {
        .last = last_of(f->c.memory), .label = span_of(l->label.b, l->label.n), .map = l->map};
    struct writer w = writer_to(&f->body);

    contact_monitor_request_put(&w, &q);
    return writer_end(&w);
}

/* The address as the label has it: the form that everybody writes alike. */
static enum result
write_question(struct finder *f)
{
    struct kt_optional last = last_of(f->c.memory);
    enum result r = buf_add(&f->body, span_str("{\"address\":"));

    if (r == RES_OK)
        r = json_write_string(span_of(f->c.label.b + 1, f->c.label.n - 1), &f->body);
    if (r == RES_OK && last.has)
        r = buf_printf(&f->body, ",\"last\":%" PRIu64, last.value);
    if (r == RES_OK && f->c.at.has)
        r = buf_printf(&f->body, ",\"at\":%" PRIu64, f->c.at.value);
    return r == RES_OK ? buf_add(&f->body, span_str("}")) : r;
}

static void
path_of(const struct finder *f, char out[static ASK_PATH_MAX])
{
    const struct view_head *seen = view_newest(f->c.view);

    if (f->step == STEP_FOLLOW) {
        (void)snprintf(out, ASK_PATH_MAX, "/kt/v1/contact-monitor");
    } else if (f->step == STEP_LOOK_UP) {
        (void)snprintf(out, ASK_PATH_MAX, "/v1/lookup");
    } else {
        request_consistency(seen->head.size, f->found.feed.certificates, out);
    }
}

void
finder_ask(struct finder *f, struct ask *ret)
{
    enum result r = RES_OK;

    if (!exchange_ask(&f->x, ret))
        return;
    path_of(f, ret->path);
    if (f->step == STEP_LINK)
        return;
    buf_clear(&f->body);
    ret->octets = f->step == STEP_FOLLOW;
    r = f->step == STEP_FOLLOW ? write_follow(f) : write_question(f);
    ret->body = buf_span(&f->body);
    if (r != RES_OK) {
        exchange_fault(&f->x, r);
        ret->kind = ASK_DONE;
    }
}

/* ---- answers ---- */

static void
on_follow(struct finder *f, const struct answer *a, const char *path, uint64_t now)
{
    struct memory *m = f->c.memory;
    struct memory_label *l = m->labels[f->at];
    const struct proved_by by = {&f->c.log->directory, &f->c.log->vrf, memory_last(m), now};
    struct proved_head head;
    enum result r = a->status == 200
                        ? proved_contact(&by, l->steps, l->steps_n, &l->map, a->body, &head)
                        : RES_KT_NO_VERSION;

    if (r != RES_OK) {
        judge(&f->x, a, path, r, "what was looked up before");
        return;
    }
    memory_advance(m, &head);
    memory_prune(l);
    f->followed++;
    f->at++;
    skip_settled(f);
}

static void
finish(struct finder *f)
{
    verdict_end(&f->x.verdict, VERDICT_YES, RES_OK, "%s",
                f->found.present ? "found, and every proof verified"
                                 : "proved that there is nothing");
}

/* The directory may not lag behind any head of the certificate log by more than it promises. */
static bool
too_far_behind(const struct finder *f)
{
    const struct feed_entry *e = &f->found.feed;

    for (size_t i = 0; i < f->c.view->n; i++) {
        const struct head *seen = &f->c.view->heads[i].head;
        if (e->certificates < seen->size && e->timestamp > seen->timestamp + f->c.log->delay_ms)
            return true;
    }
    return false;
}

/* What the log had before the question must be in the answer: a directory that stopped taking
 * certificates up could else hide all that came since.  It gets the time it asks for. */
static void
wait_for_rest(struct finder *f, uint64_t now)
{
    uint64_t missing = view_newest(f->c.view)->head.size - f->found.feed.certificates;

    if (f->since == 0)
        f->since = now;
    f->wait_ms = f->wait_ms == 0 ? FINDER_WAIT_MS / 8 : 2 * f->wait_ms;
    if (f->wait_ms > FINDER_WAIT_MS)
        f->wait_ms = FINDER_WAIT_MS;
    if (now - f->since > f->c.log->delay_ms + FINDER_WAIT_MS) {
        verdict_end(&f->x.verdict, VERDICT_LATER, RES_STALE,
                    "the directory has not taken up %" PRIu64
                    " entries of the log: try again later",
                    missing);
        return;
    }
    found_release(&f->found);
    f->has_found = false;
    f->x.wait_ms = f->wait_ms;
}

static void
link_to_view(struct finder *f, const struct answer *a, const char *path, uint64_t now)
{
    const struct view_head *seen = view_newest(f->c.view);
    const struct feed_entry *e = &f->found.feed;

    if (too_far_behind(f))
        judge(&f->x, a, path, RES_CONFLICT, "the directory leaves out what the log had before");
    else if (seen == NULL || seen->head.size == 0)
        finish(f);
    else if (e->certificates < seen->head.size)
        wait_for_rest(f, now);
    else if (seen->head.size != e->certificates)
        f->step = STEP_LINK;
    else if (hash_equal(&seen->head.root, &e->certificates_root))
        finish(f);
    else
        judge(&f->x, a, path, RES_CONFLICT, "the directory is of another certificate log");
}

static enum result
remember(struct finder *f)
{
    struct memory *m = f->c.memory;
    struct span label = span_of(f->c.label.b, f->c.label.n);
    const struct found *found = &f->found;
    const struct proved_search *s = &found->search;
    const struct proved_as_of *o = &found->as_of;
    enum result r = RES_OK;

    if (found->present && !found->of_time && s->must_monitor)
        r = memory_follow(m, label, s->terminal, s->version, s->steps, s->steps_n);
    else if (found->present && found->of_time && o->must_monitor)
        r = memory_follow(m, label, o->claim.first, o->claim.version, o->steps, o->steps_n);
    if (r == RES_OK)
        memory_advance(m, &found->head);
    return r;
}

static void
on_found(struct finder *f, const struct answer *a, const char *path, uint64_t now)
{
    const struct found_question q = {.log = f->c.log,
                                     .policy = f->c.policy,
                                     .last = memory_last(f->c.memory),
                                     .label = f->c.label,
                                     .at = f->c.at,
                                     .now = now};
    const char *what = "";
    enum result r = found_read(&q, a->status == 404, a->body, &f->found, &what);

    if (r != RES_OK) {
        judge(&f->x, a, path, r, what);
        return;
    }
    if (f->said_erased && !(f->found.present && f->found.state.tombstone)) {
        judge(&f->x, a, path, RES_CONFLICT, "called erased, and it is not");
        return;
    }
    f->has_found = true;
    if (now > f->found.head.timestamp + FINDER_FRESH_MS) {
        verdict_end(&f->x.verdict, VERDICT_LATER, RES_STALE,
                    "the directory's newest head is %" PRIu64 " minutes old: try again later",
                    (now - f->found.head.timestamp) / 60000);
        return;
    }
    r = remember(f);
    if (r == RES_CONFLICT)
        judge(&f->x, a, path, r, "a version was shown with another value before");
    else if (r != RES_OK)
        exchange_fault(&f->x, r);
    else
        link_to_view(f, a, path, now);
}

static void
on_link(struct finder *f, const struct answer *a, const char *path)
{
    const struct head *seen = &view_newest(f->c.view)->head;
    const struct feed_entry *e = &f->found.feed;
    struct reply_path p;
    enum result r = a->status == 200 ? reply_consistency(a->body, &p) : RES_UNKNOWN_HASH;

    if (r == RES_OK)
        r = consistency_verify(seen->size, e->certificates, &seen->root, &e->certificates_root,
                               p.path, p.n);
    if (r == RES_OK)
        finish(f);
    else
        judge(&f->x, a, path, r, "the directory's certificate log is not the one seen before");
}

void
finder_answer(struct finder *f, const struct answer *a, uint64_t now)
{
    char path[ASK_PATH_MAX];
    bool known;

    path_of(f, path);
    if (!exchange_take(&f->x, a, path))
        return;
    if (f->step == STEP_LOOK_UP && a->status == 410 && f->c.at.has) {
        /* That proves nothing; the tombstone, which is what is found now, will. */
        f->c.at.has = false;
        f->said_erased = true;
        return;
    }
    known = a->status == 200 || (f->step == STEP_LOOK_UP && a->status == 404) ||
            (f->step != STEP_LOOK_UP && answer_is_refusal(a));
    if (!known)
        exchange_no_log(&f->x, a, path);
    else if (f->step == STEP_FOLLOW)
        on_follow(f, a, path, now);
    else if (f->step == STEP_LOOK_UP)
        on_found(f, a, path, now);
    else
        on_link(f, a, path);
}

const struct verdict *
finder_verdict(const struct finder *f)
{
    return &f->x.verdict;
}

const struct found *
finder_found(const struct finder *f)
{
    return f->has_found && f->x.verdict.kind == VERDICT_YES ? &f->found : NULL;
}

size_t
finder_followed(const struct finder *f)
{
    return f->followed;
}
