/*
 * URLs found stale: one entry each, the latest first, bounded, without secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/stale_urls.h"

#include <stdio.h>
#include <stdlib.h>

static struct stale_urls urls;
static char *room;

static int set_up(void **state)
{
	(void)state;
	urls = (struct stale_urls){ .count = 0 };
	room = malloc(STALE_URLS_JSON_MAX);
	return room ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(room);
	return 0;
}

static void add(const char *url, const char *layer, int64_t by_s, int64_t now_s)
{
	static struct probe probe;
	const struct probe_conclusion c = { .verdict = PROBE_STALE, .measure = MEASURE_LAST_MODIFIED, .by_s = by_s };
	struct verdict *said = &probe.sights[PROBE_PLAIN].verdict;

	said->age_s = 7;
	snprintf(said->layer, sizeof(said->layer), "%s", layer);
	stale_urls_add(&urls, span_str(url), &probe, &c, now_s);
}

static struct span told(void)
{
	struct json j = json_of(room, STALE_URLS_JSON_MAX);

	stale_urls_json(&urls, &j);
	assert_false(j.line.cut);
	return span_of(room, j.line.n);
}

static void assert_told(const char *expected)
{
	if (!span_eq(told(), span_str(expected)))
		fail_msg("got %.*s", SPAN_ARG(told()));
}

static void test_nothing_found_is_an_empty_list(void **state)
{
	(void)state;
	assert_told("[]");
}

static void test_url_found_again_is_counted_and_keeps_its_first_time(void **state)
{
	(void)state;
	add("http://a.example/x", "edge", 10, 1000);
	add("http://a.example/x", "shield", 30, 1060);
	assert_told("[{\"url\":\"http://a.example/x\",\"layer\":\"shield\",\"age_s\":7,\"by_s\":30,\"measure\":\"Last-Modified\","
		    "\"first_s\":1000,\"last_s\":1060,\"count\":2}]");
}

static void test_latest_stands_first(void **state)
{
	(void)state;
	add("http://a.example/1", "", 1, 1000);
	add("http://a.example/2", "", 1, 1002);
	add("http://a.example/3", "", 1, 1002);
	add("http://a.example/4", "", 1, 1001);
	const char *text = told().p;
	size_t at[5];
	for (int i = 1; i <= 4; i++) {
		char url[32];
		snprintf(url, sizeof(url), "example/%d", i);
		room[told().n] = '\0';
		const char *found = strstr(text, url);
		assert_non_null(found);
		at[i] = (size_t)(found - text);
	}
	assert_true(at[2] < at[3] && at[3] < at[4] && at[4] < at[1]);
}

static void test_number_is_bounded_and_the_one_seen_longest_ago_goes(void **state)
{
	char url[64];

	(void)state;
	for (int i = 0; i < STALE_URLS_MAX + 1; i++) {
		snprintf(url, sizeof(url), "http://a.example/%d/", i);
		add(url, "", 1, i == 0 ? 5000 : i);
	}
	assert_int_equal(urls.count, STALE_URLS_MAX);
	room[told().n] = '\0';
	assert_non_null(strstr(room, "example/0/"));
	assert_null(strstr(room, "example/1/"));
	assert_non_null(strstr(room, "example/200/"));
}

static void test_secrets_are_hidden_and_long_urls_cut(void **state)
{
	static char url[3 * STALE_URL_BYTES];

	(void)state;
	add("http://a.example/x?access_token=hush", "", 1, 1000);
	room[told().n] = '\0';
	assert_null(strstr(room, "hush"));
	assert_non_null(strstr(room, "access_token=***"));
	memset(url, 'a', sizeof(url) - 1);
	memcpy(url, "http://", 7);
	add(url, "", 1, 1001);
	assert_int_equal(urls.items[1].url_len, STALE_URL_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_found_is_an_empty_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_found_again_is_counted_and_keeps_its_first_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_latest_stands_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_number_is_bounded_and_the_one_seen_longest_ago_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secrets_are_hidden_and_long_urls_cut, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
