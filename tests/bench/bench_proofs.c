/*
 * bench_proofs FOLDER SEED: bytes of the answers of the key directory that bench_fill has made,
 * with an empty value, and what a client takes to verify them.
 *
 * Sizes are means over labels, each asked for in another tree: how long an answer is hangs on the
 * binary digits of the tree's size.  The directory has half of FILLED_LAST entries more than a
 * power of two, so that the trees lie around it, half below, whose digits are all ones first, and
 * half above; each label has its own stretch of them and takes a random one of it.  Other seeds
 * take other trees.
 */
#include <string.h>

#include "client/directory/proved.h"
#include "log/directory/reader_private.h"
#include "merkle/keytrans/credential.h"
#include "tests/bench/bench.h"
#include "tests/bench/filled.h"

#define OUT_MAX (8u << 20)
/* Answers that are verified round and round. */
#define ANSWERS 256

static struct filled f;
static struct buf out = {.max = OUT_MAX}, encoded = {.max = OUT_MAX};
static uint64_t seed;

static const struct kt_optional none = {false, 0};

/* The tree for label i of a group, in which all of them are whole. */
static uint64_t
tree_for(uint64_t i)
{
    uint64_t stretch = FILLED_LAST / f.group;

    return f.entries - (f.entries >= FILLED_LONG ? i * stretch + filled_random(&seed, stretch) : 0);
}

/* The tree whose size is a power of two: its last entry is the root of all searches. */
static uint64_t
power_tree(void)
{
    return f.entries - (f.entries >= FILLED_LONG ? FILLED_LAST / 2 : 0);
}

/* ---- sizes ---- */

static size_t
size_of(uint64_t number, struct kt_optional last, struct kt_optional version)
{
    BENCH_NEED(filled_search(&f, number, last, version, &out) == RES_OK);
    return out.n - f.reader->value.n;
}

/* RETURNING: the user knows any earlier tree; SOON: one of the day before. */
enum asked { FIRST, RETURNING, SOON, ONE_VERSION };

#define DAY 86400

static double
mean_size(unsigned group, enum asked asked, bool power)
{
    double sum = 0;

    for (uint64_t i = 0; i < f.group; i++) {
        struct kt_optional last = none, version = none;

        filled_go_to(&f, power ? power_tree() : tree_for(i));
        if (asked == RETURNING)
            last = (struct kt_optional){true, 1 + filled_random(&seed, f.size)};
        if (asked == SOON)
            last = (struct kt_optional){true,
                                        f.size - filled_random(&seed, f.size < DAY ? f.size : DAY)};
        if (asked == ONE_VERSION)
            version = (struct kt_optional){true, filled_random(&seed, filled_greatest(group) + 1)};
        sum += (double)size_of(group * f.group + i, last, version);
    }
    return sum / (double)f.group;
}

/* A label's standard credential, its value empty; 0 when the version is younger than the newest
 * distinguished entry. */
static size_t
credential_size(uint64_t number, uint32_t version)
{
    struct directory_reader *r = f.reader;
    struct label l = filled_label(number);
    uint8_t opening[KT_OPENING_SIZE] = {0};
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned n = ladder_base(version, steps);
    struct credential c = {.label = span_of(l.b, l.n),
                           .version = version,
                           .opening = span_of(opening, sizeof opening)};
    struct writer w = writer_to(&encoded);
    struct heads heads;

    BENCH_NEED(snapshot_begin(r) == RES_OK && snapshot_label(r, c.label) == RES_OK &&
               walk_begin(r, none) == RES_OK && heads_walk(&r->t, NULL, &heads) == RES_OK &&
               heads.n > 0);
    buf_clear(&r->ladder);
    for (unsigned i = 0; i < n; i++)
        BENCH_NEED(walk_step(r, steps[i], UINT32_MAX, version) == RES_OK);
    c.ladder = (struct proof_queue){buf_span(&r->ladder), n};
    record_again(&r->record, &r->label);
    enum result rc =
        credential_standard(&r->record, &f.directory->config.window, heads.at[0], version, &c);
    BENCH_NEED(rc == RES_OK || rc == RES_KT_LADDER);
    buf_clear(&encoded);
    if (rc == RES_OK)
        credential_put(&w, &c);
    BENCH_NEED(writer_end(&w) == RES_OK);
    snapshot_end(r);
    return encoded.n;
}

static double
mean_credential(unsigned group)
{
    double sum = 0, n = 0;

    for (uint64_t i = 0; i < f.group; i++) {
        filled_go_to(&f, tree_for(i));
        size_t size = credential_size(group * f.group + i, filled_greatest(group));
        sum += (double)size;
        n += size > 0;
    }
    return n > 0 ? sum / n : 0;
}

static void
sizes(void)
{
    for (unsigned g = 0; g < 4; g++) {
        uint32_t v = filled_greatest(g);
        printf("greatest_%u_bytes %.0f\n", v, mean_size(g, FIRST, false));
        printf("greatest_%u_returning_bytes %.0f\n", v, mean_size(g, RETURNING, false));
        printf("greatest_%u_soon_bytes %.0f\n", v, mean_size(g, SOON, false));
        printf("greatest_%u_power_bytes %.0f\n", v, mean_size(g, FIRST, true));
    }
    for (unsigned i = 0; i < 3; i++) {
        unsigned g = (const unsigned[]){1, 4, 5}[i];
        printf("fixed_of_%u_bytes %.0f\n", filled_greatest(g) + 1,
               mean_size(g, ONE_VERSION, false));
    }
    for (unsigned g = 0; g < 3; g++)
        printf("credential_%u_bytes %.0f\n", filled_greatest(g), mean_credential(g));
}

/* ---- verifying ---- */

struct sample {
    struct label label;
    struct buf answer;
    uint64_t now;
    struct vrf_input alpha[LADDER_STEPS_MAX];
    uint8_t proof[LADDER_STEPS_MAX][VRF_PROOF_SIZE];
    unsigned n;
};

static struct sample samples[ANSWERS];
static struct vrf_public vrf;
static size_t at;

static void
take_sample(struct sample *s, uint64_t number)
{
    struct reader in;
    struct search_response a;
    uint32_t versions[LADDER_STEPS_MAX];

    filled_go_to(&f, tree_for(number % f.group));
    BENCH_NEED(filled_search(&f, number, none, none, &out) == RES_OK);
    *s = (struct sample){
        .label = filled_label(number), .answer = BUF_INIT(OUT_MAX), .now = f.newest_ms};
    BENCH_NEED(buf_add(&s->answer, buf_span(&out)) == RES_OK);
    in = reader_of(buf_span(&s->answer));
    search_response_get(&in, true, &a);
    BENCH_NEED(reader_end(&in) == RES_OK);
    s->n = ladder_base(a.version, versions);
    in = reader_of(a.ladder.bytes);
    for (unsigned i = 0; i < s->n; i++) {
        struct ladder_step step;
        ladder_step_get(&in, &step);
        memcpy(s->proof[i], step.proof.p, VRF_PROOF_SIZE);
        BENCH_NEED(vrf_input(span_of(s->label.b, s->label.n), versions[i], &s->alpha[i]) == RES_OK);
    }
}

static void
client(void *arg)
{
    struct sample *s = &samples[at++ % ANSWERS];
    struct proved_by by = {.config = &f.directory->config, .vrf = &vrf, .now = s->now};
    struct proved_search proved;

    (void)arg;
    BENCH_NEED(proved_search(&by, span_of(s->label.b, s->label.n), none, buf_span(&s->answer),
                             &proved) == RES_OK);
}

static void
bare(void *arg)
{
    struct sample *s = &samples[at++ % ANSWERS];
    uint8_t beta[VRF_BETA_SIZE];

    (void)arg;
    for (unsigned i = 0; i < s->n; i++)
        BENCH_NEED(vrf_verify(&vrf, vrf_input_span(&s->alpha[i]), s->proof[i], beta) == RES_OK);
}

static void
verification(void)
{
    static const unsigned groups[] = {0, 1, 2};
    char name[64];

    BENCH_NEED(vrf_public_parse(signer_vrf_public(f.signer), &vrf) == RES_OK);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < ANSWERS; k++)
            take_sample(&samples[k], groups[i] * f.group + k % f.group);
        snprintf(name, sizeof name, "verify_%u_steps", samples[0].n);
        bench(name, client, NULL, 1);
        snprintf(name, sizeof name, "bare_%u_steps", samples[0].n);
        bench(name, bare, NULL, 1);
        for (unsigned k = 0; k < ANSWERS; k++)
            buf_release(&samples[k].answer);
    }
}

int
main(int argc, char **argv)
{
    BENCH_NEED(argc == 3);
    seed = strtoull(argv[2], NULL, 10);
    filled_open(argv[1], &f);
    sizes();
    verification();
    filled_close(&f);
    buf_release(&out);
    buf_release(&encoded);
    return 0;
}
