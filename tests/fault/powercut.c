/*
 * Preloaded into a server, records what it does to the files below one directory and what leaves
 * through its sockets, in one order.  replay.c then cuts the power at any point of the recording.
 *
 *   POWERCUT_DIR     absolute path of the directory
 *   POWERCUT_LOG     file the recording goes to
 *   POWERCUT_NOSYNC  set: fsync and fdatasync do nothing and say yes, as in a build without them
 *
 * One lock is held over each write and its record, so that the recording's order is the files'
 * order.  A sync is recorded when it has returned, with the place where it began: it vouches for
 * what was written before that. Writes by libc itself (stdio) do not come by here.
 */
#include "tests/fault/powercut_format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 4096
#define ANSWER_MAX 65536

struct slot {
    bool inside; /* a file or directory below POWERCUT_DIR */
    bool sync;   /* opened O_DSYNC or O_SYNC */
    bool append;
    uint64_t file;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[FDS_MAX];
static char top[PATH_MAX];
static size_t top_n;
static int out = -1;
static uint64_t records;
static bool nosync;

/* Everything here goes by raw system calls: the names are taken. */
static void
raw_write(const void *p, size_t n)
{
    const char *c = p;
    while (n > 0) {
        long w = syscall(SYS_write, out, c, n);
        if (w <= 0)
            abort();
        c += w;
        n -= (size_t)w;
    }
}

static void
record(enum pc_kind kind, uint64_t file, uint64_t a, uint64_t b, const void *p, size_t n)
{
    struct pc_record r = {(uint32_t)kind, (uint32_t)n, file, a, b};
    records++;
    raw_write(&r, sizeof r);
    raw_write(p, n);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *dir = getenv("POWERCUT_DIR"), *log = getenv("POWERCUT_LOG");
    nosync = getenv("POWERCUT_NOSYNC") != NULL;
    if (dir == NULL || log == NULL)
        return;
    top_n = strlen(dir);
    memcpy(top, dir, top_n + 1);
    int fd =
        (int)syscall(SYS_openat, AT_FDCWD, log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    out = fd < 0 ? -1 : (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FDS_MAX - 1);
    if (out < 0)
        out = fd;
}

/* The absolute path of a name that need not exist; false when it lies outside. */
static bool
inside(int dirfd, const char *name, char *ret)
{
    char dir[PATH_MAX] = "";
    if (out < 0)
        return false;
    if (name[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, dirfd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
                 dirfd);
        ssize_t n = readlink(link, dir, sizeof dir - 2);
        if (n < 0)
            return false;
        dir[n] = '/';
        dir[n + 1] = 0;
    }
    if ((size_t)snprintf(ret, PATH_MAX, "%s%s", dir, name) >= PATH_MAX)
        return false;
    return strncmp(ret, top, top_n) == 0 && (ret[top_n] == '/' || ret[top_n] == 0);
}

static void
note_open(int fd, const char *path, int flags, bool existed)
{
    struct stat st;
    if (fd >= FDS_MAX || fstat(fd, &st) != 0)
        return;
    slots[fd] = (struct slot){.inside = true,
                              .sync = (flags & (O_DSYNC | O_SYNC)) != 0,
                              .append = (flags & O_APPEND) != 0,
                              .file = st.st_ino};
    record(PC_OPEN, st.st_ino,
           !existed                 ? 1
           : (flags & O_TRUNC) != 0 ? 2
                                    : 0,
           0, path, strlen(path));
}

static int
open_any(int dirfd, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    if (!inside(dirfd, name, path))
        return (int)syscall(SYS_openat, dirfd, name, flags, mode);
    pthread_mutex_lock(&lock);
    bool existed = syscall(SYS_access, path, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
    if (fd >= 0)
        note_open(fd, path, flags, existed);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE_ARGUMENT(flags, mode)              \
    mode_t mode = 0;                            \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) { \
        va_list ap;                             \
        va_start(ap, flags);                    \
        mode = va_arg(ap, mode_t);              \
        va_end(ap);                             \
    }

int
open(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags, mode)
    return open_any(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags, mode)
    return open_any(AT_FDCWD, path, flags, mode);
}

int
openat(int dirfd, const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags, mode)
    return open_any(dirfd, path, flags, mode);
}

int
openat64(int dirfd, const char *path, int flags, ...)
{
    MODE_ARGUMENT(flags, mode)
    return open_any(dirfd, path, flags, mode);
}

/* What open and openat become where _FORTIFY_SOURCE cannot see the flags: no file is made by these.
 */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

int
__open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
    return open_any(dirfd, path, flags, 0);
}

int
__openat64_2(int dirfd, const char *path, int flags)
{
    return open_any(dirfd, path, flags, 0);
}

int
close(int fd)
{
    if (fd >= 0 && fd == out)
        return 0;
    if (fd >= 0 && fd < FDS_MAX)
        slots[fd].inside = false;
    return (int)syscall(SYS_close, fd);
}

static bool
is_inside(int fd)
{
    return out >= 0 && fd >= 0 && fd < FDS_MAX && slots[fd].inside;
}

/* Joins the pieces, the first n bytes of them; owned by the caller. */
static uint8_t *
join(const struct iovec *iov, int parts, size_t n)
{
    uint8_t *p = malloc(n + 1);
    size_t at = 0;
    if (p == NULL)
        abort();
    for (int i = 0; i < parts && at < n; i++) {
        size_t take = iov[i].iov_len < n - at ? iov[i].iov_len : n - at;
        memcpy(p + at, iov[i].iov_base, take);
        at += take;
    }
    return p;
}

static size_t
total(const struct iovec *iov, int parts)
{
    size_t n = 0;
    for (int i = 0; i < parts; i++)
        n += iov[i].iov_len;
    return n;
}

/* A write to a file inside; at < 0: at the descriptor's own place. */
static ssize_t
write_file(int fd, const struct iovec *iov, int parts, off_t at)
{
    pthread_mutex_lock(&lock);
    off_t where =
        at >= 0 ? at : (off_t)syscall(SYS_lseek, fd, 0, slots[fd].append ? SEEK_END : SEEK_CUR);
    ssize_t n =
        at >= 0 ? syscall(SYS_pwritev, fd, iov, parts, at, 0) : syscall(SYS_writev, fd, iov, parts);
    int saved = errno;
    if (n > 0) {
        uint8_t *p = join(iov, parts, (size_t)n);
        record(PC_WRITE, slots[fd].file, (uint64_t)where, slots[fd].sync, p, (size_t)n);
        free(p);
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return n;
}

/* What leaves through a socket is recorded before it leaves. */
static void
note_answer(int fd, const struct iovec *iov, int parts)
{
    struct stat st;
    if (out < 0 || fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    size_t n = total(iov, parts);
    if (n > ANSWER_MAX)
        n = ANSWER_MAX;
    uint8_t *p = join(iov, parts, n);
    pthread_mutex_lock(&lock);
    record(PC_ANSWER, 0, 0, 0, p, n);
    pthread_mutex_unlock(&lock);
    free(p);
}

ssize_t
write(int fd, const void *p, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    if (is_inside(fd))
        return write_file(fd, &v, 1, -1);
    note_answer(fd, &v, 1);
    return syscall(SYS_write, fd, p, n);
}

ssize_t
writev(int fd, const struct iovec *iov, int parts)
{
    if (is_inside(fd))
        return write_file(fd, iov, parts, -1);
    note_answer(fd, iov, parts);
    return syscall(SYS_writev, fd, iov, parts);
}

static ssize_t
pwrite_any(int fd, const void *p, size_t n, off_t at)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    if (is_inside(fd))
        return write_file(fd, &v, 1, at);
    return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite_any(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return pwrite_any(fd, p, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int parts, off_t at)
{
    return is_inside(fd) ? write_file(fd, iov, parts, at)
                         : syscall(SYS_pwritev, fd, iov, parts, at, 0);
}

ssize_t
pwritev64(int fd, const struct iovec *iov, int parts, off64_t at)
{
    return pwritev(fd, iov, parts, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    note_answer(fd, &v, 1);
    return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
    note_answer(fd, m->msg_iov, (int)m->msg_iovlen);
    return syscall(SYS_sendmsg, fd, m, flags);
}

int
ftruncate(int fd, off_t size)
{
    if (!is_inside(fd))
        return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    int rc = (int)syscall(SYS_ftruncate, fd, size);
    if (rc == 0)
        record(PC_SIZE, slots[fd].file, (uint64_t)size, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return rc;
}

int
ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

static int
sync_any(int fd, long call)
{
    if (nosync)
        return 0;
    if (!is_inside(fd))
        return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    uint64_t began = records;
    pthread_mutex_unlock(&lock);
    int rc = (int)syscall(call, fd);
    if (rc == 0) {
        pthread_mutex_lock(&lock);
        record(PC_SYNC, slots[fd].file, began, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return rc;
}

int
fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

int
fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    char paths[2 * PATH_MAX], target[PATH_MAX];
    if (!inside(from_dir, from, paths) || !inside(to_dir, to, target))
        return (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
    size_t n = strlen(paths) + 1;
    memcpy(paths + n, target, strlen(target));
    pthread_mutex_lock(&lock);
    int rc = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
    if (rc == 0)
        record(PC_RENAME, 0, 0, 0, paths, n + strlen(target));
    pthread_mutex_unlock(&lock);
    return rc;
}

int
rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
unlinkat(int dirfd, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!inside(dirfd, name, path))
        return (int)syscall(SYS_unlinkat, dirfd, name, flags);
    pthread_mutex_lock(&lock);
    int rc = (int)syscall(SYS_unlinkat, dirfd, name, flags);
    if (rc == 0)
        record(PC_UNLINK, 0, 0, 0, path, strlen(path));
    pthread_mutex_unlock(&lock);
    return rc;
}

int
unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}
