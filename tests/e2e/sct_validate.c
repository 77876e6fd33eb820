/*
 * SCTs judged by OpenSSL: SCT_validate with CTLOG_STORE and CT_POLICY_EVAL_CTX, as a client would.
 *
 *   sct_validate LOG.pub.pem < LINES
 *
 * A line is "CHAIN.pem TYPE SCT": the whole chain, leaf first, entry_type 0 or 1, the SCT in
 * base64. Prints "valid", "invalid" or another word for each; exits 0 when every line could be
 * judged.
 */
#include <openssl/ct.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_CERTS_MAX 12
#define LINE_BYTES_MAX 4096

/* A store that knows the one log; it can only be had from a file. */
static CTLOG_STORE *
store_of(const char *public_pem)
{
    char path[] = "/tmp/sct-validate-XXXXXX", key[1024] = "", line[128];
    FILE *in = fopen(public_pem, "r");
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    CTLOG_STORE *store = CTLOG_STORE_new();

    if (in == NULL || out == NULL || store == NULL)
        exit(2);
    for (size_t n = 0; fgets(line, sizeof line, in) != NULL && n < sizeof key;)
        if (strchr(line, '-') == NULL)
            n += (size_t)snprintf(key + n, sizeof key - n, "%.*s", (int)strcspn(line, "\n"), line);
    fprintf(out, "enabled_logs = one\n[one]\ndescription = one\nkey = %s\n", key);
    fclose(in);
    if (fclose(out) != 0 || CTLOG_STORE_load_file(store, path) != 1)
        exit(2);
    unlink(path);
    return store;
}

static size_t
load_chain(const char *path, X509 *chain[CHAIN_CERTS_MAX])
{
    FILE *f = fopen(path, "r");
    size_t n = 0;

    while (f != NULL && n < CHAIN_CERTS_MAX &&
           (chain[n] = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
        n++;
    if (f != NULL)
        fclose(f);
    return n;
}

/*
 * RFC 6962 3.2: under a precertificate signing certificate the SCT is about the names and the key
 * of who will issue the final certificate.  OpenSSL sees a precertificate as it stands, so it is
 * given one with those.
 */
static X509 *
as_finally_issued(const X509 *precert, X509 *signer)
{
    X509 *out = X509_dup(precert);
    int to = X509_get_ext_by_NID(out, NID_authority_key_identifier, -1);
    int from = X509_get_ext_by_NID(signer, NID_authority_key_identifier, -1);

    X509_set_issuer_name(out, X509_get_issuer_name(signer));
    if (to >= 0 && from >= 0)
        X509_EXTENSION_set_data(X509_get_ext(out, to),
                                X509_EXTENSION_get_data(X509_get_ext(signer, from)));
    /* Marks it as changed: copies would still hold the bytes that were read. */
    (void)i2d_re_X509_tbs(out, NULL);
    return out;
}

static int
signs_precertificates(X509 *c)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
    int found = 0;
    char text[64];

    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
        OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usage, i), 1);
        found |= strcmp(text, "1.3.6.1.4.1.11129.2.4.4") == 0;
    }
    EXTENDED_KEY_USAGE_free(usage);
    return found;
}

static SCT *
sct_of(const char *text, int type)
{
    unsigned char bytes[LINE_BYTES_MAX];
    const unsigned char *p = bytes;
    size_t n = strlen(text);
    int got = n < sizeof bytes ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n) : -1;
    SCT *sct;

    while (got > 0 && n > 0 && text[--n] == '=')
        got--;
    sct = got < 0 ? NULL : o2i_SCT(NULL, &p, (size_t)got);
    if (sct != NULL)
        SCT_set_log_entry_type(sct, type == 0 ? CT_LOG_ENTRY_TYPE_X509 : CT_LOG_ENTRY_TYPE_PRECERT);
    return sct;
}

static const char *
judge(const CTLOG_STORE *store, const char *path, int type, const char *text)
{
    static const char *const WORDS[] = {[SCT_VALIDATION_STATUS_NOT_SET] = "not-set",
                                        [SCT_VALIDATION_STATUS_UNKNOWN_LOG] = "unknown-log",
                                        [SCT_VALIDATION_STATUS_VALID] = "valid",
                                        [SCT_VALIDATION_STATUS_INVALID] = "invalid",
                                        [SCT_VALIDATION_STATUS_UNVERIFIED] = "unverified",
                                        [SCT_VALIDATION_STATUS_UNKNOWN_VERSION] =
                                            "unknown-version"};
    X509 *chain[CHAIN_CERTS_MAX], *cert;
    CT_POLICY_EVAL_CTX *eval = CT_POLICY_EVAL_CTX_new();
    size_t n = load_chain(path, chain), issuer = 1;
    SCT *sct = sct_of(text, type);
    const char *word = "unreadable";

    if (n >= 2 && sct != NULL && eval != NULL) {
        int by_signer = type == 1 && n >= 3 && signs_precertificates(chain[1]);

        cert = by_signer ? as_finally_issued(chain[0], chain[1]) : X509_dup(chain[0]);
        issuer += by_signer ? 1 : 0;
        CT_POLICY_EVAL_CTX_set1_cert(eval, cert);
        CT_POLICY_EVAL_CTX_set1_issuer(eval, chain[issuer]);
        CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(eval, (CTLOG_STORE *)store);
        (void)SCT_validate(sct, eval);
        word = WORDS[SCT_get_validation_status(sct)];
        X509_free(cert);
    }
    for (size_t i = 0; i < n; i++)
        X509_free(chain[i]);
    SCT_free(sct);
    CT_POLICY_EVAL_CTX_free(eval);
    return word;
}

int
main(int argc, char **argv)
{
    static char line[LINE_BYTES_MAX], path[LINE_BYTES_MAX], text[LINE_BYTES_MAX];
    CTLOG_STORE *store;
    int type, code = 0;

    if (argc != 2) {
        fputs("usage: sct_validate LOG.pub.pem < LINES\n", stderr);
        return 2;
    }
    store = store_of(argv[1]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%s %d %s", path, &type, text) != 3)
            code = 1;
        else
            puts(judge(store, path, type, text));
    }
    CTLOG_STORE_free(store);
    return code;
}
