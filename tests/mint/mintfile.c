#include "tests/mint/mintfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_SIZE 8
#define HEAD_SIZE (MAGIC_SIZE + 4)

static const uint8_t MAGIC[MAGIC_SIZE] = {'M', 'I', 'N', 'T', 'E', 'D', 0, 1};

static uint32_t
load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
store_u32(FILE *out, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    return fwrite(b, 1, sizeof b, out) == sizeof b;
}

/* Takes one cert at f->next. */
static bool
take(struct mint_file *f, struct span *ret)
{
    size_t left = (size_t)(f->map.p + f->map.n - f->next);
    size_t n;

    if (left < 4) {
        return false;
    }
    n = load_u32(f->next);
    if (n > left - 4) {
        return false;
    }
    *ret = span_of(f->next + 4, n);
    f->next += 4 + n;
    return true;
}

static bool
map_file(const char *path, struct span *ret)
{
    struct stat st;
    void *p = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (p == MAP_FAILED) {
        return false;
    }
    *ret = span_of(p, (size_t)st.st_size);
    return true;
}

void
mint_file_rewind(struct mint_file *f)
{
    f->next = f->root.p + f->root.n;
    f->read = 0;
}

bool
mint_file_open(struct mint_file *f, const char *path)
{
    *f = (struct mint_file){0};
    if (!map_file(path, &f->map)) {
        return false;
    }
    if (f->map.n < HEAD_SIZE || memcmp(f->map.p, MAGIC, MAGIC_SIZE) != 0) {
        mint_file_close(f);
        return false;
    }
    f->count = load_u32(f->map.p + MAGIC_SIZE);
    f->next = f->map.p + HEAD_SIZE;
    if (!take(f, &f->intermediate) || !take(f, &f->root)) {
        mint_file_close(f);
        return false;
    }
    return true;
}

bool
mint_file_next(struct mint_file *f, struct span *leaf)
{
    if (f->read == f->count || !take(f, leaf)) {
        return false;
    }
    f->read++;
    return true;
}

void
mint_file_skip(struct mint_file *f, uint32_t n)
{
    struct span leaf;

    while (n > 0 && mint_file_next(f, &leaf)) {
        n--;
    }
}

void
mint_file_close(struct mint_file *f)
{
    if (f->map.p != NULL) {
        munmap((void *)(uintptr_t)f->map.p, f->map.n);
    }
    *f = (struct mint_file){0};
}

bool
mint_file_put(FILE *out, struct span der)
{
    return store_u32(out, (uint32_t)der.n) && fwrite(der.p, 1, der.n, out) == der.n;
}

bool
mint_file_begin(FILE *out, uint32_t count, struct span intermediate, struct span root)
{
    return fwrite(MAGIC, 1, MAGIC_SIZE, out) == MAGIC_SIZE && store_u32(out, count) &&
           mint_file_put(out, intermediate) && mint_file_put(out, root);
}
