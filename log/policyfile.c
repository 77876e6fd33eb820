#include "log/policyfile.h"

#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "merkle/base/text.h"

#define BEGIN_MAX 512

enum result
policyfile_read(const char *dir, struct buf *out)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, "policy", path);
    return rc == RES_OK ? files_read(path, out) : rc;
}

enum result
policyfile_word(struct span text, const char *begin, struct span *ret)
{
    size_t skip = strlen(begin);
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct span line = span_of(text.p, n);
        text = span_of(text.p + n + (end ? 1 : 0), text.n - n - (end ? 1 : 0));
        if (line.n <= skip || memcmp(line.p, begin, skip) != 0)
            continue;
        line = span_of(line.p + skip, line.n - skip);
        const uint8_t *blank = memchr(line.p, ' ', line.n);
        *ret = span_of(line.p, blank ? (size_t)(blank - line.p) : line.n);
        return RES_OK;
    }
    return RES_ABSENT;
}

static enum result
configuration_of(struct span base64, struct kt_config *ret)
{
    struct buf bytes = BUF_INIT(256);
    struct kt_config config;
    enum result rc = text_unbase64(base64, &bytes);
    if (rc == RES_OK) {
        struct reader in = reader_of(buf_span(&bytes));
        kt_config_get(&in, &config);
        rc = reader_end(&in);
    }
    buf_release(&bytes);
    if (rc == RES_OK)
        *ret = config;
    return rc;
}

enum result
policyfile_directory(struct span text, const char *origin, struct kt_config *ret,
                     struct note_key *ret_feed)
{
    char begin[BEGIN_MAX];
    struct span word;
    (void)snprintf(begin, sizeof(begin), "#cartulary directory %s ", origin);
    enum result rc = policyfile_word(text, begin, &word);
    if (rc == RES_OK)
        rc = configuration_of(word, ret);
    (void)snprintf(begin, sizeof(begin), "#cartulary feed %s ", origin);
    if (rc == RES_OK)
        rc = policyfile_word(text, begin, &word);
    if (rc == RES_OK)
        rc = note_key_parse(word, ret_feed);
    return rc == RES_OK && ret_feed->type != KEY_ED25519 ? RES_KEY : rc;
}
