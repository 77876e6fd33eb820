/*
 * Runs a fuzz target over files and directories, without a fuzzer: so that every build replays the
 * corpus.
 *
 * Each input ends flush against a page that cannot be read: one byte too far is a crash, sanitizer
 * or not.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long inputs;

static bool
run_bytes(int fd, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (n + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0)
        return false;
    uint8_t *data = map + room - n;
    bool ok = n == 0 || read(fd, data, n) == (ssize_t)n;
    if (ok) {
        (void)LLVMFuzzerTestOneInput(data, n);
        inputs++;
    }
    munmap(map, room + page);
    return ok;
}

static bool run(const char *path);

static bool
run_directory(const char *path)
{
    DIR *d = opendir(path);
    bool ok = d != NULL;
    for (struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        char name[4096];
        if (e->d_name[0] == '.')
            continue;
        ok = (size_t)snprintf(name, sizeof name, "%s/%s", path, e->d_name) < sizeof name &&
             run(name);
    }
    if (d != NULL)
        closedir(d);
    return ok;
}

static bool
run(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok && S_ISDIR(st.st_mode))
        ok = run_directory(path);
    else if (ok)
        ok = run_bytes(fd, (size_t)st.st_size);
    if (!ok)
        perror(path);
    if (fd >= 0)
        close(fd);
    return ok;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!run(argv[i]))
            return 2;
    printf("%lu inputs\n", inputs);
    return inputs == 0 ? 1 : 0;
}
