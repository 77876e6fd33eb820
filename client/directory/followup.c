#include "client/directory/followup.h"

#include <string.h>

#include "client/record.h"
#include "merkle/base/text.h"

#define KIND "credential-update"

bool
followup_is(struct span text)
{
    static const char HEADING[] = "cartulary " KIND " ";

    return text.n >= sizeof(HEADING) - 1 && memcmp(text.p, HEADING, sizeof(HEADING) - 1) == 0;
}

enum result
followup_write(const struct policy_log *log, struct span credential, struct span update,
               struct buf *out)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    char hex[2 * HASH_SIZE + 1];
    struct hash sha256;
    enum result r = note_key_write(&log->note, &key);

    hash_sha256(credential, &sha256);
    text_hex_to(hash_span(&sha256), hex);
    if (r == RES_OK)
        r = record_write_heading(KIND, out);
    if (r == RES_OK)
        r = record_write_text("log", buf_span(&key), out);
    if (r == RES_OK)
        r = record_write_text("credential", span_str(hex), out);
    if (r == RES_OK)
        r = record_write_base64("update", update, out);
    buf_release(&key);
    return r == RES_OK ? record_write_digest(out) : r;
}

static enum result
check_form(struct span update)
{
    struct reader in = reader_of(update);
    struct combined_proof unused;

    combined_proof_get(&in, &unused);
    return reader_end(&in);
}

enum result
followup_parse(struct span text, const struct policy *policy, struct followup *ret)
{
    struct followup u = {.update = BUF_INIT(FOLLOWUP_FILE_MAX)};
    struct record in;
    struct span line;
    enum result r = record_open(text, KIND, &in);

    if (r == RES_OK)
        r = record_text(&in, "log", &line);
    if (r == RES_OK)
        r = voucher_log(policy, line, &u.log);
    if (r == RES_OK)
        r = record_text(&in, "credential", &line);
    if (r == RES_OK)
        r = text_unhex(line, u.credential.b, HASH_SIZE);
    if (r == RES_OK)
        r = record_base64(&in, "update", &u.update);
    if (r == RES_OK)
        r = record_end(&in);
    if (r == RES_OK)
        r = check_form(buf_span(&u.update));
    if (r == RES_OK)
        *ret = u;
    else
        followup_release(&u);
    return r;
}

void
followup_release(struct followup *u)
{
    buf_release(&u->update);
}
