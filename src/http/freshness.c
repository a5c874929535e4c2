/*
 * Age and freshness arithmetic.
 *
 * Durations are clamped to 0 and saturate at 2^31 (RFC 9111 section 1.2.2), so no peer's number overflows.
 */
#include "http/freshness.h"

void freshness_facts_init(struct freshness_facts *f)
{
	*f = (struct freshness_facts){
		.date_s = TIME_ABSENT, .expires_s = TIME_ABSENT, .last_modified_s = TIME_ABSENT
	};
	cache_control_init(&f->cc);
}

static int64_t clamp(int64_t duration_s)
{
	if (duration_s < 0)
		return 0;
	return duration_s < DELTA_SECONDS_MAX ? duration_s : DELTA_SECONDS_MAX;
}

/* From `earlier` to `later`, 0 when it is the other way round. */
static int64_t elapsed(int64_t earlier, int64_t later)
{
	int64_t difference;

	if (later <= earlier)
		return 0;
	return __builtin_sub_overflow(later, earlier, &difference) ? DELTA_SECONDS_MAX : clamp(difference);
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t date_of(const struct freshness_facts *f)
{
	return f->date_s == TIME_ABSENT ? f->response_time_s : f->date_s;
}

/* RFC 9111 section 4.2.3, in its words. */
static int64_t age_at(const struct freshness_facts *f, int64_t now_s)
{
	int64_t apparent_age = elapsed(date_of(f), f->response_time_s);
	int64_t response_delay = elapsed(f->request_time_s, f->response_time_s);
	int64_t corrected_age_value = clamp(f->age_s) + response_delay;
	int64_t corrected_initial_age = larger(apparent_age, corrected_age_value);
	int64_t resident_time = elapsed(f->response_time_s, now_s);

	return clamp(corrected_initial_age + resident_time);
}

bool status_is_cacheable(int status)
{
	static const int statuses[] = { 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (status == statuses[i])
			return true;
	return false;
}

/* RFC 9111 section 4.2.2: public allows it for every status. */
static bool heuristic_applies(const struct freshness_facts *f)
{
	return f->last_modified_s != TIME_ABSENT &&
	       (status_is_cacheable(f->status) || cache_control_has(&f->cc, CC_PUBLIC));
}

/* RFC 9111 section 4.2.1. */
static int64_t lifetime_of(const struct freshness_facts *f, enum lifetime_source *source)
{
	if (f->cc.s_maxage_s >= 0) {
		*source = LIFETIME_S_MAXAGE;
		return clamp(f->cc.s_maxage_s);
	}
	if (f->cc.max_age_s >= 0) {
		*source = LIFETIME_MAX_AGE;
		return clamp(f->cc.max_age_s);
	}
	if (f->expires_s != TIME_ABSENT) {
		*source = LIFETIME_EXPIRES;
		return elapsed(date_of(f), f->expires_s);
	}
	if (heuristic_applies(f)) {
		*source = LIFETIME_HEURISTIC;
		return elapsed(f->last_modified_s, date_of(f)) / 10;
	}
	*source = LIFETIME_NONE;
	return 0;
}

struct freshness freshness_at(const struct freshness_facts *f, int64_t now_s)
{
	struct freshness out = { .age_s = age_at(f, now_s) };

	out.lifetime_s = lifetime_of(f, &out.source);
	return out;
}
