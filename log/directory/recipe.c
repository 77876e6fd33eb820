#include "log/directory/recipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"

#define LENGTH_SIZE 4
#define CHECK_SIZE 8
/* Before the acts: four integers, two roots, the number of acts. */
#define RECIPE_MIN (4 * 8 + 2 * HASH_SIZE + 2)

/* ---- as bytes ---- */

void
act_get(struct reader *r, struct act *ret)
{
    uint8_t kind = get_u8(r);

    if (kind != ACT_BINDINGS && kind != ACT_ERASE)
        reader_fail(r, RES_VALUE);
    ret->kind = kind == ACT_ERASE ? ACT_ERASE : ACT_BINDINGS;
    ret->body = get_vec24(r, 0, (1u << 24) - 1);
}

void
act_put(struct writer *w, const struct act *a)
{
    put_u8(w, a->kind);
    put_vec24(w, a->body);
}

static void
hash_get(struct reader *r, struct hash *ret)
{
    struct span s = get_bytes(r, HASH_SIZE);

    if (r->err == RES_OK)
        memcpy(ret->b, s.p, HASH_SIZE);
}

void
recipe_get(struct reader *r, struct recipe *ret)
{
    struct recipe q = {0};

    q.number = get_u64(r);
    q.timestamp = get_u64(r);
    q.certificates = get_u64(r);
    hash_get(r, &q.certificates_root);
    q.crls = get_u64(r);
    hash_get(r, &q.crls_root);
    q.acts_n = get_u16(r);
    const uint8_t *begin = r->p;
    for (unsigned i = 0; i < q.acts_n && r->err == RES_OK; i++) {
        struct act act;
        act_get(r, &act);
    }
    if (r->err != RES_OK)
        return;
    q.acts = span_of(begin, (size_t)(r->p - begin));
    *ret = q;
}

void
recipe_put(struct writer *w, const struct recipe *q)
{
    put_u64(w, q->number);
    put_u64(w, q->timestamp);
    put_u64(w, q->certificates);
    put_bytes(w, hash_span(&q->certificates_root));
    put_u64(w, q->crls);
    put_bytes(w, hash_span(&q->crls_root));
    put_u16(w, q->acts_n);
    put_bytes(w, q->acts);
}

/* ---- the file ---- */

struct recipes {
    int fd;
    bool failed;
    uint64_t number; /* of the record at the cursor */
    uint64_t offset; /* of it */
    uint64_t length; /* of it; 0: there is none */
};

enum result
recipes_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EEXIST ? RES_EXISTS : RES_IO;
    enum result rc = fsync(fd) == 0 ? RES_OK : RES_IO;
    if (close(fd) != 0)
        rc = RES_IO;
    return rc == RES_OK ? files_sync_parent(path) : rc;
}

static enum result
read_at(int fd, uint64_t at, uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? RES_TRUNCATED : RES_IO;
        p += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return RES_OK;
}

/* The record that begins at `at`, parsed; *bytes has its length, body and check.  RES_TRUNCATED
 * when the file ends inside, RES_STORE_DAMAGED when it is none. */
static enum result
read_record(int fd, uint64_t at, struct buf *bytes, struct recipe *ret)
{
    uint8_t head[LENGTH_SIZE];
    enum result rc = read_at(fd, at, head, sizeof(head));

    if (rc != RES_OK)
        return rc;
    struct reader in = reader_of(span_of(head, sizeof(head)));
    size_t n = get_u32(&in);
    if (n < RECIPE_MIN || n > RECIPE_MAX)
        return RES_STORE_DAMAGED;
    buf_clear(bytes);
    rc = buf_reserve(bytes, LENGTH_SIZE + n + CHECK_SIZE);
    if (rc == RES_OK)
        rc = read_at(fd, at, bytes->p, LENGTH_SIZE + n + CHECK_SIZE);
    if (rc != RES_OK)
        return rc;
    bytes->n = LENGTH_SIZE + n + CHECK_SIZE;
    struct hash check;
    hash_sha256(span_of(bytes->p, LENGTH_SIZE + n), &check);
    if (memcmp(check.b, bytes->p + LENGTH_SIZE + n, CHECK_SIZE) != 0)
        return RES_STORE_DAMAGED;
    in = reader_of(span_of(bytes->p + LENGTH_SIZE, n));
    recipe_get(&in, ret);
    return reader_end(&in) == RES_OK ? RES_OK : RES_STORE_DAMAGED;
}

/* Looks at what stands at the cursor.  *ret_whole false: something that is no record. */
static enum result
look(struct recipes *r, bool *ret_whole)
{
    struct buf bytes = BUF_INIT(LENGTH_SIZE + RECIPE_MAX + CHECK_SIZE);
    struct recipe q = {.number = 0};
    struct stat st;
    enum result rc = fstat(r->fd, &st) == 0 ? RES_OK : RES_IO;

    *ret_whole = true;
    r->length = 0;
    if (rc == RES_OK && r->offset > (uint64_t)st.st_size)
        rc = RES_STORE_BEHIND;
    if (rc == RES_OK && r->offset < (uint64_t)st.st_size) {
        rc = read_record(r->fd, r->offset, &bytes, &q);
        if (rc == RES_OK && q.number != r->number)
            rc = RES_STORE_DAMAGED;
        if (rc == RES_OK)
            r->length = bytes.n;
    }
    if (rc == RES_TRUNCATED || rc == RES_STORE_DAMAGED) {
        *ret_whole = false;
        rc = RES_OK;
    }
    buf_release(&bytes);
    return rc;
}

/* Whether a whole record of a later epoch stands in bytes, which begin with what is none. */
static bool
later_stands(const struct recipes *r, struct span bytes)
{
    for (size_t at = 1; bytes.n >= LENGTH_SIZE + RECIPE_MIN + CHECK_SIZE &&
                        at <= bytes.n - LENGTH_SIZE - RECIPE_MIN - CHECK_SIZE;
         at++) {
        struct reader in = reader_of(span_of(bytes.p + at, LENGTH_SIZE + 8));
        size_t n = get_u32(&in);
        uint64_t number = get_u64(&in);
        struct hash check;

        /* So many epochs cannot be missing: each takes a record. */
        if (n < RECIPE_MIN || n > bytes.n - at - LENGTH_SIZE - CHECK_SIZE || number <= r->number ||
            number - r->number > bytes.n)
            continue;
        hash_sha256(span_of(bytes.p + at, LENGTH_SIZE + n), &check);
        if (memcmp(check.b, bytes.p + at + LENGTH_SIZE + n, CHECK_SIZE) == 0)
            return true;
    }
    return false;
}

/*
 * Cuts off what stands at the cursor and is no record, when a crash can have torn it: it is no
 * longer than one, and none stands behind it.  RES_STORE_DAMAGED when it is something else, whose
 * loss would take later recipes along.
 */
static enum result
cut_torn(struct recipes *r, bool read_only)
{
    struct buf bytes = BUF_INIT(LENGTH_SIZE + RECIPE_MAX + CHECK_SIZE);
    struct stat st;
    enum result rc = fstat(r->fd, &st) == 0 ? RES_OK : RES_IO;
    size_t n = rc == RES_OK ? (size_t)((uint64_t)st.st_size - r->offset) : 0;

    if (n > bytes.max)
        return RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = buf_reserve(&bytes, n);
    if (rc == RES_OK)
        rc = read_at(r->fd, r->offset, bytes.p, n);
    if (rc == RES_OK && later_stands(r, span_of(bytes.p, n)))
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK && !read_only &&
        (ftruncate(r->fd, (off_t)r->offset) != 0 || fdatasync(r->fd) != 0))
        rc = RES_IO;
    buf_release(&bytes);
    return rc == RES_TRUNCATED ? RES_IO : rc;
}

enum result
recipes_open(const char *path, uint64_t made, uint64_t offset, bool read_only, struct recipes **ret)
{
    struct recipes *r = calloc(1, sizeof(*r));
    bool whole = true;

    if (r == NULL)
        return RES_MEMORY;
    r->number = made;
    r->offset = offset;
    r->fd = open(path, (read_only ? O_RDONLY : O_RDWR | O_APPEND) | O_CLOEXEC);
    enum result rc = r->fd >= 0 ? RES_OK : errno == ENOENT ? RES_ABSENT : RES_IO;
    if (rc == RES_OK)
        rc = look(r, &whole);
    if (rc == RES_STORE_BEHIND) /* fewer recipes than epochs */
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK && !whole)
        rc = cut_torn(r, read_only);
    if (rc != RES_OK) {
        recipes_close(r);
        return rc;
    }
    *ret = r;
    return RES_OK;
}

void
recipes_close(struct recipes *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r);
}

uint64_t
recipes_offset(const struct recipes *r)
{
    return r->offset + r->length;
}

enum result
recipes_next(struct recipes *r, struct buf *bytes, struct recipe *ret)
{
    if (r->length == 0)
        return RES_ABSENT;
    enum result rc = read_record(r->fd, r->offset, bytes, ret);
    if (rc == RES_TRUNCATED || (rc == RES_OK && ret->number != r->number))
        rc = RES_STORE_DAMAGED;
    return rc;
}

enum result
recipes_pass(struct recipes *r)
{
    bool whole;

    if (r->length == 0)
        return RES_BUG;
    r->offset += r->length;
    r->number++;
    enum result rc = look(r, &whole);
    return rc == RES_OK && !whole ? RES_STORE_DAMAGED : rc;
}

static enum result
encode(const struct recipe *q, struct buf *out)
{
    struct writer w = writer_to(out);
    struct hash check;
    size_t n = RECIPE_MIN + q->acts.n;

    if (n > RECIPE_MAX)
        return RES_TOO_LARGE;
    put_u32(&w, n);
    recipe_put(&w, q);
    enum result rc = writer_end(&w);
    if (rc != RES_OK)
        return rc;
    hash_sha256(buf_span(out), &check);
    return buf_add(out, span_of(check.b, CHECK_SIZE));
}

enum result
recipes_append(struct recipes *r, const struct recipe *q)
{
    struct buf out = BUF_INIT(LENGTH_SIZE + RECIPE_MAX + CHECK_SIZE);

    if (r->failed)
        return RES_IO;
    if (r->length != 0 || q->number != r->number)
        return RES_BUG;
    enum result rc = encode(q, &out);
    if (rc == RES_OK && (files_write(r->fd, buf_span(&out)) != RES_OK || fdatasync(r->fd) != 0)) {
        r->failed = true;
        rc = RES_IO;
    }
    if (rc == RES_OK)
        r->length = out.n;
    buf_release(&out);
    return rc;
}
