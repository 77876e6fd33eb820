#include "log/highwater.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/files.h"
#include "merkle/base/text.h"

/* Begun anew beyond this size; a line has some 80 bytes. */
#define FILE_GROWN (4 * 1024 * 1024)
#define FILE_MAX_HERE (2 * FILE_GROWN)

struct highwater {
    int fd;
    size_t size;
    bool failed;
    char path[FILES_PATH_MAX];
};

static bool
take_field(struct span *rest, char end, struct span *ret)
{
    const uint8_t *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
    if (!at)
        return false;
    size_t n = (size_t)(at - rest->p);
    *ret = span_of(rest->p, n);
    *rest = span_of(at + 1, rest->n - n - 1);
    return true;
}

/* Reads whole lines only; the last one counts. */
static enum result
parse(struct span text, struct highwater_mark *ret, bool *ret_found)
{
    struct span line;
    while (take_field(&text, '\n', &line)) {
        struct span size, timestamp, rest = line;
        if (!take_field(&rest, ' ', &size) || !take_field(&rest, ' ', &timestamp))
            return RES_ENCODING;
        enum result rc = text_u64(size, UINT64_MAX, &ret->size);
        if (rc == RES_OK)
            rc = text_u64(timestamp, UINT64_MAX, &ret->timestamp);
        if (rc == RES_OK)
            rc = text_unbase64_exact(rest, ret->root.b, HASH_SIZE);
        if (rc != RES_OK)
            return RES_ENCODING;
        *ret_found = true;
    }
    return RES_OK;
}

static enum result
format(const struct highwater_mark *mark, struct buf *out)
{
    enum result rc = buf_printf(out, "%" PRIu64 " %" PRIu64 " ", mark->size, mark->timestamp);
    if (rc == RES_OK)
        rc = text_base64(hash_span(&mark->root), out);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n");
    return rc;
}

/* Replaces the file by its last mark: drops what a crash cut short, and keeps it small. */
static enum result
begin_anew(struct highwater *h, const struct highwater_mark *mark)
{
    struct buf line = BUF_INIT(256);
    enum result rc = mark ? format(mark, &line) : RES_OK;
    if (rc == RES_OK)
        rc = files_replace(h->path, buf_span(&line), 0644);
    if (h->fd >= 0)
        (void)close(h->fd);
    h->fd = rc == RES_OK ? open(h->path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    h->size = line.n;
    buf_release(&line);
    if (rc == RES_OK && h->fd < 0)
        rc = RES_IO;
    return rc;
}

enum result
highwater_open(const char *path, struct highwater **ret, struct highwater_mark *ret_mark,
               bool *ret_found)
{
    struct highwater *h = calloc(1, sizeof(*h));
    if (!h)
        return RES_MEMORY;
    h->fd = -1;
    struct buf text = BUF_INIT(FILE_MAX_HERE);
    int n = snprintf(h->path, sizeof(h->path), "%s", path);
    enum result rc = n > 0 && n < FILES_PATH_MAX ? files_read(path, &text) : RES_TOO_LARGE;
    if (rc == RES_ABSENT)
        rc = RES_OK;
    *ret_found = false;
    if (rc == RES_OK)
        rc = parse(buf_span(&text), ret_mark, ret_found);
    if (rc == RES_OK)
        rc = begin_anew(h, *ret_found ? ret_mark : NULL);
    buf_release(&text);
    if (rc != RES_OK) {
        highwater_close(h);
        return rc;
    }
    *ret = h;
    return RES_OK;
}

enum result
highwater_append(struct highwater *h, const struct highwater_mark *mark)
{
    if (h->failed)
        return RES_IO;
    if (h->size > FILE_GROWN) {
        enum result rc = begin_anew(h, mark);
        h->failed = rc != RES_OK;
        return rc;
    }
    struct buf line = BUF_INIT(256);
    enum result rc = format(mark, &line);
    if (rc == RES_OK)
        rc = files_write(h->fd, buf_span(&line));
    if (rc == RES_OK && fdatasync(h->fd) != 0)
        rc = RES_IO;
    h->size += line.n;
    buf_release(&line);
    h->failed = rc != RES_OK;
    return rc;
}

void
highwater_close(struct highwater *h)
{
    if (!h)
        return;
    if (h->fd >= 0)
        (void)close(h->fd);
    free(h);
}
