/*
 * A clock that a test can turn: preloaded into cartularyd, it adds to CLOCK_REALTIME the seconds
 * that stand, eight bytes in the machine's order, in the file that CLOCKSHIFT names.  The file is
 * mapped: what the test writes counts at once.  Every other clock is left alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void
map_shift(void)
{
    const char *path = getenv("CLOCKSHIFT");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        abort();
    close(fd);
    shift = p;
}

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret);

    if (r == 0 && clock == CLOCK_REALTIME)
        ret->tv_sec += *shift;
    return r;
}

time_t
time(time_t *ret)
{
    struct timespec now;
    time_t t = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : (time_t)-1;

    if (ret != NULL)
        *ret = t;
    return t;
}
