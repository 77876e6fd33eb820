/*
 * The keys of cartulary.conf: what each is called, what it may be, and where it stands in a struct
 * config.
 *
 * No I/O.  Uses config (the struct), cert, ip, text, result.
 */
#ifndef LOG_SETTING_H
#define LOG_SETTING_H

#include "log/config.h"

/* Whether there is such a key. */
bool setting_known(const char *name);

/*
 * Sets name to value in *c.  Requires setting_known(name).  RES_CONFIG, with the sentence "name:
 * what it wants" written, when the value cannot be that; *c may then be half changed.
 */
MUST_CHECK enum result setting_set(struct config *c, const char *name, const char *value,
                                   char detail[static CONFIG_TEXT_MAX]);

/* Writes the sentence "key: what"; of key at most 40 bytes.  Always RES_CONFIG. */
enum result setting_refuse(char detail[static CONFIG_TEXT_MAX], const char *key, const char *what);

#endif
