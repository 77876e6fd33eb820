#include "tests/unit/directory/shelfdata.h"

#include "tests/vectors/check.h"

#define ORIGIN "example.com/log"

struct span
shelfdata_configuration(void)
{
    static uint8_t bytes[256];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    struct kt_config config = {
        .signature_key = {1},
        .vrf_key = {2},
        .max_ahead = 300000,
        .max_behind = 3600000,
        .window = {.monitoring = 86400000},
    };

    kt_config_put(&w, &config);
    assert_int_equal(writer_end(&w), RES_OK);
    return buf_span(&out);
}

struct shelf *
shelfdata_open(const char *path)
{
    struct shelf_options o = {.path = path, .map_size = SHELF_TEST_MAP};
    struct shelf *s;

    assert_int_equal(shelf_open(&o, &s), RES_OK);
    return s;
}

struct shelf *
shelfdata_create(const char *path)
{
    struct shelf_options o = {.path = path, .map_size = SHELF_TEST_MAP};

    assert_int_equal(shelf_create(&o, ORIGIN, shelfdata_configuration()), RES_OK);
    return shelfdata_open(path);
}

struct shelf_view *
shelfdata_view(struct shelf *s)
{
    struct shelf_view *v;

    assert_int_equal(shelf_view_new(s, &v), RES_OK);
    assert_int_equal(shelf_view_begin(v), RES_OK);
    return v;
}

static void
number_hash(uint64_t number, uint8_t kind, struct hash *ret)
{
    uint8_t b[9] = {kind};

    for (int i = 0; i < 8; i++)
        b[1 + i] = (uint8_t)(number >> (8 * i));
    hash_sha256(span_of(b, sizeof(b)), ret);
}

struct entry_row
shelfdata_entry(uint64_t i)
{
    struct entry_row row = {
        .feed = {.timestamp = 1000 + i, .certificates = 2 * i, .crls = 3 * i, .additions = 4},
        .root = {.kind = PREFIX_EMPTY},
    };

    number_hash(i, 1, &row.feed.root);
    number_hash(i, 2, &row.feed.certificates_root);
    number_hash(i, 3, &row.feed.crls_root);
    number_hash(i, 4, &row.feed.additions_hash);
    return row;
}

struct version_row
shelfdata_version(uint64_t seq, uint64_t entry)
{
    struct version_row row = {.entry = entry, .previous = VERSION_NONE};

    number_hash(seq, 5, &row.leaf.key);
    number_hash(seq, 6, &row.leaf.commitment);
    memcpy(row.print, row.leaf.key.b, sizeof(row.print));
    return row;
}

struct directory_head
shelfdata_head(uint64_t size)
{
    struct directory_head h = {.size = size, .signature = {7}, .feed_signature = {8}};

    number_hash(size, 9, &h.root);
    number_hash(size, 10, &h.feed_root);
    return h;
}
