/*
 * Directories for tests: made under TMPDIR or /tmp, and removed with all they hold.  Every function
 * ends the program when it cannot do its work.
 */
#ifndef TESTS_UNIT_LOG_SCRATCH_H
#define TESTS_UNIT_LOG_SCRATCH_H

/* Makes a new directory; its name to be freed. */
char *scratch_new(void);
/* Removes it with all it holds and frees the name. */
void scratch_free(char *path);

/* Fixtures of one test: *state is the name of its directory. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Fixtures of a group of tests that share one directory: its name. */
extern char *scratch_shared;
int scratch_share(void **state);
int scratch_unshare(void **state);

#endif
