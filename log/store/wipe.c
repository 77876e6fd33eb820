#include "log/store/wipe.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A page's head: its number, a pad, flags, then where the room between its nodes begins and ends,
 * or, of the first of a value's own pages, how many these are. */
#define HEAD_SIZE 16
#define PAGE_BRANCH 0x01
#define PAGE_LEAF 0x02
#define PAGE_OVERFLOW 0x04
/* The two pages that lead to all others. */
#define FIRST_PAGE 2
#define ZEROS_SIZE 65536

struct head {
    uint64_t number;
    uint16_t pad, flags;
    union {
        struct {
            uint16_t lower, upper;
        } room;
        uint32_t pages;
    } u;
};

_Static_assert(sizeof(struct head) == HEAD_SIZE, "LMDB's page head");

struct wipe {
    int fd;
    size_t page_size;
    uint64_t pages;
    uint8_t *is_free; /* a bit for each page */
    uint8_t *zeros;   /* ZEROS_SIZE of them */
};

static enum result
write_zeros(const struct wipe *w, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t n = to - from < ZEROS_SIZE ? to - from : ZEROS_SIZE;
        ssize_t done = pwrite(w->fd, w->zeros, (size_t)n, (off_t)from);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return RES_IO;
        from += (uint64_t)done;
    }
    return RES_OK;
}

static enum result
on_file(void *arg, int fd, size_t page_size, uint64_t pages)
{
    struct wipe *w = arg;
    struct stat st;

    w->fd = fd;
    w->page_size = page_size;
    w->pages = pages;
    w->is_free = calloc(1, (size_t)(pages / 8 + 1));
    w->zeros = calloc(1, ZEROS_SIZE);
    if (w->is_free == NULL || w->zeros == NULL)
        return RES_MEMORY;
    if (fstat(fd, &st) != 0)
        return RES_IO;
    /* Pages of a transaction that came to nothing. */
    return write_zeros(w, pages * page_size, (uint64_t)st.st_size);
}

static enum result
on_free_page(void *arg, uint64_t page)
{
    struct wipe *w = arg;

    if (page < FIRST_PAGE || page >= w->pages)
        return RES_STORE_DAMAGED;
    w->is_free[page / 8] |= (uint8_t)(1u << page % 8);
    return write_zeros(w, page * w->page_size, (page + 1) * w->page_size);
}

/* A value that has pages of its own begins behind the head of the first. */
static enum result
on_value(void *arg, struct span value)
{
    const struct wipe *w = arg;
    struct head head;

    if ((uintptr_t)value.p % w->page_size != HEAD_SIZE)
        return RES_OK;
    memcpy(&head, value.p - HEAD_SIZE, sizeof(head));
    uint64_t end = head.number * w->page_size + HEAD_SIZE + value.n;
    if (!(head.flags & PAGE_OVERFLOW) || head.number >= w->pages ||
        head.u.pages > w->pages - head.number || end > (head.number + head.u.pages) * w->page_size)
        return RES_STORE_DAMAGED;
    return write_zeros(w, end, (head.number + head.u.pages) * w->page_size);
}

static enum result
read_head(const struct wipe *w, uint64_t page, struct head *ret)
{
    ssize_t n;

    do
        n = pread(w->fd, ret, sizeof(*ret), (off_t)(page * w->page_size));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*ret))
        return n < 0 ? RES_IO : RES_STORE_DAMAGED;
    return ret->number == page ? RES_OK : RES_STORE_DAMAGED;
}

/* The room between the nodes of each page of a tree. */
static enum result
wipe_rooms(const struct wipe *w)
{
    enum result r = RES_OK;

    for (uint64_t page = FIRST_PAGE; page < w->pages && r == RES_OK;) {
        uint64_t at = page * w->page_size;
        struct head head;

        if (w->is_free[page / 8] >> page % 8 & 1) {
            page++;
            continue;
        }
        r = read_head(w, page, &head);
        if (r == RES_OK && head.flags & PAGE_OVERFLOW && head.u.pages > 0) {
            page += head.u.pages;
            continue;
        }
        if (r == RES_OK &&
            (!(head.flags & (PAGE_BRANCH | PAGE_LEAF)) || head.u.room.lower < HEAD_SIZE ||
             head.u.room.lower > head.u.room.upper || head.u.room.upper > w->page_size))
            r = RES_STORE_DAMAGED;
        if (r == RES_OK)
            r = write_zeros(w, at + head.u.room.lower, at + head.u.room.upper);
        page++;
    }
    return r;
}

enum result
wipe_unused(struct lmdb *env)
{
    struct wipe w = {.fd = -1};
    const struct lmdb_visitor visitor = {on_file, on_free_page, on_value, &w};
    enum result r = lmdb_visit(env, &visitor);

    /* Nobody writes meanwhile: what was seen is as it was. */
    if (r == RES_OK)
        r = wipe_rooms(&w);
    if (r == RES_OK && fdatasync(w.fd) != 0)
        r = RES_IO;
    free(w.is_free);
    free(w.zeros);
    return r;
}
