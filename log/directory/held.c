#include "log/directory/held.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/leaf/address.h"

#define FORM_WHOLE 1

enum result
held_init(struct held *h, struct shelf_view *view, struct keyring *keys)
{
    memset(h, 0, sizeof(*h));
    h->view = view;
    h->keys = keys;
    h->bytes = BUF_INIT(HELD_STATE_MAX);
    return state_new(&h->state);
}

void
held_release(struct held *h)
{
    state_free(h->state);
    h->state = NULL;
    buf_release(&h->bytes);
    free(h->rows);
    h->rows = NULL;
}

/* The State of row, decrypted, in h->bytes. */
static enum result
read_state(struct held *h, uint64_t number, const struct version_row *row)
{
    struct span s;
    enum result rc;

    buf_clear(&h->bytes);
    if (row->state_n == 0)
        return RES_STORE_DAMAGED;
    rc = buf_reserve(&h->bytes, row->state_n);
    if (rc == RES_OK)
        rc = shelf_get_bytes(h->view, row->state, row->state_n, &h->bytes, &s);
    if (rc == RES_OK)
        rc = keyring_crypt(h->keys, number, KEYRING_STATE, row->version, s.p, s.n, h->bytes.p);
    h->bytes.n = row->state_n;
    return rc == RES_RANGE ? RES_STORE_DAMAGED : rc;
}

/* Whether a State is whole tells its first byte alone. */
static enum result
is_whole(struct held *h, uint64_t number, const struct version_row *row, bool *ret)
{
    struct span s;
    uint8_t form;
    enum result rc =
        row->state_n == 0 ? RES_STORE_DAMAGED : shelf_get_bytes(h->view, row->state, 1, NULL, &s);

    if (rc == RES_OK)
        rc = keyring_crypt(h->keys, number, KEYRING_STATE, row->version, s.p, 1, &form);
    if (rc == RES_OK)
        *ret = form == FORM_WHOLE;
    return rc == RES_RANGE ? RES_STORE_DAMAGED : rc;
}

static enum result
push(struct held *h, size_t n, const struct version_row *row)
{
    if (n == h->rows_cap) {
        size_t cap = n == 0 ? 16 : 2 * n;
        struct version_row *rows = realloc(h->rows, cap * sizeof(*rows));

        if (rows == NULL)
            return RES_MEMORY;
        h->rows = rows;
        h->rows_cap = cap;
    }
    h->rows[n] = *row;
    return RES_OK;
}

enum result
held_mailbox(struct held *h, uint64_t number, const struct version_row *row)
{
    size_t n = 0;
    bool whole = false;
    enum result rc = push(h, n++, row);

    while (rc == RES_OK) {
        struct version_row before;

        rc = is_whole(h, number, &h->rows[n - 1], &whole);
        if (rc != RES_OK || whole)
            break;
        if (h->rows[n - 1].previous == VERSION_NONE)
            return RES_STORE_DAMAGED;
        rc = shelf_get_version(h->view, h->rows[n - 1].previous, &before);
        if (rc == RES_ABSENT || (rc == RES_OK && before.version + 1 != h->rows[n - 1].version))
            rc = RES_STORE_DAMAGED;
        if (rc == RES_OK)
            rc = push(h, n++, &before);
    }
    if (rc != RES_OK)
        return rc;
    state_clear(h->state);
    h->whole_n = h->rows[n - 1].state_n;
    h->changes_n = 0;
    for (size_t i = n; i-- > 0 && rc == RES_OK;) {
        rc = read_state(h, number, &h->rows[i]);
        if (rc == RES_OK)
            rc = state_load(h->state, buf_span(&h->bytes));
        h->changes_n += i + 1 < n ? h->rows[i].state_n : 0;
    }
    return rc == RES_OK || result_class(rc) == CLASS_BROKEN || rc == RES_ABSENT ? rc
                                                                                : RES_STORE_DAMAGED;
}

enum result
held_domain(struct held *h, uint64_t number, const struct version_row *row, struct range *ret)
{
    enum result rc = read_state(h, number, row);

    if (rc == RES_OK && state_domain_load(buf_span(&h->bytes), ret) != RES_OK)
        rc = RES_STORE_DAMAGED;
    return rc;
}

enum result
held_value(struct held *h, uint8_t kind, uint64_t number, const struct version_row *row,
           uint64_t timestamp, struct buf *out)
{
    struct range range;
    enum result rc;

    if (kind == LABEL_MAILBOX) {
        rc = held_mailbox(h, number, row);
        return rc == RES_OK ? state_value(h->state, timestamp, out) : rc;
    }
    rc = held_domain(h, number, row, &range);
    return rc == RES_OK ? state_domain_value(&range, out) : rc;
}
