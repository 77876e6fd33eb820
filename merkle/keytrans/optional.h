/*
 * Optional values: a presence byte of 0 or 1, then the value.  KEYTRANS, "Optional Values".
 * Private to this folder.  Pure.  Uses wire, request.
 */
#ifndef MERKLE_KEYTRANS_OPTIONAL_H
#define MERKLE_KEYTRANS_OPTIONAL_H

#include "merkle/keytrans/request.h"
#include "merkle/keytrans/wire.h"

static inline struct kt_optional
get_optional_u32(struct reader *r)
{
    bool has = get_present(r);

    return (struct kt_optional){has, has ? get_u32(r) : 0};
}

static inline struct kt_optional
get_optional_u64(struct reader *r)
{
    bool has = get_present(r);

    return (struct kt_optional){has, has ? get_u64(r) : 0};
}

static inline void
put_optional_u32(struct writer *w, struct kt_optional v)
{
    put_u8(w, v.has);
    if (v.has)
        put_u32(w, v.value);
}

static inline void
put_optional_u64(struct writer *w, struct kt_optional v)
{
    put_u8(w, v.has);
    if (v.has)
        put_u64(w, v.value);
}

#endif
