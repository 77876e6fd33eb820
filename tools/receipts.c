#include "tools/receipts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/io/statefile.h"
#include "client/json.h"

static int
compare(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    size_t n = x->label.n < y->label.n ? x->label.n : y->label.n;
    int c = n == 0 ? 0 : memcmp(x->label.p, y->label.p, n);
    return c != 0 ? c : (x->label.n > y->label.n) - (x->label.n < y->label.n);
}

/* The JSON text of the "file" member, as receipt_write puts it: the first member.  Other lines are
 * not ours to resume. */
static struct span
label_of(struct span line)
{
    static const char head[] = "{\"file\":";
    size_t begin = sizeof head - 1;
    if (line.n <= begin || memcmp(line.p, head, begin) != 0 || line.p[begin] != '"')
        return span_of(NULL, 0);
    for (size_t i = begin + 1; i < line.n; i++) {
        if (line.p[i] == '\\')
            i++;
        else if (line.p[i] == '"')
            return span_of(line.p + begin, i + 1 - begin);
    }
    return span_of(NULL, 0);
}

static enum result
index_lines(struct receipts *r)
{
    size_t lines = 0;
    for (size_t i = 0; i < r->old.n; i++)
        lines += r->old.p[i] == '\n';
    r->lines = calloc(lines + 1, sizeof *r->lines);
    if (r->lines == NULL)
        return RES_MEMORY;
    for (size_t at = 0; at < r->old.n;) {
        const uint8_t *nl = memchr(r->old.p + at, '\n', r->old.n - at);
        if (nl == NULL)
            break;
        struct span line = span_of(r->old.p + at, (size_t)(nl - r->old.p) - at);
        struct span label = label_of(line);
        if (label.n > 0)
            r->lines[r->n++] = (struct line){.label = label, .line = line};
        at += line.n + 1;
    }
    qsort(r->lines, r->n, sizeof *r->lines, compare);
    return RES_OK;
}

enum result
receipts_open(const char *path, struct receipts *ret)
{
    *ret = (struct receipts){.fd = STDOUT_FILENO, .old = BUF_INIT(RECEIPTS_MAX)};
    if (path == NULL)
        return RES_OK;
    enum result r = file_read(path, &ret->old);
    if (r != RES_OK && r != RES_ABSENT)
        return r;
    ret->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ret->is_file = ret->fd >= 0;
    if (ret->fd < 0)
        return RES_IO;
    const uint8_t *last = ret->old.n == 0 ? NULL : memrchr(ret->old.p, '\n', ret->old.n);
    size_t whole = last == NULL ? 0 : (size_t)(last - ret->old.p) + 1;
    ret->torn = ret->old.n - whole;
    if (ret->torn > 0 && ftruncate(ret->fd, (off_t)whole) != 0)
        return RES_IO;
    return index_lines(ret);
}

struct span
receipts_find(const struct receipts *r, const char *file)
{
    struct buf label = BUF_INIT(RECEIPT_MAX);
    struct span found = span_of(NULL, 0);
    if (r->n > 0 && json_write_string(span_str(file), &label) == RES_OK) {
        const struct line key = {.label = buf_span(&label)};
        const struct line *line = bsearch(&key, r->lines, r->n, sizeof *r->lines, compare);
        if (line != NULL)
            found = line->line;
    }
    buf_release(&label);
    return found;
}

enum result
receipts_append(struct receipts *r, const struct receipt *receipt)
{
    struct buf line = BUF_INIT((size_t)2 * RECEIPT_MAX);
    enum result rc = receipt_write(receipt, &line);
    for (size_t at = 0; rc == RES_OK && at < line.n;) {
        ssize_t n = write(r->fd, line.p + at, line.n - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            rc = RES_IO;
        else
            at += (size_t)n;
    }
    buf_release(&line);
    return rc;
}

enum result
receipts_close(struct receipts *r)
{
    enum result rc = RES_OK;
    if (r->is_file && fsync(r->fd) != 0 && errno != EINVAL && errno != EROFS)
        rc = RES_IO;
    if (r->is_file && close(r->fd) != 0)
        rc = RES_IO;
    buf_release(&r->old);
    free(r->lines);
    *r = (struct receipts){.fd = STDOUT_FILENO};
    return rc;
}
