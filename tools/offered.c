#include "tools/offered.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "tools/app.h"

bool
offered_purpose(const char *text, enum mailbox_purpose *ret)
{
    if (strcmp(text, "encrypt") == 0)
        *ret = MAILBOX_ENCRYPT;
    else if (strcmp(text, "sign") == 0)
        *ret = MAILBOX_SIGN;
    else
        return false;
    return true;
}

static const char *
purpose_name(enum mailbox_purpose p)
{
    static const char *const names[] = {"", "sign", "encrypt", "sign and encrypt"};
    return names[p];
}

static const char *
reason_of(const struct offer *o)
{
    if (o->offered)
        return "ok";
    return o->announced && o->why == TRUST_CRITICAL ? "announced" : trust_reason_name(o->why);
}

static void
print_record(const struct found_record *r, const struct offer *o)
{
    char from[APP_TIME_MAX], to[APP_TIME_MAX], id[2 * HASH_SIZE + 1];
    app_time(r->m.not_before * 1000, from);
    app_time(r->m.not_after * 1000, to);
    text_hex_to(hash_span(&r->m.certificate_sha256), id);
    (void)printf("  %s  %s, %s to %s, for \"%.*s\"\n", o->offered ? "OFFERED" : "not trusted",
                 purpose_name(r->m.purpose), from, to, (int)r->m.address.n, r->m.address.p);
    if (o->announced)
        (void)printf("    announced only: a precertificate, entry %" PRIu64 "\n",
                     r->m.precert_index);
    else
        (void)printf("    certificate %s, entry %" PRIu64 "\n", id, r->m.final_index);
    if (!o->offered && !(o->announced && o->why == TRUST_CRITICAL))
        (void)printf("    logged, not trusted: %s\n", trust_reason_sentence(o->why));
}

int
offered_json(const struct found *f, const struct offer *offers)
{
    for (size_t i = 0; i < f->records_n; i++) {
        const struct mailbox_record *m = &f->records[i].m;
        struct buf text = BUF_INIT(4096);
        char id[2 * HASH_SIZE + 1], key[2 * HASH_SIZE + 1];
        text_hex_to(hash_span(&m->certificate_sha256), id);
        text_hex_to(hash_span(&m->spki_sha256), key);
        if (json_write_string(m->address, &text) != RES_OK ||
            buf_add(&text, span_of("", 1)) != RES_OK) {
            buf_release(&text);
            return EXIT_FAULT;
        }
        (void)printf("%s{\"offered\":%s,\"reason\":\"%s\",\"certificate_sha256\":\"%s\","
                     "\"spki_sha256\":\"%s\",\"index\":%" PRIu64 ",\"not_before\":%" PRIu64
                     ",\"not_after\":%" PRIu64 ",\"purpose\":%d,\"source\":%d,\"address\":%s}",
                     i == 0 ? "" : ",", offers[i].offered ? "true" : "false", reason_of(&offers[i]),
                     id, key, offers[i].announced ? m->precert_index : m->final_index,
                     m->not_before, m->not_after, (int)m->purpose, (int)m->source,
                     (const char *)text.p);
        buf_release(&text);
    }
    return EXIT_YES;
}

void
offered_print(const struct found *f, const struct offer *offers)
{
    for (size_t i = 0; i < f->records_n; i++)
        print_record(&f->records[i], &offers[i]);
}

static enum result
add_pem(struct span der, struct buf *out)
{
    struct buf text = BUF_INIT(4 * der.n + 16);
    enum result r = text_base64(der, &text);
    if (r == RES_OK)
        r = buf_printf(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; r == RES_OK && at < text.n; at += 64)
        r = buf_printf(out, "%.*s\n", (int)(text.n - at < 64 ? text.n - at : 64),
                       (const char *)text.p + at);
    if (r == RES_OK)
        r = buf_printf(out, "-----END CERTIFICATE-----\n");
    buf_release(&text);
    return r;
}

enum result
offered_pem(const struct found *f, const struct offer *offers, struct buf *out)
{
    enum result r = RES_OK;
    for (size_t i = 0; r == RES_OK && i < f->records_n; i++)
        if (offers[i].offered)
            r = add_pem(buf_span(&f->records[i].der), out);
    return r;
}

int
offered_write(const char *path, struct span bytes)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    bool ok = file != NULL && (bytes.n == 0 || fwrite(bytes.p, 1, bytes.n, file) == bytes.n);
    if (file != NULL && file != stdout)
        ok = fclose(file) == 0 && ok;
    if (ok)
        return EXIT_YES;
    app_say("cannot write %s: %s", path, strerror(errno));
    return EXIT_FAULT;
}
