/*
 * Every limit of the HTTP side, with its reason.  What an operator may set is in log/config.h.
 *
 * Pure.  Uses nothing.
 */
#ifndef API_HTTP_LIMITS_H
#define API_HTTP_LIMITS_H

/* A request's head, request line to empty line: 16 KiB is promised; browsers and fronts stay
 * below 8. */
#define HTTP_HEAD_MAX 16384
/* Header fields in it: real clients send 5 to 30. */
#define HTTP_HEADERS_MAX 100
/* What a connection buffers: a head, and a page in which a body or the next requests arrive
 * meanwhile. */
#define HTTP_IN_MAX (HTTP_HEAD_MAX + 4096)
/* The head of an answer: every template at its longest is below 700 bytes. */
#define HTTP_REPLY_HEAD_MAX 1024
/* Framing of a chunked body: a fixed part, and so many bytes for each byte of content ("1", CRLF,
 * CRLF and a digit to spare), so that one-byte chunks pass and endless chunk extensions do not. */
#define HTTP_CHUNK_FRAMING 16384
#define HTTP_CHUNK_FRAMING_PER_BYTE 6
/* A body's or answer's buffer that grew beyond this is given back after the request.  While
 * more than half of HTTP_BODIES_MAX is held every body's is, so that resting connections keep half
 * of it at most. */
#define HTTP_BUFFER_KEPT 65536
/* Bytes of request bodies held at once, over all connections, with the buffers that resting ones
 * keep: 128 of the largest a submission may be by default, some 8,000 of usual size.  One more is
 * answered 503. */
#define HTTP_BODIES_MAX (64u << 20)
/* When they fill it, the body that has been coming longest goes, if it has for this long: a
 * submission of 512 KiB over 2 Mbit/s has come by then. */
#define HTTP_BODY_GRACE_MS 2000
/* The largest answer: a data tile of 256 precertificates of 256 KiB with their TBS is 128 MiB;
 * get-roots with 4,096 roots of 1.5 KiB is 8 MiB. */
#define HTTP_ANSWER_MAX (160u << 20)
/* get-entries ends with the entry that reaches this: 256 entries with RSA-4096 chains stay below */
#define HTTP_ENTRIES_BYTES (8u << 20)
/* Lines of X-Forwarded-For that are kept, the last ones, and members of its list that are looked
 * at: some fronts write a line each, and nobody has that many fronts. */
#define HTTP_FORWARDED_MAX 8
#define HTTP_HOPS_MAX 16
/* Clients' networks whose rate is remembered at once; 64 bytes each. */
#define HTTP_CLIENTS_MAX 16384
/* Answers that peers have not taken yet, together: one more closes those that wait longest */
#define HTTP_HELD_MAX (128u << 20)
/* After a refusal, what the peer still sends is read and thrown away, so that the answer is not
 * lost to a reset: that many bytes, for that long. */
#define HTTP_LINGER_BYTES (1u << 20)
#define HTTP_LINGER_MS 2000
/* How often deadlines are looked at: timeouts are that inexact. */
#define HTTP_SWEEP_MS 500
/* A peer that takes none of an answer for that long is dropped. */
#define HTTP_WRITE_MS 30000
/* Drain: requests that have begun may take that long, answers under way that long in all. */
#define HTTP_DRAIN_REQUESTS_MS 5000
#define HTTP_DRAIN_MS 10000
/* Jobs waiting for a worker; one more is answered 503.  At 10,000/s it is a tenth of a second. */
#define HTTP_JOBS_MAX 1024
#define HTTP_WORKERS_MAX 64

/* Query: a known parameter's value after decoding; the longest is a hash, 44 characters. */
#define QUERY_VALUE_MAX 64
#define QUERY_NAME_MAX 16
/* Parameters in one query, unknown ones included. */
#define QUERY_PAIRS_MAX 32

/* JSON: what add-chain needs is an object with an array, depth 2. */
#define JSON_DEPTH_MAX 16
/* Values in one document: bounds cJSON's nodes (64 bytes each) and the search for duplicate keys.
 */
#define JSON_VALUES_MAX 512
/* Members of one object: the search for duplicates is quadratic. */
#define JSON_MEMBERS_MAX 64

/* Below this gzip costs more than it saves. */
#define GZIP_MIN 1024
/* Above this a worker would be taken from others for too long: a tenth of a second. */
#define GZIP_MAX (16u << 20)
/* The fastest level: a data tile of 350 KB costs about a millisecond. */
#define GZIP_LEVEL 1
/* Members of an Accept-Encoding that are read; the rest is as if it were not there. */
#define GZIP_CODINGS_MAX 16
/* A thread's buffer for it, given back when it grew beyond: one full data tile fits. */
#define GZIP_SCRATCH_KEPT (1u << 20)

/* Answers about an address leave together, so often, and none before it is that old: how long one
 * took to make does not show, not even as the tick that it just missed. */
#define HTTP_TICK_MS 5
#define HTTP_TICK_NS (UINT64_C(1000000) * HTTP_TICK_MS)
/* Body of a look-up; an address has 254 bytes at most, each three as "%41". */
#define LOOKUP_BODY_MAX 4096
/* Answers about an address are this long at least, then powers of two: a label that is not there,
 * and one with a certificate or two in a large log, look alike. */
#define LOOKUP_ANSWER_MIN 32768

/* Retry-After of answers of class LATER, seconds. */
#define RETRY_BUSY 1
#define RETRY_LATER 30

#endif
