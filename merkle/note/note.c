#include "merkle/note/note.h"

#include <assert.h>

#include "merkle/base/text.h"

#define ID_SIZE 4
/* Key id and body, decoded. */
#define BLOB_MAX (ID_SIZE + NOTE_SIGNATURE_MAX)

/* "em dash (U+2014), space (U+0020)" */
static const uint8_t line_start[] = {0xe2, 0x80, 0x94, 0x20};

/* Decodes a signature's third field: the key id and at least one byte of body. */
static enum result
decode_blob(struct span base64, uint8_t blob[static BLOB_MAX], size_t *ret_n)
{
    if (base64.n < 4 || base64.n % 4 != 0)
        return RES_NOTE;
    size_t n = BASE64_DECODED_MAX(base64.n);
    n -= base64.p[base64.n - 1] == '=';
    n -= base64.p[base64.n - 2] == '=';
    if (n > BLOB_MAX)
        return RES_TOO_LARGE;
    if (n <= ID_SIZE || text_unbase64_exact(base64, blob, n) != RES_OK)
        return RES_NOTE;
    *ret_n = n;
    return RES_OK;
}

/* Whether s is UTF-8 without control characters other than newline. */
static bool
text_allowed(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    return text_is_utf8(s);
}

/* Index of the last "\n\n" in s, or s.n. */
static size_t
last_blank_line(struct span s)
{
    for (size_t i = s.n; i >= 2; i--)
        if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n')
            return i - 2;
    return s.n;
}

/* Reads one signature line without its newline. */
static enum result
parse_line(struct span line, struct note_signature *ret)
{
    uint8_t blob[BLOB_MAX];
    size_t n;
    if (line.n < sizeof line_start || memcmp(line.p, line_start, sizeof line_start) != 0)
        return RES_NOTE;
    struct span rest = span_of(line.p + sizeof line_start, line.n - sizeof line_start);
    const uint8_t *space = rest.n == 0 ? NULL : memchr(rest.p, ' ', rest.n);
    if (space == NULL)
        return RES_NOTE;
    struct note_signature s = {.name = span_of(rest.p, (size_t)(space - rest.p))};
    s.base64 = span_of(space + 1, rest.n - s.name.n - 1);
    if (!note_key_name_form(s.name))
        return RES_NOTE;
    enum result err = decode_blob(s.base64, blob, &n);
    if (err != RES_OK)
        return err;
    s.id = (uint32_t)blob[0] << 24 | (uint32_t)blob[1] << 16 | (uint32_t)blob[2] << 8 | blob[3];
    *ret = s;
    return RES_OK;
}

enum result
note_parse(struct span in, struct note *ret)
{
    if (in.n > NOTE_MAX)
        return RES_TOO_LARGE;
    if (in.n == 0 || in.p[in.n - 1] != '\n' || !text_allowed(in))
        return RES_NOTE;
    size_t blank = last_blank_line(in);
    if (blank + 2 >= in.n)
        return RES_NOTE; /* none, or nothing after it */
    struct span lines = span_of(in.p + blank + 2, in.n - blank - 2);
    size_t count = 0;
    while (lines.n > 0) {
        /* The last byte is a newline, so one is found. */
        const uint8_t *newline = memchr(lines.p, '\n', lines.n);
        size_t n = (size_t)(newline - lines.p);
        if (count == NOTE_SIGNATURES_MAX)
            return RES_TOO_LARGE;
        enum result err = parse_line(span_of(lines.p, n), &ret->signature[count++]);
        if (err != RES_OK)
            return err;
        lines = span_of(newline + 1, lines.n - n - 1);
    }
    ret->text = span_of(in.p, blank + 1);
    ret->count = count;
    return RES_OK;
}

enum result
note_signature_body(const struct note *n, size_t i, struct buf *out)
{
    uint8_t blob[BLOB_MAX];
    size_t size;
    assert(i < n->count);
    buf_clear(out);
    enum result err = decode_blob(n->signature[i].base64, blob, &size);
    if (err != RES_OK)
        return RES_NOTE;
    return buf_add(out, span_of(blob + ID_SIZE, size - ID_SIZE));
}

/* Whether a signature by k can be checked at all. */
static bool
can_check(const struct note_key *k, note_check_fn *check)
{
    if (k->type == KEY_ED25519)
        return true;
    return check != NULL && (k->type != KEY_RFC6962 || k->p256 != NULL);
}

/* The index of the key that made s, or key_count. */
static size_t
find_key(const struct note_signature *s, const struct note_key *keys, size_t key_count,
         note_check_fn *check)
{
    for (size_t k = 0; k < key_count; k++)
        if (keys[k].id == s->id && span_equal(span_str(keys[k].name), s->name) &&
            can_check(&keys[k], check))
            return k;
    return key_count;
}

static enum result
verify_one(const struct note *n, const struct note_signature *s, const struct note_key *key,
           note_check_fn *check, void *arg)
{
    uint8_t blob[BLOB_MAX];
    size_t size;
    enum result err = decode_blob(s->base64, blob, &size);
    if (err != RES_OK)
        return RES_NOTE;
    struct span body = span_of(blob + ID_SIZE, size - ID_SIZE);
    if (key->type == KEY_ED25519)
        return ed25519_verify(key->public, n->text, body);
    return check(arg, key, n->text, body);
}

enum result
note_verify(const struct note *n, const struct note_key *keys, size_t key_count,
            note_check_fn *check, void *arg, bool *verified)
{
    size_t by[NOTE_SIGNATURES_MAX];
    bool any = false;
    for (size_t i = 0; i < n->count; i++) {
        by[i] = find_key(&n->signature[i], keys, key_count, check);
        if (by[i] == key_count)
            continue; /* "Verifiers MUST ignore signatures from unknown keys" */
        enum result err = verify_one(n, &n->signature[i], &keys[by[i]], check, arg);
        if (err != RES_OK)
            return err;
        any = true;
    }
    if (!any)
        return RES_KEY_UNKNOWN;
    for (size_t k = 0; verified != NULL && k < key_count; k++)
        verified[k] = false;
    for (size_t i = 0; verified != NULL && i < n->count; i++)
        if (by[i] < key_count)
            verified[by[i]] = true;
    return RES_OK;
}

enum result
note_signature_line(const char *name, uint32_t id, struct span body, struct buf *out)
{
    uint8_t blob[BLOB_MAX];
    size_t mark = out->n;
    assert(note_key_name_ok(span_str(name)));
    if (body.n == 0 || body.n > NOTE_SIGNATURE_MAX)
        return RES_VALUE;
    for (unsigned i = 0; i < ID_SIZE; i++)
        blob[i] = (uint8_t)(id >> (24 - 8 * i));
    memcpy(blob + ID_SIZE, body.p, body.n);
    enum result err = buf_add(out, span_of(line_start, sizeof line_start));
    if (err == RES_OK)
        err = buf_printf(out, "%s ", name);
    if (err == RES_OK)
        err = text_base64(span_of(blob, ID_SIZE + body.n), out);
    if (err == RES_OK)
        err = buf_add(out, span_of("\n", 1));
    if (err != RES_OK)
        out->n = mark;
    return err;
}
