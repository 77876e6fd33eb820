#include "merkle/base/text.h"
#include "merkle/tree/tile.h"
#include "tests/bench/hammer/modes.h"
#include "tests/bench/hammer/receipts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
    const struct options *o;
    struct buf arena;
    struct buf ends; /* size_t: where each request ends in the arena */
    uint64_t rows, given;
    uint64_t random; /* 0: in turn */
    bool proofs;
    uint64_t size; /* proofs: of the tree */
};

static bool
add_row(struct table *t, const char *path)
{
    if (buf_printf(&t->arena, "GET %s%s HTTP/1.1\r\nHost: %s\r\n\r\n", t->o->target.prefix, path,
                   t->o->target.host) != RES_OK ||
        buf_add(&t->ends, span_of(&t->arena.n, sizeof t->arena.n)) != RES_OK)
        return false;
    t->rows++;
    return true;
}

static size_t
row_end(const struct table *t, uint64_t i)
{
    size_t v;
    memcpy(&v, t->ends.p + i * sizeof v, sizeof v);
    return v;
}

/* splitmix64: repeatable, and good enough to spread requests. */
static uint64_t
draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool
next(void *arg, struct load_request *ret)
{
    struct table *t = arg;
    if (t->o->count != 0 && t->given == t->o->count)
        return false;
    uint64_t i = (t->proofs ? draw(&t->random) : t->given) % t->rows;
    size_t begin = i == 0 ? 0 : row_end(t, i - 1);
    ret->part[0] = (struct iovec){t->arena.p + begin, row_end(t, i) - begin};
    ret->parts = 1;
    ret->tag = i;
    t->given++;
    return true;
}

static bool
answer(void *arg, uint64_t tag, int status, struct span body)
{
    const struct table *t = arg;
    (void)tag;
    if (status == 200 && (!t->proofs || memmem(body.p, body.n, "\"audit_path\"", 12) != NULL))
        return true;
    complain(status, body);
    return false;
}

static struct table *
table_new(const struct options *o, struct load_source *source)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->o = o;
    t->random = o->seed;
    t->arena = BUF_INIT(SIZE_MAX / 2);
    t->ends = BUF_INIT(SIZE_MAX / 2);
    *source = (struct load_source){next, answer, t};
    return t;
}

bool
get_begin(const struct options *o, struct table **ret, struct load_source *source)
{
    struct table *t = *ret = table_new(o, source);
    bool ok = t != NULL;
    for (size_t i = 0; ok && i < o->paths; i++)
        ok = add_row(t, o->path[i]);
    return ok;
}

/* base64 in a query: '+', '/' and '=' are written as %XX. */
static bool
add_proof(struct table *t, const struct hash *leaf)
{
    char path[256], *w = path;
    struct buf text = BUF_INIT(64);
    if (text_base64(hash_span(leaf), &text) != RES_OK)
        return false;
    w += snprintf(w, 64, "/ct/v1/get-proof-by-hash?hash=");
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];
        if (c == '+' || c == '/' || c == '=')
            w += snprintf(w, 4, "%%%02X", (unsigned)c);
        else
            *w++ = c;
    }
    snprintf(w, 64, "&tree_size=%" PRIu64, t->size);
    buf_release(&text);
    return add_row(t, path);
}

static bool
hashes_from_receipts(struct table *t)
{
    FILE *f = fopen(t->o->receipts, "r");
    struct receipt r;
    struct hash leaf;
    uint64_t number;
    bool ok = f != NULL;
    while (ok && receipt_read(f, &number, &r, &leaf))
        ok = r.index >= t->size || add_proof(t, &leaf);
    if (f != NULL)
        fclose(f);
    return ok;
}

static bool
hashes_from_tiles(struct table *t, struct caller *c)
{
    for (uint64_t n = 0; n * TILE_WIDTH < t->size; n++) {
        uint64_t left = t->size - n * TILE_WIDTH;
        struct tile tile = {TILE_HASHES, 0, n, left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH};
        char path[TILE_PATH_MAX + 8] = "/tile/";
        struct span body;
        tile_path(&tile, path + 6);
        if (caller_get(c, path, &body) != 200 || body.n != tile.width * HASH_SIZE)
            return false;
        for (size_t i = 0; i < tile.width; i++) {
            struct hash leaf;
            memcpy(leaf.b, body.p + i * HASH_SIZE, HASH_SIZE);
            if (!add_proof(t, &leaf))
                return false;
        }
    }
    return true;
}

/* The size stands in the second line of the checkpoint. */
static bool
read_size(struct caller *c, uint64_t *ret)
{
    struct span body;
    if (caller_get(c, "/checkpoint", &body) != 200)
        return false;
    const uint8_t *line = memchr(body.p, '\n', body.n);
    if (line == NULL)
        return false;
    line++;
    const uint8_t *end = memchr(line, '\n', (size_t)(body.p + body.n - line));
    return end != NULL &&
           text_u64(span_of(line, (size_t)(end - line)), NODE_LEAVES_MAX, ret) == RES_OK;
}

bool
proofs_begin(const struct options *o, struct table **ret, struct load_source *source)
{
    struct caller c = CALLER_INIT(&o->target);
    struct table *t = *ret = table_new(o, source);
    bool ok = t != NULL && read_size(&c, &t->size);
    if (ok) {
        t->proofs = true;
        ok = (o->receipts != NULL ? hashes_from_receipts(t) : hashes_from_tiles(t, &c)) &&
             t->rows > 0;
    }
    if (!ok)
        fprintf(stderr, "hammer: no leaf hashes to ask for\n");
    caller_release(&c);
    return ok;
}

void
table_end(struct table *t)
{
    if (t == NULL)
        return;
    buf_release(&t->arena);
    buf_release(&t->ends);
    free(t);
}
