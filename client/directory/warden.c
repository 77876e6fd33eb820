#include "client/directory/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/directory/judge.h"
#include "client/exchange.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/keytrans/response.h"

enum step { STEP_HEADS, STEP_INIT, STEP_UPDATE, STEP_MONITOR, STEP_TOMBSTONE };

struct warden {
    struct warden_config c;
    struct exchange x;
    enum step step;
    struct memory_label *l;
    uint64_t start; /* where the watch begins */
    struct buf body;
    struct buf news[WARDEN_VERSIONS_MAX];
    size_t news_n;
    bool began;
    bool again;  /* the walk was cut where it began, and the log was asked for versions again */
    bool full;   /* there are more versions than one run takes */
    bool onward; /* the walk came further, or less is left to follow: the next run has more room */
    uint32_t tombstone; /* the version that is one, when the log calls others erased */
    uint32_t missed;    /* versions that were erased before they were seen; 0: nothing is proved */
};

enum result
warden_new(const struct warden_config *c, struct warden **ret)
{
    struct warden *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return RES_MEMORY;
    w->c = *c;
    exchange_init(&w->x, c->log, c->tries == 0 ? WARDEN_TRIES : c->tries, c->seed);
    buf_init(&w->body, KT_REQUEST_MAX);
    enum result r = memory_label(c->memory, span_of(c->label.b, c->label.n), &w->l);
    if (r != RES_OK) {
        warden_free(w);
        return r;
    }
    w->step = w->l->watched ? STEP_UPDATE : STEP_HEADS;
    *ret = w;
    return RES_OK;
}

void
warden_free(struct warden *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->news_n; i++)
        buf_release(&w->news[i]);
    buf_release(&w->body);
    exchange_release(&w->x);
    free(w);
}

/* ---- asking ---- */

static const char *
path_of(const struct warden *w)
{
    static const char *const paths[] = {"/kt/v1/distinguished", "/kt/v1/owner-init",
                                        "/kt/v1/update", "/kt/v1/owner-monitor", "/kt/v1/search"};

    return paths[w->step];
}

static struct kt_optional
greatest_of(const struct warden *w)
{
    struct owner_state owner = memory_owner(w->l);
    int64_t v = owner_greatest(&owner);

    return (struct kt_optional){v >= 0, v >= 0 ? (uint64_t)v : 0};
}

static enum result
write_request(struct warden *w)
{
    const struct memory *m = w->c.memory;
    struct kt_optional last = {m->has_view, m->has_view ? m->view.peaks.size : 0};
    struct span label = span_of(w->c.label.b, w->c.label.n);
    struct writer out = writer_to(&w->body);

    switch (w->step) {
    case STEP_HEADS:
        distinguished_request_put(&out, &(struct distinguished_request){.last = last});
        break;
    case STEP_INIT:
        owner_init_request_put(&out, &(struct owner_init_request){last, label, w->start});
        break;
    case STEP_UPDATE:
        update_request_put(&out, &(struct update_request){.last = last,
                                                          .label = label,
                                                          .greatest_version = greatest_of(w)});
        break;
    case STEP_MONITOR:
        owner_monitor_request_put(
            &out, &(struct owner_monitor_request){.last = last,
                                                  .label = label,
                                                  .map = w->l->map,
                                                  .start = w->l->start,
                                                  .greatest_version = greatest_of(w)});
        break;
    case STEP_TOMBSTONE: /* the greatest version */
        search_request_put(&out, &(struct search_request){.last = last, .label = label});
        break;
    }
    return writer_end(&out);
}

void
warden_ask(struct warden *w, struct ask *ret)
{
    if (!exchange_ask(&w->x, ret))
        return;
    (void)snprintf(ret->path, sizeof(ret->path), "%s", path_of(w));
    buf_clear(&w->body);
    enum result r = write_request(w);
    ret->octets = true;
    ret->body = buf_span(&w->body);
    if (r != RES_OK) {
        exchange_fault(&w->x, r);
        ret->kind = ASK_DONE;
    }
}

/* ---- answers ---- */

static enum result
on_heads(struct warden *w, const struct proved_by *by, struct span answer)
{
    struct proved_heads h;
    enum result r = proved_distinguished(by, answer, &h);

    if (r == RES_OK && h.heads.n == 0) /* the root of the search tree always is one */
        r = RES_KT_COUNT;
    if (r != RES_OK)
        return r;
    memory_advance(w->c.memory, &h.head);
    w->start = h.heads.at[0];
    w->step = STEP_INIT;
    return RES_OK;
}

/* What was looked up before, and lies left of the start, is a version that the label has there;
 * what lies right of it the owner follows. */
static enum result
settle_map(struct contact_map *map, uint64_t start, int64_t greatest)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < map->n; i++) {
        if (map->entries[i].position > start)
            map->entries[kept++] = map->entries[i];
        else if ((int64_t)map->entries[i].version > greatest)
            return RES_KT_LADDER;
    }
    map->n = kept;
    return RES_OK;
}

/* FORMATS, "Erasure": "A tombstone is only made when the version before it has stood for a
 * reasonable monitoring window", which the rightmost distinguished entry therefore shows; "a new
 * version is never made behind a tombstone".  A log that made tombstones earlier, again and again,
 * would have the watch begin nowhere, and nothing shown. */
static enum result
check_erased(const struct warden *w, int64_t greatest)
{
    int64_t tombstone = w->tombstone;

    return greatest == tombstone || greatest == tombstone - 1 ? RES_OK : RES_CONFLICT;
}

static enum result
on_init(struct warden *w, const struct proved_by *by, struct span answer)
{
    struct proved_owner_init *p = malloc(sizeof(*p));
    enum result r = p == NULL ? RES_MEMORY : RES_OK;

    if (r == RES_OK)
        r = proved_owner_init(by, span_of(w->c.label.b, w->c.label.n), w->start, answer, p);
    if (r == RES_OK && w->missed > 0)
        r = check_erased(w, p->greatest);
    struct contact_map map = w->l->map;
    if (r == RES_OK)
        r = settle_map(&map, w->start, p->greatest);
    /* Contact monitoring may have steps of its own; the owner's are added. */
    if (r == RES_OK)
        r = memory_steps(w->l, p->steps, p->steps_n);
    if (r == RES_OK) {
        memory_advance(w->c.memory, &p->head);
        w->l->watched = true;
        w->l->start = w->start;
        w->l->at_start = p->greatest;
        w->l->upcoming_n = 0;
        w->l->map = map;
        w->began = w->missed == 0;
        w->step = STEP_UPDATE;
    }
    free(p);
    return r;
}

static enum result
add_news(struct warden *w, struct span value)
{
    struct buf *b = &w->news[w->news_n];

    if (w->news_n == WARDEN_VERSIONS_MAX)
        return RES_TOO_LARGE;
    buf_init(b, value.n);
    enum result r = buf_add(b, value);
    if (r == RES_OK)
        w->news_n++;
    return r;
}

/* Behind versions that were erased there is the tombstone, which is news already, and nothing
 * more. */
static enum result
check_tombstone(const struct warden *w, const struct proved_update *p)
{
    struct kt_optional known = greatest_of(w);
    bool same = known.value + p->n == w->tombstone &&
                span_equal(p->values[p->n - 1], buf_span(&w->news[w->news_n - 1]));

    return same ? RES_OK : RES_CONFLICT;
}

/* All of them, or none: RES_TOO_LARGE when they are more than are kept. */
static enum result
keep_news(struct warden *w, const struct proved_update *p)
{
    if (w->news_n + p->n > WARDEN_VERSIONS_MAX || w->l->upcoming_n + p->n > MEMORY_UPCOMING_MAX)
        return RES_TOO_LARGE;
    for (unsigned i = 0; i < p->n && w->missed == 0; i++) {
        enum result r = add_news(w, p->values[i]);
        if (r != RES_OK)
            return r;
    }
    for (unsigned i = 0; i < p->n; i++)
        w->l->upcoming[w->l->upcoming_n++] = p->position;
    return RES_OK;
}

/* 410: the log says which versions are gone, the tombstone last.  Nothing of it is believed yet. */
static enum result
on_erased(struct warden *w, struct span answer)
{
    struct kt_optional known = greatest_of(w);
    struct reader in = reader_of(answer);
    struct proof_queue gone;
    struct erased_version v;

    erased_response_get(&in, &gone);
    enum result r = reader_end(&in);
    if (r != RES_OK)
        return r;
    in = reader_of(gone.bytes);
    erased_version_get(&in, &v);
    /* That of which nothing but the tombstone is missing is no such answer. */
    if (gone.n < 2 || v.version != (known.has ? known.value + 1 : 0))
        return RES_KT_COUNT;
    if (v.version > UINT32_MAX - (gone.n - 1))
        return RES_RANGE;
    w->tombstone = v.version + gone.n - 1;
    w->full = w->news_n == WARDEN_VERSIONS_MAX; /* the next run asks again, as in on_update */
    w->step = w->full ? STEP_MONITOR : STEP_TOMBSTONE;
    return RES_OK;
}

/* What makes it true is that the greatest version is a tombstone, for everybody: a version behind
 * it would be one that its owner is not told of. */
static enum result
on_tombstone(struct warden *w, const struct proved_by *by, struct span answer)
{
    struct proved_search s;
    struct mailbox_state state;
    enum result r = proved_search(by, span_of(w->c.label.b, w->c.label.n),
                                  (struct kt_optional){false, 0}, answer, &s);

    if (r != RES_OK)
        return r;
    struct reader in = reader_of(s.value);
    mailbox_state_get(&in, &state);
    if (reader_end(&in) != RES_OK || !state.tombstone || s.version != w->tombstone)
        return RES_CONFLICT;
    r = add_news(w, s.value);
    if (r != RES_OK)
        return r;
    struct kt_optional known = greatest_of(w);
    w->missed = w->tombstone - (uint32_t)(known.has ? known.value + 1 : 0);
    memory_advance(w->c.memory, &s.head);
    w->step = STEP_HEADS;
    return RES_OK;
}

static enum result
on_update(struct warden *w, const struct proved_by *by, struct span answer)
{
    struct proved_update *p = malloc(sizeof(*p));
    struct owner_state owner = memory_owner(w->l);
    enum result r = p == NULL ? RES_MEMORY : RES_OK;

    if (r == RES_OK)
        r = proved_update(by, span_of(w->c.label.b, w->c.label.n), w->l->steps, w->l->steps_n,
                          &owner, &w->l->map, answer, p);
    if (r == RES_OK && w->missed > 0)
        r = check_tombstone(w, p);
    if (r == RES_OK)
        r = keep_news(w, p);
    if (r == RES_OK) {
        memory_advance(w->c.memory, &p->head);
        memcpy(w->l->steps, p->steps, p->steps_n * sizeof(*p->steps));
        w->l->steps_n = p->steps_n;
        w->l->map = p->map;
        w->again = false;
    } else if (r == RES_TOO_LARGE) { /* the next run asks again for these: the walk makes room */
        w->full = true;
        w->step = STEP_MONITOR;
        r = RES_OK;
    }
    free(p);
    return r;
}

/* Insertions that the start has come to are counted, and not kept one by one any more. */
static void
move_start(struct memory_label *l, uint64_t start)
{
    size_t n = 0;

    while (n < l->upcoming_n && l->upcoming[n] <= start)
        n++;
    l->start = start;
    l->at_start += (int64_t)n;
    l->upcoming_n -= n;
    memmove(l->upcoming, l->upcoming + n, l->upcoming_n * sizeof(*l->upcoming));
}

/* Where nothing came of the run the next one would do no better. */
static void
end_full(struct warden *w)
{
    if (w->news_n > 0 || w->onward)
        verdict_end(&w->x.verdict, VERDICT_LATER, RES_BUSY,
                    "there are more changes than one run takes: run it again");
    else
        verdict_end(&w->x.verdict, VERDICT_FAULT, RES_TOO_LARGE,
                    "the label changed more often than is kept: %zu times behind the last entry "
                    "that shows all of it; what came after that is not told",
                    w->l->upcoming_n);
}

static enum result
on_monitor(struct warden *w, const struct proved_by *by, struct span answer)
{
    struct owner_state owner = memory_owner(w->l);
    struct contact_map map = w->l->map;
    struct proved_head head;
    uint64_t start;
    bool more;
    enum result r = proved_owner_monitor(by, w->l->steps, w->l->steps_n, &owner, &map, answer,
                                         &head, &start, &more);

    bool moved = r == RES_OK && start > w->l->start;
    /* Before a version that the owner does not know the walk may be cut once: it came just now. */
    if (r == RES_OK && more && !moved && w->again && !w->full)
        r = RES_KT_COUNT;
    if (r != RES_OK)
        return r;
    w->onward = w->onward || moved || map.n < w->l->map.n;
    memory_advance(w->c.memory, &head);
    w->l->map = map;
    move_start(w->l, start);
    size_t steps = w->l->steps_n;
    memory_prune(w->l);
    w->onward = w->onward || w->l->steps_n < steps;
    if (!more && !w->full) {
        verdict_end(&w->x.verdict, VERDICT_YES, RES_OK, "nothing is there that was not told");
    } else if (w->full && !(more && moved)) {
        end_full(w);
    } else if (moved) {
        w->again = false;
    } else {
        w->again = true;
        w->step = STEP_UPDATE;
    }
    return RES_OK;
}

void
warden_answer(struct warden *w, const struct answer *a, uint64_t now)
{
    static enum result (*const on[])(struct warden *, const struct proved_by *, struct span) = {
        on_heads, on_init, on_update, on_monitor, on_tombstone};
    const struct proved_by by = {&w->c.log->directory, &w->c.log->vrf, memory_last(w->c.memory),
                                 now};
    const char *path = path_of(w);

    if (!exchange_take(&w->x, a, path))
        return;
    if (w->step == STEP_UPDATE && a->status == 409) { /* nothing newer; the walk will show it */
        w->step = STEP_MONITOR;
        return;
    }
    if (w->step == STEP_UPDATE && a->status == 410 && w->missed == 0) {
        enum result e = on_erased(w, a->body);
        if (e != RES_OK)
            judge(&w->x, a, path, e, "versions that were erased");
        return;
    }
    if (a->status != 200 && !answer_is_refusal(a)) {
        exchange_no_log(&w->x, a, path);
        return;
    }
    enum result r = a->status == 200 ? on[w->step](w, &by, a->body) : RES_KT_NO_VERSION;
    if (r == RES_TOO_LARGE) /* more than is kept of one label: nobody's lie */
        exchange_fault(&w->x, r);
    else if (r != RES_OK)
        judge(&w->x, a, path, r, "a label that is watched");
}

const struct verdict *
warden_verdict(const struct warden *w)
{
    return &w->x.verdict;
}

uint32_t
warden_missed(const struct warden *w)
{
    return w->missed;
}

bool
warden_began(const struct warden *w)
{
    return w->began;
}

const struct buf *
warden_news(const struct warden *w, size_t *ret_n)
{
    *ret_n = w->news_n;
    return w->news;
}
