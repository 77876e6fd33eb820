#include "tests/unit/directory/fed.h"

#include <string.h>

#include "tests/vectors/check.h"

#define ANSWER_MAX (1u << 20)

void
fed_log(const struct testdir *t, const struct testlog *l, struct policy_log *ret)
{
    *ret = *l->log;
    ret->has_directory = true;
    ret->directory = t->kt;
    assert_int_equal(vrf_public_parse(t->kt.vrf_key, &ret->vrf), RES_OK);
}

static enum directory_ask
kind_of(const char *path)
{
    static const struct {
        const char *path;
        enum directory_ask kind;
    } paths[] = {
        {"/kt/v1/search", DIRECTORY_SEARCH},
        {"/kt/v1/distinguished", DIRECTORY_DISTINGUISHED},
        {"/kt/v1/credential-update", DIRECTORY_CREDENTIAL_UPDATE},
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (strcmp(paths[i].path, path) == 0)
            return paths[i].kind;
    fail_msg("%s", path);
    return DIRECTORY_SEARCH;
}

struct answer
fed_answer(const struct testdir *t, const struct ask *ask, struct buf *out)
{
    enum result rc = directory_answer(t->r, kind_of(ask->path), ask->body, out);

    assert_true(rc == RES_OK || result_class(rc) == CLASS_ABSENT);
    if (rc != RES_OK)
        buf_clear(out);
    return (struct answer){.status = rc == RES_OK ? 200 : 404, .body = buf_span(out)};
}

uint64_t
fed_now(const struct testdir *t)
{
    return t->entries[t->n - 1].timestamp;
}

enum verdict_kind
fed_learn(const struct testdir *t, const struct policy_log *log, struct memory *m)
{
    const struct landmarks_config c = {.log = log, .memory = m};
    enum verdict_kind kind;
    struct landmarks *l;
    struct ask ask;

    assert_int_equal(landmarks_new(&c, &l), RES_OK);
    for (landmarks_ask(l, &ask); ask.kind == ASK_FETCH; landmarks_ask(l, &ask)) {
        struct buf out = BUF_INIT(ANSWER_MAX);
        struct answer a = fed_answer(t, &ask, &out);

        landmarks_answer(l, &a, fed_now(t));
        buf_release(&out);
    }
    assert_int_equal(ask.kind, ASK_DONE);
    kind = landmarks_verdict(l)->kind;
    landmarks_free(l);
    return kind;
}
