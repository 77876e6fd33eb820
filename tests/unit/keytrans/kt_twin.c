/*
 * kt_twin <HISTORY: a log and answers by another implementation (twin.py), held against this one.
 *
 *     config HEX                                    the Configuration
 *     add .LABEL VERSION KEY COMMITMENT             a version that the next entry inserts
 *     entry TIMESTAMP PREFIX_ROOT LOG_ROOT
 *     key .LABEL VERSION KEY                        of a version that is not there
 *     ask NAME KIND AT LADDERS REQUEST ANSWER       ANSWER -: refused
 *     map NAME ADDED MAP                            POSITION:VERSION,... each
 *     credential NAME AT .LABEL POSITION TYPE HEX    HEX -: refused
 *     credential-update NAME .LABEL VERSION TREE_SIZE TERMINAL GOAL HEX    GOAL and HEX -: refused
 *
 * Exit 0 when everything agrees; else says the first thing that does not, and ends with 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "merkle/base/text.h"
#include "merkle/keytrans/as_of.h"
#include "merkle/keytrans/credential.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/owner.h"
#include "merkle/keytrans/response.h"
#include "merkle/keytrans/search.h"
#include "tests/unit/keytrans/memtree.h"

#define LABELS_MAX 16
#define VERSIONS_MAX 4096
#define FIELDS_MAX 8

struct version {
    struct consume_version known;
    uint64_t inserted; /* UINT64_MAX: never */
};

struct label {
    char name[2 * KT_LABEL_MAX + 2];
    struct version versions[VERSIONS_MAX];
    size_t n;
};

static struct kt_config config;
static struct memtree tree;
static struct label labels[LABELS_MAX];
static struct prefix_leaf added[VERSIONS_MAX];
static size_t added_n;
static const char *doing = "";

#define NEED(condition) need((condition), #condition, __LINE__)

static void
need(bool ok, const char *what, int line)
{
    if (ok)
        return;
    printf("%s: line %d: %s does not hold\n", doing, line, what);
    exit(1);
}

static void
unhex(const char *text, struct buf *ret)
{
    size_t n = strlen(text) / 2;

    buf_release(ret);
    NEED(buf_reserve(ret, n + 1) == RES_OK);
    NEED(text_unhex(span_str(text), ret->p, n) == RES_OK);
    ret->n = n;
}

static void
unhex_hash(const char *text, struct hash *ret)
{
    NEED(text_unhex(span_str(text), ret->b, HASH_SIZE) == RES_OK);
}

static uint64_t
number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static struct label *
label_named(const char *name)
{
    for (unsigned i = 0; i < LABELS_MAX; i++) {
        if (labels[i].name[0] == '\0')
            snprintf(labels[i].name, sizeof(labels[i].name), "%s", name);
        if (strcmp(labels[i].name, name) == 0)
            return &labels[i];
    }
    NEED(false);
    return NULL;
}

static struct label *
label_of(struct span name)
{
    char text[2 * KT_LABEL_MAX + 2] = ".";

    text_hex_to(name, text + 1);
    return label_named(text);
}

/* ---- the label's face ---- */

static enum result
give_key(void *arg, uint32_t version, struct hash *ret)
{
    const struct label *l = arg;

    for (size_t i = 0; i < l->n; i++)
        if (l->versions[i].known.version == version) {
            *ret = l->versions[i].known.key;
            return RES_OK;
        }
    return RES_KT_UNKNOWN;
}

static enum result
give_inserted(void *arg, uint32_t version, uint64_t *ret, bool *ret_there)
{
    const struct label *l = arg;

    *ret_there = version < l->n && l->versions[version].inserted != UINT64_MAX;
    if (*ret_there)
        *ret = l->versions[version].inserted;
    return RES_OK;
}

/* How many versions there are in the tree of that size. */
static uint32_t
versions_at(const struct label *l, uint64_t size)
{
    uint32_t n = 0;

    while (n < l->n && l->versions[n].inserted < size)
        n++;
    return n;
}

/* ---- what is asked ---- */

struct asked {
    enum { SEARCH, ABSENT, AS_OF, CONTACT, OWNER_INIT, OWNER_MONITOR, UPDATE, HEADS } kind;
    uint64_t at, last;
    unsigned ladders;
    struct label *label;
    struct kt_optional version, stop;
    uint64_t start, position, time;
    struct as_of as_of;
    struct contact_map map;
    unsigned count; /* of versions that an update tells */
    uint64_t upcoming[VERSIONS_MAX];
    struct owner_state owner;
    /* what came of it */
    uint32_t greatest[SEARCH_TREE_HEIGHT_MAX];
    unsigned greatest_n;
};

static enum result
owner_begin(struct transcript *t, struct asked *a)
{
    struct search_path entries;
    enum result rc = owner_init_entries(t, a->start, &entries);

    a->greatest_n = 0;
    for (unsigned i = 0; rc == RES_OK && i < entries.n; i++) {
        uint32_t n = versions_at(a->label, entries.at[i] + 1);

        if (n > 0)
            a->greatest[a->greatest_n++] = n - 1;
    }
    return rc == RES_OK ? owner_init(t, &entries, a->greatest, a->greatest_n) : rc;
}

static enum result
owner_go_on(struct transcript *t, struct asked *a)
{
    struct contact_waiting waiting = {.start = a->start};
    uint64_t reached;
    enum result rc = contact_monitor(t, &waiting, &a->map);

    if (rc == RES_OK)
        rc = owner_monitor(t, &a->owner, &reached);
    return rc == RES_OK ? contact_settle(&a->map, &waiting, reached) : rc;
}

static enum result
ask(struct transcript *t, struct asked *a)
{
    struct heads heads;
    uint64_t terminal;
    enum result rc = view_update(t);

    if (rc != RES_OK)
        return rc;
    switch (a->kind) {
    case SEARCH:
        return a->version.has ? search_fixed(t, (uint32_t)a->version.value, &terminal)
                              : search_greatest(t, versions_at(a->label, a->at) - 1, &terminal);
    case ABSENT:
        return search_absent(t);
    case AS_OF:
        return as_of_show(t, &a->as_of, a->time);
    case CONTACT:
        return contact_monitor(t, NULL, &a->map);
    case OWNER_INIT:
        return owner_begin(t, a);
    case OWNER_MONITOR:
        return owner_go_on(t, a);
    case UPDATE:
        return owner_update(t, &a->owner, a->position, a->count, &a->map);
    case HEADS:
        return heads_walk(t, a->stop.has ? &a->stop.value : NULL, &heads);
    }
    return RES_BUG;
}

static enum result
prove(const struct asked *question, struct buf *out)
{
    static struct transcript t;
    static struct recorder r;
    struct asked *a = malloc(sizeof(*a));
    struct record_tree face = memtree_tree(&tree);
    struct record_label name = {question->label, give_key, give_inserted};
    struct writer w = writer_to(out);
    struct transcript_source source;
    struct combined_proof proof;
    struct kt_view view;
    enum result rc;

    NEED(a != NULL);
    *a = *question;
    record_init(&r, &face, &name);
    r.steps_max = a->ladders;
    source = record_source(&r);
    if (a->last > 0)
        memtree_view(&tree, a->last, &view);
    rc = transcript_init(&t, a->at, &config.window, a->last > 0 ? &view : NULL, &source);
    if (rc == RES_OK)
        rc = ask(&t, a);
    if (rc == RES_OK)
        rc = record_finish(&r, &t, &proof);
    if (rc == RES_OK) {
        combined_proof_put(&w, &proof);
        rc = writer_end(&w);
    }
    record_release(&r);
    free(a);
    return rc;
}

/* What a verifier is told of the label's versions; overwritten by the next call. */
static const struct consume_version *
known(const struct label *l, size_t *ret_n)
{
    static struct consume_version versions[VERSIONS_MAX];

    *ret_n = l == NULL ? 0 : l->n;
    for (size_t i = 0; i < *ret_n; i++)
        versions[i] = l->versions[i].known;
    return versions;
}

static enum result
check(const struct asked *question, const struct combined_proof *proof, struct hash *ret_root)
{
    static struct transcript t;
    static struct consumer c;
    struct asked *a = malloc(sizeof(*a));
    size_t n;
    const struct consume_version *versions = known(question->label, &n);
    struct transcript_source source;
    struct kt_view view, kept;
    enum result rc;

    NEED(a != NULL);
    *a = *question;
    consume_init(&c, proof, versions, n);
    source = consume_source(&c);
    if (a->last > 0)
        memtree_view(&tree, a->last, &view);
    rc = transcript_init(&t, a->at, &config.window, a->last > 0 ? &view : NULL, &source);
    if (rc == RES_OK)
        rc = ask(&t, a);
    if (rc == RES_OK)
        rc = consume_finish(&c, &t, ret_root, &kept);
    if (rc == RES_OK) {
        memtree_view(&tree, a->at, &view);
        NEED(kept.n == view.n &&
             memcmp(kept.frontier, view.frontier, kept.n * sizeof(kept.frontier[0])) == 0);
    }
    free(a);
    return rc;
}

/* ---- requests ---- */

/* What the owner of the label knew who advertises that version and was there from start on. */
static void
owner_knows(struct asked *a, uint64_t start, bool from_start, struct kt_optional advertised)
{
    uint32_t n = advertised.has ? (uint32_t)advertised.value + 1 : 0;
    uint32_t first = from_start ? versions_at(a->label, start + 1) : 0;

    if (first > n)
        first = n;
    for (uint32_t v = first; v < n; v++)
        a->upcoming[v - first] = a->label->versions[v].inserted;
    a->owner = (struct owner_state){start, (int64_t)first - 1, a->upcoming, n - first};
}

static void
read_update(struct asked *a, const struct update_request *q)
{
    uint32_t next = q->greatest_version.has ? (uint32_t)q->greatest_version.value + 1 : 0;

    a->kind = UPDATE;
    a->label = label_of(q->label);
    owner_knows(a, 0, false, q->greatest_version);
    a->position = next < a->label->n ? a->label->versions[next].inserted : UINT64_MAX;
    while (next + a->count < a->label->n &&
           a->label->versions[next + a->count].inserted == a->position)
        a->count++;
}

/* Each reads the request of one kind, and writes it again. */
static void
search_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct search_request q;

    search_request_get(r, &q);
    search_request_put(again, &q);
    a->kind = SEARCH;
    a->last = q.last.value;
    a->label = label_of(q.label);
    a->version = q.version;
}

static void
absence_asked(struct reader *r, struct asked *a, struct writer *again)
{
    search_asked(r, a, again);
    a->kind = ABSENT;
}

static void
as_of_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct as_of_request q;
    uint32_t n = 0;

    as_of_request_get(r, &q);
    as_of_request_put(again, &q);
    a->kind = AS_OF;
    a->last = q.last.value;
    a->label = label_of(q.label);
    a->time = q.time;
    while (n < versions_at(a->label, a->at) &&
           tree.entries[a->label->versions[n].inserted].timestamp <= q.time)
        n++;
    a->as_of = (struct as_of){.has_version = n > 0, .followed = n < versions_at(a->label, a->at)};
    if (a->as_of.has_version) {
        a->as_of.version = n - 1;
        a->as_of.first = a->label->versions[n - 1].inserted;
    }
    if (a->as_of.followed)
        a->as_of.next = a->label->versions[n].inserted;
}

static void
contact_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct contact_monitor_request q;

    contact_monitor_request_get(r, &q);
    contact_monitor_request_put(again, &q);
    NEED(contact_map_valid(&q.map, a->at));
    a->kind = CONTACT;
    a->last = q.last.value;
    a->label = label_of(q.label);
    a->map = q.map;
}

static void
owner_init_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct owner_init_request q;

    owner_init_request_get(r, &q);
    owner_init_request_put(again, &q);
    a->kind = OWNER_INIT;
    a->last = q.last.value;
    a->label = label_of(q.label);
    a->start = q.start;
}

static void
owner_monitor_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct owner_monitor_request q;

    owner_monitor_request_get(r, &q);
    owner_monitor_request_put(again, &q);
    NEED(contact_map_valid(&q.map, a->at));
    a->kind = OWNER_MONITOR;
    a->last = q.last.value;
    a->label = label_of(q.label);
    a->map = q.map;
    a->start = q.start;
    owner_knows(a, q.start, true, q.greatest_version);
}

static void
update_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct update_request q;

    update_request_get(r, &q);
    update_request_put(again, &q);
    a->last = q.last.value;
    read_update(a, &q);
}

static void
heads_asked(struct reader *r, struct asked *a, struct writer *again)
{
    struct distinguished_request q;

    distinguished_request_get(r, &q);
    distinguished_request_put(again, &q);
    a->kind = HEADS;
    a->last = q.last.value;
    a->stop = q.stop;
}

/* ---- answers ---- */

struct answer {
    struct full_head head;
    struct combined_proof proof;
};

static void
search_answered(struct reader *r, const struct asked *a, struct writer *again, struct answer *ret)
{
    struct search_response s;

    search_response_get(r, !a->version.has, &s);
    search_response_put(again, !a->version.has, &s);
    NEED(a->version.has || s.version == versions_at(a->label, a->at) - 1);
    *ret = (struct answer){s.head, s.proof};
}

static void
absence_answered(struct reader *r, const struct asked *a, struct writer *again, struct answer *ret)
{
    struct absence_response s;

    (void)a;
    absence_response_get(r, &s);
    absence_response_put(again, &s);
    *ret = (struct answer){s.head, s.proof};
}

static void
as_of_answered(struct reader *r, const struct asked *a, struct writer *again, struct answer *ret)
{
    struct as_of_response s;

    as_of_response_get(r, &s);
    as_of_response_put(again, &s);
    NEED(s.version.has == a->as_of.has_version && s.next.has == a->as_of.followed);
    NEED(!s.version.has || (s.version.value == a->as_of.version && s.first == a->as_of.first));
    NEED(!s.next.has || s.next.value == a->as_of.next);
    *ret = (struct answer){s.head, s.proof};
}

static void
proof_answered(struct reader *r, const struct asked *a, struct writer *again, struct answer *ret)
{
    struct proof_response s;

    (void)a;
    proof_response_get(r, &s);
    proof_response_put(again, &s);
    *ret = (struct answer){s.head, s.proof};
}

static void
owner_init_answered(struct reader *r, const struct asked *a, struct writer *again,
                    struct answer *ret)
{
    struct owner_init_response s;

    (void)a;
    owner_init_response_get(r, &s);
    owner_init_response_put(again, &s);
    *ret = (struct answer){s.head, s.proof};
}

static void
update_answered(struct reader *r, const struct asked *a, struct writer *again, struct answer *ret)
{
    struct update_response s;

    update_response_get(r, &s);
    update_response_put(again, &s);
    NEED(s.position == a->position && s.info.n == a->count);
    *ret = (struct answer){s.head, s.proof};
}

static const struct kind {
    const char *name;
    void (*asked)(struct reader *r, struct asked *a, struct writer *again);
    void (*answered)(struct reader *r, const struct asked *a, struct writer *again,
                     struct answer *ret);
} kinds[] = {
    {"search", search_asked, search_answered},
    {"absence", absence_asked, absence_answered},
    {"as-of", as_of_asked, as_of_answered},
    {"contact-monitor", contact_asked, proof_answered},
    {"owner-init", owner_init_asked, owner_init_answered},
    {"owner-monitor", owner_monitor_asked, proof_answered},
    {"update", update_asked, update_answered},
    {"distinguished", heads_asked, proof_answered},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The answer is whole, its proof the one that is made here, and it holds. */
static void
hold(const struct kind *k, const struct asked *a, const char *text)
{
    struct buf bytes = BUF_INIT(64u << 20), again = BUF_INIT(64u << 20);
    struct buf theirs = BUF_INIT(64u << 20), ours = BUF_INIT(64u << 20);
    struct writer w = writer_to(&again), proof = writer_to(&theirs);
    struct answer answer;
    struct hash root, expected;
    struct reader r;
    enum result rc;

    unhex(text, &bytes);
    r = reader_of(buf_span(&bytes));
    k->answered(&r, a, &w, &answer);
    NEED(reader_end(&r) == RES_OK && writer_end(&w) == RES_OK);
    NEED(span_equal(buf_span(&bytes), buf_span(&again)));
    rc = check(a, &answer.proof, &root);
    if (rc != RES_OK)
        printf("%s\n", result_name(rc));
    NEED(rc == RES_OK);
    logtree_root(&tree.peaks[a->at - 1], &expected);
    NEED(hash_equal(&root, &expected));
    NEED(answer.head.updated == (a->last != a->at));
    NEED(!answer.head.updated ||
         kt_head_verify(&config, a->at, &root, answer.head.signature) == RES_OK);
    combined_proof_put(&proof, &answer.proof);
    NEED(prove(a, &ours) == RES_OK);
    NEED(span_equal(buf_span(&ours), buf_span(&theirs)));
    buf_release(&bytes);
    buf_release(&again);
    buf_release(&theirs);
    buf_release(&ours);
}

static void
do_ask(char **f)
{
    struct buf bytes = BUF_INIT(1u << 20), again = BUF_INIT(1u << 20);
    struct writer w = writer_to(&again);
    static struct asked a;
    struct reader r;
    unsigned k = 0;

    while (k < KINDS && strcmp(kinds[k].name, f[2]) != 0)
        k++;
    NEED(k < KINDS);
    memset(&a, 0, sizeof(a));
    a.at = number(f[3]);
    a.ladders = (unsigned)number(f[4]);
    unhex(f[5], &bytes);
    r = reader_of(buf_span(&bytes));
    kinds[k].asked(&r, &a, &w);
    NEED(reader_end(&r) == RES_OK && writer_end(&w) == RES_OK);
    NEED(span_equal(buf_span(&bytes), buf_span(&again)));
    buf_clear(&again);
    /* No owner knows half of what an entry inserted: the slow one answers, this one refuses. */
    if (a.kind == UPDATE && a.owner.upcoming_n > 0 &&
        a.upcoming[a.owner.upcoming_n - 1] == a.position)
        NEED(prove(&a, &again) == RES_KT_POSITION);
    else if (strcmp(f[6], "-") != 0)
        hold(&kinds[k], &a, f[6]);
    else
        NEED(prove(&a, &again) != RES_OK);
    buf_release(&bytes);
    buf_release(&again);
}

/* Records one proof about the label. */
static void
begin(struct recorder *r, struct label *l, struct record_tree *tree_face, struct record_label *name)
{
    *tree_face = memtree_tree(&tree);
    *name = (struct record_label){l, give_key, give_inserted};
    record_init(r, tree_face, name);
}

/* Made here it has the same bytes, and somebody who knows the entry it rests on takes it. */
static void
hold_credential(struct label *l, const struct credential *theirs, struct span bytes)
{
    static struct recorder r;
    static struct credential_pending pending;
    struct record_tree face;
    struct record_label name;
    struct credential ours = *theirs;
    struct buf made = BUF_INIT(64u << 20);
    struct writer w = writer_to(&made);
    struct kt_view view, after;
    size_t n;

    begin(&r, l, &face, &name);
    NEED((theirs->provisional ? credential_provisional(&r, &config.window, theirs->position,
                                                       theirs->head.size, theirs->version, &ours)
                              : credential_standard(&r, &config.window, theirs->position,
                                                    theirs->version, &ours)) == RES_OK);
    credential_put(&w, &ours);
    NEED(writer_end(&w) == RES_OK && span_equal(buf_span(&made), bytes));
    memtree_view(&tree, theirs->position + 1, &view);
    const struct consume_version *versions = known(l, &n);
    NEED(credential_verify(&config, &(struct credential_recent){&view, 1}, theirs, versions, n,
                           &pending) == RES_OK);
    if (theirs->provisional) {
        memtree_view(&tree, theirs->head.size, &after);
        NEED(pending.version == theirs->version && pending.view.n == after.n &&
             memcmp(pending.view.frontier, after.frontier, after.n * sizeof(after.frontier[0])) ==
                 0);
        NEED(hash_equal(&pending.prefix_root, &tree.entries[pending.terminal].prefix_root));
    }
    record_release(&r);
    buf_release(&made);
}

static void
do_credential(char **f)
{
    struct buf bytes = BUF_INIT(64u << 20), again = BUF_INIT(64u << 20);
    struct writer w = writer_to(&again);
    struct label *l = label_named(f[3]);
    static struct recorder recorder;
    struct record_tree face;
    struct record_label name;
    struct credential c = {.label = {0}};
    struct reader r;

    if (strcmp(f[6], "-") == 0) {
        bool standard = strcmp(f[5], "standard") == 0;
        uint32_t n = versions_at(l, standard ? number(f[4]) + 1 : number(f[2]));

        begin(&recorder, l, &face, &name);
        NEED((n == 0 && standard) || number(f[4]) >= number(f[2]) ||
             (standard ? credential_standard(&recorder, &config.window, number(f[4]), n - 1, &c)
                       : credential_provisional(&recorder, &config.window, number(f[4]),
                                                number(f[2]), n - 1, &c)) != RES_OK);
        record_release(&recorder);
        return;
    }
    unhex(f[6], &bytes);
    r = reader_of(buf_span(&bytes));
    credential_get(&r, &c);
    credential_put(&w, &c);
    NEED(reader_end(&r) == RES_OK && writer_end(&w) == RES_OK);
    NEED(span_equal(buf_span(&bytes), buf_span(&again)));
    NEED(label_of(c.label) == l);
    hold_credential(l, &c, buf_span(&bytes));
    buf_release(&bytes);
    buf_release(&again);
}

static void
do_credential_update(char **f)
{
    static struct recorder recorder;
    struct label *l = label_named(f[2]);
    struct credential_update_request q = {
        .version = (uint32_t)number(f[3]), .tree_size = number(f[4]), .terminal = number(f[5])};
    struct credential_pending p = {.version = q.version, .terminal = q.terminal};
    struct buf theirs = BUF_INIT(64u << 20), ours = BUF_INIT(64u << 20);
    struct writer w = writer_to(&ours);
    struct combined_proof proof;
    struct record_tree face;
    struct record_label name;
    struct kt_view goal;
    struct reader r;
    uint64_t arrived;
    size_t n;
    enum result rc;

    begin(&recorder, l, &face, &name);
    rc = credential_update(&recorder, &config.window, tree.n, &q, &proof);
    NEED(rc == (strcmp(f[7], "-") == 0 ? RES_ABSENT : RES_OK));
    if (rc == RES_OK) {
        unhex(f[7], &theirs);
        combined_proof_put(&w, &proof);
        NEED(writer_end(&w) == RES_OK && span_equal(buf_span(&ours), buf_span(&theirs)));
        r = reader_of(buf_span(&theirs));
        combined_proof_get(&r, &proof);
        memtree_view(&tree, q.tree_size, &p.view);
        memtree_view(&tree, number(f[6]) + 1, &goal);
        const struct consume_version *versions = known(l, &n);
        NEED(credential_verify_update(&config, &(struct credential_recent){&goal, 1}, &p, &proof,
                                      versions, n, &arrived) == RES_OK);
        NEED(arrived == number(f[6]));
    }
    record_release(&recorder);
    buf_release(&theirs);
    buf_release(&ours);
}

/* ---- what a contact watches ---- */

/* Takes the next POSITION:VERSION off the front of *text; false at its end. */
static bool
next_watched(char **text, struct contact_entry *ret)
{
    if (**text == '\0')
        return false;
    ret->position = strtoull(*text, text, 10);
    NEED(*(*text)++ == ':');
    ret->version = (uint32_t)strtoul(*text, text, 10);
    NEED(**text == ',' || **text == '\0');
    *text += **text == ',';
    return true;
}

static void
do_map(char **f)
{
    struct contact_map map = {.n = 0};
    struct contact_entry e;
    unsigned n = 0;

    while (next_watched(&f[2], &e))
        NEED(contact_add(&map, e.position, e.version) == RES_OK);
    while (next_watched(&f[3], &e)) {
        NEED(n < map.n && map.entries[n].position == e.position);
        NEED(map.entries[n++].version == e.version);
    }
    NEED(n == map.n);
}

/* ---- the log ---- */

static void
do_config(char **f)
{
    struct buf bytes = BUF_INIT(1024), again = BUF_INIT(1024);
    struct writer w = writer_to(&again);
    struct reader r;

    unhex(f[1], &bytes);
    r = reader_of(buf_span(&bytes));
    kt_config_get(&r, &config);
    kt_config_put(&w, &config);
    NEED(reader_end(&r) == RES_OK && span_equal(buf_span(&bytes), buf_span(&again)));
    buf_release(&bytes);
    buf_release(&again);
}

static void
do_version(char **f, bool there)
{
    struct label *l = label_named(f[1]);
    struct version *v = &l->versions[l->n++];

    NEED(l->n < VERSIONS_MAX && added_n < VERSIONS_MAX);
    v->known.version = (uint32_t)number(f[2]);
    v->inserted = there ? tree.n : UINT64_MAX;
    v->known.has_commitment = there;
    unhex_hash(f[3], &v->known.key);
    if (there) {
        unhex_hash(f[4], &v->known.commitment);
        added[added_n++] = (struct prefix_leaf){v->known.key, v->known.commitment};
    }
}

static void
do_entry(char **f)
{
    struct hash prefix_root, root, expected;

    memtree_append_leaves(&tree, number(f[1]), added, added_n);
    added_n = 0;
    unhex_hash(f[2], &prefix_root);
    unhex_hash(f[3], &expected);
    logtree_root(&tree.peaks[tree.n - 1], &root);
    NEED(hash_equal(&prefix_root, &tree.roots[tree.n - 1].hash));
    NEED(hash_equal(&root, &expected));
}

/* Splits a line at its blanks; returns how many fields. */
static unsigned
split(char *line, char **ret)
{
    char *rest = NULL;
    unsigned n = 0;

    for (char *f = strtok_r(line, " \n", &rest); f != NULL && n < FIELDS_MAX;
         f = strtok_r(NULL, " \n", &rest))
        ret[n++] = f;
    return n;
}

int
main(void)
{
    char *line = NULL, *f[FIELDS_MAX];
    size_t room = 0;
    unsigned asked = 0;

    memtree_init(&tree);
    while (getline(&line, &room, stdin) > 0) {
        unsigned n = split(line, f);

        NEED(n >= 2);
        doing = n > 2 ? f[1] : f[0];
        if (strcmp(f[0], "config") == 0)
            do_config(f);
        else if (strcmp(f[0], "add") == 0 && n == 5)
            do_version(f, true);
        else if (strcmp(f[0], "key") == 0 && n == 4)
            do_version(f, false);
        else if (strcmp(f[0], "entry") == 0 && n == 4)
            do_entry(f);
        else if (strcmp(f[0], "ask") == 0 && n == 7)
            do_ask(f);
        else if (strcmp(f[0], "map") == 0 && n == 4)
            do_map(f);
        else if (strcmp(f[0], "credential") == 0 && n == 7)
            do_credential(f);
        else if (strcmp(f[0], "credential-update") == 0 && n == 8)
            do_credential_update(f);
        else
            NEED(false);
        asked += f[0][1] == 's' || f[0][0] == 'c';
    }
    printf("%zu entries, %u answers agree\n", tree.n, asked - 1);
    free(line);
    memtree_release(&tree);
    return asked > 0 ? 0 : 1; /* a history of one entry may have no answers */
}
