#include "client/quorum.h"

#include <assert.h>

#include "merkle/base/text.h"

static struct quorum_name *
find(struct quorum *q, struct span name)
{
    for (size_t i = 0; i < q->names; i++)
        if (span_equal(q->name[i].name, name))
            return &q->name[i];
    return NULL;
}

static enum result
define(struct quorum *q, struct policy_line *l, struct span name, struct quorum_ref ref)
{
    if (policy_word_is(name, "none") || policy_word_is(name, "any") || policy_word_is(name, "all"))
        return policy_refuse(l, "\"%.*s\" is a keyword and names nothing", POLICY_SHOWN(name));
    if (find(q, name) != NULL)
        return policy_refuse(l, "the name \"%.*s\" is defined twice", POLICY_SHOWN(name));
    q->name[q->names++] = (struct quorum_name){.name = name, .ref = ref};
    return RES_OK;
}

enum result
quorum_name_witness(struct quorum *q, struct policy_line *l, struct span name, size_t i)
{
    assert(i < POLICY_WITNESSES_MAX);
    return define(q, l, name, (struct quorum_ref){.kind = QUORUM_WITNESS, .i = i});
}

static enum result
undefined(struct policy_line *l, struct span name)
{
    return policy_refuse(l, "\"%.*s\" is not defined on a line before", POLICY_SHOWN(name));
}

static enum result
add_member(struct quorum *q, struct policy_line *l, struct quorum_group *g, struct span name)
{
    struct quorum_name *c = find(q, name);
    if (policy_word_is(name, "none"))
        return policy_refuse(l, "\"none\" cannot be a group member");
    if (c == NULL)
        return undefined(l, name);
    if (c->member)
        return policy_refuse(l, "\"%.*s\" is already a member of a group", POLICY_SHOWN(name));
    if (g->n == POLICY_MEMBERS_MAX)
        return policy_refuse(l, "more than %d members", POLICY_MEMBERS_MAX);
    c->member = true;
    g->member[g->n++] = c->ref;
    return RES_OK;
}

enum result
quorum_take_group(struct quorum *q, struct policy_line *l)
{
    if (l->words < 4)
        return policy_refuse(l, "a group line is: group <name> all|any|<k> <name>...");
    if (q->groups == POLICY_GROUPS_MAX)
        return policy_refuse(l, "more than %d groups", POLICY_GROUPS_MAX);
    struct quorum_group *g = &q->group[q->groups];
    g->n = 0;
    for (size_t i = 3; i < l->words; i++) {
        enum result r = add_member(q, l, g, l->word[i]);
        if (r != RES_OK)
            return r;
    }
    if (policy_word_is(l->word[2], "all"))
        g->threshold = g->n;
    else if (policy_word_is(l->word[2], "any"))
        g->threshold = 1;
    else if (text_u64(l->word[2], g->n, &g->threshold) != RES_OK || g->threshold == 0)
        return policy_refuse(l, "the threshold is not all, any, or a number from 1 to %zu", g->n);
    return define(q, l, l->word[1], (struct quorum_ref){.kind = QUORUM_GROUP, .i = q->groups++});
}

enum result
quorum_take(struct quorum *q, struct policy_line *l)
{
    if (l->words != 2)
        return policy_refuse(l, "a quorum line is: quorum <name>");
    if (q->given)
        return policy_refuse(l, "a second quorum line");
    q->given = true;
    if (policy_word_is(l->word[1], "none"))
        return RES_OK;
    const struct quorum_name *c = find(q, l->word[1]);
    if (c == NULL)
        return undefined(l, l->word[1]);
    q->root = c->ref;
    return RES_OK;
}

/* Depth is bounded by the number of groups: a group names earlier lines only. */
static bool
met(const struct quorum *q, struct quorum_ref ref, const bool *witnessed)
{
    uint64_t n = 0;
    if (ref.kind == QUORUM_NONE)
        return true;
    if (ref.kind == QUORUM_WITNESS)
        return witnessed[ref.i];
    const struct quorum_group *g = &q->group[ref.i];
    for (size_t i = 0; i < g->n; i++)
        n += met(q, g->member[i], witnessed) ? 1 : 0;
    return n >= g->threshold;
}

bool
quorum_met(const struct quorum *q, const bool *witnessed)
{
    return met(q, q->root, witnessed);
}
