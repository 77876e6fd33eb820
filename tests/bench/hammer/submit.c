#include "merkle/base/text.h"
#include "tests/bench/hammer/modes.h"
#include "tests/bench/hammer/receipts.h"
#include "tests/mint/mintfile.h"
#include <stdio.h>
#include <stdlib.h>

struct submit {
    const struct options *o;
    struct mint_file leaves;
    uint64_t count, given;
    struct buf arena; /* heads and leaves, rendered one after the other */
    size_t *at;       /* where each begins in the arena; one more at the end */
    struct buf rest;  /* the issuers: the same for all */
    struct receipt *receipts;
};

/* {"chain":["LEAF" stands in the arena, ,"ISSUER"…]} here. */
static bool
render_rest(struct submit *m)
{
    return buf_printf(&m->rest, "\",\"") == RES_OK &&
           text_base64(m->leaves.intermediate, &m->rest) == RES_OK &&
           (!m->o->with_root || (buf_printf(&m->rest, "\",\"") == RES_OK &&
                                 text_base64(m->leaves.root, &m->rest) == RES_OK)) &&
           buf_printf(&m->rest, "\"]}") == RES_OK;
}

static bool
render(struct submit *m, struct span der)
{
    static const char OPEN[] = "{\"chain\":[\"";
    size_t body = strlen(OPEN) + BASE64_ENCODED(der.n) + m->rest.n;
    return buf_printf(&m->arena,
                      "POST %s/ct/v1/add-chain HTTP/1.1\r\nHost: %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      m->o->target.prefix, m->o->target.host, body, OPEN) == RES_OK &&
           text_base64(der, &m->arena) == RES_OK;
}

static bool
next(void *arg, struct load_request *ret)
{
    struct submit *m = arg;
    if (m->given == m->count)
        return false;
    size_t at = m->at[m->given];
    ret->part[0] = (struct iovec){m->arena.p + at, m->at[m->given + 1] - at};
    ret->part[1] = (struct iovec){m->rest.p, m->rest.n};
    ret->parts = 2;
    ret->tag = m->given++;
    return true;
}

static bool
answer(void *arg, uint64_t tag, int status, struct span body)
{
    struct submit *m = arg;
    struct receipt unkept = {0};
    struct receipt *r = m->receipts == NULL ? &unkept : &m->receipts[tag];
    if (status == 200 && receipt_parse(body, r))
        return true;
    r->timestamp = 0;
    complain(status, body);
    return false;
}

bool
submit_begin(const struct options *o, struct submit **ret, struct load_source *source)
{
    struct submit *m = calloc(1, sizeof *m);
    *ret = m;
    if (m == NULL)
        return false;
    m->o = o;
    m->arena = BUF_INIT(SIZE_MAX / 2);
    m->rest = BUF_INIT(1 << 20);
    if (!mint_file_open(&m->leaves, o->file)) {
        fprintf(stderr, "hammer: %s: not a file of leaves\n", o->file);
        return false;
    }
    mint_file_skip(&m->leaves, (uint32_t)o->offset);
    uint64_t there = m->leaves.count - m->leaves.read;
    m->count = o->count == 0 || o->count > there ? there : o->count;
    if (o->count > there)
        fprintf(stderr, "hammer: only %llu leaves are left\n", (unsigned long long)there);
    m->at = calloc(m->count + 1, sizeof *m->at);
    bool ok = m->at != NULL && m->count > 0 && render_rest(m);
    for (uint64_t i = 0; ok && i < m->count; i++) {
        struct span der;
        m->at[i] = m->arena.n;
        ok = mint_file_next(&m->leaves, &der) && render(m, der);
        m->at[i + 1] = m->arena.n;
    }
    if (ok && o->receipts != NULL)
        ok = (m->receipts = calloc(m->count, sizeof *m->receipts)) != NULL;
    if (!ok)
        fprintf(stderr, "hammer: no leaves, or no memory for them\n");
    *source = (struct load_source){next, answer, m};
    return ok;
}

static bool
write_receipts(struct submit *m)
{
    FILE *f = fopen(m->o->receipts, "w");
    bool ok = f != NULL;
    mint_file_rewind(&m->leaves);
    mint_file_skip(&m->leaves, (uint32_t)m->o->offset);
    for (uint64_t i = 0; ok && i < m->given; i++) {
        struct span der;
        struct hash leaf;
        ok = mint_file_next(&m->leaves, &der);
        if (!ok || m->receipts[i].timestamp == 0)
            continue;
        receipt_leaf_hash(&m->receipts[i], der, &leaf);
        ok = receipt_write(f, m->o->offset + i, &m->receipts[i], &leaf);
    }
    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        perror(m->o->receipts);
    return ok;
}

bool
submit_end(struct submit *m)
{
    if (m == NULL)
        return true;
    bool ok = m->receipts == NULL || write_receipts(m);
    mint_file_close(&m->leaves);
    buf_release(&m->arena);
    buf_release(&m->rest);
    free(m->at);
    free(m->receipts);
    free(m);
    return ok;
}
