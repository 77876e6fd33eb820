#include "client/head.h"

#include <assert.h>
#include <inttypes.h>

#include "client/json.h"
#include "merkle/base/codec.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/checkpoint.h"

static const char *const FORM[] = {"checkpoint", "sth"};

const char *
head_form_name(enum head_form form)
{
    return FORM[form];
}

enum result
head_form_parse(struct span name, enum head_form *ret)
{
    for (size_t i = 0; i < sizeof FORM / sizeof *FORM; i++)
        if (span_equal(name, span_str(FORM[i]))) {
            *ret = (enum head_form)i;
            return RES_OK;
        }
    return RES_VALUE;
}

/* A witness signs "cosignature/v1", "time <seconds>", then the note's text: tlog-cosignature. */
static enum result
check_cosignature(void *arg, const struct note_key *key, struct span text, struct span body)
{
    struct buf message = BUF_INIT(NOTE_MAX + 64);
    struct reader in = reader_of(body);
    uint64_t seconds = get_u64(&in);
    struct span signature = get_bytes(&in, 64);
    (void)arg;
    if (key->type != KEY_COSIGNATURE_ED25519 || reader_end(&in) != RES_OK)
        return RES_SIGNATURE;
    enum result r = buf_printf(&message, "cosignature/v1\ntime %" PRIu64 "\n", seconds);
    if (r == RES_OK)
        r = buf_add(&message, text);
    if (r == RES_OK)
        r = ed25519_verify(key->public, buf_span(&message), signature);
    buf_release(&message);
    return r;
}

static enum result
check_quorum(const struct policy *policy, struct span bytes)
{
    struct note_key keys[POLICY_WITNESSES_MAX];
    bool witnessed[POLICY_WITNESSES_MAX] = {false};
    struct note note;
    size_t n = policy_witnesses(policy);
    if (policy_quorum_none(policy))
        return RES_OK;
    for (size_t i = 0; i < n; i++)
        keys[i] = policy_witness(policy, i)->key;
    enum result r = note_parse(bytes, &note);
    if (r == RES_OK)
        r = note_verify(&note, keys, n, check_cosignature, NULL, witnessed);
    if (r == RES_OK && !policy_quorum_met(policy, witnessed))
        r = RES_KEY_UNKNOWN;
    return r;
}

static enum result
open_checkpoint(const struct policy_log *log, struct span bytes, struct head *ret)
{
    const struct note_key keys[2] = {log->rfc6962, log->note};
    struct checkpoint c;
    uint64_t timestamp;
    enum result r = checkpoint_open_ct(bytes, keys, &c, &timestamp);
    if (r == RES_OK)
        *ret = (struct head){.timestamp = timestamp, .size = c.size, .root = c.root};
    return r;
}

/* RFC 6962 section 4.3.  Other members are ignored, as the RFC asks. */
static enum result
open_sth(const struct policy_log *log, struct span bytes, struct head *ret)
{
    uint8_t data[STH_SIGNED_SIZE];
    struct digitally_signed d;
    struct head h = {0};
    struct json *j = NULL;
    struct buf sig = BUF_INIT(1024);
    enum result r = json_parse(bytes, &j);
    if (r != RES_OK)
        return r;
    r = json_u64(json_get(j, "tree_size"), JSON_INTEGER_MAX, &h.size);
    if (r == RES_OK)
        r = json_u64(json_get(j, "timestamp"), JSON_INTEGER_MAX, &h.timestamp);
    if (r == RES_OK)
        r = json_hash(json_get(j, "sha256_root_hash"), &h.root);
    if (r == RES_OK)
        r = json_base64(json_get(j, "tree_head_signature"), &sig);
    if (r != RES_OK)
        goto out;
    struct reader in = reader_of(buf_span(&sig));
    r = digitally_signed_read(&in, &d);
    if (r == RES_OK)
        r = reader_end(&in);
    if (r != RES_OK)
        goto out;
    r = RES_SIGNATURE;
    if (d.hash != 4 || d.algorithm != 3)
        goto out;
    sth_signed_data(h.timestamp, h.size, &h.root, data);
    r = p256_verify(log->p256, span_of(data, sizeof data), d.signature);
    if (r == RES_OK)
        *ret = h;
out:
    buf_release(&sig);
    json_free(j);
    return r;
}

enum result
head_open(const struct policy_log *log, const struct policy *policy, enum head_form form,
          struct span bytes, struct head *ret)
{
    struct head h;
    assert(log->p256 != NULL);
    if (bytes.n > HEAD_MAX)
        return RES_TOO_LARGE;
    enum result r = form == HEAD_STH ? open_sth(log, bytes, &h) : open_checkpoint(log, bytes, &h);
    if (r != RES_OK)
        return r;
    struct hash empty;
    hash_empty(&empty);
    /* RFC 6962 section 2.1: the root of nothing is fixed. */
    if (h.size > NODE_LEAVES_MAX || (h.size == 0 && !hash_equal(&h.root, &empty)))
        return RES_CHECKPOINT;
    if (policy != NULL && !policy_quorum_none(policy))
        r = form == HEAD_STH ? RES_KEY_UNKNOWN : check_quorum(policy, bytes);
    if (r == RES_OK)
        *ret = h;
    return r;
}

enum head_relation
head_relate(const struct head *a, const struct head *b)
{
    if (a->size == b->size)
        return hash_equal(&a->root, &b->root) ? HEAD_SAME : HEAD_FORK;
    if (a->timestamp == b->timestamp)
        return HEAD_SAME_TIME;
    if ((a->size < b->size) != (a->timestamp < b->timestamp))
        return HEAD_SHRANK;
    return a->size < b->size ? HEAD_OLDER : HEAD_NEWER;
}

const char *
head_relation_name(enum head_relation r)
{
    static const char *const names[] = {"same", "older", "newer", "fork", "shrank", "same-time"};
    return names[r];
}

bool
head_contradicts(enum head_relation r)
{
    return r == HEAD_FORK || r == HEAD_SHRANK || r == HEAD_SAME_TIME;
}
