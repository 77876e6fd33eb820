#include "client/directory/anchor.h"

#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/verify.h"

/* The feed's own key, and witnesses. */
#define KEYS_MAX (POLICY_WITNESSES_MAX + 1)

static enum result
check_cosignature(void *arg, const struct note_key *key, struct span text, struct span body)
{
    (void)arg;
    return checkpoint_check(NULL, key, text, body);
}

static enum result
open_checkpoint(const struct policy_log *log, const struct policy *policy, struct span text,
                struct checkpoint *ret)
{
    static const size_t FEED = 0;
    struct note_key keys[KEYS_MAX] = {log->feed};
    bool quorum = policy != NULL && !policy_quorum_none(policy);
    size_t n = quorum ? policy_witnesses(policy) : 0;
    bool verified[KEYS_MAX];
    struct note note;

    for (size_t i = 0; i < n; i++)
        keys[1 + i] = policy_witness(policy, i)->key;
    enum result r = note_parse(text, &note);
    if (r == RES_OK)
        r = note_verify(&note, keys, 1 + n, check_cosignature, NULL, verified);
    if (r == RES_OK && (!verified[FEED] || (quorum && !policy_quorum_met(policy, verified + 1))))
        r = RES_KEY_UNKNOWN;
    if (r == RES_OK)
        r = checkpoint_parse(note.text, ret);
    if (r == RES_OK && !span_equal(ret->origin, span_str(log->feed.name)))
        r = RES_ORIGIN;
    return r;
}

static enum result
check_inclusion(const struct json_value *v, const struct proved_head *head, struct span entry,
                const struct checkpoint *c)
{
    struct hash path[PROOF_HASHES_MAX], leaf;
    size_t n;
    enum result r = json_hashes(json_member(v, "audit_path"), path, PROOF_HASHES_MAX, &n);

    hash_leaf(entry, &leaf);
    return r == RES_OK ? inclusion_verify(&leaf, head->size - 1, c->size, path, n, &c->root) : r;
}

enum result
anchor_read(const struct policy_log *log, const struct policy *policy, const struct json_value *v,
            const struct proved_head *head, struct feed_entry *ret)
{
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE);
    struct feed_entry entry;
    struct checkpoint c;
    struct span note;
    uint64_t size;
    enum result r = json_u64(json_member(v, "size"), JSON_INTEGER_MAX, &size);

    if (r == RES_OK)
        r = json_base64(json_member(v, "entry"), &bytes);
    if (r == RES_OK)
        r = json_text(json_member(v, "checkpoint"), &note);
    if (r == RES_OK) {
        struct reader in = reader_of(buf_span(&bytes));
        feed_entry_get(&in, &entry);
        r = reader_end(&in);
    }
    if (r == RES_OK && (size != head->size || entry.timestamp != head->timestamp ||
                        !hash_equal(&entry.root, &head->root)))
        r = RES_CONFLICT;
    if (r == RES_OK)
        r = open_checkpoint(log, policy, note, &c);
    if (r == RES_OK)
        r = check_inclusion(v, head, buf_span(&bytes), &c);
    buf_release(&bytes);
    if (r == RES_OK)
        *ret = entry;
    return r;
}
