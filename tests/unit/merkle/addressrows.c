#include "tests/unit/merkle/addressrows.h"

#include "merkle/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES 8192

static FILE *
open_table(void)
{
    const char *source = getenv("CARTULARY_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/unit/merkle/addresses.tsv",
             source != NULL && *source != '\0' ? source : CARTULARY_SOURCE_DIR);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        perror(path);
        abort();
    }
    return f;
}

static _Noreturn void
bad_line(unsigned line)
{
    fprintf(stderr, "addresses.tsv:%u: not a row\n", line);
    abort();
}

/* Empties *out, then undoes the escapes of a field. */
static void
unescape(const char *field, unsigned line, struct buf *out)
{
    buf_clear(out);
    for (; *field != '\0'; field++) {
        uint8_t b = (uint8_t)*field;
        if (b == '\\' && field[1] == 'x') {
            if (strlen(field) < 4 || text_unhex(span_of(field + 2, 2), &b, 1) != RES_OK)
                bad_line(line);
            field += 3;
        } else if (b == '\\' && *++field != '\\') {
            bad_line(line);
        }
        if (buf_add(out, span_of(&b, 1)) != RES_OK)
            bad_line(line);
    }
}

static void
read_row(char *text, struct address_row *row)
{
    char *form = strchr(text, '\t');
    char *says = form == NULL ? NULL : strchr(form + 1, '\t');
    char *end = says == NULL ? NULL : strchr(says + 1, '\n');
    if (end == NULL || end == says + 1)
        bad_line(row->line);
    *form++ = *says++ = *end = '\0';
    unescape(text, row->line, &row->text);
    row->reason[0] = '\0';
    if (form[0] == '=') {
        buf_clear(&row->form);
        snprintf(row->reason, sizeof row->reason, "%s", form + 1);
    } else {
        unescape(form, row->line, &row->form);
    }
    snprintf(row->says, sizeof row->says, "%s", says);
}

size_t
address_rows_each(address_row_fn *each, void *arg)
{
    struct address_row row = {.text = BUF_INIT(LINE_MAX_BYTES), .form = BUF_INIT(LINE_MAX_BYTES)};
    char line[LINE_MAX_BYTES];
    size_t n = 0;
    FILE *f = open_table();
    while (fgets(line, sizeof line, f) != NULL) {
        row.line++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        read_row(line, &row);
        each(arg, &row);
        n++;
    }
    fclose(f);
    buf_release(&row.text);
    buf_release(&row.form);
    return n;
}
