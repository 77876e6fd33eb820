/*
 * The lines of a policy file as words, and the sentence about what is wrong with one.  Private to
 * policy and quorum.
 *
 * No I/O, no clock.  Uses result, span.
 */
#ifndef CLIENT_POLICY_LINE_H
#define CLIENT_POLICY_LINE_H

#include "client/policy.h"

/* Most words on one line: "group", name, threshold and all members, and one to spare. */
#define POLICY_WORDS_MAX (POLICY_MEMBERS_MAX + 4)

struct policy_line {
    size_t number; /* from 1; 0 before the first */
    char *detail;  /* POLICY_DETAIL_MAX bytes, borrowed: where policy_refuse writes */
    struct span word[POLICY_WORDS_MAX]; /* borrowed from the text */
    size_t words;                       /* at least 1 after policy_line_next */
};

/*
 * Reads on to the next line that says something: ours are those that begin with the word
 * "#cartulary", of the others blank ones and comments are passed over.  *rest loses what was read;
 * before the first call it is the whole text, and number 0.  RES_ABSENT at the end; RES_CONFIG,
 * with the sentence written, for more than POLICY_WORDS_MAX words.
 */
MUST_CHECK enum result policy_line_next(struct policy_line *l, struct span *rest, bool ours);

/* Whether text holds no control byte but tab and newline.  RES_CONFIG, number and sentence are
 * those of the first. */
MUST_CHECK enum result policy_line_octets(struct policy_line *l, struct span text);

/* Writes the sentence.  Always RES_CONFIG. */
enum result policy_refuse(struct policy_line *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the word is s. */
bool policy_word_is(struct span word, const char *s);

/* A span as an argument of "%.*s", cut so that a sentence stays one. */
#define POLICY_SHOWN(s) ((int)((s).n > 64 ? 64 : (s).n)), (const char *)(s).p

#endif
