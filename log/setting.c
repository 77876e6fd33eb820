#include "log/setting.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "merkle/base/text.h"

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
    NUMBER_KEY("lookup-rate", lookup_rate, 0, 1000000),
    NUMBER_KEY("lookup-burst", lookup_burst, 1, 1000000),
    NUMBER_KEY("directory-delay", directory_delay, 1, 3600),
    NUMBER_KEY("connections", connections, 1, 100000),
    NUMBER_KEY("body-max", body_max, 1024, 4 * 1024 * 1024),
    NUMBER_KEY("head-timeout", head_timeout_ms, 100, 600000),
    NUMBER_KEY("body-timeout", body_timeout_ms, 100, 600000),
    NUMBER_KEY("idle-timeout", idle_timeout_ms, 100, 3600000),
    NUMBER_KEY("entries-max", entries_max, 1, 1024),
    {"trusted-proxy", LIST_PROXY, 0, 0, 0, 0},
};

struct set {
    struct config *c;
    char *detail;
};

enum result
setting_refuse(char detail[static CONFIG_TEXT_MAX], const char *key, const char *what)
{
    (void)snprintf(detail, CONFIG_TEXT_MAX, "%.40s: %s", key, what);
    return RES_CONFIG;
}

static enum result
set_number(struct set *s, const struct key *k, const char *value)
{
    uint64_t v;
    if (text_u64(span_str(value), k->max, &v) != RES_OK || v < k->min) {
        char range[96];
        (void)snprintf(range, sizeof(range), "wants a whole number from %llu to %llu",
                       (unsigned long long)k->min, (unsigned long long)k->max);
        return setting_refuse(s->detail, k->name, range);
    }
    char *field = (char *)s->c + k->offset;
    if (k->size == 8) {
        memcpy(field, &v, 8);
    } else {
        uint32_t narrow = (uint32_t)v;
        memcpy(field, &narrow, 4);
    }
    return RES_OK;
}

static enum result
set_switch(struct set *s, const struct key *k, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return setting_refuse(s->detail, k->name, "wants yes or no");
    memcpy((char *)s->c + k->offset, &yes, sizeof(yes));
    return RES_OK;
}

static enum result
set_time(struct set *s, const struct key *k, const char *value)
{
    /* Seconds since 1970; init turns dates into them. */
    uint64_t v;
    if (text_u64(span_str(value), UINT64_C(253402300800), &v) != RES_OK)
        return setting_refuse(s->detail, k->name, "wants seconds since 1970");
    int64_t t = (int64_t)v;
    memcpy((char *)s->c + k->offset, &t, sizeof(t));
    return RES_OK;
}

/* Calls take for each word of a list separated by commas or blanks. */
static enum result
each_word(struct set *s, const char *value, enum result (*take)(struct set *s, const char *word))
{
    while (*value) {
        value += strspn(value, ", \t");
        size_t n = strcspn(value, ", \t");
        char word[64];
        if (n == 0)
            break;
        if (n >= sizeof(word))
            return setting_refuse(s->detail, value, "is too long for a list's word");
        memcpy(word, value, n);
        word[n] = 0;
        enum result r = take(s, word);
        if (r != RES_OK)
            return r;
        value += n;
    }
    return RES_OK;
}

static enum result
take_eku(struct set *s, const char *word)
{
    struct chain_policy *policy = &s->c->policy;
    size_t i = policy->eku_count;
    if (i == CHAIN_EKUS_MAX)
        return setting_refuse(s->detail, "eku", "names too many purposes");
    size_t n = cert_oid_from_text(word, s->c->eku_bytes[i], sizeof(s->c->eku_bytes[i]));
    if (n == 0)
        return setting_refuse(s->detail, word, "is no object identifier such as 1.3.6.1.5.5.7.3.4");
    policy->eku[i].n = n;
    policy->eku_count++;
    return RES_OK;
}

static enum result
take_proxy(struct set *s, const char *word)
{
    unsigned i = s->c->trusted_proxies;
    if (strcmp(word, "unix") == 0) {
        s->c->trusted_unix = true;
        return RES_OK;
    }
    if (i == CONFIG_PROXIES_MAX)
        return setting_refuse(s->detail, "trusted-proxy", "names too many addresses");
    if (ip_net_parse(span_str(word), &s->c->trusted_proxy[i]) != RES_OK)
        return setting_refuse(s->detail, "trusted-proxy",
                              "wants IP addresses, networks such as 10.0.0.0/8, or unix");
    s->c->trusted_proxies++;
    return RES_OK;
}

static enum result
set(struct set *s, const struct key *k, const char *value)
{
    switch (k->kind) {
    case TEXT:
        if (strlen(value) >= k->size)
            return setting_refuse(s->detail, k->name, "is too long");
        (void)snprintf((char *)s->c + k->offset, k->size, "%s", value);
        return RES_OK;
    case NUMBER:
        return set_number(s, k, value);
    case SWITCH:
        return set_switch(s, k, value);
    case TIME:
        return set_time(s, k, value);
    case CHOICE_ENTRIES:
        s->c->entries_public = strcmp(value, "public") == 0;
        if (!s->c->entries_public && strcmp(value, "auditors") != 0)
            return setting_refuse(s->detail, k->name, "wants auditors or public");
        return RES_OK;
    case LIST_EKU:
        s->c->policy.eku_count = 0;
        return each_word(s, value, take_eku);
    case LIST_PROXY:
        return each_word(s, value, take_proxy);
    }
    return RES_BUG;
}

static const struct key *
find(const char *name)
{
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++)
        if (strcmp(KEYS[i].name, name) == 0)
            return &KEYS[i];
    return NULL;
}

bool
setting_known(const char *name)
{
    return find(name) != NULL;
}

enum result
setting_set(struct config *c, const char *name, const char *value,
            char detail[static CONFIG_TEXT_MAX])
{
    const struct key *k = find(name);
    struct set s = {.c = c, .detail = detail};
    assert(k != NULL);
    return set(&s, k, value);
}
