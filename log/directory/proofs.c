#include "log/directory/proofs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    uint64_t seq;
    uint8_t *bytes; /* owned; NULL: the place is empty */
    size_t n;
};

struct absent {
    struct hash label; /* the version's key in the index: tells nothing of it */
    bool filled;
    uint8_t step[STEP_SIZE];
};

struct proofs {
    const struct signer *signer;
    struct keyring *keys;
    pthread_mutex_t lock; /* guards all below */
    unsigned strangers;   /* proofs of absence that are being made */
    struct kept kept[PROOFS_KEPT];
    struct absent absent[PROOFS_ABSENT];
};

enum result
proofs_new(const struct signer *s, struct keyring *k, struct proofs **ret)
{
    struct proofs *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return RES_MEMORY;
    p->signer = s;
    p->keys = k;
    (void)pthread_mutex_init(&p->lock, NULL);
    *ret = p;
    return RES_OK;
}

void
proofs_free(struct proofs *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < PROOFS_KEPT; i++)
        free(p->kept[i].bytes);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

static enum result
make_step(const struct proofs *p, struct span label, uint32_t version,
          uint8_t ret[static STEP_SIZE])
{
    struct hash output;
    enum result rc = signer_vrf_output(p->signer, label, version, &output);

    if (rc == RES_OK)
        rc = signer_vrf_prove(p->signer, label, version, ret + HASH_SIZE);
    if (rc == RES_OK)
        memcpy(ret, output.b, HASH_SIZE);
    return rc;
}

enum result
proofs_make(const struct proofs *p, struct span label, uint32_t u,
            uint8_t ret[static PROOF_RECORD_MAX], size_t *ret_n)
{
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned n = steps_of(u, steps);

    for (unsigned i = 0; i < n; i++) {
        enum result rc = make_step(p, label, steps[i], ret + i * STEP_SIZE);
        if (rc != RES_OK)
            return rc;
    }
    *ret_n = n * STEP_SIZE;
    return RES_OK;
}

bool
proofs_get(struct proofs *p, uint64_t seq, uint8_t ret[static PROOF_RECORD_MAX], size_t *ret_n)
{
    struct kept *k = &p->kept[seq % PROOFS_KEPT];

    (void)pthread_mutex_lock(&p->lock);
    bool found = k->bytes != NULL && k->seq == seq;
    if (found) {
        memcpy(ret, k->bytes, k->n);
        *ret_n = k->n;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return found;
}

void
proofs_keep(struct proofs *p, uint64_t seq, struct span record)
{
    struct kept *k = &p->kept[seq % PROOFS_KEPT];
    uint8_t *copy = malloc(record.n + 1);

    if (copy == NULL)
        return;
    memcpy(copy, record.p, record.n);
    (void)pthread_mutex_lock(&p->lock);
    uint8_t *old = k->bytes;
    *k = (struct kept){seq, copy, record.n};
    (void)pthread_mutex_unlock(&p->lock);
    free(old);
}

static struct absent *
place_of(struct proofs *p, const struct hash *key)
{
    return &p->absent[(key->b[0] << 8 | key->b[1]) % PROOFS_ABSENT];
}

/* From the table; else *ret_busy, or a place among the strangers is taken. */
static bool
find_absent(struct proofs *p, const struct hash *key, uint8_t ret[static STEP_SIZE], bool *ret_busy)
{
    const struct absent *a = place_of(p, key);

    (void)pthread_mutex_lock(&p->lock);
    bool found = a->filled && hash_equal(&a->label, key);
    if (found)
        memcpy(ret, a->step, STEP_SIZE);
    *ret_busy = !found && p->strangers >= PROOFS_STRANGERS;
    p->strangers += !found && !*ret_busy;
    (void)pthread_mutex_unlock(&p->lock);
    return found;
}

enum result
proofs_absent(struct proofs *p, struct span label, uint32_t version, uint8_t ret[static STEP_SIZE])
{
    struct hash key;
    bool busy;

    keyring_version_key(p->keys, label, version, &key);
    if (find_absent(p, &key, ret, &busy))
        return RES_OK;
    if (busy)
        return RES_BUSY;
    enum result rc = make_step(p, label, version, ret);
    struct absent *a = place_of(p, &key);
    (void)pthread_mutex_lock(&p->lock);
    p->strangers--;
    if (rc == RES_OK) {
        a->label = key;
        a->filled = true;
        memcpy(a->step, ret, STEP_SIZE);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}
