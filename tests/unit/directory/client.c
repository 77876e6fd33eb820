#include "tests/unit/directory/client.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/consume.h"
#include "merkle/keytrans/credential.h"
#include "merkle/keytrans/response.h"
#include "merkle/keytrans/search.h"
#include "merkle/keytrans/vrf.h"
#include "tests/vectors/check.h"

#define KNOWN_MAX 1024
#define VALUE_ROOM (MAILBOX_VALUE_MAX + 4)

/* One verification under way. */
static struct walk {
    struct transcript t;
    struct consumer consumer;
    struct consume_version known[KNOWN_MAX];
    size_t n;
    struct kt_view last;
    uint64_t upcoming[KNOWN_MAX];
} w;

/* ---- requests ---- */

enum directory_ask
client_kind(const struct client *c)
{
    static const enum directory_ask kinds[] = {
        [CLIENT_SEARCH] = DIRECTORY_SEARCH,
        [CLIENT_ABSENT] = DIRECTORY_SEARCH,
        [CLIENT_AS_OF] = DIRECTORY_AS_OF,
        [CLIENT_CONTACT] = DIRECTORY_CONTACT_MONITOR,
        [CLIENT_OWNER_INIT] = DIRECTORY_OWNER_INIT,
        [CLIENT_OWNER_MONITOR] = DIRECTORY_OWNER_MONITOR,
        [CLIENT_UPDATE] = DIRECTORY_UPDATE,
        [CLIENT_HEADS] = DIRECTORY_DISTINGUISHED,
        [CLIENT_CREDENTIAL] = DIRECTORY_CREDENTIAL_UPDATE,
    };

    return kinds[c->ask];
}

void
client_request(const struct testdir *t, const struct client *c, struct buf *out)
{
    struct writer to = writer_to(out);
    struct span name = testdir_name(t, c->label);

    switch (c->ask) {
    case CLIENT_SEARCH:
    case CLIENT_ABSENT:
        search_request_put(&to, &(struct search_request){c->last, name, c->version});
        break;
    case CLIENT_AS_OF:
        as_of_request_put(&to, &(struct as_of_request){c->last, name, c->time});
        break;
    case CLIENT_CONTACT:
        contact_monitor_request_put(&to, &(struct contact_monitor_request){c->last, name, c->map});
        break;
    case CLIENT_OWNER_INIT:
        owner_init_request_put(&to, &(struct owner_init_request){c->last, name, c->start});
        break;
    case CLIENT_OWNER_MONITOR:
        owner_monitor_request_put(
            &to, &(struct owner_monitor_request){c->last, name, c->map, c->start, c->greatest});
        break;
    case CLIENT_UPDATE:
        update_request_put(&to, &(struct update_request){.last = c->last,
                                                         .label = name,
                                                         .greatest_version = c->greatest});
        break;
    case CLIENT_HEADS:
        distinguished_request_put(&to, &(struct distinguished_request){c->last, c->stop});
        break;
    case CLIENT_CREDENTIAL:
        credential_update_request_put(
            &to, &(struct credential_update_request){name, (uint32_t)c->version.value, c->start,
                                                     c->terminal});
        break;
    case CLIENT_ASKS:
        fail();
    }
    assert_int_equal(writer_end(&to), RES_OK);
}

/* ---- what is known of versions ---- */

static struct consume_version *
know(uint32_t version)
{
    size_t i = 0;

    while (i < w.n && w.known[i].version < version)
        i++;
    if (i < w.n && w.known[i].version == version)
        return &w.known[i];
    assert_true(w.n < KNOWN_MAX);
    memmove(&w.known[i + 1], &w.known[i], (w.n - i) * sizeof(w.known[0]));
    w.n++;
    w.known[i] = (struct consume_version){.version = version};
    return &w.known[i];
}

/* The key that proof shows. */
static enum result
prove_key(struct testdir *t, unsigned label, uint32_t version, struct span proof, struct hash *ret)
{
    struct vrf_public key;
    struct vrf_input alpha;
    uint8_t beta[VRF_BETA_SIZE];
    enum result rc = vrf_public_parse(t->kt.vrf_key, &key);

    if (rc == RES_OK)
        rc = vrf_input(testdir_name(t, label), version, &alpha);
    if (rc == RES_OK)
        rc = vrf_verify(&key, vrf_input_span(&alpha), proof.p, beta);
    if (rc == RES_OK)
        memcpy(ret->b, beta, HASH_SIZE);
    return rc;
}

/* BinaryLadderSteps for the versions given; a commitment is refused at `without`, and above
 * `most`. */
static enum result
take_ladder(struct testdir *t, unsigned label, const struct proof_queue *q,
            const uint32_t *versions, unsigned n, int64_t most, int64_t without)
{
    struct reader r = reader_of(q->bytes);

    if (q->n != n)
        return RES_KT_COUNT;
    for (unsigned i = 0; i < n; i++) {
        struct consume_version *v = know(versions[i]);
        struct ladder_step s;
        enum result rc;

        ladder_step_get(&r, &s);
        rc = prove_key(t, label, versions[i], s.proof, &v->key);
        if (rc != RES_OK)
            return rc;
        if (s.has_commitment && ((int64_t)versions[i] > most || (int64_t)versions[i] == without))
            return RES_VALUE;
        if (s.has_commitment) {
            v->has_commitment = true;
            v->commitment = s.commitment;
        }
    }
    return reader_end(&r);
}

static enum result
take_value(struct testdir *t, unsigned label, uint32_t version, struct span opening,
           struct span value)
{
    static uint8_t room[VALUE_ROOM];
    struct buf update = {.p = room, .cap = sizeof(room), .max = sizeof(room)};
    struct writer to = writer_to(&update);
    struct consume_version *v = know(version);
    enum result rc;

    label_value_put(&to, value);
    rc = writer_end(&to);
    v->has_commitment = true;
    return rc == RES_OK ? commitment_make(opening.p, testdir_name(t, label), version,
                                          buf_span(&update), &v->commitment)
                        : rc;
}

/* Somebody who follows the label has seen these, and the keys of what their ladders look up. */
static void
remember(struct testdir *t, unsigned label, int64_t greatest)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    unsigned n = ladder_base(greatest < 0 ? 0 : (uint32_t)greatest, ladder);

    for (unsigned i = 0; i < n; i++)
        know(ladder[i])->key = *testdir_key(t, label, ladder[i]);
    for (int64_t v = 0; v <= greatest; v++) {
        struct consume_version *k = know((uint32_t)v);

        k->key = *testdir_key(t, label, (uint32_t)v);
        k->has_commitment = true;
        k->commitment = t->label[label].at[v].commitment;
    }
    /* Ladders of lesser versions look up others. */
    for (int64_t v = 0; v < greatest; v++) {
        n = ladder_base((uint32_t)v, ladder);
        for (unsigned i = 0; i < n; i++)
            know(ladder[i])->key = *testdir_key(t, label, ladder[i]);
    }
}

/* ---- the frame of every answer ---- */

static enum result
begin(struct testdir *t, const struct client *c, const struct full_head *h,
      const struct combined_proof *proof, uint64_t *ret_size)
{
    struct transcript_source source;
    uint64_t last = c->last.has ? c->last.value : 0, size = h->updated ? h->size : last;
    enum result rc;

    if (size == 0 || (h->updated && size <= last))
        return RES_RANGE;
    if (last > 0)
        testdir_view(t, last, &w.last);
    consume_init(&w.consumer, proof, w.known, w.n);
    source = consume_source(&w.consumer);
    rc = transcript_init(&w.t, size, &t->kt.window, last > 0 ? &w.last : NULL, &source);
    if (rc == RES_OK)
        rc = view_update(&w.t);
    if (rc == RES_OK)
        *ret_size = size;
    return rc;
}

static enum result
finish(struct testdir *t, const struct full_head *h)
{
    struct hash root, before;
    struct kt_view kept, expected;
    enum result rc = consume_finish(&w.consumer, &w.t, &root, &kept);

    if (rc != RES_OK)
        return rc;
    if (h->updated) {
        rc = kt_head_verify(&t->kt, h->size, &root, h->signature);
    } else {
        logtree_root(&w.last.peaks, &before);
        rc = hash_equal(&before, &root) ? RES_OK : RES_ROOT_DIFFERS;
    }
    if (rc != RES_OK)
        return rc;
    testdir_view(t, w.t.size, &expected);
    assert_int_equal(kept.n, expected.n);
    assert_memory_equal(kept.frontier, expected.frontier, kept.n * sizeof(kept.frontier[0]));
    return RES_OK;
}

/* ---- answers of one kind each ---- */

static enum result
verify_search(struct testdir *t, struct client *c, struct reader *r)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    struct search_response a;
    enum result rc;

    search_response_get(r, !c->version.has, &a);
    rc = reader_end(r);
    if (rc != RES_OK)
        return rc;
    c->found = c->version.has ? (uint32_t)c->version.value : a.version;
    c->value = a.value;
    rc = take_ladder(t, c->label, &a.ladder, ladder, ladder_base(c->found, ladder), UINT32_MAX,
                     c->found);
    if (rc == RES_OK)
        rc = take_value(t, c->label, c->found, a.opening, a.value);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = c->version.has ? search_fixed(&w.t, c->found, &c->terminal)
                            : search_greatest(&w.t, c->found, &c->terminal);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
verify_absent(struct testdir *t, struct client *c, struct reader *r)
{
    struct absence_response a;
    enum result rc;

    absence_response_get(r, &a);
    rc = reader_end(r);
    if (rc == RES_OK)
        rc = prove_key(t, c->label, 0, a.vrf_proof, &know(0)->key);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = search_absent(&w.t);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
verify_as_of(struct testdir *t, struct client *c, struct reader *r)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    struct as_of_response a;
    enum result rc;

    as_of_response_get(r, &a);
    rc = reader_end(r);
    if (rc != RES_OK)
        return rc;
    c->found = (uint32_t)a.version.value;
    c->value = a.value;
    c->as_of = (struct as_of){a.version.has, c->found, a.first, a.next.has, a.next.value};
    rc = take_ladder(t, c->label, &a.ladder, ladder,
                     ladder_base(a.version.has ? c->found : 0, ladder), UINT32_MAX,
                     a.version.has ? (int64_t)c->found : -1);
    if (rc == RES_OK && a.version.has)
        rc = take_value(t, c->label, c->found, a.opening, a.value);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = as_of_show(&w.t, &c->as_of, c->time);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
verify_contact(struct testdir *t, struct client *c, struct reader *r)
{
    struct proof_response a;
    enum result rc;

    proof_response_get(r, &a);
    rc = reader_end(r);
    for (unsigned i = 0; i < c->map.n; i++)
        remember(t, c->label, c->map.entries[i].version);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = contact_monitor(&w.t, NULL, &c->map);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
take_init(struct testdir *t, struct client *c, const struct owner_init_response *a)
{
    uint32_t ladder[LADDER_STEPS_MAX], steps[KNOWN_MAX];
    struct reader r = reader_of(a->greatest_versions.bytes);
    unsigned n;

    c->init_n = 0;
    (void)know(0);
    for (unsigned i = 0; i < a->greatest_versions.n; i++) {
        if (i == SEARCH_TREE_HEIGHT_MAX)
            return RES_VALUE;
        c->init[c->init_n++] = get_u32(&r);
        n = ladder_base(c->init[i], ladder);
        for (unsigned k = 0; k < n; k++)
            (void)know(ladder[k]);
    }
    n = (unsigned)w.n;
    for (unsigned i = 0; i < n; i++)
        steps[i] = w.known[i].version;
    return take_ladder(t, c->label, &a->ladder, steps, n, c->init_n > 0 ? (int64_t)c->init[0] : -1,
                       -1);
}

static enum result
verify_owner_init(struct testdir *t, struct client *c, struct reader *r)
{
    struct owner_init_response a;
    struct search_path entries;
    enum result rc;

    owner_init_response_get(r, &a);
    rc = reader_end(r);
    if (rc == RES_OK)
        rc = take_init(t, c, &a);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = owner_init_entries(&w.t, c->start, &entries);
    if (rc == RES_OK)
        rc = owner_init(&w.t, &entries, c->init, c->init_n);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

/* What an owner knows who was there from start on. */
static struct owner_state
owner_of(const struct testdir *t, const struct client *c)
{
    int64_t greatest = c->greatest.has ? (int64_t)c->greatest.value : -1;
    int64_t first = (int64_t)testdir_versions(t, c->label, c->start + 1) - 1;

    if (first > greatest)
        first = greatest;
    for (int64_t v = first + 1; v <= greatest; v++)
        w.upcoming[v - first - 1] = t->label[c->label].at[v].entry;
    return (struct owner_state){c->start, first, w.upcoming, (size_t)(greatest - first)};
}

/* "Consumed all of the response": no PrefixProof is left. */
static enum result
nothing_left(void *arg, uint64_t position, int64_t expected, bool *ret)
{
    const struct consumer *c = arg;

    (void)position;
    (void)expected;
    *ret = c->proofs_left == 0;
    return RES_OK;
}

static enum result
verify_owner_monitor(struct testdir *t, struct client *c, struct reader *r)
{
    struct owner_state owner = owner_of(t, c);
    struct contact_waiting waiting = {.start = c->start};
    struct proof_response a;
    enum result rc;

    proof_response_get(r, &a);
    rc = reader_end(r);
    remember(t, c->label, c->greatest.has ? (int64_t)c->greatest.value : -1);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    w.t.source.stop = nothing_left;
    if (rc == RES_OK)
        rc = contact_monitor(&w.t, &waiting, &c->map);
    if (rc == RES_OK)
        rc = owner_monitor(&w.t, &owner, &c->terminal);
    if (rc == RES_OK)
        rc = contact_settle(&c->map, &waiting, c->terminal);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* What base_ladder(new) has and base_ladder(previous), or 0, has not. */
static unsigned
new_steps(int64_t previous, uint32_t new, uint32_t *ret)
{
    uint32_t had[LADDER_STEPS_MAX] = {0}, now[LADDER_STEPS_MAX];
    unsigned had_n = previous < 0 ? 1 : ladder_base((uint32_t)previous, had), n = 0;
    unsigned now_n = ladder_base(new, now);

    for (unsigned i = 0; i < now_n; i++) {
        bool known = false;

        for (unsigned k = 0; k < had_n; k++)
            known = known || had[k] == now[i];
        if (!known)
            ret[n++] = now[i];
    }
    qsort(ret, n, sizeof(*ret), ascending);
    return n;
}

static enum result
verify_update(struct testdir *t, struct client *c, struct reader *r)
{
    struct owner_state owner = owner_of(t, c);
    int64_t previous = c->greatest.has ? (int64_t)c->greatest.value : -1;
    uint32_t steps[LADDER_STEPS_MAX];
    struct update_response a;
    struct reader values;
    enum result rc;

    update_response_get(r, &a);
    rc = reader_end(r);
    if (rc != RES_OK)
        return rc;
    if (a.values.n != 1 || a.info.n != 1)
        return RES_KT_COUNT;
    values = reader_of(a.values.bytes);
    c->value = label_value_get(&values);
    c->found = (uint32_t)(previous + 1);
    c->position = a.position;
    remember(t, c->label, previous);
    rc = take_ladder(t, c->label, &a.ladder, steps, new_steps(previous, c->found, steps), -1, -1);
    if (rc == RES_OK)
        rc = take_value(t, c->label, c->found, a.info.bytes, c->value);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = owner_update(&w.t, &owner, a.position, 1, &c->map);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
verify_heads(struct testdir *t, struct client *c, struct reader *r)
{
    struct proof_response a;
    enum result rc;

    proof_response_get(r, &a);
    rc = reader_end(r);
    if (rc == RES_OK)
        rc = begin(t, c, &a.head, &a.proof, &c->size);
    if (rc == RES_OK)
        rc = heads_walk(&w.t, c->stop.has ? &c->stop.value : NULL, &c->heads);
    return rc == RES_OK ? finish(t, &a.head) : rc;
}

static enum result
verify_credential(struct testdir *t, struct client *c, struct reader *r)
{
    static struct kt_view views[HEADS_RECENT_MAX];
    const struct credential_recent recent = {views, c->heads.n};
    struct credential_pending pending = {.version = (uint32_t)c->version.value,
                                         .terminal = c->terminal,
                                         .prefix_root = t->entries[c->terminal].prefix_root};
    struct combined_proof proof;
    enum result rc;

    for (unsigned i = 0; i < c->heads.n; i++)
        testdir_view(t, c->heads.at[i] + 1, &views[i]);
    testdir_view(t, c->start, &pending.view);
    combined_proof_get(r, &proof);
    rc = reader_end(r);
    remember(t, c->label, (int64_t)c->version.value);
    c->size = t->n;
    return rc == RES_OK ? credential_verify_update(&t->kt, &recent, &pending, &proof, w.known, w.n,
                                                   &c->position)
                        : rc;
}

enum result
client_verify(struct testdir *t, struct client *c, struct span answer)
{
    static enum result (*const verify[])(struct testdir *, struct client *, struct reader *) = {
        [CLIENT_SEARCH] = verify_search,         [CLIENT_ABSENT] = verify_absent,
        [CLIENT_AS_OF] = verify_as_of,           [CLIENT_CONTACT] = verify_contact,
        [CLIENT_OWNER_INIT] = verify_owner_init, [CLIENT_OWNER_MONITOR] = verify_owner_monitor,
        [CLIENT_UPDATE] = verify_update,         [CLIENT_HEADS] = verify_heads,
        [CLIENT_CREDENTIAL] = verify_credential,
    };
    struct reader r = reader_of(answer);

    w.n = 0;
    return verify[c->ask](t, c, &r);
}
