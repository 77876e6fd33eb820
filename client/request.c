#include "client/request.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/json.h"
#include "merkle/base/text.h"

void
request_head(enum head_form form, char out[static ASK_PATH_MAX])
{
    (void)snprintf(out, ASK_PATH_MAX, "%s",
                   form == HEAD_CHECKPOINT ? "/checkpoint" : "/ct/v1/get-sth");
}

void
request_consistency(uint64_t first, uint64_t second, char out[static ASK_PATH_MAX])
{
    (void)snprintf(out, ASK_PATH_MAX,
                   "/ct/v1/get-sth-consistency?first=%" PRIu64 "&second=%" PRIu64, first, second);
}

/* Base64 has three characters that a query must not hold as they stand. */
static void
write_escaped(struct span base64, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < base64.n && n + 4 < cap; i++) {
        char c = (char)base64.p[i];
        if (c == '+' || c == '/' || c == '=')
            n += (size_t)snprintf(out + n, cap - n, "%%%02X", (unsigned)c);
        else
            out[n++] = c;
    }
    out[n] = '\0';
}

void
request_proof(const struct hash *leaf, uint64_t size, char out[static ASK_PATH_MAX])
{
    /* 44 characters, each at most three times as long. */
    char hash[3 * BASE64_ENCODED(HASH_SIZE) + 8];
    uint8_t room[64];
    struct buf text = {.p = room, .cap = sizeof room, .max = sizeof room}; /* never grows */
    hash[0] = '\0';
    if (text_base64(hash_span(leaf), &text) == RES_OK)
        write_escaped(buf_span(&text), hash, sizeof hash);
    (void)snprintf(out, ASK_PATH_MAX, "/ct/v1/get-proof-by-hash?hash=%s&tree_size=%" PRIu64, hash,
                   size);
}

void
request_submission(enum entry_type type, char out[static ASK_PATH_MAX])
{
    (void)snprintf(out, ASK_PATH_MAX, "/ct/v1/%s",
                   type == ENTRY_PRECERT ? "add-pre-chain" : "add-chain");
}

enum result
request_chain(const struct subject_chain *chain, struct buf *out)
{
    enum result r = buf_add(out, span_str("{\"chain\":["));
    for (size_t i = 0; r == RES_OK && i < chain->n; i++) {
        if (i > 0)
            r = buf_add(out, span_str(","));
        if (r == RES_OK)
            r = json_write_base64(chain->certs[i], out);
    }
    return r == RES_OK ? buf_add(out, span_str("]}")) : r;
}
