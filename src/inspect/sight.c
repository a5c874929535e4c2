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

/* "identity" is none (RFC 9110 section 12.5.3), though nobody is to send it. */
static struct span coding_of(struct span value)
{
	return span_ieq(value, SPAN("identity")) ? SPAN_NONE : value;
}

void sight_read(struct sight *s, const struct message *response, int64_t now_s)
{
	s->status = response->status;
	s->etag = message_value(response, HEADER_ETAG);
	s->last_modified = message_value(response, HEADER_LAST_MODIFIED);
	s->date = message_value(response, HEADER_DATE);
	s->content_type = message_value(response, HEADER_CONTENT_TYPE);
	s->coding = coding_of(message_value(response, HEADER_CONTENT_ENCODING));
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

static struct span opaque_tag(struct span etag)
{
	return span_starts(etag, SPAN("W/")) ? span_from(etag, 2) : etag;
}

bool sight_same_tag(const struct sight *a, const struct sight *b)
{
	return a->etag.n && span_eq(opaque_tag(a->etag), opaque_tag(b->etag));
}

bool sight_codings_differ(const struct sight *a, const struct sight *b)
{
	return a->status == b->status && !is_redirect(a) && !span_ieq(a->coding, b->coding);
}

bool sight_perhaps_recoded(const struct sight *a, const struct sight *b)
{
	bool same_date = a->last_modified.n && span_eq(a->last_modified, b->last_modified);

	if (a->status != b->status || is_redirect(a) || !a->coding.n || !b->coding.n)
		return false;
	return a->etag.n && b->etag.n ? sight_same_tag(a, b) : same_date;
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
	if (!span_ieq(a->coding, b->coding))
		differs |= DIFFERS_CODING;
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
