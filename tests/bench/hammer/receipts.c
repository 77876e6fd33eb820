#include "tests/bench/hammer/receipts.h"

#include "merkle/base/text.h"
#include "merkle/leaf/entry.h"
#include <inttypes.h>
#include <stdlib.h>

/* The text after "key": in json, or an empty span. */
static struct span
value_of(struct span json, const char *key)
{
    const uint8_t *at = memmem(json.p, json.n, key, strlen(key));
    if (at == NULL)
        return span_of(NULL, 0);
    at += strlen(key);
    while (at < json.p + json.n && *at == ' ')
        at++;
    return span_of(at, (size_t)(json.p + json.n - at));
}

static bool
string_of(struct span json, const char *key, struct span *ret)
{
    struct span v = value_of(json, key);
    if (v.n == 0 || v.p[0] != '"')
        return false;
    const uint8_t *end = memchr(v.p + 1, '"', v.n - 1);
    if (end == NULL)
        return false;
    *ret = span_of(v.p + 1, (size_t)(end - v.p - 1));
    return true;
}

bool
receipt_parse(struct span json, struct receipt *ret)
{
    struct span number = value_of(json, "\"timestamp\":");
    struct span extensions, signature;
    uint8_t raw[ENTRY_LEAF_INDEX_SIZE];
    size_t digits = 0;
    while (digits < number.n && number.p[digits] >= '0' && number.p[digits] <= '9')
        digits++;
    if (text_u64(span_of(number.p, digits), UINT64_MAX, &ret->timestamp) != RES_OK ||
        !string_of(json, "\"extensions\":", &extensions) ||
        !string_of(json, "\"signature\":", &signature) || signature.n == 0 ||
        signature.n >= sizeof ret->signature ||
        text_unbase64_exact(extensions, raw, sizeof raw) != RES_OK ||
        entry_find_leaf_index(span_of(raw, sizeof raw), &ret->index) != RES_OK)
        return false;
    memcpy(ret->signature, signature.p, signature.n);
    ret->signature_n = (uint8_t)signature.n;
    return true;
}

void
receipt_leaf_hash(const struct receipt *r, struct span der, struct hash *ret)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    entry_leaf_index(r->index, extensions);
    struct timestamped_entry t = {.timestamp = r->timestamp,
                                  .entry = {.type = ENTRY_X509, .body = der},
                                  .extensions = span_of(extensions, sizeof extensions)};
    entry_leaf_hash(&t, ret);
}

bool
receipt_write(FILE *out, uint64_t number, const struct receipt *r, const struct hash *leaf)
{
    char hex[2 * HASH_SIZE + 1];
    text_hex_to(hash_span(leaf), hex);
    return fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s %.*s\n", number, r->timestamp,
                   r->index, hex, (int)r->signature_n, r->signature) > 0;
}

bool
receipt_read(FILE *in, uint64_t *ret_number, struct receipt *ret, struct hash *ret_leaf)
{
    char hex[65], signature[RECEIPT_SIGNATURE_MAX];
    if (fscanf(in, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %64s %111s", ret_number, &ret->timestamp,
               &ret->index, hex, signature) != 5 ||
        text_unhex(span_str(hex), ret_leaf->b, HASH_SIZE) != RES_OK)
        return false;
    ret->signature_n = (uint8_t)strlen(signature);
    memcpy(ret->signature, signature, ret->signature_n);
    return true;
}
