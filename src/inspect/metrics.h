/*
 * Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0.
 *
 * Pure: numbers in, bytes out.  What there is to count is metrics.def; who counts is proxy/counters.
 */
#ifndef FRESHET_INSPECT_METRICS_H
#define FRESHET_INSPECT_METRICS_H

#include "base/span.h"

/* Durations up to each of these, in microseconds, have a bucket of a histogram; longer ones the last. */
#define METRIC_BOUNDS_US \
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, \
		30000000, 60000000

/* How many values a dimension has; a histogram has its buckets and the sum instead. */
enum {
#define DIMENSION(id, label, ...) \
	METRIC_##id##_VALUES = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *),
#include "inspect/metrics.def"
	METRIC_BOUNDS = sizeof((const int[]){ METRIC_BOUNDS_US }) / sizeof(int),
	METRIC_COUNTER_SLOTS = 1,
	METRIC_GAUGE_SLOTS = 1,
	METRIC_HISTOGRAM_SLOTS = METRIC_BOUNDS + 2,
};

/* The first slot of each metric; those of its dimensions' values follow, the last dimension's next to each other. */
enum metric_slot {
#define METRIC(id, type, name, unit, first, second, third, help) \
	METRIC_##id, \
	METRIC_##id##_LAST = METRIC_##id - 1 + METRIC_##type##_SLOTS * METRIC_##first##_VALUES * \
		METRIC_##second##_VALUES * METRIC_##third##_VALUES,
#include "inspect/metrics.def"
	METRIC_SLOTS
};

/* The offset of a duration's bucket from its histogram's first slot; the sum is METRIC_SUM. */
enum { METRIC_SUM = METRIC_BOUNDS + 1 };

unsigned metric_bucket(int64_t duration_us);

enum metrics_format {
	METRICS_PROMETHEUS,
	METRICS_OPENMETRICS,
};

/* By the request's Accept: OpenMetrics for who names it, with a weight that is not 0 or lower than plain text's. */
enum metrics_format metrics_format_for(struct span accept);

struct span metrics_content_type(enum metrics_format format);

enum { METRICS_TEXT_MAX = 64 * 1024 };

/* Writes the page; returns its length.  A gauge's value is signed. */
size_t metrics_write(enum metrics_format format, const uint64_t values[METRIC_SLOTS], char out[METRICS_TEXT_MAX]);

#endif
