/*
 * Denied destinations: by address, by every spelling of it, by name, and the exceptions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/destination.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct destinations *lists(const char *const *denied, const char *const *excepted)
{
	struct destinations *d = destinations_new();
	const char *why;

	assert_non_null(d);
	for (; *denied; denied++)
		if (!destinations_deny(d, span_str(*denied), &why))
			fail_msg("%s: %s", *denied, why);
	for (; *excepted; excepted++)
		if (!destinations_except(d, span_str(*excepted), &why))
			fail_msg("%s: %s", *excepted, why);
	return d;
}

static bool refuses_target(const struct destinations *d, const char *authority)
{
	struct target t;
	const char *why;

	if (!target_parse(span_str(authority), true, &t, &why))
		fail_msg("%s: %s", authority, why);
	return destinations_refuse_target(d, &t);
}

static const char *const denied[] = {
	"127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "::1", "::", "fe80::/10", "10.0.0.0/8", "*.secret.example",
	"mail.example:25", NULL
};
static const char *const excepted[] = { "10.1.2.3", "open.secret.example", NULL };

static void test_targets(void **state)
{
	static const struct {
		const char *name, *authority;
		bool refused;
	} rows[] = {
		{ "other address", "192.0.2.1:80", false },
		{ "other name", "www.example:80", false },
		{ "metadata", "169.254.169.254:80", true },
		{ "metadata as a number", "2852039166:80", true },
		{ "metadata in hexadecimal", "0xa9fea9fe:80", true },
		{ "metadata in octal", "0251.0376.0251.0376:80", true },
		{ "metadata inside IPv6", "[::ffff:169.254.169.254]:80", true },
		{ "metadata by NAT64", "[64:ff9b::a9fe:a9fe]:80", true },
		{ "metadata by 6to4", "[2002:a9fe:a9fe::1]:80", true },
		{ "metadata, dot at the end", "169.254.169.254.:80", true },
		{ "loopback, short", "127.1:80", true },
		{ "loopback, another", "127.9.9.9:80", true },
		{ "loopback, IPv6", "[::1]:80", true },
		{ "loopback, IPv6 written out", "[0:0:0:0:0:0:0:1]:80", true },
		{ "unspecified", "0.0.0.0:80", true },
		{ "unspecified, short", "0:80", true },
		{ "unspecified, IPv6", "[::]:80", true },
		{ "link-local", "[fe80::1]:80", true },
		{ "localhost", "localhost:80", true },
		{ "localhost, capitals and dot", "LocalHost.:80", true },
		{ "below localhost", "app.localhost:80", true },
		{ "not localhost", "notlocalhost:80", false },
		{ "name in a pattern", "a.secret.example:80", true },
		{ "name in a pattern, dot at the end", "a.SECRET.example.:80", true },
		{ "name beside a pattern", "secret.example:80", false },
		{ "excepted name", "open.secret.example:80", false },
		{ "denied port", "mail.example:25", true },
		{ "other port", "mail.example:443", false },
		{ "denied network", "10.1.2.4:80", true },
		{ "excepted address", "10.1.2.3:80", false },
		{ "excepted address, another spelling", "10.1.515:80", false },
	};
	struct destinations *d = lists(denied, excepted);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (refuses_target(d, rows[i].authority) != rows[i].refused)
			fail_msg("%s: %s: expected %s", rows[i].name, rows[i].authority, rows[i].refused ? "refused" : "let through");
	destinations_free(d);
}

static void test_resolved_addresses(void **state)
{
	static const struct {
		const char *ip;
		bool refused;
	} rows[] = {
		{ "192.0.2.1", false },
		{ "2001:db8::1", false },
		{ "169.254.169.254", true },
		{ "::ffff:169.254.169.254", true },
		{ "64:ff9b::169.254.169.254", true },
		{ "2002:7f00:1::", true },
		{ "::127.0.0.1", true },
		{ "fe80::1", true },
		{ "febf::1", true },
		{ "fec0::1", false },
		{ "10.1.2.3", false },
		{ "64:ff9b::10.1.2.3", false },
		{ "64:ff9b::10.1.2.4", true },
	};
	struct destinations *d = lists(denied, excepted);
	struct address a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(address_parse_ip(span_str(rows[i].ip), 80, &a));
		if (destinations_refuse_address(d, &a) != rows[i].refused)
			fail_msg("%s: expected %s", rows[i].ip, rows[i].refused ? "refused" : "let through");
	}
	destinations_free(d);
}

static void test_everything_denied_leaves_the_exceptions(void **state)
{
	static const char *const all[] = { "*", NULL }, *const some[] = { "*.example", "192.0.2.0/24", NULL };
	struct destinations *d = lists(all, some);

	(void)state;
	assert_false(refuses_target(d, "www.example:443"));
	assert_false(refuses_target(d, "192.0.2.7:443"));
	assert_true(refuses_target(d, "www.example.org:443"));
	assert_true(refuses_target(d, "192.0.3.7:443"));
	destinations_free(d);
}

static void test_empty_lists_let_everything_through(void **state)
{
	static const char *const none[] = { NULL };
	struct destinations *d = lists(none, none);

	(void)state;
	assert_false(refuses_target(d, "127.0.0.1:80"));
	assert_false(refuses_target(d, "localhost:80"));
	destinations_free(d);
}

static void test_entries_that_would_mislead_are_refused(void **state)
{
	static const char *const rows[] = {
		"10.0.0.0/33", "10.0.0/8", "example.org/path", "[::1]", "[fe80::]/10", "10.*", "10.0.0", "169.254.*.*",
		"127.?.0.1", "", "a b", "host:99999",
	};
	struct destinations *d = destinations_new();

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *why = NULL;

		if (destinations_deny(d, span_str(rows[i]), &why))
			fail_msg("\"%s\" was accepted", rows[i]);
		if (!why || !*why)
			fail_msg("\"%s\" was refused without a reason", rows[i]);
	}
	assert_false(refuses_target(d, "10.0.0.1:80"));
	destinations_free(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_resolved_addresses),
		cmocka_unit_test(test_everything_denied_leaves_the_exceptions),
		cmocka_unit_test(test_empty_lists_let_everything_through),
		cmocka_unit_test(test_entries_that_would_mislead_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
