#include "tools/verify_receipt.h"

#include <stdio.h>

#include "client/receipt.h"
#include "tools/proved.h"

/* Whether the receipt's leaf hash is that of entry under the receipt's SCT.  Only chooses words:
 * what proves is receipt_verify. */
static bool
is_about(const struct receipt *r, const struct entry *entry)
{
    struct sct sct;
    struct hash leaf;
    if (sct_parse(buf_span(&r->sct), &sct) != RES_OK)
        return true; /* then that is what is wrong */
    const struct timestamped_entry t = {
        .timestamp = sct.timestamp, .entry = *entry, .extensions = sct.extensions};
    entry_leaf_hash(&t, &leaf);
    return r->type == entry->type && hash_equal(&leaf, &r->leaf_hash);
}

/* The entries that a receipt could be about, tried in turn.  *ret_about: it may be about one of
 * them, or one could not be made because the issuer is missing. */
static enum result
try_receipt(const struct app *a, const struct receipt *r, const struct subject_chain *chain,
            struct receipt_verdict *ret, bool *ret_about)
{
    enum result (*const of[])(const struct subject_chain *, struct subject *) = {subject_submitted,
                                                                                 subject_embedded};
    enum result first = RES_OK;
    *ret_about = false;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct subject s = SUBJECT_INIT;
        enum result rc = of[i](chain, &s);
        const struct entry entry = subject_entry(&s);
        if (rc == RES_OK)
            *ret_about = is_about(r, &entry) || *ret_about;
        else
            *ret_about = rc != RES_CERT_SCT_LIST || *ret_about;
        if (rc == RES_OK)
            rc = receipt_verify(r, a->policy, &entry, ret);
        subject_release(&s);
        if (rc == RES_OK)
            return RES_OK;
        if (i == 0)
            first = rc;
    }
    return first;
}

/* Why the one receipt of the file is none for the certificate. */
static void
say_why_not(const struct app *a, const struct receipt *r, enum result why, bool parsed, bool about)
{
    char reason[APP_REASON_MAX];
    const struct policy_log *log = policy_log_by_origin(a->policy, buf_span(&r->origin));
    if (parsed && (log == NULL || log->p256 == NULL)) {
        char name[KEY_NAME_MAX + 1];
        size_t n = r->origin.n < sizeof name ? r->origin.n : sizeof name - 1;
        for (size_t i = 0; i < n; i++) /* a stranger's text on a terminal */
            name[i] = (char)(r->origin.p[i] > ' ' && r->origin.p[i] < 0x7f ? r->origin.p[i] : '?');
        name[n] = '\0';
        app_say(log == NULL ? "the receipt is of log %s, which the policy does not name"
                            : "the receipt is of log %s, for which the policy gives no ct-key",
                name);
    } else if (parsed && !about) {
        app_say("the receipt is not one for this certificate, or it was altered: its leaf hash is "
                "another");
    } else {
        app_say("the receipt does not verify: %s", app_reason(why, reason));
    }
}

/* The lines of a file of receipts, tried for one certificate. */
struct search {
    struct receipt receipt; /* the last one read */
    size_t lines;
    enum result last;   /* what became of it */
    bool parsed, about; /* it could be read; it may be about the certificate */
};

/* Whether one of them verifies; says so. */
static bool
find_receipt(const struct app *a, const struct subject_chain *chain, struct span text,
             struct search *s)
{
    struct receipt_verdict v;
    for (size_t at = 0; at < text.n;) {
        const uint8_t *nl = memchr(text.p + at, '\n', text.n - at);
        size_t end = nl == NULL ? text.n : (size_t)(nl - text.p);
        struct span line = span_of(text.p + at, end - at);
        at = end + 1;
        if (line.n == 0)
            continue;
        s->lines++;
        s->last = receipt_parse(line, &s->receipt);
        s->parsed = s->last == RES_OK;
        if (s->parsed)
            s->last = try_receipt(a, &s->receipt, chain, &v, &s->about);
        if (s->last == RES_OK) {
            proved_print(a, "receipt, offline", v.log, &v.promise, &v.head, s->receipt.index);
            return true;
        }
    }
    return false;
}

/* None verified: says why, and returns the exit code. */
static int
none_found(const struct app *a, const struct search *s, const char *path)
{
    if (s->lines == 1) {
        say_why_not(a, &s->receipt, s->last, s->parsed, s->about);
        return result_class(s->last) == CLASS_FALSE ? EXIT_NO : EXIT_INPUT;
    }
    if (s->lines == 0) {
        app_say("%s holds no receipt", path);
        return EXIT_INPUT;
    }
    if (s->last == RES_CHAIN_ROOT) {
        app_say("%s", PROVED_ISSUER_MISSING);
        return EXIT_INPUT;
    }
    app_say("none of %zu receipts in %s is one for this certificate", s->lines, path);
    return EXIT_NO;
}

/* A file of receipts: some 500,000 lines of 1 KB. */
#define RECEIPTS_MAX (512u * 1024 * 1024)

int
verify_receipts(const struct app *a, const struct subject_chain *chain, const char *path)
{
    struct buf text = BUF_INIT(RECEIPTS_MAX);
    struct search s = {.last = RES_ABSENT};
    int e = EXIT_YES;
    enum result r = file_read(path, &text);
    if (r != RES_OK) {
        char why[APP_REASON_MAX];
        app_say("cannot read the receipts %s: %s", path,
                r == RES_ABSENT ? "no such file" : app_reason(r, why));
        buf_release(&text);
        return EXIT_INPUT;
    }
    receipt_init(&s.receipt);
    if (!find_receipt(a, chain, buf_span(&text), &s))
        e = none_found(a, &s, path);
    else if (!a->o.json)
        (void)printf("  not asked: whether the log still holds to this tree (run `cartulary "
                     "monitor --once`)\n%s",
                     PROVED_CAUTION);
    receipt_release(&s.receipt);
    buf_release(&text);
    return e;
}
