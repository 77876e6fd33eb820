/*
 * What an SCT is about: the entry that a log makes of a certificate or precertificate, computed
 * from the certificates at hand, never from what the log says.  RFC 6962 sections 3.1 to 3.3.
 *
 * Pure but for the buffer's memory.  Uses cert, precert, entry, result.
 */
#ifndef CLIENT_SUBJECT_H
#define CLIENT_SUBJECT_H

#include "merkle/base/buf.h"
#include "merkle/leaf/cert.h"
#include "merkle/leaf/entry.h"

/* A chain as the client has it: the leaf first; n >= 1.  All DER, borrowed. */
struct subject_chain {
    const struct span *certs;
    size_t n;
    /* Certificates among which an issuer that the chain leaves out is looked for, by its name; may
     * be none. */
    const struct span *anchors;
    size_t anchor_count;
};

struct subject {
    enum entry_type type;
    struct hash issuer_key_hash;
    struct buf body; /* owned */
};

#define SUBJECT_INIT ((struct subject){.body = BUF_INIT(CERT_MAX)})
void subject_release(struct subject *s);

/* The entry of RFC 6962 section 3.1; borrows s. */
struct entry subject_entry(const struct subject *s);

/*
 * What the log makes of this chain when it is submitted: a precertificate is one that holds the
 * poison. RES_DER, RES_CERT… for a certificate that cannot be read, RES_CERT_POISON, RES_CERT_AKI;
 * RES_CHAIN_ROOT when a precertificate's issuer stands neither in the chain nor among the anchors;
 * RES_MEMORY.
 */
MUST_CHECK enum result subject_submitted(const struct subject_chain *chain, struct subject *ret);

/*
 * What the SCTs embedded in the chain's final certificate are about.
 * RES_CERT_SCT_LIST when it has none; else as above.
 */
MUST_CHECK enum result subject_embedded(const struct subject_chain *chain, struct subject *ret);

#endif
