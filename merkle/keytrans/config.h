/*
 * The long-term configuration of a KEYTRANS log, which every tree head signs.  KEYTRANS, "Tree Head
 * Signature".
 *
 * One suite (KT_128_SHA256_Ed25519) and one deployment mode (contact monitoring) are known here.
 * Pure.  Uses codec, hash, result.
 */
#ifndef MERKLE_KEYTRANS_CONFIG_H
#define MERKLE_KEYTRANS_CONFIG_H

#include "merkle/base/codec.h"
#include "merkle/tree/hash.h"

#define KT_SUITE_ED25519 0x0002
#define KT_MODE_CONTACT_MONITORING 1
#define KT_KEY_SIZE 32
#define KT_SIGNATURE_SIZE 64
/* Longest TreeHeadTBS: a Configuration of at most 104 bytes, size and root */
#define KT_HEAD_TBS_MAX 144

/* How time shapes a log.  All in milliseconds. */
struct kt_window {
    uint64_t monitoring; /* the reasonable monitoring window */
    bool has_lifetime;
    uint64_t lifetime; /* maximum lifetime; > 0 and > monitoring */
};

struct kt_config {
    uint8_t signature_key[KT_KEY_SIZE]; /* Ed25519 */
    uint8_t vrf_key[KT_KEY_SIZE];
    uint64_t max_ahead, max_behind; /* milliseconds */
    struct kt_window window;
};

/* Reads or writes a Configuration.  A reader fails with RES_KT_SUITE for another suite or mode,
 * with RES_VALUE for keys of another length or a lifetime that is not greater than the window. */
void kt_config_get(struct reader *r, struct kt_config *ret);
void kt_config_put(struct writer *w, const struct kt_config *config);

/* Writes the TreeHeadTBS: what is signed for a tree of size entries whose root is root. */
void kt_head_tbs(struct writer *w, const struct kt_config *config, uint64_t size,
                 const struct hash *root);

/*
 * Whether signature is the log's over (size, root).
 * RES_SIGNATURE when it is not, or has not KT_SIGNATURE_SIZE bytes; RES_MEMORY.
 */
MUST_CHECK enum result kt_head_verify(const struct kt_config *config, uint64_t size,
                                      const struct hash *root, struct span signature);

#endif
