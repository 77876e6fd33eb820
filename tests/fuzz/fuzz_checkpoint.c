/*
 * Checkpoints: what parses is written back as the same bytes; a signed checkpoint opens only with
 * the text that was signed.  The keys' private halves were thrown away when the corpus was made
 * (seeds.c).
 */
#include "merkle/note/checkpoint.h"
#include "tests/fuzz/checkpoint_keys.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(struct span in)
{
    struct checkpoint c;
    struct buf out = BUF_INIT(2 << 20);
    char origin[KEY_NAME_MAX + 1];
    if (checkpoint_parse(in, &c) == RES_OK) {
        FUZZ_CHECK(fuzz_inside(c.origin, in) && fuzz_inside(c.extensions, in) && c.origin.n > 0);
        if (PLANT && c.size >= 7000 && c.size < 8000)
            c.size++; /* the planted bug: a size read wrongly */
        if (c.origin.n <= KEY_NAME_MAX && memchr(c.origin.p, 0, c.origin.n) == NULL) {
            memcpy(origin, c.origin.p, c.origin.n);
            origin[c.origin.n] = 0;
            FUZZ_CHECK(checkpoint_write(origin, c.size, &c.root, &out) == RES_OK);
            FUZZ_CHECK(buf_add(&out, c.extensions) == RES_OK);
            FUZZ_CHECK(span_equal(buf_span(&out), in));
        }
    }
    buf_release(&out);
}

static void
check_signed(struct span in)
{
    static struct p256_key *p256;
    static struct note_key keys[2];
    struct checkpoint c;
    uint64_t timestamp;
    struct buf text = BUF_INIT(1024);
    if (p256 == NULL) {
        FUZZ_CHECK(p256_key_parse(span_of(CHECKPOINT_SPKI, sizeof CHECKPOINT_SPKI), &p256) ==
                   RES_OK);
        FUZZ_CHECK(note_key_rfc6962(CHECKPOINT_ORIGIN, p256, &keys[0]) == RES_OK);
        FUZZ_CHECK(note_key_ed25519(CHECKPOINT_ORIGIN, KEY_ED25519, CHECKPOINT_ED25519, &keys[1]) ==
                   RES_OK);
    }
    if (checkpoint_open_ct(in, keys, &c, &timestamp) == RES_OK) {
        FUZZ_CHECK(checkpoint_write(CHECKPOINT_ORIGIN, c.size, &c.root, &text) == RES_OK);
        FUZZ_CHECK(c.size == CHECKPOINT_SIZE && timestamp == CHECKPOINT_TIMESTAMP &&
                   c.extensions.n == 0);
        FUZZ_CHECK(in.n > text.n && memcmp(in.p, text.p, text.n) == 0);
    }
    buf_release(&text);
}

/* A cosignature is never accepted: nobody has made one with this key.  The body of a tree head's
 * signature holds what it was made of. */
static void
check_bodies(struct span in)
{
    struct note_key key;
    struct digitally_signed d;
    struct checkpoint_times times = {0};
    struct buf body = BUF_INIT(2 << 20);
    struct span text = fuzz_piece(&in);
    FUZZ_CHECK(note_key_ed25519(CHECKPOINT_ORIGIN, KEY_COSIGNATURE_ED25519, CHECKPOINT_ED25519,
                                &key) == RES_OK);
    FUZZ_CHECK(checkpoint_check(&times, &key, text, in) != RES_OK && times.cosignature == 0);
    struct reader r = reader_of(in);
    uint64_t timestamp = get_u64(&r);
    if (digitally_signed_read(&r, &d) == RES_OK && reader_end(&r) == RES_OK) {
        FUZZ_CHECK(checkpoint_rfc6962_body(timestamp, &d, &body) == RES_OK);
        FUZZ_CHECK(span_equal(buf_span(&body), in));
    }
    buf_release(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_text(span_of(data, size));
    check_signed(span_of(data, size));
    check_bodies(span_of(data, size));
    return 0;
}
