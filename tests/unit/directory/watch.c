#include "tests/unit/directory/watch.h"

#include "merkle/keytrans/ladder.h"
#include "tests/vectors/check.h"

static enum watch_step
step_of(const char *path)
{
    static const char *const paths[WATCH_STEPS] = {"/kt/v1/distinguished", "/kt/v1/owner-init",
                                                   "/kt/v1/update", "/kt/v1/owner-monitor"};
    unsigned i = 0;

    while (i < WATCH_STEPS && strcmp(paths[i], path) != 0)
        i++;
    assert_true(i < WATCH_STEPS);
    return i;
}

static void
answer(struct watch *w, const struct ask *ask, struct buf *body)
{
    struct answer a = {.transport = RES_OK};

    if (ask->kind == ASK_FETCH) {
        w->step = step_of(ask->path);
        w->asks[w->step]++;
        desk_answer(w->desk, ask, body, &a);
        if (w->meddle != NULL)
            w->meddle(w, ask, body, &a);
    } else {
        assert_int_equal(ask->kind, ASK_WAIT);
        w->waits++;
    }
    warden_answer(w->warden, &a, desk_now(w->desk));
}

void
watch_run(struct watch *w)
{
    const struct warden_config c = {.log = &w->desk->log,
                                    .memory = w->memory,
                                    .label = w->desk->t.label[w->label].name,
                                    .seed = 1};
    struct buf body = BUF_INIT(DESK_ANSWER_MAX);

    assert_int_equal(warden_new(&c, &w->warden), RES_OK);
    for (unsigned asks = 0;; asks++) {
        struct ask ask;

        assert_true(asks < WATCH_ASKS_MAX);
        warden_ask(w->warden, &ask);
        if (ask.kind == ASK_DONE)
            break;
        answer(w, &ask, &body);
    }
    w->verdict = warden_verdict(w->warden);
    w->began = warden_began(w->warden);
    w->news = warden_news(w->warden, &w->news_n);
    buf_release(&body);
}

void
watch_release(struct watch *w)
{
    warden_free(w->warden);
    w->warden = NULL;
}

void
watch_ends(const char *says, const struct watch *w, enum verdict_kind kind, enum result why)
{
    const struct verdict *v = w->verdict;

    if (v->kind != kind || v->why != why)
        fail_msg("%s: verdict %d, %s: %s", says, (int)v->kind, result_name(v->why), v->detail);
    assert_true((v->evidence.n > 0) == (kind == VERDICT_REFUSED));
}

void
watch_told(const char *says, const struct watch *w, size_t from, size_t to)
{
    const struct testdir_label *model = &w->desk->t.label[w->label];

    if (w->news_n != to - from)
        fail_msg("%s: %zu versions are told", says, w->news_n);
    for (size_t i = 0; i < w->news_n; i++) {
        const struct testdir_version *v = &model->at[from + i];

        if (!span_equal(buf_span(&w->news[i]), span_of(v->value, v->value_n)))
            fail_msg("%s: not version %zu", says, from + i);
    }
}

void
watch_honest(const char *says, struct desk *d, struct memory *m, unsigned label)
{
    struct watch w = {.desk = d, .memory = m, .label = label};

    watch_run(&w);
    watch_ends(says, &w, VERDICT_YES, RES_OK);
    desk_audit(d, m, label);
    watch_release(&w);
}

void
watch_know(struct desk *d, struct memory *m, unsigned label, uint32_t version)
{
    struct memory_label *l = desk_kept(d, m, label);
    uint32_t ladder[LADDER_STEPS_MAX];
    unsigned n = ladder_base(version, ladder);

    for (unsigned i = 0; i < n; i++) {
        struct consume_version s = {.version = ladder[i],
                                    .key = *testdir_key(&d->t, label, ladder[i])};

        s.has_commitment = ladder[i] <= version;
        if (s.has_commitment)
            s.commitment = d->t.label[label].at[ladder[i]].commitment;
        assert_int_equal(memory_steps(l, &s, 1), RES_OK);
    }
}
