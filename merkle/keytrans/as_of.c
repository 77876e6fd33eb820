#include "merkle/keytrans/as_of.h"

/* Shows, without omitting anything, how the greatest version in an entry compares with version. */
static enum result
expect(struct transcript *t, uint64_t at, uint32_t version, enum ladder_end expected)
{
    enum ladder_end how;
    enum result rc = transcript_search(t, at, version, false, &how);

    return rc != RES_OK || how == expected ? rc : RES_KT_LADDER;
}

static enum result
check_times(struct transcript *t, const struct as_of *a, uint64_t time)
{
    uint64_t timestamp;
    enum result rc = RES_OK;

    if (a->has_version) {
        rc = transcript_timestamp(t, a->first, &timestamp);
        if (rc == RES_OK && timestamp > time)
            rc = RES_KT_TIME;
    }
    if (rc == RES_OK && a->followed) {
        rc = transcript_timestamp(t, a->next, &timestamp);
        if (rc == RES_OK && timestamp <= time)
            rc = RES_KT_TIME;
    }
    return rc;
}

/* The version begins at first: the entry before has a lesser one. */
static enum result
show_beginning(struct transcript *t, const struct as_of *a)
{
    uint64_t terminal;
    enum result rc = search_fixed(t, a->version, &terminal);

    if (rc == RES_OK && a->first > 0)
        rc = expect(t, a->first - 1, a->version, LADDER_LESS);
    return rc == RES_OK ? expect(t, a->first, a->version, LADDER_EQUAL) : rc;
}

/* Looks version 0 up, alone: whether it is there must be as expected. */
static enum result
expect_zero(struct transcript *t, uint64_t at, bool expected)
{
    static const uint32_t zero = 0;
    bool there;
    enum result rc = transcript_versions(t, at, &zero, 1, &there);

    return rc != RES_OK || there == expected ? rc : RES_KT_LADDER;
}

/* And ends at next: the entry before still has it. */
static enum result
show_end(struct transcript *t, const struct as_of *a)
{
    enum result rc = RES_OK;

    if (a->next - 1 > a->first)
        rc = expect(t, a->next - 1, a->version, LADDER_EQUAL);
    return rc == RES_OK ? expect(t, a->next, a->version, LADDER_GREATER) : rc;
}

/* The label begins at next: the entry before still has none. */
static enum result
show_birth(struct transcript *t, const struct as_of *a)
{
    enum result rc = RES_OK;

    if (a->next > 0)
        rc = expect_zero(t, a->next - 1, false);
    return rc == RES_OK ? expect_zero(t, a->next, true) : rc;
}

enum result
as_of_show(struct transcript *t, const struct as_of *a, uint64_t time)
{
    uint64_t terminal;
    enum result rc;

    if ((a->has_version && a->first >= t->size) ||
        (a->followed && (a->next >= t->size || (a->has_version && a->next <= a->first))))
        return RES_RANGE;
    rc = check_times(t, a, time);
    if (rc == RES_OK && a->has_version)
        rc = show_beginning(t, a);
    if (rc != RES_OK)
        return rc;
    if (a->followed)
        return a->has_version ? show_end(t, a) : show_birth(t, a);
    return a->has_version ? search_greatest(t, a->version, &terminal) : search_absent(t);
}
