/* client/directory/proved over the answers of a real directory: what holds is believed, and of the
 * bytes of an answer none can be another. */
#include "client/directory/proved.h"

#include <stdlib.h>

#include "tests/unit/directory/client.h"
#include "tests/vectors/check.h"

#define ANSWER_MAX (1u << 20)

static const struct kt_optional none;
static struct vrf_public vrf;

/* What came of an answer, whatever was asked. */
struct outcome {
    enum result rc;
    struct proved_head head;
    struct proved_search search;
    struct proved_as_of as_of;
    struct proved_heads heads;
};

static struct outcome
believe(const struct testdir *t, const struct client *c, struct span answer, uint64_t now)
{
    static struct kt_view view;
    struct outcome o = {.rc = RES_OK};
    struct proved_by by = {.config = &t->kt, .vrf = &vrf, .now = now};
    struct span name = testdir_name(t, c->label);

    if (c->last.has) {
        testdir_view(t, c->last.value, &view);
        by.last = &view;
    }
    switch ((int)c->ask) {
    case CLIENT_SEARCH:
        o.rc = proved_search(&by, name, c->version, answer, &o.search);
        o.head = o.search.head;
        break;
    case CLIENT_ABSENT:
        o.rc = proved_absence(&by, name, answer, &o.head);
        break;
    case CLIENT_AS_OF:
        o.rc = proved_as_of(&by, name, c->time, answer, &o.as_of);
        o.head = o.as_of.head;
        break;
    case CLIENT_HEADS:
        o.rc = proved_distinguished(&by, answer, &o.heads);
        o.head = o.heads.head;
        break;
    default:
        fail();
    }
    return o;
}

static void
ask(struct testdir *t, const struct client *c, struct buf *out)
{
    struct buf request = BUF_INIT(KT_REQUEST_MAX);
    enum result rc;

    client_request(t, c, &request);
    rc = directory_answer(t->r, client_kind(c), buf_span(&request), out);
    if (rc != (c->ask == CLIENT_ABSENT ? RES_KT_NO_LABEL : RES_OK))
        fail_msg("ask %d label %u: %s", (int)c->ask, c->label, result_name(rc));
    buf_release(&request);
}

static uint64_t
newest(const struct testdir *t)
{
    return t->entries[t->n - 1].timestamp;
}

/* The value is that of the model's version. */
static void
says_version(const struct testdir *t, unsigned label, uint32_t version, struct span value)
{
    const struct testdir_version *v = &t->label[label].at[version];

    assert_true(version < t->label[label].n);
    assert_true(span_equal(value, span_of(v->value, v->value_n)));
}

static void
check(const struct testdir *t, const struct client *c, const struct outcome *o)
{
    static struct kt_view view;
    struct hash root, kept;

    if (o->rc != RES_OK)
        fail_msg("ask %d label %u last %d/%u: %s", (int)c->ask, c->label, c->last.has,
                 (unsigned)c->last.value, result_name(o->rc));
    testdir_view(t, t->n, &view);
    logtree_root(&view.peaks, &root);
    logtree_root(&o->head.view.peaks, &kept);
    assert_int_equal(o->head.size, t->n);
    assert_int_equal(o->head.timestamp, newest(t));
    assert_memory_equal(o->head.root.b, root.b, HASH_SIZE);
    assert_memory_equal(kept.b, root.b, HASH_SIZE);
    assert_int_equal(o->head.view.n, view.n);
    assert_int_equal(o->head.is_signed, !(c->last.has && c->last.value == t->n));
    if (c->ask == CLIENT_SEARCH) {
        assert_int_equal(o->search.version,
                         c->version.has ? c->version.value : t->label[c->label].n - 1);
        says_version(t, c->label, o->search.version, o->search.value);
    }
    if (c->ask == CLIENT_AS_OF && o->as_of.claim.has_version) {
        says_version(t, c->label, o->as_of.claim.version, o->as_of.value);
        assert_true(o->as_of.begins <= c->time);
        assert_true(!o->as_of.claim.followed || c->time < o->as_of.ends);
    }
}

static bool
has_answer(const struct testdir *t, const struct client *c)
{
    bool there = t->label[c->label].n > 0;

    return c->ask == CLIENT_ABSENT ? !there : c->ask == CLIENT_HEADS || there;
}

/* A question of each kind, from a client of that tree. */
static struct client
question(const struct testdir *t, struct rng *r, enum client_ask kind, uint64_t last)
{
    struct client c = {.ask = kind, .last = {last > 0, last}};

    c.label = kind == CLIENT_ABSENT ? TESTDIR_STRANGER : (unsigned)(rng_next(r) % TESTDIR_LABELS);
    c.time = t->entries[rng_next(r) % t->n].timestamp;
    if (kind == CLIENT_SEARCH && t->label[c.label].n > 0 && rng_next(r) % 2)
        c.version = (struct kt_optional){true, rng_next(r) % t->label[c.label].n};
    return c;
}

static const enum client_ask kinds[] = {CLIENT_SEARCH, CLIENT_ABSENT, CLIENT_AS_OF, CLIENT_HEADS};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
open_random(struct testdir *t, struct rng *r, uint64_t monitoring, size_t n)
{
    testdir_init(t, &(struct kt_window){.monitoring = monitoring});
    testdir_random(t, r, n);
    testdir_open(t);
    assert_int_equal(vrf_public_parse(t->kt.vrf_key, &vrf), RES_OK);
}

static void
what_holds_is_believed(void **state)
{
    static const uint64_t monitoring[] = {1, 50, 100000};
    struct rng r = rng_start("proved: believed");
    struct testdir t;

    (void)state;
    for (size_t w = 0; w < sizeof(monitoring) / sizeof(monitoring[0]); w++) {
        open_random(&t, &r, monitoring[w], 2 + rng_next(&r) % 60);
        for (uint64_t last = 0; last <= t.n; last++) {
            for (size_t k = 0; k < KINDS; k++) {
                struct client c = question(&t, &r, kinds[k], last);
                struct buf out = BUF_INIT(ANSWER_MAX);
                struct outcome o;

                if (!has_answer(&t, &c))
                    continue;
                ask(&t, &c, &out);
                o = believe(&t, &c, buf_span(&out), newest(&t));
                check(&t, &c, &o);
                buf_release(&out);
            }
        }
        testdir_release(&t);
    }
}

static bool
same_steps(const struct consume_version *a, size_t a_n, const struct consume_version *b, size_t b_n)
{
    bool same = a_n == b_n;

    for (size_t i = 0; same && i < a_n; i++)
        same = a[i].version == b[i].version && hash_equal(&a[i].key, &b[i].key) &&
               a[i].has_commitment == b[i].has_commitment &&
               (!a[i].has_commitment || hash_equal(&a[i].commitment, &b[i].commitment));
    return same;
}

/* Nothing that is told or kept is another. */
static bool
says_the_same(const struct outcome *a, const struct outcome *b)
{
    const struct proved_search *s = &a->search, *q = &b->search;
    const struct proved_as_of *x = &a->as_of, *y = &b->as_of;
    const struct as_of *m = &x->claim, *n = &y->claim;

    return a->head.size == b->head.size && a->head.timestamp == b->head.timestamp &&
           hash_equal(&a->head.root, &b->head.root) &&
           memcmp(a->head.signature, b->head.signature, 64) == 0 &&
           span_equal(s->value, q->value) && s->version == q->version &&
           s->terminal == q->terminal && s->must_monitor == q->must_monitor &&
           same_steps(s->steps, s->steps_n, q->steps, q->steps_n) &&
           span_equal(x->value, y->value) && x->begins == y->begins && x->ends == y->ends &&
           m->has_version == n->has_version && m->version == n->version && m->first == n->first &&
           m->followed == n->followed && m->next == n->next && x->must_monitor == y->must_monitor &&
           same_steps(x->steps, x->steps_n, y->steps, y->steps_n);
}

/* Bytes of an answer, each changed twice: refused, or nothing that is told or kept is another.  The
 * latter are commitments, in an as-of answer or a search for one version, of greater versions of
 * its ladder that exist by now, but in no entry where the walk looks.  Each CARTULARY_EVERY-th byte
 * is changed, from a random one on; 1: all (minutes). */
static void
no_byte_can_be_another(void **state)
{
    struct rng r = rng_start("proved: changed");
    struct testdir t;
    const char *every = getenv("CARTULARY_EVERY");
    size_t step = every ? (size_t)strtoul(every, NULL, 10) : 23;
    unsigned changed = 0, unseen = 0;

    (void)state;
    assert_true(step > 0);
    open_random(&t, &r, 50, 40);
    for (size_t k = 0; k <= KINDS; k++) { /* the last: a search for version 3 */
        struct client c = question(&t, &r, kinds[k % KINDS], 0);
        struct buf out = BUF_INIT(ANSWER_MAX);

        c.label = c.ask == CLIENT_ABSENT ? TESTDIR_STRANGER : 0;
        c.version = (struct kt_optional){k == KINDS, 3};
        ask(&t, &c, &out);
        struct outcome first = believe(&t, &c, buf_span(&out), newest(&t));
        assert_int_equal(first.rc, RES_OK);
        for (size_t at = rng_next(&r) % step; at < out.n; at += step) {
            uint8_t bits[2] = {(uint8_t)(1u << rng_next(&r) % 8),
                               (uint8_t)(1 + rng_next(&r) % 255)};

            for (unsigned i = 0; i < 2; i++) {
                out.p[at] ^= bits[i];
                struct outcome o = believe(&t, &c, buf_span(&out), newest(&t));
                bool may = c.ask == CLIENT_AS_OF || c.version.has;
                unseen += o.rc == RES_OK;
                if (o.rc == RES_OK && !(may && says_the_same(&o, &first)))
                    fail_msg("ask %d: byte %zu of %zu with bits %#x", (int)c.ask, at, out.n,
                             bits[i]);
                out.p[at] ^= bits[i];
                changed++;
            }
        }
        for (size_t n = rng_next(&r) % step; n < out.n; n += step)
            assert_int_not_equal(believe(&t, &c, span_of(out.p, n), newest(&t)).rc, RES_OK);
        assert_int_equal(buf_add(&out, span_str("x")), RES_OK);
        assert_int_equal(believe(&t, &c, buf_span(&out), newest(&t)).rc, RES_TRAILING);
        buf_release(&out);
    }
    print_message("%u changed bytes, %u of them told and kept nothing else\n", changed, unseen);
    testdir_release(&t);
}

/* An answer is about its label, its version, its keys and now. */
static void
an_answer_to_another_question(void **state)
{
    struct rng r = rng_start("proved: others");
    struct testdir t;
    struct client c = {.ask = CLIENT_SEARCH}, other = c, absent = {.ask = CLIENT_ABSENT};
    struct buf out = BUF_INIT(ANSWER_MAX), nobody = BUF_INIT(ANSWER_MAX);
    struct span name;

    (void)state;
    open_random(&t, &r, 50, 40);
    name = testdir_name(&t, 0);
    ask(&t, &c, &out);
    assert_int_equal(believe(&t, &c, buf_span(&out), newest(&t)).rc, RES_OK);

    other.label = 1;
    assert_int_equal(believe(&t, &other, buf_span(&out), newest(&t)).rc, RES_VRF);
    other = c;
    other.version = (struct kt_optional){true, 0};
    assert_int_not_equal(believe(&t, &other, buf_span(&out), newest(&t)).rc, RES_OK);

    /* Who is there cannot be shown absent by the proof of somebody who is not. */
    absent.label = TESTDIR_STRANGER;
    ask(&t, &absent, &nobody);
    assert_int_equal(believe(&t, &absent, buf_span(&nobody), newest(&t)).rc, RES_OK);
    absent.label = 0;
    assert_int_equal(believe(&t, &absent, buf_span(&nobody), newest(&t)).rc, RES_VRF);

    /* Times: as far as the Configuration goes, and a millisecond more. */
    uint64_t at = newest(&t);
    assert_int_equal(believe(&t, &c, buf_span(&out), at + t.kt.max_behind).rc, RES_OK);
    assert_int_equal(believe(&t, &c, buf_span(&out), at + t.kt.max_behind + 1).rc, RES_KT_BEHIND);
    if (at > t.kt.max_ahead) {
        assert_int_equal(believe(&t, &c, buf_span(&out), at - t.kt.max_ahead).rc, RES_OK);
        assert_int_equal(believe(&t, &c, buf_span(&out), at - t.kt.max_ahead - 1).rc, RES_KT_AHEAD);
    }

    /* Another directory's keys. */
    struct kt_config config = t.kt;
    struct proved_by by = {.config = &config, .vrf = &vrf, .now = at};
    struct proved_search s;
    memcpy(config.signature_key, t.kt.vrf_key, KT_KEY_SIZE);
    assert_int_equal(proved_search(&by, name, none, buf_span(&out), &s), RES_SIGNATURE);

    buf_release(&out);
    buf_release(&nobody);
    testdir_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_is_believed),
        cmocka_unit_test(no_byte_can_be_another),
        cmocka_unit_test(an_answer_to_another_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
