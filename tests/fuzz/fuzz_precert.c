/*
 * From certificate to the TBSCertificate that an SCT covers.  Input: a certificate behind two bytes
 * of length, then perhaps a signing certificate.  What comes out, put back into the certificate's
 * shell, is a certificate again: the same but for the one extension (and for issuer and authority
 * key identifier, when a signing certificate is there).
 */
#include "merkle/leaf/precert.h"
#include "merkle/leaf/sct.h"
#include "tests/fuzz/fuzz.h"

static void
put_length(struct buf *out, size_t n)
{
    uint8_t head[4] = {0x83, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    size_t skip = n < 0x80 ? 3 : n < 0x100 ? 2 : n < 0x10000 ? 1 : 0;
    if (n >= 0x80)
        head[skip] = (uint8_t)(0x83 - skip);
    FUZZ_CHECK(buf_add(out, span_of(head + skip, 4 - skip)) == RES_OK);
}

/* Certificate ::= SEQUENCE { tbs, the algorithm of c, a signature of nothing } */
static void
wrap(const struct cert *c, struct span tbs, struct buf *out)
{
    static const uint8_t SEQUENCE = 0x30, NO_SIGNATURE[] = {3, 1, 0};
    FUZZ_CHECK(buf_add(out, span_of(&SEQUENCE, 1)) == RES_OK);
    put_length(out, tbs.n + c->algorithm.n + sizeof NO_SIGNATURE);
    FUZZ_CHECK(buf_add(out, tbs) == RES_OK && buf_add(out, c->algorithm) == RES_OK);
    FUZZ_CHECK(buf_add(out, span_of(NO_SIGNATURE, sizeof NO_SIGNATURE)) == RES_OK);
}

static void
check_rest(const struct cert *c, struct span tbs, struct span dropped, const struct cert *signer)
{
    static struct cert now;
    struct buf out = BUF_INIT(1 << 20);
    wrap(c, tbs, &out);
    if (PLANT && c->subject.n > 0 && c->subject.p[c->subject.n - 1] == 'S')
        out.p[out.n / 2] ^= 1; /* the planted bug: a byte of the copy differs */
    FUZZ_CHECK(cert_parse(buf_span(&out), &now) == RES_OK);
    FUZZ_CHECK(now.extension_count == c->extension_count - 1 && cert_find(&now, dropped) == NULL);
    FUZZ_CHECK(span_equal(now.serial, c->serial) && span_equal(now.subject, c->subject) &&
               span_equal(now.spki, c->spki) && span_equal(now.tbs_algorithm, c->tbs_algorithm));
    FUZZ_CHECK(now.not_before == c->not_before && now.not_after == c->not_after);
    FUZZ_CHECK(span_equal(now.issuer, signer == NULL ? c->issuer : signer->issuer));
    for (size_t i = 0, k = 0; i < c->extension_count; i++) {
        const struct cert_extension *x = &c->extension[i];
        if (span_equal(x->oid, dropped))
            continue;
        if (signer != NULL && span_equal(x->oid, CERT_OID_AKI))
            FUZZ_CHECK(span_equal(now.extension[k].value, cert_find(signer, CERT_OID_AKI)->value));
        else
            FUZZ_CHECK(span_equal(now.extension[k].whole, x->whole));
        k++;
    }
    buf_release(&out);
}

static void
check_precert(const struct cert *c, const struct cert *signer)
{
    struct buf tbs = BUF_INIT(2 * CERT_MAX);
    enum result r = precert_tbs(c, signer, &tbs);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r == RES_OK) {
        FUZZ_CHECK(precert_is(c) && precert_check_poison(c) == RES_OK);
        check_rest(c, buf_span(&tbs), CERT_OID_POISON, signer);
    }
    FUZZ_CHECK(precert_is(c) || precert_check_poison(c) != RES_OK);
    buf_release(&tbs);
}

static void
check_final(const struct cert *c)
{
    static struct sct scts[SCT_LIST_MAX];
    struct buf tbs = BUF_INIT(2 * CERT_MAX);
    struct span list;
    size_t n;
    enum result r = precert_final_tbs(c, &tbs);
    FUZZ_CHECK((r == RES_OK) == (cert_find(c, CERT_OID_SCT_LIST) != NULL));
    if (r == RES_OK)
        check_rest(c, buf_span(&tbs), CERT_OID_SCT_LIST, NULL);
    if (precert_embedded_scts(c, &list) == RES_OK) {
        FUZZ_CHECK(r == RES_OK && fuzz_inside(list, c->der));
        (void)!sct_list_parse(list, scts, SCT_LIST_MAX, &n);
    }
    buf_release(&tbs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cert c, signer;
    struct span in = span_of(data, size);
    struct span first = fuzz_piece(&in);
    struct hash key;
    if (cert_parse(first, &c) != RES_OK)
        return 0;
    check_precert(&c, NULL);
    check_final(&c);
    precert_issuer_key_hash(&c, &key);
    if (cert_parse(in, &signer) == RES_OK) {
        (void)precert_is_signer(&signer);
        check_precert(&c, &signer);
    }
    return 0;
}
