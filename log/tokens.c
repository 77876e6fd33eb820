#include "log/tokens.h"

#include <sodium.h>
#include <stdio.h>

#include "log/files.h"
#include "merkle/base/text.h"
#include "merkle/tree/hash.h"

#define FILE_MAX_HERE (64 * 1024)

bool
tokens_name_ok(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < TOKENS_NAME_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static enum result
parse_line(struct span line, struct tokens *t)
{
    const uint8_t *space = line.n ? memchr(line.p, ' ', line.n) : NULL;
    if (!space || t->n == TOKENS_MAX)
        return RES_ENCODING;
    size_t n = (size_t)(space - line.p);
    if (n >= TOKENS_NAME_MAX)
        return RES_ENCODING;
    char *name = t->token[t->n].name;
    memcpy(name, line.p, n);
    name[n] = 0;
    if (!tokens_name_ok(name))
        return RES_ENCODING;
    enum result rc =
        text_unhex(span_of(space + 1, line.n - n - 1), t->token[t->n].sha256, HASH_SIZE);
    if (rc == RES_OK)
        t->n++;
    return rc;
}

enum result
tokens_load(const char *dir, struct tokens *ret)
{
    char path[FILES_PATH_MAX];
    struct buf in = BUF_INIT(FILE_MAX_HERE);
    memset(ret, 0, sizeof(*ret));
    enum result rc = files_path(dir, "tokens", path);
    if (rc == RES_OK)
        rc = files_read(path, &in);
    struct span rest = buf_span(&in);
    while (rc == RES_OK && rest.n > 0) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        if (!end) {
            rc = RES_ENCODING;
            break;
        }
        size_t n = (size_t)(end - rest.p);
        rc = parse_line(span_of(rest.p, n), ret);
        rest = span_of(end + 1, rest.n - n - 1);
    }
    buf_release(&in);
    return rc == RES_ABSENT ? RES_OK : rc;
}

bool
tokens_match(const struct tokens *t, struct span text)
{
    struct hash h;
    int found = 0;
    hash_sha256(text, &h);
    for (size_t i = 0; i < t->n; i++)
        found |= sodium_memcmp(h.b, t->token[i].sha256, HASH_SIZE) == 0;
    return found;
}

static enum result
save(const char *dir, const struct tokens *t)
{
    char path[FILES_PATH_MAX];
    struct buf out = BUF_INIT(FILE_MAX_HERE);
    enum result rc = files_path(dir, "tokens", path);
    for (size_t i = 0; i < t->n && rc == RES_OK; i++) {
        char hex[2 * HASH_SIZE + 1];
        text_hex_to(span_of(t->token[i].sha256, HASH_SIZE), hex);
        rc = buf_printf(&out, "%s %s\n", t->token[i].name, hex);
    }
    if (rc == RES_OK)
        rc = files_replace(path, buf_span(&out), 0600);
    buf_release(&out);
    return rc;
}

static size_t
find(const struct tokens *t, const char *name)
{
    size_t i = 0;
    while (i < t->n && strcmp(t->token[i].name, name) != 0)
        i++;
    return i;
}

enum result
tokens_add(const char *dir, const char *name, char ret[static TOKENS_TEXT_MAX])
{
    struct tokens t;
    uint8_t random[32];
    char hex[65];
    struct hash h;
    if (!tokens_name_ok(name))
        return RES_VALUE;
    enum result rc = tokens_load(dir, &t);
    if (rc != RES_OK)
        return rc;
    if (find(&t, name) < t.n)
        return RES_EXISTS;
    if (t.n == TOKENS_MAX)
        return RES_TOO_LARGE;
    if (sodium_init() < 0)
        return RES_CRYPTO;
    randombytes_buf(random, sizeof(random));
    text_hex_to(span_of(random, sizeof(random)), hex);
    sodium_memzero(random, sizeof(random));
    (void)snprintf(ret, TOKENS_TEXT_MAX, "cartulary_%s", hex);
    sodium_memzero(hex, sizeof(hex));
    hash_sha256(span_str(ret), &h);
    (void)snprintf(t.token[t.n].name, TOKENS_NAME_MAX, "%s", name);
    memcpy(t.token[t.n].sha256, h.b, HASH_SIZE);
    t.n++;
    return save(dir, &t);
}

enum result
tokens_remove(const char *dir, const char *name)
{
    struct tokens t;
    enum result rc = tokens_load(dir, &t);
    if (rc != RES_OK)
        return rc;
    size_t i = find(&t, name);
    if (i == t.n)
        return RES_ABSENT;
    t.token[i] = t.token[--t.n];
    return save(dir, &t);
}
