/*
 * Addresses and networks: text, kernel form, membership.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address ip(const char *text)
{
	struct address a;

	if (!address_parse_ip(span_str(text), 0, &a))
		fail_msg("%s should be an address", text);
	return a;
}

static void test_address_is_read_and_written_canonically(void **state)
{
	static const struct {
		const char *name, *input, *written; /* NULL: refused */
	} rows[] = {
		{ "IPv4", "127.0.0.1:8080", "127.0.0.1:8080" },
		{ "IPv6", "[::1]:8080", "[::1]:8080" },
		{ "bare port", "8080", "127.0.0.1:8080" },
		{ "any IPv4", "0.0.0.0:80", "0.0.0.0:80" },
		{ "any IPv6", "[::]:80", "[::]:80" },
		{ "port 0, for the kernel to choose", "127.0.0.1:0", "127.0.0.1:0" },
		{ "largest port", "127.0.0.1:65535", "127.0.0.1:65535" },
		{ "long IPv6", "[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443" },
		{ "IPv4 inside IPv6", "[::ffff:192.0.2.1]:80", "192.0.2.1:80" },
		{ "scope", "[fe80::1%3]:80", "[fe80::1%3]:80" },
		{ "port too large", "127.0.0.1:65536", NULL },
		{ "no port", "127.0.0.1", NULL },
		{ "empty port", "127.0.0.1:", NULL },
		{ "nothing before the colon", ":80", NULL },
		{ "IPv6 without brackets", "::1:8080", NULL },
		{ "IPv6 without port", "[::1]", NULL },
		{ "IPv4 in brackets", "[127.0.0.1]:80", NULL },
		{ "empty brackets", "[]:80", NULL },
		{ "one bracket", "[::1:80", NULL },
		{ "scope that is a name", "[fe80::1%eth0]:80", NULL },
		{ "empty scope", "[fe80::1%]:80", NULL },
		{ "scope too large", "[fe80::1%65536]:80", NULL },
		{ "name", "localhost:80", NULL },
		{ "junk port", "127.0.0.1:80x", NULL },
		{ "short IPv4", "127.1:80", NULL },
		{ "empty", "", NULL },
		{ "colon", ":", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a;
		char text[ADDRESS_TEXT_MAX] = "refused";
		bool ok = address_parse(span_str(rows[i].input), &a);
		size_t n = ok ? address_format(&a, text) : strlen(text);
		const char *want = rows[i].written ? rows[i].written : "refused";

		if (strcmp(text, want) != 0 || n != strlen(want))
			fail_msg("%s: \"%s\" gave %s, expected %s", rows[i].name, rows[i].input, text, want);
	}
}

static void test_refused_address_leaves_the_output_untouched(void **state)
{
	struct address a = { .port = 4711 };

	(void)state;
	assert_false(address_parse(SPAN("localhost:80"), &a));
	assert_false(address_parse_ip(SPAN("localhost"), 80, &a));
	assert_int_equal(a.port, 4711);
}

static void test_only_literal_addresses_are_ips(void **state)
{
	static const struct {
		const char *input;
		size_t n;
		const char *written; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.1", 9, "192.0.2.1" },
		{ "::", 2, "::" },
		{ "::FFFF:10.0.0.1", 15, "10.0.0.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 45, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "fe80::1%1", 9, NULL },
		{ "[::1]", 5, NULL },
		{ "192.0.2.256", 11, NULL },
		{ "192.0.2.01", 10, NULL },
		{ "0x7f000001", 10, NULL },
		{ "2130706433", 10, NULL },
		{ "192.0.2.1\0x", 11, NULL },
		{ "192.0.2.1 ", 10, NULL },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", 49, NULL },
		{ "", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a;
		char text[ADDRESS_TEXT_MAX] = "refused";
		const char *want = rows[i].written ? rows[i].written : "refused";

		if (address_parse_ip(span_of(rows[i].input, rows[i].n), 80, &a))
			address_format_ip(&a, text);
		if (strcmp(text, want) != 0)
			fail_msg("\"%s\" gave %s, expected %s", rows[i].input, text, want);
	}
}

static void test_kinds_of_addresses(void **state)
{
	static const struct {
		const char *input;
		bool v4, loopback, any;
	} rows[] = {
		{ "127.0.0.1", true, true, false },
		{ "127.255.0.9", true, true, false },
		{ "128.0.0.1", true, false, false },
		{ "0.0.0.0", true, false, true },
		{ "0.0.0.1", true, false, false },
		{ "::1", false, true, false },
		{ "::", false, false, true },
		{ "::2", false, false, false },
		{ "1::1", false, false, false },
		{ "::ffff:127.0.0.1", true, true, false },
		{ "::127.0.0.1", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = ip(rows[i].input);

		if (address_is_v4(&a) != rows[i].v4 || address_is_loopback(&a) != rows[i].loopback ||
		    address_is_any(&a) != rows[i].any)
			fail_msg("%s: gave v4 %d loopback %d any %d, expected %d %d %d", rows[i].input, address_is_v4(&a),
				 address_is_loopback(&a), address_is_any(&a), rows[i].v4, rows[i].loopback, rows[i].any);
	}
}

static void test_equality_covers_ip_port_and_scope(void **state)
{
	struct address a = ip("fe80::1"), b = a;

	(void)state;
	assert_true(address_eq(&a, &b));
	b.port = 1;
	assert_false(address_eq(&a, &b));
	b = a;
	b.scope = 1;
	assert_false(address_eq(&a, &b));
	b = ip("fe80::2");
	assert_false(address_eq(&a, &b));
}

static void test_kernel_form_there_and_back(void **state)
{
	static const struct {
		const char *input;
		int family;
		socklen_t size;
	} rows[] = {
		{ "192.0.2.1:80", AF_INET, sizeof(struct sockaddr_in) },
		{ "[2001:db8::1]:65535", AF_INET6, sizeof(struct sockaddr_in6) },
		{ "[fe80::1%7]:1", AF_INET6, sizeof(struct sockaddr_in6) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage kernel;
		struct address a, back;

		memset(&kernel, 0xff, sizeof(kernel));
		assert_true(address_parse(span_str(rows[i].input), &a));
		socklen_t size = address_to_sockaddr(&a, &kernel);
		if (size != rows[i].size || kernel.ss_family != rows[i].family)
			fail_msg("%s: gave %u bytes of family %d", rows[i].input, size, kernel.ss_family);
		assert_true(address_from_sockaddr((const struct sockaddr *)&kernel, &back));
		if (!address_eq(&a, &back))
			fail_msg("%s: came back as another address", rows[i].input);
	}
}

static void test_ipv4_through_an_ipv6_socket_is_ipv4(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = 9 };
	struct address a, want;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr), 1);
	assert_true(address_from_sockaddr((const struct sockaddr *)&in6, &a));
	assert_true(address_parse(SPAN("192.0.2.1:80"), &want));
	assert_true(address_eq(&a, &want));
}

static void test_other_families_are_refused(void **state)
{
	struct sockaddr unix_socket = { .sa_family = AF_UNIX };
	struct address a = { .port = 4711 };

	(void)state;
	assert_false(address_from_sockaddr(&unix_socket, &a));
	assert_int_equal(a.port, 4711);
}

static void test_network_holds_its_addresses_and_no_others(void **state)
{
	static const struct {
		const char *network, *address;
		bool has;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "10.1.2.3/8", "10.9.9.9", true },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "::1", "127.0.0.1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "::/95", "192.0.2.1", false },
		{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
		{ "::ffff:10.0.0.0/104", "11.1.1.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "10.0.0.0/8", "::a00:1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = ip(rows[i].address);
		struct network n;

		assert_true(network_parse(span_str(rows[i].network), &n));
		if (network_has(&n, &a) != rows[i].has)
			fail_msg("%s in %s: expected %d", rows[i].address, rows[i].network, rows[i].has);
	}
}

static void test_malformed_networks_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 ",
		"10/8", "example.org", "10.0.0.0:80", "[::1]", "10.0.0.0/255.0.0.0",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct network n = { .prefix_bits = 77 };

		if (network_parse(span_str(rows[i]), &n) || n.prefix_bits != 77)
			fail_msg("\"%s\" was accepted or changed the output", rows[i]);
	}
}

static void test_longest_text_fits(void **state)
{
	struct address a = { .port = 65535, .scope = 65535 };
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	memset(a.ip, 0xfe, sizeof(a.ip));
	assert_int_equal(address_format(&a, text), 39 + 6 + 2 + 6);
	assert_string_equal(text, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%65535]:65535");
}

static void test_numeric_spellings_of_an_address_are_one_address(void **state)
{
	static const struct {
		const char *name, *input, *written; /* NULL: a name */
	} rows[] = {
		{ "as usual", "127.0.0.1", "127.0.0.1" },
		{ "short", "127.1", "127.0.0.1" },
		{ "one number", "2130706433", "127.0.0.1" },
		{ "hexadecimal", "0x7f.1", "127.0.0.1" },
		{ "hexadecimal, one number", "0x7F000001", "127.0.0.1" },
		{ "octal", "0177.0.0.01", "127.0.0.1" },
		{ "zero", "0", "0.0.0.0" },
		{ "dot at the end", "127.0.0.1.", "127.0.0.1" },
		{ "short, dot at the end", "127.1.", "127.0.0.1" },
		{ "two dots at the end", "127.1..", NULL },
		{ "dot", ".", NULL },
		{ "IPv6", "::1", "::1" },
		{ "IPv4 inside IPv6", "::ffff:127.0.0.1", "127.0.0.1" },
		{ "IPv4 inside IPv6, in hexadecimal", "::ffff:7f00:1", "127.0.0.1" },
		{ "name", "localhost", NULL },
		{ "name that begins with a number", "127.0.0.1.example", NULL },
		{ "letters of hexadecimal", "face", NULL },
		{ "too large", "4294967296", NULL },
		{ "five parts", "1.2.3.4.5", NULL },
		{ "blank behind it", "127.1 x", NULL },
		{ "empty", "", NULL },
	};
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool is = address_parse_numeric(span_str(rows[i].input), 80, &a);

		if (is != (rows[i].written != NULL))
			fail_msg("%s: \"%s\" %s", rows[i].name, rows[i].input, is ? "accepted" : "refused");
		if (!is)
			continue;
		address_format_ip(&a, text);
		if (strcmp(text, rows[i].written) != 0 || a.port != 80)
			fail_msg("%s: \"%s\" gives %s", rows[i].name, rows[i].input, text);
	}
}

static void test_ipv4_addresses_inside_ipv6_ones_are_found(void **state)
{
	static const struct {
		const char *name, *input, *inside; /* NULL: none */
	} rows[] = {
		{ "NAT64", "64:ff9b::169.254.169.254", "169.254.169.254" },
		{ "NAT64, local prefix", "64:ff9b:1:fffe::10.0.0.1", "10.0.0.1" },
		{ "6to4", "2002:7f00:1::1", "127.0.0.1" },
		{ "Teredo", "2001:0:102:304:0:0:80ff:fffe", "127.0.0.1" },
		{ "ISATAP", "2001:db8::5efe:192.0.2.1", "192.0.2.1" },
		{ "ISATAP, global", "2001:db8::200:5efe:192.0.2.1", "192.0.2.1" },
		{ "IPv4-compatible", "::127.0.0.1", "127.0.0.1" },
		{ "loopback", "::1", NULL },
		{ "unspecified", "::", NULL },
		{ "IPv4", "127.0.0.1", NULL },
		{ "IPv4-mapped", "::ffff:127.0.0.1", NULL },
		{ "ordinary", "2001:db8::1", NULL },
		{ "beside NAT64", "64:ff9b:0:1::1", NULL },
	};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = ip(rows[i].input), inside;
		bool is = address_embedded_v4(&a, &inside);

		if (is != (rows[i].inside != NULL))
			fail_msg("%s: %s %s an IPv4 address", rows[i].name, rows[i].input, is ? "has" : "has not");
		if (!is)
			continue;
		address_format_ip(&inside, text);
		if (strcmp(text, rows[i].inside) != 0)
			fail_msg("%s: %s gives %s", rows[i].name, rows[i].input, text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_is_read_and_written_canonically),
		cmocka_unit_test(test_refused_address_leaves_the_output_untouched),
		cmocka_unit_test(test_only_literal_addresses_are_ips),
		cmocka_unit_test(test_kinds_of_addresses),
		cmocka_unit_test(test_equality_covers_ip_port_and_scope),
		cmocka_unit_test(test_kernel_form_there_and_back),
		cmocka_unit_test(test_ipv4_through_an_ipv6_socket_is_ipv4),
		cmocka_unit_test(test_other_families_are_refused),
		cmocka_unit_test(test_network_holds_its_addresses_and_no_others),
		cmocka_unit_test(test_malformed_networks_are_refused),
		cmocka_unit_test(test_longest_text_fits),
		cmocka_unit_test(test_numeric_spellings_of_an_address_are_one_address),
		cmocka_unit_test(test_ipv4_addresses_inside_ipv6_ones_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
