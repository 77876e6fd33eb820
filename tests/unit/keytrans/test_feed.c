#include "merkle/keytrans/feed.h"

#include "merkle/keytrans/logtree.h"
#include "tests/unit/keytrans/whole.h"
#include "tests/vectors/testdata.h"

#define H7 "7777777777777777777777777777777777777777777777777777777777777777"

/* FORMATS.md, "The feed". */
#define EXAMPLE                                                                        \
    "0000019b76daa800768f0c983780e7f8a25eb757a8c8b3c8c28e2fea917982336c8f96d1427eec0b" \
    "34743fc3dc10c2eaef5cca6257eef9d1ea9b03e9a961dff4ec70929de88b58ba"                 \
    "0000000000000008" H7                                                              \
    "0000000000000000e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" \
    "00000001c0e763c35fb9ae653e27d88907dc7a58e3012f7cedbbc03f9124f25a8dc2d2da"

AGAIN(entry, feed_entry, feed_entry_get, feed_entry_put)
AGAIN(addition, prefix_leaf, feed_addition_get, feed_addition_put)

/* Whoever replays the additions comes to the roots that the entry names. */
static void
the_example_follows_from_its_addition(void **state)
{
    struct buf expected = BUF_INIT(1024), made = BUF_INIT(1024), addition = BUF_INIT(64);
    struct feed_entry e = {.timestamp = UINT64_C(0x19b76daa800), .certificates = 8, .additions = 1};
    struct prefix_leaf leaf;
    struct logtree_peaks peaks = {.size = 0};
    struct hash value;
    struct writer w = writer_to(&made), aw = writer_to(&addition);

    (void)state;
    memset(&leaf.key, 0x55, sizeof(leaf.key));
    memset(&leaf.commitment, 0x66, sizeof(leaf.commitment));
    memset(&e.certificates_root, 0x77, sizeof(e.certificates_root));
    prefix_leaf_hash(&leaf, &e.prefix_root);
    logtree_leaf(&(struct log_entry){e.timestamp, e.prefix_root}, &value);
    logtree_append(&peaks, &value, NULL, NULL);
    logtree_root(&peaks, &e.root);
    hash_sha256(span_of(NULL, 0), &e.crls_root);
    feed_addition_put(&aw, &leaf);
    assert_int_equal(addition.n, FEED_ADDITION_SIZE);
    hash_sha256(buf_span(&addition), &e.additions_hash);
    feed_entry_put(&w, &e);
    assert_int_equal(writer_end(&w), RES_OK);
    testdata_hex(EXAMPLE, &expected);
    assert_int_equal(expected.n, FEED_ENTRY_SIZE);
    assert_true(span_equal(buf_span(&made), buf_span(&expected)));
    whole(again_entry, buf_span(&made));
    whole(again_addition, buf_span(&addition));
    buf_release(&expected);
    buf_release(&made);
    buf_release(&addition);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_follows_from_its_addition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
