/*
 * /log.v3.json: the log describes itself in the fields of log list v3.
 */
#include <stdio.h>
#include <time.h>

#include "api/http/api.h"
#include "api/http/json.h"
#include "merkle/base/text.h"
#include "merkle/note/key.h"

/* The declared maximum merge delay, seconds: a promise of the log list. */
#define DECLARED_MMD 60

/* Appends "name":"value", value escaped, with a comma in front. */
static enum result
member(const char *name, const char *value, const char *suffix, struct buf *out)
{
    enum result r = buf_printf(out, ",\"%s\":\"", name);

    if (r == RES_OK)
        r = json_escape(span_str(value), out);
    if (r == RES_OK)
        r = json_escape(span_str(suffix), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\""));
    return r;
}

/* Appends the RFC 3339 form of seconds as a member. */
static enum result
time_member(const char *name, int64_t seconds, struct buf *out)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL)
        return RES_OK;
    return buf_printf(out, "\"%s\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", name, tm.tm_year + 1900,
                      tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* temporal_interval: which notAfter this log takes; left out when it takes any. */
static enum result
window(const struct chain_policy *p, struct buf *out)
{
    bool start = p->not_after_start != INT64_MIN;
    bool limit = p->not_after_limit != INT64_MAX;
    enum result r;

    if (!start && !limit)
        return RES_OK;
    r = buf_add(out, span_str(",\"temporal_interval\":{"));
    if (r == RES_OK && start)
        r = time_member("start_inclusive", p->not_after_start, out);
    if (r == RES_OK && start && limit)
        r = buf_add(out, span_str(","));
    if (r == RES_OK && limit)
        r = time_member("end_exclusive", p->not_after_limit, out);
    if (r == RES_OK)
        r = buf_add(out, span_str("}"));
    return r;
}

static enum result
keys(const struct log *log, const char *origin, struct buf *out)
{
    struct note_key note;
    enum result r = buf_add(out, span_str(",\"log_id\":\""));

    if (r == RES_OK)
        r = text_base64(hash_span(log_id(log)), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"key\":\""));
    if (r == RES_OK)
        r = text_base64(log_spki(log), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"checkpoint_vkey\":\""));
    if (r == RES_OK)
        r = note_key_ed25519(origin, KEY_ED25519, log_note_public(log), &note);
    if (r == RES_OK)
        r = note_key_write(&note, out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\""));
    return r;
}

/* The keys of the directory, as a policy has them; nothing without one. */
static enum result
directory_keys(struct log *log, const char *origin, struct buf *out)
{
    struct directory *d = log_directory(log);
    struct buf bytes = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&bytes);
    char name[CONFIG_TEXT_MAX + sizeof "/feed"];
    struct note_key feed;
    enum result r;

    if (d == NULL)
        return RES_OK;
    kt_config_put(&w, directory_config(d));
    r = writer_end(&w);
    if (r == RES_OK)
        r = buf_add(out, span_str(",\"directory\":\""));
    if (r == RES_OK)
        r = text_base64(buf_span(&bytes), out);
    buf_release(&bytes);
    (void)snprintf(name, sizeof name, "%s/feed", origin);
    if (r == RES_OK)
        r = note_key_ed25519(name, KEY_ED25519, directory_feed_public(d), &feed);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"feed_vkey\":\""));
    if (r == RES_OK)
        r = note_key_write(&feed, out);
    return r == RES_OK ? buf_add(out, span_str("\"")) : r;
}

static enum result
write_log(struct log *log, const struct config *c, struct buf *out)
{
    enum result r =
        buf_add(out, span_str("{\"description\":\"S/MIME certificate transparency log"));

    if (r == RES_OK)
        r = buf_add(out, span_str("\""));
    if (r == RES_OK)
        r = member("friendly_name", c->origin, "", out);
    if (r == RES_OK)
        r = keys(log, c->origin, out);
    if (r == RES_OK)
        r = directory_keys(log, c->origin, out);
    if (r == RES_OK)
        r = buf_printf(out, ",\"mmd\":%d", DECLARED_MMD);
    /* A base URL ends in a slash there, in static-ct-api and RFC 6962 alike. */
    if (r == RES_OK)
        r = member("submission_url", c->url, "/", out);
    if (r == RES_OK)
        r = member("monitoring_url", c->url, "/", out);
    if (r == RES_OK)
        r = window(&c->policy, out);
    if (r == RES_OK)
        r = buf_printf(out, ",\"log_spec\":\"static-ct-api\",\"entries\":\"%s\"",
                       c->entries_public ? "public" : "auditors");
    if (r == RES_OK && !c->entries_public)
        r = member(
            "note",
            "Bodies of entries are given to auditors only, by bearer token: this is not an RFC "
            "6962 log for monitors, which forbids conditions on reading.",
            "", out);
    if (r == RES_OK)
        r = buf_add(out, span_str("}\n"));
    return r;
}

void
loglist_v3(struct exchange *x)
{
    struct api *a = api_of(x);
    enum result r = write_log(a->log, a->config, &x->out);

    if (r == RES_OK)
        exchange_ok(x, REPLY_JSON, REPLY_NO_STORE, buf_span(&x->out));
    else
        exchange_refuse(x, r, NULL);
}
