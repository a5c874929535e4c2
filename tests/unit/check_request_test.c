/*
 * What `freshet check` is asked to do: fields, places, numbers, and what cannot be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/check_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct check_request request;

static bool take(enum check_option option, const char *value)
{
	return !check_request_take(&request, option, value);
}

static void test_places_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *host, *to_host;
		uint16_t port, to_port;
	} rows[] = {
		{ "a:80:b:8080", "a", "b", 80, 8080 },
		{ "::b:8080", "", "b", 0, 8080 },
		{ ":443::", "", "", 443, 0 },
		{ ":::", "", "", 0, 0 },
		{ "a:80:b:", "a", "b", 80, 0 },
		{ "[::1]:80:[::2]:81", "::1", "::2", 80, 81 },
		{ "a::[::2]:", "a", "::2", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_request_init(&request);
		if (!take(CHECK_CONNECT_TO, rows[i].text))
			fail_msg("%s is refused", rows[i].text);
		const struct check_place *p = &request.places[0];
		if (!span_eq(p->host, span_str(rows[i].host)) || !span_eq(p->to_host, span_str(rows[i].to_host)) ||
			p->port != rows[i].port || p->to_port != rows[i].to_port)
			fail_msg("%s: %.*s %u %.*s %u", rows[i].text, SPAN_ARG(p->host), p->port, SPAN_ARG(p->to_host), p->to_port);
	}
}

static void test_what_is_no_place_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "a", "a:80", "a:80:b", "a:x:b:1", "a:80:b:x", "a:0:b:1", "a:80:b:65536", "a:80:b:1:2", "[::1:80:b:1", "[::1]80:b:1",
		"[]", "[", "a:80:[", "a:80:[b]",
	};

	(void)state;
	check_request_init(&request);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (take(CHECK_CONNECT_TO, rows[i]))
			fail_msg("\"%s\" is taken", rows[i]);
	assert_int_equal(request.place_count, 0);
}

static void test_fields_are_names_with_values(void **state)
{
	(void)state;
	check_request_init(&request);
	assert_true(take(CHECK_HEADER, "Cookie:  a=b; c=\"d:e\" "));
	assert_true(take(CHECK_HEADER, "Accept:"));
	assert_true(span_eq(request.fields[0].name, SPAN("Cookie")));
	assert_true(span_eq(request.fields[0].value, SPAN("a=b; c=\"d:e\"")));
	assert_int_equal(request.fields[1].value.n, 0);
	assert_int_equal(request.field_count, 2);
}

static void test_fields_that_break_requests_are_refused(void **state)
{
	static const char *const rows[] = {
		"", ":", ": a", "Name", "Na me: a", "Name : a", "Name: a\r\nHost: b", "Name: a\nb", "Name: \x7f", "Content-Length: 1",
		"transfer-encoding: chunked", "Connection: close", "Upgrade: h2c", "TE: trailers", "Expect: 100-continue",
	};

	(void)state;
	check_request_init(&request);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (take(CHECK_HEADER, rows[i]))
			fail_msg("\"%s\" is taken", rows[i]);
	assert_int_equal(request.field_count, 0);
}

static void test_lists_are_bounded(void **state)
{
	(void)state;
	check_request_init(&request);
	for (int i = 0; i < CHECK_FIELDS_MAX; i++)
		assert_true(take(CHECK_HEADER, "X: 1"));
	assert_false(take(CHECK_HEADER, "X: 1"));
	for (int i = 0; i < CHECK_PLACES_MAX; i++)
		assert_true(take(CHECK_CONNECT_TO, "::a:1"));
	assert_false(take(CHECK_CONNECT_TO, "::a:1"));
}

static void test_numbers_and_words_have_their_ranges(void **state)
{
	(void)state;
	check_request_init(&request);
	assert_int_equal(request.rounds, 1);
	assert_int_equal(request.timeout_ms, 30000);
	assert_true(take(CHECK_REPEAT, "5") && take(CHECK_INTERVAL, "0") && take(CHECK_TIMEOUT, "2s") && take(CHECK_COLOR, "never"));
	assert_false(take(CHECK_REPEAT, "0") || take(CHECK_INTERVAL, "5") || take(CHECK_TIMEOUT, "1ms") || take(CHECK_COLOR, "red"));
	assert_int_equal(request.rounds, 5);
	assert_int_equal(request.interval_ms, 0);
	assert_int_equal(request.timeout_ms, 2000);
	assert_int_equal(request.color, CHECK_COLOR_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_taken_apart),
		cmocka_unit_test(test_what_is_no_place_is_refused),
		cmocka_unit_test(test_fields_are_names_with_values),
		cmocka_unit_test(test_fields_that_break_requests_are_refused),
		cmocka_unit_test(test_lists_are_bounded),
		cmocka_unit_test(test_numbers_and_words_have_their_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
