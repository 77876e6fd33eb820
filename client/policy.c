#include "client/policy.h"

#include <assert.h>
#include <stdlib.h>

#include "client/policy_log.h"
#include "client/quorum.h"
#include "merkle/base/text.h"

struct policy {
    struct buf text;
    struct policy_log log[POLICY_LOGS_MAX];
    size_t logs;
    struct policy_witness witness[POLICY_WITNESSES_MAX];
    size_t witnesses;
    struct quorum quorum;
    struct buf anchor[POLICY_ANCHORS_MAX];
    size_t anchors;
};

static enum result
take_log(struct policy *p, struct policy_line *l)
{
    if (l->words < 2 || l->words > 3)
        return policy_refuse(l, "a log line is: log <vkey> [<url>]");
    if (p->logs == POLICY_LOGS_MAX)
        return policy_refuse(l, "more than %d logs", POLICY_LOGS_MAX);
    struct policy_log *log = &p->log[p->logs];
    *log = (struct policy_log){.mmd_ms = POLICY_MMD_DEFAULT * 1000,
                               .delay_ms = POLICY_DELAY_DEFAULT * 1000,
                               .static_ct = true,
                               .line = l->number};
    if (note_key_parse(l->word[1], &log->note) != RES_OK || log->note.type != KEY_ED25519)
        return policy_refuse(l, "\"%.*s\" is not an Ed25519 verifier key of type 1",
                             POLICY_SHOWN(l->word[1]));
    for (size_t i = 0; i < p->logs; i++) {
        if (memcmp(p->log[i].note.public, log->note.public, sizeof log->note.public) == 0)
            return policy_refuse(l, "this key is that of the log on line %zu", p->log[i].line);
        if (strcmp(p->log[i].note.name, log->note.name) == 0)
            return policy_refuse(l, "this origin is that of the log on line %zu", p->log[i].line);
    }
    if (l->words == 3) {
        enum result r = policy_url(l, l->word[2], log->url);
        if (r != RES_OK)
            return r;
    }
    p->logs++;
    return RES_OK;
}

static enum result
take_witness(struct policy *p, struct policy_line *l)
{
    if (l->words < 3 || l->words > 4)
        return policy_refuse(l, "a witness line is: witness <name> <vkey> [<url>]");
    if (p->witnesses == POLICY_WITNESSES_MAX)
        return policy_refuse(l, "more than %d witnesses", POLICY_WITNESSES_MAX);
    struct policy_witness *w = &p->witness[p->witnesses];
    if (note_key_parse(l->word[2], &w->key) != RES_OK)
        return policy_refuse(l, "\"%.*s\" is not an Ed25519 verifier key",
                             POLICY_SHOWN(l->word[2]));
    for (size_t i = 0; i < p->witnesses; i++)
        if (memcmp(p->witness[i].key.public, w->key.public, sizeof w->key.public) == 0)
            return policy_refuse(l, "another witness has this key");
    w->url[0] = '\0';
    if (l->words == 4) {
        enum result r = policy_url(l, l->word[3], w->url);
        if (r != RES_OK)
            return r;
    }
    return quorum_name_witness(&p->quorum, l, l->word[1], p->witnesses++);
}

/* ---- our own lines; the words begin with "#cartulary" ---- */

static enum result
take_anchor(struct policy *p, struct policy_line *l)
{
    if (l->words != 4)
        return policy_refuse(l, "the line is: #cartulary anchor <origin> <base64>");
    if (p->anchors == POLICY_ANCHORS_MAX)
        return policy_refuse(l, "more than %d anchors", POLICY_ANCHORS_MAX);
    struct buf *b = &p->anchor[p->anchors];
    buf_init(b, POLICY_MAX);
    enum result r = text_unbase64(l->word[3], b);
    if (r == RES_MEMORY)
        return r;
    p->anchors++;
    return r == RES_OK ? r : policy_refuse(l, "not base64");
}

static const struct ours {
    const char *what;
    enum result (*take)(struct policy_line *l, struct policy_log *log); /* NULL: take_anchor */
    bool once;
} OURS[] = {
    {"ct-key", policy_log_ct_key, true},
    {"mmd", policy_log_mmd, true},
    {"serves", policy_log_serves, true},
    {"directory", policy_log_directory, true},
    {"feed", policy_log_feed, true},
    {"directory-delay", policy_log_delay, true},
    {"anchor", NULL, false},
};
#define OURS_N (sizeof OURS / sizeof *OURS)

static enum result
take_ours(struct policy *p, struct policy_line *l, unsigned seen[static POLICY_LOGS_MAX])
{
    const struct ours *o = NULL;
    if (l->words < 2)
        return policy_refuse(l, "the line is: #cartulary <what> <origin> <value>...");
    for (size_t k = 0; k < OURS_N && o == NULL; k++)
        if (policy_word_is(l->word[1], OURS[k].what))
            o = &OURS[k];
    if (o == NULL) {
        if (l->word[1].n >= 5 && memcmp(l->word[1].p, "must-", 5) == 0)
            return policy_refuse(l, "\"%.*s\" must be understood and is not known to this version",
                                 POLICY_SHOWN(l->word[1]));
        return RES_OK;
    }
    for (size_t i = 0; l->words > 2 && i < p->logs; i++) {
        if (!policy_word_is(l->word[2], p->log[i].note.name))
            continue;
        if (o->once && (seen[i] & 1u << (o - OURS)) != 0)
            return policy_refuse(l, "a second %s for this log", o->what);
        seen[i] |= 1u << (o - OURS);
        return o->take != NULL ? o->take(l, &p->log[i]) : take_anchor(p, l);
    }
    return policy_refuse(l, "no log line has this origin");
}

/* ---- the file ---- */

static enum result
take_line(struct policy *p, struct policy_line *l)
{
    struct span first = l->word[0];
    if (policy_word_is(first, "log"))
        return take_log(p, l);
    if (policy_word_is(first, "witness"))
        return take_witness(p, l);
    if (policy_word_is(first, "group"))
        return quorum_take_group(&p->quorum, l);
    if (policy_word_is(first, "quorum"))
        return quorum_take(&p->quorum, l);
    return policy_refuse(l, "\"%.*s\" is none of log, witness, group, quorum", POLICY_SHOWN(first));
}

/* Ours are read in a second pass: they may stand before the log line that they name. */
static enum result
take_lines(struct policy *p, struct policy_line *l, bool ours)
{
    unsigned seen[POLICY_LOGS_MAX] = {0};
    struct span rest = buf_span(&p->text);
    enum result r;
    l->number = 0;
    while ((r = policy_line_next(l, &rest, ours)) == RES_OK) {
        r = ours ? take_ours(p, l, seen) : take_line(p, l);
        if (r != RES_OK)
            break;
    }
    return r == RES_ABSENT ? RES_OK : r;
}

static enum result
take_text(struct policy *p, struct policy_line *l, struct span text)
{
    enum result r = buf_add(&p->text, text);
    if (r == RES_OK)
        r = policy_line_octets(l, text);
    if (r == RES_OK)
        r = take_lines(p, l, false);
    if (r == RES_OK)
        r = take_lines(p, l, true);
    if (r == RES_OK && !p->quorum.given) {
        l->number = 0;
        r = policy_refuse(l, "there is no quorum line; \"quorum none\" asks for no witness");
    }
    return r;
}

enum result
policy_parse(struct span text, struct policy **ret, size_t *ret_line,
             char detail[static POLICY_DETAIL_MAX])
{
    struct policy_line l = {.detail = detail};
    detail[0] = '\0';
    *ret_line = 0;
    if (text.n > POLICY_MAX)
        return RES_TOO_LARGE;
    struct policy *p = calloc(1, sizeof *p);
    if (p == NULL)
        return RES_MEMORY;
    buf_init(&p->text, POLICY_MAX);
    enum result r = take_text(p, &l, text);
    if (r != RES_OK) {
        *ret_line = l.number;
        policy_free(p);
        return r;
    }
    *ret = p;
    return RES_OK;
}

void
policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->logs; i++)
        p256_key_free(p->log[i].p256);
    for (size_t i = 0; i < p->anchors; i++)
        buf_release(&p->anchor[i]);
    buf_release(&p->text);
    free(p);
}

/* ---- questions ---- */

size_t
policy_logs(const struct policy *p)
{
    return p->logs;
}

const struct policy_log *
policy_log(const struct policy *p, size_t i)
{
    assert(i < p->logs);
    return &p->log[i];
}

const struct policy_log *
policy_log_by_id(const struct policy *p, const struct hash *log_id)
{
    for (size_t i = 0; i < p->logs; i++)
        if (p->log[i].p256 != NULL && hash_equal(p256_key_id(p->log[i].p256), log_id))
            return &p->log[i];
    return NULL;
}

const struct policy_log *
policy_log_by_origin(const struct policy *p, struct span origin)
{
    for (size_t i = 0; i < p->logs; i++)
        if (policy_word_is(origin, p->log[i].note.name))
            return &p->log[i];
    return NULL;
}

size_t
policy_witnesses(const struct policy *p)
{
    return p->witnesses;
}

const struct policy_witness *
policy_witness(const struct policy *p, size_t i)
{
    assert(i < p->witnesses);
    return &p->witness[i];
}

bool
policy_quorum_none(const struct policy *p)
{
    return p->quorum.root.kind == QUORUM_NONE;
}

bool
policy_quorum_met(const struct policy *p, const bool *witnessed)
{
    return quorum_met(&p->quorum, witnessed);
}

size_t
policy_anchors(const struct policy *p)
{
    return p->anchors;
}

struct span
policy_anchor(const struct policy *p, size_t i)
{
    assert(i < p->anchors);
    return buf_span(&p->anchor[i]);
}
