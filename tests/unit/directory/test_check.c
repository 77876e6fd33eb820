/* Checking a directory: nothing is found in a sound one, and one changed field of any table is. */
#include "log/directory/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/directory/shelf_private.h"
#include "log/files.h"
#include "merkle/leaf/address.h"
#include "tests/fault/failalloc.h"
#include "tests/fault/mdbfail.h"
#include "tests/unit/directory/recorded.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define MAILS RECORDED_MAILS
#define EPOCHS RECORDED_EPOCHS
#define MAP RECORDED_MAP
#define FILE_MAX RECORDED_FILE_MAX
#define RECIPES RECORDED_RECIPES
#define KEYS RECORDED_KEYS
#define FINDINGS_KEPT 8

static const char *const TABLES[] = {"page", "entry", "version", "proof", "meta"};

static struct recorded rec;

static int
make(void **state)
{
    (void)state;
    recorded_init(&rec);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    recorded_release(&rec);
    return 0;
}

/* ---- checking ---- */

static char found[FINDINGS_KEPT][300];
static uint64_t findings;

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    assert_true(where[0] != 0 && what[0] != 0);
    if (findings < FINDINGS_KEPT)
        (void)snprintf(found[findings], sizeof(found[0]), "%s: %s", where, what);
    findings++;
}

static struct check_parts
parts(void)
{
    static char path[FILES_PATH_MAX];
    struct check_parts p = {.path = path,
                            .origin = TESTLOG_ORIGIN,
                            .map_size = MAP,
                            .feed_public = signer_feed_public(rec.log.signer),
                            .store = rec.log.store,
                            .proof_every = 1,
                            .finding = on_finding};
    struct buf config = BUF_INIT(256);

    assert_int_equal(files_path(rec.d.path, "directory", path), RES_OK);
    assert_int_equal(directory_configure(rec.log.signer, &config), RES_OK);
    struct reader in = reader_of(buf_span(&config));
    kt_config_get(&in, &p.config);
    assert_int_equal(reader_end(&in), RES_OK);
    buf_release(&config);
    return p;
}

static enum result
check_with(const struct check_parts *p, struct check_report *ret)
{
    struct log_trouble why;

    findings = 0;
    enum result rc = check_directory(p, ret, &why);
    if (rc == RES_OK)
        assert_int_equal(ret->findings, findings);
    else
        assert_true(why.text[0] != 0);
    return rc;
}

/* The findings; the check itself must succeed. */
static uint64_t
check(void)
{
    struct check_parts p = parts();
    struct check_report report;

    assert_int_equal(check_with(&p, &report), RES_OK);
    return findings;
}

/* Some finding says this. */
static void
must_say(const char *row, const char *what)
{
    if (check() == 0)
        fail_msg("%s: nothing is found", row);
    for (uint64_t i = 0; i < findings && i < FINDINGS_KEPT; i++)
        if (strstr(found[i], what) != NULL)
            return;
    fail_msg("%s: none of %llu findings says '%s'; the first: %s", row,
             (unsigned long long)findings, what, found[0]);
}

/* ---- changing ---- */

static struct lmdb *
open_tables(void)
{
    char name[FILES_PATH_MAX];
    struct lmdb *env;
    struct lmdb_options o = {.path = name, .map_size = MAP, .readers = 8};

    for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++)
        o.tables[i] = TABLES[i];
    assert_int_equal(files_path(rec.d.path, "directory", name), RES_OK);
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    return env;
}

enum change { FLIP, CUT, LENGTHEN, DELETE };

/* Changes the value under key; bit counts from its beginning, modulo its length. */
static void
change_record(unsigned table, struct span key, enum change change, uint64_t bit)
{
    struct lmdb *env = open_tables();
    struct lmdb_txn *t;
    struct span v;

    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_get(t, table, key, &v), RES_OK);
    uint8_t *copy = calloc(v.n + 1, 1);
    assert_non_null(copy);
    memcpy(copy, v.p, v.n);
    if (change == FLIP)
        copy[bit / 8 % v.n] ^= (uint8_t)(1 << bit % 8);
    if (change == DELETE)
        assert_int_equal(lmdb_delete(t, table, key), RES_OK);
    else
        assert_int_equal(lmdb_put(t, table, key,
                                  span_of(copy, v.n - (change == CUT) + (change == LENGTHEN)),
                                  false),
                         RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    free(copy);
    lmdb_close(env);
}

static struct directory_head
head_now(void)
{
    struct lmdb *env = open_tables();
    struct directory_head head;
    struct lmdb_txn *t;

    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(shelf_read_head(t, &head), RES_OK);
    lmdb_abort(t);
    lmdb_close(env);
    return head;
}

/* Flips the lowest bit of a byte of a paged table: in its page, or in the tails. */
static void
change_byte(enum shelf_table table, uint64_t at)
{
    struct directory_head head = head_now();
    uint8_t key[SHELF_KEY_SIZE];
    uint64_t before = 0;

    if (at / SHELF_PAGE < shelf_length(&head, table) / SHELF_PAGE) {
        change_record(table, shelf_key(at / SHELF_PAGE, key), FLIP, at % SHELF_PAGE * 8);
        return;
    }
    for (unsigned i = 0; i < table; i++)
        before += shelf_length(&head, (enum shelf_table)i) % SHELF_PAGE;
    change_record(SHELF_META, span_str(SHELF_META_TAILS), FLIP, (before + at % SHELF_PAGE) * 8);
}

static void
change_row(enum shelf_table table, uint64_t i, size_t at)
{
    change_byte(table, i * (table == SHELF_ENTRIES ? ENTRY_ROW_SIZE : VERSION_ROW_SIZE) + at);
}

static void
change_stream(uint64_t at)
{
    change_byte(SHELF_STREAM, at);
}

static void
change_file(int which, uint64_t at)
{
    struct buf b = BUF_INIT(FILE_MAX);

    assert_true(at < rec.golden[which].n);
    assert_int_equal(buf_add(&b, buf_span(&rec.golden[which])), RES_OK);
    b.p[at] ^= 1;
    recorded_write(recorded_file(&rec, RECORDED_FILES[which]), buf_span(&b));
    buf_release(&b);
}

static void
cut_file(int which, size_t n)
{
    struct span s = buf_span(&rec.golden[which]);

    recorded_write(recorded_file(&rec, RECORDED_FILES[which]), span_of(s.p, n));
}

/* ---- sound ones ---- */

static void
a_sound_directory_has_no_findings(void **state)
{
    struct check_parts p = parts();
    struct check_report r;

    (void)state;
    recorded_put_back(&rec);
    assert_int_equal(check_with(&p, &r), RES_OK);
    if (findings > 0)
        fail_msg("%s", found[0]);
    assert_int_equal(r.size, EPOCHS);
    assert_true(r.versions > 100 && r.labels > 30 && r.proofs > 40);
    assert_int_equal(r.erased, 0);
    /* Nothing was changed by looking. */
    struct buf now = BUF_INIT(FILE_MAX);
    for (int i = 0; i < 3; i++) {
        buf_clear(&now);
        assert_int_equal(files_read(recorded_file(&rec, RECORDED_FILES[i]), &now), RES_OK);
        assert_true(span_equal(buf_span(&now), buf_span(&rec.golden[i])));
    }
    buf_release(&now);
}

static void
what_is_not_there_yet_is_no_damage(void **state)
{
    struct check_parts p = parts();
    struct check_report r;
    struct directory_head h;
    uint8_t key[SHELF_KEY_SIZE];

    (void)state;
    recorded_put_back(&rec);
    /* No log beside it, no proofs verified. */
    p.store = NULL;
    p.proof_every = 0;
    assert_int_equal(check_with(&p, &r), RES_OK);
    assert_int_equal(findings, 0);
    /* A proof record that was not made. */
    change_record(SHELF_PROOFS, shelf_key(0, key), DELETE, 0);
    assert_int_equal(check(), 0);
    /* A recipe that a crash has torn, a key too. */
    ground_open(&rec.d);
    h = ground_head(&rec.d);
    ground_close(&rec.d);
    assert_int_equal(h.recipes, rec.golden[RECIPES].n);
    struct buf b = BUF_INIT(FILE_MAX);
    assert_int_equal(buf_add(&b, buf_span(&rec.golden[RECIPES])), RES_OK);
    assert_int_equal(buf_add(&b, span_of(rec.golden[RECIPES].p, 77)), RES_OK);
    recorded_write(recorded_file(&rec, "recipes"), buf_span(&b));
    buf_clear(&b);
    assert_int_equal(buf_add(&b, buf_span(&rec.golden[KEYS])), RES_OK);
    assert_int_equal(buf_add(&b, span_of(rec.golden[KEYS].p, 5)), RES_OK);
    recorded_write(recorded_file(&rec, "keys"), buf_span(&b));
    assert_int_equal(check(), 0);
    buf_release(&b);
}

/* The number of a label and its first row. */
static uint64_t
first_row(const char *name, uint64_t *ret_number)
{
    struct version_row row;
    struct label label = {.n = 1 + strlen(name)};
    uint64_t seq;

    label.b[0] = LABEL_MAILBOX;
    memcpy(label.b + 1, name, strlen(name));
    ground_open(&rec.d);
    uint64_t rows = ground_head(&rec.d).versions;
    assert_int_equal(shelf_view_begin(rec.d.view), RES_OK);
    assert_int_equal(
        versions_find(rec.d.versions, rec.d.view, rows, span_of(label.b, label.n), 0, &seq, &row),
        RES_OK);
    assert_int_equal(versions_label(rec.d.view, rec.d.keys, row.label, &label, ret_number), RES_OK);
    shelf_view_end(rec.d.view);
    ground_close(&rec.d);
    return seq;
}

/* test_check_erased.c has those that were erased. */
static void
a_key_that_is_gone_is_told(void **state)
{
    struct check_parts p = parts();
    struct check_report r;
    uint64_t number;
    struct keyring *k;

    (void)state;
    recorded_put_back(&rec);
    (void)first_row("c2@two.example", &number);
    assert_int_equal(keyring_open(recorded_file(&rec, "keys"), &k), RES_OK);
    assert_int_equal(keyring_erase(k, number), RES_OK);
    keyring_close(k);
    assert_int_equal(check_with(&p, &r), RES_OK);
    assert_int_equal(findings, 1);
    assert_non_null(strstr(found[0], "is of a label whose key is gone, and no tombstone"));
    assert_int_equal(r.erased, 1);
}

/* ---- one changed field ---- */

static void
every_field_of_an_entry(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        const char *says;
    } ROWS[] = {
        {"timestamp", 7, "data.mdb, entry 21: is not what its recipe says"},
        {"prefix root", 8, "data.mdb, entry 21: "},
        {"log tree root", 40, "data.mdb, entry 21: has another root of the log tree"},
        {"certificates", 79, "data.mdb, entry 21: is not what its recipe says"},
        {"certificates' root", 80, "data.mdb, entry 21: is not what its recipe says"},
        {"crls", 119, "data.mdb, entry 21: is not what its recipe says"},
        {"crls' root", 120, "data.mdb, entry 21: is not what its recipe says"},
        {"additions", 155, "data.mdb, "},
        {"additions' hash", 156, "data.mdb, entry 21: has another hash of its additions"},
        {"tree's ref", 195, "data.mdb, entry 21: has another prefix tree"},
        {"tree's kind", 188, "data.mdb, entry 21: cannot be read"},
        {"hashes", 203, "data.mdb, entry 21: names another place"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        recorded_put_back(&rec);
        change_row(SHELF_ENTRIES, 21, ROWS[i].at);
        must_say(ROWS[i].name, ROWS[i].says);
    }
}

static void
every_field_of_a_row(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        const char *says;
    } ROWS[] = {
        {"VRF output", 0, "data.mdb, "},
        {"VRF output, last byte", 31, "data.mdb, proof record "},
        {"commitment", 40, "has a commitment that its State does not give"},
        {"print", 64, "has another print"},
        {"entry", 76, "is of another entry"},
        {"version", 80, "data.mdb, row "},
        {"label", 86, "data.mdb, row "},
        {"previous", 91, "data.mdb, row "},
        {"state", 97, "names another place"},
        {"state's length", 101, "data.mdb, row "},
    };
    uint64_t number;

    (void)state;
    recorded_put_back(&rec);
    uint64_t seq = first_row("many@one.example", &number);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
        for (uint64_t row = seq; row < seq + 30; row += 7) {
            recorded_put_back(&rec);
            change_row(SHELF_VERSIONS, row, ROWS[i].at);
            must_say(ROWS[i].name, ROWS[i].says);
        }
}

static void
every_field_of_the_head(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        const char *says;
    } ROWS[] = {
        {"size", 7, "head"},
        {"root", 8, "head: its signature does not verify"},
        {"root", 8, "head: has another root than"},
        {"signature", 40, "head: its signature does not verify"},
        {"feed root", 104, "head: the feed's signature does not verify"},
        {"feed root", 104, "head: has another root of the feed"},
        {"feed signature", 136, "head: the feed's signature does not verify"},
        {"stream", 207, "head: counts other"},
        {"versions", 215, "head: counts other"},
        {"labels", 223, "head: counts other"},
        {"recipes", 231, "head: says that its recipes end elsewhere"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        recorded_put_back(&rec);
        change_record(SHELF_META, span_str(SHELF_META_HEAD), FLIP, ROWS[i].at * 8);
        must_say(ROWS[i].name, ROWS[i].says);
    }
}

static void
the_rest_of_meta(void **state)
{
    struct check_parts p = parts();
    struct check_report r;

    (void)state;
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_ORIGIN), FLIP, 0);
    must_say("origin", "origin: is another");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_CONFIGURATION), FLIP, 8 * 10);
    must_say("configuration", "configuration: is another");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_BINDINGS), FLIP, 8 * 10);
    must_say("bindings", "bindings: are others");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_BINDINGS), DELETE, 0);
    must_say("bindings", "bindings: are others");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_HEAD), DELETE, 0);
    must_say("head", "head: is not there");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_HEAD), CUT, 0);
    must_say("head", "data.mdb: is no store that can be opened");
    recorded_put_back(&rec);
    change_record(SHELF_META, span_str(SHELF_META_FORMAT), FLIP, 8 * 3);
    assert_int_equal(check_with(&p, &r), RES_STORE_FORMAT);
    /* Other keys than the policy's. */
    recorded_put_back(&rec);
    p.config.signature_key[0] ^= 1;
    assert_int_equal(check_with(&p, &r), RES_OK);
    assert_true(findings >= 2);
    p = parts();
    p.feed_public = signer_directory_public(rec.log.signer);
    assert_int_equal(check_with(&p, &r), RES_OK);
    assert_int_equal(findings, 1);
    p = parts();
    p.origin = "log.example/another";
    assert_int_equal(check_with(&p, &r), RES_OK);
    assert_true(findings >= 1);
}

/* Text, State, node, hashes: each kind of object in the stream. */
static void
every_object_of_the_stream(void **state)
{
    struct version_row row;
    struct entry_row e;
    uint64_t number;

    (void)state;
    recorded_put_back(&rec);
    uint64_t seq = first_row("c2@two.example", &number);
    ground_open(&rec.d);
    assert_int_equal(shelf_view_begin(rec.d.view), RES_OK);
    assert_int_equal(shelf_get_version(rec.d.view, seq, &row), RES_OK);
    assert_int_equal(shelf_get_entry(rec.d.view, 31, &e), RES_OK);
    shelf_view_end(rec.d.view);
    ground_close(&rec.d);
    const struct {
        const char *name;
        uint64_t at;
        const char *says;
    } ROWS[] = {
        {"a label's number", row.label + 4, "data.mdb, row "},
        {"a label's length", row.label + 5, "data.mdb, row "},
        {"a label's kind", row.label + 6, "has a label that cannot be read"},
        {"a label's text", row.label + 8, "has another print"},
        {"a State's form", row.state, "has a State that cannot be read"},
        {"a State", row.state + 30, "has a "},
        {"a State's end", row.state + row.state_n - 1, "has a "},
        {"a node's ref", e.root.ref + 7, "is not the one that its entry's rows make"},
        {"a node's hash", e.root.ref + 20, "is not the one that its entry's rows make"},
        {"a node of the log tree", e.hashes + 70, "has other nodes of the log tree"},
        {"a node of the feed's tree", e.hashes + 5 * 32 + 1, "has other nodes of the feed's tree"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        recorded_put_back(&rec);
        change_stream(ROWS[i].at);
        must_say(ROWS[i].name, ROWS[i].says);
    }
}

static void
proofs(void **state)
{
    uint8_t key[SHELF_KEY_SIZE], more[SHELF_KEY_SIZE];
    uint64_t number, seq;
    struct lmdb_txn *t;

    (void)state;
    recorded_put_back(&rec);
    seq = first_row("many@one.example", &number);
    struct span first = shelf_key(seq, key);
    static const struct {
        const char *name;
        uint64_t at;
        const char *says;
    } ROWS[] = {
        {"its own output", 0, "has another VRF output than the version's row"},
        {"its own output", 0, "has a VRF proof that does not verify"},
        {"gamma", 40, "has a VRF proof that does not verify"},
        {"c", 70, "has a VRF proof that does not verify"},
        {"s", 100, "has a VRF proof that does not verify"},
        {"the next version's output", 112, "has another VRF output than the version's row"},
        {"the next version's proof", 150, "has a VRF proof that does not verify"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        recorded_put_back(&rec);
        change_record(SHELF_PROOFS, first, FLIP, ROWS[i].at * 8);
        must_say(ROWS[i].name, ROWS[i].says);
    }
    recorded_put_back(&rec);
    change_record(SHELF_PROOFS, first, CUT, 0);
    must_say("cut", "has another length");
    recorded_put_back(&rec);
    struct lmdb *env = open_tables();
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_put(t, SHELF_PROOFS, shelf_key(1u << 20, more), first, false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    must_say("a record of no row", "head: counts other pages");
}

static void
pages(void **state)
{
    static const enum change CHANGES[] = {CUT, LENGTHEN, DELETE};
    uint8_t key[SHELF_KEY_SIZE];
    struct lmdb_txn *t;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        recorded_put_back(&rec);
        change_record(SHELF_META, span_str(SHELF_META_TAILS), CHANGES[i], 0);
        must_say("other tails", "head: counts other pages");
    }
    recorded_put_back(&rec);
    const struct directory_head head = head_now();
    for (unsigned table = 0; table < SHELF_PAGED; table++)
        for (size_t i = 0; i < 3; i++)
            for (uint64_t page = 0;
                 page < 3 && page < shelf_length(&head, (enum shelf_table)table) / SHELF_PAGE;
                 page++) {
                recorded_put_back(&rec);
                change_record(table, shelf_key(page, key), CHANGES[i], 0);
                if (check() == 0)
                    fail_msg("table %s, page %llu: change %zu is not found", TABLES[table],
                             (unsigned long long)page, i);
            }
    for (unsigned table = 0; table < SHELF_PAGED; table++) {
        recorded_put_back(&rec);
        struct lmdb *env = open_tables();
        assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
        assert_int_equal(lmdb_put(t, table, shelf_key(9999, key), span_str("more"), false), RES_OK);
        assert_int_equal(lmdb_commit(t), RES_OK);
        lmdb_close(env);
        must_say("a page behind the end", "head: counts other pages");
    }
}

/* ---- recipes ---- */

static void
recipe_file(void **state)
{
    struct buf b = BUF_INIT(FILE_MAX);
    size_t one = rec.golden[RECIPES].n - 110; /* where the last begins */

    (void)state;
    recorded_put_back(&rec);
    for (size_t at = 0; at < 110; at += 9) {
        recorded_put_back(&rec);
        change_file(RECIPES, 110 * 3 + at);
        must_say("a flipped byte", "directory/recipes, recipe 3: is damaged");
    }
    recorded_put_back(&rec);
    change_file(RECIPES, 20);
    must_say("the first", "directory/recipes");
    recorded_put_back(&rec);
    change_file(RECIPES, one + 20);
    must_say("the last", "directory/recipes, recipe 45: is damaged");
    cut_file(RECIPES, one);
    must_say("the last is not there", "directory/recipes, recipe 45: is not there");
    cut_file(RECIPES, one + 50);
    must_say("the last is cut", "directory/recipes, recipe 45: is damaged");
    cut_file(RECIPES, 0);
    must_say("none", "directory/recipes, recipe 0: is not there");
    recorded_put_back(&rec);
    assert_int_equal(unlink(recorded_file(&rec, "recipes")), 0);
    must_say("no file", "directory/recipes: is not there");
    /* One is missing in the middle. */
    assert_int_equal(buf_add(&b, span_of(rec.golden[RECIPES].p, 330)), RES_OK);
    assert_int_equal(buf_add(&b, span_of(rec.golden[RECIPES].p + 440, rec.golden[RECIPES].n - 440)),
                     RES_OK);
    recorded_write(recorded_file(&rec, "recipes"), buf_span(&b));
    must_say("a gap", "directory/recipes, recipe 3: is damaged");
    buf_release(&b);
}

/* Well-formed recipes without entries. */
static void
recipes_that_wait(void **state)
{
    struct recipes *r;

    (void)state;
    static const struct {
        const char *name;
        int64_t time;
        uint64_t certificates;
        uint8_t root;
        const char *says; /* NULL: nothing */
    } ROWS[] = {
        {"as it should be", 0, MAILS, 0, NULL},
        {"over an older time", -1, MAILS, 0, "recipe 46: goes back"},
        {"over fewer entries", 0, MAILS - 1, 0, "recipe 46: goes back"},
        {"over more than there are", 0, MAILS + 1, 0, "recipe 46: reaches further"},
        {"over another root", 0, MAILS, 1, "recipe 46: has another root"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        recorded_put_back(&rec);
        struct recipe q = {.number = EPOCHS,
                           .timestamp = GROUND_MS + 1000 * (EPOCHS - 1) + (uint64_t)ROWS[i].time,
                           .certificates = ROWS[i].certificates};
        ground_root(&rec.log, MAILS, &q.certificates_root);
        q.certificates_root.b[0] ^= ROWS[i].root;
        hash_empty(&q.crls_root);
        assert_int_equal(
            recipes_open(recorded_file(&rec, "recipes"), EPOCHS, rec.golden[RECIPES].n, false, &r),
            RES_OK);
        assert_int_equal(recipes_append(r, &q), RES_OK);
        recipes_close(r);
        if (ROWS[i].says != NULL)
            must_say(ROWS[i].name, ROWS[i].says);
        else
            assert_int_equal(check(), 0);
    }
}

/* ---- keys ---- */

static void
key_file(void **state)
{
    struct check_parts p = parts();
    struct check_report r;
    uint64_t number;

    (void)state;
    recorded_put_back(&rec);
    (void)first_row("c2@two.example", &number);
    change_file(KEYS, 3);
    must_say("the salt", "has another print");
    change_file(KEYS, 32 * (1 + number) + 31);
    must_say("a label's key", "data.mdb, row ");
    cut_file(KEYS, 32 * 20);
    must_say("cut", "directory/keys: has fewer keys than there are labels");
    cut_file(KEYS, 0);
    must_say("empty", "directory/keys: is not there");
    assert_int_equal(unlink(recorded_file(&rec, "keys")), 0);
    must_say("no file", "directory/keys: is not there");
    recorded_put_back(&rec);
    assert_int_equal(chmod(recorded_file(&rec, "keys"), 0644), 0);
    assert_int_equal(check_with(&p, &r), RES_KEY);
    /* A key that no label has yet is as good as any other. */
    recorded_put_back(&rec);
    change_file(KEYS, rec.golden[KEYS].n - 1);
    assert_int_equal(check(), 0);
}

static void
no_data(void **state)
{
    (void)state;
    recorded_put_back(&rec);
    assert_int_equal(unlink(recorded_file(&rec, "data.mdb")), 0);
    must_say("no data.mdb", "directory/data.mdb: is not there");
    assert_int_equal(findings, 1);
    recorded_write(recorded_file(&rec, "data.mdb"), span_str("nothing at all"));
    must_say("noise", "directory/data.mdb: is no store");
    /* Then recipes are looked at all the same. */
    change_file(RECIPES, 110 * 3 + 20);
    must_say("and a recipe", "directory/recipes, recipe 3: is damaged");
}

/* ---- whatever flips ---- */

struct key {
    uint8_t p[16];
    size_t n;
};

static size_t
list_keys(unsigned table, struct key *ret, size_t cap)
{
    struct lmdb *env = open_tables();
    struct lmdb_txn *t;
    struct span key, v;
    struct key from = {{0}, 1};
    size_t n = 0;

    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    while (n < cap && lmdb_seek(t, table, span_of(from.p, from.n), &key, &v) == RES_OK) {
        assert_true(key.n < sizeof(from.p));
        ret[n].n = from.n = key.n;
        memcpy(ret[n++].p, key.p, key.n);
        memcpy(from.p, key.p, key.n);
        from.p[from.n++] = 0;
    }
    lmdb_reader_free(t);
    lmdb_close(env);
    return n;
}

/* Any bit of any value: there is none that does not matter. */
static void
any_bit_is_found(void **state)
{
    struct rng rng = rng_start("test_check");
    unsigned tries = getenv("CARTULARY_LONG") != NULL ? 600 : 25;

    (void)state;
    for (unsigned table = 0; table < sizeof(TABLES) / sizeof(TABLES[0]); table++) {
        static struct key keys[400];

        recorded_put_back(&rec);
        size_t n = list_keys(table, keys, 400);
        print_message("%s: %zu records\n", TABLES[table], n);
        for (unsigned i = 0; i < tries; i++) {
            const struct key *k = &keys[rng_next(&rng) % n];
            uint64_t bit = rng_next(&rng) % (1u << 20);
            struct check_parts p = parts();
            struct check_report r;

            p.proof_every = table == SHELF_PROOFS ? 1 : 50;
            recorded_put_back(&rec);
            change_record(table, span_of(k->p, k->n), FLIP, bit);
            enum result rc = check_with(&p, &r);
            if (rc == RES_OK ? findings == 0 : rc != RES_STORE_FORMAT)
                fail_msg("not found: table %s, key …%02x, bit %llu: %s", TABLES[table],
                         k->p[k->n - 1], (unsigned long long)bit, result_name(rc));
        }
    }
}

/* ---- memory ---- */

static void
memory_that_fails_is_told(void **state)
{
    struct check_parts p = parts();
    struct check_report r;

    (void)state;
    recorded_put_back(&rec);
    p.proof_every = 0;
    failalloc_at(0);
    assert_int_equal(check_with(&p, &r), RES_OK);
    size_t n = failalloc_count();
    for (size_t i = 1; i <= n; i += 1 + i / 6) {
        failalloc_at(i);
        enum result rc = check_with(&p, &r);
        failalloc_at(0);
        if (rc != RES_MEMORY)
            fail_msg("allocation %zu of %zu: %s", i, n, result_name(rc));
    }
}

/* A read that fails is no damage, and no soundness either. */
static void
a_store_that_fails_is_told(void **state)
{
    struct check_parts p = parts();
    struct check_report r;

    (void)state;
    recorded_put_back(&rec);
    p.proof_every = 0;
    mdbfail_at(0, MDBFAIL_BEFORE);
    assert_int_equal(check_with(&p, &r), RES_OK);
    size_t n = mdbfail_count();
    for (size_t i = 1; i <= n; i += i < 60 || i + 10 > n ? 1 : n / 60) {
        mdbfail_at(i, MDBFAIL_BEFORE);
        enum result rc = check_with(&p, &r);
        const char *what = mdbfail_what();
        mdbfail_at(0, MDBFAIL_BEFORE);
        if (rc != RES_IO || findings != 0)
            fail_msg("call %zu of %zu, %s: %s, %llu findings", i, n, what, result_name(rc),
                     (unsigned long long)findings);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_directory_has_no_findings),
        cmocka_unit_test(what_is_not_there_yet_is_no_damage),
        cmocka_unit_test(a_key_that_is_gone_is_told),
        cmocka_unit_test(every_field_of_an_entry),
        cmocka_unit_test(every_field_of_a_row),
        cmocka_unit_test(every_field_of_the_head),
        cmocka_unit_test(the_rest_of_meta),
        cmocka_unit_test(every_object_of_the_stream),
        cmocka_unit_test(proofs),
        cmocka_unit_test(pages),
        cmocka_unit_test(recipe_file),
        cmocka_unit_test(recipes_that_wait),
        cmocka_unit_test(key_file),
        cmocka_unit_test(no_data),
        cmocka_unit_test(any_bit_is_found),
        cmocka_unit_test(memory_that_fails_is_told),
        cmocka_unit_test(a_store_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
