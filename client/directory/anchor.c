#include "client/directory/anchor.h"

#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"

static enum result
check_cosignature(void *arg, const struct note_key *key, struct span text, struct span body)
{
    (void)arg;
    return checkpoint_check(NULL, key, text, body);
}

/* Whether witnesses cosigned the checkpoint, as many as the policy asks for. */
static enum result
check_quorum(const struct policy *policy, struct span checkpoint)
{
    struct note_key keys[POLICY_WITNESSES_MAX];
    bool verified[POLICY_WITNESSES_MAX];
    struct note note;

    if (policy == NULL || policy_quorum_none(policy))
        return RES_OK;
    for (size_t i = 0; i < policy_witnesses(policy); i++)
        keys[i] = policy_witness(policy, i)->key;
    enum result r = note_parse(checkpoint, &note);
    if (r == RES_OK)
        r = note_verify(&note, keys, policy_witnesses(policy), check_cosignature, NULL, verified);
    if (r == RES_OK && !policy_quorum_met(policy, verified))
        r = RES_KEY_UNKNOWN;
    return r;
}

enum result
anchor_read(const struct policy_log *log, const struct policy *policy, struct span anchor,
            const struct proved_head *head, struct feed_entry *ret)
{
    const struct statement_told told = {.kind = STATEMENT_ANCHOR, .bytes = anchor};
    struct statement s;
    enum result r = statement_open(log, &told, &s);

    if (r == RES_OK && (s.size != head->size || s.entry.timestamp != head->timestamp ||
                        !hash_equal(&s.root, &head->root)))
        r = RES_CONFLICT;
    if (r == RES_OK)
        r = check_quorum(policy, s.checkpoint);
    if (r == RES_OK)
        *ret = s.entry;
    return r;
}
