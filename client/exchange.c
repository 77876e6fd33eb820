#include "client/exchange.h"

#include <assert.h>

void
exchange_init(struct exchange *x, const struct policy_log *log, unsigned tries_max, uint64_t seed)
{
    assert(tries_max > 0);
    *x = (struct exchange){.log = log, .tries_max = tries_max, .seed = seed};
    verdict_init(&x->verdict);
}

void
exchange_release(struct exchange *x)
{
    verdict_release(&x->verdict);
}

bool
exchange_ended(const struct exchange *x)
{
    return x->verdict.kind != VERDICT_PENDING;
}

bool
exchange_ask(const struct exchange *x, struct ask *ret)
{
    *ret = (struct ask){.kind = ASK_FETCH};
    if (exchange_ended(x)) {
        ret->kind = ASK_DONE;
    } else if (x->wait_ms > 0) {
        ret->kind = ASK_WAIT;
        ret->wait_ms = x->wait_ms;
    }
    return ret->kind == ASK_FETCH;
}

void
exchange_fault(struct exchange *x, enum result r)
{
    verdict_end(&x->verdict, VERDICT_FAULT, r, "%s", result_sentence(r));
}

void
exchange_wrong(struct exchange *x, const struct answer *a, const char *path, enum result why)
{
    enum result r = evidence_write_answer(x->log, path, a->body, why, &x->verdict.evidence);
    if (r != RES_OK || result_class(why) == CLASS_BROKEN) {
        exchange_fault(x, r != RES_OK ? r : why);
        return;
    }
    x->verdict.evidence_kind = EVIDENCE_ANSWER;
    verdict_end(&x->verdict, VERDICT_REFUSED, why, "the answer to %s is wrong: %s (%s)", path,
                result_sentence(why), result_source(why));
}

void
exchange_no_log(struct exchange *x, const struct answer *a, const char *path)
{
    verdict_end(&x->verdict, VERDICT_LATER, RES_UNREACHABLE,
                "%s answers %u to %s: is the URL in the policy that of a log?", x->log->url,
                a->status, path);
}

static void
on_later(struct exchange *x, const struct answer *a)
{
    if (++x->tries < x->tries_max) {
        x->wait_ms = answer_backoff(a, x->tries, x->seed);
        return;
    }
    if (a->transport != RES_OK)
        verdict_end(&x->verdict, VERDICT_LATER, RES_UNREACHABLE, "%s could not be reached%s%s",
                    x->log->url, a->error[0] != '\0' ? ": " : "", a->error);
    else
        verdict_end(&x->verdict, VERDICT_LATER, RES_BUSY, "%s answers %u: try again later",
                    x->log->url, a->status);
}

bool
exchange_take(struct exchange *x, const struct answer *a, const char *path)
{
    assert(!exchange_ended(x));
    if (x->wait_ms > 0) {
        x->wait_ms = 0;
        return false;
    }
    if (answer_is_later(a)) {
        on_later(x, a);
        return false;
    }
    x->tries = 0;
    if (a->transport == RES_TOO_LARGE)
        exchange_wrong(x, a, path, a->transport);
    else if (a->transport != RES_OK)
        exchange_fault(x, a->transport);
    return a->transport == RES_OK;
}
