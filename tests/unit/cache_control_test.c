/*
 * Cache-Control directives: flags, seconds, repetition and junk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/cache_control.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DESCRIPTION_BYTES = 512 };

/* Names what is there, in the order of cache_control.def: "no-cache max-age=60". */
static void describe(const struct cache_control *cc, char out[DESCRIPTION_BYTES])
{
	const struct {
		enum cache_control_flag flag;
		const char *name;
	} flags[] = {
		{ CC_NO_CACHE, "no-cache" },
		{ CC_NO_CACHE_FIELDS, "no-cache=fields" },
		{ CC_PRIVATE, "private" },
		{ CC_PRIVATE_FIELDS, "private=fields" },
		{ CC_NO_STORE, "no-store" },
		{ CC_NO_TRANSFORM, "no-transform" },
		{ CC_MUST_REVALIDATE, "must-revalidate" },
		{ CC_PROXY_REVALIDATE, "proxy-revalidate" },
		{ CC_MUST_UNDERSTAND, "must-understand" },
		{ CC_PUBLIC, "public" },
		{ CC_IMMUTABLE, "immutable" },
		{ CC_ONLY_IF_CACHED, "only-if-cached" },
	};
	const struct {
		int64_t value;
		const char *name;
	} seconds[] = {
		{ cc->max_age_s, "max-age" },
		{ cc->s_maxage_s, "s-maxage" },
		{ cc->stale_while_revalidate_s, "stale-while-revalidate" },
		{ cc->stale_if_error_s, "stale-if-error" },
		{ cc->max_stale_s, "max-stale" },
		{ cc->min_fresh_s, "min-fresh" },
	};
	int n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < COUNT(flags); i++)
		if (cache_control_has(cc, flags[i].flag))
			n += snprintf(out + n, (size_t)(DESCRIPTION_BYTES - n), "%s%s", n ? " " : "", flags[i].name);
	for (size_t i = 0; i < COUNT(seconds); i++)
		if (seconds[i].value != -1)
			n += snprintf(out + n, (size_t)(DESCRIPTION_BYTES - n), "%s%s=%jd", n ? " " : "", seconds[i].name,
				      (intmax_t)seconds[i].value);
}

struct row {
	const char *name, *input, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cache_control cc;
		char got[DESCRIPTION_BYTES];

		cache_control_init(&cc);
		cache_control_add(&cc, span_str(rows[i].input));
		describe(&cc, got);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s: \"%s\" gave \"%s\", expected \"%s\"", rows[i].name, rows[i].input, got,
				 rows[i].expected);
	}
}

static void test_directives_are_recognised(void **state)
{
	static const struct row rows[] = {
		{ "nothing", "", "" },
		{ "the triple", "no-cache, no-store, must-revalidate", "no-cache no-store must-revalidate" },
		{ "any case", "No-Cache,MAX-AGE=5", "no-cache max-age=5" },
		{ "no blanks", "private,max-age=3600,must-revalidate", "private must-revalidate max-age=3600" },
		{ "blanks, tabs and empty elements", " ,\tpublic ,, immutable\t,", "public immutable" },
		{ "the other flags", "no-transform, proxy-revalidate, must-understand, only-if-cached",
		  "no-transform proxy-revalidate must-understand only-if-cached" },
		{ "all seconds",
		  "max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4, max-stale=5, min-fresh=6",
		  "max-age=1 s-maxage=2 stale-while-revalidate=3 stale-if-error=4 max-stale=5 min-fresh=6" },
		{ "unknown", "community=\"UCI\", x, max-agent=5, no-cache2, o-store", "" },
		{ "directive within a quoted string", "x=\"no-store, max-age=5\", public", "public" },
		{ "blank before the equals sign is another name", "max-age =5", "" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void test_field_lists_are_kept_apart_from_the_plain_directive(void **state)
{
	static const struct row rows[] = {
		{ "no-cache", "no-cache=\"Set-Cookie\"", "no-cache=fields" },
		{ "private", "private=\"a, b\"", "private=fields" },
		{ "without quotes", "no-cache=Set-Cookie", "no-cache=fields" },
		{ "empty list counts as plain", "no-cache=\"\", private=", "no-cache private" },
		{ "both", "no-cache=\"a\", no-cache", "no-cache no-cache=fields" },
		{ "argument where none belongs", "no-store=\"a\", public=1", "no-store public" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void test_numbers_saturate_and_junk_allows_least(void **state)
{
	static const struct row rows[] = {
		{ "zero", "max-age=0", "max-age=0" },
		{ "quoted", "max-age=\"60\"", "max-age=60" },
		{ "largest exact", "max-age=2147483647", "max-age=2147483647" },
		{ "2^31", "max-age=2147483648", "max-age=2147483648" },
		{ "beyond 2^31", "max-age=2147483649", "max-age=2147483648" },
		{ "beyond 2^64", "max-age=99999999999999999999999", "max-age=2147483648" },
		{ "negative", "max-age=-1", "max-age=0" },
		{ "fraction", "s-maxage=1.5", "s-maxage=0" },
		{ "word", "max-age=never", "max-age=0" },
		{ "no argument", "max-age", "max-age=0" },
		{ "empty argument", "max-age=", "max-age=0" },
		{ "one quote", "max-age=\"60", "max-age=0" },
		{ "blank after the equals sign", "max-age= 60", "max-age=0" },
		{ "junk staleness", "stale-while-revalidate=x, stale-if-error", "stale-while-revalidate=0 stale-if-error=0" },
		{ "any staleness will do", "max-stale", "max-stale=2147483648" },
		{ "junk max-stale", "max-stale=x", "max-stale=0" },
		{ "junk min-fresh", "min-fresh=x", "min-fresh=2147483648" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void test_repetition_counts_with_what_allows_less(void **state)
{
	static const struct row rows[] = {
		{ "smaller last", "max-age=60, max-age=5", "max-age=5" },
		{ "smaller first", "max-age=5, max-age=60", "max-age=5" },
		{ "junk beside a number", "max-age=60, max-age=x", "max-age=0" },
		{ "max-stale bare and bounded", "max-stale, max-stale=5", "max-stale=5" },
		{ "min-fresh", "min-fresh=5, min-fresh=60, min-fresh=7", "min-fresh=60" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void test_several_lines_add_up(void **state)
{
	struct cache_control cc;
	char got[DESCRIPTION_BYTES];

	(void)state;
	cache_control_init(&cc);
	cache_control_add(&cc, SPAN("private, max-age=60"));
	cache_control_add(&cc, SPAN_NONE);
	cache_control_add(&cc, SPAN("no-store, max-age=30"));
	describe(&cc, got);
	assert_string_equal(got, "private no-store max-age=30");
}

static void test_delta_seconds_are_digits_only(void **state)
{
	static const struct {
		const char *input;
		bool ok;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "0060", true, 60 },
		{ "4294967296", true, DELTA_SECONDS_MAX },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "6 0", false, 0 },
		{ "99999999999999999999x", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = 4711, want = rows[i].ok ? rows[i].value : 4711;
		bool ok = delta_seconds_parse(span_str(rows[i].input), &got);

		if (ok != rows[i].ok || got != want)
			fail_msg("\"%s\" gave %d %jd, expected %d %jd", rows[i].input, ok, (intmax_t)got, rows[i].ok,
				 (intmax_t)want);
	}
}

/* Lines read before are remembered; these all have the same length and the same end. */
static void test_a_line_reads_as_it_did_whatever_was_read_between(void **state)
{
	static const struct row rows[] = {
		{ "a lifetime", "private, max-age=10", "private max-age=10" },
		{ "another in all but its length", "public,  max-age=20", "public max-age=20" },
		{ "of other directives", "public, s-maxage=30", "public s-maxage=30" },
		{ "nothing known", "nothing, unknown=40", "" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
	check_rows(rows, COUNT(rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directives_are_recognised),
		cmocka_unit_test(test_field_lists_are_kept_apart_from_the_plain_directive),
		cmocka_unit_test(test_numbers_saturate_and_junk_allows_least),
		cmocka_unit_test(test_repetition_counts_with_what_allows_less),
		cmocka_unit_test(test_several_lines_add_up),
		cmocka_unit_test(test_a_line_reads_as_it_did_whatever_was_read_between),
		cmocka_unit_test(test_delta_seconds_are_digits_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
