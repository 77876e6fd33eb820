#include "tools/records.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "tools/app.h"

static const char *
source_name(enum mailbox_source s)
{
    static const char *const names[] = {"", "subjectAltName", "subjectAltName (UTF-8)", "SUBJECT",
                                        "ELSEWHERE"};
    return names[s];
}

static const char *
purpose_name(enum mailbox_purpose p)
{
    static const char *const names[] = {"", "sign", "encrypt", "sign and encrypt"};
    return names[p];
}

/* Whether the same record, with the same entries, stands among those of before. */
static bool
stands(struct span before, const struct mailbox_record *m)
{
    struct reader in = reader_of(before);
    struct mailbox_state state;

    if (before.n == 0)
        return false;
    mailbox_state_get(&in, &state);
    if (reader_end(&in) != RES_OK || state.tombstone)
        return false;
    in = reader_of(state.records);
    for (unsigned i = 0; i < state.n; i++) {
        struct mailbox_record other;
        mailbox_record_get(&in, &other);
        if (hash_equal(&other.key_id, &m->key_id))
            return other.final_index == m->final_index && other.precert_index == m->precert_index &&
                   other.status == m->status;
    }
    return false;
}

static void
print_line(const struct mailbox_record *m, bool new)
{
    char from[APP_TIME_MAX], to[APP_TIME_MAX], id[2 * HASH_SIZE + 1];
    bool announced = m->final_index == MAILBOX_NO_INDEX;

    app_time(m->not_before * 1000, from);
    app_time(m->not_after * 1000, to);
    text_hex_to(hash_span(announced ? &m->key_id : &m->certificate_sha256), id);
    (void)printf("  %s %s, %s to %s, \"%.*s\" in %s\n      %s %s, entry %" PRIu64 "%s\n",
                 new ? "new " : "    ", purpose_name(m->purpose), from, to, (int)m->address.n,
                 m->address.p, source_name(m->source), announced ? "announced" : "certificate", id,
                 announced ? m->precert_index : m->final_index,
                 m->status == MAILBOX_REVOKED ? ", revoked"
                 : m->status == MAILBOX_HELD  ? ", on hold"
                                              : "");
}

static enum result
print_json(const struct mailbox_record *m, bool new, bool first)
{
    struct buf address = BUF_INIT(4096);
    char id[2 * HASH_SIZE + 1], key[2 * HASH_SIZE + 1];
    enum result r = json_write_string(m->address, &address);

    if (r == RES_OK)
        r = buf_add(&address, span_of("", 1));
    text_hex_to(hash_span(&m->certificate_sha256), id);
    text_hex_to(hash_span(&m->spki_sha256), key);
    if (r == RES_OK)
        (void)printf("%s{\"new\":%s,\"certificate_sha256\":\"%s\",\"spki_sha256\":\"%s\","
                     "\"index\":%" PRIu64 ",\"not_before\":%" PRIu64 ",\"not_after\":%" PRIu64
                     ",\"purpose\":%d,\"source\":%d,\"status\":%d,\"address\":%s}",
                     first ? "" : ",", new ? "true" : "false", id, key,
                     m->final_index == MAILBOX_NO_INDEX ? m->precert_index : m->final_index,
                     m->not_before, m->not_after, (int)m->purpose, (int)m->source, (int)m->status,
                     (const char *)address.p);
    buf_release(&address);
    return r;
}

/* The address of each is one of the label: so it has no control characters either. */
static enum result
check_addresses(const struct mailbox_state *state, const struct label *label)
{
    struct reader in = reader_of(state->records);
    struct mailbox_record m;
    struct address address;
    struct label of;

    for (unsigned i = 0; i < state->n; i++) {
        mailbox_record_get(&in, &m);
        if (address_parse(m.address, &address) != RES_OK)
            return RES_VALUE;
        label_of_address(&address, &of);
        if (!span_equal(span_of(of.b, of.n), span_of(label->b, label->n)))
            return RES_VALUE;
    }
    return in.err;
}

void
records_print_tombstone(const struct mailbox_state *s)
{
    const char *reason = mailbox_erased_name(s->reason);
    char time[APP_TIME_MAX];

    app_time(s->time * 1000, time);
    (void)printf("  erased %s (%s); %" PRIu32 " certificate%s had been known\n", time,
                 reason != NULL ? reason : "another reason", s->count, s->count == 1 ? "" : "s");
}

enum result
records_print(const struct label *label, struct span value, struct span before, bool json)
{
    struct reader in = reader_of(value);
    struct mailbox_state state;

    mailbox_state_get(&in, &state);
    enum result r = reader_end(&in);
    if (r == RES_OK && !state.tombstone)
        r = check_addresses(&state, label);
    if (r != RES_OK)
        return r;
    if (json)
        (void)printf("\"erased\":%s,\"total\":%" PRIu32 ",\"records\":[",
                     state.tombstone ? "true" : "false",
                     state.tombstone ? state.count : state.total);
    else if (state.tombstone)
        records_print_tombstone(&state);
    in = reader_of(state.records);
    for (unsigned i = 0; !state.tombstone && i < state.n && r == RES_OK; i++) {
        struct mailbox_record m;
        mailbox_record_get(&in, &m);
        bool new = !stands(before, &m);
        if (json)
            r = print_json(&m, new, i == 0);
        else
            print_line(&m, new);
    }
    if (json)
        (void)printf("]");
    return r;
}
