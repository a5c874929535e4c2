/*
 * Handshakes with a parent proxy: what is sent, and what the parent's bytes lead to, however they are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http/parent.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char scratch[PARENT_SEND_MAX];

static struct parent parent(enum parent_kind kind, const char *user, const char *password)
{
	struct parent p = { .kind = kind, .host = SPAN("parent.test"), .port = 3128 };

	if (user) {
		p.user = span_str(user);
		p.password = span_str(password);
	}
	return p;
}

static void assert_sent(const struct parent_handshake *h, struct span expected)
{
	struct span sent = parent_handshake_send(h);

	assert_int_equal(sent.n, expected.n);
	assert_memory_equal(sent.p, expected.p, expected.n);
}

static void start(struct parent_handshake *h, const struct parent *p, const char *host, uint16_t port)
{
	if (!parent_handshake_start(h, p, span_str(host), port, scratch))
		fail_msg("%s: %s", host, h->reason);
}

static enum parent_progress feed(struct parent_handshake *h, struct span bytes)
{
	size_t used;
	enum parent_progress progress = parent_handshake_feed(h, bytes, &used);

	if (progress == PARENT_MORE)
		assert_true(used == bytes.n || used == 0);
	return progress;
}

/* From memory of just that size, so that the address sanitizer sees a read too far. */
static enum parent_progress feed_copy(struct parent_handshake *h, struct span bytes, size_t *used)
{
	char *copy = malloc(bytes.n ? bytes.n : 1);

	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	enum parent_progress progress = parent_handshake_feed(h, span_of(copy, bytes.n), used);
	free(copy);
	return progress;
}

/* Feeds bytes in pieces of `step`, keeping what is not used; *left gets what was never used. */
static enum parent_progress feed_in_steps(struct parent_handshake *h, struct span bytes, size_t step, struct span *left)
{
	size_t start_at = 0, end = 0, used;
	enum parent_progress progress = PARENT_MORE;

	while (progress == PARENT_MORE && end < bytes.n) {
		end = end + step < bytes.n ? end + step : bytes.n;
		/* What is sent is answered by what stands behind it in `bytes`. */
		do {
			progress = feed_copy(h, span_of(bytes.p + start_at, end - start_at), &used);
			start_at += used;
		} while (progress == PARENT_MORE && used);
	}
	*left = span_from(bytes, start_at);
	return progress;
}

static void test_connect_names_host_and_port_twice(void **state)
{
	struct parent p = parent(PARENT_HTTP, NULL, NULL);
	struct parent_handshake h;

	(void)state;
	start(&h, &p, "example.org", 443);
	assert_sent(&h, SPAN("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"));
	start(&h, &p, "2001:db8::1", 8443);
	assert_sent(&h, SPAN("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n"));
}

static void test_connect_carries_credentials(void **state)
{
	struct parent p = parent(PARENT_HTTP, "Aladdin", "open sesame");
	struct parent_handshake h;

	(void)state;
	start(&h, &p, "a", 1);
	assert_sent(&h, SPAN("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
			     "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
}

static void test_longest_of_everything_fits(void **state)
{
	char longest[256];
	struct parent p;
	struct parent_handshake h;
	size_t used;

	(void)state;
	memset(longest, 'x', 255);
	longest[255] = '\0';
	p = parent(PARENT_HTTP, longest, longest);
	start(&h, &p, longest, 65535);
	assert_true(parent_handshake_send(&h).n <= PARENT_SEND_MAX);
	p.kind = PARENT_SOCKS5;
	start(&h, &p, longest, 65535);
	assert_int_equal(parent_handshake_feed(&h, SPAN("\x05\x02"), &used), PARENT_MORE);
	assert_int_equal(parent_handshake_send(&h).n, 1 + 2 * 256);
	assert_int_equal(parent_handshake_feed(&h, SPAN("\x01\x00"), &used), PARENT_MORE);
	assert_int_equal(parent_handshake_send(&h).n, 4 + 256 + 2);
}

static void test_what_cannot_be_expressed_is_refused(void **state)
{
	char long_name[257];
	struct parent_handshake h;

	(void)state;
	memset(long_name, 'x', 256);
	long_name[256] = '\0';
	const struct {
		struct parent parent;
		const char *host;
	} rows[] = {
		{ parent(PARENT_NONE, NULL, NULL), "a" },
		{ parent(PARENT_HTTP, NULL, NULL), "" },
		{ parent(PARENT_HTTP, NULL, NULL), long_name },
		{ parent(PARENT_SOCKS5, NULL, NULL), long_name },
		{ parent(PARENT_HTTP, long_name, ""), "a" },
		{ parent(PARENT_SOCKS5, "user", long_name), "a" },
		{ parent(PARENT_HTTP, "us:er", "password"), "a" },
		{ parent(PARENT_SOCKS5, "user", ""), "a" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (parent_handshake_start(&h, &rows[i].parent, span_str(rows[i].host), 80, scratch))
			fail_msg("row %zu was accepted", i);
		assert_non_null(h.reason);
		assert_int_equal(parent_handshake_send(&h).n, 0);
	}
}

static void test_authorization_is_empty_without_credentials(void **state)
{
	char out[PARENT_AUTHORIZATION_MAX];
	struct parent none = parent(PARENT_HTTP, NULL, NULL), empty = parent(PARENT_HTTP, "", "");

	(void)state;
	assert_int_equal(parent_put_authorization(&none, out), 0);
	assert_int_equal(parent_put_authorization(&empty, out), 10);
	assert_memory_equal(out, "Basic Og==", 10); /* ":" */
}

static void test_answer_to_connect_decides(void **state)
{
	static const struct {
		const char *name;
		struct span answer;
		enum parent_progress expected;
		uint16_t status;
		size_t left; /* bytes of the tunnel behind it */
	} rows[] = {
		{ "200", SPAN("HTTP/1.1 200 OK\r\n\r\n"), PARENT_OK, 200, 0 },
		{ "200 without reason", SPAN("HTTP/1.1 200\r\n\r\n"), PARENT_OK, 200, 0 },
		{ "1.0", SPAN("HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n"), PARENT_OK, 200, 0 },
		{ "any 2xx", SPAN("HTTP/1.1 204 No\r\n\r\n"), PARENT_OK, 204, 0 },
		{ "length means nothing", SPAN("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n220"), PARENT_OK, 200, 3 },
		{ "server speaks first", SPAN("HTTP/1.1 200 OK\r\n\r\n220 mail\r\n\r\n"), PARENT_OK, 200, 12 },
		{ "interim", SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), PARENT_OK, 200, 0 },
		{ "407", SPAN("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\n\r\n"), PARENT_FAILED, 407, 0 },
		{ "403 with body", SPAN("HTTP/1.1 403 No\r\n\r\nno"), PARENT_FAILED, 403, 2 },
		{ "101", SPAN("HTTP/1.1 101 Switching\r\n\r\n"), PARENT_FAILED, 101, 0 },
		{ "302", SPAN("HTTP/1.1 302 Found\r\n\r\n"), PARENT_FAILED, 302, 0 },
		{ "099", SPAN("HTTP/1.1 099 X\r\n\r\n"), PARENT_FAILED, 0, 18 },
		{ "2000", SPAN("HTTP/1.1 2000 X\r\n\r\n"), PARENT_FAILED, 0, 19 },
		{ "HTTP/2", SPAN("HTTP/2 200\r\n\r\n"), PARENT_FAILED, 0, 14 },
		{ "not HTTP", SPAN("SSH-2.0-OpenSSH\r\n"), PARENT_FAILED, 0, 17 },
		{ "TLS alert", SPAN("\x15\x03\x01\x00\x02"), PARENT_FAILED, 0, 5 },
		{ "cut in the line", SPAN("HTTP/1.1 20"), PARENT_MORE, 0, 11 },
		{ "cut in the head", SPAN("HTTP/1.1 200 OK\r\n\r"), PARENT_MORE, 0, 18 },
		{ "bare line feeds", SPAN("HTTP/1.1 200 OK\n\n"), PARENT_MORE, 0, 17 },
	};
	struct parent p = parent(PARENT_HTTP, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t step = 1; step <= rows[i].answer.n; step++) {
			struct parent_handshake h;
			struct span left;

			start(&h, &p, "example.org", 443);
			enum parent_progress got = feed_in_steps(&h, rows[i].answer, step, &left);
			if (got != rows[i].expected || h.http_status != rows[i].status || left.n != rows[i].left)
				fail_msg("%s in steps of %zu: got %d, status %u, %zu left", rows[i].name, step, (int)got,
					 h.http_status, left.n);
			assert_int_equal(h.reason != NULL, got == PARENT_FAILED);
		}
	}
}

static void test_endless_head_is_refused(void **state)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char head[PARENT_HEAD_MAX + 1] = "HTTP/1.1 200 OK\r\nX: ";
	struct parent p = parent(PARENT_HTTP, NULL, NULL);
	struct parent_handshake h;
	enum parent_progress progress = PARENT_MORE;
	unsigned fed = 0;

	(void)state;
	memset(head + 20, 'x', sizeof(head) - 20);
	start(&h, &p, "example.org", 443);
	assert_int_equal(feed(&h, span_of(head, PARENT_HEAD_MAX)), PARENT_MORE);
	assert_int_equal(feed(&h, span_of(head, PARENT_HEAD_MAX + 1)), PARENT_FAILED);
	start(&h, &p, "example.org", 443);
	while (progress == PARENT_MORE && fed++ < 1000)
		progress = feed(&h, SPAN(interim));
	assert_int_equal(progress, PARENT_FAILED);
	assert_true(fed > 100 && fed < 1000);
}

static void test_socks_sends_names_as_names(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		struct span request;
	} rows[] = {
		{ "example.org", 443, SPAN("\x05\x01\x00\x03\x0b" "example.org\x01\xbb") },
		{ "192.0.2.7", 80, SPAN("\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50") },
		{ "2001:db8::7", 80,
		  SPAN("\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x00\x50") },
	};
	struct parent p = parent(PARENT_SOCKS5, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parent_handshake h;

		start(&h, &p, rows[i].host, rows[i].port);
		assert_sent(&h, SPAN("\x05\x01\x00"));
		assert_int_equal(feed(&h, SPAN("\x05\x00")), PARENT_MORE);
		assert_sent(&h, rows[i].request);
		assert_int_equal(feed(&h, SPAN("\x05\x00\x00\x01\0\0\0\0\0\0")), PARENT_OK);
		assert_sent(&h, SPAN_NONE);
	}
}

static void test_socks_gives_user_and_password_when_asked(void **state)
{
	struct parent p = parent(PARENT_SOCKS5, "me", "secret");
	struct parent_handshake h;

	(void)state;
	start(&h, &p, "example.org", 443);
	assert_sent(&h, SPAN("\x05\x02\x00\x02"));
	assert_int_equal(feed(&h, SPAN("\x05\x02")), PARENT_MORE);
	assert_sent(&h, SPAN("\x01\x02me\x06secret"));
	assert_int_equal(feed(&h, SPAN("\x01\x00")), PARENT_MORE);
	assert_sent(&h, SPAN("\x05\x01\x00\x03\x0b" "example.org\x01\xbb"));
}

static void test_socks_answers_decide_however_cut(void **state)
{
	static const struct {
		const char *name;
		const char *user;
		struct span answers; /* all of them, one behind the other */
		enum parent_progress expected;
		const char *reason; /* part of it */
		size_t left;
	} rows[] = {
		{ "IPv4", NULL, SPAN("\x05\x00\x05\x00\x00\x01\1\2\3\4\0\x50"), PARENT_OK, NULL, 0 },
		{ "IPv6", NULL, SPAN("\x05\x00\x05\x00\x00\x04" "0123456789abcdef\0\x50"), PARENT_OK, NULL, 0 },
		{ "name", NULL, SPAN("\x05\x00\x05\x00\x00\x03\x03" "abc\0\x50"), PARENT_OK, NULL, 0 },
		{ "empty name", NULL, SPAN("\x05\x00\x05\x00\x00\x03\x00\0\x50"), PARENT_OK, NULL, 0 },
		{ "then the tunnel", NULL, SPAN("\x05\x00\x05\x00\x00\x01\1\2\3\4\0\x50" "220 mail"), PARENT_OK, NULL, 8 },
		{ "user", "me", SPAN("\x05\x02\x01\x00\x05\x00\x00\x01\1\2\3\4\0\x50"), PARENT_OK, NULL, 0 },
		{ "user not wanted", "me", SPAN("\x05\x00\x05\x00\x00\x01\1\2\3\4\0\x50"), PARENT_OK, NULL, 0 },
		{ "wrong password", "me", SPAN("\x05\x02\x01\x01"), PARENT_FAILED, "does not accept", 0 },
		{ "user wanted", NULL, SPAN("\x05\xff"), PARENT_FAILED, "wants a user", 0 },
		{ "user refused", "me", SPAN("\x05\xff"), PARENT_FAILED, "refuses to authenticate", 0 },
		{ "not offered", NULL, SPAN("\x05\x02"), PARENT_FAILED, "not offered", 0 },
		{ "GSSAPI", "me", SPAN("\x05\x01"), PARENT_FAILED, "not offered", 0 },
		{ "SOCKS4", NULL, SPAN("\x04\x5b"), PARENT_FAILED, "SOCKS5", 2 },
		{ "HTTP", NULL, SPAN("HTTP/1.1 400 Bad Request\r\n"), PARENT_FAILED, "SOCKS5", 26 },
		{ "bad address kind", NULL, SPAN("\x05\x00\x05\x00\x00\x02\1\2\3\4"), PARENT_FAILED, "SOCKS5", 8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t step = 1; step <= rows[i].answers.n; step++) {
			struct parent p = parent(PARENT_SOCKS5, rows[i].user, "secret");
			struct parent_handshake h;
			struct span left;

			start(&h, &p, "example.org", 443);
			enum parent_progress got = feed_in_steps(&h, rows[i].answers, step, &left);
			if (got != rows[i].expected || left.n != rows[i].left)
				fail_msg("%s in steps of %zu: got %d, %zu left", rows[i].name, step, (int)got, left.n);
			assert_int_equal(h.reason != NULL, got == PARENT_FAILED);
			if (rows[i].reason && !strstr(h.reason, rows[i].reason))
				fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].name, h.reason, rows[i].reason);
		}
	}
}

static void test_each_socks_failure_has_its_reason(void **state)
{
	static const char *const parts[] = {
		[1] = "failed", [2] = "not allow", [3] = "network", [4] = "host", [5] = "refused", [6] = "timed out",
		[7] = "support connections", [8] = "kind of address", [9] = "unknown",
	};
	struct parent p = parent(PARENT_SOCKS5, NULL, NULL);

	(void)state;
	for (size_t code = 1; code < COUNT(parts); code++) {
		const char reply[] = { 5, (char)code, 0, 1 };
		struct parent_handshake h;

		start(&h, &p, "example.org", 443);
		assert_int_equal(feed(&h, SPAN("\x05\x00")), PARENT_MORE);
		assert_int_equal(feed(&h, span_of(reply, sizeof(reply))), PARENT_FAILED);
		if (!strstr(h.reason, parts[code]))
			fail_msg("%zu: \"%s\" lacks \"%s\"", code, h.reason, parts[code]);
	}
}

static void test_close_is_explained_by_where_it_happened(void **state)
{
	struct parent http = parent(PARENT_HTTP, NULL, NULL), socks = parent(PARENT_SOCKS5, "me", "secret");
	struct parent_handshake h;

	(void)state;
	start(&h, &http, "example.org", 443);
	assert_non_null(strstr(parent_handshake_ended(&h), "HTTP"));
	start(&h, &socks, "example.org", 443);
	assert_non_null(strstr(parent_handshake_ended(&h), "SOCKS5"));
	assert_int_equal(feed(&h, SPAN("\x05\x02")), PARENT_MORE);
	assert_non_null(strstr(parent_handshake_ended(&h), "password"));
	assert_int_equal(feed(&h, SPAN("\x01\x00")), PARENT_MORE);
	assert_non_null(strstr(parent_handshake_ended(&h), "host"));
	assert_int_equal(feed(&h, SPAN("\x05\x05")), PARENT_FAILED);
	assert_string_equal(parent_handshake_ended(&h), h.reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect_names_host_and_port_twice),
		cmocka_unit_test(test_connect_carries_credentials),
		cmocka_unit_test(test_longest_of_everything_fits),
		cmocka_unit_test(test_what_cannot_be_expressed_is_refused),
		cmocka_unit_test(test_authorization_is_empty_without_credentials),
		cmocka_unit_test(test_answer_to_connect_decides),
		cmocka_unit_test(test_endless_head_is_refused),
		cmocka_unit_test(test_socks_sends_names_as_names),
		cmocka_unit_test(test_socks_gives_user_and_password_when_asked),
		cmocka_unit_test(test_socks_answers_decide_however_cut),
		cmocka_unit_test(test_each_socks_failure_has_its_reason),
		cmocka_unit_test(test_close_is_explained_by_where_it_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
