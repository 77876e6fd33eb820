/*
 * The configuration of a log: DIR/cartulary.conf, read once at start.
 *
 * INI without sections, "key = value"; unknown keys, duplicates, over-long lines and values out of
 * range are refused with the line's number.  DIR is the log's directory. Uses result, chain, ip.
 */
#ifndef LOG_CONFIG_H
#define LOG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "log/accept/chain.h"
#include "log/ip.h"
#include "merkle/base/result.h"

/* A text with its NUL: names of 255 bytes, as STORE_ORIGIN_MAX has them, and paths. */
#define CONFIG_TEXT_MAX 256
/* Networks of fronts, listed by hand: nobody has that many. */
#define CONFIG_PROXIES_MAX 16

struct config {
    char dir[CONFIG_TEXT_MAX];
    char origin[CONFIG_TEXT_MAX]; /* origin: name of the log, a schema-less URL without trailing
                                     slash */
    char url[CONFIG_TEXT_MAX]; /* url: where strangers reach it, with scheme, without trailing slash
                                */
    bool entries_public;       /* entries = auditors | public */
    char high_water[CONFIG_TEXT_MAX]; /* highwater: file outside DIR, or empty */
    struct chain_policy policy;       /* eku, any-eku, no-eku, not-after-start, not-after-limit */
    uint8_t eku_bytes[CHAIN_EKUS_MAX][32]; /* what policy.eku points to */
    uint64_t map_size;                     /* map-size, bytes: 2^40 */
    uint64_t disk_floor;    /* disk-floor, bytes: submissions are refused below it; 1 GiB */
    uint64_t scrub_seconds; /* scrub-period: every byte is re-read within it; a week */
    uint64_t heartbeat_ms;  /* heartbeat: an idle log signs a fresh head this often; 30 s */
    unsigned workers;       /* threads that check chains; 0: as many as cores */
    unsigned pool;          /* submissions waiting at once; 4096, then 503 */
    unsigned issuer_rate;   /* issuer-rate: new entries a second of one issuing key; 0: no limit */
    unsigned issuer_burst;  /* issuer-burst: and so many at once; 1000 */
    unsigned connections;   /* open connections; 1024 */
    unsigned body_max;      /* bytes of a submission; 512 KiB */
    unsigned head_timeout_ms; /* a request's head must be complete within it; 10 s */
    unsigned body_timeout_ms; /* and its body; 30 s */
    unsigned idle_timeout_ms; /* keep-alive; 75 s */
    unsigned entries_max;     /* entries in one get-entries; 256 */
    unsigned client_rate;  /* client-rate: requests a second of one client's network; 0: no limit */
    unsigned client_burst; /* client-burst: and so many at once; 200 */
    unsigned lookup_rate;  /* lookup-rate: look-ups a minute of one client's network; 60 */
    unsigned lookup_burst; /* lookup-burst: and so many at once; 30 */
    unsigned directory_delay; /* directory-delay: seconds within which an entry is in the directory;
                                 60 */
    struct ip_net trusted_proxy[CONFIG_PROXIES_MAX]; /* whose X-Forwarded-For is believed */
    unsigned trusted_proxies;
    bool trusted_unix; /* trusted-proxy = unix: and that of who comes over a Unix socket */
};

/* Fills in the defaults. */
void config_defaults(struct config *c);

/*
 * Reads DIR/cartulary.conf.  RES_CONFIG: *ret_line is the line (0: none) and detail says what is
 * wrong with it, in a sentence of at most CONFIG_TEXT_MAX - 1 bytes; RES_ABSENT when there is no
 * such file; RES_IO.
 */
MUST_CHECK enum result config_load(const char *dir, struct config *ret, int *ret_line,
                                   char detail[static CONFIG_TEXT_MAX]);

#endif
