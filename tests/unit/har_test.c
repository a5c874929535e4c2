/*
 * HAR entries of exchanges that hardly ever come about: missing heads, odd times, the longest and the most hostile input.
 * That usual ones are valid HAR is for tests/e2e/test_export.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/har.h"
#include "inspect/har_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "../json_check.h"

#define BYTES(literal) { literal, sizeof(literal) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct record record;
static char *out;

static void begin(const char *method, const char *url)
{
	memset(&record, 0, sizeof(record));
	record.queue_us = record.connect_us = record.first_byte_us = -1;
	record.status = 200;
	record.method_len = (uint16_t)strlen(method);
	memcpy(record.method, method, record.method_len);
	record.url_len = (uint16_t)strlen(url);
	memcpy(record.url, url, record.url_len);
}

static const char *write_entry(struct trace t, bool with_secrets)
{
	struct past p = { .record = &record, .trace = t };
	size_t n = har_entry(&p, with_secrets, out);

	assert_true(n < HAR_ENTRY_MAX);
	out[n] = '\0';
	assert_true(json_check(span_of(out, n)));
	return out;
}

static int set_up(void **state)
{
	(void)state;
	headers_init();
	out = malloc(HAR_ENTRY_MAX + 1);
	return out ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(out);
	return 0;
}

static void test_frame_with_entries_is_one_json_value(void **state)
{
	struct trace none = { .request = { NULL, 0 } };
	struct past p = { .record = &record, .trace = none };

	(void)state;
	begin("GET", "http://x/");
	size_t n = har_begin(out);
	n += har_entry(&p, false, out + n);
	n += har_end(out + n);
	for (size_t i = 0; i < n; i++)
		if (out[i] == '\n')
			out[i] = i + 1 < n ? ' ' : '\0';
	assert_non_null(strstr(out, "\"version\":\"1.2\""));
	assert_non_null(strstr(out, " ]}}"));
}

static void test_parts_of_the_time_add_up_to_the_whole(void **state)
{
	static const struct {
		const char *name;
		int64_t queue, connect, first_byte, total;
		const char *expected;
	} rows[] = {
		{ "all known", 100, 200, 1000, 1500, "\"blocked\":0.100,\"dns\":-1,\"connect\":0.200,\"ssl\":-1,\"send\":0,"
						     "\"wait\":0.700,\"receive\":0.500," },
		{ "pooled", 0, -1, 1000, 1500, "\"blocked\":0,\"dns\":-1,\"connect\":-1,\"ssl\":-1,\"send\":0,"
					       "\"wait\":1,\"receive\":0.500," },
		{ "no answer", 100, 200, -1, 1500, "\"wait\":1.200,\"receive\":0," },
		{ "never sent", -1, -1, -1, 1500, "\"blocked\":-1,\"dns\":-1,\"connect\":-1,\"ssl\":-1,\"send\":0,"
						  "\"wait\":1.500,\"receive\":0," },
		{ "a connection that was begun before", 0, 9000, 1000, 1500, "\"connect\":1.500,\"ssl\":-1,\"send\":0,"
									     "\"wait\":0,\"receive\":0," },
		{ "no time at all", 0, 0, 0, 0, "\"wait\":0,\"receive\":0," },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin("GET", "http://x/");
		record.queue_us = rows[i].queue;
		record.connect_us = rows[i].connect;
		record.first_byte_us = rows[i].first_byte;
		record.total_us = rows[i].total;
		if (!strstr(write_entry((struct trace){ .request = { NULL, 0 } }, false), rows[i].expected))
			fail_msg("%s: no %s in %s", rows[i].name, rows[i].expected, out);
	}
}

static void test_address_is_always_a_url(void **state)
{
	static const struct {
		const char *method, *url, *expected;
	} rows[] = {
		{ "GET", "http://x/a?b=c", "http://x/a?b=c" },
		{ "GET", "http://[::1]:80/[", "http://[::1]:80/%5B" },
		{ "GET", "http://x/%\x80%4", "http://x/%25%80%254" },
		{ "GET", "http://x/#a#b", "http://x/#a%23b" },
		{ "GET", "https://x", "https://x" },
		{ "CONNECT", "x:443", "https://x:443/" },
		{ "OPTIONS", "*", "about:invalid" },
		{ "GET", "ftp://x/", "about:invalid" },
		{ "", "", "about:invalid" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char expected[64];

		begin(rows[i].method, rows[i].url);
		snprintf(expected, sizeof(expected), "\"url\":\"%s\",\"httpVersion\"", rows[i].expected);
		if (!strstr(write_entry((struct trace){ .request = { NULL, 0 } }, false), expected))
			fail_msg("%s %s: no %s in %s", rows[i].method, rows[i].url, expected, out);
	}
}

static void test_address_that_the_record_cut_is_taken_from_the_head(void **state)
{
	struct trace t = { .heads = { BYTES("GET /long?a=1&token=hidden HTTP/1.1\r\nHost: x\r\n\r\n") } };

	(void)state;
	begin("GET", "https://x/lo");
	record.url_cut = true;
	assert_non_null(strstr(write_entry(t, true), "\"url\":\"https://x/lo\"")); /* may hold a password: nobody understood it */
	record.origin.port = 443;
	assert_non_null(strstr(write_entry(t, true), "\"url\":\"https://x/long?a=1&token=hidden\""));
	assert_null(strstr(write_entry(t, false), "hidden"));
}

static void test_secrets_are_in_no_part_unless_asked_for(void **state)
{
	struct trace t = { .heads = {
		BYTES("GET /?token=hidden1 HTTP/1.1\r\nCookie: a=hidden2; hidden3\r\nAuthorization: Basic hidden4\r\n\r\n"),
		BYTES("GET /?token=hidden1 HTTP/1.1\r\nCookie: a=hidden2; hidden3\r\n\r\n"),
		BYTES("HTTP/1.1 302 Found\r\nSet-Cookie: b=hidden5; Path=/\r\n\r\n"),
		BYTES("HTTP/1.1 302 Found\r\nSet-Cookie: b=hidden5; Path=/\r\nLocation: /?code=hidden6\r\n\r\n"),
	} };

	(void)state;
	begin("GET", "http://x/?token=hidden1");
	assert_null(strstr(write_entry(t, false), "hidden"));
	assert_non_null(strstr(out, "\"cookies\":[{\"name\":\"a\",\"value\":\"***\"},{\"name\":\"\",\"value\":\"***\"}]"));
	write_entry(t, true);
	for (char name[] = "hidden1"; name[6] <= '6'; name[6]++)
		assert_non_null(strstr(out, name));
}

/* One line of whatever may take the most room, as often as it fits. */
static struct span filled(char *room, const char *start, const char *piece)
{
	size_t n = strlen(start), piece_n = strlen(piece);

	memcpy(room, start, n);
	for (; n + piece_n + 4 <= TRACE_HEAD_MAX; n += piece_n)
		memcpy(room + n, piece, piece_n);
	memcpy(room + n, "\r\n\r\n", 4);
	return span_of(room, n + 4);
}

static void test_largest_entries_fit(void **state)
{
	static const char *const requests[][2] = {
		{ "GET / HTTP/1.1\r\nCookie: ", "a;" }, { "GET /?", "&a" }, { "GET /", "\xff" }, { "GET / HTTP/1.1", "\r\na:" },
		{ "GET / HTTP/1.1\r\na:", "\x80" }, { "GET /", "?key=a" },
	};
	static const char *const responses[][2] = {
		{ "HTTP/1.1 200 OK", "\r\nSet-Cookie:a" }, { "HTTP/1.1 200 OK\r\nLocation: ", "\x80" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: ", "\x01" }, { "HTTP/1.1 200 ", "\x80" },
	};
	static char request[TRACE_HEAD_MAX], response[TRACE_HEAD_MAX];

	(void)state;
	begin("GET", "http://x/");
	record.url_cut = true;
	record.origin.port = 80;
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct span asked = filled(request, requests[i][0], requests[i][1]);

		for (size_t k = 0; k < COUNT(responses); k++) {
			struct span told = filled(response, responses[k][0], responses[k][1]);

			write_entry((struct trace){ .heads = { asked, asked, told, told } }, true);
			write_entry((struct trace){ .heads = { asked, asked, told, told } }, false);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_with_entries_is_one_json_value),
		cmocka_unit_test(test_parts_of_the_time_add_up_to_the_whole),
		cmocka_unit_test(test_address_is_always_a_url),
		cmocka_unit_test(test_address_that_the_record_cut_is_taken_from_the_head),
		cmocka_unit_test(test_secrets_are_in_no_part_unless_asked_for),
		cmocka_unit_test(test_largest_entries_fit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
