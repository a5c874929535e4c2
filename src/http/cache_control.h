/*
 * Cache-Control, of requests and responses alike, read into facts (RFC 9111 section 5.2).
 *
 * Reads; never decides and never writes.  A directive given twice counts with the value that allows less, where
 * RFC 9111 section 4.2.1 leaves "the first or the most restrictive" open; invalid values count as expired.
 */
#ifndef FRESHET_HTTP_CACHE_CONTROL_H
#define FRESHET_HTTP_CACHE_CONTROL_H

#include "base/span.h"

/* Where delta-seconds saturate (RFC 9111 section 1.2.2). */
#define DELTA_SECONDS_MAX ((int64_t)1 << 31)

enum cache_control_bit {
#define FLAG(name, directive) CC_BIT_##name,
#define FLAG_OR_FIELDS(name, directive) CC_BIT_##name, CC_BIT_##name##_FIELDS,
#define SECONDS(member, directive, keep, bare, invalid)
#include "http/cache_control.def"
#undef FLAG
#undef FLAG_OR_FIELDS
};

/* CC_NO_STORE and so on; CC_NO_CACHE_FIELDS is no-cache="field, field", without the field names. */
enum cache_control_flag {
#define FLAG(name, directive) CC_##name = 1 << CC_BIT_##name,
#define FLAG_OR_FIELDS(name, directive) \
	CC_##name = 1 << CC_BIT_##name, CC_##name##_FIELDS = 1 << CC_BIT_##name##_FIELDS,
#include "http/cache_control.def"
#undef FLAG
#undef FLAG_OR_FIELDS
#undef SECONDS
};

struct cache_control {
	uint32_t flags; /* of enum cache_control_flag */
	int64_t max_age_s, s_maxage_s; /* these and all below: -1 when absent, else 0 to DELTA_SECONDS_MAX */
	int64_t stale_while_revalidate_s, stale_if_error_s;
	int64_t max_stale_s; /* DELTA_SECONDS_MAX when any staleness will do */
	int64_t min_fresh_s;
};

/* No directive at all. */
void cache_control_init(struct cache_control *cc);

/* Adds one field line's directives to what is there. */
void cache_control_add(struct cache_control *cc, struct span field_value);

static inline bool cache_control_has(const struct cache_control *cc, enum cache_control_flag flag)
{
	return (cc->flags & (uint32_t)flag) != 0;
}

/* Digits only, saturating: also for Age.  False, with *out untouched, on anything else. */
bool delta_seconds_parse(struct span s, int64_t *out) MUST_CHECK;

#endif
