/*
 * Lines of the access log, in both formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/access_log.h"

#include <stdio.h>

#include "../json_check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static char line[ACCESS_LOG_LINE_MAX];

static struct span line_of_record(enum access_log_format format, const struct record *r)
{
	size_t n = access_log_line(format, r, line);

	assert_true(n > 0 && n <= sizeof(line));
	assert_int_equal(line[n - 1], '\n');
	assert_null(memchr(line, '\n', n - 1));
	return span_of(line, n - 1);
}

static void assert_line(enum access_log_format format, const struct record *r, const char *want)
{
	struct span got = line_of_record(format, r);

	if (!span_eq(got, span_str(want)))
		fail_msg("\n  got      %.*s\n  expected %s", SPAN_ARG(got), want);
	if (format == ACCESS_LOG_JSON && !json_check(got))
		fail_msg("not JSON: %.*s", SPAN_ARG(got));
}

static void assert_has(enum access_log_format format, const struct record *r, const char *part, bool has)
{
	struct span got = line_of_record(format, r);

	if ((memmem(got.p, got.n, part, strlen(part)) != NULL) != has)
		fail_msg("%s in %.*s, expected %s", has ? "no" : "there is", SPAN_ARG(got), part);
}

static void set_method(struct record *r, struct span s)
{
	assert_true(s.n <= RECORD_METHOD_MAX);
	memcpy(r->method, s.p, s.n);
	r->method_len = (uint16_t)s.n;
}

static void set_url(struct record *r, struct span s)
{
	assert_true(s.n <= RECORD_URL_MAX);
	memcpy(r->url, s.p, s.n);
	r->url_len = (uint16_t)s.n;
}

static struct address address(const char *text)
{
	struct address a;

	assert_true(address_parse(span_str(text), &a));
	return a;
}

/* A busted GET over a pooled connection. */
static struct record busted_get(void)
{
	struct record r = {
		.started_us = INT64_C(1795368001123456),
		.exchange_id = 17,
		.client = address("127.0.0.1:51000"),
		.origin = address("192.0.2.1:80"),
		.response_body_bytes = 1256,
		.queue_us = -1,
		.connect_us = -1,
		.first_byte_us = 11870,
		.total_us = 12345,
		.mode = MODE_BUST,
		.status = 200,
		.request_minor = 1,
		.busted = true,
		.reused = true,
		.request_edits = { { EDIT_SET, HEADER_CACHE_CONTROL }, { EDIT_REMOVE, HEADER_IF_NONE_MATCH } },
		.request_edit_count = 2,
		.response_edits = { { EDIT_SET, HEADER_EXPIRES }, { EDIT_ADD, HEADER_CACHE_STATUS } },
		.response_edit_count = 2,
	};

	set_method(&r, SPAN("GET"));
	set_url(&r, SPAN("http://example.org/a"));
	return r;
}

static struct record tunnel(void)
{
	struct record r = {
		.started_us = INT64_C(1795368001123456),
		.exchange_id = 18,
		.client = address("[2001:db8::7]:51001"),
		.origin = address("[2001:db8::1]:443"),
		.request_body_bytes = 517,
		.response_body_bytes = 4096,
		.queue_us = 0,
		.connect_us = 20417,
		.first_byte_us = -1,
		.total_us = 61000000,
		.not_busted = "opaque tunnel: the bytes are encrypted",
		.mode = MODE_BUST,
		.status = 200,
		.request_minor = 1,
		.tunnel = true,
	};

	set_method(&r, SPAN("CONNECT"));
	set_url(&r, SPAN("example.org:443"));
	return r;
}

static struct record refused(void)
{
	struct record r = {
		.started_us = INT64_C(1795368001123456),
		.exchange_id = 19,
		.client = address("127.0.0.1:51000"),
		.request_body_bytes = 3,
		.queue_us = 250,
		.connect_us = 90,
		.first_byte_us = -1,
		.total_us = 400,
		.error = "connection refused",
		.proxy_error = "connection_refused",
		.mode = MODE_OBSERVE,
		.status = 502,
		.request_minor = 0,
		.truncated = true,
		.url_cut = true,
	};

	set_method(&r, SPAN("POST"));
	set_url(&r, SPAN("http://down.example/"));
	return r;
}

static void test_busted_exchange_as_text(void **state)
{
	struct record r = busted_get();

	(void)state;
	assert_line(ACCESS_LOG_TEXT, &r,
		"2026-11-22T17:20:01.123Z 127.0.0.1:51000 GET http://example.org/a 200 1256B 12.345ms busted "
		"to-origin=cache-control=,-if-none-match to-client=expires=,+cache-status origin=192.0.2.1:80 reused "
		"first-byte=11.870ms id=17");
}

static void test_tunnel_as_text(void **state)
{
	struct record r = tunnel();

	(void)state;
	assert_line(ACCESS_LOG_TEXT, &r,
		"2026-11-22T17:20:01.123Z [2001:db8::7]:51001 CONNECT example.org:443 200 4096B 61000.000ms not-busted "
		"left-alone=\"opaque tunnel: the bytes are encrypted\" tunnel up=517B origin=[2001:db8::1]:443 "
		"connect=20.417ms id=18");
}

static void test_failure_as_text(void **state)
{
	struct record r = refused();

	(void)state;
	assert_line(ACCESS_LOG_TEXT, &r,
		"2026-11-22T17:20:01.123Z 127.0.0.1:51000 POST http://down.example/ 502 0B 0.400ms observe "
		"error=\"connection refused\" proxy-error=connection_refused truncated http/1.0 url-cut up=3B "
		"queue=0.250ms connect=0.090ms id=19");
}

static void test_columns_that_do_not_apply_are_dashes(void **state)
{
	struct record r = { .request_minor = 1, .queue_us = -1, .connect_us = -1, .first_byte_us = -1 };

	(void)state;
	assert_line(ACCESS_LOG_TEXT, &r, "1970-01-01T00:00:00.000Z - - - - 0B 0.000ms off id=0");
}

static void test_busted_exchange_as_json(void **state)
{
	struct record r = busted_get();

	(void)state;
	assert_line(ACCESS_LOG_JSON, &r,
		"{\"@timestamp\":\"2026-11-22T17:20:01.123Z\",\"ecs.version\":\"8.11.0\","
		"\"client.address\":\"127.0.0.1\",\"client.port\":51000,\"http.request.method\":\"GET\","
		"\"url.original\":\"http://example.org/a\",\"http.response.status_code\":200,"
		"\"http.response.body.bytes\":1256,\"event.duration\":12345000,\"freshet.mode\":\"bust\","
		"\"freshet.busted\":true,\"freshet.truncated\":false,\"freshet.tunnel\":false,"
		"\"freshet.intercepted\":false,\"freshet.tls.unverified\":false,\"freshet.tls.staple_missing\":false,"
		"\"http.version\":\"1.1\","
		"\"freshet.url_cut\":false,\"http.request.body.bytes\":0,"
		"\"freshet.edits.request\":[\"cache-control=\",\"-if-none-match\"],"
		"\"freshet.edits.response\":[\"expires=\",\"+cache-status\"],"
		"\"freshet.origin.address\":\"192.0.2.1:80\",\"freshet.connection.reused\":true,"
		"\"freshet.time.first_byte_us\":11870,\"freshet.id\":17}");
}

static void test_tunnel_as_json(void **state)
{
	struct record r = tunnel();

	(void)state;
	assert_line(ACCESS_LOG_JSON, &r,
		"{\"@timestamp\":\"2026-11-22T17:20:01.123Z\",\"ecs.version\":\"8.11.0\","
		"\"client.address\":\"2001:db8::7\",\"client.port\":51001,\"http.request.method\":\"CONNECT\","
		"\"url.original\":\"example.org:443\",\"http.response.status_code\":200,"
		"\"http.response.body.bytes\":4096,\"event.duration\":61000000000,\"freshet.mode\":\"bust\","
		"\"freshet.busted\":false,"
		"\"freshet.not_busted_reason\":\"opaque tunnel: the bytes are encrypted\","
		"\"freshet.truncated\":false,\"freshet.tunnel\":true,"
		"\"freshet.intercepted\":false,\"freshet.tls.unverified\":false,\"freshet.tls.staple_missing\":false,"
		"\"http.version\":\"1.1\","
		"\"freshet.url_cut\":false,\"http.request.body.bytes\":517,\"freshet.edits.request\":[],"
		"\"freshet.edits.response\":[],\"freshet.origin.address\":\"[2001:db8::1]:443\","
		"\"freshet.connection.reused\":false,\"freshet.time.queue_us\":0,\"freshet.time.connect_us\":20417,"
		"\"freshet.id\":18}");
}

static void test_failure_as_json(void **state)
{
	struct record r = refused();

	(void)state;
	assert_line(ACCESS_LOG_JSON, &r,
		"{\"@timestamp\":\"2026-11-22T17:20:01.123Z\",\"ecs.version\":\"8.11.0\","
		"\"client.address\":\"127.0.0.1\",\"client.port\":51000,\"http.request.method\":\"POST\","
		"\"url.original\":\"http://down.example/\",\"http.response.status_code\":502,"
		"\"http.response.body.bytes\":0,\"event.duration\":400000,\"freshet.mode\":\"observe\","
		"\"freshet.busted\":false,\"freshet.error\":\"connection refused\","
		"\"freshet.proxy_error\":\"connection_refused\",\"freshet.truncated\":true,\"freshet.tunnel\":false,"
		"\"freshet.intercepted\":false,\"freshet.tls.unverified\":false,\"freshet.tls.staple_missing\":false,"
		"\"http.version\":\"1.0\",\"freshet.url_cut\":true,\"http.request.body.bytes\":3,"
		"\"freshet.edits.request\":[],\"freshet.edits.response\":[],\"freshet.connection.reused\":false,"
		"\"freshet.time.queue_us\":250,\"freshet.time.connect_us\":90,\"freshet.id\":19}");
}

static void test_outcome_tells_mode_and_what_was_done(void **state)
{
	static const struct {
		enum mode mode;
		bool busted;
		const char *want;
	} rows[] = {
		{ MODE_OFF, false, " off" },
		{ MODE_OBSERVE, false, " observe" },
		{ MODE_REVALIDATE, false, " revalidate" },
		{ MODE_BUST, false, " not-busted" },
		{ MODE_BUST, true, " busted" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r = busted_get();

		r.mode = rows[i].mode;
		r.busted = rows[i].busted;
		assert_has(ACCESS_LOG_TEXT, &r, rows[i].want, true);
	}
}

static void test_hostile_urls_stay_one_word_and_one_string(void **state)
{
	static const struct {
		const char *name;
		struct span url;
		const char *text, *json;
	} rows[] = {
		{ "line ends", BYTES("http://a/\r\nb"), "http://a/%0D%0Ab", "http://a/\\r\\nb" },
		{ "forged column", BYTES("http://a/ 200 0B"), "http://a/%20200%200B", "http://a/ 200 0B" },
		{ "quote", BYTES("http://a/\"b"), "http://a/%22b", "http://a/\\\"b" },
		{ "forged member", BYTES("\",\"x\":\""), "%22,%22x%22:%22", "\\\",\\\"x\\\":\\\"" },
		{ "backslash", BYTES("a\\"), "a%5C", "a\\\\" },
		{ "NUL", BYTES("a\0b"), "a%00b", "a\\u0000b" },
		{ "terminal command", BYTES("\x1b[2J"), "%1B[2J", "\\u001b[2J" },
		{ "DEL", BYTES("a\x7f"), "a%7F", "a\\u007f" },
		{ "UTF-8", BYTES("/\xc3\xa9"), "/%C3%A9", "/\xc3\xa9" },
		{ "not UTF-8", BYTES("/\xff\xc3"), "/%FF%C3", "/\\ufffd\\ufffd" },
		{ "terminal command in C1", BYTES("\xc2\x9b"), "%C2%9B", "\\u009b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r = busted_get();
		char want[256];

		set_url(&r, rows[i].url);
		snprintf(want, sizeof(want), " GET %s 200 1256B ", rows[i].text);
		assert_has(ACCESS_LOG_TEXT, &r, want, true);
		snprintf(want, sizeof(want), ",\"url.original\":\"%s\",\"http.response.status_code\":200,", rows[i].json);
		assert_has(ACCESS_LOG_JSON, &r, want, true);
		assert_true(json_check(line_of_record(ACCESS_LOG_JSON, &r)));
	}
}

static void test_hostile_methods_are_escaped(void **state)
{
	struct record r = busted_get();

	(void)state;
	set_method(&r, SPAN("G\nE \"\xff"));
	assert_has(ACCESS_LOG_TEXT, &r, " G\\x0AE\\x20\\x22\\xFF http://example.org/a 200 ", true);
	assert_has(ACCESS_LOG_JSON, &r, "\"http.request.method\":\"G\\nE \\\"\\ufffd\"", true);
	assert_true(json_check(line_of_record(ACCESS_LOG_JSON, &r)));
}

static void test_reasons_are_quoted_unless_they_are_one_word(void **state)
{
	static const struct {
		const char *name, *reason, *want;
	} rows[] = {
		{ "word", "refused", " error=refused " },
		{ "words", "read timed out", " error=\"read timed out\" " },
		{ "empty", "", " error=\"\" " },
		{ "like a pair", "a=b", " error=\"a=b\" " },
		{ "quote", "say \"x\"", " error=\"say \\x22x\\x22\" " },
		{ "backslash", "a\\b", " error=\"a\\x5Cb\" " },
		{ "line end", "a\nb", " error=\"a\\x0Ab\" " },
		{ "ends with a space", "a ", " error=\"a \" " },
		{ "beyond ASCII", "a\xe2\x80\xa6", " error=\"a\\xE2\\x80\\xA6\" " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r = busted_get();

		r.error = rows[i].reason;
		assert_has(ACCESS_LOG_TEXT, &r, rows[i].want, true);
	}
}

static void test_name_of_a_user_cannot_forge_a_line(void **state)
{
	static const struct {
		const char *user, *text, *json;
	} rows[] = {
		{ "anna", " user=anna ", "\"user.name\":\"anna\"" },
		{ "anna b", " user=\"anna b\" ", "\"user.name\":\"anna b\"" },
		{ "a\" x=\"y", " user=\"a\\x22 x=\\x22y\" ", "\"user.name\":\"a\\\" x=\\\"y\"" },
		{ "J\xc3\xbcrgen", " user=\"J\\xC3\\xBCrgen\" ", "\"user.name\":\"J\xc3\xbcrgen\"" },
	};
	struct record r = busted_get();

	(void)state;
	assert_has(ACCESS_LOG_TEXT, &r, "user", false);
	assert_has(ACCESS_LOG_JSON, &r, "user", false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		r.user_len = (uint16_t)strlen(rows[i].user);
		memcpy(r.user, rows[i].user, r.user_len);
		assert_has(ACCESS_LOG_TEXT, &r, rows[i].text, true);
		assert_has(ACCESS_LOG_JSON, &r, rows[i].json, true);
	}
}

static void test_verdict_is_written_as_evidence_words_it(void **state)
{
	struct record r = busted_get();
	char text[VERDICT_TEXT_MAX], want[VERDICT_TEXT_MAX + 64];

	(void)state;
	r.verdict = (struct verdict){ .kind = VERDICT_FROM_CACHE, .age_s = 86, .layer = "edge" };
	verdict_format(&r.verdict, text);
	assert_non_null(strstr(text, "edge"));
	snprintf(want, sizeof(want), " verdict=\"%s\" ", text);
	assert_has(ACCESS_LOG_TEXT, &r, want, true);
	snprintf(want, sizeof(want), ",\"freshet.verdict\":\"%s\",", text);
	assert_has(ACCESS_LOG_JSON, &r, want, true);

	r.verdict = (struct verdict){ .kind = VERDICT_NONE };
	assert_has(ACCESS_LOG_TEXT, &r, "verdict", false);
	assert_has(ACCESS_LOG_JSON, &r, "verdict", false);
}

static void test_name_of_a_cache_cannot_forge_a_line(void **state)
{
	struct record r = busted_get();

	(void)state;
	r.verdict = (struct verdict){ .kind = VERDICT_STALE, .age_s = 9, .stale_by_s = 1, .layer = "a\"\n b\x9b\\" };
	assert_has(ACCESS_LOG_TEXT, &r, "\"\n", false);
	struct span got = line_of_record(ACCESS_LOG_TEXT, &r);
	for (size_t i = 0; i < got.n; i++)
		assert_in_range((unsigned char)got.p[i], ' ', '~');
	assert_true(json_check(line_of_record(ACCESS_LOG_JSON, &r)));
}

static void test_times_are_clamped_to_four_digit_years(void **state)
{
	static const struct {
		const char *name;
		int64_t us;
		const char *want;
	} rows[] = {
		{ "before 1970", -1, "1970-01-01T00:00:00.000Z " },
		{ "earliest", INT64_MIN, "1970-01-01T00:00:00.000Z " },
		{ "leap day", INT64_C(1709208000999999), "2024-02-29T12:00:00.999Z " },
		{ "last", INT64_C(253402300799999999), "9999-12-31T23:59:59.999Z " },
		{ "beyond", INT64_MAX, "9999-12-31T23:59:59.999Z " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r = busted_get();

		r.started_us = rows[i].us;
		if (!span_starts(line_of_record(ACCESS_LOG_TEXT, &r), span_str(rows[i].want)))
			fail_msg("%s: %.40s, expected %s", rows[i].name, line, rows[i].want);
	}
}

/* Everything as long as it can be. */
static struct record longest(unsigned char byte)
{
	static char reason[1000];
	struct record r = busted_get();
	unsigned longest_name = 1;

	memset(reason, byte, sizeof(reason) - 1);
	memset(r.method, byte, sizeof(r.method));
	memset(r.url, byte, sizeof(r.url));
	memset(r.verdict.layer, byte, sizeof(r.verdict.layer) - 1);
	memset(r.client.ip, 0xfe, sizeof(r.client.ip));
	r.origin = r.client;
	r.client.scope = r.origin.scope = r.client.port = r.origin.port = UINT16_MAX;
	memset(r.user, byte, sizeof(r.user));
	r.method_len = sizeof(r.method);
	r.user_len = sizeof(r.user);
	r.url_len = sizeof(r.url);
	r.error = r.proxy_error = r.not_busted = reason;
	r.started_us = r.queue_us = r.connect_us = r.first_byte_us = r.total_us = INT64_MAX;
	r.verdict.kind = VERDICT_STALE;
	r.verdict.age_s = r.verdict.stale_by_s = INT64_MAX;
	r.exchange_id = r.request_body_bytes = r.response_body_bytes = UINT64_MAX;
	r.status = UINT16_MAX;
	r.tunnel = r.truncated = r.url_cut = true;
	for (unsigned id = 1; id < HEADER_COUNT; id++)
		if (header_name((enum header)id).n > header_name((enum header)longest_name).n)
			longest_name = id;
	for (unsigned i = 0; i < RECORD_EDITS_MAX; i++)
		r.request_edits[i] = r.response_edits[i] = (struct record_edit){ EDIT_ADD, (uint8_t)longest_name };
	r.request_edit_count = r.response_edit_count = RECORD_EDITS_MAX;
	return r;
}

static void test_longest_records_fit_whole(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		struct record r = longest((unsigned char)byte);
		struct span text = line_of_record(ACCESS_LOG_TEXT, &r), end = SPAN(" id=18446744073709551615");

		assert_true(text.n > end.n && span_eq(span_from(text, text.n - end.n), end));
		if (!json_check(line_of_record(ACCESS_LOG_JSON, &r)))
			fail_msg("byte %02x: not JSON", byte);
	}
}

static void test_digest_is_in_json_when_there_is_one(void **state)
{
	struct record r = refused();

	(void)state;
	assert_has(ACCESS_LOG_JSON, &r, "sha256", false);
	r.digested = true;
	for (int i = 0; i < RECORD_DIGEST_BYTES; i++)
		r.body_digest[i] = (unsigned char)(i * 11);
	assert_has(ACCESS_LOG_JSON, &r,
		"\"freshet.body.sha256\":\"000b16212c37424d58636e79848f9aa5b0bbc6d1dce7f2fd08131e29343f4a55\"", true);
	assert_has(ACCESS_LOG_TEXT, &r, "000b16", false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busted_exchange_as_text),
		cmocka_unit_test(test_tunnel_as_text),
		cmocka_unit_test(test_failure_as_text),
		cmocka_unit_test(test_columns_that_do_not_apply_are_dashes),
		cmocka_unit_test(test_busted_exchange_as_json),
		cmocka_unit_test(test_tunnel_as_json),
		cmocka_unit_test(test_failure_as_json),
		cmocka_unit_test(test_outcome_tells_mode_and_what_was_done),
		cmocka_unit_test(test_hostile_urls_stay_one_word_and_one_string),
		cmocka_unit_test(test_hostile_methods_are_escaped),
		cmocka_unit_test(test_reasons_are_quoted_unless_they_are_one_word),
		cmocka_unit_test(test_name_of_a_user_cannot_forge_a_line),
		cmocka_unit_test(test_verdict_is_written_as_evidence_words_it),
		cmocka_unit_test(test_name_of_a_cache_cannot_forge_a_line),
		cmocka_unit_test(test_times_are_clamped_to_four_digit_years),
		cmocka_unit_test(test_longest_records_fit_whole),
		cmocka_unit_test(test_digest_is_in_json_when_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
