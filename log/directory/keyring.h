/*
 * The labels' keys, DIR/directory/keys: 32 random bytes a slot, drawn and synced before they are
 * needed (FORMATS.md).
 *
 * The only file of a directory whose bytes follow from nothing else.  A slot that was erased is
 * zeros.  Thread: keyring_prepare and keyring_erase by the builder's, the others by any.
 * Uses libsodium.
 */
#ifndef LOG_DIRECTORY_KEYRING_H
#define LOG_DIRECTORY_KEYRING_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/tree/hash.h"

/* Keys drawn ahead of need. */
#define KEYRING_AHEAD 4096

struct keyring;

/* Makes the file (new, 0600, synced) with a salt and KEYRING_AHEAD keys.  RES_EXISTS, RES_IO,
 * RES_CRYPTO. */
MUST_CHECK enum result keyring_create(const char *path);

/* RES_ABSENT, RES_STORE_DAMAGED for a file without a slot, RES_KEY when others may read it, RES_IO,
 * RES_MEMORY, RES_CRYPTO.  Changes nothing. */
MUST_CHECK enum result keyring_open(const char *path, struct keyring **ret);
void keyring_close(struct keyring *k); /* wipes; NULL does nothing */

/* Makes keys for labels below n stand on disk.  RES_RANGE after keyring_fix; RES_IO: then the
 * process must end. */
MUST_CHECK enum result keyring_prepare(struct keyring *k, uint64_t n);

/* Keys that were drawn, the salt aside. */
uint64_t keyring_drawn(const struct keyring *k);

/* From now on no key is drawn: keyring_prepare answers RES_RANGE where one is missing. */
void keyring_fix(struct keyring *k);

/* K(kind || …) of FORMATS.md "index": map 0 for (label, version), map 1 for the label. */
void keyring_version_key(const struct keyring *k, struct span label, uint32_t version,
                         struct hash *ret);
void keyring_label_key(const struct keyring *k, struct span label, struct hash *ret);

/* What stands in both maps for a row whose label was erased: the hash of no label. */
void keyring_nobody_key(const struct keyring *k, uint64_t seq, struct hash *ret);

enum keyring_kind { KEYRING_TEXT = 1, KEYRING_STATE = 2 };

/* The opening of a version.  RES_ABSENT when the label's key was erased; RES_RANGE when none was
 * drawn; RES_IO. */
MUST_CHECK enum result keyring_opening(struct keyring *k, uint64_t number, uint32_t version,
                                       uint8_t ret[static COMMITMENT_OPENING_SIZE]);

/* Encrypts or decrypts (the same) n bytes.  Errors as keyring_opening.  in may be out. */
MUST_CHECK enum result keyring_crypt(struct keyring *k, uint64_t number, enum keyring_kind kind,
                                     uint32_t version, const uint8_t *in, size_t n, uint8_t *out);

/* Overwrites the slot with zeros and syncs.  RES_RANGE when none was drawn, RES_IO. */
MUST_CHECK enum result keyring_erase(struct keyring *k, uint64_t number);

#endif
