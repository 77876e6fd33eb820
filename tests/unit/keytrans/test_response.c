#include "merkle/keytrans/response.h"

#include "tests/unit/keytrans/whole.h"
#include "tests/vectors/testdata.h"

#define search_greatest_get(r, ret) search_response_get(r, true, ret)
#define search_greatest_put(w, a) search_response_put(w, true, a)
#define search_fixed_get(r, ret) search_response_get(r, false, ret)
#define search_fixed_put(w, a) search_response_put(w, false, a)

AGAIN(greatest, search_response, search_greatest_get, search_greatest_put)
AGAIN(fixed, search_response, search_fixed_get, search_fixed_put)
AGAIN(proof, proof_response, proof_response_get, proof_response_put)
AGAIN(init, owner_init_response, owner_init_response_get, owner_init_response_put)
AGAIN(update, update_response, update_response_get, update_response_put)
AGAIN(credential, credential, credential_get, credential_put)
AGAIN(absence, absence_response, absence_response_get, absence_response_put)
AGAIN(as_of, as_of_response, as_of_response_get, as_of_response_put)

static uint8_t fill[256];

/* FullTreeHead: updated, 9 entries, a signature of 3 bytes. */
static const struct full_head head = {true, 9, {fill, 3}};

/* A proof with one of everything. */
static struct combined_proof
proof(struct buf *prefix)
{
    struct writer w = writer_to(prefix);
    struct prefix_lookup l = {.type = PREFIX_NON_INCLUSION_LEAF, .depth = 3};
    struct buf result = BUF_INIT(1024);
    struct writer rw = writer_to(&result);
    struct prefix_proof p;

    memset(fill, 0xf1, sizeof(fill));
    prefix_result_put(&rw, &l);
    l.type = PREFIX_INCLUSION;
    prefix_result_put(&rw, &l);
    p = (struct prefix_proof){{buf_span(&result), 2}, {fill, 32}};
    prefix_proof_put(&w, &p);
    buf_release(&result);
    assert_int_equal(writer_end(&w), RES_OK);
    return (struct combined_proof){
        .timestamps = {{fill, 16}, 2},
        .prefix_proofs = {buf_span(prefix), 1},
        .prefix_roots = {{fill, 32}, 1},
        .inclusion = {fill, 64},
    };
}

static struct proof_queue
ladder(struct buf *steps)
{
    struct writer w = writer_to(steps);
    struct ladder_step s = {.proof = {fill, KT_VRF_PROOF_SIZE}};

    ladder_step_put(&w, &s);
    s.has_commitment = true;
    ladder_step_put(&w, &s);
    assert_int_equal(writer_end(&w), RES_OK);
    return (struct proof_queue){buf_span(steps), 2};
}

/* Where the pieces of an answer lie, until it is written. */
struct pieces {
    struct buf prefix, steps, out;
    struct combined_proof proof;
    struct proof_queue ladder;
};

static struct pieces
pieces(void)
{
    struct pieces p = {
        BUF_INIT(4096), BUF_INIT(4096), BUF_INIT(8192), {.inclusion = {0}}, {.n = 0}};

    p.proof = proof(&p.prefix);
    p.ladder = ladder(&p.steps);
    return p;
}

static void
release(struct pieces *p)
{
    buf_release(&p->prefix);
    buf_release(&p->steps);
    buf_release(&p->out);
}

static void
searches(void **state)
{
    struct pieces p = pieces();
    struct writer w = writer_to(&p.out);
    struct search_response a = {.head = head,
                                .version = 5,
                                .opening = {fill, KT_OPENING_SIZE},
                                .value = {fill, 4},
                                .ladder = p.ladder,
                                .proof = p.proof};

    (void)state;
    search_response_put(&w, true, &a);
    whole(again_greatest, buf_span(&p.out));
    refused_at(again_greatest, buf_span(&p.out), 0, 0, RES_VALUE, "no kind of head");
    refused_at(again_greatest, buf_span(&p.out), 0, 3, RES_VALUE, "another kind of head");
    /* head 14, version 4, opening 16, value 8, count 1, proof 80 */
    refused_at(again_greatest, buf_span(&p.out), 123, 2, RES_VALUE, "a commitment's presence");
    buf_clear(&p.out);
    a.head = (struct full_head){.updated = false};
    search_response_put(&w, false, &a);
    whole(again_fixed, buf_span(&p.out));
    assert_int_equal(p.out.p[0], 1);
    release(&p);
}

static void
proofs(void **state)
{
    struct pieces p = pieces();
    struct writer w = writer_to(&p.out);
    struct proof_response a = {head, p.proof};

    (void)state;
    proof_response_put(&w, &a);
    whole(again_proof, buf_span(&p.out));
    /* head 14, timestamps 17, count 1, results 1: the first one's type */
    refused_at(again_proof, buf_span(&p.out), 33, 0, RES_VALUE, "a result of no type");
    refused_at(again_proof, buf_span(&p.out), 33, 4, RES_VALUE, "a result of another type");
    a.proof.timestamps.n = 256;
    buf_clear(&p.out);
    proof_response_put(&w, &a);
    assert_int_equal(writer_end(&w), RES_VALUE);
    release(&p);
}

static void
owners(void **state)
{
    struct pieces p = pieces();
    struct writer w = writer_to(&p.out);
    struct owner_init_response init = {head, {{fill, 12}, 3}, p.ladder, p.proof};
    struct update_response update = {.head = head,
                                     .position = 7,
                                     .values = {span_of("\0\0\0\1x\0\0\0\0", 9), 2},
                                     .info = {{fill, 32}, 2},
                                     .ladder = p.ladder,
                                     .proof = p.proof};

    (void)state;
    owner_init_response_put(&w, &init);
    whole(again_init, buf_span(&p.out));
    buf_clear(&p.out);
    update_response_put(&w, &update);
    whole(again_update, buf_span(&p.out));
    update.ladder.n = 256;
    update_response_put(&w, &update);
    assert_int_equal(writer_end(&w), RES_VALUE);
    release(&p);
}

static void
credentials(void **state)
{
    struct pieces p = pieces();
    struct writer w = writer_to(&p.out);
    struct credential c = {.label = {fill, 3},
                           .version = 1,
                           .opening = {fill, KT_OPENING_SIZE},
                           .value = {fill, 2},
                           .ladder = p.ladder,
                           .position = 4,
                           .distinguished = {buf_span(&p.prefix), 1}};
    size_t type = 4 + 4 + 16 + 6 + 1 + p.steps.n + 8;

    (void)state;
    credential_put(&w, &c);
    whole(again_credential, buf_span(&p.out));
    refused_at(again_credential, buf_span(&p.out), type, 0, RES_VALUE, "no type");
    refused_at(again_credential, buf_span(&p.out), type, 3, RES_VALUE, "another type");
    buf_clear(&p.out);
    c.provisional = true;
    c.head = head;
    c.search = p.proof;
    credential_put(&w, &c);
    whole(again_credential, buf_span(&p.out));
    release(&p);
}

/* What the draft lacks. */
static void
absences_and_times(void **state)
{
    struct pieces p = pieces();
    struct writer w = writer_to(&p.out);
    struct absence_response absence = {head, {fill, KT_VRF_PROOF_SIZE}, p.proof};
    struct as_of_response a = {
        .head = head, .next = {true, 8}, .ladder = p.ladder, .proof = p.proof};

    (void)state;
    absence_response_put(&w, &absence);
    whole(again_absence, buf_span(&p.out));
    buf_clear(&p.out);
    as_of_response_put(&w, &a);
    whole(again_as_of, buf_span(&p.out));
    refused_at(again_as_of, buf_span(&p.out), 14, 2, RES_VALUE, "a version's presence");
    refused_at(again_as_of, buf_span(&p.out), 15, 2, RES_VALUE, "the next one's presence");
    buf_clear(&p.out);
    a.version = (struct kt_optional){true, 3};
    a.first = 2;
    a.next.has = false;
    a.opening = span_of(fill, KT_OPENING_SIZE);
    a.value = span_of(fill, 5);
    as_of_response_put(&w, &a);
    whole(again_as_of, buf_span(&p.out));
    release(&p);
}

static enum result
read_erased(struct span bytes, struct proof_queue *ret)
{
    struct reader r = reader_of(bytes);

    erased_response_get(&r, ret);
    return reader_end(&r);
}

/* FORMATS.md, "Erasure"; and versions that are none of one label's. */
static void
erased_versions(void **state)
{
    const struct erased_version first = {.version = 0, .entry = 3};
    static const struct {
        const char *says;
        unsigned n;
        struct erased_version a, b;
        enum result rc;
    } rows[] = {
        {"none", 0, {0}, {0}, RES_VALUE},
        {"one", 1, {.entry = 3}, {0}, RES_OK},
        {"two", 2, {.entry = 3}, {.version = 1, .entry = 4}, RES_OK},
        {"one version twice", 2, {.entry = 3}, {.entry = 4}, RES_VALUE},
        {"one left out", 2, {.entry = 3}, {.version = 2, .entry = 4}, RES_VALUE},
        {"two in one entry", 2, {.entry = 3}, {.version = 1, .entry = 3}, RES_VALUE},
        {"the later one earlier", 2, {.entry = 3}, {.version = 1, .entry = 2}, RES_VALUE},
    };
    struct buf out = BUF_INIT(1024);
    struct erased_version v;
    struct proof_queue q;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writer w = writer_to(&out);

        buf_clear(&out);
        put_u16(&w, rows[i].n);
        if (rows[i].n > 0)
            erased_version_put(&w, &rows[i].a);
        if (rows[i].n > 1)
            erased_version_put(&w, &rows[i].b);
        assert_int_equal(writer_end(&w), RES_OK);
        if (read_erased(buf_span(&out), &q) != rows[i].rc)
            fail_msg("%s", rows[i].says);
        for (size_t n = 0; n < out.n; n++)
            assert_int_not_equal(read_erased(span_of(out.p, n), &q), RES_OK);
    }
    buf_clear(&out);
    testdata_hex("0001"
                 "00000000"
                 "0000000000000003"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 &out);
    assert_int_equal(read_erased(buf_span(&out), &q), RES_OK);
    assert_int_equal(q.n, 1);
    struct reader r = reader_of(q.bytes);
    erased_version_get(&r, &v);
    assert_true(v.version == first.version && v.entry == first.entry);
    assert_true(v.output.b[31] == 0xaa && v.commitment.b[0] == 0xbb);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches),
        cmocka_unit_test(proofs),
        cmocka_unit_test(owners),
        cmocka_unit_test(credentials),
        cmocka_unit_test(absences_and_times),
        cmocka_unit_test(erased_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
