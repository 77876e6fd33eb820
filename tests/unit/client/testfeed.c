#include "tests/unit/client/testfeed.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "merkle/note/checkpoint.h"

#define FEED_ORIGIN TESTLOG_ORIGIN "/feed"

static void
need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "testfeed: %s\n", what);
    abort();
}
#define OK(call) need((call) == RES_OK, #call)

static void
feed_key(const struct testfeed *f, struct note_key *ret)
{
    OK(note_key_ed25519(FEED_ORIGIN, KEY_ED25519, f->feed.ed_public, ret));
}

static void
write_policy(const struct testfeed *f, struct buf *out)
{
    struct kt_config config = {.max_ahead = 300000, .max_behind = 3600000};
    struct buf bytes = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&bytes);
    struct note_key key;

    config.window.monitoring = 86400000;
    memcpy(config.signature_key, f->kt_public, KT_KEY_SIZE);
    memcpy(config.vrf_key, f->kt_public, KT_KEY_SIZE);
    kt_config_put(&w, &config);
    OK(writer_end(&w));
    feed_key(f, &key);
    OK(buf_add(out, buf_span(&f->log.policy_text)));
    OK(buf_printf(out, "#cartulary directory " TESTLOG_ORIGIN " "));
    OK(text_base64(buf_span(&bytes), out));
    OK(buf_printf(out, "\n#cartulary feed " TESTLOG_ORIGIN " "));
    OK(note_key_write(&key, out));
    OK(buf_printf(out, "\n"));
    buf_release(&bytes);
}

void
testfeed_init(struct testfeed *f)
{
    struct buf text = BUF_INIT(65536);
    char detail[POLICY_DETAIL_MAX];
    size_t line;

    memset(f, 0, sizeof(*f));
    testlog_init(&f->log);
    testlog_init(&f->feed);
    (void)crypto_sign_keypair(f->kt_public, f->kt_secret);
    write_policy(f, &text);
    OK(policy_parse(buf_span(&text), &f->policy, &line, detail));
    f->of = policy_log(f->policy, 0);
    buf_release(&text);
    for (uint64_t i = 0; i < TESTFEED_ENTRIES; i++) {
        struct feed_entry *e = &f->entries[i];

        e->timestamp = 1000 * (i + 1);
        hash_leaf(span_of(&i, sizeof(i)), &e->root);
        e->certificates = 2 * (i + 1);
        testlog_root(&f->log, e->certificates, &e->certificates_root);
        hash_empty(&e->crls_root);
    }
}

void
testfeed_release(struct testfeed *f)
{
    policy_free(f->policy);
    testlog_release(&f->log);
    testlog_release(&f->feed);
}

void
testfeed_head(const struct testfeed *f, uint64_t size, const struct hash *root, struct buf *out)
{
    struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&tbs);
    uint8_t signature[64];

    kt_head_tbs(&w, &f->of->directory, size, root);
    OK(writer_end(&w));
    (void)crypto_sign_detached(signature, NULL, tbs.p, tbs.n, f->kt_secret);
    buf_clear(out);
    OK(statement_put_head(size, root, signature, out));
    buf_release(&tbs);
}

static void
write_entry(const struct feed_entry *e, struct buf *out)
{
    struct writer w = writer_to(out);

    buf_clear(out);
    feed_entry_put(&w, e);
    OK(writer_end(&w));
}

static void
write_checkpoint(const struct testfeed *f, uint64_t size, struct buf *out)
{
    uint8_t signature[64];
    struct note_key key;
    struct hash root;

    testlog_root(&f->feed, size, &root);
    feed_key(f, &key);
    OK(checkpoint_write(FEED_ORIGIN, size, &root, out));
    (void)crypto_sign_detached(signature, NULL, out->p, out->n, f->feed.ed_secret);
    OK(buf_add(out, span_str("\n")));
    OK(note_signature_line(FEED_ORIGIN, key.id, span_of(signature, sizeof(signature)), out));
}

void
testfeed_answer(struct testfeed *f, uint64_t size, uint64_t feed_size, struct buf *out)
{
    struct buf entry = BUF_INIT(FEED_ENTRY_SIZE), note = BUF_INIT(4096), path = BUF_INIT(65536);

    for (uint64_t i = 0; i < feed_size; i++) {
        write_entry(&f->entries[i], &entry);
        hash_leaf(buf_span(&entry), &f->feed.leaf[i]);
    }
    write_entry(&f->entries[size - 1], &entry);
    write_checkpoint(f, feed_size, &note);
    testlog_proof(&f->feed, size - 1, feed_size, &path);
    buf_clear(out);
    OK(buf_printf(out, "{\"size\":%" PRIu64 ",\"entry\":", size));
    OK(json_write_base64(buf_span(&entry), out));
    OK(buf_printf(out, ",\"checkpoint\":"));
    OK(json_write_string(buf_span(&note), out));
    OK(buf_printf(out, ","));
    OK(buf_add(out, span_of(path.p + 1, path.n - 1)));
    buf_release(&entry);
    buf_release(&note);
    buf_release(&path);
}

void
testfeed_anchor(struct testfeed *f, uint64_t size, uint64_t feed_size, struct buf *out)
{
    struct buf body = BUF_INIT(65536);
    struct json *j;

    testfeed_answer(f, size, feed_size, &body);
    OK(json_parse(buf_span(&body), &j));
    buf_clear(out);
    OK(statement_put_anchor(json_top(j), out));
    json_free(j);
    buf_release(&body);
}
