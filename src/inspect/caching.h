/*
 * What a browser and a shared cache may do with a response, by RFC 9111.
 *
 * Pure: one head in, facts out.  What is worth saying of them is notes.h.  It tells what the standard allows, not what a
 * particular cache does.
 */
#ifndef FRESHET_INSPECT_CACHING_H
#define FRESHET_INSPECT_CACHING_H

#include "http/freshness.h"
#include "http/message.h"

/* Whether an answer may be stored (RFC 9111 section 3), and what decides it. */
enum storing {
	STORING_NO_STORE,   /* no: Cache-Control: no-store */
	STORING_PRIVATE,    /* no: Cache-Control: private, and this is a shared cache */
	STORING_AUTHORIZED, /* no: the request had Authorization, and nothing lifts that (section 3.5) */
	STORING_PARTIAL,    /* no: a part of something */
	STORING_STATUS,     /* no: nothing allows it, neither fields nor the status */
	STORING_ALLOWED,    /* yes: a lifetime, public, or private allow it */
	STORING_BY_STATUS,  /* yes: for this status caches need not be told */
};

static inline bool storing_is_allowed(enum storing s)
{
	return s >= STORING_ALLOWED;
}

/* What one kind of cache may do. */
struct keeping {
	enum storing storing;
	bool asks_always;    /* no-cache, or Vary: *: what is stored is never used unasked */
	bool strict;         /* must-revalidate and its like: never used beyond its lifetime */
	struct freshness fresh;
	int64_t while_revalidating_s, if_error_s; /* for how long it may be used beyond its lifetime (RFC 5861); -1 not said */
};

/* What conditional requests came to. */
enum revalidation {
	REVALIDATION_UNTRIED,
	REVALIDATION_CONFIRMED, /* 304 */
	REVALIDATION_CHANGED,   /* the answer had changed meanwhile: nothing is known */
	REVALIDATION_IGNORED,   /* the same answer in full */
	REVALIDATION_BROKEN,    /* an error */
};

/* What is odd about the directives of Cache-Control; the first of each kind, empty where there is none. */
struct odd_directives {
	struct span unknown;      /* nobody knows it */
	struct span malformed;    /* a number is missing, or none */
	struct span doubled;      /* twice, with different values */
	struct span request_only; /* means something in requests only */
	struct span legacy;       /* was for Internet Explorer */
};

/* Spans point into the response. */
struct caching {
	unsigned status;
	bool authorized;             /* the request had Authorization */
	int64_t now_s;
	struct freshness_facts facts;
	struct keeping browser, shared;
	struct odd_directives odd;
	struct span age, cache_control, content_encoding, date, etag, expires, last_modified, location, pragma, set_cookie,
		surrogate, accel_expires, vary, warning; /* the first line of each, else empty */
	bool age_is_valid, date_is_valid, expires_is_valid, last_modified_is_valid;
	bool etag_is_weak, etag_is_valid;
	bool vary_any, vary_cookie, vary_user_agent, vary_encoding;
	struct span targeted_name, targeted; /* CDN-Cache-Control and its like (RFC 9213) */
	enum revalidation by_etag, by_date;  /* set by who tried; UNTRIED at first */
};

/* What there is to know beside the response. */
struct caching_circumstances {
	bool authorized;                         /* the request had Authorization */
	int64_t request_time_s, response_time_s; /* our clock, seconds since 1970 */
};

/* As of response_time_s. */
void caching_read(const struct message *response, const struct caching_circumstances *c, struct caching *out);

/* "max-age", "heuristic", … */
const char *lifetime_source_name(enum lifetime_source s);

/* "allowed", "no-store", … */
const char *storing_name(enum storing s);

#endif
