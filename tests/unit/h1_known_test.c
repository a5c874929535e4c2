/*
 * Field lines and status lines that were read: found again byte for byte, and heads that hold them read as without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h1.h"
#include "http/h1_known.h"

#include <stdio.h>

static struct h1_known known;

static int set_up(void **state)
{
	(void)state;
	headers_init();
	known = (struct h1_known){ 0 };
	return 0;
}

static const struct h1_limits limits = { .head_bytes = 4096, .target_bytes = 1024, .fields = 8 };

static enum h1_result read_request(const char *text, struct message *m)
{
	static struct field fields[8];
	struct h1_error error;
	size_t scanned = 0, len;

	message_init(m, fields, 8);
	return h1_read_request(span_str(text), &scanned, &limits, &known, m, &len, &error);
}

static enum h1_result read_response(const char *text, struct message *m)
{
	static struct field fields[8];
	struct h1_error error;
	size_t scanned = 0, len;

	message_init(m, fields, 8);
	return h1_read_response(span_str(text), &scanned, &limits, &known, METHOD_GET, m, &len, &error);
}

static bool is_known(const char *line)
{
	return h1_known_find(&known, span_str(line));
}

/* Has a request with this line read, which must go well. */
static void read_line(const char *line)
{
	char text[1024];
	struct message m;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\nHost: a\r\n\r\n", line);
	assert_int_equal(read_request(text, &m), H1_OK);
}

/* -- which lines */

static void test_line_is_known_once_it_was_read(void **state)
{
	const char line[] = "Accept:  text/html";

	(void)state;
	assert_false(is_known(line));
	read_line(line);
	const struct h1_known_line *l = h1_known_find(&known, SPAN("Accept:  text/html"));
	assert_non_null(l);
	assert_int_equal(l->id, HEADER_ACCEPT);
	assert_memory_equal(line + l->value_at, "text/html", l->value_len);
}

static void test_any_other_byte_makes_another_line(void **state)
{
	const char *const lines[] = { "A: b", "DNT: 1", "Age: 12", "Age: 3456789", "Vary: Origin", "Accept: text/html, */*" };

	(void)state;
	for (size_t row = 0; row < sizeof(lines) / sizeof(lines[0]); row++) {
		char line[32];
		size_t n = strlen(lines[row]);

		strcpy(line, lines[row]);
		read_line(line);
		for (size_t i = 0; i < n; i++) {
			line[i] ^= 1;
			assert_false(is_known(line));
			line[i] ^= 1;
		}
		assert_true(is_known(line));
		assert_null(h1_known_find(&known, span_of(line, n - 1)));
	}
}

static void test_lines_that_frame_or_belong_to_the_connection_are_read_each_time(void **state)
{
	static const char *const lines[] = {
		"Content-Length: 10", "Transfer-Encoding: chunked", "Upgrade: websocket", "TE: trailers", "Keep-Alive: max=5",
		"Proxy-Authorization: Basic eDp5", "Connection: close\r\nConnection: a", "Proxy-Connection: close\r\nConnection: a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		read_line(lines[i]);
		assert_false(h1_known_find(&known, span_first(span_str(lines[i]), strcspn(lines[i], "\r"))));
	}
}

static void test_connection_options_that_stood_alone_mean_what_they_meant(void **state)
{
	static const struct {
		const char *head;
		bool persistent, websocket;
	} rows[] = {
		{ "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false, false },
		{ "HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n", false, false },
		{ "HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n", true, false },
		{ "HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n", true, false },
		{ "HTTP/1.0\r\nHost: a\r\nProxy-Connection: Keep-Alive\r\n", true, false },
		{ "HTTP/1.0\r\nHost: a\r\nConnection: other\r\n", false, false },
		{ "HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n", true, true },
		{ "HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n", false, false },
		{ "HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nProxy-Connection: close\r\n", false, false },
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	char text[256];
	struct message m;

	(void)state;
	for (size_t i = 0; i < 3 * count; i++) {
		snprintf(text, sizeof(text), "GET / %s\r\n", rows[i % count].head);
		assert_int_equal(read_request(text, &m), H1_OK);
		assert_int_equal(m.websocket, rows[i % count].websocket);
		if (m.persistent != rows[i % count].persistent)
			fail_msg("round %zu: %s", i / count, text);
	}
	assert_true(is_known("Connection: close"));
	assert_true(is_known("Proxy-Connection: close"));
}

static void test_host_is_known_only_where_it_was_judged(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(read_response("HTTP/1.1 200 OK\r\nHost: a/b c\r\nContent-Length: 0\r\n\r\n", &m), H1_OK);
	assert_int_equal(read_request("GET / HTTP/1.1\r\nHost: a/b c\r\n\r\n", &m), H1_BAD);
	assert_int_equal(read_request("GET http://a/ HTTP/1.1\r\nHost:     \r\n\r\n", &m), H1_OK);
	assert_int_equal(read_request("GET / HTTP/1.1\r\nHost:     \r\n\r\n", &m), H1_BAD);
}

static void test_short_lines_long_ones_and_those_with_blanks_at_the_end_are_never_known(void **state)
{
	char line[H1_KNOWN_MAX + 2];

	(void)state;
	read_line("A:b");
	assert_false(is_known("A:b"));
	read_line("Accept: text/html ");
	assert_false(is_known("Accept: text/html "));
	for (size_t n = H1_KNOWN_MAX; n <= H1_KNOWN_MAX + 1; n++) {
		memset(line, 'x', n);
		memcpy(line, "X-Long:", 7);
		line[n] = 0;
		read_line(line);
		assert_int_equal(is_known(line), n == H1_KNOWN_MAX);
	}
}

static void test_lines_of_a_refused_head_are_not_remembered(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(read_request("GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: x\r\n\r\n", &m), H1_BAD);
	assert_false(is_known("Accept: */*"));
}

/* -- what reading makes of them */

#define FIELDS "Host: example.org\r\nAccept: text/html\r\nCookie: a=1\r\n\r\n"

static void test_known_lines_mean_what_they_meant_in_any_head(void **state)
{
	static const char *const lines[] = { "GET / HTTP/1.1\r\n", "PROPFIND http://example.org/other HTTP/1.0\r\n" };
	char text[256];
	struct message m;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s" "Connection: close\r\nContent-Length: 12\r\n" FIELDS, lines[i % 2]);
		assert_int_equal(read_request(text, &m), H1_OK);
		assert_false(m.persistent);
		assert_int_equal(m.content_length, 12);
		assert_int_equal(m.field_count, 5);
		assert_int_equal(m.fields[3].known, i > 0);
		assert_int_equal(m.fields[3].id, HEADER_ACCEPT);
		assert_memory_equal(m.fields[3].value.p, "text/html\r", 10);
		assert_true(message_has(&m, HEADER_COOKIE));
	}
}

static void test_line_of_a_request_is_known_in_a_response(void **state)
{
	struct message m;

	(void)state;
	read_line("X-Some: thing");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read_response("HTTP/1.1 200 OK\r\nX-Some: thing\r\nContent-Length: 3\r\nServer: that\r\n\r\n", &m), H1_OK);
		assert_true(m.fields[0].known);
		assert_int_equal(m.fields[2].known, i);
		assert_int_equal(m.content_length, 3);
	}
}

/* Once to know the lines, once to know which follows which. */
static void foresee(const char *head)
{
	struct message m;

	for (int i = 0; i < 3; i++)
		assert_int_equal(read_request(head, &m), H1_OK);
}

static void test_known_lines_do_not_hide_what_stands_between_them(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n folded\r\n" FIELDS,
		"GET / HTTP/1.1\r\nAccept: text/html\r\n folded\r\n" FIELDS,
		"GET / HTTP/1.1\r\nAccept: text/html\r\nno colon\r\n" FIELDS,
		"GET / HTTP/1.1\r\nAccept: text/html\r\n: no name\r\n" FIELDS,
		"GET / HTTP/1.1\r\nAccept: text/html\nCookie: a=1\r\n" FIELDS,
		"GET / HTTP/1.1\r\nHost: example.org\r\n" FIELDS,
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nCookie: a=1\r\nContent-Length: 1\r\n" FIELDS,
		"GET / HTTP/1.2\r\n" FIELDS,
		"GET /a b HTTP/1.1\r\n" FIELDS,
	};
	struct message m;

	(void)state;
	foresee("GET / HTTP/1.1\r\n" FIELDS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_request(bad[i], &m), H1_BAD);
}

static void test_foreseen_lines_are_taken_only_whole(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n" FIELDS;
	char text[sizeof(head)];
	struct message m;

	(void)state;
	foresee(head);
	for (size_t n = 0; n < sizeof(head) - 1; n++) {
		memcpy(text, head, n);
		text[n] = '\0';
		assert_int_equal(read_request(text, &m), H1_MORE);
	}
	assert_int_equal(read_request("GET / HTTP/1.1\r\nHost: example.org\r\nAccept: text/html5\r\nCookie: a=1\r\n\r\n", &m), H1_OK);
	assert_memory_equal(m.fields[1].value.p, "text/html5\r", 11);
	assert_int_equal(m.fields[1].value.n, 10);
	assert_int_equal(read_request("GET / HTTP/1.1\r\nHost: example.org\r\nCookie: a=1\r\nAccept: text/html\r\n\r\n", &m), H1_OK);
	assert_int_equal(m.fields[1].id, HEADER_COOKIE);
	assert_int_equal(m.fields[2].id, HEADER_ACCEPT);
}

static void test_known_lines_count_for_the_limit(void **state)
{
	char text[512] = "GET / HTTP/1.1\r\nHost: a\r\n";
	struct message m;

	(void)state;
	read_line("Accept: */*");
	for (unsigned i = 1; i < limits.fields; i++)
		strcat(text, "Accept: */*\r\n");
	size_t n = strlen(text);
	strcpy(text + n, "\r\n");
	assert_int_equal(read_request(text, &m), H1_OK);
	strcpy(text + n, "Accept: */*\r\n\r\n");
	assert_int_equal(read_request(text, &m), H1_BAD);
}

/* Each twice in turn: behind another status line, and behind the same. */
static void test_known_status_lines_hide_nothing_of_the_heads_behind_them(void **state)
{
	static const struct {
		const char *head;
		unsigned status;
		bool persistent;
	} good[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", 200, false },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", 200, false },
		{ "HTTP/1.1 404 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 404, true },
		{ "HTTP/1.1 200 OK\r\n\r\n", 200, true },
	};
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n folded\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(good) / sizeof(good[0]); i++) {
		size_t row = i / 2 % (sizeof(good) / sizeof(good[0]));

		assert_int_equal(read_response(good[row].head, &m), H1_OK);
		assert_int_equal(m.status, good[row].status);
		assert_int_equal(m.framing == FRAMING_LENGTH, strstr(good[row].head, "Length") != NULL);
		assert_int_equal(m.framing == FRAMING_CHUNKED, strstr(good[row].head, "chunked") != NULL);
		if (m.framing != FRAMING_CLOSE)
			assert_int_equal(m.persistent, good[row].persistent);
	}
	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_response(bad[i / 2], &m), H1_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line_is_known_once_it_was_read, set_up),
		cmocka_unit_test_setup(test_any_other_byte_makes_another_line, set_up),
		cmocka_unit_test_setup(test_lines_that_frame_or_belong_to_the_connection_are_read_each_time, set_up),
		cmocka_unit_test_setup(test_connection_options_that_stood_alone_mean_what_they_meant, set_up),
		cmocka_unit_test_setup(test_host_is_known_only_where_it_was_judged, set_up),
		cmocka_unit_test_setup(test_short_lines_long_ones_and_those_with_blanks_at_the_end_are_never_known, set_up),
		cmocka_unit_test_setup(test_lines_of_a_refused_head_are_not_remembered, set_up),
		cmocka_unit_test_setup(test_known_lines_mean_what_they_meant_in_any_head, set_up),
		cmocka_unit_test_setup(test_line_of_a_request_is_known_in_a_response, set_up),
		cmocka_unit_test_setup(test_known_lines_do_not_hide_what_stands_between_them, set_up),
		cmocka_unit_test_setup(test_foreseen_lines_are_taken_only_whole, set_up),
		cmocka_unit_test_setup(test_known_lines_count_for_the_limit, set_up),
		cmocka_unit_test_setup(test_known_status_lines_hide_nothing_of_the_heads_behind_them, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
