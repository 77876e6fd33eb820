#include "tools/witness_head.h"

#include <stdio.h>

#include "client/io/transport_curl.h"
#include "client/policy.h"
#include "log/files.h"
#include "merkle/base/text.h"
#include "merkle/note/checkpoint.h"

/* How long one witness may take: an operator waits. */
#define WAIT_MS 20000

struct question {
    const char *origin;
    struct buf *best; /* the largest checkpoint so far */
    uint64_t size;
    bool answered;
    enum result rc;
};

/* Takes an answer: a checkpoint of this origin; the larger one stays. */
static enum result
take(struct question *q, const struct answer *a)
{
    static struct note note;
    struct checkpoint c;
    if (a->transport != RES_OK)
        return a->transport;
    if (a->status != 200)
        return RES_UNREACHABLE;
    enum result rc = note_parse(a->body, &note);
    if (rc == RES_OK)
        rc = checkpoint_parse(note.text, &c);
    if (rc != RES_OK)
        return rc;
    if (!span_equal(c.origin, span_str(q->origin)))
        return RES_ORIGIN;
    if (q->best->n > 0 && c.size <= q->size)
        return RES_OK;
    buf_clear(q->best);
    q->size = c.size;
    return buf_add(q->best, a->body);
}

static void
on_answer(void *arg, const struct answer *a)
{
    struct question *q = arg;
    q->rc = take(q, a);
    q->answered = true;
}

static enum result
ask_one(struct transport *t, const struct policy_witness *w, struct question *q)
{
    struct ask ask = {.kind = ASK_FETCH};
    struct hash h;
    char hex[2 * HASH_SIZE + 1];
    if (!w->url[0])
        return RES_CONFIG;
    hash_sha256(span_str(q->origin), &h);
    text_hex_to(hash_span(&h), hex);
    (void)snprintf(ask.path, sizeof(ask.path), "/%s/checkpoint", hex);
    q->answered = false;
    enum result rc = transport_start(t, w->url, &ask, on_answer, q);
    while (rc == RES_OK && !q->answered)
        rc = transport_run(t, 100);
    return rc == RES_OK ? q->rc : rc;
}

static enum result
ask_all(const struct policy *p, struct question *q, struct log_trouble *why)
{
    struct transport_config config = {.total_ms = WAIT_MS};
    struct transport *t;
    if (policy_witnesses(p) == 0) {
        log_say(why, "the policy names no witness; use --head FILE");
        return RES_CONFIG;
    }
    enum result rc = transport_new(&config, &t);
    if (rc != RES_OK)
        return rc;
    for (size_t i = 0; i < policy_witnesses(p) && rc == RES_OK; i++) {
        const struct policy_witness *w = policy_witness(p, i);
        rc = ask_one(t, w, q);
        if (rc != RES_OK)
            log_say(why, "witness %.200s: %s; all witnesses must answer", w->key.name,
                    rc == RES_CONFIG ? "the policy gives no URL" : result_sentence(rc));
    }
    transport_free(t);
    return rc;
}

enum result
witness_head(const char *dir, struct buf *out, struct log_trouble *why)
{
    struct config c;
    char detail[CONFIG_TEXT_MAX], policy_detail[POLICY_DETAIL_MAX], path[FILES_PATH_MAX];
    int line;
    size_t policy_line;
    struct policy *p = NULL;
    struct buf text = BUF_INIT(POLICY_MAX);
    enum result rc = config_load(dir, &c, &line, detail);
    if (rc == RES_OK)
        rc = files_path(dir, "policy", path);
    if (rc == RES_OK)
        rc = files_read(path, &text);
    if (rc == RES_OK) {
        rc = policy_parse(buf_span(&text), &p, &policy_line, policy_detail);
        if (rc != RES_OK)
            log_say(why, "%.200s, line %zu: %s", path, policy_line, policy_detail);
    }
    struct question q = {.origin = c.origin, .best = out};
    if (rc == RES_OK)
        rc = ask_all(p, &q, why);
    policy_free(p);
    buf_release(&text);
    return rc;
}
