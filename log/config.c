#include "log/config.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "merkle/base/text.h"

/* inih cuts lines at some 199 bytes and parses the rest as another line: refuse before it sees
 * them. */
#define LINE_MAX_HERE 190
#define FILE_MAX_HERE (64 * 1024)
#define KEYS_MAX 64

struct parse {
    struct config *c;
    char *detail;
    char seen[KEYS_MAX][32];
    unsigned seen_count;
    bool failed;
};

enum kind { TEXT, NUMBER, LIST_EKU, LIST_PROXY, CHOICE_ENTRIES, SWITCH, TIME };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    size_t size; /* TEXT: room; NUMBER: 4 or 8 */
    uint64_t min, max;
};

#define TEXT_KEY(name_, field)                                             \
    {                                                                      \
        name_, TEXT, offsetof(struct config, field), CONFIG_TEXT_MAX, 0, 0 \
    }
#define NUMBER_KEY(name_, field, min_, max_)                                                      \
    {                                                                                             \
        name_, NUMBER, offsetof(struct config, field), sizeof(((struct config *)0)->field), min_, \
            max_                                                                                  \
    }

static const struct key KEYS[] = {
    TEXT_KEY("origin", origin),
    TEXT_KEY("url", url),
    TEXT_KEY("highwater", high_water),
    {"entries", CHOICE_ENTRIES, 0, 0, 0, 0},
    {"eku", LIST_EKU, 0, 0, 0, 0},
    {"any-eku", SWITCH, offsetof(struct config, policy.allow_any_eku), 0, 0, 0},
    {"no-eku", SWITCH, offsetof(struct config, policy.allow_no_eku), 0, 0, 0},
    {"not-after-start", TIME, offsetof(struct config, policy.not_after_start), 0, 0, 0},
    {"not-after-limit", TIME, offsetof(struct config, policy.not_after_limit), 0, 0, 0},
    NUMBER_KEY("map-size", map_size, UINT64_C(1) << 24, UINT64_C(1) << 46),
    NUMBER_KEY("disk-floor", disk_floor, 0, UINT64_C(1) << 50),
    NUMBER_KEY("scrub-period", scrub_seconds, 60, UINT64_C(3660) * 86400),
    NUMBER_KEY("heartbeat", heartbeat_ms, 100, 60000),
    NUMBER_KEY("workers", workers, 0, 256),
    NUMBER_KEY("pool", pool, 1, 65536),
    NUMBER_KEY("issuer-rate", issuer_rate, 0, 1000000),
    NUMBER_KEY("issuer-burst", issuer_burst, 1, 1000000),
    NUMBER_KEY("client-rate", client_rate, 0, 1000000),
    NUMBER_KEY("client-burst", client_burst, 1, 1000000),
    NUMBER_KEY("connections", connections, 1, 100000),
    NUMBER_KEY("body-max", body_max, 1024, 4 * 1024 * 1024),
    NUMBER_KEY("head-timeout", head_timeout_ms, 100, 600000),
    NUMBER_KEY("body-timeout", body_timeout_ms, 100, 600000),
    NUMBER_KEY("idle-timeout", idle_timeout_ms, 100, 3600000),
    NUMBER_KEY("entries-max", entries_max, 1, 1024),
    {"trusted-proxy", LIST_PROXY, 0, 0, 0, 0},
};

/* emailProtection, 1.3.6.1.5.5.7.3.4 */
static const uint8_t EMAIL_PROTECTION[] = {0x2b, 6, 1, 5, 5, 7, 3, 4};

/* The spans of the policy point into *c itself: set again after a copy. */
static void
point_ekus(struct config *c)
{
    for (size_t i = 0; i < c->policy.eku_count; i++)
        c->policy.eku[i].p = c->eku_bytes[i];
}

void
config_defaults(struct config *c)
{
    memset(c, 0, sizeof(*c));
    memcpy(c->eku_bytes[0], EMAIL_PROTECTION, sizeof(EMAIL_PROTECTION));
    c->policy.eku[0].n = sizeof(EMAIL_PROTECTION);
    c->policy.eku_count = 1;
    c->policy.not_after_start = INT64_MIN;
    c->policy.not_after_limit = INT64_MAX;
    c->map_size = UINT64_C(1) << 40;
    c->disk_floor = UINT64_C(1) << 30;
    c->scrub_seconds = UINT64_C(7) * 86400;
    c->heartbeat_ms = 30000;
    c->pool = 4096;
    c->issuer_burst = 1000;
    c->client_burst = 200;
    c->connections = 1024;
    c->body_max = 512 * 1024;
    c->head_timeout_ms = 10000;
    c->body_timeout_ms = 30000;
    c->idle_timeout_ms = 75000;
    c->entries_max = 256;
    point_ekus(c);
}

static bool
fail(struct parse *p, const char *key, const char *what)
{
    (void)snprintf(p->detail, CONFIG_TEXT_MAX, "%.40s: %s", key, what);
    p->failed = true;
    return false;
}

static bool
set_number(struct parse *p, const struct key *k, const char *value)
{
    uint64_t v;
    if (text_u64(span_str(value), k->max, &v) != RES_OK || v < k->min) {
        char range[96];
        (void)snprintf(range, sizeof(range), "wants a whole number from %llu to %llu",
                       (unsigned long long)k->min, (unsigned long long)k->max);
        return fail(p, k->name, range);
    }
    char *field = (char *)p->c + k->offset;
    if (k->size == 8) {
        memcpy(field, &v, 8);
    } else {
        uint32_t narrow = (uint32_t)v;
        memcpy(field, &narrow, 4);
    }
    return true;
}

static bool
set_switch(struct parse *p, const struct key *k, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return fail(p, k->name, "wants yes or no");
    memcpy((char *)p->c + k->offset, &yes, sizeof(yes));
    return true;
}

static bool
set_time(struct parse *p, const struct key *k, const char *value)
{
    /* Seconds since 1970; init turns dates into them. */
    uint64_t v;
    if (text_u64(span_str(value), UINT64_C(253402300800), &v) != RES_OK)
        return fail(p, k->name, "wants seconds since 1970");
    int64_t t = (int64_t)v;
    memcpy((char *)p->c + k->offset, &t, sizeof(t));
    return true;
}

/* Calls take for each word of a list separated by commas or blanks. */
static bool
each_word(struct parse *p, const char *value, bool (*take)(struct parse *p, const char *word))
{
    while (*value) {
        value += strspn(value, ", \t");
        size_t n = strcspn(value, ", \t");
        char word[64];
        if (n == 0)
            break;
        if (n >= sizeof(word))
            return fail(p, value, "is too long for a list's word");
        memcpy(word, value, n);
        word[n] = 0;
        if (!take(p, word))
            return false;
        value += n;
    }
    return true;
}

static bool
take_eku(struct parse *p, const char *word)
{
    struct chain_policy *policy = &p->c->policy;
    size_t i = policy->eku_count;
    if (i == CHAIN_EKUS_MAX)
        return fail(p, "eku", "names too many purposes");
    size_t n = cert_oid_from_text(word, p->c->eku_bytes[i], sizeof(p->c->eku_bytes[i]));
    if (n == 0)
        return fail(p, word, "is no object identifier such as 1.3.6.1.5.5.7.3.4");
    policy->eku[i].n = n;
    policy->eku_count++;
    return true;
}

static bool
take_proxy(struct parse *p, const char *word)
{
    unsigned i = p->c->trusted_proxies;
    if (strcmp(word, "unix") == 0) {
        p->c->trusted_unix = true;
        return true;
    }
    if (i == CONFIG_PROXIES_MAX)
        return fail(p, "trusted-proxy", "names too many addresses");
    if (ip_net_parse(span_str(word), &p->c->trusted_proxy[i]) != RES_OK)
        return fail(p, "trusted-proxy", "wants IP addresses, networks such as 10.0.0.0/8, or unix");
    p->c->trusted_proxies++;
    return true;
}

static bool
set(struct parse *p, const struct key *k, const char *value)
{
    switch (k->kind) {
    case TEXT:
        if (strlen(value) >= k->size)
            return fail(p, k->name, "is too long");
        (void)snprintf((char *)p->c + k->offset, k->size, "%s", value);
        return true;
    case NUMBER:
        return set_number(p, k, value);
    case SWITCH:
        return set_switch(p, k, value);
    case TIME:
        return set_time(p, k, value);
    case CHOICE_ENTRIES:
        p->c->entries_public = strcmp(value, "public") == 0;
        return p->c->entries_public || strcmp(value, "auditors") == 0 ||
               fail(p, k->name, "wants auditors or public");
    case LIST_EKU:
        p->c->policy.eku_count = 0;
        return each_word(p, value, take_eku);
    case LIST_PROXY:
        return each_word(p, value, take_proxy);
    }
    return false;
}

static bool
seen_before(struct parse *p, const char *name)
{
    for (unsigned i = 0; i < p->seen_count; i++)
        if (strcmp(p->seen[i], name) == 0)
            return true;
    if (p->seen_count < KEYS_MAX)
        (void)snprintf(p->seen[p->seen_count++], sizeof(p->seen[0]), "%.31s", name);
    return false;
}

static int
on_key(void *user, const char *section, const char *name, const char *value)
{
    struct parse *p = user;
    if (p->failed)
        return 0;
    if (section[0] != 0)
        return fail(p, section, "sections are not used here");
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        if (strcmp(KEYS[i].name, name) != 0)
            continue;
        if (seen_before(p, name))
            return fail(p, name, "stands twice");
        return set(p, &KEYS[i], value);
    }
    return fail(p, name, "is not a key of this file; see cartulary.conf(5)");
}

/* The line that is too long, or 0. */
static int
long_line(struct span text)
{
    int line = 1;
    size_t length = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n') {
            line++;
            length = 0;
        } else if (++length > LINE_MAX_HERE) {
            return line;
        }
    }
    return 0;
}

static bool
url_ok(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t n = strlen(url);
    return scheme && n > scheme && url[n - 1] != '/' && !strpbrk(url, " \t\r\n");
}

static enum result
check_whole(const struct config *c, char *detail)
{
    const char *wrong = NULL;
    if (!c->origin[0])
        wrong = "origin is missing";
    else if (strstr(c->origin, "://") || c->origin[strlen(c->origin) - 1] == '/')
        wrong = "origin wants a name without scheme and trailing slash, such as log.example/2026";
    else if (!c->url[0])
        wrong = "url is missing";
    else if (!url_ok(c->url))
        wrong = "url wants http:// or https://, a name, no blanks and no trailing slash";
    else if (c->policy.not_after_start >= c->policy.not_after_limit)
        wrong = "not-after-start must be before not-after-limit";
    else if (c->policy.eku_count == 0 && !c->policy.allow_any_eku && !c->policy.allow_no_eku)
        wrong = "no extended key usage is accepted";
    if (!wrong)
        return RES_OK;
    (void)snprintf(detail, CONFIG_TEXT_MAX, "%s", wrong);
    return RES_CONFIG;
}

static enum result
parse_text(struct parse *p, struct buf *text, int *ret_line)
{
    if (text->n && memchr(text->p, 0, text->n)) {
        (void)fail(p, "cartulary.conf", "holds a NUL byte");
        return RES_CONFIG;
    }
    *ret_line = long_line(buf_span(text));
    if (*ret_line) {
        (void)fail(p, "cartulary.conf", "has a line of more than 190 bytes");
        return RES_CONFIG;
    }
    enum result rc = buf_add(text, span_of("", 1));
    if (rc != RES_OK)
        return rc;
    int bad = ini_parse_string((const char *)text->p, on_key, p);
    if (bad != 0 || p->failed) {
        *ret_line = bad > 0 ? bad : 0;
        if (!p->failed)
            (void)fail(p, "cartulary.conf", "wants lines of the form: key = value");
        return RES_CONFIG;
    }
    return RES_OK;
}

enum result
config_load(const char *dir, struct config *ret, int *ret_line, char detail[static CONFIG_TEXT_MAX])
{
    char path[FILES_PATH_MAX];
    struct buf text = BUF_INIT(FILE_MAX_HERE);
    struct config c;
    config_defaults(&c);
    struct parse p = {.c = &c, .detail = detail};
    *ret_line = 0;
    detail[0] = 0;
    if (strlen(dir) >= sizeof(c.dir))
        return RES_TOO_LARGE;
    (void)snprintf(c.dir, sizeof(c.dir), "%s", dir);
    enum result rc = files_path(dir, "cartulary.conf", path);
    if (rc == RES_OK)
        rc = files_read(path, &text);
    if (rc == RES_OK)
        rc = parse_text(&p, &text, ret_line);
    if (rc == RES_OK)
        rc = check_whole(&c, detail);
    buf_release(&text);
    if (rc != RES_OK)
        return rc;
    *ret = c;
    point_ekus(ret);
    return RES_OK;
}
