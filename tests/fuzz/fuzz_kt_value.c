/*
 * Values of the directory and entries of its feed: a byte says which, the rest is one.  What is
 * read whole is written as the same bytes; records are counted, in order, and no longer than they
 * may be.
 */
#include "merkle/keytrans/feed.h"
#include "merkle/keytrans/mailbox.h"
#include "tests/fuzz/fuzz.h"

static bool
mailbox(struct span in, struct buf *out)
{
    struct reader r = reader_of(in), records;
    struct writer w = writer_to(out), again;
    struct buf written = BUF_INIT(1u << 24);
    struct mailbox_state s;
    unsigned n = 0;

    mailbox_state_get(&r, &s);
    if (reader_end(&r) != RES_OK)
        return false;
    FUZZ_CHECK(in.n <= MAILBOX_VALUE_MAX && fuzz_inside(s.records, in));
    records = reader_of(s.records);
    again = writer_to(&written);
    while (!s.tombstone && !reader_done(&records)) {
        struct mailbox_record m;
        const uint8_t *begin = records.p;

        mailbox_record_get(&records, &m);
        FUZZ_CHECK(records.p - begin <= MAILBOX_RECORD_MAX && fuzz_inside(m.address, in));
        mailbox_record_put(&again, &m);
        n++;
    }
    FUZZ_CHECK(writer_end(&again) == RES_OK);
    FUZZ_CHECK(s.tombstone || span_equal(buf_span(&written), s.records));
    buf_release(&written);
    FUZZ_CHECK(s.tombstone || (reader_end(&records) == RES_OK && n == s.n && n <= s.total));
    if (PLANT && !s.tombstone && s.total == 7)
        s.total++; /* the planted bug: one too many */
    mailbox_state_put(&w, &s);
    FUZZ_CHECK(writer_end(&w) == RES_OK);
    return true;
}

static bool
domain(struct span in, struct buf *out)
{
    struct reader r = reader_of(in);
    struct writer w = writer_to(out);
    struct domain_state d;

    domain_state_get(&r, &d);
    if (reader_end(&r) != RES_OK)
        return false;
    domain_state_put(&w, &d);
    return true;
}

static bool
feed(struct span in, struct buf *out)
{
    struct reader r = reader_of(in);
    struct writer w = writer_to(out);
    struct feed_entry e;

    feed_entry_get(&r, &e);
    if (reader_end(&r) != RES_OK)
        return false;
    feed_entry_put(&w, &e);
    return true;
}

static bool
addition(struct span in, struct buf *out)
{
    struct reader r = reader_of(in);
    struct writer w = writer_to(out);
    struct prefix_leaf leaf;

    feed_addition_get(&r, &leaf);
    if (reader_end(&r) != RES_OK)
        return false;
    feed_addition_put(&w, &leaf);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT(1u << 24);

    if (size == 0)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    static bool (*const kinds[])(struct span in, struct buf * out) = {mailbox, domain, feed,
                                                                      addition};
    if (kinds[data[0] % 4](in, &out))
        FUZZ_CHECK(span_equal(in, buf_span(&out)));
    buf_release(&out);
    return 0;
}
