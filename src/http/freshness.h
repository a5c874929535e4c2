/*
 * Age and freshness of a response as a shared cache computes them (RFC 9111 section 4.2).
 *
 * Pure arithmetic on parsed facts and a clock the caller passes in.  Does not decide anything: no-cache and
 * must-revalidate, which forbid reuse however fresh, are the caller's to look at.
 */
#ifndef FRESHET_HTTP_FRESHNESS_H
#define FRESHET_HTTP_FRESHNESS_H

#include "http/cache_control.h"

/* A time that the response does not give. */
#define TIME_ABSENT INT64_MIN
/* An Expires that is no date, such as "0": it lies in the past (RFC 9111 section 5.3). */
#define TIME_LONG_AGO (INT64_MIN + 1)

struct freshness_facts {
	int status;
	int64_t date_s;          /* or TIME_ABSENT: then the time of receipt counts (RFC 9110 section 6.6.1) */
	int64_t expires_s;       /* or TIME_ABSENT or TIME_LONG_AGO */
	int64_t last_modified_s; /* or TIME_ABSENT */
	int64_t age_s;           /* the Age field, 0 when absent */
	int64_t request_time_s, response_time_s; /* our clock when the request left and the response came */
	struct cache_control cc;
};

/* What a lifetime was taken from, in order of precedence. */
enum lifetime_source {
	LIFETIME_S_MAXAGE,
	LIFETIME_MAX_AGE,
	LIFETIME_EXPIRES,
	LIFETIME_HEURISTIC, /* a tenth of the time since Last-Modified */
	LIFETIME_NONE,      /* nothing allows a cache to reuse it unasked; the lifetime is 0 */
};

struct freshness {
	int64_t age_s, lifetime_s; /* 0 to DELTA_SECONDS_MAX */
	enum lifetime_source source;
};

/* All facts absent, status 0. */
void freshness_facts_init(struct freshness_facts *f);

/* Whether caches may keep such an answer although nothing allows it: "heuristically cacheable" (RFC 9110 section 15.1). */
bool status_is_cacheable(int status);

/* At now_s, on the clock of request_time_s. */
struct freshness freshness_at(const struct freshness_facts *f, int64_t now_s);

static inline bool freshness_is_stale(const struct freshness *f)
{
	return f->age_s >= f->lifetime_s;
}

/* Seconds beyond the lifetime, 0 while fresh. */
static inline int64_t freshness_stale_by(const struct freshness *f)
{
	return f->age_s > f->lifetime_s ? f->age_s - f->lifetime_s : 0;
}

#endif
