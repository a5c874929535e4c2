/*
 * Past exchanges as JSON, and the edits that are kept of messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/story.h"

#include <stdlib.h>

#include "../json_check.h"

#define BYTES(literal) { literal, sizeof(literal) - 1 }

static struct record record;
static char *out;

static struct past past_of(struct trace t)
{
	static const char url[] = "http://example.org/?token=hidden1";

	memset(&record, 0, sizeof(record));
	record.exchange_id = UINT64_C(63) << 48 | 7;
	record.status = 200;
	record.started_us = INT64_C(1795391025000000);
	record.url_len = sizeof(url) - 1;
	memcpy(record.url, url, sizeof(url) - 1);
	record.method_len = 3;
	memcpy(record.method, "GET", 3);
	return (struct past){ .record = &record, .trace = t };
}

static const char *write_story(const struct past *p, bool with_secrets)
{
	size_t n = story_write(p, with_secrets, out);

	assert_true(n < STORY_MAX);
	out[n] = '\0';
	assert_true(json_check(span_of(out, n)));
	return out;
}

static int set_up(void **state)
{
	(void)state;
	headers_init();
	out = malloc(STORY_MAX + 1);
	return out ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(out);
	return 0;
}

static const struct trace_edit edits[] = {
	{ .why = "the rule", .op = EDIT_SET, .id = HEADER_CACHE_CONTROL },
	{ .why = "hop-by-hop", .op = TRACE_DROPPED, .id = HEADER_OTHER, .line = 3 },
};

static struct past usual(void)
{
	return past_of((struct trace){
		.heads = {
			BYTES("GET /?token=hidden1 HTTP/1.1\r\nHost: example.org\r\nCookie: sid=hidden2\r\n\r\n"),
			BYTES("GET /?token=hidden1 HTTP/1.1\r\nHost: example.org\r\nCache-Control: no-cache\r\n\r\n"),
			BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nCache-Control: max-age=60\r\n"
			      "Age: 9\r\nSet-Cookie: a=hidden3; Path=/\r\n\r\n"),
			BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n\r\n"),
		},
		.request = { edits, 2 },
		.response = { edits, 1 },
	});
}

static void test_row_has_the_facts_of_the_access_log_and_the_media_type(void **state)
{
	struct past p = usual();
	size_t n = story_row(&p, out);

	(void)state;
	out[n] = '\0';
	assert_true(json_check(span_of(out, n)));
	assert_non_null(strstr(out, "{\"facts\":{\"@timestamp\":"));
	assert_non_null(strstr(out, "\"type\":\"text/html\""));
	assert_non_null(strstr(out, "\"ended_us\":"));
	assert_null(strstr(out, "hidden"));
}

static void test_story_tells_heads_edits_and_what_caches_may_do(void **state)
{
	struct past p = usual();
	const char *story = write_story(&p, false);

	(void)state;
	assert_non_null(strstr(story, "\"request_received\":{\"cut\":false,\"start\":\"GET /?token=*** HTTP/1.1\","
				      "\"fields\":[[\"Host\",\"example.org\"],[\"Cookie\",\"sid=***\"]]}"));
	assert_non_null(strstr(story, "\"request\":[{\"op\":\"set\",\"field\":\"cache-control\",\"why\":\"the rule\"},"
				      "{\"op\":\"drop\",\"field\":\"\",\"line\":3,\"why\":\"hop-by-hop\"}]"));
	assert_non_null(strstr(story, "\"browser\":{\"storing\":\"allowed\",\"may_store\":true,\"asks_always\":false,"
				      "\"age_s\":9,\"lifetime_s\":60,\"source\":\"max-age\"}"));
	assert_non_null(strstr(story, "\"notes\":[{\"level\":"));
}

static void test_secrets_are_in_no_story_unless_asked_for(void **state)
{
	struct past p = usual();

	(void)state;
	assert_null(strstr(write_story(&p, false), "hidden"));
	write_story(&p, true);
	assert_non_null(strstr(out, "hidden1"));
	assert_non_null(strstr(out, "hidden2"));
	assert_non_null(strstr(out, "hidden3"));
}

static void test_hostile_values_stay_inside_of_their_strings(void **state)
{
	struct past p = past_of((struct trace){
		.heads = { BYTES("GET /\"],</script><b> HTTP/1.1\r\nX-\"a: \"}]\\\xff\x80 <img src=x onerror=a()>\r\n\r\n") },
	});

	(void)state;
	write_story(&p, false);
	assert_non_null(strstr(out, "[\"X-\\\"a\",\"\\\"}]\\\\\\ufffd\\ufffd <img"));
}

static void test_exchange_without_heads_is_told_all_the_same(void **state)
{
	struct past p = past_of((struct trace){ .request = { NULL, 0 } });

	(void)state;
	assert_non_null(strstr(write_story(&p, false), "\"heads\":{}"));
	assert_null(strstr(out, "\"notes\""));
}

static void test_longest_heads_fit_and_are_marked_as_cut(void **state)
{
	static char head[TRACE_HEAD_MAX];
	struct past p;

	(void)state;
	memset(head, 0x80, sizeof(head)); /* six bytes for each */
	memcpy(head, "GET / HTTP/1.1\r\na:", 18);
	p = past_of((struct trace){ .heads = { { head, sizeof(head) }, { head, sizeof(head) }, { head, sizeof(head) },
		{ head, sizeof(head) } } });
	assert_non_null(strstr(write_story(&p, true), "\"cut\":true"));
}

static void test_edits_without_effect_are_not_kept_and_dropped_lines_are(void **state)
{
	struct trace_edit kept[TRACE_EDITS_MAX];
	struct field fields[4];
	struct message m;

	(void)state;
	message_init(&m, fields, 4);
	assert_true(message_receive(&m, SPAN("Pragma"), SPAN("no-cache")));
	assert_true(message_receive(&m, SPAN("X-Named"), SPAN("1")));
	m.fields[1].dropped = "named by Connection";
	message_set(&m, HEADER_PRAGMA, SPAN("no-cache"), "changes nothing");
	message_remove(&m, HEADER_AGE, "there is none");
	message_set(&m, HEADER_EXPIRES, SPAN("0"), "the triple");
	assert_int_equal(trace_edits(&m, kept), 2);
	assert_string_equal(kept[0].why, "the triple");
	assert_int_equal(kept[0].id, HEADER_EXPIRES);
	assert_int_equal(kept[1].op, TRACE_DROPPED);
	assert_int_equal(kept[1].line, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_row_has_the_facts_of_the_access_log_and_the_media_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_story_tells_heads_edits_and_what_caches_may_do, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secrets_are_in_no_story_unless_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_values_stay_inside_of_their_strings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchange_without_heads_is_told_all_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_longest_heads_fit_and_are_marked_as_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edits_without_effect_are_not_kept_and_dropped_lines_are, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
