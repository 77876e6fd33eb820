#include "client/directory/judge.h"

void
judge(struct exchange *x, const struct answer *a, const char *path, enum result r, const char *what)
{
    switch (result_class(r)) {
    case CLASS_LATER:
        verdict_end(&x->verdict, VERDICT_LATER, r, "%s: %s", path, result_sentence(r));
        return;
    case CLASS_BROKEN:
        exchange_fault(x, r);
        return;
    default:
        exchange_wrong(x, a, path, r);
        if (x->verdict.kind == VERDICT_REFUSED)
            verdict_end(&x->verdict, VERDICT_REFUSED, r, "%s: %s: %s", path, what,
                        result_sentence(r));
    }
}
