#include "tests/vectors/testdata.h"

#include "merkle/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)64 << 20)

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *format, ...)
{
    va_list ap;

    fputs("test data: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

static bool
is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *
testdata_root(void)
{
    static char root[TESTDATA_PATH_MAX / 2];
    const char *named = getenv("CARTULARY_TESTDATA"), *source = getenv("CARTULARY_SOURCE");
    int n;

    if (source == NULL || *source == '\0')
        source = CARTULARY_SOURCE_DIR;
    if (named != NULL && *named != '\0')
        n = snprintf(root, sizeof(root), "%s", named);
    else
        n = snprintf(root, sizeof(root), "%s/../shared", source);
    if (n < 0 || (size_t)n >= sizeof(root))
        die("the path is too long");
    return is_directory(root) ? root : NULL;
}

void
testdata_path(const char *relative, char out[static TESTDATA_PATH_MAX])
{
    const char *root = testdata_root();
    int n;

    if (root == NULL)
        die("there is none; begin the test with TESTDATA_OR_SKIP()");
    n = snprintf(out, TESTDATA_PATH_MAX, "%s/%s", root, relative);
    if (n < 0 || n >= TESTDATA_PATH_MAX)
        die("the path of %s is too long", relative);
}

void
testdata_load(const char *relative, struct buf *ret)
{
    char path[TESTDATA_PATH_MAX];
    uint8_t part[65536];
    size_t n;
    FILE *f;

    testdata_path(relative, path);
    buf_init(ret, FILE_MAX);
    f = fopen(path, "rbe");
    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        if (buf_add(ret, span_of(part, n)) != RES_OK)
            die("%s: too large", path);
    if (ferror(f))
        die("%s: %s", path, strerror(errno));
    fclose(f);
}

cJSON *
testdata_json(const char *relative)
{
    struct buf text;
    cJSON *json;

    testdata_load(relative, &text);
    if (buf_add(&text, span_of("", 1)) != RES_OK)
        die("%s: too large", relative);
    json = cJSON_ParseWithLengthOpts((const char *)text.p, text.n, NULL, 1);
    if (json == NULL)
        die("%s: not one JSON value", relative);
    buf_release(&text);
    return json;
}

const cJSON *
testdata_member(const cJSON *object, const char *name)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, name);

    if (m == NULL)
        die("no member %s", name);
    return m;
}

const char *
testdata_string(const cJSON *object, const char *name)
{
    const cJSON *m = testdata_member(object, name);

    if (!cJSON_IsString(m))
        die("%s is not a string", name);
    return m->valuestring;
}

uint64_t
testdata_u64(const cJSON *object, const char *name)
{
    const cJSON *m = testdata_member(object, name);

    if (!cJSON_IsNumber(m) || !(m->valuedouble >= 0) || !(m->valuedouble < 9007199254740992.0))
        die("%s is not a number that a double holds exactly", name);
    if ((double)(uint64_t)m->valuedouble < m->valuedouble)
        die("%s is not a whole number", name);
    return (uint64_t)m->valuedouble;
}

bool
testdata_flag(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

void
testdata_hex(const char *text, struct buf *ret)
{
    size_t n = strlen(text);
    char digits[2];
    uint8_t b;

    buf_clear(ret);
    if (n % 2 != 0)
        die("hex of odd length: %s", text);
    for (size_t i = 0; i < n; i += 2) {
        for (size_t k = 0; k < 2; k++) {
            digits[k] = text[i + k];
            if ('A' <= digits[k] && digits[k] <= 'F')
                digits[k] = (char)(digits[k] - 'A' + 'a');
        }
        if (text_unhex(span_of(digits, 2), &b, 1) != RES_OK)
            die("not hex: %s", text);
        if (buf_add(ret, span_of(&b, 1)) != RES_OK)
            die("hex too long for its buffer");
    }
}

void
testdata_base64(const char *text, struct buf *ret)
{
    buf_clear(ret);
    if (text_unbase64(span_str(text), ret) != RES_OK)
        die("not base64, or too long for its buffer: %s", text);
}

static bool
ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);

    return n >= k && strcmp(name + n - k, suffix) == 0;
}

static int
not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

size_t
testdata_each(const char *directory, const char *suffix, testdata_file_fn *each, void *arg)
{
    char path[TESTDATA_PATH_MAX], below[TESTDATA_PATH_MAX];
    struct dirent **names;
    size_t count = 0;
    int n;

    testdata_path(directory, path);
    n = scandir(path, &names, not_hidden, by_name);
    if (n < 0)
        die("%s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (snprintf(below, sizeof(below), "%s/%s", directory, names[i]->d_name) >=
            TESTDATA_PATH_MAX)
            die("a path below %s is too long", directory);
        testdata_path(below, path);
        if (is_directory(path)) {
            count += testdata_each(below, suffix, each, arg);
        } else if (ends_with(below, suffix)) {
            each(arg, below);
            count++;
        }
        free(names[i]);
    }
    free(names);
    return count;
}
