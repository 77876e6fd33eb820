#include "log/accept/roots.h"

#include "merkle/base/pem.h"

#include <assert.h>
#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Two tables of chains, by fingerprint and by subject; entries are indices, ascending in a chain.
 */
#define BUCKETS 1024
#define NONE SIZE_MAX

struct roots {
    atomic_uint references;
    size_t count;
    size_t cap;
    struct root **item; /* each its own allocation: the spans and pointers handed out stay */
    size_t by_sha256[BUCKETS], by_subject[BUCKETS];
};

enum result
roots_new(struct roots **ret)
{
    struct roots *r = calloc(1, sizeof *r);

    if (r == NULL) {
        return RES_MEMORY;
    }
    atomic_init(&r->references, 1);
    for (size_t i = 0; i < BUCKETS; i++) {
        r->by_sha256[i] = r->by_subject[i] = NONE;
    }
    *ret = r;
    return RES_OK;
}

struct roots *
roots_ref(struct roots *r)
{
    atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
    return r;
}

void
roots_unref(struct roots *r)
{
    if (r == NULL || atomic_fetch_sub(&r->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        root_free(r->item[i]);
    }
    free(r->item);
    free(r);
}

static size_t
sha256_bucket(const struct hash *h)
{
    return ((size_t)h->b[0] << 8 | h->b[1]) % BUCKETS;
}

/* FNV-1a.  The names that fill the table are the operator's choice, so nobody can make its chains
 * long. */
static size_t
name_bucket(struct span name)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ name.p[i]) * 16777619U;
    }
    return (h ^ h >> 16) % BUCKETS;
}

static struct root *
find_item(const struct roots *r, const struct hash *sha256)
{
    for (size_t i = r->by_sha256[sha256_bucket(sha256)]; i != NONE;
         i = r->item[i]->next_by_sha256) {
        if (hash_equal(&r->item[i]->sha256, sha256)) {
            return r->item[i];
        }
    }
    return NULL;
}

/* Makes room for n more.  RES_TOO_LARGE, RES_MEMORY. */
static enum result
reserve(struct roots *r, size_t n)
{
    struct root **bigger;
    size_t cap = r->count + n;

    if (cap > ROOTS_MAX) {
        return RES_TOO_LARGE;
    }
    if (cap <= r->cap) {
        return RES_OK;
    }
    cap = cap < 2 * r->cap ? 2 * r->cap : cap;
    bigger = realloc(r->item, cap * sizeof *bigger);
    if (bigger == NULL) {
        return RES_MEMORY;
    }
    r->item = bigger;
    r->cap = cap;
    return RES_OK;
}

/* Puts item, which is not there, at the end; room is reserved. */
static void
put_item(struct roots *r, struct root *item)
{
    size_t *by_subject = &r->by_subject[name_bucket(item->cert.subject)];
    size_t *by_sha256 = &r->by_sha256[sha256_bucket(&item->sha256)];

    assert(r->count < r->cap);
    while (*by_subject != NONE) {
        by_subject = &r->item[*by_subject]->next_by_subject;
    }
    while (*by_sha256 != NONE) {
        by_sha256 = &r->item[*by_sha256]->next_by_sha256;
    }
    item->next_by_subject = item->next_by_sha256 = NONE;
    *by_subject = *by_sha256 = r->count;
    r->item[r->count++] = item;
}

/* Moves the items of from to r, updating the flags of those that are there.  RES_TOO_LARGE,
 * RES_MEMORY: nothing moved. */
static enum result
merge(struct roots *r, struct roots *from, size_t *ret_added)
{
    size_t added = 0;
    enum result res;

    for (size_t i = 0; i < from->count; i++) {
        added += find_item(r, &from->item[i]->sha256) == NULL;
    }
    res = reserve(r, added);
    if (res != RES_OK) {
        return res;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct root *new = from->item[i];
        struct root *old = find_item(r, &new->sha256);
        char **domains = new->domains;

        if (old == NULL) {
            put_item(r, new);
        } else {
            new->domains = old->domains;
            old->domains = domains;
            old->verify_only = new->verify_only;
            root_free(new);
        }
    }
    from->count = 0;
    *ret_added = added;
    return RES_OK;
}

/* Reads all of text into the empty set r. */
static enum result
read_pem(struct roots *r, struct pem *pem, const char *domains, bool verify_only)
{
    struct buf der = BUF_INIT(CERT_MAX);
    enum result res;

    for (;;) {
        struct root *item = NULL;

        res = pem_next(pem, &der);
        if (res != RES_OK) {
            break;
        }
        res = root_new(buf_span(&der), domains, verify_only, &item);
        if (res == RES_OK) {
            res = reserve(r, 1);
        }
        if (res != RES_OK) {
            root_free(item);
            break;
        }
        if (find_item(r, &item->sha256) == NULL) {
            put_item(r, item);
        } else {
            root_free(item);
        }
    }
    buf_release(&der);
    return res == RES_ABSENT ? RES_OK : res;
}

/* Whether text says nothing at all. */
static bool
is_blank(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!isspace(text.p[i])) {
            return false;
        }
    }
    return true;
}

enum result
roots_add_pem(struct roots *r, struct span pem, const char *domains, bool verify_only,
              size_t *ret_added, size_t *ret_line)
{
    struct pem reader = pem_of(pem, PEM_OTHERS_REFUSED);
    struct roots *new;
    enum result res = roots_new(&new);

    *ret_added = 0;
    *ret_line = 1;
    if (res != RES_OK) {
        return res;
    }
    res = read_pem(new, &reader, domains, verify_only);
    *ret_line = reader.begin;
    if (res == RES_OK && new->count == 0 && !is_blank(pem)) {
        res = RES_ENCODING; /* a file of something else, DER most likely */
    }
    if (res == RES_OK) {
        res = merge(r, new, ret_added);
    }
    roots_unref(new);
    return res;
}

enum result
roots_keep(struct roots *r, const struct roots *other)
{
    struct roots *new;
    size_t added;
    enum result res = roots_new(&new);

    if (res != RES_OK) {
        return res;
    }
    for (size_t i = 0; i < other->count && res == RES_OK; i++) {
        const struct root *root = other->item[i];
        struct root *item;

        if (find_item(r, &root->sha256) != NULL) {
            continue;
        }
        res = reserve(new, 1);
        if (res == RES_OK) {
            res = root_copy(root, &item);
        }
        if (res == RES_OK) {
            put_item(new, item);
        }
    }
    if (res == RES_OK) {
        res = merge(r, new, &added);
    }
    roots_unref(new);
    return res;
}

size_t
roots_count(const struct roots *r)
{
    return r->count;
}

const struct root *
roots_at(const struct roots *r, size_t i)
{
    assert(i < r->count);
    return r->item[i];
}

const struct root *
roots_by_sha256(const struct roots *r, const struct hash *sha256)
{
    return find_item(r, sha256);
}

const struct root *
roots_by_subject(const struct roots *r, struct span name, size_t *from)
{
    for (size_t i = r->by_subject[name_bucket(name)]; i != NONE; i = r->item[i]->next_by_subject) {
        if (i >= *from && span_equal(r->item[i]->cert.subject, name)) {
            *from = i + 1;
            return r->item[i];
        }
    }
    return NULL;
}
