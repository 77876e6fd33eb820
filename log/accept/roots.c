#include "log/accept/roots.h"
#include "merkle/base/pem.h"

#include <assert.h>
#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Two tables of chains, by fingerprint and by subject; entries are indices. */
#define BUCKETS 1024
#define NONE SIZE_MAX

struct item {
    struct root root;
    struct buf der;
    size_t next_by_sha256, next_by_subject; /* in the same bucket, ascending */
};

struct roots {
    atomic_uint references;
    size_t count;
    size_t cap;
    struct item **item; /* each its own allocation: the spans and pointers handed out stay */
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

static void
domains_free(char **domains)
{
    for (size_t i = 0; domains != NULL && domains[i] != NULL; i++) {
        free(domains[i]);
    }
    free(domains);
}

static void
item_free(struct item *i)
{
    if (i == NULL) {
        return;
    }
    issuer_unref(i->root.issuer);
    domains_free(i->root.domains);
    buf_release(&i->der);
    free(i);
}

void
roots_unref(struct roots *r)
{
    if (r == NULL || atomic_fetch_sub(&r->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        item_free(r->item[i]);
    }
    free(r->item);
    free(r);
}

static bool
is_domain_byte(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

/* One domain in lower case, n bytes at s.  RES_VALUE for what cannot be one. */
static enum result
copy_domain(const char *s, size_t n, char **ret)
{
    char *d;

    if (n == 0 || n > 253) {
        return RES_VALUE;
    }
    d = calloc(1, n + 1);
    if (d == NULL) {
        return RES_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_domain_byte(s[i])) {
            free(d);
            return RES_VALUE;
        }
        d[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i]);
    }
    *ret = d;
    return RES_OK;
}

/* A NULL-terminated list of the comma-separated domains in text; NULL for NULL. */
static enum result
copy_domains(const char *text, char ***ret)
{
    size_t commas = 0, count = 0;
    char **list;

    *ret = NULL;
    if (text == NULL) {
        return RES_OK;
    }
    for (const char *c = text; *c != '\0'; c++) {
        commas += *c == ',';
    }
    list = calloc(commas + 2, sizeof *list);
    if (list == NULL) {
        return RES_MEMORY;
    }
    while (count <= commas) {
        size_t n = strcspn(text, ",");
        enum result r = copy_domain(text, n, &list[count]);

        if (r != RES_OK) {
            domains_free(list);
            return r;
        }
        count++;
        text += n + 1;
    }
    *ret = list;
    return RES_OK;
}

static enum result
item_new(struct span der, const char *domains, bool verify_only, struct item **ret)
{
    struct item *i = calloc(1, sizeof *i);
    enum result r;

    if (i == NULL) {
        return RES_MEMORY;
    }
    buf_init(&i->der, CERT_MAX);
    r = buf_add(&i->der, der);
    if (r == RES_OK) {
        i->root.der = buf_span(&i->der);
        r = cert_parse(i->root.der, &i->root.cert);
    }
    if (r == RES_OK && i->root.cert.has_basic_constraints && !i->root.cert.is_ca) {
        r = RES_CHAIN_CA;
    }
    if (r == RES_OK) {
        r = issuer_new(i->root.cert.spki, &i->root.issuer);
    }
    if (r == RES_OK) {
        r = copy_domains(domains, &i->root.domains);
    }
    if (r != RES_OK) {
        item_free(i);
        return r;
    }
    hash_sha256(i->root.der, &i->root.sha256);
    i->root.verify_only = verify_only;
    *ret = i;
    return RES_OK;
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

static struct item *
find_item(const struct roots *r, const struct hash *sha256)
{
    for (size_t i = r->by_sha256[sha256_bucket(sha256)]; i != NONE;
         i = r->item[i]->next_by_sha256) {
        if (hash_equal(&r->item[i]->root.sha256, sha256)) {
            return r->item[i];
        }
    }
    return NULL;
}

/* Makes room for n more.  RES_TOO_LARGE, RES_MEMORY. */
static enum result
reserve(struct roots *r, size_t n)
{
    struct item **bigger;
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
put_item(struct roots *r, struct item *item)
{
    size_t *by_subject = &r->by_subject[name_bucket(item->root.cert.subject)];
    size_t *by_sha256 = &r->by_sha256[sha256_bucket(&item->root.sha256)];

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
        added += find_item(r, &from->item[i]->root.sha256) == NULL;
    }
    res = reserve(r, added);
    if (res != RES_OK) {
        return res;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct item *new = from->item[i];
        struct item *old = find_item(r, &new->root.sha256);
        char **domains = new->root.domains;

        if (old == NULL) {
            put_item(r, new);
        } else {
            new->root.domains = old->root.domains;
            old->root.domains = domains;
            old->root.verify_only = new->root.verify_only;
            item_free(new);
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
        struct item *item = NULL;

        res = pem_next(pem, &der);
        if (res != RES_OK) {
            break;
        }
        res = item_new(buf_span(&der), domains, verify_only, &item);
        if (res == RES_OK) {
            res = reserve(r, 1);
        }
        if (res != RES_OK) {
            item_free(item);
            break;
        }
        if (find_item(r, &item->root.sha256) == NULL) {
            put_item(r, item);
        } else {
            item_free(item);
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

/* The list as copy_domains takes it, or NULL for NULL. */
static enum result
join_domains(char **domains, struct buf *out)
{
    enum result r = RES_OK;

    for (size_t i = 0; domains[i] != NULL && r == RES_OK; i++) {
        r = buf_printf(out, "%s%s", i == 0 ? "" : ",", domains[i]);
    }
    if (r == RES_OK) {
        r = buf_add(out, span_of("", 1));
    }
    return r;
}

static enum result
copy_item(const struct root *root, struct item **ret)
{
    struct buf domains = BUF_INIT(SIZE_MAX / 2);
    enum result r = RES_OK;

    if (root->domains != NULL) {
        r = join_domains(root->domains, &domains);
    }
    if (r == RES_OK) {
        r = item_new(root->der, (const char *)domains.p, true, ret);
    }
    buf_release(&domains);
    return r;
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
        const struct root *root = &other->item[i]->root;
        struct item *item;

        if (find_item(r, &root->sha256) != NULL) {
            continue;
        }
        res = reserve(new, 1);
        if (res == RES_OK) {
            res = copy_item(root, &item);
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
    return &r->item[i]->root;
}

const struct root *
roots_by_sha256(const struct roots *r, const struct hash *sha256)
{
    const struct item *i = find_item(r, sha256);

    return i == NULL ? NULL : &i->root;
}

const struct root *
roots_by_subject(const struct roots *r, struct span name, size_t *from)
{
    for (size_t i = r->by_subject[name_bucket(name)]; i != NONE; i = r->item[i]->next_by_subject) {
        if (i >= *from && span_equal(r->item[i]->root.cert.subject, name)) {
            *from = i + 1;
            return &r->item[i]->root;
        }
    }
    return NULL;
}
