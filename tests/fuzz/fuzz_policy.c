/*
 * Policies: what is refused has a reason and a line; in what is taken every log can be found again
 * and the quorum follows its witnesses: none of them satisfy only "none", all of them satisfy
 * anything.
 */
#include "client/policy.h"
#include "tests/fuzz/fuzz.h"

static void
check_refused(struct span in, enum result r, size_t line, const char *detail)
{
    size_t lines = 1;
    for (size_t i = 0; i < in.n; i++)
        lines += in.p[i] == '\n';
    FUZZ_CHECK(r == RES_CONFIG || r == RES_TOO_LARGE);
    FUZZ_CHECK(line <= lines);
    FUZZ_CHECK(r != RES_CONFIG || detail[0] != '\0');
}

static void
check_logs(const struct policy *p)
{
    for (size_t i = 0; i < policy_logs(p); i++) {
        const struct policy_log *l = policy_log(p, i);
        FUZZ_CHECK(policy_log_by_origin(p, span_str(l->note.name)) == l);
        FUZZ_CHECK(l->p256 == NULL || policy_log_by_id(p, p256_key_id(l->p256)) != NULL);
        FUZZ_CHECK(l->mmd_ms >= 1000 && l->mmd_ms <= UINT64_C(1000) * POLICY_MMD_MAX);
        size_t n = strlen(l->url);
        FUZZ_CHECK(n == 0 || l->url[n - 1] != '/');
    }
}

/* What is counted can be asked for. */
static void
check_lists(const struct policy *p)
{
    FUZZ_CHECK(policy_logs(p) <= POLICY_LOGS_MAX && policy_witnesses(p) <= POLICY_WITNESSES_MAX &&
               policy_anchors(p) <= POLICY_ANCHORS_MAX);
    for (size_t i = 0; i < policy_witnesses(p); i++)
        FUZZ_CHECK(policy_witness(p, i)->key.name[0] != '\0');
    for (size_t i = 0; i < policy_anchors(p); i++)
        FUZZ_CHECK(policy_anchor(p, i).n < POLICY_MAX);
    const struct hash nobody = {.b = {0}};
    FUZZ_CHECK(policy_log_by_id(p, &nobody) == NULL);
    FUZZ_CHECK(policy_log_by_origin(p, span_str("")) == NULL);
}

static void
check_quorum(const struct policy *p)
{
    bool witnessed[POLICY_WITNESSES_MAX] = {false};
    if (PLANT && policy_witnesses(p) == 2)
        witnessed[0] = witnessed[1] = true; /* the planted bug: two witnesses count unasked */
    FUZZ_CHECK(policy_quorum_met(p, witnessed) == policy_quorum_none(p));
    for (size_t i = 0; i < POLICY_WITNESSES_MAX; i++)
        witnessed[i] = true;
    FUZZ_CHECK(policy_quorum_met(p, witnessed));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char detail[POLICY_DETAIL_MAX];
    struct policy *p = NULL;
    size_t line;
    enum result r = policy_parse(span_of(data, size), &p, &line, detail);
    if (r != RES_OK) {
        check_refused(span_of(data, size), r, line, detail);
        return 0;
    }
    check_logs(p);
    check_lists(p);
    check_quorum(p);
    policy_free(p);
    return 0;
}
