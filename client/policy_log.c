#include "client/policy_log.h"

#include "merkle/base/text.h"

enum result
policy_url(struct policy_line *l, struct span url, char out[static POLICY_URL_MAX])
{
    static const char *const schemes[] = {"https://", "http://", "unix:/"};
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    if (url.n >= POLICY_URL_MAX)
        return policy_refuse(l, "the URL is longer than %d bytes", POLICY_URL_MAX - 1);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (url.n > n && memcmp(url.p, schemes[i], n) == 0) {
            memcpy(out, url.p, url.n);
            out[url.n] = '\0';
            return RES_OK;
        }
    }
    return policy_refuse(l, "the URL begins with none of https://, http://, unix:/");
}

enum result
policy_log_ct_key(struct policy_line *l, struct policy_log *log)
{
    struct buf spki = BUF_INIT(1024);
    enum result r = RES_OK;
    if (l->words != 4)
        r = policy_refuse(l, "the line is: #cartulary ct-key <origin> <base64>");
    else if (log->p256 != NULL)
        r = policy_refuse(l, "a second ct-key for this log");
    else if (text_unbase64(l->word[3], &spki) != RES_OK ||
             p256_key_parse(buf_span(&spki), &log->p256) != RES_OK)
        r = policy_refuse(l, "not the base64 of a P-256 SubjectPublicKeyInfo");
    else
        r = note_key_rfc6962(log->note.name, log->p256, &log->rfc6962);
    buf_release(&spki);
    return r;
}

enum result
policy_log_mmd(struct policy_line *l, struct policy_log *log)
{
    uint64_t seconds;
    if (l->words != 4 || text_u64(l->word[3], POLICY_MMD_MAX, &seconds) != RES_OK || seconds == 0)
        return policy_refuse(l, "the line is: #cartulary mmd <origin> <seconds from 1 to %d>",
                             POLICY_MMD_MAX);
    log->mmd_ms = seconds * 1000;
    return RES_OK;
}

enum result
policy_log_serves(struct policy_line *l, struct policy_log *log)
{
    bool both = l->words == 5 && policy_word_is(l->word[4], "static-ct");
    if (l->words < 4 || !policy_word_is(l->word[3], "rfc6962") || (l->words != 4 && !both))
        return policy_refuse(l, "the line is: #cartulary serves <origin> rfc6962 [static-ct]");
    log->static_ct = both;
    return RES_OK;
}

enum result
policy_log_directory(struct policy_line *l, struct policy_log *log)
{
    struct buf bytes = BUF_INIT(1024);
    enum result r = RES_OK;
    if (l->words != 4)
        return policy_refuse(l, "the line is: #cartulary directory <origin> <base64>");
    if (text_unbase64(l->word[3], &bytes) != RES_OK)
        r = policy_refuse(l, "not base64");
    if (r == RES_OK) {
        struct reader in = reader_of(buf_span(&bytes));
        kt_config_get(&in, &log->directory);
        if (reader_end(&in) != RES_OK)
            r = policy_refuse(l, "not a KEYTRANS Configuration that this version knows");
        else if (vrf_public_parse(log->directory.vrf_key, &log->vrf) != RES_OK)
            r = policy_refuse(l, "the directory's VRF key is none");
    }
    buf_release(&bytes);
    log->has_directory = r == RES_OK;
    return r;
}

enum result
policy_log_feed(struct policy_line *l, struct policy_log *log)
{
    size_t n = strlen(log->note.name);
    if (l->words != 4 || note_key_parse(l->word[3], &log->feed) != RES_OK ||
        log->feed.type != KEY_ED25519)
        return policy_refuse(l, "the line is: #cartulary feed <origin> <vkey>");
    if (strncmp(log->feed.name, log->note.name, n) != 0 || strcmp(log->feed.name + n, "/feed") != 0)
        return policy_refuse(l, "the feed's name is not <origin>/feed");
    return RES_OK;
}

enum result
policy_log_delay(struct policy_line *l, struct policy_log *log)
{
    uint64_t seconds;
    if (l->words != 4 || text_u64(l->word[3], POLICY_DELAY_MAX, &seconds) != RES_OK || seconds == 0)
        return policy_refuse(l,
                             "the line is: #cartulary directory-delay <origin> <seconds from 1 to "
                             "%d>",
                             POLICY_DELAY_MAX);
    log->delay_ms = seconds * 1000;
    return RES_OK;
}
