/*
 * SCTs, lists of them, log entries and data tiles: what parses is written back as the same bytes.
 */
#include "merkle/base/codec.h"
#include "merkle/leaf/datatile.h"
#include "merkle/leaf/entry.h"
#include "merkle/leaf/sct.h"
#include "tests/fuzz/fuzz.h"

static void
check_sct(struct span in)
{
    struct sct s;
    struct buf out = BUF_INIT(1 << 20);
    if (sct_parse(in, &s) == RES_OK) {
        FUZZ_CHECK(fuzz_inside(s.extensions, in) && fuzz_inside(s.signature.signature, in));
        if (PLANT && s.extensions.n == 8)
            s.timestamp &= ~UINT64_C(0x80); /* the planted bug: a bit gets lost */
        FUZZ_CHECK(sct_write(&s, &out) == RES_OK && span_equal(buf_span(&out), in));
    }
    buf_release(&out);
}

static void
check_list(struct span in)
{
    static struct sct scts[SCT_LIST_MAX];
    struct buf out = BUF_INIT(1 << 20);
    size_t n = 0, few = 0;
    enum result r = sct_list_parse(in, scts, SCT_LIST_MAX, &n);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r != RES_OK)
        return;
    FUZZ_CHECK(n <= SCT_LIST_MAX);
    struct writer w = writer_to(&out);
    size_t list = put_open(&w, 2);
    for (size_t i = 0; i < n; i++) {
        size_t one = put_open(&w, 2);
        FUZZ_CHECK(w.err == RES_OK && sct_write(&scts[i], &out) == RES_OK);
        put_close(&w, one, 2);
    }
    put_close(&w, list, 2);
    /* Unknown versions are left out, so the whole is the same only when none was. */
    FUZZ_CHECK(writer_end(&w) == RES_OK && out.n <= in.n);
    FUZZ_CHECK(out.n != in.n || span_equal(buf_span(&out), in));
    if (n > 1)
        FUZZ_CHECK(sct_list_parse(in, scts, 1, &few) == RES_TOO_LARGE);
    buf_release(&out);
}

/* A DigitallySigned alone, and the tree head that the same bytes may stand for. */
static void
check_signed(struct span in)
{
    struct digitally_signed d;
    struct reader r = reader_of(in);
    struct buf out = BUF_INIT(1 << 20);
    uint8_t sth[STH_SIGNED_SIZE];
    if (digitally_signed_read(&r, &d) == RES_OK) {
        FUZZ_CHECK(fuzz_inside(d.signature, in) && digitally_signed_write(&d, &out) == RES_OK);
        FUZZ_CHECK(out.n == (size_t)(r.p - in.p) && memcmp(out.p, in.p, out.n) == 0);
    }
    if (in.n >= sizeof sth && in.p[0] == 0 && in.p[1] == 1) {
        struct reader head = reader_of(span_of(in.p + 2, 48));
        uint64_t timestamp = get_u64(&head), size = get_u64(&head);
        struct hash root;
        memcpy(root.b, get_bytes(&head, HASH_SIZE).p, HASH_SIZE);
        sth_signed_data(timestamp, size, &root, sth);
        FUZZ_CHECK(memcmp(sth, in.p, sizeof sth) == 0);
    }
    buf_release(&out);
}

/* What else is made of an entry that parsed: its key, its extension, the chain beside it. */
static void
check_made_of(const struct timestamped_entry *t)
{
    struct hash key, whole;
    struct buf out = BUF_INIT(1 << 24);
    uint8_t extension[ENTRY_LEAF_INDEX_SIZE];
    uint64_t index = t->timestamp & ENTRY_LEAF_INDEX_MAX, found = 0;
    FUZZ_CHECK(entry_write(&t->entry, &out) == RES_OK);
    hash_sha256(buf_span(&out), &whole);
    entry_key(&t->entry, &key);
    FUZZ_CHECK(hash_equal(&key, &whole));
    entry_leaf_index(index, extension);
    FUZZ_CHECK(entry_find_leaf_index(span_of(extension, sizeof extension), &found) == RES_OK &&
               found == index);
    buf_clear(&out);
    const struct span chain[2] = {t->entry.body, t->extensions};
    enum result r = entry_extra_data(t->entry.type, t->entry.body, chain, 2, &out);
    struct reader in = reader_of(buf_span(&out));
    FUZZ_CHECK((r == RES_OK) == (t->entry.body.n > 0 && t->extensions.n > 0));
    FUZZ_CHECK(r == RES_OK || out.n == 0);
    if (r == RES_OK && t->entry.type == ENTRY_PRECERT)
        FUZZ_CHECK(span_equal(get_vec24(&in, 1, 0xffffff), t->entry.body));
    if (r == RES_OK) {
        struct span list = get_vec24(&in, 0, 0xffffff);
        struct reader each = reader_of(list);
        FUZZ_CHECK(reader_end(&in) == RES_OK);
        for (int i = 0; i < 2; i++)
            FUZZ_CHECK(span_equal(get_vec24(&each, 1, 0xffffff), chain[i]));
        FUZZ_CHECK(reader_end(&each) == RES_OK);
    }
    buf_release(&out);
}

static void
check_entry(struct span in)
{
    struct timestamped_entry t;
    struct hash streamed, whole;
    struct buf out = BUF_INIT(1 << 24);
    uint64_t index;
    if (entry_leaf_parse(in, &t) == RES_OK) {
        FUZZ_CHECK(fuzz_inside(t.entry.body, in) && fuzz_inside(t.extensions, in));
        FUZZ_CHECK(entry_leaf_write(&t, &out) == RES_OK && span_equal(buf_span(&out), in));
        entry_leaf_hash(&t, &streamed);
        check_made_of(&t);
        hash_leaf(in, &whole);
        FUZZ_CHECK(hash_equal(&streamed, &whole));
        buf_clear(&out);
        FUZZ_CHECK(sct_signed_data(&t, &out) == RES_OK);
        sct_signed_digest(&t, &streamed);
        hash_sha256(buf_span(&out), &whole);
        FUZZ_CHECK(hash_equal(&streamed, &whole));
        if (entry_find_leaf_index(t.extensions, &index) == RES_OK)
            FUZZ_CHECK(index <= ENTRY_LEAF_INDEX_MAX);
    }
    (void)!entry_find_leaf_index(in, &index);
    buf_release(&out);
}

static void
check_tile(struct span in)
{
    static struct tile_leaf leaf;
    struct reader r = reader_of(in);
    struct buf out = BUF_INIT(1 << 24);
    const uint8_t *from = in.p;
    while (!reader_done(&r) && tile_leaf_read(&r, &leaf) == RES_OK) {
        buf_clear(&out);
        FUZZ_CHECK(tile_leaf_write(&leaf, &out) == RES_OK);
        FUZZ_CHECK(span_equal(buf_span(&out), span_of(from, (size_t)(r.p - from))));
        from = r.p;
    }
    buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    check_sct(in);
    check_list(in);
    check_signed(in);
    check_entry(in);
    check_tile(in);
    return 0;
}
