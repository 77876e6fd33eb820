#include "tests/unit/api/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const struct drive_row *row, const char *how, const char *got)
{
    if (strcmp(got, row->out) != 0)
        fail_msg("%s (%s): said \"%s\", not \"%s\"", row->says, how, got, row->out);
}

static void
in_pieces(const struct drive_row *row)
{
    static struct drive d;

    for (size_t step = 0; step < 3; step++) {
        drive_begin(&d, 8);
        drive_feed(&d, span_str(row->in), step);
        expect(row, "in pieces", d.said);
        drive_end(&d);
    }
}

static void
split_everywhere(const struct drive_row *row)
{
    static struct drive d;
    struct span s = span_str(row->in);

    for (size_t at = 1; at < s.n; at++) {
        drive_begin(&d, 8);
        drive_feed(&d, span_of(s.p, at), 0);
        drive_feed(&d, span_of(s.p + at, s.n - at), 0);
        expect(row, "split", d.said);
        drive_end(&d);
    }
}

static void
cut_short(const struct drive_row *row)
{
    static struct drive d;
    struct span s = span_str(row->in);

    drive_begin(&d, 8);
    drive_feed(&d, span_of(s.p, s.n - 1), 0);
    drive_eof(&d);
    if (!drive_ended(&d))
        fail_msg("%s: does not end with the peer", row->says);
    drive_end(&d);
}

void
drive_rows(const struct drive_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        in_pieces(&rows[i]);
        split_everywhere(&rows[i]);
        cut_short(&rows[i]);
    }
}
