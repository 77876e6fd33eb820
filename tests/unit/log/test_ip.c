/* log/ip: addresses, networks, and who counts as one client. */
#include <string.h>

#include "log/ip.h"
#include "tests/vectors/check.h"

static void
test_networks(void **state)
{
    static const struct {
        const char *says, *net;
        bool ok;
        const char *in, *out; /* an address in it and one beside it, or NULL */
    } ROWS[] = {
        {"an IPv4 address is a network of one", "192.0.2.1", true, "192.0.2.1", "192.0.2.0"},
        {"an IPv6 address too", "2001:db8::1", true, "2001:db8::1", "2001:db8::"},
        {"whole octets", "10.0.0.0/8", true, "10.255.0.1", "11.0.0.0"},
        {"bits within an octet", "10.0.0.128/25", true, "10.0.0.255", "10.0.0.127"},
        {"one bit", "128.0.0.0/1", true, "255.255.255.255", "127.255.255.255"},
        {"no bit: all of IPv4", "0.0.0.0/0", true, "203.0.113.9", "::2"},
        {"no bit: all of IPv6", "::/0", true, "ffff::", "0.0.0.0"},
        {"IPv6", "2001:db8:100::/40", true, "2001:db8:1ff::1", "2001:db8:200::"},
        {"IPv4 as IPv6", "::ffff:10.0.0.0/104", true, "10.1.2.3", "11.0.0.0"},
        {"an address is found in either form", "10.0.0.0/8", true, "::ffff:10.1.2.3", "::10.1.2.3"},
        {"bits beyond the network", "10.0.0.1/8", false, NULL, NULL},
        {"bits beyond, by one", "10.0.0.64/25", false, NULL, NULL},
        {"more bits than there are", "10.0.0.0/33", false, NULL, NULL},
        {"more than IPv6 has", "::/129", false, NULL, NULL},
        {"more of IPv6 than IPv4 as IPv6 has", "::ffff:0.0.0.0/95", false, NULL, NULL},
        {"no number", "10.0.0.0/", false, NULL, NULL},
        {"a sign", "10.0.0.0/+8", false, NULL, NULL},
        {"a zero in front", "10.0.0.0/08", false, NULL, NULL},
        {"a mask", "10.0.0.0/255.0.0.0", false, NULL, NULL},
        {"two slashes", "10.0.0.0/8/8", false, NULL, NULL},
        {"nothing", "", false, NULL, NULL},
        {"a slash alone", "/8", false, NULL, NULL},
        {"a short form of old", "10.1", false, NULL, NULL},
        {"a name", "localhost", false, NULL, NULL},
        {"a scope", "fe80::1%1", false, NULL, NULL},
        {"brackets", "[::1]", false, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct ip_net net;
        struct ip ip;
        if (ip_net_parse(span_str(ROWS[i].net), &net) != (ROWS[i].ok ? RES_OK : RES_VALUE))
            fail_msg("%s: another result", ROWS[i].says);
        if (!ROWS[i].ok)
            continue;
        assert_int_equal(ip_parse(span_str(ROWS[i].in), &ip), RES_OK);
        if (!ip_in(&ip, &net))
            fail_msg("%s: %s is not in it", ROWS[i].says, ROWS[i].in);
        assert_int_equal(ip_parse(span_str(ROWS[i].out), &ip), RES_OK);
        if (ip_in(&ip, &net))
            fail_msg("%s: %s is in it", ROWS[i].says, ROWS[i].out);
    }
}

static void
test_clients(void **state)
{
    static const struct {
        const char *says, *a, *b; /* NULL: no address */
        bool same;
    } ROWS[] = {
        {"one address", "192.0.2.1", "192.0.2.1", true},
        {"a /24", "192.0.2.0", "192.0.2.255", true},
        {"its neighbour", "192.0.2.255", "192.0.3.0", false},
        {"a /56", "2001:db8:0:100::", "2001:db8:0:1ff:ffff:ffff:ffff:ffff", true},
        {"its neighbour", "2001:db8:0:1ff::", "2001:db8:0:200::", false},
        {"IPv4 as IPv6", "192.0.2.1", "::ffff:192.0.2.2", true},
        {"IPv6 that begins as an IPv4 address does", "32.1.13.184", "2001:db8::", false},
        {"no address and no address", NULL, NULL, true},
        {"no address and IPv4's first", NULL, "0.0.0.0", false},
        {"no address and IPv6's first", NULL, "::", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct ip a = {.n = 0}, b = {.n = 0};
        struct hash ka, kb;
        if (ROWS[i].a)
            assert_int_equal(ip_parse(span_str(ROWS[i].a), &a), RES_OK);
        if (ROWS[i].b)
            assert_int_equal(ip_parse(span_str(ROWS[i].b), &b), RES_OK);
        ip_client_key(&a, &ka);
        ip_client_key(&b, &kb);
        if (hash_equal(&ka, &kb) != ROWS[i].same)
            fail_msg("%s: %s", ROWS[i].says, ROWS[i].same ? "two clients" : "one client");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
