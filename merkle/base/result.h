/*
 * Results: one table of everything that can go wrong, and what the caller does about it.
 *
 * Every function that can fail returns enum result and must be looked at (MUST_CHECK).  The class
 * of a result says what follows from it; the name is stable and is also the problem type on the
 * wire and the metric's label; the source is the paragraph that demands it.
 *
 * Pure.  Uses nothing.
 */
#ifndef MERKLE_BASE_RESULT_H
#define MERKLE_BASE_RESULT_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum result_class {
    CLASS_OK,     /* done */
    CLASS_INPUT,  /* the peer's fault: refuse, say why, keep nothing */
    CLASS_FALSE,  /* a verdict: the proof or signature does not hold */
    CLASS_ABSENT, /* what was asked for is not here */
    CLASS_LATER,  /* not now: try again */
    CLASS_BROKEN, /* this machine: memory, disk, a damaged store */
    CLASS_BUG     /* ours */
};

/* X(symbol, class, name, source, sentence) */
#define RESULT_TABLE(X)                                                                            \
    X(RES_OK, OK, "ok", "-", "done")                                                               \
    /* bytes and text */                                                                           \
    X(RES_TRUNCATED, INPUT, "truncated", "RFC 8446 3.4",                                           \
      "the input ends before the structure does")                                                  \
    X(RES_TRAILING, INPUT, "trailing-bytes", "RFC 8446 3.4",                                       \
      "bytes are left over after the structure")                                                   \
    X(RES_VALUE, INPUT, "bad-value", "RFC 8446 3",                                                 \
      "a field has a value that its type does not allow")                                          \
    X(RES_TOO_LARGE, INPUT, "too-large", "limits", "the input is larger than its limit")           \
    X(RES_ENCODING, INPUT, "bad-encoding", "RFC 4648 3", "the text is not in canonical form")      \
    X(RES_NUMBER, INPUT, "bad-number", "limits", "not a decimal number in range")                  \
    X(RES_RANGE, INPUT, "out-of-range", "RFC 6962 4", "the index or size lies outside the tree")   \
    /* proofs and signatures */                                                                    \
    X(RES_PROOF_LENGTH, FALSE, "proof-length", "RFC 6962 2.1",                                     \
      "the proof has the wrong number of hashes")                                                  \
    X(RES_ROOT_DIFFERS, FALSE, "root-differs", "RFC 6962 2.1", "the hashes lead to another root")  \
    X(RES_SIGNATURE, FALSE, "signature-invalid", "RFC 6962 2.1.4",                                 \
      "the signature does not verify")                                                             \
    X(RES_KEY, INPUT, "bad-key", "signed-note", "the key is malformed or of a kind not supported") \
    X(RES_KEY_UNKNOWN, FALSE, "key-unknown", "signed-note", "no signature by a known key")         \
    X(RES_NOTE, INPUT, "bad-note", "signed-note", "the signed note is malformed")                  \
    X(RES_CHECKPOINT, INPUT, "bad-checkpoint", "tlog-checkpoint", "the checkpoint is malformed")   \
    X(RES_ORIGIN, FALSE, "origin-differs", "tlog-checkpoint", "the checkpoint is of another log")  \
    X(RES_LOG_ID, FALSE, "log-id-differs", "RFC 6962 3.2", "the SCT is of another log")            \
    X(RES_CONFLICT, FALSE, "heads-conflict", "RFC 6962 5.4",                                       \
      "two signed heads contradict each other")                                                    \
    /* key transparency */                                                                         \
    X(RES_VRF, FALSE, "vrf-proof-invalid", "RFC 9381 5.3", "the VRF proof does not verify")        \
    X(RES_COMMITMENT, FALSE, "commitment-differs", "keytrans-protocol",                            \
      "the commitment is to something else")                                                       \
    X(RES_KT_PREFIX, FALSE, "prefix-proof", "KEYTRANS Prefix Tree",                                \
      "the lookups of a prefix proof contradict each other")                                       \
    X(RES_KT_SUITE, INPUT, "kt-suite", "KEYTRANS Cipher Suites",                                   \
      "the cipher suite or deployment mode is not supported")                                      \
    X(RES_KT_TIMESTAMP, FALSE, "kt-timestamps", "KEYTRANS Updating Views of the Tree",             \
      "a log entry is older than one to its left")                                                 \
    X(RES_KT_LADDER, FALSE, "kt-ladder", "KEYTRANS Binary Ladder",                                 \
      "the lookups contradict the version claimed")                                                \
    X(RES_KT_ROOTS, FALSE, "kt-prefix-roots", "KEYTRANS Combined Tree",                            \
      "two proofs for one log entry lead to different prefix roots")                               \
    X(RES_KT_AHEAD, LATER, "kt-ahead", "KEYTRANS Updating Views of the Tree",                      \
      "the newest log entry lies in the future")                                                   \
    X(RES_KT_BEHIND, LATER, "kt-behind", "KEYTRANS Updating Views of the Tree",                    \
      "the newest log entry is too old")                                                           \
    X(RES_KT_NO_VERSION, ABSENT, "kt-no-version", "KEYTRANS Fixed-Version Search",                 \
      "the label has no such version")                                                             \
    X(RES_KT_EXPIRED, ABSENT, "kt-expired", "KEYTRANS Maximum Lifetime",                           \
      "the version has outlived the maximum lifetime")                                             \
    X(RES_KT_START, INPUT, "kt-start", "KEYTRANS Owner Initialization",                            \
      "the starting position is not distinguished, or has expired")                                \
    X(RES_KT_POSITION, FALSE, "kt-position", "KEYTRANS Updating a Label",                          \
      "new versions stand where none can, or there are none")                                      \
    X(RES_KT_COUNT, FALSE, "kt-count", "KEYTRANS Combined Tree",                                   \
      "the proof has more or fewer elements than were asked for")                                  \
    X(RES_KT_UNKNOWN, FALSE, "kt-unknown-version", "KEYTRANS Search",                              \
      "a version is looked up of which no VRF output or commitment was given")                     \
    X(RES_KT_NO_LABEL, ABSENT, "kt-no-label", "FORMATS Absence", "the label has no version")       \
    X(RES_KT_NOTHING_NEW, INPUT, "kt-nothing-new", "KEYTRANS Updating a Label",                    \
      "the label's newest version is the one given")                                               \
    X(RES_KT_OWN_VALUES, INPUT, "kt-own-values", "KEYTRANS Updating a Label",                      \
      "only issuance changes a label")                                                             \
    X(RES_KT_NOT_YET, INPUT, "kt-not-yet", "KEYTRANS Updating a Label",                            \
      "the label has no version as great as the one given")                                        \
    X(RES_KT_NOT_RECENT, LATER, "kt-not-recent", "KEYTRANS Credentials",                           \
      "the credential rests on an entry that is not among the recent distinguished ones known")    \
    X(RES_KT_CREDENTIAL, FALSE, "kt-credential", "KEYTRANS Credentials",                           \
      "the credential is provisional without need, or leads to another entry")                     \
    X(RES_KT_TIME, FALSE, "kt-time", "FORMATS As of a time",                                       \
      "the time lies outside what the answer claims to be about")                                  \
    /* certificates */                                                                             \
    X(RES_DER, INPUT, "bad-der", "X.690 10", "the certificate is not strict DER")                  \
    X(RES_CERT, INPUT, "bad-certificate", "RFC 5280 4.1", "the certificate's structure is wrong")  \
    X(RES_CERT_DUPLICATE_EXTENSION, INPUT, "duplicate-extension", "RFC 5280 4.2",                  \
      "an extension stands twice")                                                                 \
    X(RES_CERT_TIME, INPUT, "bad-time", "RFC 5280 4.1.2.5",                                        \
      "a date is not in the form DER demands")                                                     \
    X(RES_CERT_POISON, INPUT, "bad-poison", "RFC 6962 3.1",                                        \
      "the poison extension is missing, not critical or not NULL")                                 \
    X(RES_CERT_POISONED, INPUT, "poison-in-certificate", "RFC 6962 3.1",                           \
      "a precertificate was sent to add-chain")                                                    \
    X(RES_CERT_SCT_LIST, INPUT, "bad-sct-list", "RFC 6962 3.3",                                    \
      "the SCT list extension is malformed")                                                       \
    X(RES_CERT_AKI, INPUT, "bad-authority-key-identifier", "RFC 6962 3.2",                         \
      "precertificate and its signing certificate disagree about the authority key identifier")    \
    X(RES_PRECERT_EMPTY, INPUT, "nothing-to-sign", "RFC 6962 3.2",                                 \
      "the precertificate holds nothing to remove")                                                \
    /* addresses in certificates: a text for which one of these is told is no mailbox's */         \
    X(RES_ADDRESS_SHAPE, INPUT, "no-address", "RFC 5321 4.1.2",                                    \
      "no @ outside quotes, or nothing before or behind it")                                       \
    X(RES_ADDRESS_SEVERAL, INPUT, "several-addresses", "RFC 5321 4.1.2",                           \
      "more than one @ outside quotes: several addresses in one text, or none")                    \
    X(RES_ADDRESS_ENCODING, INPUT, "address-encoding", "RFC 6531 3.3",                             \
      "the address is not in the characters that its type or UTF-8 allows")                        \
    X(RES_ADDRESS_CONTROL, INPUT, "address-control", "RFC 5321 4.1.2",                             \
      "a control character stands in the address")                                                 \
    X(RES_ADDRESS_QUOTES, INPUT, "address-quotes", "RFC 5321 4.1.2",                               \
      "quotes in the local part are not closed, or are not all around it")                         \
    X(RES_ADDRESS_LOCAL, INPUT, "address-local-part", "RFC 5321 4.1.2",                            \
      "a character stands in the local part that may not stand there so")                          \
    X(RES_ADDRESS_LITERAL, INPUT, "address-literal", "RFC 5321 4.1.3",                             \
      "the address names a machine by its number, not a domain")                                   \
    X(RES_ADDRESS_DOMAIN, INPUT, "address-domain", "RFC 5321 4.1.2",                               \
      "the domain is not letters, digits and hyphens in labels of 1 to 63")                        \
    X(RES_ADDRESS_IDN, INPUT, "address-idn", "RFC 5891 5",                                         \
      "a label of the domain has no form in ASCII")                                                \
    X(RES_ADDRESS_TOO_LONG, INPUT, "address-too-long", "RFC 5321 4.5.3.1",                         \
      "the address or its domain is longer than mail allows")                                      \
    /* chain admission */                                                                          \
    X(RES_CHAIN_EMPTY, INPUT, "empty-chain", "RFC 6962 4.1", "the chain holds no certificate")     \
    X(RES_CHAIN_TOO_LONG, INPUT, "chain-too-long", "limits",                                       \
      "the chain holds too many certificates")                                                     \
    X(RES_CHAIN_ORDER, INPUT, "issuer-mismatch", "RFC 6962 4.1",                                   \
      "a certificate's issuer name is not the next one's subject name, byte for byte")             \
    X(RES_CHAIN_ROOT, INPUT, "unknown-root", "RFC 6962 3.1",                                       \
      "the chain does not end in an accepted root")                                                \
    X(RES_CHAIN_ROOT_VERIFY_ONLY, INPUT, "root-verify-only", "RFC 6962 4.7",                       \
      "the root is kept for verification and takes no submissions")                                \
    X(RES_CHAIN_SIGNATURE, INPUT, "chain-signature", "RFC 6962 3.1",                               \
      "a certificate's signature does not verify with its issuer's key")                           \
    X(RES_CHAIN_SIGNATURE_ALGORITHM, INPUT, "signature-algorithm", "RFC 6962 2.1.4",               \
      "a signature algorithm is not on the list, or differs inside and outside")                   \
    X(RES_CHAIN_KEY, INPUT, "issuer-key", "RFC 6962 2.1.4",                                        \
      "an issuer's key is of a kind or size not on the list")                                      \
    X(RES_CHAIN_CA, INPUT, "not-a-ca", "RFC 5280 4.2.1.9", "an issuer is not marked as a CA")      \
    X(RES_CHAIN_EKU, INPUT, "extended-key-usage", "S/MIME BR 7.1.2.3 f",                           \
      "the leaf carries none of the accepted extended key usages")                                 \
    X(RES_CHAIN_NOT_AFTER, INPUT, "not-after-window", "static-ct-api",                             \
      "the leaf's notAfter lies outside this log's window")                                        \
    X(RES_CHAIN_PRECERT_SIGNER, INPUT, "precertificate-signer", "RFC 6962 3.1",                    \
      "a precertificate signing certificate stands where none may, or lacks its extended key "     \
      "usage")                                                                                     \
    X(RES_CHAIN_UNUSED, INPUT, "unused-certificate", "RFC 6962 4.1",                               \
      "a certificate after the accepted root, or a repeated one")                                  \
    /* HTTP and JSON */                                                                            \
    X(RES_HTTP_SYNTAX, INPUT, "bad-request", "RFC 9112 2",                                         \
      "the request is not well-formed HTTP/1.1")                                                   \
    X(RES_HTTP_HEAD, INPUT, "head-too-large", "RFC 6585 5",                                        \
      "the request head is larger than its limit")                                                 \
    X(RES_HTTP_LENGTH, INPUT, "bad-length", "RFC 9112 6.3", "the length of the body is ambiguous") \
    X(RES_HTTP_TRANSFER_CODING, INPUT, "transfer-coding", "RFC 9112 6.1",                          \
      "a transfer coding other than chunked alone")                                                \
    X(RES_HTTP_HOST, INPUT, "bad-host", "RFC 9112 3.2", "not exactly one Host")                    \
    X(RES_HTTP_VERSION, INPUT, "http-version", "RFC 9112 2.3", "neither HTTP/1.0 nor HTTP/1.1")    \
    X(RES_HTTP_TIMEOUT, INPUT, "request-timeout", "RFC 9110 15.5.9",                               \
      "the request came too slowly")                                                               \
    X(RES_HTTP_BODY, INPUT, "body-too-large", "RFC 9110 15.5.14",                                  \
      "the body is larger than this route allows")                                                 \
    X(RES_HTTP_NOT_FOUND, ABSENT, "not-found", "RFC 9110 15.5.5",                                  \
      "nothing is served under this path")                                                         \
    X(RES_HTTP_METHOD, INPUT, "method-not-allowed", "RFC 9110 15.5.6",                             \
      "this path does not take this method")                                                       \
    X(RES_HTTP_MEDIA, INPUT, "unsupported-media", "RFC 9110 15.5.16",                              \
      "the body is of a kind this path does not take")                                             \
    X(RES_ERASED, ABSENT, "erased", "FORMATS Erasure", "it was erased")                            \
    X(RES_ERASE_EARLY, LATER, "erase-early", "FORMATS Erasure",                                    \
      "the mailbox's newest version has not stood for a reasonable monitoring window")             \
    X(RES_GONE, ABSENT, "gone", "RFC 9110 15.5.11", "it was here and is not any more")             \
    X(RES_HTTP_FORBIDDEN, INPUT, "auditors-only", "RFC 9110 15.5.4",                               \
      "bodies of entries are given to auditors only; send a bearer token")                         \
    X(RES_JSON, INPUT, "bad-json", "RFC 8259 2", "the body is not the JSON object expected")       \
    X(RES_JSON_DUPLICATE, INPUT, "json-duplicate-key", "RFC 8259 4", "a JSON key stands twice")    \
    X(RES_JSON_TEXT, INPUT, "json-text", "RFC 8259 8.1",                                           \
      "the JSON holds NUL, control bytes or invalid UTF-8")                                        \
    X(RES_PARAMETER, INPUT, "bad-parameter", "RFC 6962 4",                                         \
      "a query parameter is missing, repeated or malformed")                                       \
    X(RES_UNKNOWN_HASH, ABSENT, "unknown-hash", "RFC 6962 4.5",                                    \
      "no entry of that tree has this hash")                                                       \
    X(RES_ABSENT, ABSENT, "absent", "-", "it is not here")                                         \
    /* not now */                                                                                  \
    X(RES_BUSY, LATER, "busy", "RFC 9110 15.6.4", "the queue is full")                             \
    X(RES_RATE, LATER, "rate-limited", "RFC 6585 4", "too many requests from this source")         \
    X(RES_CLIENT_RATE, LATER, "client-rate-limited", "RFC 6585 4",                                 \
      "too many requests from this client's network")                                              \
    X(RES_LOOKUP_RATE, LATER, "lookup-rate-limited", "RFC 6585 4",                                 \
      "too many look-ups from this network")                                                       \
    X(RES_HTTP_BODIES, LATER, "too-many-bodies", "RFC 9110 15.6.4",                                \
      "other connections fill the room for request bodies")                                        \
    X(RES_DIRECTORY_BEHIND, LATER, "directory-behind", "operation",                                \
      "the directory is behind the log by more than it promises")                                  \
    X(RES_DISK_FLOOR, LATER, "disk-floor", "operation", "free disk space is below the floor")      \
    X(RES_CLOCK, LATER, "clock-went-back", "RFC 6962 3.5",                                         \
      "the clock stands before the last signed head, or has leapt ahead")                          \
    X(RES_DESCRIPTORS, LATER, "too-many-open-files", "operation", "no file descriptor is free")    \
    X(RES_HALTED, LATER, "halted", "operation", "the log has halted; fsck, then resume")           \
    X(RES_DRAINING, LATER, "draining", "operation", "the log is shutting down")                    \
    X(RES_UNREACHABLE, LATER, "unreachable", "operation", "the log could not be reached")          \
    X(RES_STALE, LATER, "stale", "operation", "the newest head is too old")                        \
    /* this machine */                                                                             \
    X(RES_MEMORY, BROKEN, "out-of-memory", "-", "no memory")                                       \
    X(RES_IO, BROKEN, "io-error", "-", "a read, write or sync failed")                             \
    X(RES_CRYPTO, BROKEN, "crypto-failed", "-", "the cryptographic library failed")                \
    X(RES_CONFIG, BROKEN, "bad-configuration", "-", "the configuration is wrong")                  \
    X(RES_EXISTS, BROKEN, "exists", "-", "it exists already")                                      \
    X(RES_STORE_FORMAT, BROKEN, "store-format", "-",                                               \
      "the store is of a format this program does not know; see upgrade")                          \
    X(RES_STORE_DAMAGED, BROKEN, "store-damaged", "-", "the store contradicts itself")             \
    X(RES_STORE_BEHIND, BROKEN, "store-behind", "-", "the store is behind a head that was signed") \
    X(RES_STORE_FULL, BROKEN, "store-full", "-", "the store's map is full")                        \
    X(RES_STORE_LATCHED, BROKEN, "store-latched", "-",                                             \
      "an earlier write or sync failed; nothing is written any more")                              \
    X(RES_GUARD, BROKEN, "guard", "-", "what was written does not read back as what was meant")    \
    X(RES_COPY, BROKEN, "is-a-copy", "-", "this is a backup; it does not serve until promoted")    \
    /* ours */                                                                                     \
    X(RES_BUG, BUG, "bug", "-", "a case that cannot be")

enum result {
#define RESULT_SYMBOL(symbol, cls, name, source, sentence) symbol,
    RESULT_TABLE(RESULT_SYMBOL)
#undef RESULT_SYMBOL
        RESULT_COUNT
};

/* The class of r.  Requires 0 <= r < RESULT_COUNT, as do all below. */
enum result_class result_class(enum result r);

/* The stable short name of r, of [a-z0-9-], static. */
const char *result_name(enum result r);

/* The paragraph that r enforces ("RFC 6962 3.1"), static; "-" where no text demands it. */
const char *result_source(enum result r);

/* What r means, one sentence without its full stop, static. */
const char *result_sentence(enum result r);

#endif
