#include "tests/fault/failalloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The names are the linker's: --wrap=malloc. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static atomic_size_t count;
static atomic_size_t fail_at;

void
failalloc_at(size_t nth)
{
    atomic_store(&count, 0);
    atomic_store(&fail_at, nth);
}

size_t
failalloc_count(void)
{
    return atomic_load(&count);
}

static bool
fails(void)
{
    if (atomic_fetch_add(&count, 1) + 1 != atomic_load(&fail_at))
        return false;
    errno = ENOMEM;
    return true;
}

void *
__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}
