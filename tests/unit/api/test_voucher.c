/*
 * Credentials over a real log: made by asking it, believed by whoever knows its distinguished
 * entries, and of the bytes of a file none can say something else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/directory/landmarks.h"
#include "client/directory/maker.h"
#include "client/directory/voucher.h"
#include "client/record.h"
#include "log/files.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/api/world.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define FREELY "lookup-rate = 0\n"
#define ALICE "alice@example.org"
#define BOB "bob@example.org"

static struct world w;
static struct policy *policy;
static const struct policy_log *the_log;
static struct buf answer = {.max = 1 << 24};
static struct memory memory; /* what alice and bob both know of the directory */

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
begin(void)
{
    char path[96], detail[POLICY_DETAIL_MAX];
    struct buf text = BUF_INIT(1 << 16);
    size_t line;

    world_begin(&w, &(struct world_options){.conf = FREELY});
    snprintf(path, sizeof path, "%s/policy", w.dir);
    assert_int_equal(files_read(path, &text), RES_OK);
    assert_int_equal(policy_parse(buf_span(&text), &policy, &line, detail), RES_OK);
    buf_release(&text);
    the_log = policy_log(policy, 0);
    memory_init(&memory);
}

static void
end(void)
{
    memory_release(&memory);
    policy_free(policy);
    buf_release(&answer);
    world_end(&w);
}

static struct label
label_of(const char *address)
{
    struct address a;
    struct label l;

    assert_int_equal(address_parse(span_str(address), &a), RES_OK);
    label_of_address(&a, &l);
    return l;
}

/* ---- conversations ---- */

/* The log's answer to what is asked; borrowed until the next. */
static struct answer
reply(const struct ask *ask)
{
    const char *method = ask->body.n > 0 ? "POST" : "GET";
    int status = world_ask(&w, method, ask->path, "", ask->body, &answer);

    return (struct answer){.status = (unsigned)status, .body = world_body(&answer)};
}

static void
learn(void)
{
    const struct landmarks_config c = {.log = the_log, .memory = &memory};
    struct landmarks *l;
    struct ask ask;

    assert_int_equal(landmarks_new(&c, &l), RES_OK);
    for (landmarks_ask(l, &ask); ask.kind != ASK_DONE; landmarks_ask(l, &ask)) {
        struct answer a = reply(&ask);
        landmarks_answer(l, &a, now());
    }
    assert_int_equal(landmarks_verdict(l)->kind, VERDICT_YES);
    assert_true(memory.recent_n > 0);
    landmarks_free(l);
}

/* Runs a maker for alice to its end; change(), when there is one, may put another answer in. */
static struct maker *
make(void (*change)(const struct ask *ask, struct answer *a))
{
    const struct maker_config c = {
        .log = the_log, .policy = policy, .memory = &memory, .label = label_of(ALICE)};
    struct maker *m;
    struct ask ask;

    assert_int_equal(maker_new(&c, &m), RES_OK);
    for (maker_ask(m, &ask); ask.kind != ASK_DONE; maker_ask(m, &ask)) {
        struct answer a = {.transport = RES_OK};

        if (ask.kind == ASK_FETCH)
            a = reply(&ask);
        if (change != NULL)
            change(&ask, &a);
        maker_answer(m, &a, now());
    }
    return m;
}

/* alice's credential as things are; *ret owned. */
static void
make_file(struct buf *ret)
{
    struct maker *m = make(NULL);

    if (maker_verdict(m)->kind != VERDICT_YES)
        fail_msg("%s", maker_verdict(m)->detail);
    buf_init(ret, VOUCHER_FILE_MAX);
    assert_int_equal(buf_add(ret, maker_file(m)), RES_OK);
    maker_free(m);
}

/* Epochs with a certificate of bob's each, until that many entries are there. */
static void
grow(uint64_t size)
{
    for (learn(); memory.view.peaks.size < size; learn()) {
        world_certify(&w, BOB);
        world_covered(&w);
    }
}

static void
certify_alice(void)
{
    world_certify(&w, ALICE);
    world_covered(&w);
}

/* ---- what a file says ---- */

struct believed {
    enum result rc;
    struct voucher v;
    struct voucher_said said;
};

static struct believed *
believe(struct span file)
{
    const struct credential_recent recent = {memory.recent, memory.recent_n};
    struct believed *b = calloc(1, sizeof *b);
    const char *what = "";

    assert_non_null(b);
    b->rc = voucher_parse(file, policy, &b->v);
    if (b->rc != RES_OK)
        return b;
    b->rc = voucher_verify(&b->v, policy, &recent, &b->said, &what);
    if (b->rc != RES_OK)
        voucher_release(&b->v);
    return b;
}

static void
forget(struct believed *b)
{
    if (b->rc == RES_OK) {
        found_release(&b->said.found);
        voucher_release(&b->v);
    }
    free(b);
}

static void
expect(const char *says, struct span file, enum result rc)
{
    struct believed *b = believe(file);

    if (b->rc != rc)
        fail_msg("%s: %s", says, result_name(b->rc));
    forget(b);
}

static void
expect_alice(const char *says, struct span file, bool provisional, size_t records)
{
    struct believed *b = believe(file);

    if (b->rc != RES_OK)
        fail_msg("%s: %s", says, result_name(b->rc));
    if (b->v.c.provisional != provisional || b->said.found.records_n != records)
        fail_msg("%s: provisional %d, %zu records", says, b->v.c.provisional,
                 b->said.found.records_n);
    assert_int_equal(b->v.c.version, records - 1);
    assert_true(b->said.found.present);
    forget(b);
}

/* ---- what holds ---- */

/* alice's newest version in the last entry, which is distinguished; in one before it; in none. */
static void
made_and_believed(void **state)
{
    struct buf at, before, after;

    (void)state;
    begin();
    grow(3);
    certify_alice();
    learn();
    assert_int_equal(memory.view.peaks.size, 4);
    make_file(&at);
    expect_alice("in the newest entry", buf_span(&at), false, 1);
    grow(6);
    make_file(&before);
    expect_alice("in one before it, with proofs of then", buf_span(&before), false, 1);
    certify_alice();
    learn();
    make_file(&after);
    expect_alice("in none", buf_span(&after), true, 2);
    grow(9);
    expect_alice("when more is known", buf_span(&before), false, 1);
    expect_alice("when more is known", buf_span(&after), true, 2);
    buf_release(&after);
    make_file(&after);
    expect_alice("in one that is distinguished now", buf_span(&after), false, 2);
    memory.recent_n = 2; /* 7 and 3 */
    expect_alice("among those that are known", buf_span(&before), false, 1);
    memory.recent_n = 1;
    expect("not among them", buf_span(&before), RES_KT_NOT_RECENT);
    buf_release(&at);
    buf_release(&before);
    buf_release(&after);
    end();
}

/* ---- what does not ---- */

static bool
same_record(const struct found_record *a, const struct found_record *b)
{
    bool same = span_equal(buf_span(&a->der), buf_span(&b->der)) && a->chain_n == b->chain_n &&
                hash_equal(&a->m.key_id, &b->m.key_id);

    for (size_t i = 0; same && i < a->chain_n; i++)
        same = span_equal(a->chain[i], b->chain[i]);
    return same;
}

/* Nothing that is told, or kept to be confirmed, is another. */
static bool
says_the_same(const struct believed *a, const struct believed *b)
{
    const struct found *f = &a->said.found, *g = &b->said.found;
    const struct voucher_proof *p = &a->said.proof, *q = &b->said.proof;
    bool same = span_equal(a->v.c.label, b->v.c.label) && a->v.c.version == b->v.c.version &&
                span_equal(a->v.c.value, b->v.c.value) && a->v.c.position == b->v.c.position &&
                a->v.c.provisional == b->v.c.provisional && f->records_n == g->records_n &&
                f->head.size == g->head.size && f->head.timestamp == g->head.timestamp &&
                hash_equal(&f->head.root, &g->head.root) &&
                f->search.terminal == g->search.terminal && p->steps_n == q->steps_n;

    for (size_t i = 0; same && i < p->steps_n; i++)
        same = hash_equal(&p->steps[i].key, &q->steps[i].key) &&
               p->steps[i].has_commitment == q->steps[i].has_commitment &&
               (!p->steps[i].has_commitment ||
                hash_equal(&p->steps[i].commitment, &q->steps[i].commitment));
    for (size_t i = 0; same && i < f->records_n; i++)
        same = same_record(&f->records[i], &g->records[i]);
    return same;
}

static size_t changed, unseen;

/* Changes bytes of part, which is the credential or what stands beside it, one at a time. */
static void
change_each(const struct believed *first, struct rng *r, bool beside, size_t step)
{
    struct buf part[2] = {BUF_INIT(1 << 24), BUF_INIT(1 << 24)}, file = BUF_INIT(VOUCHER_FILE_MAX);

    assert_int_equal(buf_add(&part[0], buf_span(&first->v.bytes)), RES_OK);
    assert_int_equal(buf_add(&part[1], buf_span(&first->v.beside)), RES_OK);
    for (size_t at = rng_next(r) % step; at < part[beside].n; at += step) {
        uint8_t bit = (uint8_t)(1u << rng_next(r) % 8);

        part[beside].p[at] ^= bit;
        buf_clear(&file);
        assert_int_equal(voucher_write(the_log, buf_span(&part[0]), buf_span(&part[1]), &file),
                         RES_OK);
        struct believed *b = believe(buf_span(&file));
        if (b->rc == RES_OK && !says_the_same(b, first))
            fail_msg("byte %zu of %s with bit %#x", at, beside ? "beside" : "the credential", bit);
        if (b->rc == RES_OK && !beside)
            fail_msg("byte %zu of the credential with bit %#x is not seen", at, bit);
        unseen += b->rc == RES_OK;
        changed++;
        forget(b);
        part[beside].p[at] ^= bit;
    }
    buf_release(&part[0]);
    buf_release(&part[1]);
    buf_release(&file);
}

/* A byte of a credential, whichever, makes it false, and so does nearly every one beside it: two
 * spellings of one JSON string (a digit of \u000a in either case) are all that may pass, telling
 * the same.  Each CARTULARY_EVERY-th byte is changed, from a random one on; 1: all. */
static void
no_byte_can_be_another(void **state)
{
    const char *every = getenv("CARTULARY_EVERY");
    size_t step = every ? (size_t)strtoul(every, NULL, 10) : 7;
    struct rng r = rng_start("voucher: changed");
    struct buf file[2];

    (void)state;
    assert_true(step > 0);
    begin();
    certify_alice();
    grow(5);
    make_file(&file[0]);
    certify_alice();
    learn();
    make_file(&file[1]);
    for (int i = 0; i < 2; i++) {
        struct believed *first = believe(buf_span(&file[i]));

        assert_int_equal(first->rc, RES_OK);
        assert_int_equal(first->v.c.provisional, i);
        for (int beside = 0; beside < 2; beside++)
            change_each(first, &r, beside, step);
        forget(first);
        buf_release(&file[i]);
    }
    print_message("%zu changed bytes, %zu of them told nothing else\n", changed, unseen);
    end();
}

/* The file's own lines. */
static void
other_files(void **state)
{
    static const struct {
        const char *says, *from, *to;
        enum result rc;
    } rows[] = {
        {"another kind", "cartulary credential 1", "cartulary directory 1", RES_VALUE},
        {"another log", "log log.example", "log lag.example", RES_KEY_UNKNOWN},
        {"no credential", "\ncredential ", "\ncredentials ", RES_ABSENT},
        {"nothing beside it", "\nbeside ", "\nbeneath ", RES_ABSENT},
    };
    struct buf file, twin = BUF_INIT(VOUCHER_FILE_MAX);

    (void)state;
    begin();
    certify_alice();
    grow(2);
    make_file(&file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span body = span_of(file.p, file.n - strlen("sha256 \n") - 64);
        uint8_t *at = memmem(body.p, body.n, rows[i].from, strlen(rows[i].from));
        size_t head;

        assert_non_null(at);
        head = (size_t)(at - body.p);
        buf_clear(&twin);
        assert_int_equal(buf_add(&twin, span_of(body.p, head)), RES_OK);
        assert_int_equal(buf_add(&twin, span_str(rows[i].to)), RES_OK);
        assert_int_equal(buf_add(&twin, span_of(at + strlen(rows[i].from),
                                                body.n - head - strlen(rows[i].from))),
                         RES_OK);
        struct believed *b = believe(buf_span(&twin));
        assert_int_not_equal(b->rc, RES_OK); /* without a digest */
        forget(b);
        assert_int_equal(record_write_digest(&twin), RES_OK);
        expect(rows[i].says, buf_span(&twin), rows[i].rc);
    }
    expect("nothing", span_str(""), RES_VALUE);
    expect("the half of it", span_of(file.p, file.n / 2), RES_ENCODING);
    buf_release(&file);
    buf_release(&twin);
    end();
}

/* Without memory nothing is told, and nothing lost. */
static void
memory_runs_out(void **state)
{
    struct credential_recent known = {.views = memory.recent};
    struct buf file;

    (void)state;
    begin();
    certify_alice();
    grow(2);
    make_file(&file);
    known.n = memory.recent_n;
    for (size_t i = 0, n = 1; i <= n; i++) {
        struct voucher_said said;
        struct voucher v;
        const char *what;

        failalloc_at(i);
        enum result rc = voucher_parse(buf_span(&file), policy, &v);
        if (rc == RES_OK) {
            rc = voucher_verify(&v, policy, &known, &said, &what);
            if (rc == RES_OK)
                found_release(&said.found);
            voucher_release(&v);
        }
        n = i == 0 ? failalloc_count() : n;
        failalloc_at(0);
        if (rc != (i == 0 ? RES_OK : RES_MEMORY))
            fail_msg("allocation %zu of %zu: %s", i, n, result_name(rc));
    }
    buf_release(&file);
    end();
}

/* ---- making ---- */

static const char *path;      /* of the question whose answer is another */
static struct answer instead; /* that one; or */
static size_t spoil;          /* every such byte of the answer is changed; or */
static struct buf kept[2];    /* these, in turn */
static unsigned turn;

static void
put_in(const struct ask *ask, struct answer *a)
{
    if (ask->kind != ASK_FETCH || strncmp(ask->path, path, strlen(path)) != 0)
        return;
    if (kept[turn % 2].n > 0) {
        a->status = 200;
        a->body = buf_span(&kept[turn > 0]);
        turn++;
    } else if (spoil > 0) {
        uint8_t *body = answer.p + (a->body.p - answer.p);
        body[spoil % a->body.n] ^= 1;
    } else {
        *a = instead;
    }
}

static void
expect_end(const char *says, enum verdict_kind kind)
{
    struct maker *m = make(put_in);

    if (maker_verdict(m)->kind != kind)
        fail_msg("%s: %d: %s", says, (int)maker_verdict(m)->kind, maker_verdict(m)->detail);
    assert_int_equal(maker_file(m).n, 0);
    maker_free(m);
}

static void
a_maker_believes_nothing(void **state)
{
    static const char *const paths[] = {"/kt/v1/distinguished", "/v1/lookup", "/feed/anchor",
                                        "/ct/v1/get-proof-by-hash"};

    (void)state;
    begin();
    certify_alice();
    grow(6);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        path = paths[i];
        instead = (struct answer){.status = 404};
        expect_end(path, VERDICT_REFUSED);
        instead = (struct answer){.status = 200, .body = span_str("{}")};
        expect_end(path, VERDICT_REFUSED);
        instead = (struct answer){.status = 403};
        expect_end(path, VERDICT_LATER);
        instead = (struct answer){.transport = RES_UNREACHABLE};
        expect_end(path, VERDICT_LATER);
    }
    path = "/kt/v1/distinguished";
    for (spoil = 10; spoil < 60; spoil += 10)
        expect_end("a byte of the distinguished entries", VERDICT_REFUSED);
    spoil = 0;
    end();
}

/* Everything is compared with the tree that was seen before: as long as that grows from question to
 * question, nothing is made. */
static void
the_directory_grows(void **state)
{
    (void)state;
    begin();
    certify_alice();
    for (unsigned i = 0; i < 2; i++) { /* to somebody who knows nothing, and who knows that tree */
        struct buf request = BUF_INIT(KT_REQUEST_MAX);

        assert_int_equal(landmarks_write(&memory, &request), RES_OK);
        assert_int_equal(world_ask(&w, "POST", LANDMARKS_PATH, "", buf_span(&request), &answer),
                         200);
        buf_init(&kept[i], 1 << 20);
        assert_int_equal(buf_add(&kept[i], world_body(&answer)), RES_OK);
        assert_int_equal(landmarks_take(&memory, the_log, buf_span(&kept[i]), now()), RES_OK);
        buf_release(&request);
    }
    memory_release(&memory);
    certify_alice();
    path = LANDMARKS_PATH;
    expect_end("it has always grown", VERDICT_LATER);
    assert_int_equal(turn, MAKER_ROUNDS_MAX);
    buf_release(&kept[0]);
    buf_release(&kept[1]);
    end();
}

/* What the log answered, in turn. */
static struct buf replies[8];
static unsigned replies_n, replied;

static void
record_it(const struct ask *ask, struct answer *a)
{
    if (ask->kind != ASK_FETCH)
        return;
    assert_true(replies_n < sizeof replies / sizeof *replies);
    buf_init(&replies[replies_n], 1 << 24);
    assert_int_equal(buf_add(&replies[replies_n++], a->body), RES_OK);
}

/* Makes the same once more out of what was recorded, for who knows m. */
static enum result
make_again(struct memory *m, uint64_t when)
{
    const struct maker_config c = {
        .log = the_log, .policy = policy, .memory = m, .label = label_of(ALICE)};
    enum result rc = RES_MEMORY;
    struct maker *again;
    struct ask ask;

    replied = 0;
    if (maker_new(&c, &again) != RES_OK)
        return rc;
    for (maker_ask(again, &ask); ask.kind == ASK_FETCH; maker_ask(again, &ask)) {
        const struct answer a = {.status = 200, .body = buf_span(&replies[replied++])};

        maker_answer(again, &a, when);
    }
    rc = maker_verdict(again)->why;
    if (rc != RES_OK)
        assert_int_equal(maker_verdict(again)->kind, VERDICT_FAULT);
    maker_free(again);
    return rc;
}

static void
made_without_memory(void **state)
{
    struct memory before, once;
    struct maker *m;
    uint64_t when;

    (void)state;
    begin();
    certify_alice();
    grow(6);
    before = memory;
    m = make(record_it);
    when = now();
    assert_int_equal(maker_verdict(m)->kind, VERDICT_YES);
    assert_int_equal(replies_n, 4);
    maker_free(m);
    for (size_t i = 0, n = 1; i <= n; i++) {
        once = before;
        failalloc_at(i);
        enum result rc = make_again(&once, when);
        n = i == 0 ? failalloc_count() : n;
        failalloc_at(0);
        if (rc != (i == 0 ? RES_OK : RES_MEMORY))
            fail_msg("allocation %zu of %zu: %s", i, n, result_name(rc));
    }
    for (unsigned i = 0; i < replies_n; i++)
        buf_release(&replies[i]);
    end();
}

static void
nobody_to_vouch_for(void **state)
{
    struct maker *m;

    (void)state;
    begin();
    grow(2);
    m = make(NULL);
    assert_int_equal(maker_verdict(m)->kind, VERDICT_INPUT);
    assert_int_equal(maker_verdict(m)->why, RES_KT_NO_LABEL);
    maker_free(m);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_and_believed),
        cmocka_unit_test(no_byte_can_be_another),
        cmocka_unit_test(other_files),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(a_maker_believes_nothing),
        cmocka_unit_test(the_directory_grows),
        cmocka_unit_test(nobody_to_vouch_for),
        cmocka_unit_test(made_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
