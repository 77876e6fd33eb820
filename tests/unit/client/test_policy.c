/* client/policy: what a policy file may say, and what it means. */
#include "client/policy.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "merkle/base/text.h"
#include "tests/unit/client/testlog.h"
#include "tests/vectors/testdata.h"

#define W1 "sigsum.org+e4ade967+AZuUY6B08pW3QVHu8uvsrxWPcAv9nykap2Nb4oxCee+r"
#define W2 "example.com+3753d3de+AebBhMcghIUoavZpjuDofa4sW6fYHyVn7gvwDBfvkvuM"
#define W4 "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

static enum result
parse(struct span text, struct policy **ret, size_t *line)
{
    char detail[POLICY_DETAIL_MAX];
    *ret = NULL;
    enum result r = policy_parse(text, ret, line, detail);
    /* Who refuses says why. */
    if (r == RES_CONFIG)
        assert_true(detail[0] != '\0');
    return r;
}

static const struct {
    const char *says;
    const char *text;
    enum result want;
    size_t line;
} rows[] = {
    {"a quorum alone is a policy", "quorum none\n", RES_OK, 0},
    {"the last newline may be missing", "quorum none", RES_OK, 0},
    {"blanks and tabs separate, comments and empty lines are passed over",
     "\n \t\n  # any # thing\n\twitness \t w1  " W1 "\n quorum\tw1 \n", RES_OK, 0},
    {"an empty file has no quorum", "", RES_CONFIG, 0},
    {"two quorums", "quorum none\nquorum none\n", RES_CONFIG, 2},
    {"quorum of a name that is not there", "quorum w1\n", RES_CONFIG, 1},
    {"quorum before its witness", "quorum w1\nwitness w1 " W1 "\n", RES_CONFIG, 1},
    {"quorum of two names", "witness w1 " W1 "\nquorum w1 w1\n", RES_CONFIG, 2},
    {"an unknown word", "wittness w1 " W1 "\nquorum none\n", RES_CONFIG, 1},
    {"a comment at the end of a line is words", "witness w1 " W1 " https://w/ # c\nquorum w1\n",
     RES_CONFIG, 1},
    {"a control byte, also in a comment", "# \f\nquorum none\n", RES_CONFIG, 1},
    {"carriage return is a control byte", "quorum none\r\n", RES_CONFIG, 1},
    {"bytes above 0x7f are allowed", "# \xc3\xa9\nquorum none\n", RES_OK, 0},
    {"DEL", "quorum none\n#\x7f\n", RES_CONFIG, 2},
    {"a witness called none", "witness none " W1 "\nquorum none\n", RES_CONFIG, 1},
    {"a witness called any", "witness any " W1 "\nquorum none\n", RES_CONFIG, 1},
    {"one name twice", "witness w " W1 "\nwitness w " W2 "\nquorum none\n", RES_CONFIG, 2},
    {"one key twice", "witness a " W1 "\nwitness b " W1 "\nquorum none\n", RES_CONFIG, 2},
    {"a key with a damaged id",
     "witness a sigsum.org+e4ade968+AZuUY6B08pW3QVHu8uvsrxWPcAv9nykap2Nb4oxCee+r\nquorum none\n",
     RES_CONFIG, 1},
    {"threshold 0", "witness a " W1 "\ngroup g 0 a\nquorum g\n", RES_CONFIG, 2},
    {"threshold above the members", "witness a " W1 "\ngroup g 2 a\nquorum g\n", RES_CONFIG, 2},
    {"threshold -1", "witness a " W1 "\ngroup g -1 a\nquorum g\n", RES_CONFIG, 2},
    {"threshold with a leading zero", "witness a " W1 "\ngroup g 01 a\nquorum g\n", RES_CONFIG, 2},
    {"a group without members", "group g any\nquorum g\n", RES_CONFIG, 1},
    {"a member twice in a group", "witness a " W1 "\ngroup g any a a\nquorum g\n", RES_CONFIG, 2},
    {"a member of two groups", "witness a " W1 "\ngroup g any a\ngroup h any a\nquorum g\n",
     RES_CONFIG, 3},
    {"a group that holds itself", "witness a " W1 "\ngroup g any a g\nquorum g\n", RES_CONFIG, 2},
    {"none as a member", "witness a " W1 "\ngroup g any a none\nquorum g\n", RES_CONFIG, 2},
    {"a group of groups",
     "witness a " W1 "\nwitness b " W2 "\ngroup g any a\ngroup h all g b\nquorum h\n", RES_OK, 0},
    {"a log with a witness's kind of key", "log " W4 "\nquorum none\n", RES_CONFIG, 1},
    {"one log twice", "log " W1 "\nlog " W1 "\nquorum none\n", RES_CONFIG, 2},
    {"a log's key may be a witness's, too", "log " W1 "\nwitness a " W1 "\nquorum none\n", RES_OK,
     0},
    {"a log with four words", "log " W1 " http://a/ b\nquorum none\n", RES_CONFIG, 1},
    {"a URL of another scheme", "log " W1 " ftp://a/\nquorum none\n", RES_CONFIG, 1},
    {"a URL of a scheme alone", "log " W1 " http://\nquorum none\n", RES_CONFIG, 1},
    {"a Unix socket", "log " W1 " unix:/run/x.sock\nquorum none\n", RES_OK, 0},
    {"our lines need an origin of the file", "#cartulary mmd sigsum.org 60\nquorum none\n",
     RES_CONFIG, 1},
    {"our lines may stand before the log",
     "#cartulary mmd sigsum.org 60\nlog " W1 "\nquorum none\n", RES_OK, 0},
    {"a merge delay of nothing", "log " W1 "\n#cartulary mmd sigsum.org 0\nquorum none\n",
     RES_CONFIG, 2},
    {"a merge delay of more than a week",
     "log " W1 "\n#cartulary mmd sigsum.org 604801\nquorum none\n", RES_CONFIG, 2},
    {"a merge delay twice",
     "log " W1 "\n#cartulary mmd sigsum.org 60\n#cartulary mmd sigsum.org 60\nquorum none\n",
     RES_CONFIG, 3},
    {"serves nothing", "log " W1 "\n#cartulary serves sigsum.org\nquorum none\n", RES_CONFIG, 2},
    {"serves static-ct alone", "log " W1 "\n#cartulary serves sigsum.org static-ct\nquorum none\n",
     RES_CONFIG, 2},
    {"serves something more",
     "log " W1 "\n#cartulary serves sigsum.org rfc6962 static-ct x\nquorum none\n", RES_CONFIG, 2},
    {"a ct-key that is none", "log " W1 "\n#cartulary ct-key sigsum.org AAAA\nquorum none\n",
     RES_CONFIG, 2},
    {"an anchor that is not base64", "log " W1 "\n#cartulary anchor sigsum.org A\nquorum none\n",
     RES_CONFIG, 2},
    {"what this version does not know is passed over",
     "log " W1 "\n#cartulary hat sigsum.org x\nquorum none\n", RES_OK, 0},
    {"unless it must be understood", "log " W1 "\n#cartulary must-hat sigsum.org x\nquorum none\n",
     RES_CONFIG, 2},
    {"nothing after #cartulary", "#cartulary\nquorum none\n", RES_CONFIG, 1},
    {"#cartularyx is an ordinary comment", "#cartularyx y\nquorum none\n", RES_OK, 0},
};

static void
policies_are_taken_or_refused_at_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy *p;
        size_t line;
        enum result r = parse(span_str(rows[i].text), &p, &line);
        if (r != rows[i].want || (r != RES_OK && line != rows[i].line))
            fail_msg("%s: %s at line %zu", rows[i].says, result_name(r), line);
        policy_free(p);
    }
}

static void
our_lines_describe_the_log(void **state)
{
    struct testlog l;
    struct policy *p;
    size_t line;
    struct buf text = BUF_INIT(65536);
    (void)state;
    testlog_init(&l);
    assert_string_equal(l.log->url, "http://127.0.0.1:6962");
    assert_int_equal(l.log->mmd_ms, 60000);
    assert_true(l.log->static_ct);
    assert_ptr_equal(policy_log_by_id(l.policy, p256_key_id(l.log->p256)), l.log);
    assert_ptr_equal(policy_log_by_origin(l.policy, span_str(TESTLOG_ORIGIN)), l.log);
    assert_null(policy_log_by_origin(l.policy, span_str("other")));
    assert_int_equal(l.log->rfc6962.type, KEY_RFC6962);

    assert_int_equal(buf_add(&text, buf_span(&l.policy_text)), RES_OK);
    assert_int_equal(buf_printf(&text, "#cartulary serves " TESTLOG_ORIGIN " rfc6962\n"
                                       "#cartulary anchor " TESTLOG_ORIGIN " MAA=\n"),
                     RES_OK);
    assert_int_equal(parse(buf_span(&text), &p, &line), RES_OK);
    assert_false(policy_log(p, 0)->static_ct);
    assert_int_equal(policy_anchors(p), 1);
    assert_true(span_equal(policy_anchor(p, 0), span_of("\x30\x00", 2)));
    policy_free(p);
    buf_release(&text);
    testlog_release(&l);
}

static void
a_quorum_counts_its_witnesses(void **state)
{
    static const char text[] = "witness a " W1 "\nwitness b " W2 "\nwitness c " W4 "\n"
                               "group g 2 a b c\nquorum g\n";
    struct policy *p;
    size_t line;
    (void)state;
    assert_int_equal(parse(span_str(text), &p, &line), RES_OK);
    for (unsigned mask = 0; mask < 8; mask++) {
        const bool witnessed[3] = {(mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0};
        assert_int_equal(policy_quorum_met(p, witnessed),
                         witnessed[0] + witnessed[1] + witnessed[2] >= 2);
    }
    assert_false(policy_quorum_none(p));
    policy_free(p);
}

/* Two dialects are older than the text that rules here: where they differ from it, the row says
 * what it demands. */
static enum result
demanded(const char *desc, bool ok)
{
    static const char *const refused[] = {
        "whitespace and comments", /* a comment at a line's end */
        "group numerical",         /* these three: one key under two names */
        "group all",
        "group any",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(desc, refused[i]) == 0)
            return RES_CONFIG;
    return ok ? RES_OK : RES_CONFIG;
}

static void
vectors_of_others_get_their_verdict(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *j = testdata_json("vectors/4-witness-notes/witness-policies.json");
    const cJSON *row;
    size_t n = 0;
    cJSON_ArrayForEach(row, testdata_member(j, "formats"))
    {
        struct policy *p;
        size_t line;
        const char *desc = testdata_string(row, "desc");
        enum result r = parse(span_str(testdata_string(row, "policy")), &p, &line);
        if (r != demanded(desc, testdata_flag(row, "ok")))
            fail_msg("%s: %s at line %zu", desc, result_name(r), line);
        policy_free(p);
        n++;
    }
    /* The other dialect writes raw keys; what it refuses is refused here for more than one reason.
     */
    cJSON_ArrayForEach(row, testdata_member(j, "sigsum_invalid"))
    {
        struct policy *p;
        size_t line;
        assert_int_equal(parse(span_str(testdata_string(row, "policy")), &p, &line), RES_CONFIG);
        n++;
    }
    assert_true(n >= 20);
    cJSON_Delete(j);
}

/* The same truth tables with verifier keys in place of raw ones. */
static void
a_quorum_of_groups_follows_the_vectors(void **state)
{
    char name[POLICY_WITNESSES_MAX][16];
    struct buf text = BUF_INIT(65536);
    struct policy *p;
    size_t line;
    (void)state;
    TESTDATA_OR_SKIP();
    for (int i = 0; i < 6; i++) {
        uint8_t public[32] = {(uint8_t)(i + 1)};
        struct note_key k;
        (void)snprintf(name[i], sizeof name[i], "W%d", i + 1);
        assert_int_equal(note_key_ed25519(name[i], KEY_COSIGNATURE_ED25519, public, &k), RES_OK);
        assert_int_equal(buf_printf(&text, "witness %s ", name[i]), RES_OK);
        assert_int_equal(note_key_write(&k, &text), RES_OK);
        assert_int_equal(buf_printf(&text, "\n"), RES_OK);
    }
    assert_int_equal(buf_printf(&text, "group G1 any W1 W2\ngroup G2 2 W3 W4 W5\n"
                                       "group G3 all G1 G2\nquorum G3\n"),
                     RES_OK);
    assert_int_equal(parse(buf_span(&text), &p, &line), RES_OK);
    cJSON *j = testdata_json("vectors/4-witness-notes/witness-policies.json");
    const cJSON *row, *w;
    cJSON_ArrayForEach(row, testdata_member(testdata_member(j, "sigsum_valid"), "quorum"))
    {
        bool witnessed[6] = {false};
        cJSON_ArrayForEach(w, row->child) witnessed[w->valueint - 1] = true;
        assert_int_equal(policy_quorum_met(p, witnessed), cJSON_IsTrue(row->child->next));
    }
    cJSON_Delete(j);
    policy_free(p);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_taken_or_refused_at_their_line),
        cmocka_unit_test(our_lines_describe_the_log),
        cmocka_unit_test(a_quorum_counts_its_witnesses),
        cmocka_unit_test(vectors_of_others_get_their_verdict),
        cmocka_unit_test(a_quorum_of_groups_follows_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
