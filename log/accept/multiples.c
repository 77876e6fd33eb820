/* EC_GROUP_precompute_mult is deprecated, and no other function makes the table. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "log/accept/multiples.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "merkle/base/codec.h"

#define TAG_INTEGER 0x02
#define TAG_SEQUENCE 0x30
/* A number below 2^256 and the zero byte that makes it positive. */
#define NUMBER_MAX 33
/* As many threads as are likely to use one key at once. */
#define SPARES 4

/* What one verification needs room for; it waits for the next one afterwards. */
struct work {
    BN_CTX *numbers;
    EC_POINT *sum, *part;
};

struct multiples {
    EC_GROUP *base; /* P-256 as it is */
    EC_GROUP *own;  /* with the key for its generator, and the table */
    _Atomic(struct work *) spare[SPARES];
};

static void
work_free(struct work *w)
{
    if (w == NULL)
        return;
    BN_CTX_free(w->numbers);
    EC_POINT_free(w->sum);
    EC_POINT_free(w->part);
    free(w);
}

static struct work *
work_new(const EC_GROUP *group)
{
    struct work *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->numbers = BN_CTX_new();
    w->sum = EC_POINT_new(group);
    w->part = EC_POINT_new(group);
    if (w->numbers != NULL && w->sum != NULL && w->part != NULL)
        return w;
    work_free(w);
    return NULL;
}

static struct work *
take_work(struct multiples *m)
{
    for (size_t k = 0; k < SPARES; k++) {
        struct work *w = atomic_exchange(&m->spare[k], NULL);

        if (w != NULL)
            return w;
    }
    return work_new(m->base);
}

static void
give_back(struct multiples *m, struct work *w)
{
    for (size_t k = 0; k < SPARES; k++) {
        struct work *none = NULL;

        if (atomic_compare_exchange_strong(&m->spare[k], &none, w))
            return;
    }
    work_free(w);
}

/* Makes the key the generator of m->own, with its table. */
static enum result
make_table(struct multiples *m, struct span point)
{
    EC_POINT *key = EC_POINT_new(m->base);
    enum result r = RES_CRYPTO;

    /* EC_POINT_oct2point requires that the point is on the curve. */
    if (key != NULL && (EC_POINT_oct2point(m->base, key, point.p, point.n, NULL) != 1 ||
                        EC_POINT_is_at_infinity(m->base, key) != 0))
        r = RES_CHAIN_KEY;
    else if (key != NULL &&
             EC_GROUP_set_generator(m->own, key, EC_GROUP_get0_order(m->base),
                                    EC_GROUP_get0_cofactor(m->base)) == 1 &&
             EC_GROUP_precompute_mult(m->own, NULL) == 1)
        r = RES_OK;
    EC_POINT_free(key);
    return r;
}

enum result
multiples_new(struct span point, struct multiples **ret)
{
    struct multiples *m = calloc(1, sizeof *m);
    enum result r = RES_CRYPTO;

    if (m == NULL)
        return RES_MEMORY;
    for (size_t k = 0; k < SPARES; k++)
        atomic_init(&m->spare[k], NULL);
    m->base = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    m->own = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    if (m->base != NULL && m->own != NULL)
        r = make_table(m, point);
    if (r != RES_OK) {
        ERR_clear_error();
        multiples_free(m);
        return r;
    }
    *ret = m;
    return RES_OK;
}

void
multiples_free(struct multiples *m)
{
    if (m == NULL)
        return;
    for (size_t k = 0; k < SPARES; k++)
        work_free(atomic_load(&m->spare[k]));
    EC_GROUP_free(m->base);
    EC_GROUP_free(m->own);
    free(m);
}

/* A positive INTEGER in its one form, with a length of one byte. */
static struct span
get_number(struct reader *r)
{
    struct span n;

    if (get_u8(r) != TAG_INTEGER)
        reader_fail(r, RES_VALUE);
    n = get_vec8(r, 1, NUMBER_MAX);
    if (n.n > 0 && ((n.p[0] & 0x80) != 0 || (n.n > 1 && n.p[0] == 0 && (n.p[1] & 0x80) == 0)))
        reader_fail(r, RES_VALUE);
    return n;
}

/* "Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }" */
static bool
read_signature(struct span signature, struct span *ret_r, struct span *ret_s)
{
    struct reader outer = reader_of(signature);
    bool sequence = get_u8(&outer) == TAG_SEQUENCE;
    struct reader inner = reader_of(get_vec8(&outer, 0, 2 * (2 + NUMBER_MAX)));

    *ret_r = get_number(&inner);
    *ret_s = get_number(&inner);
    return sequence && reader_end(&outer) == RES_OK && reader_end(&inner) == RES_OK;
}

/* "integers in the interval [1, n - 1]" */
static bool
in_interval(const BIGNUM *v, const BIGNUM *n)
{
    return !BN_is_zero(v) && BN_cmp(v, n) < 0;
}

/* u1 G + u2 Q has an abscissa that is r modulo n.  The sum at infinity has none. */
static bool
sum_is(const struct multiples *m, struct work *w, const BIGNUM *u1, const BIGNUM *u2,
       const BIGNUM *r, BIGNUM *x)
{
    return EC_POINT_mul(m->base, w->sum, u1, NULL, NULL, w->numbers) == 1 &&
           EC_POINT_mul(m->own, w->part, u2, NULL, NULL, w->numbers) == 1 &&
           EC_POINT_add(m->base, w->sum, w->sum, w->part, w->numbers) == 1 &&
           EC_POINT_get_affine_coordinates(m->base, w->sum, x, NULL, w->numbers) == 1 &&
           BN_nnmod(x, x, EC_GROUP_get0_order(m->base), w->numbers) == 1 && BN_cmp(x, r) == 0;
}

/* SEC 1 section 4.1.4, steps 1 and 3 to 8; the digest is as long as the order, so all of it counts.
 */
static bool
verifies(const struct multiples *m, struct work *w, const struct hash *digest, struct span r_bytes,
         struct span s_bytes)
{
    const BIGNUM *n = EC_GROUP_get0_order(m->base);
    BIGNUM *r = BN_CTX_get(w->numbers), *s = BN_CTX_get(w->numbers), *e = BN_CTX_get(w->numbers),
           *u1 = BN_CTX_get(w->numbers), *u2 = BN_CTX_get(w->numbers), *x = BN_CTX_get(w->numbers);

    return x != NULL && BN_bin2bn(r_bytes.p, (int)r_bytes.n, r) != NULL &&
           BN_bin2bn(s_bytes.p, (int)s_bytes.n, s) != NULL &&
           BN_bin2bn(digest->b, HASH_SIZE, e) != NULL && in_interval(r, n) && in_interval(s, n) &&
           BN_mod_inverse(s, s, n, w->numbers) != NULL &&
           BN_mod_mul(u1, e, s, n, w->numbers) == 1 && BN_mod_mul(u2, r, s, n, w->numbers) == 1 &&
           sum_is(m, w, u1, u2, r, x);
}

bool
multiples_confirm(const struct multiples *m, const struct hash *digest, struct span signature)
{
    struct multiples *own = (struct multiples *)(uintptr_t)m; /* the spares are a cache */
    struct span r, s;
    struct work *w;
    bool yes;

    if (!read_signature(signature, &r, &s) || (w = take_work(own)) == NULL)
        return false;
    BN_CTX_start(w->numbers);
    yes = verifies(m, w, digest, r, s);
    BN_CTX_end(w->numbers);
    give_back(own, w);
    if (!yes)
        ERR_clear_error();
    return yes;
}
