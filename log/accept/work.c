#include "log/accept/work.h"

#include <stdarg.h>
#include <stdio.h>

enum result
work_refuse(struct work *w, enum result why, const char *format, ...)
{
    va_list ap;

    w->refusal->why = why;
    va_start(ap, format);
    vsnprintf(w->refusal->detail, sizeof w->refusal->detail, format, ap);
    va_end(ap);
    return why;
}
