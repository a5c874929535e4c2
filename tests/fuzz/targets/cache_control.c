/*
 * Cache-Control: seconds stay in range, one line or the same line twice say the same, and more directives never
 * allow more.
 */
#include <assert.h>
#include <stdint.h>

#include "http/cache_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_seconds(int64_t s)
{
	assert(s >= -1 && s <= DELTA_SECONDS_MAX);
}

static void check_range(const struct cache_control *cc)
{
	check_seconds(cc->max_age_s);
	check_seconds(cc->s_maxage_s);
	check_seconds(cc->stale_while_revalidate_s);
	check_seconds(cc->stale_if_error_s);
	check_seconds(cc->max_stale_s);
	check_seconds(cc->min_fresh_s);
}

static bool same(const struct cache_control *a, const struct cache_control *b)
{
	return a->flags == b->flags && a->max_age_s == b->max_age_s && a->s_maxage_s == b->s_maxage_s &&
	       a->stale_while_revalidate_s == b->stale_while_revalidate_s &&
	       a->stale_if_error_s == b->stale_if_error_s && a->max_stale_s == b->max_stale_s &&
	       a->min_fresh_s == b->min_fresh_s;
}

/* Absent allows as much as can be. */
static void check_no_larger(int64_t with, int64_t without)
{
	assert(without == -1 || (with != -1 && with <= without));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *bytes = data;
	struct span line = span_of(bytes, size);
	struct cache_control once, twice, more;

	cache_control_init(&once);
	cache_control_add(&once, line);
	check_range(&once);

	twice = once;
	cache_control_add(&twice, line);
	assert(same(&once, &twice));

	more = once;
	cache_control_add(&more, SPAN("no-store, max-age=60, s-maxage=60, max-stale=60, min-fresh=60"));
	check_range(&more);
	assert((more.flags & once.flags) == once.flags && cache_control_has(&more, CC_NO_STORE));
	check_no_larger(more.max_age_s, once.max_age_s);
	check_no_larger(more.s_maxage_s, once.s_maxage_s);
	check_no_larger(more.max_stale_s, once.max_stale_s);
	assert(more.max_age_s <= 60 && more.s_maxage_s <= 60 && more.max_stale_s <= 60 && more.min_fresh_s >= 60);

	/* The order of lines does not matter. */
	cache_control_init(&twice);
	cache_control_add(&twice, SPAN("no-store, max-age=60, s-maxage=60, max-stale=60, min-fresh=60"));
	cache_control_add(&twice, line);
	assert(same(&more, &twice));
	return 0;
}
