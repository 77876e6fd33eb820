#include "client/receipt.h"

#include <inttypes.h>

#include "client/json.h"
#include "merkle/base/text.h"

void
receipt_init(struct receipt *r)
{
    *r = (struct receipt){.form = HEAD_CHECKPOINT};
    buf_init(&r->file, RECEIPT_MAX);
    buf_init(&r->origin, KEY_NAME_MAX);
    buf_init(&r->sct, UINT16_MAX);
    buf_init(&r->head, HEAD_MAX);
}

void
receipt_release(struct receipt *r)
{
    buf_release(&r->file);
    buf_release(&r->origin);
    buf_release(&r->sct);
    buf_release(&r->head);
}

static enum result
copy_text(const struct json_value *v, struct buf *out)
{
    struct span s;
    enum result r = json_text(v, &s);
    buf_clear(out);
    return r == RES_OK ? buf_add(out, s) : r;
}

enum result
receipt_parse(struct span line, struct receipt *ret)
{
    struct json *j = NULL;
    uint64_t type;
    if (line.n > RECEIPT_MAX)
        return RES_TOO_LARGE;
    enum result r = json_parse(line, &j);
    if (r != RES_OK)
        return r;
    const struct json_value *sth = json_get(j, "sth");
    ret->form = sth != NULL ? HEAD_STH : HEAD_CHECKPOINT;
    /* Duplicates are refused by the parser: eight members that are all known. */
    r = json_count(j) == 8 ? RES_OK : RES_JSON;
    if (r == RES_OK)
        r = copy_text(json_get(j, "file"), &ret->file);
    if (r == RES_OK)
        r = copy_text(json_get(j, "log"), &ret->origin);
    if (r == RES_OK)
        r = json_u64(json_get(j, "entry_type"), ENTRY_PRECERT, &type);
    if (r == RES_OK) {
        ret->type = (enum entry_type)type;
        buf_clear(&ret->sct);
        r = json_base64(json_get(j, "sct"), &ret->sct);
    }
    if (r == RES_OK)
        r = json_hash(json_get(j, "leaf_hash"), &ret->leaf_hash);
    if (r == RES_OK)
        r = json_u64(json_get(j, "leaf_index"), JSON_INTEGER_MAX, &ret->index);
    if (r == RES_OK)
        r = json_hashes(json_get(j, "audit_path"), ret->path, PROOF_HASHES_MAX, &ret->path_n);
    if (r == RES_OK)
        r = copy_text(sth != NULL ? sth : json_get(j, "checkpoint"), &ret->head);
    json_free(j);
    return r;
}

enum result
receipt_write(const struct receipt *r, struct buf *out)
{
    enum result rc = buf_add(out, span_str("{\"file\":"));
    if (rc == RES_OK)
        rc = json_write_string(buf_span(&r->file), out);
    if (rc == RES_OK)
        rc = buf_add(out, span_str(",\"log\":"));
    if (rc == RES_OK)
        rc = json_write_string(buf_span(&r->origin), out);
    if (rc == RES_OK)
        rc = buf_printf(out, ",\"entry_type\":%d,\"sct\":", (int)r->type);
    if (rc == RES_OK)
        rc = json_write_base64(buf_span(&r->sct), out);
    if (rc == RES_OK)
        rc = buf_add(out, span_str(",\"leaf_hash\":"));
    if (rc == RES_OK)
        rc = json_write_base64(hash_span(&r->leaf_hash), out);
    if (rc == RES_OK)
        rc = buf_printf(out, ",\"leaf_index\":%" PRIu64 ",\"audit_path\":[", r->index);
    for (size_t i = 0; rc == RES_OK && i < r->path_n; i++) {
        rc = buf_add(out, span_str(i == 0 ? "" : ","));
        if (rc == RES_OK)
            rc = json_write_base64(hash_span(&r->path[i]), out);
    }
    if (rc == RES_OK)
        rc = buf_printf(out, "],\"%s\":", head_form_name(r->form));
    if (rc == RES_OK)
        rc = json_write_string(buf_span(&r->head), out);
    return rc == RES_OK ? buf_add(out, span_str("}\n")) : rc;
}

enum result
receipt_verify(const struct receipt *r, const struct policy *policy, const struct entry *entry,
               struct receipt_verdict *ret)
{
    struct receipt_verdict v = {.log = policy_log_by_origin(policy, buf_span(&r->origin))};
    struct sct sct;
    if (v.log == NULL || v.log->p256 == NULL)
        return RES_ABSENT;
    enum result rc = sct_parse(buf_span(&r->sct), &sct);
    if (rc == RES_OK)
        rc = inclusion_check_sct(v.log, &sct, entry, 0, &v.promise);
    if (rc == RES_OK &&
        (!hash_equal(&v.promise.leaf_hash, &r->leaf_hash) || r->type != entry->type))
        rc = RES_ROOT_DIFFERS;
    if (rc == RES_OK)
        rc = head_open(v.log, policy, r->form, buf_span(&r->head), &v.head);
    if (rc == RES_OK)
        rc = inclusion_check_proof(&v.promise, &v.head, r->index, r->path, r->path_n);
    if (rc == RES_OK)
        *ret = v;
    return rc;
}
