/*
 * One answer of a key directory, verified: from bytes, the question and what was kept before, to
 * what it says and what is to be kept after.
 *
 * In the order of the draft: the ladder's length, its VRF proofs, the commitment, the transcript,
 * the root, the head's signature, its time.  Nothing is told before all of it holds, and nothing
 * that is handed in changes.
 *
 * Pure but for the memory of a transcript; `now` is an argument, milliseconds.  Uses
 * merkle/keytrans.
 */
#ifndef CLIENT_DIRECTORY_PROVED_H
#define CLIENT_DIRECTORY_PROVED_H

#include "merkle/keytrans/as_of.h"
#include "merkle/keytrans/consume.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/owner.h"
#include "merkle/keytrans/proof.h"
#include "merkle/keytrans/request.h"
#include "merkle/keytrans/vrf.h"

/* Versions that the ladders of one answer may ask for: an owner's first answer has most. */
#define PROVED_STEPS_MAX 512

/* Whose answers, and when. */
struct proved_by {
    const struct kt_config *config;
    const struct vrf_public *vrf;
    const struct kt_view *last; /* what was kept before; NULL: nothing */
    uint64_t now;
};

/* What every answer leads to. */
struct proved_head {
    uint64_t size;
    struct hash root;
    uint64_t timestamp;    /* of the newest entry, milliseconds */
    uint8_t signature[64]; /* when signed */
    bool is_signed;        /* else it is the head that was kept */
    struct kt_view view;   /* to keep */
};

struct proved_search {
    struct proved_head head;
    uint32_t version;
    struct span value; /* borrowed from the answer */
    uint64_t terminal;
    uint64_t terminal_ms; /* its timestamp */
    bool must_monitor;    /* the version must be followed from terminal on */
    struct consume_version steps[LADDER_STEPS_MAX];
    size_t steps_n; /* ascending by version; a commitment only where it was shown */
};

/*
 * A SearchResponse: for the greatest version (version.has false) or one.
 *
 *   RES_OK
 *   RES_TRUNCATED, RES_TRAILING, RES_VALUE …  no such structure
 *   RES_KT_COUNT          the ladder has another length than its version asks for
 *   RES_VRF, RES_COMMITMENT, RES_KT_UNKNOWN
 *   RES_RANGE             its tree is smaller than the one that was kept
 *   errors of the searches and of consume_finish
 *   RES_SIGNATURE         the head is not the log's
 *   RES_KT_AHEAD, RES_KT_BEHIND  its newest entry's time is not now's
 *   RES_MEMORY
 */
MUST_CHECK enum result proved_search(const struct proved_by *by, struct span label,
                                     struct kt_optional version, struct span answer,
                                     struct proved_search *ret);

/* An AbsenceResponse.  Errors as proved_search. */
MUST_CHECK enum result proved_absence(const struct proved_by *by, struct span label,
                                      struct span answer, struct proved_head *ret);

struct proved_as_of {
    struct proved_head head;
    struct as_of claim;
    struct span value;     /* when there is a version */
    uint64_t begins, ends; /* timestamps of claim.first and claim.next, each where there is
                              one */
    bool must_monitor;     /* the version must be followed from claim.first on */
    struct consume_version steps[LADDER_STEPS_MAX];
    size_t steps_n; /* as of a search */
};

/* An AsOfResponse about time, milliseconds. */
MUST_CHECK enum result proved_as_of(const struct proved_by *by, struct span label, uint64_t time,
                                    struct span answer, struct proved_as_of *ret);

/* A ContactMonitorResponse for *map, which becomes what is left to follow; steps: what is known of
 * the versions in it. */
MUST_CHECK enum result proved_contact(const struct proved_by *by,
                                      const struct consume_version *steps, size_t steps_n,
                                      struct contact_map *map, struct span answer,
                                      struct proved_head *ret);

struct proved_owner_init {
    struct proved_head head;
    int64_t greatest; /* at start; -1: none */
    struct consume_version steps[PROVED_STEPS_MAX];
    size_t steps_n;
};
MUST_CHECK enum result proved_owner_init(const struct proved_by *by, struct span label,
                                         uint64_t start, struct span answer,
                                         struct proved_owner_init *ret);

/*
 * An OwnerMonitorResponse: *map as in proved_contact; how far the owner's walk came into
 * *ret_start.  *ret_more: it ended before a distinguished entry that the answer shows nothing of,
 * as it may when there is too much for one answer, or a version that the owner does not know; only
 * without more is it shown that nothing else is there.  RES_KT_LADDER also when the walk comes to
 * an entry where a version of *map would have to be, and the owner expects a lesser one.
 */
MUST_CHECK enum result proved_owner_monitor(const struct proved_by *by,
                                            const struct consume_version *steps, size_t steps_n,
                                            const struct owner_state *owner,
                                            struct contact_map *map, struct span answer,
                                            struct proved_head *ret, uint64_t *ret_start,
                                            bool *ret_more);

struct proved_update {
    struct proved_head head;
    uint64_t position;
    struct span values[OWNER_NEW_VERSIONS_MAX]; /* of the new versions, borrowed */
    unsigned n;
    struct consume_version steps[PROVED_STEPS_MAX]; /* what is known now */
    size_t steps_n;
    struct contact_map map;
};

/* An UpdateResponse with versions that are new to the owner.  RES_CONFLICT when a version of them
 * was shown before with another value; RES_TOO_LARGE when there are too many steps to keep. */
MUST_CHECK enum result proved_update(const struct proved_by *by, struct span label,
                                     const struct consume_version *steps, size_t steps_n,
                                     const struct owner_state *owner, const struct contact_map *map,
                                     struct span answer, struct proved_update *ret);

struct proved_heads {
    struct proved_head head;
    struct heads heads; /* the rightmost distinguished entries, the rightmost first */
    struct hash roots[HEADS_RECENT_MAX];    /* of the trees that end there */
    struct kt_view views[HEADS_RECENT_MAX]; /* what is to be kept of them */
};
MUST_CHECK enum result proved_distinguished(const struct proved_by *by, struct span answer,
                                            struct proved_heads *ret);

/* As proved_distinguished, of those that stand to the right of *stop (NULL: all): the question
 * named it. */
MUST_CHECK enum result proved_distinguished_since(const struct proved_by *by, const uint64_t *stop,
                                                  struct span answer, struct proved_heads *ret);

/*
 * What a search for target looks up, ascending: its VRF outputs as ladder proves them, commitments
 * as ladder tells them, and for target itself the one that opening and value lead to.  by->last and
 * now do not matter.  RES_KT_COUNT, RES_VRF, RES_COMMITMENT, RES_MEMORY.
 */
MUST_CHECK enum result proved_ladder(const struct proved_by *by, struct span label, uint32_t target,
                                     struct span opening, struct span value,
                                     const struct proof_queue *ladder,
                                     struct consume_version ret[static LADDER_STEPS_MAX],
                                     size_t *ret_n);

#endif
