/* The small files of a log's directory: replaced whole, markers, tokens, the high-water mark,
 * roots. */
#include "log/files.h"
#include "log/highwater.h"
#include "log/marker.h"
#include "log/rootsfile.h"
#include "log/tokens.h"
#include "testlog.h"
#include "tests/vectors/check.h"

#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[300];

static const char *
in_dir(const char *name)
{
    (void)snprintf(path, sizeof(path), "%s/%s", scratch_shared, name);
    return path;
}

/* ---- files ---- */

static void
test_replace(void **state)
{
    struct buf b = BUF_INIT(100), small = BUF_INIT(3);
    struct stat st;
    (void)state;
    const char *name = in_dir("f");
    assert_int_equal(files_read(name, &b), RES_ABSENT);
    assert_false(files_exist(name));
    assert_int_equal(files_replace(name, span_str("first"), 0600), RES_OK);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(files_replace(name, span_str("two"), 0600), RES_OK);
    assert_int_equal(files_read(name, &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("two")));
    assert_int_equal(files_replace(name, span_str("four"), 0600), RES_OK);
    assert_int_equal(files_read(name, &small), RES_TOO_LARGE);
    assert_int_equal(files_remove(name), RES_OK);
    assert_int_equal(files_remove(name), RES_ABSENT);
    assert_int_equal(files_replace(in_dir("none/f"), span_str("x"), 0600), RES_IO);
    buf_release(&b);
    buf_release(&small);
}

/* A crash in the middle leaves the old file and a piece of a new one, which nobody reads. */
static void
test_replace_after_crash(void **state)
{
    struct buf b = BUF_INIT(100);
    (void)state;
    assert_int_equal(files_replace(in_dir("f"), span_str("old"), 0600), RES_OK);
    testdir_write(scratch_shared, "f.new", "a longer piece of what was to c");
    assert_int_equal(files_read(in_dir("f"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("old")));
    assert_int_equal(files_replace(in_dir("f"), span_str("new"), 0600), RES_OK);
    buf_clear(&b);
    assert_int_equal(files_read(in_dir("f"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("new")));
    assert_false(files_exist(in_dir("f.new")));
    assert_int_equal(files_remove(in_dir("f")), RES_OK);
    buf_release(&b);
}

/* A disk that takes four bytes and no more: the old file stands. */
static void
test_replace_on_full_disk(void **state)
{
    struct buf b = BUF_INIT(100);
    (void)state;
    assert_int_equal(files_replace(in_dir("f"), span_str("old"), 0600), RES_OK);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit four = {4, 4};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &four);
        _exit(files_replace(in_dir("f"), span_str("much longer"), 0600) == RES_IO ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(files_read(in_dir("f"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("old")));
    assert_false(files_exist(in_dir("f.new")));
    buf_release(&b);
}

/* ---- markers ---- */

static void
test_write(void **state)
{
    struct buf b = BUF_INIT(100);
    (void)state;
    FILE *f = fopen(in_dir("w"), "w");
    assert_non_null(f);
    assert_int_equal(files_write(fileno(f), span_str("some ")), RES_OK);
    assert_int_equal(files_write(fileno(f), span_of(NULL, 0)), RES_OK);
    assert_int_equal(files_write(fileno(f), span_str("bytes")), RES_OK);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(files_read(in_dir("w"), &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("some bytes")));
    assert_int_equal(files_write(-1, span_str("x")), RES_IO);
    buf_release(&b);
}

static void
test_marker(void **state)
{
    char text[MARKER_TEXT_MAX], longer[2 * MARKER_TEXT_MAX];
    (void)state;
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_ABSENT);
    assert_int_equal(marker_clear(scratch_shared, MARKER_HALTED), RES_ABSENT);
    assert_int_equal(marker_set(scratch_shared, MARKER_HALTED, "why"), RES_OK);
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_OK);
    assert_string_equal(text, "why");
    assert_int_equal(marker_get(scratch_shared, MARKER_COPY, text), RES_ABSENT);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    assert_int_equal(marker_set(scratch_shared, MARKER_HALTED, longer), RES_OK);
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_OK);
    assert_int_equal(strlen(text), MARKER_TEXT_MAX - 2);
    /* An empty file and an endless one are markers too. */
    testdir_write(scratch_shared, MARKER_HALTED, "");
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_OK);
    assert_string_equal(text, "");
    for (unsigned i = 0; i < 20; i++)
        testdir_append(scratch_shared, MARKER_HALTED, longer);
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_OK);
    assert_int_equal(marker_clear(scratch_shared, MARKER_HALTED), RES_OK);
    assert_int_equal(marker_get(scratch_shared, MARKER_HALTED, text), RES_ABSENT);
}

/* ---- tokens ---- */

static void
test_tokens(void **state)
{
    struct tokens t;
    struct stat st;
    char first[TOKENS_TEXT_MAX], second[TOKENS_TEXT_MAX], none[TOKENS_TEXT_MAX];
    (void)state;
    assert_int_equal(tokens_load(scratch_shared, &t), RES_OK);
    assert_int_equal(t.n, 0);
    assert_false(tokens_match(&t, span_str("")));
    assert_int_equal(tokens_add(scratch_shared, "a", first), RES_OK);
    assert_int_equal(tokens_add(scratch_shared, "b.example", second), RES_OK);
    assert_int_equal(tokens_add(scratch_shared, "a", none), RES_EXISTS);
    assert_int_equal(tokens_load(scratch_shared, &t), RES_OK);
    assert_int_equal(t.n, 2);
    assert_int_equal(strlen(first), TOKENS_TEXT_MAX - 1);
    assert_true(tokens_match(&t, span_str(first)) && tokens_match(&t, span_str(second)));
    assert_int_equal(stat(in_dir("tokens"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* What is kept is no token. */
    struct buf kept = BUF_INIT(4096);
    assert_int_equal(files_read(in_dir("tokens"), &kept), RES_OK);
    assert_null(memmem(kept.p, kept.n, first + 10, 64));
    buf_release(&kept);
    first[40] = first[40] == '0' ? '1' : '0';
    assert_false(tokens_match(&t, span_str(first)));
    assert_false(tokens_match(&t, span_of(second, strlen(second) - 1)));
    assert_int_equal(tokens_remove(scratch_shared, "a"), RES_OK);
    assert_int_equal(tokens_remove(scratch_shared, "a"), RES_ABSENT);
    assert_int_equal(tokens_load(scratch_shared, &t), RES_OK);
    assert_int_equal(t.n, 1);
    assert_true(tokens_match(&t, span_str(second)));
}

static void
test_token_names_and_lines(void **state)
{
    static const struct {
        const char *name;
        bool ok;
    } NAMES[] = {{"a", true},
                 {"A-z_0.9", true},
                 {"", false},
                 {"a b", false},
                 {"a\n", false},
                 {"123456789012345678901234567890123456789012345678901234567890123", true},
                 {"1234567890123456789012345678901234567890123456789012345678901234", false}};
    static const char *const LINES[] = {
        "a\n",
        "a 00\n",
        "a 0000000000000000000000000000000000000000000000000000000000000000",
        " 0000000000000000000000000000000000000000000000000000000000000000\n",
        "a  000000000000000000000000000000000000000000000000000000000000000\n",
        "a x000000000000000000000000000000000000000000000000000000000000000\n",
        "\n",
    };
    struct tokens t;
    char text[TOKENS_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        assert_int_equal(tokens_name_ok(NAMES[i].name), NAMES[i].ok);
    assert_int_equal(tokens_add(scratch_shared, "a b", text), RES_VALUE);
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        testdir_write(scratch_shared, "tokens", LINES[i]);
        assert_int_equal(tokens_load(scratch_shared, &t), RES_ENCODING);
    }
    assert_int_equal(files_remove(in_dir("tokens")), RES_OK);
}

/* ---- the high-water mark ---- */

#define ROOT "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
#define OTHER "u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s="

static void
test_highwater_lines(void **state)
{
    static const struct {
        const char *says;
        const char *text;
        enum result rc;
        bool found;
        uint64_t size;
    } ROWS[] = {
        {"an empty file knows nothing", "", RES_OK, false, 0},
        {"one mark", "7 8 " ROOT "\n", RES_OK, true, 7},
        {"the last one counts", "7 8 " ROOT "\n9 10 " OTHER "\n", RES_OK, true, 9},
        {"also where it is smaller", "9 8 " ROOT "\n7 10 " OTHER "\n", RES_OK, true, 7},
        {"a last line cut in its root is ignored", "7 8 " ROOT "\n9 10 u7u7", RES_OK, true, 7},
        {"a last line without its newline too", "7 8 " ROOT "\n9 10 " OTHER, RES_OK, true, 7},
        {"a first line cut short", "7 8 qqq", RES_OK, false, 0},
        {"a whole line of two fields", "7 " ROOT "\n", RES_ENCODING, false, 0},
        {"a size that is none", "x 8 " ROOT "\n", RES_ENCODING, false, 0},
        {"a size with a zero in front", "07 8 " ROOT "\n", RES_ENCODING, false, 0},
        {"a time beyond 64 bits", "7 99999999999999999999 " ROOT "\n", RES_ENCODING, false, 0},
        {"a root too short", "7 8 qqqq\n", RES_ENCODING, false, 0},
        {"an empty line", "7 8 " ROOT "\n\n", RES_ENCODING, false, 0},
        {"damage before a sound line", "7 8 q\n9 10 " OTHER "\n", RES_ENCODING, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct highwater *h = NULL;
        struct highwater_mark m;
        bool found = false;
        testdir_write(scratch_shared, "high", ROWS[i].text);
        enum result rc = highwater_open(in_dir("high"), &h, &m, &found);
        if (rc != ROWS[i].rc)
            fail_msg("%s: %s", ROWS[i].says, result_name(rc));
        if (rc != RES_OK)
            continue;
        assert_int_equal(found, ROWS[i].found);
        if (found)
            assert_int_equal(m.size, ROWS[i].size);
        highwater_close(h);
    }
    assert_int_equal(files_remove(in_dir("high")), RES_OK);
}

static void
test_highwater_append(void **state)
{
    struct highwater *h;
    struct highwater_mark m = {.size = 0, .timestamp = 1}, got;
    bool found;
    struct stat st;
    (void)state;
    memset(&m.root, 0xaa, sizeof(m.root));
    assert_int_equal(highwater_open(in_dir("high"), &h, &got, &found), RES_OK);
    assert_false(found);
    for (uint64_t i = 1; i <= 20; i++) {
        m.size = i;
        m.timestamp++;
        assert_int_equal(highwater_append(h, &m), RES_OK);
        if (i == 10) { /* a crash in the middle of a line, and on */
            highwater_close(h);
            testdir_append(scratch_shared, "high", "11 12 qqqq");
            assert_int_equal(highwater_open(in_dir("high"), &h, &got, &found), RES_OK);
            assert_true(found);
            assert_int_equal(got.size, 10);
        }
    }
    highwater_close(h);
    assert_int_equal(highwater_open(in_dir("high"), &h, &got, &found), RES_OK);
    assert_true(found && got.size == 20 && got.timestamp == m.timestamp);
    assert_true(hash_equal(&got.root, &m.root));
    highwater_close(h);
    assert_int_equal(stat(in_dir("high"), &st), 0);
    assert_true(st.st_size < 100); /* begun anew */
    assert_int_equal(highwater_open(in_dir("none/high"), &h, &got, &found), RES_IO);
}

/* ---- roots.pem ---- */

static char *
pem_of(X509 *x)
{
    BIO *mem = BIO_new(BIO_s_mem());
    char *data, *copy;
    assert_int_equal(PEM_write_bio_X509(mem, x), 1);
    long n = BIO_get_mem_data(mem, &data);
    copy = strndup(data, (size_t)n);
    BIO_free(mem);
    return copy;
}

static void
test_rootsfile(void **state)
{
    struct testca a, b, c, d;
    struct buf text = BUF_INIT(1 << 16);
    struct roots *roots;
    size_t line;
    (void)state;
    testca_init(&a);
    testca_init(&b);
    testca_init(&c);
    testca_init(&d);
    char *pem[] = {pem_of(a.root), pem_of(b.root), pem_of(c.root), pem_of(d.root)};
    assert_int_equal(buf_printf(&text,
                                "a remark\n%s# domains: a.example,b.example \r\n%s# verify-only\n"
                                "# public\n%s# accept\n%s",
                                pem[0], pem[1], pem[2], pem[3]),
                     RES_OK);
    assert_int_equal(rootsfile_parse(buf_span(&text), &roots, &line), RES_OK);
    assert_int_equal(roots_count(roots), 4);
    static const struct {
        bool verify_only;
        bool bound;
    } WANT[] = {{false, false}, {false, true}, {true, false}, {false, false}};
    for (size_t i = 0; i < 4; i++) {
        const struct root *r = roots_at(roots, i);
        assert_int_equal(r->verify_only, WANT[i].verify_only);
        assert_int_equal(r->domains != NULL, WANT[i].bound);
    }
    assert_string_equal(roots_at(roots, 1)->domains[0], "a.example");
    assert_string_equal(roots_at(roots, 1)->domains[1], "b.example");
    assert_null(roots_at(roots, 1)->domains[2]);
    roots_unref(roots);

    static const struct {
        const char *says;
        const char *before; /* the block */
        const char *after;
        enum result rc;
        size_t line; /* of before and after; 0: not looked at */
    } ROWS[] = {
        {"a list of no domains is not public", "# domains:\n", "", RES_VALUE, 1},
        {"nor is one of blanks", "\n# domains:   \n", "", RES_VALUE, 2},
        {"a domain that is none", "# domains: a!b\n", "", RES_VALUE, 2},
        {"a block of another kind", "\n\n-----BEGIN PRIVATE KEY-----\n", "", RES_ENCODING, 3},
        {"a block without an end", "", "-----BEGIN CERTIFICATE-----\nMIIB\n", RES_ENCODING, 0},
        {"a block that is no base64", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
         "", RES_ENCODING, 1},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        buf_clear(&text);
        assert_int_equal(buf_printf(&text, "%s%s%s", ROWS[i].before, pem[0], ROWS[i].after),
                         RES_OK);
        enum result rc = rootsfile_parse(buf_span(&text), &roots, &line);
        if (rc != ROWS[i].rc || (ROWS[i].line && line != ROWS[i].line))
            fail_msg("%s: %s, line %zu", ROWS[i].says, result_name(rc), line);
    }
    assert_int_equal(rootsfile_load(in_dir("none"), &roots, &line), RES_ABSENT);
    for (size_t i = 0; i < 4; i++)
        free(pem[i]);
    buf_release(&text);
    testca_release(&a);
    testca_release(&b);
    testca_release(&c);
    testca_release(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_replace_after_crash),
        cmocka_unit_test(test_replace_on_full_disk),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_marker),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_token_names_and_lines),
        cmocka_unit_test(test_highwater_lines),
        cmocka_unit_test(test_highwater_append),
        cmocka_unit_test(test_rootsfile),
    };
    return cmocka_run_group_tests(tests, scratch_share, scratch_unshare);
}
