#include "tools/witness_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/io/transport_curl.h"
#include "client/policy.h"
#include "log/config.h"
#include "log/files.h"
#include "merkle/base/text.h"
#include "merkle/note/checkpoint.h"

/* How long one witness may take: an operator waits. */
#define WAIT_MS 20000

struct question {
    const struct policy_log *log;
    const struct policy_witness *witness; /* who is asked now */
    struct log_trouble *why;
    struct buf *best; /* the largest checkpoint so far; of these the newest */
    uint64_t size, timestamp;
    struct hash root;
    bool answered;
    enum result rc;
};

/*
 * "it MUST include the cosignature(s) from the witness's key(s) [...] and the cosignature from the
 * log key(s) that the witness verified": so whoever answers at the URL can send no head that this
 * witness has not cosigned.  An older one that it has passes here; its age is bounded by the
 * caller.
 */
static enum result
verify(const struct question *q, struct span body, struct checkpoint *ret, uint64_t *ret_timestamp)
{
    const struct note_key keys[2] = {q->log->rfc6962, q->log->note};
    struct note note;
    struct checkpoint c;
    uint64_t timestamp;
    enum result rc = checkpoint_open_ct(body, keys, &c, &timestamp);
    if (rc != RES_OK) {
        log_say(q->why, "witness %.200s: no head that this log signed: %s", q->witness->key.name,
                result_sentence(rc));
        return rc;
    }
    rc = note_parse(body, &note);
    if (rc == RES_OK)
        rc = note_verify(&note, &q->witness->key, 1, checkpoint_check, NULL, NULL);
    if (rc != RES_OK) {
        log_say(q->why, "witness %.200s: no head that this witness cosigned: %s",
                q->witness->key.name, result_sentence(rc));
        return rc;
    }
    *ret = c;
    *ret_timestamp = timestamp;
    return RES_OK;
}

/* Keeps the head when it is larger than what is there, or newer at the same size. */
static enum result
keep(struct question *q, struct span body, const struct checkpoint *c, uint64_t timestamp)
{
    bool first = q->best->n == 0;
    if (!first && c->size == q->size && !hash_equal(&c->root, &q->root)) {
        log_say(q->why,
                "witness %.200s and another hold different trees of size %" PRIu64
                ": keep both heads as evidence",
                q->witness->key.name, c->size);
        return RES_CONFLICT;
    }
    if (!first && (c->size < q->size || (c->size == q->size && timestamp <= q->timestamp)))
        return RES_OK;
    buf_clear(q->best);
    q->size = c->size;
    q->timestamp = timestamp;
    q->root = c->root;
    return buf_add(q->best, body);
}

static enum result
take(struct question *q, const struct answer *a)
{
    struct checkpoint c;
    uint64_t timestamp;
    if (a->transport != RES_OK) {
        log_say(q->why, "witness %.200s cannot be asked (%s); all must answer",
                q->witness->key.name, a->error[0] ? a->error : result_sentence(a->transport));
        return a->transport;
    }
    if (a->status != 200) {
        log_say(q->why, "witness %.200s answers %u%s; all must know a head", q->witness->key.name,
                a->status, a->status == 404 ? ", it has never cosigned this log" : "");
        return RES_UNREACHABLE;
    }
    enum result rc = verify(q, a->body, &c, &timestamp);
    return rc == RES_OK ? keep(q, a->body, &c, timestamp) : rc;
}

static void
on_answer(void *arg, const struct answer *a)
{
    struct question *q = arg;
    q->rc = take(q, a);
    q->answered = true;
}

static enum result
ask_one(struct transport *t, struct question *q)
{
    struct ask ask = {.kind = ASK_FETCH};
    struct hash h;
    char hex[2 * HASH_SIZE + 1];
    if (!q->witness->url[0]) {
        log_say(q->why, "witness %.200s: the policy gives no URL", q->witness->key.name);
        return RES_CONFIG;
    }
    hash_sha256(span_str(q->log->note.name), &h);
    text_hex_to(hash_span(&h), hex);
    (void)snprintf(ask.path, sizeof(ask.path), "/%s/checkpoint", hex);
    q->answered = false;
    enum result rc = transport_start(t, q->witness->url, &ask, on_answer, q);
    while (rc == RES_OK && !q->answered)
        rc = transport_run(t, 100);
    return rc == RES_OK ? q->rc : rc;
}

static enum result
ask_all(const struct policy *p, struct question *q)
{
    struct transport_config config = {.total_ms = WAIT_MS};
    struct transport *t;
    if (policy_witnesses(p) == 0) {
        log_say(q->why, "the policy names no witness; use --head FILE");
        return RES_CONFIG;
    }
    enum result rc = transport_new(&config, &t);
    if (rc != RES_OK)
        return rc;
    for (size_t i = 0; i < policy_witnesses(p) && rc == RES_OK; i++) {
        q->witness = policy_witness(p, i);
        rc = ask_one(t, q);
    }
    transport_free(t);
    return rc;
}

/* The log's keys as clients have them: both are wanted. */
static enum result
find_log(const struct policy *p, const char *origin, struct question *q)
{
    q->log = policy_log_by_origin(p, span_str(origin));
    if (q->log && q->log->p256)
        return RES_OK;
    log_say(q->why, "the policy does not give both keys of %.200s", origin);
    return RES_CONFIG;
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
    struct question q = {.best = out, .why = why};
    if (rc == RES_OK)
        rc = find_log(p, c.origin, &q);
    if (rc == RES_OK)
        rc = ask_all(p, &q);
    policy_free(p);
    buf_release(&text);
    return rc;
}
