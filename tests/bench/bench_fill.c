/*
 * bench_fill FOLDER LABELS [ENTRIES]: fills a key directory for bench_directory; says what it took
 * and what it takes on the disk.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/bench/bench.h"
#include "tests/bench/filled.h"

static double
bytes_of(const char *dir, const char *name)
{
    struct stat s;
    char path[512];

    snprintf(path, sizeof path, "%s/directory/%s", dir, name);
    BENCH_NEED(stat(path, &s) == 0);
    return (double)s.st_blocks * 512;
}

int
main(int argc, char **argv)
{
    struct filled_size n = {.end_ms = (uint64_t)time(NULL) * 1000};
    struct rusage u;
    double begin = bench_cpu();

    BENCH_NEED(argc >= 3);
    n.labels = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        n.entries = strtoull(argv[3], NULL, 10);
    filled_make(argv[1], n);
    printf("fill_cpu_s %.1f\n", bench_cpu() - begin);
    printf("store_bytes %.0f\nindex_bytes %.0f\nkeys_bytes %.0f\n", bytes_of(argv[1], "data.mdb"),
           bytes_of(argv[1], "index/data.mdb"), bytes_of(argv[1], "keys"));
    BENCH_NEED(getrusage(RUSAGE_SELF, &u) == 0);
    printf("fill_max_rss_kb %ld\n", u.ru_maxrss);
    return 0;
}
