/*
 * One answer, as far as it is compared with others.
 */
#include "inspect/sight.h"

#include "http/date.h"
#include "http/freshness.h"

static int64_t date_or_absent(struct span value, int64_t now_s)
{
	int64_t s;

	return http_date_parse(value, now_s, &s) ? s : TIME_ABSENT;
}

void sight_read(struct sight *s, const struct message *response, int64_t now_s)
{
	s->status = response->status;
	s->etag = message_value(response, HEADER_ETAG);
	s->last_modified = message_value(response, HEADER_LAST_MODIFIED);
	s->date = message_value(response, HEADER_DATE);
	s->content_type = message_value(response, HEADER_CONTENT_TYPE);
	s->location = message_value(response, HEADER_LOCATION);
	s->date_s = date_or_absent(s->date, now_s);
	s->last_modified_s = date_or_absent(s->last_modified, now_s);
	evidence_judge(response, now_s, &s->verdict);
}

static bool is_redirect(const struct sight *s)
{
	return s->status >= 300 && s->status < 400 && s->location.n;
}

static bool body_is_same(const struct sight *a, const struct sight *b)
{
	return a->length == b->length && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

bool sight_same(const struct sight *a, const struct sight *b)
{
	if (!sight_is_made(a) || !sight_is_made(b) || a->status != b->status)
		return false;
	/* The body of a redirect only repeats where it leads, changes of the address and all. */
	return is_redirect(a) ? span_eq(a->location, b->location) : body_is_same(a, b);
}

unsigned sight_differences(const struct sight *a, const struct sight *b)
{
	unsigned differs = 0;

	if (a->status != b->status)
		differs |= DIFFERS_STATUS;
	if (a->length != b->length)
		differs |= DIFFERS_LENGTH;
	if (memcmp(a->hash, b->hash, sizeof(a->hash)) != 0)
		differs |= DIFFERS_BODY;
	if (!span_eq(a->etag, b->etag))
		differs |= DIFFERS_ETAG;
	if (!span_eq(a->last_modified, b->last_modified))
		differs |= DIFFERS_LAST_MODIFIED;
	if (!span_eq(a->content_type, b->content_type))
		differs |= DIFFERS_CONTENT_TYPE;
	if (!span_eq(a->location, b->location))
		differs |= DIFFERS_LOCATION;
	return differs;
}

bool sight_is_stored(const struct sight *s)
{
	return s->verdict.kind == VERDICT_FROM_CACHE || s->verdict.kind == VERDICT_STALE;
}

bool sight_is_older(const struct sight *a, const struct sight *b)
{
	return a->last_modified_s != TIME_ABSENT && b->last_modified_s != TIME_ABSENT &&
	       a->last_modified_s < b->last_modified_s;
}
