#include "tools/when.h"

#include <string.h>
#include <time.h>

#include "merkle/base/text.h"

/* The year 9999 and a bit. */
#define SECONDS_MAX UINT64_C(253402300800)

bool
when_parse(const char *text, uint64_t *ret_seconds)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm;
        memset(&tm, 0, sizeof(tm));
        const char *end = strptime(text, forms[i], &tm);
        if (end == NULL || *end != '\0')
            continue;
        /* strptime takes the 31st of each month; timegm turns it into another day. */
        int day = tm.tm_mday;
        time_t t = timegm(&tm);
        if (t < 0 || tm.tm_mday != day)
            return false;
        *ret_seconds = (uint64_t)t;
        return true;
    }
    return text_u64(span_str(text), SECONDS_MAX, ret_seconds) == RES_OK;
}
