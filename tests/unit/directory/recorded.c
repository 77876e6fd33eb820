#include "tests/unit/directory/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/files.h"
#include "tests/vectors/check.h"

const char *const RECORDED_FILES[RECORDED_FILES_N] = {"data.mdb", "recipes", "keys"};

const char *
recorded_file(const struct recorded *r, const char *name)
{
    static char path[FILES_PATH_MAX];
    char dir[FILES_PATH_MAX];

    assert_int_equal(files_path(r->d.path, "directory", dir), RES_OK);
    assert_int_equal(files_path(dir, name, path), RES_OK);
    return path;
}

void
recorded_write(const char *path, struct span bytes)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

/* Runs the next epoch with its recipe in the file. */
static void
run(struct ground *d, struct recipes *r, uint64_t certificates, struct span acts)
{
    struct buf bytes = BUF_INIT(RECIPE_MAX);
    struct recipe q = ground_recipe(d, certificates), stored;
    bool committed;

    q.acts = acts;
    q.acts_n = acts.n > 0;
    assert_int_equal(recipes_append(r, &q), RES_OK);
    assert_int_equal(recipes_next(r, &bytes, &stored), RES_OK);
    assert_int_equal(epoch_run(d->epoch, &stored, recipes_offset(r), NULL, 0, &committed), RES_OK);
    assert_int_equal(recipes_pass(r), RES_OK);
    buf_release(&bytes);
}

/* The act that binds the second root to a domain. */
static void
bind_second(const struct ground_log *log, struct buf *out)
{
    struct writer w = writer_to(out);
    struct buf body = BUF_INIT(1024);
    struct writer b = writer_to(&body);

    put_u16(&b, 1);
    put_bytes(&b, hash_span(&log->second_sha256));
    put_u16(&b, 1);
    put_vec8(&b, span_str("one.example"));
    assert_int_equal(writer_end(&b), RES_OK);
    act_put(&w, &(struct act){ACT_BINDINGS, buf_span(&body)});
    assert_int_equal(writer_end(&w), RES_OK);
    buf_release(&body);
}

/* All proof records, as the prover makes them. */
static void
prove(struct ground *d)
{
    struct directory_head h = ground_head(d);
    struct proofs *p;
    bool committed;

    assert_int_equal(proofs_new(d->log->signer, d->keys, &p), RES_OK);
    for (uint64_t seq = 0; seq < h.versions; seq++) {
        uint8_t record[PROOF_RECORD_MAX];
        struct version_row row;
        struct label label;
        uint64_t number;
        size_t n;

        assert_int_equal(shelf_view_begin(d->view), RES_OK);
        assert_int_equal(shelf_get_version(d->view, seq, &row), RES_OK);
        assert_int_equal(versions_label(d->view, d->keys, row.label, &label, &number), RES_OK);
        shelf_view_end(d->view);
        assert_int_equal(proofs_make(p, span_of(label.b, label.n), row.version, record, &n),
                         RES_OK);
        struct epoch_proof proof = {seq, span_of(record, n)};
        if (n > 0)
            assert_int_equal(epoch_proofs(d->epoch, &proof, 1, &committed), RES_OK);
    }
    proofs_free(p);
}

void
recorded_put_back(const struct recorded *r)
{
    for (int i = 0; i < RECORDED_FILES_N; i++)
        recorded_write(recorded_file(r, RECORDED_FILES[i]), buf_span(&r->golden[i]));
}

/* One mailbox has many certificates, so that its States are long; some come after their
 * precertificate; some stand under the root that is bound later. */
static void
write_mails(char san[][64], struct mail *ret)
{
    for (unsigned i = 0; i < RECORDED_MAILS; i++) {
        bool final = i % 8 == 1;

        (void)snprintf(san[i], 64, "email:%c%u@%s.example,email:many@one.example",
                       'a' + (int)i % 26, i, i % 3 == 0 ? "one" : "two");
        ret[i] = (struct mail){
            .san = san[i], .serial = i + 1, .precert = i % 8 == 0, .bound = i % 5 == 4};
        if (final) {
            ret[i] = ret[i - 1];
            ret[i].precert = false;
            ret[i].scts = true;
        }
    }
}

static void
fill(struct recorded *r)
{
    struct buf acts = BUF_INIT(2048);
    struct recipes *recipes;

    assert_int_equal(recipes_create(recorded_file(r, "recipes")), RES_OK);
    assert_int_equal(recipes_open(recorded_file(r, "recipes"), 0, 0, false, &recipes), RES_OK);
    bind_second(&r->log, &acts);
    for (unsigned i = 0; i < RECORDED_EPOCHS; i++)
        run(&r->d, recipes, i < RECORDED_MAILS ? i : RECORDED_MAILS,
            i == RECORDED_BINDS ? buf_span(&acts) : span_of(NULL, 0));
    recipes_close(recipes);
    buf_release(&acts);
}

void
recorded_init(struct recorded *r)
{
    char san[RECORDED_MAILS][64];
    struct mail mails[RECORDED_MAILS];

    write_mails(san, mails);
    ground_log_init(&r->log, mails, RECORDED_MAILS);
    ground_new(&r->d, &r->log, NULL);
    fill(r);
    prove(&r->d);
    ground_audit(&r->d);
    ground_close(&r->d);
    for (int i = 0; i < RECORDED_FILES_N; i++) {
        r->golden[i] = BUF_INIT(RECORDED_FILE_MAX);
        assert_int_equal(files_read(recorded_file(r, RECORDED_FILES[i]), &r->golden[i]), RES_OK);
    }
}

void
recorded_release(struct recorded *r)
{
    for (int i = 0; i < RECORDED_FILES_N; i++)
        buf_release(&r->golden[i]);
    ground_release(&r->d);
    ground_log_release(&r->log);
}
