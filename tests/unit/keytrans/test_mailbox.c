#include "merkle/keytrans/mailbox.h"

#include "tests/unit/keytrans/whole.h"
#include "tests/vectors/testdata.h"

#define H1 "1111111111111111111111111111111111111111111111111111111111111111"
#define H2 "2222222222222222222222222222222222222222222222222222222222222222"
#define H3 "3333333333333333333333333333333333333333333333333333333333333333"
#define H4 "4444444444444444444444444444444444444444444444444444444444444444"

/* FORMATS.md, "The value". */
#define RECORD                                                                           \
    H1 "00000000000000060000000000000007" H2 H3 "000000006955b900000000006b36ec80030111" \
       "416c696365406578616d706c652e6f7267"
#define ALL "a18d6cfca96b396710ba081f0c1af8ad51976bfad93692473a0d3ae04bfcb76b"
#define STATE "01010001" RECORD "0100000001" ALL
#define REVOKED "03000000006a18a50001000000006a187df00000000000000003"
#define TOMBSTONE "0102000000006ab13b800100000001"
#define DOMAIN_STATE "010000000000000002" H4

AGAIN(record, mailbox_record, mailbox_record_get, mailbox_record_put)
AGAIN(state, mailbox_state, mailbox_state_get, mailbox_state_put)
AGAIN(domain, domain_state, domain_state_get, domain_state_put)

static struct mailbox_record
alice(void)
{
    struct mailbox_record m = {.precert_index = 6,
                               .final_index = 7,
                               .not_before = 0x6955b900,
                               .not_after = 0x6b36ec80,
                               .purpose = MAILBOX_BOTH,
                               .source = MAILBOX_SAN_RFC822,
                               .address = span_str("Alice@example.org"),
                               .status = MAILBOX_GOOD};

    memset(&m.key_id, 0x11, HASH_SIZE);
    memset(&m.certificate_sha256, 0x22, HASH_SIZE);
    memset(&m.spki_sha256, 0x33, HASH_SIZE);
    return m;
}

/* A state of n records, which stand one behind the other in records. */
static void
put_state(struct buf *out, unsigned n, struct span records, uint32_t total)
{
    struct mailbox_state s = {.n = n, .records = records, .total = total};
    struct writer w = writer_to(out);

    buf_clear(out);
    mailbox_state_put(&w, &s);
    assert_int_equal(writer_end(&w), RES_OK);
}

static void
the_examples_are_what_they_say(void **state)
{
    struct buf bytes = BUF_INIT(4096), made = BUF_INIT(4096);
    struct writer w = writer_to(&made);
    struct mailbox_record m = alice();
    struct mailbox_state s;
    struct reader r;
    uint8_t leaf[1024] = {0};
    struct hash all;

    (void)state;
    mailbox_record_put(&w, &m);
    testdata_hex(RECORD "01", &bytes);
    assert_true(span_equal(buf_span(&made), buf_span(&bytes)));
    /* the root of one entry is the hash of its leaf */
    memcpy(leaf + 1, made.p, made.n);
    hash_sha256(span_of(leaf, made.n + 1), &all);
    testdata_hex(STATE, &bytes);
    assert_int_equal(bytes.n, 189);
    r = reader_of(buf_span(&bytes));
    mailbox_state_get(&r, &s);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(!s.tombstone && s.n == 1 && s.total == 1 && hash_equal(&s.all, &all));
    assert_true(span_equal(s.records, buf_span(&made)));
    whole(again_state, buf_span(&bytes));
    testdata_hex(RECORD REVOKED, &bytes);
    r = reader_of(buf_span(&bytes));
    mailbox_record_get(&r, &m);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(m.status == MAILBOX_REVOKED && m.reason == 1 && m.crl_index == 3);
    whole(again_record, buf_span(&bytes));
    testdata_hex(TOMBSTONE, &bytes);
    whole(again_state, buf_span(&bytes));
    testdata_hex(DOMAIN_STATE, &bytes);
    whole(again_domain, buf_span(&bytes));
    buf_release(&bytes);
    buf_release(&made);
}

static void
values_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *says;
        size_t offset;
        uint8_t value;
    } rows[] = {
        {"a purpose of 0", 128, 0}, {"a purpose of 4", 128, 4}, {"a source of 0", 129, 0},
        {"a source of 5", 129, 5},  {"a status of 0", 148, 0},  {"a status of 4", 148, 4},
    };
    struct buf bytes = BUF_INIT(4096);

    (void)state;
    testdata_hex(RECORD "01", &bytes);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused_at(again_record, buf_span(&bytes), rows[i].offset, rows[i].value, RES_VALUE,
                   rows[i].says);
    testdata_hex(STATE, &bytes);
    refused_at(again_state, buf_span(&bytes), 0, 2, RES_VALUE, "another format");
    refused_at(again_state, buf_span(&bytes), 1, 0, RES_VALUE, "no kind");
    refused_at(again_state, buf_span(&bytes), 1, 3, RES_VALUE, "another kind");
    refused_at(again_state, buf_span(&bytes), 156, 0, RES_VALUE, "fewer in all than here");
    testdata_hex(DOMAIN_STATE, &bytes);
    refused_at(again_domain, buf_span(&bytes), 0, 0, RES_VALUE, "another format");
    buf_release(&bytes);
}

static void
what_is_logged_has_a_hash(void **state)
{
    static const struct {
        const char *says;
        uint64_t precert, final;
        bool hash;
        enum result rc;
    } rows[] = {
        {"both logged", 6, 7, true, RES_OK},
        {"the certificate alone", MAILBOX_NO_INDEX, 7, true, RES_OK},
        {"announced", 6, MAILBOX_NO_INDEX, false, RES_OK},
        {"announced, with a hash", 6, MAILBOX_NO_INDEX, true, RES_VALUE},
        {"logged, without a hash", 6, 7, false, RES_VALUE},
        {"neither", MAILBOX_NO_INDEX, MAILBOX_NO_INDEX, false, RES_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf bytes = BUF_INIT(4096), again = BUF_INIT(4096);
        struct writer w = writer_to(&bytes);
        struct mailbox_record m = alice();

        m.precert_index = rows[i].precert;
        m.final_index = rows[i].final;
        if (!rows[i].hash)
            memset(&m.certificate_sha256, 0, HASH_SIZE);
        mailbox_record_put(&w, &m);
        if (again_record(buf_span(&bytes), &again) != rows[i].rc)
            fail_msg("%s", rows[i].says);
        buf_release(&bytes);
        buf_release(&again);
    }
}

static void
records_stand_in_order_and_once(void **state)
{
    static const struct {
        const char *says;
        uint64_t before[3];
        uint8_t id[3];
        enum result rc;
    } rows[] = {
        {"newest first", {30, 20, 10}, {1, 2, 3}, RES_OK},
        {"of one time, by key", {30, 30, 10}, {1, 2, 3}, RES_OK},
        {"oldest first", {10, 20, 30}, {1, 2, 3}, RES_VALUE},
        {"of one time, not by key", {30, 30, 10}, {2, 1, 3}, RES_VALUE},
        {"a key twice", {30, 30, 10}, {2, 2, 3}, RES_VALUE},
        {"a key twice, at two times", {30, 20, 10}, {2, 1, 2}, RES_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf records = BUF_INIT(4096), bytes = BUF_INIT(4096), again = BUF_INIT(4096);
        struct writer w = writer_to(&records);

        for (unsigned k = 0; k < 3; k++) {
            struct mailbox_record m = alice();

            m.not_before = rows[i].before[k];
            m.key_id.b[0] = rows[i].id[k];
            mailbox_record_put(&w, &m);
        }
        put_state(&bytes, 3, buf_span(&records), 3);
        if (again_state(buf_span(&bytes), &again) != rows[i].rc)
            fail_msg("%s", rows[i].says);
        buf_release(&records);
        buf_release(&bytes);
        buf_release(&again);
    }
}

/* As many records as there may be, each as long as it may be; and one more. */
static void
the_longest_value_is_as_long_as_said(void **state)
{
    char address[MAILBOX_ADDRESS_MAX + 1];
    struct buf records = BUF_INIT(1u << 20), bytes = BUF_INIT(1u << 20), again = BUF_INIT(1u << 20);
    struct writer w = writer_to(&records);
    struct mailbox_record m = alice();

    (void)state;
    memset(address, 'a', sizeof(address));
    m.status = MAILBOX_HELD;
    m.address = span_of(address, MAILBOX_ADDRESS_MAX);
    for (unsigned i = 0; i <= MAILBOX_RECORDS_MAX; i++) {
        m.key_id.b[0] = (uint8_t)(i >> 8);
        m.key_id.b[1] = (uint8_t)i;
        mailbox_record_put(&w, &m);
        assert_int_equal(records.n, (i + 1) * MAILBOX_RECORD_MAX);
    }
    put_state(&bytes, MAILBOX_RECORDS_MAX,
              span_of(records.p, MAILBOX_RECORDS_MAX * MAILBOX_RECORD_MAX), UINT32_MAX);
    assert_int_equal(bytes.n, MAILBOX_VALUE_MAX);
    assert_int_equal(again_state(buf_span(&bytes), &again), RES_OK);
    assert_true(span_equal(buf_span(&bytes), buf_span(&again)));
    put_state(&bytes, MAILBOX_RECORDS_MAX + 1, buf_span(&records), UINT32_MAX);
    assert_int_equal(again_state(buf_span(&bytes), &again), RES_VALUE);
    buf_clear(&bytes);
    w = writer_to(&bytes);
    m.address = span_of(address, MAILBOX_ADDRESS_MAX + 1);
    mailbox_record_put(&w, &m);
    assert_int_equal(again_record(buf_span(&bytes), &again), RES_VALUE);
    buf_clear(&bytes);
    m.address = span_of(NULL, 0);
    mailbox_record_put(&w, &m);
    assert_int_equal(again_record(buf_span(&bytes), &again), RES_VALUE);
    buf_release(&records);
    buf_release(&bytes);
    buf_release(&again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_are_what_they_say),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(what_is_logged_has_a_hash),
        cmocka_unit_test(records_stand_in_order_and_once),
        cmocka_unit_test(the_longest_value_is_as_long_as_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
