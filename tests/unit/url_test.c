/*
 * Request targets and Host fields: what is taken apart, and what is refused for which reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/url.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TEXT_BYTES = 2048 };

/* "form scheme host port path", with marks: [host] IPv6, !port not given, ^path slash needed, -path missing. */
static void describe(const struct target *t, char out[TEXT_BYTES])
{
	static const char *const forms[] = { "origin", "absolute", "authority", "asterisk" };
	struct span scheme = scheme_name(t->scheme);

	snprintf(out, TEXT_BYTES, t->host_is_ipv6 ? "%s %.*s [%.*s] %s%u %s%.*s" : "%s %.*s %.*s %s%u %s%.*s",
		 forms[t->form], SPAN_ARG(scheme), SPAN_ARG(t->host), t->port_given ? "" : "!", t->port,
		 t->path_needs_slash ? "^" : t->path_missing ? "-" : "", SPAN_ARG(t->path));
}

static void check_target(const char *name, const char *input, bool is_connect, const char *want)
{
	struct target t;
	const char *why = NULL;
	char got[TEXT_BYTES];

	if (target_parse(span_str(input), is_connect, &t, &why))
		describe(&t, got);
	else
		snprintf(got, sizeof(got), "%s", why);
	if (strcmp(got, want) != 0)
		fail_msg("%s: \"%s\" gave \"%s\", expected \"%s\"", name, input, got, want);
}

struct row {
	const char *name, *input, *expected;
};

static void test_target_is_taken_apart(void **state)
{
	static const struct row rows[] = {
		{ "absolute", "http://example.org/a?b", "absolute http example.org !80 /a?b" },
		{ "https", "https://example.org/", "absolute https example.org !443 /" },
		{ "scheme in any case", "HTTP://example.org/", "absolute http example.org !80 /" },
		{ "https in any case", "hTTpS://example.org/", "absolute https example.org !443 /" },
		{ "port", "http://example.org:8080/a", "absolute http example.org 8080 /a" },
		{ "the scheme's port, written", "http://example.org:80/", "absolute http example.org 80 /" },
		{ "empty port", "http://example.org:/", "absolute http example.org !80 /" },
		{ "empty port of https", "https://example.org:", "absolute https example.org !443 -/" },
		{ "largest port", "http://h:65535/", "absolute http h 65535 /" },
		{ "no path", "http://example.org", "absolute http example.org !80 -/" },
		{ "no path but a port", "http://example.org:81", "absolute http example.org 81 -/" },
		{ "query without path", "http://example.org?x=/y", "absolute http example.org !80 ^?x=/y" },
		{ "empty query without path", "http://example.org?", "absolute http example.org !80 ^?" },
		{ "IPv4", "http://192.0.2.1/", "absolute http 192.0.2.1 !80 /" },
		{ "IPv6", "http://[2001:db8::1]/", "absolute http [2001:db8::1] !80 /" },
		{ "IPv6 and port", "http://[::1]:8080/", "absolute http [::1] 8080 /" },
		{ "IPv6 and empty port", "http://[::1]:/", "absolute http [::1] !80 /" },
		{ "IPv6 without path", "http://[::1]", "absolute http [::1] !80 -/" },
		{ "underscore", "http://my_host.example/", "absolute http my_host.example !80 /" },
		{ "all else a name may hold", "http://a-._~!$&'()*+,;=Z/", "absolute http a-._~!$&'()*+,;=Z !80 /" },
		{ "at sign in the path", "http://h/@x", "absolute http h !80 /@x" },
		{ "at sign in the query", "http://h?u@x", "absolute http h !80 ^?u@x" },
		{ "colon in the path", "http://h/a:b", "absolute http h !80 /a:b" },
		{ "odd path", "http://h//..//%zz|\"{}^`<>\\", "absolute http h !80 //..//%zz|\"{}^`<>\\" },
		{ "origin", "/a/b?c", "origin http  !80 /a/b?c" },
		{ "origin of one slash", "/", "origin http  !80 /" },
		{ "origin that looks like an authority", "//h:81/a", "origin http  !80 //h:81/a" },
		{ "asterisk", "*", "asterisk http  !80 *" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_target(rows[i].name, rows[i].input, false, rows[i].expected);
}

static void test_ambiguous_target_is_refused_with_its_reason(void **state)
{
	static const char no_url[] = "request target is neither a path nor a URL";
	static const char scheme[] = "URL begins with neither http:// nor https://";
	static const char bytes[] = "request target holds a blank, a control or a non-ASCII byte";
	static const char name[] = "host holds a character that no host name has";
	static const char port[] = "port is not a number from 1 to 65535";
	static const char user[] = "authority holds a user name or password";
	static const char no_ipv6[] = "no IPv6 address between the brackets";
	static const struct row rows[] = {
		{ "empty", "", "request target is empty" },
		{ "name only", "example.org", no_url },
		{ "relative", "a/b", no_url },
		{ "asterisk and more", "**", no_url },
		{ "authority without CONNECT", "example.org:443", scheme },
		{ "other scheme", "ftp://example.org/", scheme },
		{ "scheme without slashes", "http:example.org", scheme },
		{ "scheme with one slash", "http:/example.org", scheme },
		{ "scheme cut short", "http", no_url },
		{ "longer scheme", "httpss://h/", scheme },
		{ "blank", "http://h/a b", bytes },
		{ "tab", "/\t", bytes },
		{ "newline", "/\n", bytes },
		{ "delete", "/\x7f", bytes },
		{ "not ASCII", "/\xc3\xbc", bytes },
		{ "fragment", "http://h/#x", "request target holds a fragment" },
		{ "fragment of a path", "/#", "request target holds a fragment" },
		{ "no host", "http://", "host is empty" },
		{ "no host but a path", "http:///a", "host is empty" },
		{ "no host but a port", "http://:80/", "host is empty" },
		{ "no host but a query", "http://?x", "host is empty" },
		{ "user", "http://u@h/", user },
		{ "user and password", "http://u:p@h/", user },
		{ "empty user", "http://@h/", user },
		{ "user before IPv6", "http://u@[::1]/", user },
		{ "user after brackets", "http://[::1]@h/", user },
		{ "port 0", "http://h:0/", port },
		{ "port too large", "http://h:65536/", port },
		{ "port far too large", "http://h:18446744073709551617/", port },
		{ "port no number", "http://h:8o/", port },
		{ "port with sign", "http://h:+80/", port },
		{ "two ports", "http://h:80:80/", port },
		{ "bare IPv6", "http://2001:db8::1/", port },
		{ "percent-encoded host", "http://%68/", "host is percent-encoded" },
		{ "backslash in host", "http://h\\x/", name },
		{ "angle bracket in host", "http://h<x/", name },
		{ "bracket within host", "http://h[::1]/", name },
		{ "bracket not closed", "http://[::1/", "closing bracket of the IPv6 address is missing" },
		{ "empty brackets", "http://[]/", no_ipv6 },
		{ "IPv4 in brackets", "http://[192.0.2.1]/", no_ipv6 },
		{ "name in brackets", "http://[example.org]/", no_ipv6 },
		{ "IPvFuture", "http://[v1.a:b]/", no_ipv6 },
		{ "IPv6 with zone", "http://[fe80::1%25eth0]/", "IPv6 address carries a zone" },
		{ "IPv6 with bare zone", "http://[fe80::1%1]/", "IPv6 address carries a zone" },
		{ "junk after brackets", "http://[::1]x/", "neither a port nor the end follows the brackets" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_target(rows[i].name, rows[i].input, false, rows[i].expected);
}

static void test_connect_takes_host_and_port_only(void **state)
{
	static const char name[] = "host holds a character that no host name has";
	static const char port[] = "port is not a number from 1 to 65535";
	static const struct row rows[] = {
		{ "name", "example.org:443", "authority http example.org 443 " },
		{ "IPv4", "192.0.2.1:22", "authority http 192.0.2.1 22 " },
		{ "IPv6", "[::1]:443", "authority http [::1] 443 " },
		{ "no port", "example.org", "CONNECT needs a port" },
		{ "empty port", "example.org:", "CONNECT needs a port" },
		{ "IPv6 without port", "[::1]", "CONNECT needs a port" },
		{ "port 0", "h:0", port },
		{ "path", "h:443/", port },
		{ "query", "h:443?x", port },
		{ "path alone", "/", name },
		{ "asterisk", "*", "CONNECT needs a port" },
		{ "URL", "http://h:443/", port },
		{ "user", "u@h:443", "authority holds a user name or password" },
		{ "no host", ":443", "host is empty" },
		{ "empty", "", "request target is empty" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_target(rows[i].name, rows[i].input, true, rows[i].expected);
}

static void test_refused_target_leaves_the_output_untouched(void **state)
{
	struct target t = { .port = 4711 };
	const char *why = NULL;

	(void)state;
	assert_false(target_parse(SPAN("http://h:0/"), false, &t, &why));
	assert_false(target_parse(SPAN("h:0"), true, &t, &why));
	assert_int_equal(t.port, 4711);
	assert_null(t.host.p);
}

static void test_authority_is_kept_as_written(void **state)
{
	static const struct row rows[] = {
		{ "port", "http://Example.ORG:080/a", "Example.ORG:080" },
		{ "empty port", "http://h:?x", "h:" },
		{ "IPv6", "https://[::1]:443", "[::1]:443" },
		{ "origin-form has none", "/a", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct target t;
		const char *why = NULL;

		assert_true(target_parse(span_str(rows[i].input), false, &t, &why));
		if (!span_eq(t.authority, span_str(rows[i].expected)))
			fail_msg("%s: \"%s\" gave \"%.*s\", expected \"%s\"", rows[i].name, rows[i].input,
				 SPAN_ARG(t.authority), rows[i].expected);
	}
}

static void test_host_is_at_most_255_bytes(void **state)
{
	char url[300] = "http://";
	struct target t;
	const char *why = NULL;

	(void)state;
	memset(url + 7, 'a', 256);
	assert_true(target_parse(span_of(url, 7 + 255), false, &t, &why));
	assert_int_equal(t.host.n, 255);
	assert_false(target_parse(span_of(url, 7 + 256), false, &t, &why));
	assert_string_equal(why, "host is longer than 255 bytes");
}

static void test_nul_byte_is_no_end(void **state)
{
	struct target t;
	struct span host;
	const char *why = NULL;
	uint16_t port;
	bool is_ipv6;

	(void)state;
	assert_false(target_parse(SPAN("/a\0b"), false, &t, &why));
	assert_false(host_parse(SPAN("h\0x"), &host, &port, &is_ipv6, &why));
	assert_false(host_parse(SPAN("[::1\0]"), &host, &port, &is_ipv6, &why));
}

static void test_host_field_is_host_and_port(void **state)
{
	static const struct row rows[] = {
		{ "name", "example.org", "example.org 0" },
		{ "name and port", "example.org:8080", "example.org 8080" },
		{ "empty port", "example.org:", "example.org 0" },
		{ "IPv6", "[::1]", "[::1] 0" },
		{ "IPv6 and port", "[::1]:81", "[::1] 81" },
		{ "empty", "", "host is empty" },
		{ "two values", "a, b", "host holds a character that no host name has" },
		{ "trailing blank", "a ", "host holds a character that no host name has" },
		{ "slash", "a/b", "host holds a character that no host name has" },
		{ "user", "u@a", "authority holds a user name or password" },
		{ "URL", "http://a", "port is not a number from 1 to 65535" },
		{ "not ASCII", "\xc3\xbc", "host holds a character that no host name has" },
		{ "zone", "[fe80::1%1]", "IPv6 address carries a zone" },
		{ "port 0", "a:0", "port is not a number from 1 to 65535" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span host;
		uint16_t port;
		bool is_ipv6;
		const char *why = NULL;
		char got[256];

		if (host_parse(span_str(rows[i].input), &host, &port, &is_ipv6, &why))
			snprintf(got, sizeof(got), is_ipv6 ? "[%.*s] %u" : "%.*s %u", SPAN_ARG(host), port);
		else
			snprintf(got, sizeof(got), "%s", why);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s: \"%s\" gave \"%s\", expected \"%s\"", rows[i].name, rows[i].input, got,
				 rows[i].expected);
	}
}

static void test_schemes_have_their_ports_and_names(void **state)
{
	(void)state;
	assert_int_equal(scheme_port(SCHEME_HTTP), 80);
	assert_int_equal(scheme_port(SCHEME_HTTPS), 443);
	assert_true(span_eq(scheme_name(SCHEME_HTTP), SPAN("http")));
	assert_true(span_eq(scheme_name(SCHEME_HTTPS), SPAN("https")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_is_taken_apart),
		cmocka_unit_test(test_ambiguous_target_is_refused_with_its_reason),
		cmocka_unit_test(test_connect_takes_host_and_port_only),
		cmocka_unit_test(test_refused_target_leaves_the_output_untouched),
		cmocka_unit_test(test_authority_is_kept_as_written),
		cmocka_unit_test(test_host_is_at_most_255_bytes),
		cmocka_unit_test(test_nul_byte_is_no_end),
		cmocka_unit_test(test_host_field_is_host_and_port),
		cmocka_unit_test(test_schemes_have_their_ports_and_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
