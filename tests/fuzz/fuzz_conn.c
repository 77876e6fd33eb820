/*
 * An HTTP connection: what it says does not depend on how the bytes were cut; what it hands out is
 * what it promises; and whoever is late is told so in the middle of a request, and let go in
 * between.  The first byte of the input is the length of the pieces.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/api/drive.h"

#define BODY_MAX 300

/* Paths begin with '/' or are the "*" of OPTIONS; bodies respect the limit; after a refusal comes
 * the end. */
static void
check_said(const char *said)
{
    const char *refusal = strchr(said, '!');

    for (const char *at = said; *at != '\0'; at = strchr(at, ' ') + 1) {
        const char *bracket;

        FUZZ_CHECK(strchr(at, ' ') != NULL);
        if (*at == '!' || *at == '$')
            continue;
        if (*at == '/' || *at == '*') {
            bracket = memchr(at, '[', (size_t)(strchr(at, ' ') - at));
            FUZZ_CHECK(bracket == NULL || atol(bracket + 1) <= BODY_MAX);
            continue;
        }
        FUZZ_CHECK(strncmp(at, "GET ", 4) == 0 || strncmp(at, "HEAD ", 5) == 0 ||
                   strncmp(at, "POST ", 5) == 0 || strncmp(at, "OPTIONS ", 8) == 0 ||
                   strncmp(at, "OTHER ", 6) == 0);
    }
    /* "!reason $ " and nothing behind it: a path may hold '!' too, so only a word that begins so
     * counts. */
    if (refusal != NULL && (refusal == said || refusal[-1] == ' '))
        FUZZ_CHECK(strcmp(strchr(refusal, ' '), " $ ") == 0);
}

static void
drive(struct drive *d, struct span in, size_t step)
{
    drive_begin(d, BODY_MAX);
    drive_feed(d, in, step);
    drive_eof(d);
    FUZZ_CHECK(drive_ended(d));
    drive_end(d);
}

/* The peer falls silent after the front of the input. */
static void
check_silence(struct drive *d, struct span front)
{
    const struct reply late = {.status = 408, .type = REPLY_TEXT, .body = span_str("late")};

    drive_begin(d, BODY_MAX);
    drive_feed(d, front, 0);
    if (!drive_ended(d)) {
        uint64_t deadline = conn_deadline(&d->conn);
        bool busy = conn_busy(&d->conn);

        FUZZ_CHECK(deadline > d->now && deadline <= d->now + d->options.idle_ms);
        d->now = deadline;
        FUZZ_CHECK(conn_expire(&d->conn) == (busy ? CONN_REFUSED : CONN_ENDED));
        if (busy) {
            FUZZ_CHECK(d->conn.why == RES_HTTP_TIMEOUT);
            conn_answer(&d->conn, &late, "Thu, 01 Jan 1970 00:00:00 GMT", d->now);
            drive_pump(d);
        }
    }
    FUZZ_CHECK(drive_ended(d));
    drive_end(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct drive whole;
    static struct drive pieces;
    struct span in;

    if (size < 1)
        return 0;
    in = span_of(data + 1, size - 1);
    drive(&whole, in, 0);
    drive(&pieces, in, 1u + data[0]);
    /* The text of a very long conversation is cut off. */
    if (whole.n + 1 < sizeof whole.said) {
        check_said(whole.said);
        FUZZ_CHECK(strcmp(whole.said, pieces.said) == 0);
    }
    check_silence(&pieces, span_of(in.p, in.n / 2));
    check_silence(&pieces, in);
    /* The planted bug: a body of six bytes. */
    if (PLANT && strstr(whole.said, "[6] ") != NULL)
        abort();
    return 0;
}
