/*
 * Signed notes and verifier keys: what parses is written back as the same bytes; a note that was
 * not signed by the known key never verifies.
 */
#include "merkle/note/note.h"
#include "tests/fuzz/fuzz.h"

/* The verifier key of signed-note's own example, and the text it signed there. */
static const char VKEY[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char SIGNED[] = "This is an example message.\n";

static void
check_written(const struct note *n, struct span in)
{
    struct buf out = BUF_INIT(2 * NOTE_MAX), body = BUF_INIT(NOTE_SIGNATURE_MAX);
    FUZZ_CHECK(buf_add(&out, n->text) == RES_OK && buf_printf(&out, "\n") == RES_OK);
    bool decodes = true;
    for (size_t i = 0; i < n->count && decodes; i++) {
        char name[KEY_NAME_MAX + 1];
        const struct note_signature *s = &n->signature[i];
        FUZZ_CHECK(fuzz_inside(s->name, in) && fuzz_inside(s->base64, in));
        decodes = note_signature_body(n, i, &body) == RES_OK && s->name.n <= KEY_NAME_MAX;
        if (!decodes)
            break;
        memcpy(name, s->name.p, s->name.n);
        name[s->name.n] = 0;
        FUZZ_CHECK(note_signature_line(name, s->id, buf_span(&body), &out) == RES_OK);
    }
    if (PLANT && n->count == 2)
        out.n--; /* the planted bug: the last newline is lost when two have signed */
    FUZZ_CHECK(!decodes || span_equal(buf_span(&out), in));
    buf_release(&out);
    buf_release(&body);
}

static void
check_key(struct span in)
{
    struct note_key k;
    struct buf out = BUF_INIT(KEY_VKEY_MAX);
    if (note_key_parse(in, &k) == RES_OK) {
        FUZZ_CHECK(k.type == KEY_ED25519 || k.type == KEY_COSIGNATURE_ED25519);
        FUZZ_CHECK(note_key_name_ok(span_str(k.name)));
        FUZZ_CHECK(note_key_write(&k, &out) == RES_OK && span_equal(buf_span(&out), in));
    }
    buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct note n;
    struct span in = span_of(data, size);
    struct note_key key;
    bool verified = false;
    check_key(in);
    enum result r = note_parse(in, &n);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r != RES_OK)
        return 0;
    FUZZ_CHECK(fuzz_inside(n.text, in) && n.text.n > 0 && n.text.p[n.text.n - 1] == '\n');
    FUZZ_CHECK(n.count > 0 && n.count <= NOTE_SIGNATURES_MAX);
    check_written(&n, in);
    FUZZ_CHECK(note_key_parse(span_str(VKEY), &key) == RES_OK);
    if (note_verify(&n, &key, 1, NULL, NULL, &verified) == RES_OK)
        FUZZ_CHECK(verified && span_equal(n.text, span_str(SIGNED)));
    return 0;
}
