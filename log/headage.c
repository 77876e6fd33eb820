#include "log/headage.h"

#include <inttypes.h>

enum result
headage_check(const char *which, uint64_t timestamp, uint64_t now_ms, uint64_t max_age_ms,
              struct log_trouble *why)
{
    if (timestamp >= now_ms) {
        log_say(why,
                "the %s given was signed at %" PRIu64 " and this machine's clock stands at "
                "%" PRIu64 " (milliseconds since 1970): set the clock right first",
                which, timestamp, now_ms);
        return RES_CLOCK;
    }
    if (now_ms - timestamp > max_age_ms) {
        log_say(why,
                "the %s given is %" PRIu64 " hours old and tells nothing of what was signed "
                "since: get a newer one; only if the log has signed none, use --old-head",
                which, (now_ms - timestamp) / 3600000);
        return RES_STALE;
    }
    return RES_OK;
}
