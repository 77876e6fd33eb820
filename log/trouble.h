/*
 * A sentence for the operator beside a result: what was found and what to do next.
 *
 * Any thread; no state.  Uses nothing.
 */
#ifndef LOG_TROUBLE_H
#define LOG_TROUBLE_H

struct log_trouble {
    char text[512];
};

/* Formats a sentence into *why; what does not fit is cut. */
void log_say(struct log_trouble *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
