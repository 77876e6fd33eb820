#include "log/config.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "log/setting.h"

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
    c->lookup_rate = 60;
    c->lookup_burst = 30;
    c->directory_delay = 60;
    c->connections = 1024;
    c->body_max = 512 * 1024;
    c->head_timeout_ms = 10000;
    c->body_timeout_ms = 30000;
    c->idle_timeout_ms = 75000;
    c->entries_max = 256;
    point_ekus(c);
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
    enum result r;
    if (p->failed)
        return 0;
    if (section[0] != 0)
        r = setting_refuse(p->detail, section, "sections are not used here");
    else if (!setting_known(name))
        r = setting_refuse(p->detail, name, "is not a key of this file; see cartulary.conf(5)");
    else if (seen_before(p, name))
        r = setting_refuse(p->detail, name, "stands twice");
    else
        r = setting_set(p->c, name, value, p->detail);
    p->failed = r != RES_OK;
    return !p->failed;
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
    if (text->n && memchr(text->p, 0, text->n))
        return setting_refuse(p->detail, "cartulary.conf", "holds a NUL byte");
    *ret_line = long_line(buf_span(text));
    if (*ret_line)
        return setting_refuse(p->detail, "cartulary.conf", "has a line of more than 190 bytes");
    enum result rc = buf_add(text, span_of("", 1));
    if (rc != RES_OK)
        return rc;
    int bad = ini_parse_string((const char *)text->p, on_key, p);
    if (bad == 0 && !p->failed)
        return RES_OK;
    *ret_line = bad > 0 ? bad : 0;
    if (!p->failed)
        (void)setting_refuse(p->detail, "cartulary.conf", "wants lines of the form: key = value");
    return RES_CONFIG;
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
