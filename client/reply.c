#include "client/reply.h"

enum result
reply_consistency(struct span body, struct reply_path *ret)
{
    struct json *j = NULL;
    enum result r = json_parse(body, &j);
    if (r != RES_OK)
        return r;
    ret->index = 0;
    r = json_hashes(json_get(j, "consistency"), ret->path, PROOF_HASHES_MAX, &ret->n);
    json_free(j);
    return r;
}

enum result
reply_proof(struct span body, struct reply_path *ret)
{
    struct json *j = NULL;
    enum result r = json_parse(body, &j);
    if (r != RES_OK)
        return r;
    r = json_u64(json_get(j, "leaf_index"), JSON_INTEGER_MAX, &ret->index);
    if (r == RES_OK)
        r = json_hashes(json_get(j, "audit_path"), ret->path, PROOF_HASHES_MAX, &ret->n);
    json_free(j);
    return r;
}

enum result
reply_sct(struct span body, struct buf *out)
{
    struct buf extensions = BUF_INIT(UINT16_MAX), signature = BUF_INIT(1024);
    struct json *j = NULL;
    struct sct sct;
    uint64_t version;
    enum result r = json_parse(body, &j);
    if (r != RES_OK)
        return r;
    r = json_u64(json_get(j, "sct_version"), 0, &version);
    if (r == RES_NUMBER)
        r = RES_VALUE;
    if (r == RES_OK)
        r = json_hash(json_get(j, "id"), &sct.log_id);
    if (r == RES_OK)
        r = json_u64(json_get(j, "timestamp"), JSON_INTEGER_MAX, &sct.timestamp);
    if (r == RES_OK)
        r = json_base64(json_get(j, "extensions"), &extensions);
    if (r == RES_OK)
        r = json_base64(json_get(j, "signature"), &signature);
    if (r == RES_OK) {
        struct reader in = reader_of(buf_span(&signature));
        sct.extensions = buf_span(&extensions);
        r = digitally_signed_read(&in, &sct.signature);
        if (r == RES_OK)
            r = reader_end(&in);
    }
    if (r == RES_OK)
        r = sct_write(&sct, out);
    buf_release(&extensions);
    buf_release(&signature);
    json_free(j);
    return r;
}

/* Copies what a terminal may be shown: printable bytes, blanks for the rest. */
static void
copy_shown(struct span s, char *out, size_t cap)
{
    size_t n = s.n < cap - 1 ? s.n : cap - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? (char)s.p[i] : ' ';
    out[n] = '\0';
}

static void
copy_name(struct span type, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = type.n;
         i > 0 && type.p[i - 1] != ':' && type.p[i - 1] != '/' && type.p[i - 1] != '#'; i--)
        n++;
    const uint8_t *p = type.p + type.n - n;
    for (size_t i = 0; i < n; i++)
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '-'))
            return;
    copy_shown(span_of(p, n), out, cap);
}

void
reply_problem(struct span body, struct reply_problem *ret)
{
    struct json *j = NULL;
    struct span s;
    *ret = (struct reply_problem){.name = ""};
    if (json_parse(body, &j) != RES_OK)
        return;
    if (json_text(json_get(j, "type"), &s) == RES_OK)
        copy_name(s, ret->name, sizeof ret->name);
    if (json_text(json_get(j, "detail"), &s) == RES_OK)
        copy_shown(s, ret->detail, sizeof ret->detail);
    json_free(j);
}
