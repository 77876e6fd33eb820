/* The builder: when epochs close, what they are made from, and what happens when one cannot be. */
#include "log/directory/builder.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log/accept/roots.h"
#include "log/files.h"
#include "merkle/leaf/address.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/directory/ground.h"
#include "tests/vectors/check.h"

#include <openssl/pem.h>

#define MAILS 6

static struct ground_log ground;
static struct hash root[MAILS + 1]; /* of its first entries */

static int
make_log(void **state)
{
    static const struct mail mails[MAILS] = {
        {.san = "email:a@one.example", .serial = 1},
        {.san = "email:b@one.example", .serial = 2},
        {.san = "email:c@one.example", .serial = 3},
        {.san = "email:a@one.example", .serial = 4},
        {.san = "email:d@one.example", .serial = 5, .bound = true},
        {.san = "email:e@two.example", .serial = 6, .bound = true},
    };

    (void)state;
    ground_log_init(&ground, mails, MAILS);
    for (uint64_t i = 0; i <= MAILS; i++)
        ground_root(&ground, i, &root[i]);
    return 0;
}

static int
drop_log(void **state)
{
    (void)state;
    ground_log_release(&ground);
    return 0;
}

/* ---- a builder, and what it asks ---- */

static _Atomic uint64_t clock_ms;

struct fixture {
    struct ground d;
    struct recipes *recipes;
    struct builder *builder;
    struct roots *roots;
    _Atomic uint64_t size; /* of the log, as the builder is told */
    _Atomic unsigned closed, halted;
    _Atomic int why;
};

static uint64_t
told_time(void)
{
    return atomic_load(&clock_ms);
}

static uint64_t
steady(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

static void
tell_head(void *arg, struct store_head *ret)
{
    struct fixture *f = arg;

    memset(ret, 0, sizeof(*ret));
    ret->size = atomic_load(&f->size);
    ret->root = root[ret->size];
}

static struct roots *
tell_roots(void *arg)
{
    struct fixture *f = arg;

    return roots_ref(f->roots);
}

static void
on_closed(void *arg, uint64_t ms)
{
    struct fixture *f = arg;

    (void)ms;
    atomic_fetch_add(&f->closed, 1);
}

static void
on_halted(void *arg, enum result why, const char *what)
{
    struct fixture *f = arg;

    assert_non_null(what);
    atomic_store(&f->why, (int)why);
    atomic_fetch_add(&f->halted, 1);
}

static void
begin(struct fixture *f)
{
    char path[FILES_PATH_MAX];
    struct directory_head h = ground_head(&f->d);
    struct builder_parts parts = {.epoch = f->d.epoch,
                                  .head = tell_head,
                                  .roots = tell_roots,
                                  .closed = on_closed,
                                  .halted = on_halted,
                                  .arg = f,
                                  .now_ms = told_time};

    assert_int_equal(files_path(f->d.path, "directory/recipes", path), RES_OK);
    assert_int_equal(recipes_open(path, h.size, h.recipes, false, &f->recipes), RES_OK);
    parts.recipes = f->recipes;
    assert_int_equal(builder_new(&parts, &f->builder), RES_OK);
}

static void
end(struct fixture *f)
{
    builder_free(f->builder);
    recipes_close(f->recipes);
}

static void
again(struct fixture *f)
{
    end(f);
    ground_close(&f->d);
    ground_open(&f->d);
    begin(f);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char path[FILES_PATH_MAX];

    assert_non_null(f);
    atomic_store(&clock_ms, GROUND_MS);
    ground_new(&f->d, &ground, NULL);
    assert_int_equal(roots_new(&f->roots), RES_OK);
    assert_int_equal(files_path(f->d.path, "directory/recipes", path), RES_OK);
    assert_int_equal(recipes_create(path), RES_OK);
    begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    end(f);
    ground_audit(&f->d);
    ground_release(&f->d);
    roots_unref(f->roots);
    free(f);
    return 0;
}

static void
turn(struct fixture *f)
{
    bool fatal;

    assert_int_equal(builder_turn(f->builder, &fatal), RES_OK);
}

static bool
until(_Atomic unsigned *n, unsigned value, unsigned ms)
{
    for (uint64_t end_ms = steady() + ms; steady() < end_ms; nap(2))
        if (atomic_load(n) >= value)
            return true;
    return false;
}

/* ---- turns ---- */

static void
the_first_epoch_is_the_empty_tree(void **state)
{
    struct fixture *f = *state;
    struct hash zero = {{0}}, empty;

    turn(f);
    hash_empty(&empty);
    const struct feed_entry *e = epoch_newest(f->d.epoch);
    assert_int_equal(epoch_size(f->d.epoch), 1);
    assert_int_equal(e->additions, 0);
    assert_int_equal(e->certificates, 0);
    assert_true(hash_equal(&e->prefix_root, &zero));
    assert_true(hash_equal(&e->certificates_root, &empty));
    assert_true(hash_equal(&e->additions_hash, &empty));
    assert_int_equal(e->timestamp, GROUND_MS);
}

static void
time_never_falls(void **state)
{
    static const int64_t SHIFT[] = {0, 5, -100000, 1, 100000, -1};
    struct fixture *f = *state;
    uint64_t before = 0;

    for (size_t i = 0; i < sizeof(SHIFT) / sizeof(SHIFT[0]); i++) {
        uint64_t now = atomic_fetch_add(&clock_ms, (uint64_t)SHIFT[i]) + (uint64_t)SHIFT[i];
        turn(f);
        uint64_t t = epoch_newest(f->d.epoch)->timestamp;
        assert_int_equal(t, now > before ? now : before);
        before = t;
    }
}

/* A crash between recipe and epoch: the same bytes as without it, though all else is different now.
 */
static void
a_recipe_without_epoch_is_followed_first(void **state)
{
    struct fixture *f = *state;
    struct ground twin;

    turn(f);
    ground_new(&twin, &ground, &f->d);
    struct recipe q = ground_recipe(&f->d, 3);
    q.timestamp = GROUND_MS + 77;
    assert_int_equal(recipes_append(f->recipes, &q), RES_OK);
    again(f);
    atomic_store(&clock_ms, GROUND_MS + 5000);
    atomic_store(&f->size, MAILS);
    turn(f);
    assert_int_equal(epoch_newest(f->d.epoch)->certificates, 3);
    assert_int_equal(epoch_newest(f->d.epoch)->timestamp, GROUND_MS + 77);
    /* the twin never crashed */
    struct recipe first = {.timestamp = GROUND_MS};
    bool committed;
    hash_empty(&first.certificates_root);
    hash_empty(&first.crls_root);
    assert_int_equal(epoch_run(twin.epoch, &first, 110, NULL, 0, &committed), RES_OK);
    assert_int_equal(epoch_run(twin.epoch, &q, 220, NULL, 0, &committed), RES_OK);
    ground_same(&f->d, &twin);
    ground_release(&twin);
    turn(f);
    assert_int_equal(epoch_newest(f->d.epoch)->certificates, MAILS);
    assert_int_equal(epoch_newest(f->d.epoch)->timestamp, GROUND_MS + 5000);
}

/* A directory made again from its recipes and keys is the same. */
static void
all_is_made_again_from_recipes_and_keys(void **state)
{
    struct fixture *f = *state;
    char path[FILES_PATH_MAX];
    struct buf bytes = BUF_INIT(1 << 20);
    struct ground twin;
    struct recipes *r;
    struct recipe q;
    bool committed;

    for (uint64_t i = 0; i <= MAILS; i += 2) {
        atomic_store(&f->size, i);
        atomic_fetch_add(&clock_ms, 1234);
        turn(f);
    }
    ground_new(&twin, &ground, &f->d);
    assert_int_equal(files_path(f->d.path, "directory/recipes", path), RES_OK);
    assert_int_equal(recipes_open(path, 0, 0, true, &r), RES_OK);
    while (recipes_next(r, &bytes, &q) == RES_OK) {
        assert_int_equal(epoch_run(twin.epoch, &q, recipes_offset(r), NULL, 0, &committed), RES_OK);
        assert_int_equal(recipes_pass(r), RES_OK);
    }
    recipes_close(r);
    ground_same(&f->d, &twin);
    ground_release(&twin);
    buf_release(&bytes);
}

static void
bind_second(struct fixture *f, const char *domains)
{
    BIO *mem = BIO_new(BIO_s_mem());
    struct roots *roots;
    size_t added, line;
    char *pem;

    assert_int_equal(PEM_write_bio_X509(mem, ground.second), 1);
    long n = BIO_get_mem_data(mem, &pem);
    assert_int_equal(roots_new(&roots), RES_OK);
    assert_int_equal(roots_add_pem(roots, span_of(pem, (size_t)n), domains, false, &added, &line),
                     RES_OK);
    roots_unref(f->roots);
    f->roots = roots;
    BIO_free(mem);
}

static void
bindings_stand_in_the_recipe_in_which_they_change(void **state)
{
    static const char *const DOMAINS[] = {NULL,          "one.example", "one.example",
                                          "two.example", NULL,          NULL};
    static const bool acts[] = {false, true, false, true, true, false};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        uint64_t at = recipes_offset(f->recipes);

        bind_second(f, DOMAINS[i]);
        turn(f);
        assert_int_equal(recipes_offset(f->recipes) - at > 110, acts[i]);
        if (i == 1) /* over a restart */
            again(f);
    }
    bind_second(f, "one.example");
    atomic_store(&f->size, MAILS);
    turn(f);
    assert_int_equal(ground_versions(&f->d, LABEL_MAILBOX, "d@one.example"), 1);
    assert_int_equal(ground_versions(&f->d, LABEL_MAILBOX, "e@two.example"), 0);
}

/* ---- the thread ---- */

static void
an_entry_is_covered_within_a_second(void **state)
{
    struct fixture *f = *state;

    turn(f);
    assert_int_equal(builder_start(f->builder), RES_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        uint64_t began = steady();

        atomic_store(&f->size, i);
        builder_wake(f->builder, i);
        nap(20);
        assert_in_range(builder_lag(f->builder), 15, 2000);
        assert_true(until(&f->closed, 1 + (unsigned)i, 3000));
        uint64_t took = steady() - began;
        print_message("%llu ms\n", (unsigned long long)took);
        /* Others are gathered for most of the second; a busy machine may take longer. */
        assert_in_range(took, 300, 1000 + 2000);
        for (int k = 0; k < 500 && builder_lag(f->builder) > 0; k++)
            nap(1);
        assert_int_equal(builder_lag(f->builder), 0);
    }
    builder_stop(f->builder);
    assert_int_equal(epoch_newest(f->d.epoch)->certificates, 3);
    assert_int_equal(atomic_load(&f->closed), 4);
}

static void
many_entries_close_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t began = steady();

    turn(f);
    assert_int_equal(builder_start(f->builder), RES_OK);
    atomic_store(&f->size, MAILS);
    builder_wake(f->builder, BUILDER_ENTRIES); /* which the log does not have: nobody counts */
    assert_true(until(&f->closed, 2, 3000));
    assert_in_range(steady() - began, 0, 800);
    builder_stop(f->builder);
}

static void
stopping_covers_what_waits(void **state)
{
    struct fixture *f = *state;
    uint64_t began = steady();

    turn(f);
    assert_int_equal(builder_start(f->builder), RES_OK);
    atomic_store(&f->size, 2);
    builder_wake(f->builder, 2);
    builder_stop(f->builder);
    assert_in_range(steady() - began, 0, 800);
    assert_int_equal(epoch_newest(f->d.epoch)->certificates, 2);
    builder_stop(f->builder); /* nothing */
}

/* What was promised before a crash is covered though nothing follows. */
static void
starting_covers_what_waits(void **state)
{
    struct fixture *f = *state;

    turn(f);
    atomic_store(&f->size, 4);
    assert_int_equal(builder_start(f->builder), RES_OK);
    assert_true(until(&f->closed, 2, 3000));
    builder_stop(f->builder);
    assert_int_equal(epoch_newest(f->d.epoch)->certificates, 4);
}

static void
an_idle_directory_signs_four_times_an_hour(void **state)
{
    struct fixture *f = *state;

    turn(f);
    atomic_fetch_add(&clock_ms, BUILDER_HEARTBEAT_MS - 1000000);
    assert_int_equal(builder_start(f->builder), RES_OK);
    assert_false(until(&f->closed, 2, 100));
    builder_stop(f->builder);
    assert_int_equal(epoch_size(f->d.epoch), 1);
    end(f);
    begin(f);
    atomic_fetch_add(&clock_ms, 1000000);
    assert_int_equal(builder_start(f->builder), RES_OK);
    assert_true(until(&f->closed, 2, 3000));
    assert_false(until(&f->closed, 3, 100));
    builder_stop(f->builder);
    assert_int_equal(epoch_size(f->d.epoch), 2);
    assert_int_equal(epoch_newest(f->d.epoch)->timestamp, GROUND_MS + BUILDER_HEARTBEAT_MS);
}

static void
proofs_are_committed_without_an_epoch(void **state)
{
    struct fixture *f = *state;
    uint8_t step[STEP_SIZE] = {1};
    struct span s;

    atomic_store(&f->size, 2);
    turn(f);
    assert_int_equal(builder_start(f->builder), RES_OK);
    assert_int_equal(builder_add_proofs(f->builder, 1, span_of(step, sizeof(step))), RES_OK);
    assert_true(until(&f->closed, 2, 2 * BUILDER_PROOFS_MS));
    builder_stop(f->builder);
    assert_int_equal(epoch_size(f->d.epoch), 1);
    assert_int_equal(shelf_view_begin(f->d.view), RES_OK);
    assert_int_equal(shelf_get_proofs(f->d.view, 1, &s), RES_OK);
    assert_true(span_equal(s, span_of(step, sizeof(step))));
    assert_int_equal(shelf_get_proofs(f->d.view, 0, &s), RES_ABSENT);
    shelf_view_end(f->d.view);
}

/* Each commit of proofs rewrites the way to them: an epoch takes them along when there are many. */
static void
few_proofs_wait_for_a_later_epoch(void **state)
{
    struct fixture *f = *state;
    uint8_t step[STEP_SIZE] = {1};
    struct span s;

    atomic_store(&f->size, 2);
    turn(f);
    assert_int_equal(builder_add_proofs(f->builder, 1, span_of(step, sizeof(step))), RES_OK);
    turn(f);
    assert_int_equal(shelf_view_begin(f->d.view), RES_OK);
    assert_int_equal(shelf_get_proofs(f->d.view, 1, &s), RES_ABSENT);
    shelf_view_end(f->d.view);
    for (unsigned i = 1; i < BUILDER_PROOFS_TOGETHER; i++)
        assert_int_equal(builder_add_proofs(f->builder, 0, span_of(step, sizeof(step))), RES_OK);
    turn(f);
    assert_int_equal(shelf_view_begin(f->d.view), RES_OK);
    assert_int_equal(shelf_get_proofs(f->d.view, 0, &s), RES_OK);
    assert_int_equal(shelf_get_proofs(f->d.view, 1, &s), RES_OK);
    shelf_view_end(f->d.view);
}

static void
so_many_proofs_wait(void **state)
{
    struct fixture *f = *state;
    uint8_t step[STEP_SIZE] = {1};

    for (unsigned i = 0; i < BUILDER_PROOFS; i++)
        assert_int_equal(builder_add_proofs(f->builder, i, span_of(step, sizeof(step))), RES_OK);
    assert_int_equal(builder_add_proofs(f->builder, 9999, span_of(step, sizeof(step))), RES_BUSY);
}

/* ---- failures ---- */

/* Whichever allocation fails: the entries are covered a moment later, though nobody wakes. */
static void
memory_that_fails_delays_an_epoch(void **state)
{
    static const size_t AT[] = {1, 3, 8, 13};
    struct fixture *f = *state;

    turn(f);
    for (uint64_t i = 1; i <= 4; i++) {
        uint64_t began = steady();

        again(f);
        atomic_store(&f->size, i);
        assert_int_equal(builder_start(f->builder), RES_OK);
        failalloc_at(AT[i - 1]);
        bool covered = until(&f->closed, 1 + (unsigned)i, 5000);
        assert_true(failalloc_count() >= AT[i - 1]);
        failalloc_at(0);
        builder_stop(f->builder);
        print_message("allocation %zu: %llu ms\n", AT[i - 1],
                      (unsigned long long)(steady() - began));
        assert_true(covered);
        assert_int_equal(atomic_load(&f->halted), 0);
        assert_int_equal(epoch_newest(f->d.epoch)->certificates, i);
    }
}

/* A log that is not the one of the recipe: told once, and the thread ends. */
static void
what_cannot_be_made_halts(void **state)
{
    struct fixture *f = *state;

    turn(f);
    struct recipe q = ground_recipe(&f->d, 3);
    q.certificates_root.b[0] ^= 1;
    assert_int_equal(recipes_append(f->recipes, &q), RES_OK);
    atomic_store(&f->size, 4);
    assert_int_equal(builder_start(f->builder), RES_OK);
    assert_true(until(&f->halted, 1, 3000));
    nap(50);
    builder_stop(f->builder);
    assert_int_equal(atomic_load(&f->halted), 1);
    assert_int_equal(atomic_load(&f->why), RES_STORE_DAMAGED);
    assert_int_equal(epoch_size(f->d.epoch), 1);
    assert_true(builder_lag(f->builder) > 0); /* what waits waits */
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(the_first_epoch_is_the_empty_tree),
        ROW(time_never_falls),
        ROW(a_recipe_without_epoch_is_followed_first),
        ROW(all_is_made_again_from_recipes_and_keys),
        ROW(bindings_stand_in_the_recipe_in_which_they_change),
        ROW(an_entry_is_covered_within_a_second),
        ROW(many_entries_close_at_once),
        ROW(stopping_covers_what_waits),
        ROW(starting_covers_what_waits),
        ROW(an_idle_directory_signs_four_times_an_hour),
        ROW(proofs_are_committed_without_an_epoch),
        ROW(few_proofs_wait_for_a_later_epoch),
        ROW(so_many_proofs_wait),
        ROW(memory_that_fails_delays_an_epoch),
        ROW(what_cannot_be_made_halts),
    };

    return cmocka_run_group_tests(tests, make_log, drop_log);
}
