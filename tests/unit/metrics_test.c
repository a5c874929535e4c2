/*
 * Metrics as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char text[METRICS_TEXT_MAX + 1];

static const char *write_text(enum metrics_format format, const uint64_t values[METRIC_SLOTS])
{
	text[metrics_write(format, values, text)] = '\0';
	return text;
}

static void assert_has(const char *page, const char *line)
{
	if (!strstr(page, line))
		fail_msg("no line \"%s\" in:\n%s", line, page);
}

static void test_slots_of_dimensions_follow_each_other_the_last_one_fastest(void **state)
{
	uint64_t values[METRIC_SLOTS] = { 0 };

	(void)state;
	/* bust is the 4th mode, fresh the 3rd verdict, 2xx the 3rd class */
	values[METRIC_EXCHANGES + (3 * METRIC_VERDICT_VALUES + 2) * METRIC_STATUS_VALUES + 2] = 17;
	assert_has(write_text(METRICS_PROMETHEUS, values),
		"\nfreshet_exchanges_total{mode=\"bust\",verdict=\"fresh\",code=\"2xx\"} 17\n");
	assert_int_equal(METRIC_EXCHANGES_LAST - METRIC_EXCHANGES + 1, 4 * 6 * 6);
	assert_int_equal(METRIC_EDITS, METRIC_EXCHANGES_LAST + 1);
}

static void test_durations_fall_into_the_first_bucket_that_holds_them(void **state)
{
	static const struct {
		int64_t us;
		unsigned bucket;
	} rows[] = {
		{ -1, 0 }, { 0, 0 }, { 500, 0 }, { 501, 1 }, { 1000, 1 }, { 59999999, METRIC_BOUNDS - 1 },
		{ 60000000, METRIC_BOUNDS - 1 }, { 60000001, METRIC_BOUNDS }, { INT64_MAX, METRIC_BOUNDS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(metric_bucket(rows[i].us), rows[i].bucket);
}

static void test_buckets_of_a_histogram_add_up(void **state)
{
	uint64_t values[METRIC_SLOTS] = { 0 };

	(void)state;
	values[METRIC_TOTAL_TIME + metric_bucket(700)] = 2;
	values[METRIC_TOTAL_TIME + metric_bucket(3000000)] = 1;
	values[METRIC_TOTAL_TIME + METRIC_SUM] = 3001400;
	write_text(METRICS_PROMETHEUS, values);
	assert_has(text, "\nfreshet_exchange_duration_seconds_bucket{le=\"0.0005\"} 0\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_bucket{le=\"0.001\"} 2\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_bucket{le=\"1.0\"} 2\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_bucket{le=\"5.0\"} 3\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_bucket{le=\"+Inf\"} 3\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_sum 3.0014\n");
	assert_has(text, "\nfreshet_exchange_duration_seconds_count 3\n");
}

static void test_formats_name_counters_each_in_its_way(void **state)
{
	uint64_t values[METRIC_SLOTS] = { 0 };

	(void)state;
	values[METRIC_CPU] = 1500000;
	write_text(METRICS_PROMETHEUS, values);
	assert_has(text, "\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n");
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	write_text(METRICS_OPENMETRICS, values);
	assert_has(text, "\n# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"
			 "process_cpu_seconds_total 1.5\n");
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void test_gauge_that_one_thread_left_before_another_entered_it_is_negative(void **state)
{
	uint64_t values[METRIC_SLOTS] = { 0 };

	(void)state;
	values[METRIC_CLIENTS] = UINT64_MAX;
	assert_has(write_text(METRICS_PROMETHEUS, values), "\nfreshet_client_connections{state=\"idle\"} -1\n");
}

static void test_largest_numbers_fit_the_page(void **state)
{
	uint64_t values[METRIC_SLOTS];

	(void)state;
	memset(values, 0xff, sizeof(values));
	write_text(METRICS_OPENMETRICS, values);
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void test_format_follows_accept(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format want;
	} rows[] = {
		{ "", METRICS_PROMETHEUS },
		{ "*/*", METRICS_PROMETHEUS },
		{ "text/plain", METRICS_PROMETHEUS },
		{ "application/openmetrics-text; version=1.0.0", METRICS_OPENMETRICS },
		{ "Application/OpenMetrics-Text", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=0", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.000", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.4,text/plain;q=0.5", METRICS_PROMETHEUS },
		{ "text/plain;q=0.5,application/openmetrics-text;q=0.75", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", METRICS_OPENMETRICS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (metrics_format_for(span_str(rows[i].accept)) != rows[i].want)
			fail_msg("\"%s\" gets the wrong format", rows[i].accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_of_dimensions_follow_each_other_the_last_one_fastest),
		cmocka_unit_test(test_durations_fall_into_the_first_bucket_that_holds_them),
		cmocka_unit_test(test_buckets_of_a_histogram_add_up),
		cmocka_unit_test(test_formats_name_counters_each_in_its_way),
		cmocka_unit_test(test_gauge_that_one_thread_left_before_another_entered_it_is_negative),
		cmocka_unit_test(test_largest_numbers_fit_the_page),
		cmocka_unit_test(test_format_follows_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
