/* api/http/origin: whose request it is, and who may say so. */
#include <stdio.h>

#include "api/http/origin.h"
#include "tests/vectors/check.h"

#define LINES_MAX 12

struct row {
    const char *says;
    const char *peer; /* NULL: a Unix socket */
    const char *lines[LINES_MAX];
    const char *want; /* NULL: no address */
};

static const struct row ROWS[] = {
    /* who is believed */
    {"nobody says anything", "192.0.2.1", {NULL}, "192.0.2.1"},
    {"a stranger's word is nothing", "192.0.2.1", {"198.51.100.7"}, "192.0.2.1"},
    {"a front's word", "10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"the last address of the front's network", "10.255.255.255", {"198.51.100.7"}, "198.51.100.7"},
    {"the first behind it", "11.0.0.0", {"198.51.100.7"}, "11.0.0.0"},
    {"the address that is trusted alone", "127.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"and its neighbour", "127.0.0.2", {"198.51.100.7"}, "127.0.0.2"},
    {"a front that says nothing", "10.0.0.1", {NULL}, "10.0.0.1"},
    {"a front over IPv6", "2001:db8:f::1", {"2001:db8:1::7"}, "2001:db8:1::7"},
    {"a stranger over IPv6", "2001:db8:e::1", {"2001:db8:1::7"}, "2001:db8:e::1"},
    {"a front's IPv4 address as IPv6", "::ffff:10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"a client's", "10.0.0.1", {"::ffff:198.51.100.7"}, "198.51.100.7"},
    {"a Unix socket", NULL, {"198.51.100.7"}, "198.51.100.7"},
    {"a Unix socket that says nothing", NULL, {NULL}, NULL},
    /* more than one */
    {"what a client wrote itself stands left",
     "10.0.0.1",
     {"203.0.113.9, 198.51.100.7"},
     "198.51.100.7"},
    {"also when it is a front's", "10.0.0.1", {"10.0.0.9, 198.51.100.7"}, "198.51.100.7"},
    {"also when it is garbage", "10.0.0.1", {"<script>, 198.51.100.7"}, "198.51.100.7"},
    {"two fronts", "10.0.0.1", {"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
    {"two fronts and a lie", "10.0.0.1", {"203.0.113.9,198.51.100.7,10.0.0.2"}, "198.51.100.7"},
    {"a front of another list between",
     "10.0.0.1",
     {"198.51.100.7, 192.0.2.5, 10.0.0.2"},
     "192.0.2.5"},
    {"fronts only: the first of them", "10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
    {"two lines are one list", "10.0.0.1", {"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
    {"the second a front's", "10.0.0.1", {"198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
    {"more lines than are kept",
     "10.0.0.1",
     {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5", "203.0.113.6",
      "203.0.113.7", "203.0.113.8", "203.0.113.9", "198.51.100.7"},
     "198.51.100.7"},
    {"fronts in all that are kept",
     "10.0.0.1",
     {"203.0.113.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7",
      "10.0.0.8", "10.0.0.9"},
     "10.0.0.2"},
    /* forms */
    {"blanks and tabs", "10.0.0.1", {" \t198.51.100.7 \t"}, "198.51.100.7"},
    {"an empty field", "10.0.0.1", {""}, "10.0.0.1"},
    {"blanks only", "10.0.0.1", {"  "}, "10.0.0.1"},
    {"empty members", "10.0.0.1", {", ,198.51.100.7, ,"}, "198.51.100.7"},
    {"with a port", "10.0.0.1", {"198.51.100.7:4711"}, "198.51.100.7"},
    {"with a port too large", "10.0.0.1", {"198.51.100.7:65536"}, "10.0.0.1"},
    {"with a colon and no port", "10.0.0.1", {"198.51.100.7:"}, "10.0.0.1"},
    {"IPv6 in brackets", "10.0.0.1", {"[2001:db8:1::7]"}, "2001:db8:1::7"},
    {"IPv6 in brackets with a port", "10.0.0.1", {"[2001:db8:1::7]:443"}, "2001:db8:1::7"},
    {"a bracket that does not end", "10.0.0.1", {"[2001:db8:1::7"}, "10.0.0.1"},
    {"something behind the bracket", "10.0.0.1", {"[2001:db8:1::7]443"}, "10.0.0.1"},
    {"IPv4 in brackets", "10.0.0.1", {"[198.51.100.7]"}, "10.0.0.1"},
    {"empty brackets", "10.0.0.1", {"[]"}, "10.0.0.1"},
    {"IPv6 with a scope", "10.0.0.1", {"fe80::1%eth0"}, "10.0.0.1"},
    {"a name", "10.0.0.1", {"client.example"}, "10.0.0.1"},
    {"the word of some fronts", "10.0.0.1", {"unknown"}, "10.0.0.1"},
    {"three octets", "10.0.0.1", {"198.51.100"}, "10.0.0.1"},
    {"an octet with a zero in front", "10.0.0.1", {"198.51.100.007"}, "10.0.0.1"},
    {"quotes", "10.0.0.1", {"\"198.51.100.7\""}, "10.0.0.1"},
    {"garbage behind a front", "10.0.0.1", {"198.51.100.7, x, 10.0.0.2"}, "10.0.0.1"},
    {"longer than any address",
     "10.0.0.1",
     {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"},
     "10.0.0.1"},
    /* HTTP_HOPS_MAX is 16 */
    {"sixteen members",
     "10.0.0.1",
     {"198.51.100.7,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2",
      "10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2"},
     "198.51.100.7"},
    {"seventeen",
     "10.0.0.1",
     {"198.51.100.7,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2",
      "10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2,10.0.0.2"},
     "10.0.0.1"},
};

static struct ip
ip_of(const char *text)
{
    struct ip ip = {.n = 0};

    if (text != NULL)
        assert_int_equal(ip_parse(span_str(text), &ip), RES_OK);
    return ip;
}

static struct ip
origin(const struct row *row, const struct origin_trust *trust)
{
    struct ip peer = ip_of(row->peer);
    struct origin_lines lines = {.n = 0};

    for (int i = 0; i < LINES_MAX && row->lines[i] != NULL; i++)
        origin_add_line(&lines, span_str(row->lines[i]));
    return origin_of(&peer, trust, &lines);
}

static void
every_row(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8", "127.0.0.1", "2001:db8:f::/48"};
    struct ip_net nets[3];
    struct origin_trust all = {.nets = nets, .n = 3, .unix_peers = true};
    struct origin_trust none = {.n = 0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ip_net_parse(span_str(texts[i]), &nets[i]), RES_OK);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct ip want = ip_of(ROWS[i].want);
        struct ip peer = ip_of(ROWS[i].peer);
        struct ip got = origin(&ROWS[i], &all);

        if (memcmp(&got, &want, sizeof got) != 0)
            fail_msg("%s: another address", ROWS[i].says);
        got = origin(&ROWS[i], &none);
        if (memcmp(&got, &peer, sizeof got) != 0)
            fail_msg("%s: believed though nobody is trusted", ROWS[i].says);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
