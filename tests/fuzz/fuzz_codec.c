/*
 * The codec and the text forms.  Input: a count, so many operations, then the bytes they read; and
 * all of it as text. What was read, written again, is the same bytes; nothing is read beyond the
 * end; text has one form.
 */
#include "merkle/base/codec.h"
#include "merkle/base/text.h"
#include "tests/fuzz/fuzz.h"

static void
step(uint8_t op, struct reader *r, struct writer *w, struct span in)
{
    struct span s;
    uint64_t v;
    size_t mark;
    switch (op % 10) {
    case 0:
        v = get_u8(r);
        if (r->err == RES_OK)
            put_u8(w, v);
        break;
    case 1:
        v = get_u16(r);
        if (r->err == RES_OK)
            put_u16(w, v);
        break;
    case 2:
        v = get_u24(r);
        if (r->err == RES_OK)
            put_u24(w, v);
        break;
    case 3:
        v = get_u32(r);
        if (r->err == RES_OK)
            put_u32(w, v);
        break;
    case 4:
        v = get_u40(r);
        if (r->err == RES_OK)
            put_u40(w, v);
        break;
    case 5:
        v = get_u64(r);
        if (r->err == RES_OK)
            put_u64(w, v);
        break;
    case 6:
        s = get_bytes(r, op / 10u);
        FUZZ_CHECK(fuzz_inside(s, in));
        if (r->err == RES_OK)
            put_bytes(w, s);
        break;
    case 7:
        s = get_vec8(r, op / 128u, 200);
        FUZZ_CHECK(fuzz_inside(s, in) && (r->err != RES_OK || s.n <= 200));
        if (r->err == RES_OK)
            put_vec8(w, s);
        break;
    case 8:
        s = get_vec16(r, 0, 65535);
        if (PLANT && r->err == RES_OK && s.n > 2 && s.p[0] == 'b')
            s.n++; /* the planted bug: a length off by one */
        FUZZ_CHECK(fuzz_inside(s, in));
        if (r->err == RES_OK)
            put_vec16(w, s);
        break;
    default:
        s = get_vec24(r, 0, 0xffffff);
        FUZZ_CHECK(fuzz_inside(s, in));
        if (r->err != RES_OK)
            break;
        mark = put_open(w, 3);
        put_bytes(w, s);
        put_close(w, mark, 3);
    }
}

static void
check_codec(struct span data)
{
    struct buf out = BUF_INIT(1 << 24);
    struct writer w = writer_to(&out);
    size_t ops = data.n == 0 ? 0 : data.p[0] % 32;
    if (ops + 1 > data.n)
        return;
    struct span in = span_of(data.p + 1 + ops, data.n - 1 - ops);
    struct reader r = reader_of(in);
    const uint8_t *begin = r.p; /* of an empty input not in.p */
    size_t good = 0;
    for (size_t i = 0; i < ops; i++) {
        step(data.p[1 + i], &r, &w, in);
        FUZZ_CHECK(r.p >= begin && r.p <= r.end && r.end == begin + in.n);
        if (r.err == RES_OK)
            good = (size_t)(r.p - begin);
    }
    FUZZ_CHECK(writer_end(&w) == RES_OK);
    FUZZ_CHECK(out.n == good && (good == 0 || memcmp(out.p, in.p, good) == 0));
    FUZZ_CHECK((reader_end(&r) == RES_OK) == (r.err == RES_OK && good == in.n));
    if (r.err != RES_OK) { /* it sticks */
        FUZZ_CHECK(get_u8(&r) == 0 && get_bytes(&r, 0).n == 0 && reader_done(&r));
    }
    buf_release(&out);
}

/* What may be shown is UTF-8 without C0 controls, and the longest such front: what follows it
 * begins with nothing that may. */
static void
check_printable(struct span data)
{
    size_t n = text_printable(data);
    struct span shown = span_of(data.p, n);
    FUZZ_CHECK(n <= data.n && text_is_utf8(shown) && text_printable(shown) == n);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(shown.p[i] >= 0x20 && shown.p[i] != 0x7f);
    FUZZ_CHECK(text_is_utf8(data) || n < data.n);
    FUZZ_CHECK(text_printable(span_of(data.p + n, data.n - n)) == 0);
}

/* Whatever is accepted as text is exactly what would be written. */
static void
check_text(struct span data)
{
    struct buf raw = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
    uint8_t bytes[64];
    uint64_t v;
    enum result r = text_unbase64(data, &raw);
    if (r == RES_OK) {
        FUZZ_CHECK(text_base64(buf_span(&raw), &again) == RES_OK);
        FUZZ_CHECK(span_equal(buf_span(&again), data));
        FUZZ_CHECK(raw.n > sizeof bytes || text_unbase64_exact(data, bytes, raw.n) == RES_OK);
        FUZZ_CHECK(text_unbase64_exact(data, bytes, raw.n + 1) == RES_VALUE);
    } else {
        FUZZ_CHECK(raw.n == 0);
        FUZZ_CHECK(r != RES_ENCODING || text_unbase64_exact(data, bytes, 1) == RES_ENCODING);
    }
    buf_clear(&again);
    if (data.n / 2 <= sizeof bytes && text_unhex(data, bytes, data.n / 2) == RES_OK) {
        char digits[2 * sizeof bytes + 1];
        FUZZ_CHECK(text_hex(span_of(bytes, data.n / 2), &again) == RES_OK);
        FUZZ_CHECK(span_equal(buf_span(&again), data));
        text_hex_to(span_of(bytes, data.n / 2), digits);
        FUZZ_CHECK(span_equal(span_str(digits), data));
    }
    if (text_u64(data, UINT64_MAX, &v) == RES_OK) {
        char decimal[32];
        int n = snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)v);
        FUZZ_CHECK(span_equal(span_of(decimal, (size_t)n), data));
    }
    check_printable(data);
    buf_release(&raw);
    buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_codec(span_of(data, size));
    check_text(span_of(data, size));
    return 0;
}
