#include "tests/unit/directory/search.h"

#include "tests/vectors/check.h"

#define ANSWER_ROOM ((size_t)4 << 20)

static enum search_step
step_of(const struct ask *ask)
{
    if (strcmp(ask->path, "/kt/v1/contact-monitor") == 0)
        return SEARCH_FOLLOW;
    if (strcmp(ask->path, "/v1/lookup") == 0)
        return SEARCH_LOOK_UP;
    assert_int_equal(strncmp(ask->path, "/ct/v1/get-sth-consistency", 26), 0);
    assert_int_equal(ask->body.n, 0);
    return SEARCH_LINK;
}

/* The clock stands still but for the waits. */
static void
answer(struct search *s, const struct ask *ask, struct buf *body)
{
    struct answer a = {.transport = RES_OK};

    if (ask->kind == ASK_FETCH) {
        s->step = step_of(ask);
        s->asks[s->step]++;
        lookup_answer(s->l, ask, body, &a);
        if (s->meddle != NULL)
            s->meddle(s, ask, body, &a);
    } else {
        assert_int_equal(ask->kind, ASK_WAIT);
        assert_true(ask->wait_ms > 0);
        s->waits++;
        s->waited += ask->wait_ms;
        s->now += ask->wait_ms;
    }
    finder_answer(s->finder, &a, s->now);
}

void
search_run(struct search *s)
{
    static const struct view nothing = {.n = 0};
    const struct finder_config c = {.log = &s->l->desk.log,
                                    .view = s->view != NULL ? s->view : &nothing,
                                    .memory = s->memory,
                                    .look_up = !s->follow_only,
                                    .label = s->l->desk.t.label[s->label].name,
                                    .at = s->at,
                                    .seed = 1};
    struct buf body = BUF_INIT(ANSWER_ROOM);

    s->now = desk_now(&s->l->desk) + s->late;
    assert_int_equal(finder_new(&c, &s->finder), RES_OK);
    for (unsigned asks = 0;; asks++) {
        struct ask ask;

        assert_true(asks < SEARCH_ASKS_MAX);
        finder_ask(s->finder, &ask);
        if (ask.kind == ASK_DONE)
            break;
        answer(s, &ask, &body);
    }
    s->verdict = finder_verdict(s->finder);
    s->found = finder_found(s->finder);
    s->followed = finder_followed(s->finder);
    buf_release(&body);
}

void
search_release(struct search *s)
{
    finder_free(s->finder);
    s->finder = NULL;
}

void
search_ends(const char *says, const struct search *s, enum verdict_kind kind, enum result why)
{
    const struct verdict *v = s->verdict;

    if (v->kind != kind || v->why != why)
        fail_msg("%s: verdict %d, %s: %s", says, (int)v->kind, result_name(v->why), v->detail);
    assert_true((v->evidence.n > 0) == (kind == VERDICT_REFUSED));
    assert_int_equal(s->found != NULL, kind == VERDICT_YES && !s->follow_only);
}
