#include "merkle/base/result.h"

#include <assert.h>

struct row {
    enum result_class cls;
    const char *name;
    const char *source;
    const char *sentence;
};

static const struct row rows[RESULT_COUNT] = {
#define RESULT_ROW(symbol, cls_, name_, source_, sentence_) \
    [symbol] = {CLASS_##cls_, name_, source_, sentence_},
    RESULT_TABLE(RESULT_ROW)
#undef RESULT_ROW
};

static const struct row *
row_of(enum result r)
{
    assert((unsigned)r < RESULT_COUNT);
    return &rows[r];
}

enum result_class
result_class(enum result r)
{
    return row_of(r)->cls;
}

const char *
result_name(enum result r)
{
    return row_of(r)->name;
}

const char *
result_source(enum result r)
{
    return row_of(r)->source;
}

const char *
result_sentence(enum result r)
{
    return row_of(r)->sentence;
}
