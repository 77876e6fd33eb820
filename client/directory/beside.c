#include "client/directory/beside.h"

#include <inttypes.h>

#include "client/verdict.h"

/* "name":TEXT as it stands in v. */
static enum result
copy_text(const struct json_value *v, const char *name, struct buf *out)
{
    struct span text;
    enum result r = json_text(json_member(v, name), &text);

    if (r == RES_OK)
        r = buf_printf(out, "\"%s\":", name);
    return r == RES_OK ? json_write_string(text, out) : r;
}

static enum result
copy_number(const struct json_value *v, const char *name, struct buf *out)
{
    uint64_t n;
    enum result r = json_u64(json_member(v, name), JSON_INTEGER_MAX, &n);

    return r == RES_OK ? buf_printf(out, "\"%s\":%" PRIu64, name, n) : r;
}

/* "name":[TEXT, ...] of the array v. */
static enum result
copy_list(const struct json_value *v, const char *name, struct buf *out)
{
    const char *before = "";
    struct span text;
    enum result r = buf_printf(out, "\"%s\":[", name);

    for (v = json_first(v); v != NULL && r == RES_OK; v = json_next(v), before = ",") {
        r = json_text(v, &text);
        if (r == RES_OK)
            r = buf_printf(out, "%s", before);
        if (r == RES_OK)
            r = json_write_string(text, out);
    }
    return r == RES_OK ? buf_printf(out, "]") : r;
}

static enum result
write_path(const struct reply_path *p, struct buf *out)
{
    enum result r = buf_printf(out, "\"audit_path\":[");

    for (size_t i = 0; i < p->n && r == RES_OK; i++) {
        r = buf_printf(out, "%s", i == 0 ? "" : ",");
        if (r == RES_OK)
            r = json_write_base64(hash_span(&p->path[i]), out);
    }
    return r == RES_OK ? buf_printf(out, "]") : r;
}

static enum result
comma(enum result r, struct buf *out)
{
    return r == RES_OK ? buf_printf(out, ",") : r;
}

static enum result
write_anchor(const struct json_value *v, struct buf *out)
{
    enum result r = buf_printf(out, "{\"anchor\":{");

    if (r == RES_OK)
        r = comma(copy_number(v, "size", out), out);
    if (r == RES_OK)
        r = comma(copy_text(v, "entry", out), out);
    if (r == RES_OK)
        r = comma(copy_list(json_member(v, "audit_path"), "audit_path", out), out);
    if (r == RES_OK)
        r = copy_text(v, "checkpoint", out);
    return r == RES_OK ? buf_printf(out, "},") : r;
}

static enum result
write_record(const struct json_value *v, const struct reply_path *path, struct buf *out)
{
    enum result r = buf_printf(out, "{");

    if (r == RES_OK)
        r = comma(copy_number(v, "index", out), out);
    if (r == RES_OK)
        r = comma(copy_text(v, "leaf_input", out), out);
    if (r == RES_OK && json_member(v, "precertificate") != NULL)
        r = comma(copy_text(v, "precertificate", out), out);
    if (r == RES_OK)
        r = comma(copy_list(json_member(v, "chain"), "chain", out), out);
    if (r == RES_OK && path != NULL)
        r = write_path(path, out);
    else if (r == RES_OK)
        r = copy_list(json_member(v, "audit_path"), "audit_path", out);
    return r == RES_OK ? buf_printf(out, "}") : r;
}

enum result
beside_write(const struct json *lookup, const struct json_value *anchor,
             const struct reply_path *paths, struct buf *out)
{
    const struct json_value *v = json_first(json_get(lookup, "records"));
    enum result r = write_anchor(anchor, out);

    if (r == RES_OK)
        r = buf_printf(out, "\"records\":[");
    for (size_t i = 0; v != NULL && r == RES_OK; v = json_next(v), i++) {
        r = buf_printf(out, "%s", i == 0 ? "" : ",");
        if (r == RES_OK)
            r = write_record(v, paths == NULL ? NULL : &paths[i], out);
    }
    if (r == RES_OK)
        r = buf_printf(out, "],");
    if (r == RES_OK)
        r = copy_list(json_get(lookup, "issuers"), "issuers", out);
    return r == RES_OK ? buf_printf(out, "}") : r;
}

enum result
beside_leaf(const struct json_value *record, struct hash *ret_leaf, uint64_t *ret_index)
{
    struct buf leaf = BUF_INIT(ASK_ANSWER_MAX);
    enum result r = json_u64(json_member(record, "index"), JSON_INTEGER_MAX, ret_index);

    if (r == RES_OK)
        r = json_base64(json_member(record, "leaf_input"), &leaf);
    if (r == RES_OK)
        hash_leaf(buf_span(&leaf), ret_leaf);
    buf_release(&leaf);
    return r;
}
