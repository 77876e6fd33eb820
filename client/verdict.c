#include "client/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "merkle/base/text.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 30000
#define RETRY_AFTER_MAX_S 300

void
verdict_init(struct verdict *v)
{
    *v = (struct verdict){.kind = VERDICT_PENDING, .evidence = BUF_INIT(EVIDENCE_MAX)};
}

void
verdict_release(struct verdict *v)
{
    buf_release(&v->evidence);
}

void
verdict_end(struct verdict *v, enum verdict_kind kind, enum result why, const char *format, ...)
{
    va_list ap;
    v->kind = kind;
    v->why = why;
    va_start(ap, format);
    (void)vsnprintf(v->detail, sizeof v->detail, format, ap);
    va_end(ap);
    for (char *p = v->detail; *(p += text_printable(span_str(p))) != '\0';)
        *p = '?';
}

bool
answer_is_later(const struct answer *a)
{
    if (a->transport != RES_OK)
        return result_class(a->transport) == CLASS_LATER;
    return a->status == 408 || a->status == 429 || a->status >= 500;
}

bool
answer_is_refusal(const struct answer *a)
{
    return a->transport == RES_OK && (a->status == 400 || a->status == 404 || a->status == 410);
}

uint64_t
answer_backoff(const struct answer *a, unsigned tries, uint64_t seed)
{
    uint64_t ms = BACKOFF_FIRST_MS;
    for (unsigned i = 1; i < tries && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    uint64_t asked = a->retry_after < RETRY_AFTER_MAX_S ? a->retry_after : RETRY_AFTER_MAX_S;
    if (asked * 1000 > ms)
        ms = asked * 1000;
    /* A multiplicative hash spreads neighbouring seeds over [0, ms / 4). */
    uint64_t spread = (seed + tries) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    return ms + spread % (ms / 4 + 1);
}
