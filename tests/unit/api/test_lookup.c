/*
 * POST /v1/lookup over a real log: what it answers is verified as a client does, and who watches
 * its lengths and times, or reads what is refused, counted and logged, learns no address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/directory/found.h"
#include "log/files.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/api/world.h"
#include "tests/vectors/check.h"

#define FREELY "lookup-rate = 0\n"
/* What stands in no other word of an answer. */
#define SECRET "zqxvkj"
#define ALICE SECRET "alice@example.org"
#define BOB SECRET "bob@example.org"
#define NOBODY SECRET "nobody@example.org"

static struct world w;
static struct policy *policy;
static struct buf answer = {.max = 1 << 24};

static void
begin(const char *conf)
{
    char path[96], detail[POLICY_DETAIL_MAX];
    struct buf text = BUF_INIT(1 << 16);
    size_t line;

    world_begin(&w, &(struct world_options){.conf = conf});
    snprintf(path, sizeof path, "%s/policy", w.dir);
    assert_int_equal(files_read(path, &text), RES_OK);
    assert_int_equal(policy_parse(buf_span(&text), &policy, &line, detail), RES_OK);
    buf_release(&text);
}

static void
end(void)
{
    policy_free(policy);
    buf_release(&answer);
    world_end(&w);
}

static int
post(const char *body)
{
    return world_ask(&w, "POST", "/v1/lookup", "", span_str(body), &answer);
}

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What the client makes of the answer as one about the address. */
static enum result
verdict(int status, const char *address, struct kt_optional at, struct found *ret)
{
    struct found_question q = {
        .log = policy_log(policy, 0), .policy = policy, .at = at, .now = now()};
    struct address a;
    const char *what;

    assert_int_equal(address_parse(span_str(address), &a), RES_OK);
    label_of_address(&a, &q.label);
    return found_read(&q, status == 404, world_body(&answer), ret, &what);
}

/* The answer verifies, and tells so many certificates. */
static void
expect_records(const char *says, int status, const char *address, struct kt_optional at, size_t n)
{
    struct found f;
    enum result r = verdict(status, address, at, &f);

    if (r != RES_OK)
        fail_msg("%s: %s\n%s", says, result_name(r), (const char *)answer.p);
    if (f.records_n != n || f.present != (n > 0))
        fail_msg("%s: %zu records", says, f.records_n);
    found_release(&f);
}

static const struct kt_optional newest = {false, 0};

static void
answers_verify(void **state)
{
    static const struct {
        const char *says, *body, *address;
        int status;
        size_t records;
    } rows[] = {
        {"JSON", "{\"address\":\"" ALICE "\"}", ALICE, 200, 2},
        {"blanks around it", " \r\n\t{ \"address\" : \"" ALICE "\" } \n", ALICE, 200, 2},
        {"members that nobody knows", "{\"x\":[1],\"address\":\"" ALICE "\"}", ALICE, 200, 2},
        {"a form", "address=" ALICE, ALICE, 200, 2},
        {"percent-encoded", "address=zqxvkj%61lice%40EXAMPLE.org&x=1", ALICE, 200, 2},
        {"another spelling", "{\"address\":\"\\\"" SECRET "Alice\\\"@Example.ORG.\"}", ALICE, 200,
         2},
        {"a precertificate is all there is", "address=b@example.org", "b@example.org", 200, 1},
        {"nobody", "{\"address\":\"" NOBODY "\"}", NOBODY, 404, 0},
        {"nobody, as a form", "address=" NOBODY, NOBODY, 404, 0},
    };
    struct buf json = BUF_INIT(1 << 20);
    struct span pre[2];

    (void)state;
    begin(FREELY);
    pre[0] = w.pre, pre[1] = w.ca;
    world_chain(pre, 2, &json);
    assert_int_equal(world_ask(&w, "POST", "/ct/v1/add-pre-chain", "", buf_span(&json), &answer),
                     200);
    buf_release(&json);
    world_certify(&w, ALICE);
    world_certify(&w, SECRET "Alice@Example.Org");
    world_certify(&w, BOB);
    world_covered(&w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = post(rows[i].body);

        world_expect(rows[i].says, status, rows[i].status, &answer,
                     "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"
                     "Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n");
        expect_records(rows[i].says, status, rows[i].address, newest, rows[i].records);
    }
    end();
}

/* Changes the case of letters of what stands between two words of the body: other values in base64,
 * other names of members.  Returns how many lies were told; none may be believed. */
static size_t
lie(const char *from, const char *to)
{
    uint8_t *body = answer.p + world_head(&answer).n;
    char *begin = strstr((char *)body, from), *stop = begin == NULL ? NULL : strstr(begin, to);
    struct found f;
    size_t lies = 0;

    assert_non_null(stop);
    for (char *p = begin; p < stop; p += 17) {
        if ((*p < 'a' || *p > 'z') && (*p < 'A' || *p > 'Z'))
            continue;
        if (p - begin >= 5 && memmem(p - 5, 5, "\\u", 2) != NULL)
            continue; /* a digit of \u000a, which either case may have */
        *p ^= 0x20;
        if (verdict(200, ALICE, newest, &f) == RES_OK)
            fail_msg("byte %zu of %s may be changed", (size_t)(p - begin), from);
        *p ^= 0x20;
        lies++;
    }
    return lies;
}

/* An answer is one for its address, as it came, with its status.  Issuers are not the log's word.
 */
static void
other_answers_do_not(void **state)
{
    struct found f;

    (void)state;
    begin(FREELY);
    world_certify(&w, ALICE);
    world_certify(&w, BOB);
    world_covered(&w);
    assert_int_equal(post("address=" ALICE), 200);
    assert_int_not_equal(verdict(200, BOB, newest, &f), RES_OK);
    assert_int_not_equal(verdict(404, ALICE, newest, &f), RES_OK);
    assert_int_not_equal(verdict(200, ALICE, (struct kt_optional){true, now()}, &f), RES_OK);
    assert_true(lie("answer", ",\"chain\"") > 50);
    assert_true(lie("audit_path\":[\"", "],\"checkpoint") > 0);
    expect_records("what came", 200, ALICE, newest, 1);
    end();
}

static void
as_of_a_time(void **state)
{
    struct kt_optional before = {true, 0}, after = {true, 0};
    char body[256];

    (void)state;
    begin(FREELY);
    before.value = now();
    world_certify(&w, ALICE);
    world_covered(&w);
    after.value = now();
    snprintf(body, sizeof body, "{\"address\":\"" ALICE "\",\"at\":%ju}", (uintmax_t)after.value);
    expect_records("with it", post(body), ALICE, after, 1);
    snprintf(body, sizeof body, "address=" ALICE "&at=%ju", (uintmax_t)before.value - 1);
    before.value--;
    expect_records("before it", post(body), ALICE, before, 0);
    snprintf(body, sizeof body, "address=" NOBODY "&at=%ju", (uintmax_t)after.value);
    expect_records("of nobody", post(body), NOBODY, after, 0);
    end();
}

static const struct {
    const char *says, *body;
    int status;
    const char *holds;
} wrong[] = {
    {"nothing", "", 400, "problem:bad-parameter\""},
    {"blanks", "  ", 400, "problem:bad-parameter\""},
    {"no address", "{}", 400, "problem:bad-json\""},
    {"a list", "[\"" ALICE "\"]", 400, "problem:bad-parameter\""},
    {"a list of addresses", "{\"address\":[\"" ALICE "\"]}", 400, "problem:bad-json\""},
    {"an end that is missing", "{\"address\":\"" ALICE "\"", 400, "problem:bad-json\""},
    {"an address twice", "{\"address\":\"" ALICE "\",\"address\":\"" ALICE "\"}", 400,
     "problem:json-duplicate-key\""},
    {"an address twice, as a form", "address=" ALICE "&address=" ALICE, 400,
     "problem:bad-parameter\""},
    {"no equals sign", ALICE, 400, "problem:bad-parameter\""},
    {"half a percent sign", "address=" ALICE "%4", 400, "problem:bad-parameter\""},
    {"a time that is none", "{\"address\":\"" ALICE "\",\"at\":-1}", 400, "problem:"},
    {"half a millisecond", "{\"address\":\"" ALICE "\",\"at\":1.5}", 400, "problem:"},
    {"a time with a sign", "address=" ALICE "&at=+1", 400, "problem:bad-parameter\""},
    {"a tree of nothing", "address=" ALICE "&last=0", 400, "problem:"},
    {"a tree to come", "address=" ALICE "&last=99999", 400, "problem:"},
    {"an empty address", "address=", 400, "problem:no-address\""},
    {"a local part", "address=zqxvkj", 400, "problem:no-address\""},
    {"a domain", "address=@example.org", 400, "problem:no-address\""},
    {"two addresses", "address=" ALICE "," BOB, 400, "problem:several-addresses\""},
    {"a name with it", "{\"address\":\"Zqxvkj <" ALICE ">\"}", 400, "problem:"},
    {"an address literal", "address=zqxvkj@[127.0.0.1]", 400, "problem:address-literal\""},
    {"a control character", "address=" ALICE "%0a", 400, "problem:"},
    {"bytes that are no text", "address=" ALICE "%ff", 400, "problem:"},
    {"bytes that are no JSON", "{\"address\":\"" ALICE "\xff\"}", 400, "problem:"},
};

/* Whether data names anybody; the problem's title may say "address". */
static bool
names_somebody(const char *data)
{
    return strstr(data, SECRET) != NULL || strstr(data, "Zqxvkj") != NULL ||
           strstr(data, "example.org") != NULL;
}

static void
refusals_name_nobody(void **state)
{
    static const char *const methods[] = {"GET", "HEAD"};
    char *large = malloc(LOOKUP_BODY_MAX + 2);

    (void)state;
    begin(FREELY);
    world_certify(&w, ALICE);
    world_covered(&w);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        world_expect(wrong[i].says, post(wrong[i].body), wrong[i].status, &answer, wrong[i].holds);
        world_expect(wrong[i].says, 400, 400, &answer,
                     "Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n");
        if (names_somebody((char *)answer.p))
            fail_msg("%s: %s", wrong[i].says, (char *)answer.p);
    }
    memset(large, 'a', LOOKUP_BODY_MAX + 1);
    large[LOOKUP_BODY_MAX + 1] = '\0';
    world_expect("a body that is too large", post(large), 413, &answer, "problem:body-too-large\"");
    large[LOOKUP_BODY_MAX] = '\0';
    world_expect("one that is not", post(large), 400, &answer, "problem:bad-parameter\"");
    free(large);
    for (size_t i = 0; i < 2; i++) {
        world_expect(
            "an address in a URL",
            world_ask(&w, methods[i], "/v1/lookup?address=" ALICE, "", span_str(""), &answer), 405,
            &answer, "Allow: POST, OPTIONS\r\n");
        assert_false(names_somebody((char *)answer.p));
    }
    assert_int_equal(world_ask(&w, "OPTIONS", "/v1/lookup", "", span_str(""), &answer), 204);
    assert_non_null(strstr((char *)answer.p, "POST, OPTIONS\r\n"));
    assert_int_equal(world_ask(&w, "GET", "/metrics", "", span_str(""), &answer), 200);
    assert_non_null(strstr((char *)answer.p, "route=\"/v1/lookup\",status=\"400\"}"));
    assert_false(names_somebody((char *)world_body(&answer).p));
    assert_false(names_somebody(w.lines));
    end();
}

/* Lengths: of the whole answer, head and body. */
static void
length_tells_nothing(void **state)
{
    static const char *const bodies[] = {
        "address=" ALICE,
        "address=" BOB,
        "address=" NOBODY,
        "address=x@y.example",
        "address=" ALICE "&at=1000",
        "{\"address\":\"" ALICE "\",\"at\":99999999999999}",
    };
    size_t length = 0;

    (void)state;
    begin(FREELY);
    world_certify(&w, ALICE);
    for (int i = 0; i < 3; i++)
        world_certify(&w, BOB);
    world_covered(&w);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        (void)post(bodies[i]);
        assert_int_equal(world_body(&answer).n, LOOKUP_ANSWER_MIN);
        assert_int_equal(answer.p[answer.n - 1], '\n');
        if (length != 0)
            assert_int_equal(answer.n, length);
        length = answer.n;
    }
    /* Many certificates make it longer: by a power of two. */
    for (int i = 0; i < 30; i++)
        world_certify(&w, BOB);
    world_covered(&w);
    expect_records("many", post("address=" BOB), BOB, newest, 33);
    assert_int_equal(world_body(&answer).n, 2 * LOOKUP_ANSWER_MIN);
    end();
}

/* Answers leave on a tick, none before it is a tick old: one after the other they take that each,
 * however quick they are. */
static void
time_tells_nothing(void **state)
{
    enum { COUNT = 20 };
    struct timespec begun, ended;
    int64_t took;

    (void)state;
    begin(FREELY);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(post(i % 2 == 0 ? "address=" NOBODY : "address="), i % 2 == 0 ? 404 : 400);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    took = (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000;
    assert_true(took >= COUNT * (HTTP_TICK_MS - 1));
    end();
}

/* ---- without memory ---- */

static void
done(struct exchange *x)
{
    (void)x;
}

/* The look-up in the test's own thread, as a worker would run it. */
static void
look_up(struct exchange *x, struct thread *t, struct request *rq)
{
    static const struct route route = {.path = "/v1/lookup", .cors = true};

    x->out.n = 0;
    x->rq = rq;
    x->route = &route;
    x->thread = t;
    x->app = &w.api;
    x->why = RES_OK;
    x->done = done;
    lookup_lookup(x);
}

static void
no_memory(void **state)
{
    struct request rq = {.body = span_str("{\"address\":\"" ALICE "\"}")};
    struct thread t = {.own = NULL};
    struct buf good = BUF_INIT(1 << 20);
    size_t n = 0;

    (void)state;
    begin(FREELY);
    world_certify(&w, ALICE);
    world_covered(&w);
    for (size_t i = 0; i == 0 || i <= n; i++) {
        struct exchange x = {.out = {.max = HTTP_ANSWER_MAX}};

        assert_int_equal(api_thread_new(&w.api, &t.own), RES_OK);
        failalloc_at(i);
        look_up(&x, &t, &rq);
        if (i == 0) {
            n = failalloc_count();
            assert_int_equal(x.reply.status, 200);
            assert_int_equal(buf_add(&good, x.reply.body), RES_OK);
        }
        failalloc_at(0);
        if (x.reply.status == 200) /* cJSON's, which are not counted on, or another thread's */
            assert_true(span_equal(x.reply.body, buf_span(&good)));
        else if (x.why != RES_MEMORY || x.reply.status != 500)
            fail_msg("allocation %zu: %s", i, result_name(x.why));
        buf_release(&x.out);
        api_thread_free(&w.api, t.own);
    }
    assert_true(n > 10);
    assert_int_equal(post("address=" ALICE), 200);
    assert_true(span_equal(world_body(&answer), buf_span(&good)));
    buf_release(&good);
    end();
}

static void
look_ups_are_counted(void **state)
{
    static const uint8_t nobody[] = "\0\x0b\x01"
                                    "n@n.example\0";

    (void)state;
    begin("lookup-rate = 1\nlookup-burst = 3\n");
    world_certify(&w, ALICE); /* a submission is none */
    world_covered(&w);
    assert_int_equal(post("address=" ALICE), 200);
    assert_int_equal(post("address="), 400); /* a wrong question is one, too */
    world_expect(
        "another way to ask",
        world_ask(&w, "POST", "/kt/v1/search", "", span_of(nobody, sizeof nobody - 1), &answer),
        400, &answer, "problem:");
    world_expect("no more", post("address=" ALICE), 429, &answer, "problem:lookup-rate-limited\"");
    assert_non_null(strstr((char *)answer.p, "Retry-After: "));
    assert_false(names_somebody((char *)answer.p));
    world_expect(
        "neither this way",
        world_ask(&w, "POST", "/kt/v1/search", "", span_of(nobody, sizeof nobody - 1), &answer),
        429, &answer, "problem:lookup-rate-limited\"");
    world_expect("what names nobody",
                 world_ask(&w, "POST", "/kt/v1/distinguished", "", span_of("\0\0", 2), &answer),
                 200, &answer, "octet-stream");
    world_expect("one network is remembered",
                 world_ask(&w, "GET", "/metrics", "", span_str(""), &answer), 200, &answer,
                 "\ncartulary_http_client_networks 1\n");
    world_expect("the feed", world_ask(&w, "GET", "/feed/checkpoint", "", span_str(""), &answer),
                 200, &answer, "/feed\n");
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_verify),       cmocka_unit_test(other_answers_do_not),
        cmocka_unit_test(as_of_a_time),         cmocka_unit_test(refusals_name_nobody),
        cmocka_unit_test(length_tells_nothing), cmocka_unit_test(time_tells_nothing),
        cmocka_unit_test(look_ups_are_counted), cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
