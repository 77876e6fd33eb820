/*
 * What users ask of a KEYTRANS log, as bytes.  KEYTRANS, "User Operations".
 *
 * Decoded requests borrow the bytes they were read from.  A reader of requests ends with
 * reader_end: nothing may be left over.  Pure.  Uses codec, contact.
 */
#ifndef MERKLE_KEYTRANS_REQUEST_H
#define MERKLE_KEYTRANS_REQUEST_H

#include "merkle/base/codec.h"
#include "merkle/keytrans/contact.h"

/* opaque label<0..2^8-1> */
#define KT_LABEL_MAX 255
/* Longest request read, in bytes: an UpdateRequest of 255 values is refused whatever they are, so
 * that none needs to be held */
#define KT_REQUEST_MAX 16384

/* optional<uint64>, optional<uint32>: -1 or absent is has == false. */
struct kt_optional {
    bool has;
    uint64_t value;
};

struct search_request {
    struct kt_optional last;
    struct span label;
    struct kt_optional version;
};

struct contact_monitor_request {
    struct kt_optional last;
    struct span label;
    struct contact_map map;
};

struct owner_init_request {
    struct kt_optional last;
    struct span label;
    uint64_t start;
};

struct owner_monitor_request {
    struct kt_optional last;
    struct span label;
    struct contact_map map;
    uint64_t start;
    struct kt_optional greatest_version;
};

struct update_request {
    struct kt_optional last;
    struct span label;
    struct kt_optional greatest_version;
    unsigned values_n;
    struct span values; /* LabelValue, values_n of them, well-formed */
};

struct distinguished_request {
    struct kt_optional last;
    struct kt_optional stop;
};

/* Ours: FORMATS.md, "As of a time". */
struct as_of_request {
    struct kt_optional last;
    struct span label;
    uint64_t time; /* milliseconds */
};

/* Ours: api/http/FORMATS.md, "credential-update".  What the log must know of a provisional
 * credential to make its CredentialUpdate. */
struct credential_update_request {
    struct span label;
    uint32_t version;
    uint64_t tree_size; /* of its tree_head */
    uint64_t terminal;  /* of its search */
};

/* Each reads or writes one request.  A reader fails with RES_VALUE for a presence byte other than 0
 * and 1, and for a last of 0: there is no tree of no entries. */
void search_request_get(struct reader *r, struct search_request *ret);
void search_request_put(struct writer *w, const struct search_request *q);
void contact_monitor_request_get(struct reader *r, struct contact_monitor_request *ret);
void contact_monitor_request_put(struct writer *w, const struct contact_monitor_request *q);
void owner_init_request_get(struct reader *r, struct owner_init_request *ret);
void owner_init_request_put(struct writer *w, const struct owner_init_request *q);
void owner_monitor_request_get(struct reader *r, struct owner_monitor_request *ret);
void owner_monitor_request_put(struct writer *w, const struct owner_monitor_request *q);
void update_request_get(struct reader *r, struct update_request *ret);
void update_request_put(struct writer *w, const struct update_request *q);
void distinguished_request_get(struct reader *r, struct distinguished_request *ret);
void distinguished_request_put(struct writer *w, const struct distinguished_request *q);
void as_of_request_get(struct reader *r, struct as_of_request *ret);
void as_of_request_put(struct writer *w, const struct as_of_request *q);
void credential_update_request_get(struct reader *r, struct credential_update_request *ret);
void credential_update_request_put(struct writer *w, const struct credential_update_request *q);

#endif
