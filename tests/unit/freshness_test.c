/*
 * Age and freshness: RFC 9111 section 4.2 in numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/freshness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { RECEIVED = 1000000 }; /* when the response came, unless a row says otherwise */

/* A 200 that was asked for and came at RECEIVED, dated then. */
static struct freshness_facts plain_facts(void)
{
	struct freshness_facts f;

	freshness_facts_init(&f);
	f.status = 200;
	f.date_s = f.request_time_s = f.response_time_s = RECEIVED;
	return f;
}

static void test_age_is_the_larger_of_apparent_and_corrected_plus_residence(void **state)
{
	static const struct {
		const char *name;
		int64_t date_s, age_s, request_s, response_s, now_s, want;
	} rows[] = {
		{ "new", 1000, 0, 1000, 1000, 1000, 0 },
		{ "apparent age from Date", 900, 0, 1000, 1000, 1000, 100 },
		{ "Age field", 1000, 30, 1000, 1000, 1000, 30 },
		{ "apparent age exceeds Age", 900, 30, 1000, 1000, 1000, 100 },
		{ "Age exceeds apparent age", 990, 30, 1000, 1000, 1000, 30 },
		{ "delay counts with Age", 1000, 30, 993, 1000, 1000, 37 },
		{ "delay does not count with Date", 900, 30, 993, 1000, 1000, 100 },
		{ "time kept here", 1000, 30, 1000, 1000, 1060, 90 },
		{ "everything", 980, 30, 995, 1000, 1060, 95 },
		{ "Date ahead of us", 2000, 0, 1000, 1000, 1000, 0 },
		{ "our clock went back while waiting", 1000, 5, 1010, 1000, 1000, 5 },
		{ "our clock went back since", 1000, 5, 1000, 1000, 900, 5 },
		{ "no Date", TIME_ABSENT, 7, 1000, 1000, 1002, 9 },
		{ "negative Age", 1000, -5, 1000, 1000, 1000, 0 },
		{ "huge Age", 1000, INT64_MAX, 1000, 1000, 1000, DELTA_SECONDS_MAX },
		{ "huge Age and residence", 1000, DELTA_SECONDS_MAX, 900, 1000, INT64_MAX, DELTA_SECONDS_MAX },
		{ "Date of the year dot", INT64_MIN + 1, 0, 1000, 1000, 1000, DELTA_SECONDS_MAX },
		{ "whole range of clocks", 0, 0, INT64_MIN, INT64_MAX, INT64_MAX, DELTA_SECONDS_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct freshness_facts f = plain_facts();

		f.date_s = rows[i].date_s;
		f.age_s = rows[i].age_s;
		f.request_time_s = rows[i].request_s;
		f.response_time_s = rows[i].response_s;
		struct freshness got = freshness_at(&f, rows[i].now_s);
		if (got.age_s != rows[i].want)
			fail_msg("%s: age is %jd, expected %jd", rows[i].name, (intmax_t)got.age_s, (intmax_t)rows[i].want);
	}
}

static void test_lifetime_comes_from_the_first_source_there_is(void **state)
{
	static const int64_t none = TIME_ABSENT, at = RECEIVED;
	const struct {
		const char *name, *cache_control;
		int64_t date_s, expires_s, last_modified_s;
		int status;
		int64_t want;
		enum lifetime_source source;
	} rows[] = {
		{ "nothing", "", at, none, none, 200, 0, LIFETIME_NONE },
		{ "max-age", "max-age=60", at, none, none, 200, 60, LIFETIME_MAX_AGE },
		{ "s-maxage before max-age", "max-age=60, s-maxage=5", at, none, none, 200, 5, LIFETIME_S_MAXAGE },
		{ "max-age before Expires", "max-age=60", at, at + 900, at - 100, 200, 60, LIFETIME_MAX_AGE },
		{ "max-age 0 before Expires", "max-age=0", at, at + 900, none, 200, 0, LIFETIME_MAX_AGE },
		{ "junk max-age is expired", "max-age=x", at, at + 900, none, 200, 0, LIFETIME_MAX_AGE },
		{ "Expires after Date", "", at, at + 900, at - 100, 200, 900, LIFETIME_EXPIRES },
		{ "Expires counted from Date, not from now", "", at - 50, at + 10, none, 200, 60, LIFETIME_EXPIRES },
		{ "Expires without Date", "", none, at + 10, none, 200, 10, LIFETIME_EXPIRES },
		{ "Expires before Date", "", at, at - 1, none, 200, 0, LIFETIME_EXPIRES },
		{ "invalid Expires", "", at, TIME_LONG_AGO, at - 100, 200, 0, LIFETIME_EXPIRES },
		{ "Expires beyond measure", "", at, INT64_MAX, none, 200, DELTA_SECONDS_MAX, LIFETIME_EXPIRES },
		{ "a tenth of the time unmodified", "", at, none, at - 1000, 200, 100, LIFETIME_HEURISTIC },
		{ "a tenth, rounded down", "", at, none, at - 19, 200, 1, LIFETIME_HEURISTIC },
		{ "modified in the future", "", at, none, at + 1000, 200, 0, LIFETIME_HEURISTIC },
		{ "heuristic without Date", "", none, none, at - 1000, 200, 100, LIFETIME_HEURISTIC },
		{ "heuristic for 404", "", at, none, at - 1000, 404, 100, LIFETIME_HEURISTIC },
		{ "heuristic for 206", "", at, none, at - 1000, 206, 100, LIFETIME_HEURISTIC },
		{ "no heuristic for 302", "", at, none, at - 1000, 302, 0, LIFETIME_NONE },
		{ "no heuristic for 500", "", at, none, at - 1000, 500, 0, LIFETIME_NONE },
		{ "heuristic for public 302", "public", at, none, at - 1000, 302, 100, LIFETIME_HEURISTIC },
		{ "explicit lifetime of a 302", "max-age=9", at, none, none, 302, 9, LIFETIME_MAX_AGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct freshness_facts f = plain_facts();

		cache_control_add(&f.cc, span_str(rows[i].cache_control));
		f.date_s = rows[i].date_s;
		f.expires_s = rows[i].expires_s;
		f.last_modified_s = rows[i].last_modified_s;
		f.status = rows[i].status;
		struct freshness got = freshness_at(&f, RECEIVED);
		if (got.lifetime_s != rows[i].want || got.source != rows[i].source)
			fail_msg("%s: lifetime is %jd from %d, expected %jd from %d", rows[i].name,
				 (intmax_t)got.lifetime_s, (int)got.source, (intmax_t)rows[i].want, (int)rows[i].source);
	}
}

static void test_response_turns_stale_when_age_reaches_the_lifetime(void **state)
{
	static const struct {
		int64_t now_s;
		bool stale;
		int64_t by;
	} rows[] = {
		{ RECEIVED, false, 0 },
		{ RECEIVED + 59, false, 0 },
		{ RECEIVED + 60, true, 0 },
		{ RECEIVED + 61, true, 1 },
		{ RECEIVED + 3660, true, 3600 },
	};
	struct freshness_facts f = plain_facts();

	(void)state;
	cache_control_add(&f.cc, SPAN("max-age=60"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct freshness got = freshness_at(&f, rows[i].now_s);

		if (freshness_is_stale(&got) != rows[i].stale || freshness_stale_by(&got) != rows[i].by)
			fail_msg("after %jd s: stale %d by %jd, expected %d by %jd", (intmax_t)(rows[i].now_s - RECEIVED),
				 freshness_is_stale(&got), (intmax_t)freshness_stale_by(&got), rows[i].stale,
				 (intmax_t)rows[i].by);
	}
}

static void test_response_without_lifetime_is_stale_by_its_age(void **state)
{
	struct freshness_facts f = plain_facts();

	(void)state;
	f.age_s = 30;
	struct freshness got = freshness_at(&f, RECEIVED);
	assert_int_equal(got.source, LIFETIME_NONE);
	assert_true(freshness_is_stale(&got));
	assert_int_equal(freshness_stale_by(&got), 30);
}

static void test_unset_facts_are_absent(void **state)
{
	struct freshness_facts f;

	(void)state;
	freshness_facts_init(&f);
	assert_true(f.date_s == TIME_ABSENT && f.expires_s == TIME_ABSENT && f.last_modified_s == TIME_ABSENT);
	assert_int_equal(f.age_s, 0);
	assert_int_equal(f.cc.flags, 0);
	assert_int_equal(f.cc.max_age_s, -1);
	assert_int_equal(f.cc.s_maxage_s, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age_is_the_larger_of_apparent_and_corrected_plus_residence),
		cmocka_unit_test(test_lifetime_comes_from_the_first_source_there_is),
		cmocka_unit_test(test_response_turns_stale_when_age_reaches_the_lifetime),
		cmocka_unit_test(test_response_without_lifetime_is_stale_by_its_age),
		cmocka_unit_test(test_unset_facts_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
