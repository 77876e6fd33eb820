#include "client/io/statefile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_HERE 200
#define READ_STEP 65536
#define LOCK_STEP_MS 50

/* Makes dir and what is missing above it. */
static enum result
make_path(const char *dir)
{
    char path[PATH_MAX];
    size_t n = strlen(dir);
    if (n == 0 || n >= sizeof path) {
        errno = ENAMETOOLONG;
        return RES_IO;
    }
    memcpy(path, dir, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        char c = path[i];
        path[i] = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return RES_IO;
        path[i] = c;
    }
    return RES_OK;
}

static enum result
take_lock(int fd, unsigned wait_ms)
{
    for (unsigned waited = 0;; waited += LOCK_STEP_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return RES_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return RES_IO;
        if (waited >= wait_ms)
            return RES_BUSY;
        const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
        (void)nanosleep(&step, NULL);
    }
}

enum result
statedir_open(const char *dir, unsigned wait_ms, struct statedir *ret)
{
    struct statedir d = STATEDIR_INIT;
    enum result r = make_path(dir);
    if (r != RES_OK)
        return r;
    d.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d.fd < 0)
        return RES_IO;
    d.lock = openat(d.fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    r = d.lock < 0 ? RES_IO : take_lock(d.lock, wait_ms);
    if (r == RES_OK) {
        *ret = d;
        return r;
    }
    int saved = errno;
    statedir_close(&d);
    errno = saved;
    return r;
}

void
statedir_close(struct statedir *d)
{
    if (d->lock >= 0)
        (void)close(d->lock);
    if (d->fd >= 0)
        (void)close(d->fd);
    *d = STATEDIR_INIT;
}

static enum result
read_all(int fd, struct buf *out)
{
    for (;;) {
        uint8_t step[READ_STEP];
        ssize_t n = read(fd, step, sizeof step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return RES_IO;
        if (n == 0)
            return RES_OK;
        enum result r = buf_add(out, span_of(step, (size_t)n));
        if (r != RES_OK)
            return r;
    }
}

static enum result
read_at(int dir, const char *path, struct buf *out)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? RES_ABSENT : RES_IO;
    enum result r = read_all(fd, out);
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return r;
}

enum result
statedir_read(const struct statedir *d, const char *name, struct buf *out)
{
    return read_at(d->fd, name, out);
}

enum result
file_read(const char *path, struct buf *out)
{
    return strcmp(path, "-") == 0 ? read_all(STDIN_FILENO, out) : read_at(AT_FDCWD, path, out);
}

static enum result
write_all(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RES_IO;
        s = span_of(s.p + n, s.n - (size_t)n);
    }
    return RES_OK;
}

/*
 * A new file, never one that is there: in a directory that others write to, a link of that name
 * would lead our bytes elsewhere.  What our own crashed run left behind is removed.
 */
static int
open_temporary(int dir, const char *name)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;
    int fd = openat(dir, name, flags, 0600);
    if (fd >= 0 || errno != EEXIST)
        return fd;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (!S_ISREG(st.st_mode) || st.st_uid != geteuid())) {
        errno = EEXIST;
        return -1;
    }
    if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
        return -1;
    return openat(dir, name, flags, 0600);
}

enum result
statedir_write(const struct statedir *d, const char *name, struct span bytes)
{
    char temporary[NAME_MAX_HERE + 8];
    assert(strlen(name) < NAME_MAX_HERE);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = open_temporary(d->fd, temporary);
    if (fd < 0)
        return RES_IO;
    enum result r = write_all(fd, bytes);
    if (r == RES_OK && fsync(fd) != 0)
        r = RES_IO;
    if (close(fd) != 0)
        r = RES_IO;
    /* Before the rename the old bytes are the file, after it the new ones, which are on the disk
     * already. */
    if (r == RES_OK && renameat(d->fd, temporary, d->fd, name) != 0)
        r = RES_IO;
    if (r == RES_OK && fsync(d->fd) != 0)
        r = RES_IO;
    if (r != RES_OK) {
        int saved = errno;
        (void)unlinkat(d->fd, temporary, 0);
        errno = saved;
    }
    return r;
}
