#include "log/directory/versions.h"

#include <stdlib.h>
#include <string.h>

/* A LabelText: the number, a length, the text. */
#define TEXT_HEAD 6
/* Rows under one index prefix that are looked at: nobody can make more meet without the salt. */
#define CANDIDATES_MAX 64

struct versions {
    struct index *index;
    struct keyring *keys;
};

/* The LabelText at offset as it stands: *ret_text borrows from the view. */
static enum result
read_text(struct shelf_view *v, uint64_t offset, uint64_t *ret_number, struct span *ret_text)
{
    struct span head;
    enum result rc = shelf_get_bytes(v, offset, TEXT_HEAD, NULL, &head);

    if (rc != RES_OK)
        return rc;
    struct reader in = reader_of(head);
    uint64_t number = get_u40(&in);
    size_t n = get_u8(&in);
    if (n == 0 || (number == ERASURE_NUMBER && n != ERASURE_TEXT_SIZE))
        return RES_STORE_DAMAGED;
    rc = shelf_get_bytes(v, offset + TEXT_HEAD, n, NULL, ret_text);
    if (rc == RES_OK)
        *ret_number = number;
    return rc;
}

enum result
versions_text(struct shelf_view *v, uint64_t offset, struct buf *out)
{
    struct writer w = writer_to(out);
    struct span text;
    uint64_t number;
    enum result rc = read_text(v, offset, &number, &text);

    if (rc != RES_OK)
        return rc;
    put_u40(&w, number);
    put_vec8(&w, text);
    return writer_end(&w);
}

enum result
versions_label(struct shelf_view *v, struct keyring *k, uint64_t offset, struct label *ret,
               uint64_t *ret_number)
{
    struct span text;
    struct label label;
    enum result rc = read_text(v, offset, ret_number, &text);

    if (rc != RES_OK)
        return rc;
    if (*ret_number == ERASURE_NUMBER)
        return RES_ABSENT;
    label.n = text.n;
    rc = keyring_crypt(k, *ret_number, KEYRING_TEXT, 0, text.p, text.n, label.b);
    if (rc == RES_OK)
        *ret = label;
    return rc == RES_RANGE ? RES_STORE_DAMAGED : rc;
}

enum result
versions_is_tombstone(struct shelf_view *v, struct keyring *k, uint64_t offset, struct span label,
                      bool *ret)
{
    struct span text;
    struct hash key;
    uint64_t number;
    enum result rc = read_text(v, offset, &number, &text);

    if (rc != RES_OK)
        return rc;
    keyring_label_key(k, label, &key);
    *ret = number == ERASURE_NUMBER &&
           memcmp(text.p + ERASURE_VERSION_KEY, key.b, ERASURE_LABEL_KEY) == 0;
    return RES_OK;
}

void
versions_erasure_text(const struct keyring *k, struct span label, uint32_t version,
                      struct erasure_text *ret)
{
    struct hash key;

    keyring_version_key(k, label, version, &key);
    memcpy(ret->version_key, key.b, ERASURE_VERSION_KEY);
    keyring_label_key(k, label, &key);
    memcpy(ret->label_key, key.b, ERASURE_LABEL_KEY);
}

/* ---- the index ---- */

static void
keys_of(struct keyring *k, struct span label, uint32_t version, struct hash ret[static INDEX_MAPS])
{
    keyring_version_key(k, label, version, &ret[0]);
    keyring_label_key(k, label, &ret[1]);
}

/* Keys of which the first bytes are known: the index looks at no others. */
static void
keys_from_text(const struct erasure_text *text, struct hash ret[static INDEX_MAPS])
{
    memset(ret, 0, INDEX_MAPS * sizeof(*ret));
    memcpy(ret[0].b, text->version_key, ERASURE_VERSION_KEY);
    memcpy(ret[1].b, text->label_key, ERASURE_LABEL_KEY);
}

/* The keys of a row whose label was erased. */
static enum result
keys_of_erased(struct versions *x, struct shelf_view *v, uint64_t seq,
               const struct version_row *row, struct hash ret[static INDEX_MAPS])
{
    struct erasure_text keys;
    struct span text;
    uint64_t number;
    enum result rc = read_text(v, row->label, &number, &text);

    if (rc == RES_OK && number == ERASURE_NUMBER) {
        memcpy(keys.version_key, text.p, ERASURE_VERSION_KEY);
        memcpy(keys.label_key, text.p + ERASURE_VERSION_KEY, ERASURE_LABEL_KEY);
        keys_from_text(&keys, ret);
    } else if (rc == RES_OK) {
        keyring_nobody_key(x->keys, seq, &ret[0]);
        ret[1] = ret[0];
    }
    return rc;
}

/* Adds the row as it stands. */
static enum result
add_row(struct versions *x, struct shelf_view *v, uint64_t seq)
{
    struct hash keys[INDEX_MAPS];
    struct version_row row;
    struct label label;
    uint64_t number;
    enum result rc = shelf_get_version(v, seq, &row);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    rc = versions_label(v, x->keys, row.label, &label, &number);
    if (rc == RES_ABSENT)
        rc = keys_of_erased(x, v, seq, &row, keys);
    else if (rc == RES_OK)
        keys_of(x->keys, span_of(label.b, label.n), row.version, keys);
    return rc == RES_OK ? index_add(x->index, seq, keys) : rc;
}

static enum result
catch_up(struct versions *x, struct shelf *s, uint64_t covered)
{
    struct shelf_view *v;
    struct directory_head head;
    enum result rc = shelf_view_new(s, &v);

    if (rc != RES_OK)
        return rc;
    rc = shelf_view_begin(v);
    if (rc == RES_OK) {
        rc = shelf_get_head(v, &head);
        uint64_t rows = rc == RES_OK ? head.versions : 0;
        if (rc == RES_ABSENT)
            rc = RES_OK;
        if (covered > rows)
            rc = RES_STORE_BEHIND;
        for (uint64_t seq = covered; rc == RES_OK && seq < rows; seq++)
            rc = add_row(x, v, seq);
        shelf_view_end(v);
    }
    shelf_view_free(v);
    return rc;
}

enum result
versions_open(const char *path, uint64_t map_size, struct shelf *s, struct keyring *k,
              struct versions **ret)
{
    struct index_options o = {.path = path, .map_size = map_size};
    struct versions *x = calloc(1, sizeof(*x));
    uint64_t covered;

    if (x == NULL)
        return RES_MEMORY;
    x->keys = k;
    enum result rc = index_open(&o, &covered, &x->index);
    if (rc == RES_OK)
        rc = catch_up(x, s, covered);
    if (rc == RES_STORE_BEHIND) { /* of another store */
        index_close(x->index);
        x->index = NULL;
        rc = index_remove(path);
        if (rc == RES_OK)
            rc = index_open(&o, &covered, &x->index);
        if (rc == RES_OK)
            rc = catch_up(x, s, covered);
    }
    if (rc != RES_OK) {
        versions_close(x);
        return rc == RES_STORE_BEHIND ? RES_STORE_DAMAGED : rc;
    }
    *ret = x;
    return RES_OK;
}

void
versions_close(struct versions *x)
{
    if (x == NULL)
        return;
    index_close(x->index);
    free(x);
}

enum result
versions_add(struct versions *x, uint64_t seq, struct span label, uint32_t version)
{
    struct hash keys[INDEX_MAPS];

    keys_of(x->keys, label, version, keys);
    return index_add(x->index, seq, keys);
}

enum result
versions_add_keys(struct versions *x, uint64_t seq, const struct erasure_text *keys)
{
    struct hash whole[INDEX_MAPS];

    keys_from_text(keys, whole);
    return index_add(x->index, seq, whole);
}

/* ---- finding ---- */

/* The newest row below `rows` under key in map, whose print is the label's and, unless any_version,
 * whose version is that. */
static enum result
find(struct versions *x, struct shelf_view *v, uint64_t rows, enum index_map map,
     const struct hash *key, const struct hash *label, bool any_version, uint32_t version,
     uint64_t *ret_seq, struct version_row *ret)
{
    uint64_t seq = rows;

    for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
        struct version_row row;
        enum result rc = index_find_newest(x->index, map, key, seq, &seq);

        if (rc == RES_OK)
            rc = shelf_get_version(v, seq, &row);
        if (rc != RES_OK)
            return rc;
        if (memcmp(row.print, label->b + 8, sizeof(row.print)) != 0 ||
            (!any_version && row.version != version))
            continue;
        *ret_seq = seq;
        *ret = row;
        return RES_OK;
    }
    return RES_STORE_DAMAGED;
}

enum result
versions_newest(struct versions *x, struct shelf_view *v, uint64_t rows, struct span label,
                uint64_t *ret_seq, struct version_row *ret)
{
    struct hash key;

    keyring_label_key(x->keys, label, &key);
    return find(x, v, rows, INDEX_LEAF_HASH, &key, &key, true, 0, ret_seq, ret);
}

enum result
versions_find(struct versions *x, struct shelf_view *v, uint64_t rows, struct span label,
              uint32_t version, uint64_t *ret_seq, struct version_row *ret)
{
    struct hash keys[INDEX_MAPS];

    keys_of(x->keys, label, version, keys);
    return find(x, v, rows, INDEX_ENTRY_KEY, &keys[0], &keys[1], false, version, ret_seq, ret);
}

uint64_t
versions_index_bytes(struct versions *x)
{
    return index_bytes(x->index);
}
