/*
 * bench_directory FOLDER: what an answer of the key directory that bench_fill has made
 * takes of the thread that makes it.  Labels and the trees that users say they know are random;
 * nothing of an answer is kept for the next.
 */
#include "tests/bench/bench.h"
#include "tests/bench/filled.h"

#define OUT_MAX (8u << 20)
/* Look-ups before anything is measured: a server has long mapped what it reads. */
#define WARM 200000
/* Trees that are answered in, one after the other: what a search looks into depends on the size.
 * In each so many answers are made, as in the second that a head is the newest. */
#define TREES 256
#define ANSWERS 1000

static struct filled f;
static struct buf out = {.max = OUT_MAX};
static struct directory_head trees[TREES];
static uint64_t seed = 1, labels;

/* The tree to answer in, and any that the user knows. */
static struct kt_optional
any_last(void)
{
    static unsigned n;

    f.directory->head = trees[n++ / ANSWERS % TREES];
    return (struct kt_optional){true, 1 + filled_random(&seed, f.directory->head.size)};
}

static struct kt_optional
no_last(void)
{
    (void)any_last();
    return (struct kt_optional){false, 0};
}

static void
ask(uint64_t number, struct kt_optional last)
{
    BENCH_NEED(filled_search(&f, number, last, (struct kt_optional){false, 0}, &out) == RES_OK);
}

static void
returning(void *arg)
{
    (void)arg;
    ask(filled_random(&seed, labels), any_last());
}

static void
first_time(void *arg)
{
    (void)arg;
    ask(filled_random(&seed, labels), no_last());
}

/* The same label in the same tree: what of it the processor's caches take off. */
static void
same(void *arg)
{
    (void)arg;
    ask(f.group * FILLED_GROUPS, (struct kt_optional){false, 0});
}

static void
of_group(void *arg)
{
    const unsigned *g = arg;

    ask(*g * f.group + filled_random(&seed, f.group), any_last());
}

/* A label that is not there, and whose proof is kept; others cost a VRF proof. */
static void
absent(void *arg)
{
    (void)arg;
    BENCH_NEED(filled_search(&f, f.labels, any_last(), (struct kt_optional){false, 0}, &out) ==
               RES_KT_NO_LABEL);
}

static void
stranger(void *arg)
{
    static uint64_t at;

    (void)arg;
    BENCH_NEED(filled_search(&f, f.labels + ++at, any_last(), (struct kt_optional){false, 0},
                             &out) == RES_KT_NO_LABEL);
}

static void
checkpoint(void *arg)
{
    (void)arg;
    buf_clear(&out);
    BENCH_NEED(directory_feed_checkpoint(f.reader, &out) == RES_OK);
}

/* Trees of three days: all labels but the newest stand in all of them. */
static void
choose_trees(void)
{
    uint64_t days = f.entries >= FILLED_LONG ? FILLED_LAST : 1;

    labels = f.labels - days / FILLED_EVERY;
    for (unsigned i = 0; i < TREES; i++) {
        filled_go_to(&f, f.entries - filled_random(&seed, days));
        trees[i] = f.directory->head;
    }
}

/* Memory of this process's own, bytes. */
static double
anonymous(void)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[128];
    double kb = -1;

    BENCH_NEED(in != NULL);
    while (kb < 0 && fgets(line, sizeof line, in) != NULL)
        (void)sscanf(line, "RssAnon: %lf", &kb);
    (void)fclose(in);
    return kb * 1024;
}

int
main(int argc, char **argv)
{
    char name[64];

    BENCH_NEED(argc == 2);
    filled_open(argv[1], &f);
    choose_trees();
    for (unsigned i = 0; i < WARM; i++)
        returning(NULL);
    bench("search", returning, NULL, 1);
    bench("search_first_time", first_time, NULL, 1);
    bench("search_same", same, NULL, 1);
    for (unsigned group = 1; group < 4; group++) {
        snprintf(name, sizeof name, "search_version_%u", filled_greatest(group));
        bench(name, of_group, &group, 1);
    }
    bench("absent_kept", absent, NULL, 1);
    bench("absent", stranger, NULL, 1);
    bench("checkpoint", checkpoint, NULL, 1);
    printf("rss_anon %.0f\n", anonymous());
    filled_close(&f);
    buf_release(&out);
    return 0;
}
