#include "merkle/keytrans/consume.h"

#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

/* A question of every kind to a log of 30 entries, all of them distinguished or few. */
static struct asked
question(enum asked_kind kind, const struct memlabel *l)
{
    struct asked a = {.kind = kind, .version = (uint32_t)l->n - 1, .count = 1};

    if (kind == ASK_FIXED)
        a.version /= 2;
    if (kind == ASK_AS_OF)
        a.as_of = (struct as_of){true, (uint32_t)l->n - 1, l->inserted[l->n - 1], false, 0};
    a.time = UINT64_MAX;
    if (kind == ASK_CONTACT || kind == ASK_OWNER_MONITOR)
        a.map = (struct contact_map){{{l->inserted[l->n / 2], (uint32_t)l->n / 2}}, 1};
    if (kind == ASK_OWNER_MONITOR || kind == ASK_UPDATE)
        a.owner = (struct owner_state){.at_start = -1, .upcoming = l->inserted, .upcoming_n = l->n};
    if (kind == ASK_UPDATE) {
        a.owner.upcoming_n--;
        a.position = l->inserted[l->n - 1];
    }
    return a;
}

/* No byte of the proof can be changed without anybody's noticing: it is refused, or leads to a root
 * that nobody signed. */
static void
flip(struct rng *r, const struct asked_of *of, enum asked_kind kind)
{
    struct buf bytes = BUF_INIT(1u << 20);
    struct asked a = {.kind = kind}, b;
    struct hash root, expected;
    struct kt_view view;

    if (of->label->n > 0)
        a = question(kind, of->label);
    b = a;
    if (asked_prove(of, &a, &bytes) != RES_OK)
        return;
    b.greatest_n = a.greatest_n;
    memcpy(b.greatest, a.greatest, sizeof(a.greatest));
    logtree_root(&of->tree->peaks[of->size - 1], &expected);
    for (size_t i = 0; i < bytes.n; i++) {
        struct asked c = b;
        uint8_t bit = (uint8_t)(1u << rng_next(r) % 8);

        bytes.p[i] ^= bit;
        if (asked_check(of, &c, buf_span(&bytes), &root, &view) == RES_OK &&
            hash_equal(&root, &expected))
            fail_msg("kind %d: byte %zu of %zu can be changed", (int)kind, i, bytes.n);
        bytes.p[i] ^= bit;
    }
    buf_release(&bytes);
}

static void
no_byte_can_be_changed(void **state)
{
    struct rng r = rng_start("no_byte_can_be_changed");

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct memtree tree;
        struct memlabel labels[2], nobody = {.name = 9};
        struct asked_of of = {
            .tree = &tree, .label = &labels[0], .size = 30, .window = &asked_windows[1 + round]};

        asked_log(&r, &tree, labels, 30, 4, false);
        of.last = round == 0 ? 0 : 1 + rng_next(&r) % 29;
        for (unsigned kind = 0; labels[0].n > 1 && kind < ASK_KINDS; kind++) {
            of.label = kind == ASK_ABSENT ? &nobody : &labels[0];
            flip(&r, &of, (enum asked_kind)kind);
        }
        asked_drop(&tree, labels);
    }
}

/* What a verifier was not told, it does not guess. */
static void
unknown_versions_are_not_looked_up(void **state)
{
    static struct transcript t;
    static struct consumer c;
    struct rng r = rng_start("unknown_versions_are_not_looked_up");
    struct memtree tree;
    struct memlabel labels[2];
    struct asked_of of = {.tree = &tree, .label = &labels[0], .size = 20, .window = asked_windows};
    struct asked a = {.kind = ASK_GREATEST};
    struct buf bytes = BUF_INIT(1u << 20);
    struct consume_version versions[ASKED_VERSIONS];
    struct combined_proof proof;
    uint64_t terminal;

    (void)state;
    asked_log(&r, &tree, labels, 20, 1, true);
    a.version = (uint32_t)labels[0].n - 1;
    assert_int_equal(asked_prove(&of, &a, &bytes), RES_OK);
    memlabel_versions(&labels[0], ASKED_VERSIONS, versions);
    for (unsigned what = 0; what < 2; what++) {
        struct reader in = reader_of(buf_span(&bytes));
        struct transcript_source source;

        versions[0].has_commitment = what == 1;
        combined_proof_get(&in, &proof);
        consume_init(&c, &proof, versions + what, ASKED_VERSIONS - what);
        source = consume_source(&c);
        assert_int_equal(transcript_init(&t, 20, of.window, NULL, &source), RES_OK);
        assert_int_equal(view_update(&t), RES_OK);
        assert_int_equal(search_greatest(&t, a.version, &terminal), RES_KT_UNKNOWN);
    }
    buf_release(&bytes);
    asked_drop(&tree, labels);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(unknown_versions_are_not_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
