/*
 * The only holder of the log's private keys: it offers "sign this kind of thing", never a key.
 *
 * Five keys, none shared between uses: P-256 for SCTs and tree heads (RFC 6962; deployed verifiers
 * accept nothing else), Ed25519 for the checkpoint, for the directory's heads, for its feed, and
 * the VRF's.  They stand in DIR/keys, PKCS #8 in PEM, mode 0600; what was read from a file is
 * wiped.  ECDSA is not deterministic here: a signature is made once, stored, and never made again.
 *
 * Thread: signing by one thread at a time (the sequencer's); the public parts by any.
 * Uses merkle/leaf, merkle/note, libcrypto, libsodium.
 */
#ifndef LOG_SIGNER_H
#define LOG_SIGNER_H

#include "merkle/base/result.h"
#include "merkle/keytrans/config.h"
#include "merkle/keytrans/vrf.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/key.h"

#define SIGNER_ECDSA_MAX 72

struct signer;

/* Makes the keys and writes DIR/keys/{log,checkpoint,directory,feed,vrf}.pem (new files, 0600,
 * synced).  RES_EXISTS, RES_IO, RES_CRYPTO. */
MUST_CHECK enum result signer_create(const char *dir);

/* Reads DIR/keys.  RES_ABSENT when a file is missing, RES_KEY when it holds no such key or others
 * may read it, RES_IO, RES_MEMORY, RES_CRYPTO. */
MUST_CHECK enum result signer_open(const char *dir, struct signer **ret);

/* The name of the first key file in DIR/keys that others than its owner may use, NULL when there is
 * none: tells that cause of RES_KEY from a malformed key. */
const char *signer_open_to_others(const char *dir);

/* Wipes and frees.  NULL does nothing. */
void signer_close(struct signer *s);

/* Signs an SCT over t: ECDSA DER into ret, its length to *ret_n (70 to 72).  RES_CRYPTO. */
MUST_CHECK enum result signer_sct(struct signer *s, const struct timestamped_entry *t,
                                  uint8_t ret[static SIGNER_ECDSA_MAX], uint8_t *ret_n);

/* Signs a tree head (RFC 6962 3.5).  RES_CRYPTO. */
MUST_CHECK enum result signer_sth(struct signer *s, uint64_t timestamp, uint64_t size,
                                  const struct hash *root, uint8_t ret[static SIGNER_ECDSA_MAX],
                                  uint8_t *ret_n);

/* Signs a checkpoint's text with Ed25519. */
MUST_CHECK enum result signer_checkpoint(struct signer *s, struct span text,
                                         uint8_t ret[static 64]);

/* ---- the directory's three keys: Ed25519 for its heads, Ed25519 for its feed, the VRF's ---- */

/* Signs a KEYTRANS tree head (KEYTRANS, "Tree Head Signature").  One thread at a time. */
MUST_CHECK enum result signer_directory_head(struct signer *s, const struct kt_config *config,
                                             uint64_t size, const struct hash *root,
                                             uint8_t ret[static 64]);

/* Signs the text of the feed's checkpoint.  One thread at a time. */
MUST_CHECK enum result signer_feed(struct signer *s, struct span text, uint8_t ret[static 64]);

/* Where version of label stands in the prefix tree: the first 32 bytes of the VRF's output.  Any
 * number of threads.  RES_VALUE for a label of more than 255 bytes, RES_CRYPTO. */
MUST_CHECK enum result signer_vrf_output(const struct signer *s, struct span label,
                                         uint32_t version, struct hash *ret);

/* The proof of it.  As signer_vrf_output. */
MUST_CHECK enum result signer_vrf_prove(const struct signer *s, struct span label, uint32_t version,
                                        uint8_t ret[static VRF_PROOF_SIZE]);

/* Their public halves, 32 bytes each, owned by the signer. */
const uint8_t *signer_directory_public(const struct signer *s);
const uint8_t *signer_feed_public(const struct signer *s);
const uint8_t *signer_vrf_public(const struct signer *s);

/* The public halves, owned by the signer. */
const struct p256_key *signer_public(const struct signer *s);
const uint8_t *signer_note_public(const struct signer *s);

#endif
