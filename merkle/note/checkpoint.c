#include "merkle/note/checkpoint.h"

#include <assert.h>
#include <inttypes.h>

#include "merkle/base/codec.h"
#include "merkle/base/text.h"

/* "cosignature/v1\ntime <decimal>\n", tlog-cosignature. */
#define COSIGNATURE_HEAD_MAX 48

/* Cuts a line without its newline off *text.  False when none is left or it is empty. */
static bool
take_line(struct span *text, struct span *ret)
{
    const uint8_t *newline = text->n == 0 ? NULL : memchr(text->p, '\n', text->n);
    if (newline == NULL || newline == text->p)
        return false;
    *ret = span_of(text->p, (size_t)(newline - text->p));
    *text = span_of(newline + 1, text->n - ret->n - 1);
    return true;
}

enum result
checkpoint_parse(struct span text, struct checkpoint *ret)
{
    struct checkpoint c = {.size = 0};
    struct span size, root, line;
    if (!take_line(&text, &c.origin) || !take_line(&text, &size) || !take_line(&text, &root) ||
        text_u64(size, CHECKPOINT_SIZE_MAX, &c.size) != RES_OK ||
        text_unbase64_exact(root, c.root.b, HASH_SIZE) != RES_OK)
        return RES_CHECKPOINT;
    c.extensions = text;
    while (text.n > 0)
        if (!take_line(&text, &line))
            return RES_CHECKPOINT; /* "Extension lines, if any, MUST be non-empty." */
    *ret = c;
    return RES_OK;
}

enum result
checkpoint_write(const char *origin, uint64_t size, const struct hash *root, struct buf *out)
{
    size_t mark = out->n;
    assert(*origin != '\0' && strchr(origin, '\n') == NULL);
    enum result err = buf_printf(out, "%s\n%" PRIu64 "\n", origin, size);
    if (err == RES_OK)
        err = text_base64(hash_span(root), out);
    if (err == RES_OK)
        err = buf_add(out, span_of("\n", 1));
    if (err != RES_OK)
        out->n = mark;
    return err;
}

enum result
checkpoint_rfc6962_body(uint64_t timestamp, const struct digitally_signed *sth, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_u64(&w, timestamp);
    enum result err = writer_end(&w);
    if (err == RES_OK)
        err = digitally_signed_write(sth, out);
    if (err != RES_OK)
        out->n = mark;
    return err;
}

/* RFC6962NoteSignature: the tree head is the text's size and root with the body's timestamp. */
static enum result
check_rfc6962(const struct note_key *key, const struct checkpoint *c, struct span body,
              uint64_t *ret_timestamp)
{
    struct digitally_signed d;
    uint8_t head[STH_SIGNED_SIZE];
    struct reader r = reader_of(body);
    uint64_t timestamp = get_u64(&r);
    /* "MUST NOT include any extension lines": the signature would not cover them. */
    if (key->p256 == NULL || c->extensions.n != 0 || digitally_signed_read(&r, &d) != RES_OK ||
        reader_end(&r) != RES_OK)
        return RES_SIGNATURE;
    /* RFC 6962 2.1.4: SHA-256 with ECDSA on P-256. */
    if (d.hash != 4 || d.algorithm != 3)
        return RES_SIGNATURE;
    sth_signed_data(timestamp, c->size, &c->root, head);
    enum result err = p256_verify(key->p256, span_of(head, sizeof head), d.signature);
    if (err == RES_OK)
        *ret_timestamp = timestamp;
    return err;
}

/* timestamped_signature of tlog-cosignature: the head line and the time, then the whole text. */
static enum result
check_cosignature(const struct note_key *key, struct span text, struct span body,
                  uint64_t *ret_timestamp)
{
    struct reader r = reader_of(body);
    uint64_t timestamp = get_u64(&r);
    struct span signature = get_bytes(&r, 64);
    /* "It MUST NOT exceed 2^63 - 1" */
    if (reader_end(&r) != RES_OK || timestamp > INT64_MAX)
        return RES_SIGNATURE;
    struct buf msg = BUF_INIT(COSIGNATURE_HEAD_MAX + NOTE_MAX);
    enum result err = buf_printf(&msg, "cosignature/v1\ntime %" PRIu64 "\n", timestamp);
    if (err == RES_OK)
        err = buf_add(&msg, text);
    if (err == RES_OK)
        err = ed25519_verify(key->public, buf_span(&msg), signature);
    if (err == RES_OK)
        *ret_timestamp = timestamp;
    buf_release(&msg);
    return err == RES_TOO_LARGE ? RES_SIGNATURE : err;
}

enum result
checkpoint_check(void *arg, const struct note_key *key, struct span text, struct span body)
{
    struct checkpoint_times *times = arg;
    struct checkpoint c;
    uint64_t timestamp = 0;
    if (checkpoint_parse(text, &c) != RES_OK)
        return RES_SIGNATURE;
    enum result err = RES_SIGNATURE;
    if (key->type == KEY_RFC6962)
        err = check_rfc6962(key, &c, body, &timestamp);
    else if (key->type == KEY_COSIGNATURE_ED25519)
        err = check_cosignature(key, text, body, &timestamp);
    if (err != RES_OK || times == NULL)
        return err;
    uint64_t *newest = key->type == KEY_RFC6962 ? &times->rfc6962 : &times->cosignature;
    if (timestamp > *newest)
        *newest = timestamp;
    return RES_OK;
}

enum result
checkpoint_open_ct(struct span in, const struct note_key keys[static 2], struct checkpoint *ret,
                   uint64_t *ret_timestamp)
{
    struct note n;
    struct checkpoint c;
    struct checkpoint_times times = {.rfc6962 = 0};
    bool verified[2];
    enum result err = note_parse(in, &n);
    if (err == RES_OK)
        err = checkpoint_parse(n.text, &c);
    if (err != RES_OK)
        return err;
    if (c.extensions.n != 0)
        return RES_CHECKPOINT;
    /* The RFC 6962 signature does not cover the origin: it is the key's name that binds it. */
    if (!span_equal(c.origin, span_str(keys[0].name)))
        return RES_ORIGIN;
    err = note_verify(&n, keys, 2, checkpoint_check, &times, verified);
    if (err != RES_OK)
        return err;
    if (!verified[0] || !verified[1])
        return RES_KEY_UNKNOWN;
    *ret = c;
    *ret_timestamp = times.rfc6962;
    return RES_OK;
}
