#include "client/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "merkle/base/text.h"

/* Most words on one line: a group of every witness and every other group. */
#define WORDS_MAX (POLICY_MEMBERS_MAX + 4)

enum ref_kind { REF_NONE, REF_WITNESS, REF_GROUP };

struct ref {
    enum ref_kind kind;
    size_t i;
};

struct component {
    struct span name; /* borrowed from the policy's copy of the text */
    struct ref ref;
    bool member; /* already in a group */
};

struct group {
    struct ref member[POLICY_MEMBERS_MAX];
    size_t n;
    uint64_t threshold;
};

struct policy {
    struct buf text;
    struct policy_log log[POLICY_LOGS_MAX];
    size_t logs;
    struct policy_witness witness[POLICY_WITNESSES_MAX];
    size_t witnesses;
    struct group group[POLICY_GROUPS_MAX];
    size_t groups;
    struct component component[POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX];
    size_t components;
    struct ref quorum;
    bool has_quorum;
    struct buf anchor[POLICY_ANCHORS_MAX];
    size_t anchors;
};

/* The parser's state: which line, and where the sentence goes. */
struct parse {
    struct policy *p;
    size_t line;
    char *detail;
    struct span word[WORDS_MAX];
    size_t words;
};

__attribute__((format(printf, 2, 3))) static enum result
refuse(struct parse *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(s->detail, POLICY_DETAIL_MAX, format, ap);
    va_end(ap);
    return RES_CONFIG;
}

/* A span as an argument of "%.*s", cut so that a sentence stays one. */
#define SHOWN(s) ((int)((s).n > 64 ? 64 : (s).n)), (const char *)(s).p

static bool
word_is(struct span w, const char *s)
{
    return span_equal(w, span_str(s));
}

static enum result
split(struct parse *s, struct span line)
{
    s->words = 0;
    for (size_t i = 0; i < line.n;) {
        if (line.p[i] == ' ' || line.p[i] == '\t') {
            i++;
            continue;
        }
        size_t begin = i;
        while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t')
            i++;
        if (s->words == WORDS_MAX)
            return refuse(s, "more than %d words on a line", WORDS_MAX);
        s->word[s->words++] = span_of(line.p + begin, i - begin);
    }
    return RES_OK;
}

static struct component *
find(struct policy *p, struct span name)
{
    for (size_t i = 0; i < p->components; i++)
        if (span_equal(p->component[i].name, name))
            return &p->component[i];
    return NULL;
}

static enum result
define(struct parse *s, struct span name, enum ref_kind kind, size_t i)
{
    if (word_is(name, "none") || word_is(name, "any") || word_is(name, "all"))
        return refuse(s, "\"%.*s\" is a keyword and names nothing", SHOWN(name));
    if (find(s->p, name) != NULL)
        return refuse(s, "the name \"%.*s\" is defined twice", SHOWN(name));
    s->p->component[s->p->components++] =
        (struct component){.name = name, .ref = {.kind = kind, .i = i}};
    return RES_OK;
}

/* A URL without its trailing slashes. */
static enum result
copy_url(struct parse *s, struct span url, char out[static POLICY_URL_MAX])
{
    static const char *const schemes[] = {"https://", "http://", "unix:/"};
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    if (url.n >= POLICY_URL_MAX)
        return refuse(s, "the URL is longer than %d bytes", POLICY_URL_MAX - 1);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (url.n > n && memcmp(url.p, schemes[i], n) == 0) {
            memcpy(out, url.p, url.n);
            out[url.n] = '\0';
            return RES_OK;
        }
    }
    return refuse(s, "the URL begins with none of https://, http://, unix:/");
}

static enum result
take_log(struct parse *s)
{
    struct policy *p = s->p;
    if (s->words < 2 || s->words > 3)
        return refuse(s, "a log line is: log <vkey> [<url>]");
    if (p->logs == POLICY_LOGS_MAX)
        return refuse(s, "more than %d logs", POLICY_LOGS_MAX);
    struct policy_log *l = &p->log[p->logs];
    *l = (struct policy_log){
        .mmd_ms = POLICY_MMD_DEFAULT * 1000, .static_ct = true, .line = s->line};
    if (note_key_parse(s->word[1], &l->note) != RES_OK || l->note.type != KEY_ED25519)
        return refuse(s, "\"%.*s\" is not an Ed25519 verifier key of type 1", SHOWN(s->word[1]));
    for (size_t i = 0; i < p->logs; i++) {
        if (memcmp(p->log[i].note.public, l->note.public, sizeof l->note.public) == 0)
            return refuse(s, "this key is that of the log on line %zu", p->log[i].line);
        if (strcmp(p->log[i].note.name, l->note.name) == 0)
            return refuse(s, "this origin is that of the log on line %zu", p->log[i].line);
    }
    if (s->words == 3) {
        enum result r = copy_url(s, s->word[2], l->url);
        if (r != RES_OK)
            return r;
    }
    p->logs++;
    return RES_OK;
}

static enum result
take_witness(struct parse *s)
{
    struct policy *p = s->p;
    if (s->words < 3 || s->words > 4)
        return refuse(s, "a witness line is: witness <name> <vkey> [<url>]");
    if (p->witnesses == POLICY_WITNESSES_MAX)
        return refuse(s, "more than %d witnesses", POLICY_WITNESSES_MAX);
    struct policy_witness *w = &p->witness[p->witnesses];
    if (note_key_parse(s->word[2], &w->key) != RES_OK)
        return refuse(s, "\"%.*s\" is not an Ed25519 verifier key", SHOWN(s->word[2]));
    for (size_t i = 0; i < p->witnesses; i++)
        if (memcmp(p->witness[i].key.public, w->key.public, sizeof w->key.public) == 0)
            return refuse(s, "another witness has this key");
    w->url[0] = '\0';
    if (s->words == 4) {
        enum result r = copy_url(s, s->word[3], w->url);
        if (r != RES_OK)
            return r;
    }
    return define(s, s->word[1], REF_WITNESS, p->witnesses++);
}

static enum result
take_group(struct parse *s)
{
    struct policy *p = s->p;
    if (s->words < 4)
        return refuse(s, "a group line is: group <name> all|any|<k> <name>...");
    if (p->groups == POLICY_GROUPS_MAX)
        return refuse(s, "more than %d groups", POLICY_GROUPS_MAX);
    struct group *g = &p->group[p->groups];
    g->n = 0;
    for (size_t i = 3; i < s->words; i++) {
        struct component *c = find(p, s->word[i]);
        if (word_is(s->word[i], "none"))
            return refuse(s, "\"none\" cannot be a group member");
        if (c == NULL)
            return refuse(s, "\"%.*s\" is not defined on a line before", SHOWN(s->word[i]));
        if (c->member)
            return refuse(s, "\"%.*s\" is already a member of a group", SHOWN(s->word[i]));
        if (g->n == POLICY_MEMBERS_MAX)
            return refuse(s, "more than %d members", POLICY_MEMBERS_MAX);
        c->member = true;
        g->member[g->n++] = c->ref;
    }
    if (word_is(s->word[2], "all"))
        g->threshold = g->n;
    else if (word_is(s->word[2], "any"))
        g->threshold = 1;
    else if (text_u64(s->word[2], g->n, &g->threshold) != RES_OK || g->threshold == 0)
        return refuse(s, "the threshold is not all, any, or a number from 1 to %zu", g->n);
    return define(s, s->word[1], REF_GROUP, p->groups++);
}

static enum result
take_quorum(struct parse *s)
{
    struct policy *p = s->p;
    if (s->words != 2)
        return refuse(s, "a quorum line is: quorum <name>");
    if (p->has_quorum)
        return refuse(s, "a second quorum line");
    p->has_quorum = true;
    if (word_is(s->word[1], "none"))
        return RES_OK;
    const struct component *c = find(p, s->word[1]);
    if (c == NULL)
        return refuse(s, "\"%.*s\" is not defined on a line before", SHOWN(s->word[1]));
    p->quorum = c->ref;
    return RES_OK;
}

/* ---- our own lines; the words begin with "#cartulary" ---- */

static enum result
ours_ct_key(struct parse *s, struct policy_log *l)
{
    struct buf spki = BUF_INIT(1024);
    enum result r = RES_OK;
    if (s->words != 4)
        r = refuse(s, "the line is: #cartulary ct-key <origin> <base64>");
    else if (l->p256 != NULL)
        r = refuse(s, "a second ct-key for this log");
    else if (text_unbase64(s->word[3], &spki) != RES_OK ||
             p256_key_parse(buf_span(&spki), &l->p256) != RES_OK)
        r = refuse(s, "not the base64 of a P-256 SubjectPublicKeyInfo");
    else
        r = note_key_rfc6962(l->note.name, l->p256, &l->rfc6962);
    buf_release(&spki);
    return r;
}

static enum result
ours_mmd(struct parse *s, struct policy_log *l)
{
    uint64_t seconds;
    if (s->words != 4 || text_u64(s->word[3], POLICY_MMD_MAX, &seconds) != RES_OK || seconds == 0)
        return refuse(s, "the line is: #cartulary mmd <origin> <seconds from 1 to %d>",
                      POLICY_MMD_MAX);
    l->mmd_ms = seconds * 1000;
    return RES_OK;
}

static enum result
ours_serves(struct parse *s, struct policy_log *l)
{
    bool both = s->words == 5 && word_is(s->word[4], "static-ct");
    if (s->words < 4 || !word_is(s->word[3], "rfc6962") || (s->words != 4 && !both))
        return refuse(s, "the line is: #cartulary serves <origin> rfc6962 [static-ct]");
    l->static_ct = both;
    return RES_OK;
}

static enum result
ours_anchor(struct parse *s, struct policy_log *l)
{
    struct policy *p = s->p;
    (void)l;
    if (s->words != 4)
        return refuse(s, "the line is: #cartulary anchor <origin> <base64>");
    if (p->anchors == POLICY_ANCHORS_MAX)
        return refuse(s, "more than %d anchors", POLICY_ANCHORS_MAX);
    struct buf *b = &p->anchor[p->anchors];
    buf_init(b, POLICY_MAX);
    enum result r = text_unbase64(s->word[3], b);
    if (r == RES_MEMORY)
        return r;
    p->anchors++;
    return r == RES_OK ? r : refuse(s, "not base64");
}

static const struct ours {
    const char *what;
    enum result (*take)(struct parse *s, struct policy_log *l);
    bool once;
} OURS[] = {
    {"ct-key", ours_ct_key, true},
    {"mmd", ours_mmd, true},
    {"serves", ours_serves, true},
    {"anchor", ours_anchor, false},
};
#define OURS_N (sizeof OURS / sizeof *OURS)

static enum result
take_ours(struct parse *s, unsigned seen[static POLICY_LOGS_MAX])
{
    struct policy *p = s->p;
    const struct ours *o = NULL;
    size_t k = 0;
    if (s->words < 2)
        return refuse(s, "the line is: #cartulary <what> <origin> <value>...");
    for (k = 0; k < OURS_N && o == NULL; k++)
        if (word_is(s->word[1], OURS[k].what))
            o = &OURS[k];
    if (o == NULL) {
        if (s->word[1].n >= 5 && memcmp(s->word[1].p, "must-", 5) == 0)
            return refuse(s, "\"%.*s\" must be understood and is not known to this version",
                          SHOWN(s->word[1]));
        return RES_OK;
    }
    for (size_t i = 0; s->words > 2 && i < p->logs; i++) {
        if (!word_is(s->word[2], p->log[i].note.name))
            continue;
        if (o->once && (seen[i] & 1u << k) != 0)
            return refuse(s, "a second %s for this log", o->what);
        seen[i] |= 1u << k;
        return o->take(s, &p->log[i]);
    }
    return refuse(s, "no log line has this origin");
}

/* ---- the file ---- */

static enum result
take_line(struct parse *s)
{
    static const struct {
        const char *word;
        enum result (*take)(struct parse *s);
    } lines[] = {{"log", take_log},
                 {"witness", take_witness},
                 {"group", take_group},
                 {"quorum", take_quorum}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (word_is(s->word[0], lines[i].word))
            return lines[i].take(s);
    return refuse(s, "\"%.*s\" is none of log, witness, group, quorum", SHOWN(s->word[0]));
}

/* Ours are read in a second pass: they may stand before the log line that they name. */
static enum result
each_line(struct parse *s, struct span text, bool ours)
{
    unsigned seen[POLICY_LOGS_MAX] = {0};
    size_t begin = 0;
    s->line = 0;
    while (begin < text.n) {
        const uint8_t *nl = memchr(text.p + begin, '\n', text.n - begin);
        size_t end = nl == NULL ? text.n : (size_t)(nl - text.p);
        struct span line = span_of(text.p + begin, end - begin);
        size_t blank = 0;
        s->line++;
        begin = end + 1;
        while (blank < line.n && (line.p[blank] == ' ' || line.p[blank] == '\t'))
            blank++;
        bool comment = blank < line.n && line.p[blank] == '#';
        /* An ordinary comment may have any number of words. */
        bool is_ours =
            comment && line.n - blank >= 10 && memcmp(line.p + blank, "#cartulary", 10) == 0 &&
            (line.n - blank == 10 || line.p[blank + 10] == ' ' || line.p[blank + 10] == '\t');
        if (blank == line.n || ours != is_ours || (comment && !is_ours))
            continue;
        enum result r = split(s, line);
        if (r == RES_OK)
            r = ours ? take_ours(s, seen) : take_line(s);
        if (r != RES_OK)
            return r;
    }
    return RES_OK;
}

static enum result
check_octets(struct parse *s, struct span text)
{
    s->line = 1;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '\n')
            s->line++;
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            return refuse(s, "the control byte 0x%02x", c);
    }
    return RES_OK;
}

enum result
policy_parse(struct span text, struct policy **ret, size_t *ret_line,
             char detail[static POLICY_DETAIL_MAX])
{
    struct parse s = {.detail = detail};
    detail[0] = '\0';
    *ret_line = 0;
    if (text.n > POLICY_MAX)
        return RES_TOO_LARGE;
    struct policy *p = calloc(1, sizeof *p);
    if (p == NULL)
        return RES_MEMORY;
    s.p = p;
    buf_init(&p->text, POLICY_MAX);
    enum result r = buf_add(&p->text, text);
    if (r == RES_OK)
        r = check_octets(&s, text);
    if (r == RES_OK)
        r = each_line(&s, buf_span(&p->text), false);
    if (r == RES_OK)
        r = each_line(&s, buf_span(&p->text), true);
    if (r == RES_OK && !p->has_quorum) {
        s.line = 0;
        r = refuse(&s, "there is no quorum line; \"quorum none\" asks for no witness");
    }
    if (r != RES_OK) {
        *ret_line = s.line;
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
        if (word_is(origin, p->log[i].note.name))
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
    return p->quorum.kind == REF_NONE;
}

/* Depth is bounded by the number of groups: a group names earlier lines only. */
static bool
met(const struct policy *p, struct ref ref, const bool *witnessed)
{
    uint64_t n = 0;
    if (ref.kind == REF_NONE)
        return true;
    if (ref.kind == REF_WITNESS)
        return witnessed[ref.i];
    const struct group *g = &p->group[ref.i];
    for (size_t i = 0; i < g->n; i++)
        n += met(p, g->member[i], witnessed) ? 1 : 0;
    return n >= g->threshold;
}

bool
policy_quorum_met(const struct policy *p, const bool *witnessed)
{
    return met(p, p->quorum, witnessed);
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
