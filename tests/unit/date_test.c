/*
 * HTTP dates, held against the C library's calendar.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/date.h"

#include <stdio.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t NOW = 1795368001; /* 2026-11-22 17:20:01 */

static void test_all_three_forms_give_the_same_time(void **state)
{
	static const struct {
		const char *name, *input;
		int64_t want;
	} rows[] = {
		{ "preferred form", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "RFC 850 form", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "asctime form", "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "asctime form, two-digit day", "Wed Nov 16 08:49:37 1994", 784975777 },
		{ "epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "before the epoch", "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
		{ "long before the epoch", "Mon, 01 Jan 1900 00:00:00 GMT", -2208988800 },
		{ "beyond 32 bits", "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 },
		{ "last of all", "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "leap day", "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
		{ "leap day of a whole century", "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
		{ "leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
		{ "weekday that does not fit", "Mon, 26 Jul 1997 05:00:00 GMT", 869893200 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = 4711;
		bool ok = http_date_parse(span_str(rows[i].input), NOW, &got);

		if (!ok || got != rows[i].want)
			fail_msg("%s: \"%s\" gave %d %jd, expected %jd", rows[i].name, rows[i].input, ok, (intmax_t)got,
				 (intmax_t)rows[i].want);
	}
}

/* Dates are remembered in places that several share, these for one. */
static void test_dates_do_not_take_each_others_time(void **state)
{
	int64_t first, second, bad;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(http_date_parse(SPAN("Sun, 06 Nov 1994 08:49:37 GMT"), NOW, &first));
		assert_true(http_date_parse(SPAN("Mon, 07 Nov 1994 07:49:37 GMT"), NOW, &second));
		assert_false(http_date_parse(SPAN("Sun, 06 Nov 1994 08:49:37 GMX"), NOW, &bad));
		assert_false(http_date_parse(SPAN("Sun, 36 Nov 1994 08:49:37 GMT"), NOW, &bad));
		assert_int_equal(first, 784111777);
		assert_int_equal(second, 784194577);
	}
}

static void test_anything_else_is_refused(void **state)
{
	static const struct {
		const char *name, *input;
	} rows[] = {
		{ "empty", "" },
		{ "the usual junk", "0" },
		{ "minus one", "-1" },
		{ "lower case", "sun, 06 nov 1994 08:49:37 gmt" },
		{ "blank before", " Sun, 06 Nov 1994 08:49:37 GMT" },
		{ "blank after", "Sun, 06 Nov 1994 08:49:37 GMT " },
		{ "other zone", "Sun, 06 Nov 1994 08:49:37 UTC" },
		{ "numeric zone", "Sun, 06 Nov 1994 08:49:37 +0000" },
		{ "no zone", "Sun, 06 Nov 1994 08:49:37" },
		{ "one-digit day", "Sun, 6 Nov 1994 08:49:37 GMT" },
		{ "blank-padded day", "Sun,  6 Nov 1994 08:49:37 GMT" },
		{ "dashes with four digits", "Sun, 06-Nov-1994 08:49:37 GMT" },
		{ "short weekday with dashes", "Sun, 06-Nov-94 08:49:37 GMT" },
		{ "long weekday with blanks", "Sunday, 06 Nov 1994 08:49:37 GMT" },
		{ "no weekday", "06 Nov 1994 08:49:37 GMT" },
		{ "unknown weekday", "Son, 06 Nov 1994 08:49:37 GMT" },
		{ "unknown month", "Sun, 06 Okt 1994 08:49:37 GMT" },
		{ "day 0", "Sun, 00 Nov 1994 08:49:37 GMT" },
		{ "day 31 of November", "Sun, 31 Nov 1994 08:49:37 GMT" },
		{ "leap day of a common year", "Wed, 29 Feb 2023 00:00:00 GMT" },
		{ "leap day of 1900", "Thu, 29 Feb 1900 00:00:00 GMT" },
		{ "hour 24", "Sun, 06 Nov 1994 24:00:00 GMT" },
		{ "minute 60", "Sun, 06 Nov 1994 08:60:00 GMT" },
		{ "second 61", "Sun, 06 Nov 1994 08:49:61 GMT" },
		{ "no seconds", "Sun, 06 Nov 1994 08:49 GMT" },
		{ "sign", "Sun, +6 Nov 1994 08:49:37 GMT" },
		{ "five-digit year", "Sun, 06 Nov 19940 08:49:37 GMT" },
		{ "asctime with zone", "Sun Nov  6 08:49:37 1994 GMT" },
		{ "asctime with zero-padded year", "Sun Nov  6 08:49:37 94" },
		{ "asctime without padding", "Sun Nov 6 08:49:37 1994" },
		{ "ISO 8601", "1994-11-06T08:49:37Z" },
		{ "two dates", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = 4711;

		if (http_date_parse(span_str(rows[i].input), NOW, &got) || got != 4711)
			fail_msg("%s: \"%s\" was accepted or changed the output to %jd", rows[i].name, rows[i].input,
				 (intmax_t)got);
	}
}

static void test_every_shorter_prefix_is_refused(void **state)
{
	static const char *const dates[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(dates); i++) {
		for (size_t n = 0; n < strlen(dates[i]); n++) {
			int64_t got;

			if (http_date_parse(span_of(dates[i], n), NOW, &got))
				fail_msg("\"%.*s\" was accepted", (int)n, dates[i]);
		}
	}
}

static void test_two_digit_year_is_at_most_50_years_ahead(void **state)
{
	static const struct {
		const char *now, *input, *want;
	} rows[] = {
		{ "Sun, 22 Nov 2026 17:20:01 GMT", "Sunday, 22-Nov-26 17:20:01 GMT", "Sun, 22 Nov 2026 17:20:01 GMT" },
		{ "Sun, 22 Nov 2026 17:20:01 GMT", "Sunday, 22-Nov-76 17:20:01 GMT", "Sun, 22 Nov 2076 17:20:01 GMT" },
		{ "Sun, 22 Nov 2026 17:20:01 GMT", "Sunday, 22-Nov-76 17:20:02 GMT", "Mon, 22 Nov 1976 17:20:02 GMT" },
		{ "Sun, 22 Nov 2026 17:20:01 GMT", "Sunday, 01-Jan-77 00:00:00 GMT", "Sat, 01 Jan 1977 00:00:00 GMT" },
		{ "Sun, 22 Nov 2026 17:20:01 GMT", "Sunday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT" },
		{ "Mon, 01 Jan 2095 00:00:00 GMT", "Sunday, 01-Jan-05 00:00:00 GMT", "Thu, 01 Jan 2105 00:00:00 GMT" },
		{ "Thu, 31 Dec 1998 00:00:00 GMT", "Sunday, 01-Jan-48 00:00:00 GMT", "Wed, 01 Jan 2048 00:00:00 GMT" },
		{ "Thu, 31 Dec 1998 00:00:00 GMT", "Sunday, 01-Jan-49 00:00:00 GMT", "Sat, 01 Jan 1949 00:00:00 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t now = 0, got = 0;
		char text[HTTP_DATE_BYTES];

		assert_true(http_date_parse(span_str(rows[i].now), 0, &now));
		assert_true(http_date_parse(span_str(rows[i].input), now, &got));
		http_date_format(got, text);
		if (memcmp(text, rows[i].want, sizeof(text)) != 0)
			fail_msg("\"%s\" at %s gave %.*s, expected %s", rows[i].input, rows[i].now, (int)sizeof(text), text,
				 rows[i].want);
	}
}

/* In steps of about 23 days that meet every weekday, month and leap rule between the years 0 and 9999. */
static void test_format_agrees_with_the_c_library_and_reads_back(void **state)
{
	(void)state;
	for (int64_t s = -62167219200; s <= 253402300799; s += 2000003) {
		char got[HTTP_DATE_BYTES], want[64];
		time_t t = s;
		struct tm tm;
		int64_t back = 0;

		assert_non_null(gmtime_r(&t, &tm));
		/* %Y does not pad years below 1000. */
		size_t n = strftime(want, sizeof(want), "%a, %d %b ", &tm);
		n += (size_t)snprintf(want + n, sizeof(want) - n, "%04d", tm.tm_year + 1900);
		strftime(want + n, sizeof(want) - n, " %H:%M:%S GMT", &tm);
		assert_int_equal(http_date_format(s, got), HTTP_DATE_BYTES);
		if (memcmp(got, want, HTTP_DATE_BYTES) != 0)
			fail_msg("%jd gave %.*s, expected %s", (intmax_t)s, HTTP_DATE_BYTES, got, want);
		if (!http_date_parse(span_of(got, HTTP_DATE_BYTES), NOW, &back) || back != s)
			fail_msg("%s came back as %jd, expected %jd", want, (intmax_t)back, (intmax_t)s);
	}
}

static void test_years_beyond_four_digits_are_clamped(void **state)
{
	static const struct {
		int64_t s;
		const char *want;
	} rows[] = {
		{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ 253402300800, "Fri, 31 Dec 9999 23:59:59 GMT" },
		{ INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT" },
		{ -62167219201, "Sat, 01 Jan 0000 00:00:00 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char got[HTTP_DATE_BYTES];

		http_date_format(rows[i].s, got);
		if (memcmp(got, rows[i].want, HTTP_DATE_BYTES) != 0)
			fail_msg("%jd gave %.*s, expected %s", (intmax_t)rows[i].s, HTTP_DATE_BYTES, got, rows[i].want);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_three_forms_give_the_same_time),
		cmocka_unit_test(test_dates_do_not_take_each_others_time),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_every_shorter_prefix_is_refused),
		cmocka_unit_test(test_two_digit_year_is_at_most_50_years_ahead),
		cmocka_unit_test(test_format_agrees_with_the_c_library_and_reads_back),
		cmocka_unit_test(test_years_beyond_four_digits_are_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
