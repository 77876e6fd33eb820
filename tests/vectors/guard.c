#include "tests/vectors/guard.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void
guard_init(struct guard *g, size_t max)
{
    g->page = (size_t)sysconf(_SC_PAGESIZE);
    g->size = (max / g->page + 1) * g->page;
    g->map =
        mmap(NULL, g->size + g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g->map == MAP_FAILED || mprotect(g->map + g->size, g->page, PROT_NONE) != 0) {
        perror("guard");
        abort();
    }
}

void
guard_release(struct guard *g)
{
    if (g->map != NULL)
        munmap(g->map, g->size + g->page);
    g->map = NULL;
}

struct span
guard_put(struct guard *g, struct span s)
{
    uint8_t *p = g->map + g->size - s.n;

    assert(s.n <= g->size);
    /* A byte read before the input is no input either. */
    memset(g->map, 0xa5, g->size - s.n);
    if (s.n > 0)
        memmove(p, s.p, s.n);
    return span_of(p, s.n);
}
