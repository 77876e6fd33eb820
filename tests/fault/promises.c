/*
 * promises --url URL --key SPKI.der --heads FILE [--leaves LEAVES] [--again N] [--all] RECEIPTS…
 *
 * Asks a log whether it keeps what it promised, by our own verifier of proofs and with the log's
 * public key only:
 *
 *   the tree head's signature; it is newer than every head in FILE and consistent with the last of
 * them (--all: with each), and is added to FILE; for every receipt an inclusion proof by the leaf
 * hash that follows from the certificate, at the promised index; with --leaves also the SCT's
 * signature, and that N of the certificates, submitted again, get the same SCT.
 *
 * Exit: 0 every promise is kept, 1 one is not (said which), 2 bad usage or files, 3 the log does
 * not answer.
 */
#include "merkle/base/text.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/key.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/verify.h"
#include "tests/bench/hammer/receipts.h"
#include "tests/bench/hammer/target.h"
#include "tests/mint/mintfile.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#define HEADS_MAX 100000
#define SAID_MAX 20

struct head {
    uint64_t timestamp, size;
    struct hash root;
};

struct check {
    struct target target;
    struct caller caller;
    struct p256_key *key;
    const char *heads_file;
    struct head *earlier;
    size_t earlier_n;
    struct head head;
    struct mint_file leaves;
    uint64_t at; /* number of the leaf that mint_file_next gives */
    bool has_leaves, all_heads;
    uint64_t again, again_left;
    uint64_t receipts, broken;
};

static _Noreturn void
give_up(int code, const char *what)
{
    fprintf(stderr, "promises: %s\n", what);
    exit(code);
}

static void
broken(struct check *c, const char *what, uint64_t number)
{
    if (c->broken++ < SAID_MAX)
        printf("broken: %s (%" PRIu64 ")\n", what, number);
}

static cJSON *
get_json(struct check *c, const char *path, int *ret_status)
{
    struct span body;
    *ret_status = caller_get(&c->caller, path, &body);
    if (*ret_status < 0)
        give_up(3, "the log does not answer");
    cJSON *j = cJSON_ParseWithLength((const char *)body.p, body.n);
    if (*ret_status == 200 && j == NULL)
        give_up(3, "the answer is not JSON");
    return j;
}

static const char *
text_of(const cJSON *j, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(j, name));
    return s == NULL ? "" : s;
}

static uint64_t
number_of(const cJSON *j, const char *name)
{
    double d = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(j, name));
    return d >= 0 && d < 9007199254740992.0 ? (uint64_t)d : UINT64_MAX;
}

/* The hashes of a JSON list into ret; their number, or SIZE_MAX. */
static size_t
hashes_of(const cJSON *j, const char *name, struct hash ret[static PROOF_HASHES_MAX])
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(j, name), *item;
    size_t n = 0;
    if (!cJSON_IsArray(list))
        return SIZE_MAX;
    cJSON_ArrayForEach(item, list)
    {
        const char *s = cJSON_GetStringValue(item);
        if (n == PROOF_HASHES_MAX || s == NULL ||
            text_unbase64_exact(span_str(s), ret[n++].b, HASH_SIZE) != RES_OK)
            return SIZE_MAX;
    }
    return n;
}

/* Checks a DigitallySigned in base64 over msg. */
static bool
signed_by_log(const struct check *c, struct span base64, struct span msg)
{
    struct buf raw = BUF_INIT(1024);
    struct digitally_signed d;
    bool ok = text_unbase64(base64, &raw) == RES_OK;
    if (ok) {
        struct reader r = reader_of(buf_span(&raw));
        ok = digitally_signed_read(&r, &d) == RES_OK && reader_end(&r) == RES_OK && d.hash == 4 &&
             d.algorithm == 3 && p256_verify(c->key, msg, d.signature) == RES_OK;
    }
    buf_release(&raw);
    return ok;
}

static void
check_head(struct check *c)
{
    int status;
    uint8_t msg[STH_SIGNED_SIZE];
    cJSON *j = get_json(c, "/ct/v1/get-sth", &status);
    if (status != 200)
        give_up(3, "no tree head");
    c->head.size = number_of(j, "tree_size");
    c->head.timestamp = number_of(j, "timestamp");
    if (text_unbase64_exact(span_str(text_of(j, "sha256_root_hash")), c->head.root.b, HASH_SIZE) !=
        RES_OK)
        give_up(1, "the head has no root");
    sth_signed_data(c->head.timestamp, c->head.size, &c->head.root, msg);
    if (!signed_by_log(c, span_str(text_of(j, "tree_head_signature")), span_of(msg, sizeof msg)))
        broken(c, "the head's signature does not verify, size", c->head.size);
    cJSON_Delete(j);
}

static void
check_consistent(struct check *c, const struct head *old)
{
    struct hash proof[PROOF_HASHES_MAX];
    size_t n = 0;
    if (old->timestamp > c->head.timestamp || old->size > c->head.size) {
        broken(c, "the head is behind an earlier one of size", old->size);
        return;
    }
    if (old->size > 0 && old->size < c->head.size) {
        char path[128];
        int status;
        snprintf(path, sizeof path, "/ct/v1/get-sth-consistency?first=%" PRIu64 "&second=%" PRIu64,
                 old->size, c->head.size);
        cJSON *j = get_json(c, path, &status);
        n = status == 200 ? hashes_of(j, "consistency", proof) : SIZE_MAX;
        cJSON_Delete(j);
    }
    if (n == SIZE_MAX ||
        consistency_verify(old->size, c->head.size, &old->root, &c->head.root, proof, n) != RES_OK)
        broken(c, "the head is not consistent with an earlier one of size", old->size);
}

static void
read_heads(struct check *c)
{
    char hex[65];
    struct head h;
    FILE *f = fopen(c->heads_file, "r");
    c->earlier = calloc(HEADS_MAX, sizeof *c->earlier);
    if (c->earlier == NULL)
        give_up(2, "no memory");
    while (f != NULL && c->earlier_n < HEADS_MAX &&
           fscanf(f, "%" SCNu64 " %" SCNu64 " %64s", &h.timestamp, &h.size, hex) == 3) {
        if (text_unhex(span_str(hex), h.root.b, HASH_SIZE) != RES_OK)
            give_up(2, "the file of heads is malformed");
        c->earlier[c->earlier_n++] = h;
    }
    if (f != NULL)
        fclose(f);
}

static void
check_heads(struct check *c)
{
    char hex[65];
    read_heads(c);
    check_head(c);
    size_t first = c->all_heads || c->earlier_n == 0 ? 0 : c->earlier_n - 1;
    for (size_t i = first; i < c->earlier_n; i++)
        check_consistent(c, &c->earlier[i]);
    FILE *f = fopen(c->heads_file, "a");
    text_hex_to(hash_span(&c->head.root), hex);
    if (f == NULL ||
        fprintf(f, "%" PRIu64 " %" PRIu64 " %s\n", c->head.timestamp, c->head.size, hex) < 0 ||
        fclose(f) != 0)
        give_up(2, "the file of heads cannot be written");
}

static void
proof_path(const struct hash *leaf, uint64_t size, char *path, size_t cap)
{
    struct buf text = BUF_INIT(64);
    size_t w =
        (size_t)snprintf(path, cap, "/ct/v1/get-proof-by-hash?tree_size=%" PRIu64 "&hash=", size);
    if (text_base64(hash_span(leaf), &text) != RES_OK)
        give_up(2, "no memory");
    for (size_t i = 0; i < text.n; i++)
        w += (size_t)snprintf(path + w, cap - w,
                              text.p[i] == '+'   ? "%%2B"
                              : text.p[i] == '/' ? "%%2F"
                              : text.p[i] == '=' ? "%%3D"
                                                 : "%c",
                              text.p[i]);
    buf_release(&text);
}

static void
check_included(struct check *c, uint64_t number, const struct receipt *r, const struct hash *leaf)
{
    char path[256];
    int status;
    struct hash proof[PROOF_HASHES_MAX];
    proof_path(leaf, c->head.size, path, sizeof path);
    cJSON *j = get_json(c, path, &status);
    size_t n = status == 200 ? hashes_of(j, "audit_path", proof) : SIZE_MAX;
    if (n == SIZE_MAX || number_of(j, "leaf_index") != r->index ||
        inclusion_verify(leaf, r->index, c->head.size, proof, n, &c->head.root) != RES_OK)
        broken(c, "an SCT's entry is not included where it was promised, leaf number", number);
    cJSON_Delete(j);
}

static void
check_again(struct check *c, uint64_t number, const struct receipt *r, struct span der)
{
    struct buf json = BUF_INIT(1 << 20);
    struct span body;
    struct receipt now = {0};
    if (buf_printf(&json, "{\"chain\":[\"") != RES_OK || text_base64(der, &json) != RES_OK ||
        buf_printf(&json, "\",\"") != RES_OK ||
        text_base64(c->leaves.intermediate, &json) != RES_OK || buf_printf(&json, "\"]}") != RES_OK)
        give_up(2, "no memory");
    int status = caller_post(&c->caller, "/ct/v1/add-chain", buf_span(&json), &body);
    if (status < 0)
        give_up(3, "the log does not answer");
    if (status != 200 || !receipt_parse(body, &now) || now.timestamp != r->timestamp ||
        now.index != r->index ||
        !span_equal(span_of(now.signature, now.signature_n), span_of(r->signature, r->signature_n)))
        broken(c, "a duplicate did not get its first SCT, leaf number", number);
    buf_release(&json);
}

/* The certificate with that number: receipts stand in the order of the file. */
static struct span
leaf_number(struct check *c, uint64_t number)
{
    struct span der;
    if (number < c->at) {
        mint_file_rewind(&c->leaves);
        c->at = 0;
    }
    mint_file_skip(&c->leaves, (uint32_t)(number - c->at));
    if (!mint_file_next(&c->leaves, &der))
        give_up(2, "a receipt is of a leaf that the file does not hold");
    c->at = number + 1;
    return der;
}

static void
check_sct(struct check *c, uint64_t number, const struct receipt *r, const struct hash *leaf)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct span der = leaf_number(c, number);
    struct hash expected;
    struct buf msg = BUF_INIT(1 << 20);
    entry_leaf_index(r->index, extensions);
    struct timestamped_entry t = {.timestamp = r->timestamp,
                                  .entry = {.type = ENTRY_X509, .body = der},
                                  .extensions = span_of(extensions, sizeof extensions)};
    receipt_leaf_hash(r, der, &expected);
    if (!hash_equal(&expected, leaf))
        give_up(2, "receipts and leaves do not belong together");
    if (sct_signed_data(&t, &msg) != RES_OK)
        give_up(2, "no memory");
    if (!signed_by_log(c, span_of(r->signature, r->signature_n), buf_span(&msg)))
        broken(c, "an SCT's signature does not verify, leaf number", number);
    if (c->again_left > 0) {
        c->again_left--;
        check_again(c, number, r, der);
    }
    buf_release(&msg);
}

static void
check_file(struct check *c, const char *path)
{
    FILE *f = fopen(path, "r");
    struct receipt r;
    struct hash leaf;
    uint64_t number;
    if (f == NULL)
        give_up(2, "a file of receipts cannot be read");
    c->again_left = c->again;
    while (receipt_read(f, &number, &r, &leaf)) {
        c->receipts++;
        check_included(c, number, &r, &leaf);
        if (c->has_leaves)
            check_sct(c, number, &r, &leaf);
    }
    if (!feof(f))
        give_up(2, "a file of receipts is malformed");
    fclose(f);
}

static struct p256_key *
read_key(const char *path)
{
    uint8_t der[1024];
    struct p256_key *key;
    FILE *f = fopen(path, "rb");
    size_t n = f == NULL ? 0 : fread(der, 1, sizeof der, f);
    if (f != NULL)
        fclose(f);
    if (p256_key_parse(span_of(der, n), &key) != RES_OK)
        give_up(2, "the key is not a P-256 SubjectPublicKeyInfo");
    return key;
}

int
main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"url", 1, 0, 'u'},
                                            {"key", 1, 0, 'k'},
                                            {"heads", 1, 0, 'h'},
                                            {"leaves", 1, 0, 'l'},
                                            {"again", 1, 0, 'a'},
                                            {"all", 0, 0, 'A'},
                                            {0}};
    static struct check c;
    const char *url = NULL, *key = NULL, *leaves = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'u':
            url = optarg;
            break;
        case 'k':
            key = optarg;
            break;
        case 'h':
            c.heads_file = optarg;
            break;
        case 'l':
            leaves = optarg;
            break;
        case 'a':
            c.again = strtoull(optarg, NULL, 10);
            break;
        case 'A':
            c.all_heads = true;
            break;
        default:
            return 2;
        }
    }
    if (url == NULL || key == NULL || c.heads_file == NULL)
        give_up(2, "--url, --key and --heads are needed");
    c.key = read_key(key);
    if (!target_url(&c.target, url) ||
        (leaves != NULL && !(c.has_leaves = mint_file_open(&c.leaves, leaves))))
        give_up(2, "the log or the leaves cannot be found");
    c.caller = CALLER_INIT(&c.target);
    check_heads(&c);
    for (int i = optind; i < argc; i++)
        check_file(&c, argv[i]);
    printf("size %" PRIu64 ", %" PRIu64 " receipts, %" PRIu64 " broken\n", c.head.size, c.receipts,
           c.broken);
    caller_release(&c.caller);
    mint_file_close(&c.leaves);
    p256_key_free(c.key);
    free(c.earlier);
    return c.broken == 0 ? 0 : 1;
}
