/* A filled directory as a log has it open, with a clock that stands where its entries end. */
#include "tests/bench/filled.h"

#include <string.h>

#include "log/accept/roots.h"
#include "log/directory/reader_private.h"
#include "tests/bench/bench.h"

static uint64_t now;
static struct store_head covered;

static void
give_head(void *arg, struct store_head *ret)
{
    (void)arg;
    *ret = covered;
}

static struct roots *
no_roots(void *arg)
{
    struct roots *none;

    (void)arg;
    BENCH_NEED(roots_new(&none) == RES_OK);
    return none;
}

static void
no_halt(void *arg, enum result why, const char *what)
{
    (void)arg;
    fprintf(stderr, "%s: %s\n", what, result_name(why));
    exit(1);
}

static uint64_t
same_time(void)
{
    return now;
}

/* What the directory covers already is in the certificate log. */
static void
cover_all(struct store *store)
{
    struct store_view *v;

    BENCH_NEED(store_view_new(store, &v) == RES_OK && store_view_begin(v) == RES_OK);
    if (store_get_head(v, &covered) != RES_OK)
        memset(&covered, 0, sizeof covered);
    store_view_end(v);
    store_view_free(v);
}

void
filled_open(const char *dir, struct filled *ret)
{
    struct directory_hooks hooks = {
        .head = give_head, .roots = no_roots, .halted = no_halt, .now_ms = same_time};
    struct store_options s = {.map_size = FILLED_MAP};
    struct log_trouble why = {{0}};
    static struct config c;
    char path[512];
    uint32_t format;

    snprintf(path, sizeof path, "%s/store", dir);
    s.path = path;
    BENCH_NEED(signer_open(dir, &ret->signer) == RES_OK &&
               store_open(&s, &format, &ret->store) == RES_OK);
    cover_all(ret->store);
    config_defaults(&c);
    BENCH_NEED(snprintf(c.dir, sizeof c.dir, "%s", dir) < (int)sizeof c.dir);
    snprintf(c.origin, sizeof c.origin, FILLED_ORIGIN);
    c.map_size = FILLED_MAP;
    if (directory_open(&c, ret->signer, ret->store, &hooks, &ret->directory, &why) != RES_OK) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    BENCH_NEED(directory_reader_new(ret->directory, &ret->reader) == RES_OK);
    ret->labels = ret->directory->head.labels;
    ret->size = ret->entries = ret->directory->head.size;
    ret->group = filled_group(ret->labels);
    ret->newest_ms = now = ret->directory->newest.timestamp;
}

void
filled_cover(const struct store_head *h)
{
    covered = *h;
    now += FILLED_ENTRY_MS;
}

void
filled_close(struct filled *f)
{
    directory_reader_free(f->reader);
    directory_close(f->directory);
    store_close(f->store);
    signer_close(f->signer);
}

void
filled_warm(struct filled *f)
{
    struct shelf_view *v = f->directory->view;
    struct directory_head h;
    struct version_row row;
    struct span s;

    BENCH_NEED(shelf_view_begin(v) == RES_OK && shelf_get_head(v, &h) == RES_OK);
    for (uint64_t i = 0; i < h.versions; i += SHELF_PAGE / VERSION_ROW_SIZE)
        BENCH_NEED(shelf_get_version(v, i, &row) == RES_OK);
    for (uint64_t at = 0; at < h.stream; at += SHELF_PAGE) {
        BENCH_NEED(shelf_get_bytes(v, at, 1, NULL, &s) == RES_OK);
        /* The compiler must not leave the reading out. */
        *(volatile uint8_t *)&f->touched = s.p[0];
    }
    shelf_view_end(v);
}

/* How many versions stand in the first `size` entries. */
static uint64_t
versions_in(struct shelf_view *v, uint64_t size)
{
    struct directory_head h;
    uint64_t lo = 0, hi;

    BENCH_NEED(shelf_get_head(v, &h) == RES_OK);
    hi = h.versions;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct version_row row;
        BENCH_NEED(shelf_get_version(v, mid, &row) == RES_OK);
        if (row.entry < size)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void
filled_go_to(struct filled *f, uint64_t size)
{
    struct directory_head *h = &f->directory->head;
    struct entry_row row;

    BENCH_NEED(size > 0 && size <= f->entries && shelf_view_begin(f->directory->view) == RES_OK &&
               shelf_get_entry(f->directory->view, size - 1, &row) == RES_OK);
    h->versions = versions_in(f->directory->view, size);
    shelf_view_end(f->directory->view);
    h->size = size;
    h->root = row.feed.root;
    BENCH_NEED(signer_directory_head(f->signer, &f->directory->config, size, &h->root,
                                     h->signature) == RES_OK);
    f->directory->newest = row.feed;
    f->size = size;
    f->newest_ms = now = row.feed.timestamp;
}

enum result
filled_search(struct filled *f, uint64_t number, struct kt_optional last,
              struct kt_optional version, struct buf *out)
{
    struct label l = filled_label(number);
    uint8_t bytes[KT_LABEL_MAX + 32];
    struct buf request = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
    struct writer w = writer_to(&request);

    buf_clear(out);
    search_request_put(&w, &(struct search_request){last, span_of(l.b, l.n), version});
    return directory_answer(f->reader, DIRECTORY_SEARCH, buf_span(&request), out);
}
