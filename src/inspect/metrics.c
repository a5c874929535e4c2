/*
 * Metrics as text.
 */
#include "inspect/metrics.h"

#include "inspect/line.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { DIMENSIONS = 3 };

struct dimension {
	struct span label;
	const char *const *values;
	unsigned count;
};

struct metric {
	enum metric_type type;
	enum metric_slot slot;
	struct span name, unit, help;
	struct dimension by[DIMENSIONS];
};

#define DIMENSION(id, label, ...) static const char *const values_of_##id[] = { __VA_ARGS__ };
#include "inspect/metrics.def"

#define BY_NONE { { "", 0 }, values_of_NONE, METRIC_NONE_VALUES }
#define DIMENSION(id, text, ...) \
	static const struct dimension by_##id = { \
		.label = { text, sizeof(text) - 1 }, .values = values_of_##id, .count = METRIC_##id##_VALUES \
	};
#include "inspect/metrics.def"

static const int64_t bounds_us[] = { METRIC_BOUNDS_US };

unsigned metric_bucket(int64_t duration_us)
{
	unsigned i = 0;

	while (i < METRIC_BOUNDS && duration_us > bounds_us[i])
		i++;
	return i;
}

/* -- numbers and labels -- */

/* Microseconds as seconds, without zeros at the end but for one behind the point, as OpenMetrics has its floats. */
static void put_seconds(struct line *l, uint64_t us)
{
	char digits[7] = { '.', '0' };
	uint64_t rest = us % 1000000;
	size_t n = 2;

	for (size_t i = 6; i >= 1; i--, rest /= 10) {
		digits[i] = (char)('0' + rest % 10);
		if (digits[i] != '0' && n < i + 1)
			n = i + 1;
	}
	line_put_u64(l, us / 1000000);
	line_put(l, span_of(digits, n));
}

static void put_value(struct line *l, const struct metric *m, uint64_t value)
{
	bool negative = m->type == METRIC_GAUGE && value >> 63;

	if (negative)
		line_put_char(l, '-');
	if (m->unit.n && span_eq(m->unit, SPAN("seconds")))
		put_seconds(l, value);
	else
		line_put_u64(l, negative ? 0 - value : value);
	line_put_char(l, '\n');
}

static void put_label(struct line *l, struct span label, struct span value, bool first)
{
	line_put_char(l, first ? '{' : ',');
	line_put(l, label);
	line_put(l, SPAN("=\""));
	line_put(l, value);
	line_put_char(l, '"');
}

/* The labels of the metric's index-th slot. */
static void put_labels(struct line *l, const struct metric *m, unsigned index)
{
	unsigned behind = m->by[0].count * m->by[1].count * m->by[2].count;
	bool first = true;

	for (int i = 0; i < DIMENSIONS; i++) {
		behind /= m->by[i].count;
		if (!m->by[i].label.n)
			continue;
		put_label(l, m->by[i].label, span_str(m->by[i].values[index / behind % m->by[i].count]), first);
		first = false;
	}
	if (!first)
		line_put_char(l, '}');
}

/* -- metrics -- */

static void put_samples(struct line *l, const struct metric *m, const uint64_t *values)
{
	unsigned count = m->by[0].count * m->by[1].count * m->by[2].count;

	for (unsigned i = 0; i < count; i++) {
		line_put(l, m->name);
		if (m->type == METRIC_COUNTER)
			line_put(l, SPAN("_total"));
		put_labels(l, m, i);
		line_put_char(l, ' ');
		put_value(l, m, values[i]);
	}
}

static void put_bucket(struct line *l, const struct metric *m, unsigned i, uint64_t upto)
{
	line_put(l, m->name);
	line_put(l, SPAN("_bucket{le=\""));
	if (i < METRIC_BOUNDS)
		put_seconds(l, (uint64_t)bounds_us[i]);
	else
		line_put(l, SPAN("+Inf"));
	line_put(l, SPAN("\"} "));
	line_put_u64(l, upto);
	line_put_char(l, '\n');
}

static void put_histogram(struct line *l, const struct metric *m, const uint64_t *values)
{
	uint64_t upto = 0;

	for (unsigned i = 0; i <= METRIC_BOUNDS; i++) {
		upto += values[i];
		put_bucket(l, m, i, upto);
	}
	line_put(l, m->name);
	line_put(l, SPAN("_sum "));
	put_value(l, m, values[METRIC_SUM]);
	line_put(l, m->name);
	line_put(l, SPAN("_count "));
	line_put_u64(l, upto);
	line_put_char(l, '\n');
}

/* "# TYPE name text".  Prometheus' own format has _total in the family's name, too; OpenMetrics has not. */
static void put_about(struct line *l, enum metrics_format format, const struct metric *m, struct span what, struct span text)
{
	line_put(l, what);
	line_put(l, m->name);
	if (m->type == METRIC_COUNTER && format == METRICS_PROMETHEUS)
		line_put(l, SPAN("_total"));
	line_put_char(l, ' ');
	line_put(l, text);
	line_put_char(l, '\n');
}

static struct span type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return SPAN("counter");
	case METRIC_GAUGE:
		return SPAN("gauge");
	case METRIC_HISTOGRAM:
		break;
	}
	return SPAN("histogram");
}

static void put_metric(struct line *l, enum metrics_format format, const struct metric *m, const uint64_t *values)
{
	put_about(l, format, m, SPAN("# HELP "), m->help);
	put_about(l, format, m, SPAN("# TYPE "), type_name(m->type));
	if (m->unit.n && format == METRICS_OPENMETRICS)
		put_about(l, format, m, SPAN("# UNIT "), m->unit);
	if (m->type == METRIC_HISTOGRAM)
		put_histogram(l, m, values);
	else
		put_samples(l, m, values);
}

size_t metrics_write(enum metrics_format format, const uint64_t values[METRIC_SLOTS], char out[METRICS_TEXT_MAX])
{
	const struct metric metrics[] = {
#define METRIC(id, kind, text, base, first, second, third, about) \
	{ .type = METRIC_##kind, .slot = METRIC_##id, .name = SPAN(text), .unit = SPAN(base), .help = SPAN(about), \
	  .by = { by_##first, by_##second, by_##third } },
#include "inspect/metrics.def"
	};
	struct line l = line_of(out, METRICS_TEXT_MAX);

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		put_metric(&l, format, &metrics[i], values + metrics[i].slot);
	if (format == METRICS_OPENMETRICS)
		line_put(&l, SPAN("# EOF\n"));
	return l.n;
}

/* -- which format -- */

struct span metrics_content_type(enum metrics_format format)
{
	if (format == METRICS_OPENMETRICS)
		return SPAN("application/openmetrics-text; version=1.0.0; charset=utf-8");
	return SPAN("text/plain; version=0.0.4; charset=utf-8");
}

/* The weight of a media range, in thousandths (RFC 9110 section 12.4.2); what cannot be read counts as 1. */
static unsigned weight_of(struct span range)
{
	while (range.n) {
		struct span parameter = span_trim(span_first(range, span_find(range, ';')));

		range = span_from(range, span_find(range, ';') + 1);
		if (!span_istarts(parameter, SPAN("q=")))
			continue;
		unsigned weight = parameter.n > 2 && parameter.p[2] == '0' ? 0 : 1000, unit = 100;
		for (size_t i = 4; i < parameter.n && unit && ascii_digit(parameter.p[i]); i++, unit /= 10)
			weight += weight < 1000 ? (unsigned)(parameter.p[i] - '0') * unit : 0;
		return weight;
	}
	return 1000;
}

enum metrics_format metrics_format_for(struct span accept)
{
	unsigned open = 0, plain = 0;
	struct span range;

	while (span_list_next(&accept, &range)) {
		struct span type = span_trim(span_first(range, span_find(range, ';')));
		unsigned weight = weight_of(range);

		if (span_ieq(type, SPAN("application/openmetrics-text")) && weight > open)
			open = weight;
		else if (span_ieq(type, SPAN("text/plain")) && weight > plain)
			plain = weight;
	}
	return open && open >= plain ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
}
