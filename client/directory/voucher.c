#include "client/directory/voucher.h"

#include <string.h>

#include "client/record.h"

#define KIND "credential"

/* ---- the file ---- */

enum result
voucher_write(const struct policy_log *log, struct span credential, struct span beside,
              struct buf *out)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    enum result r = note_key_write(&log->note, &key);

    if (r == RES_OK)
        r = record_write_heading(KIND, out);
    if (r == RES_OK)
        r = record_write_text("log", buf_span(&key), out);
    if (r == RES_OK)
        r = record_write_base64("credential", credential, out);
    if (r == RES_OK)
        r = record_write_base64("beside", beside, out);
    buf_release(&key);
    return r == RES_OK ? record_write_digest(out) : r;
}

enum result
voucher_log(const struct policy *policy, struct span vkey, const struct policy_log **ret)
{
    struct buf key = BUF_INIT(KEY_VKEY_MAX);
    enum result r = RES_OK;

    *ret = NULL;
    for (size_t i = 0; i < policy_logs(policy) && r == RES_OK && *ret == NULL; i++) {
        const struct policy_log *log = policy_log(policy, i);
        buf_clear(&key);
        r = note_key_write(&log->note, &key);
        if (r == RES_OK && log->has_directory && span_equal(buf_span(&key), vkey))
            *ret = log;
    }
    buf_release(&key);
    return r == RES_OK && *ret == NULL ? RES_KEY_UNKNOWN : r;
}

static enum result
read_credential(struct voucher *v)
{
    struct reader in = reader_of(buf_span(&v->bytes));
    enum result r;

    credential_get(&in, &v->c);
    r = reader_end(&in);
    if (r == RES_OK && (!label_is(v->c.label) || v->c.label.p[0] != LABEL_MAILBOX))
        r = RES_VALUE;
    if (r == RES_OK) {
        memcpy(v->label.b, v->c.label.p, v->c.label.n);
        v->label.n = v->c.label.n;
    }
    return r;
}

enum result
voucher_parse(struct span text, const struct policy *policy, struct voucher *ret)
{
    struct voucher v = {.bytes = BUF_INIT(VOUCHER_FILE_MAX), .beside = BUF_INIT(ASK_ANSWER_MAX)};
    struct record in;
    struct span vkey;
    enum result r = record_open(text, KIND, &in);

    if (r == RES_OK)
        r = record_text(&in, "log", &vkey);
    if (r == RES_OK)
        r = voucher_log(policy, vkey, &v.log);
    if (r == RES_OK)
        r = record_base64(&in, "credential", &v.bytes);
    if (r == RES_OK)
        r = record_base64(&in, "beside", &v.beside);
    if (r == RES_OK)
        r = record_end(&in);
    if (r == RES_OK)
        r = read_credential(&v);
    if (r == RES_OK)
        *ret = v;
    else
        voucher_release(&v);
    return r;
}

void
voucher_release(struct voucher *v)
{
    buf_release(&v->bytes);
    buf_release(&v->beside);
}

/* ---- what it says ---- */

enum result
voucher_prove(const struct policy_log *log, const struct credential_recent *recent,
              const struct credential *c, struct voucher_proof *ret)
{
    const struct proved_by by = {.config = &log->directory, .vrf = &log->vrf};
    bool known = false;
    enum result r;

    /* The cheap question first: most files that are of no use are too old or too new. */
    for (size_t i = 0; i < recent->n; i++)
        known = known || recent->views[i].peaks.size - 1 == c->position;
    if (!known)
        return RES_KT_NOT_RECENT;
    r = proved_ladder(&by, c->label, c->version, c->opening, c->value, &c->ladder, ret->steps,
                      &ret->steps_n);
    return r == RES_OK ? credential_verify(&log->directory, recent, c, ret->steps, ret->steps_n,
                                           &ret->pending)
                       : r;
}

/* The tree that the credential is believed in. */
static const struct kt_view *
tree_of(const struct credential *c, const struct credential_recent *recent,
        const struct voucher_proof *proof)
{
    const struct kt_view *v = recent->views;

    if (c->provisional)
        return &proof->pending.view;
    while (v->peaks.size - 1 != c->position)
        v++;
    return v;
}

enum result
voucher_verify(const struct voucher *v, const struct policy *policy,
               const struct credential_recent *recent, struct voucher_said *ret,
               const char **ret_what)
{
    const struct found_question q = {.log = v->log, .policy = policy, .label = v->label};
    struct proved_search s = {.version = v->c.version, .value = v->c.value};
    enum result r;

    *ret_what = "credential";
    r = voucher_prove(v->log, recent, &v->c, &ret->proof);
    if (r != RES_OK)
        return r;
    s.terminal = v->c.provisional ? ret->proof.pending.terminal : v->c.position;
    s.head.view = *tree_of(&v->c, recent, &ret->proof);
    s.head.size = s.head.view.peaks.size;
    s.head.timestamp = s.head.view.frontier[s.head.view.n - 1].entry.timestamp;
    logtree_root(&s.head.view.peaks, &s.head.root);
    return found_read_beside(&q, &s, buf_span(&v->beside), &ret->found, ret_what);
}
