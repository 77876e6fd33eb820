#include "merkle/keytrans/request.h"

#include "tests/unit/keytrans/whole.h"

AGAIN(search, search_request, search_request_get, search_request_put)
AGAIN(contact, contact_monitor_request, contact_monitor_request_get, contact_monitor_request_put)
AGAIN(init, owner_init_request, owner_init_request_get, owner_init_request_put)
AGAIN(monitor, owner_monitor_request, owner_monitor_request_get, owner_monitor_request_put)
AGAIN(update, update_request, update_request_get, update_request_put)
AGAIN(heads, distinguished_request, distinguished_request_get, distinguished_request_put)
AGAIN(as_of, as_of_request, as_of_request_get, as_of_request_put)
AGAIN(credential, credential_update_request, credential_update_request_get,
      credential_update_request_put)

/* "\xNN" of a request, and what stands where in it. */
#define LAST "\1\0\0\0\0\0\0\0\7"
#define LABEL "\3abc"
#define MAP "\2\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0\0\0\0\0\5\0\0\0\2"

static const struct {
    const char *says;
    again_fn *again;
    const char *bytes;
    size_t n;
} rows[] = {
    {"a first search for the greatest", again_search, "\0\0\0", 3},
    {"a search for one version", again_search, LAST LABEL "\1\0\0\0\4", 18},
    {"monitoring nothing", again_contact, "\0" LABEL "\0", 6},
    {"monitoring two", again_contact, LAST LABEL MAP, 38},
    {"an owner who begins", again_init, LAST LABEL "\0\0\0\0\0\0\0\6", 21},
    {"an owner without versions", again_monitor, LAST LABEL "\0\0\0\0\0\0\0\0\6\0", 23},
    {"an owner", again_monitor, LAST LABEL MAP "\0\0\0\0\0\0\0\6\1\0\0\0\2", 51},
    {"a question for updates", again_update, LAST LABEL "\0\0", 15},
    {"an update of two values", again_update, LAST LABEL "\1\0\0\0\2\2\0\0\0\1x\0\0\0\0", 28},
    {"heads", again_heads, "\0\0", 2},
    {"heads after a stop", again_heads, LAST "\1\0\0\0\0\0\0\0\2", 18},
    {"a label as of a time", again_as_of, LAST LABEL "\0\0\1\2\3\4\5\6", 21},
};

static void
requests_are_read_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        whole(rows[i].again, span_of(rows[i].bytes, rows[i].n));
}

static void
a_last_of_no_entries_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].bytes[0] == 1)
            refused_at(rows[i].again, span_of(rows[i].bytes, rows[i].n), 8, 0, RES_VALUE,
                       rows[i].says);
}

static void
presence_is_0_or_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused_at(rows[i].again, span_of(rows[i].bytes, rows[i].n), 0, 2, RES_VALUE, rows[i].says);
    refused_at(again_search, span_of(LAST LABEL "\1\0\0\0\4", 18), 13, 255, RES_VALUE, "version");
    refused_at(again_update, span_of(LAST LABEL "\0\0", 15), 13, 2, RES_VALUE, "greatest");
    refused_at(again_heads, span_of("\0\0", 2), 1, 7, RES_VALUE, "stop");
}

static void
fields_are_where_they_should_be(void **state)
{
    struct owner_monitor_request q;
    struct reader r = reader_of(span_of(LAST LABEL MAP "\0\0\0\0\0\0\0\6\1\0\0\0\2", 51));

    (void)state;
    owner_monitor_request_get(&r, &q);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(q.last.has && q.last.value == 7);
    assert_true(span_equal(q.label, span_str("abc")));
    assert_true(q.map.n == 2 && q.map.entries[1].position == 5 && q.map.entries[1].version == 2);
    assert_true(q.start == 6 && q.greatest_version.has && q.greatest_version.value == 2);
}

/* The example of api/http/FORMATS.md. */
static void
a_credential_update_is_asked_for(void **state)
{
    static const char bytes[] = "\x12\1alice@example.com\0\0\0\3"
                                "\0\0\0\0\0\0\1\x2c\0\0\0\0\0\0\1\x2b";
    struct credential_update_request q;
    struct reader r = reader_of(span_of(bytes, sizeof(bytes) - 1));

    (void)state;
    whole(again_credential, span_of(bytes, sizeof(bytes) - 1));
    credential_update_request_get(&r, &q);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(span_equal(q.label, span_str("\1alice@example.com")));
    assert_true(q.version == 3 && q.tree_size == 300 && q.terminal == 299);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_whole),
        cmocka_unit_test(a_last_of_no_entries_is_refused),
        cmocka_unit_test(presence_is_0_or_1),
        cmocka_unit_test(fields_are_where_they_should_be),
        cmocka_unit_test(a_credential_update_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
