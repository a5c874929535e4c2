/*
 * A copy that a cache answered with, beside what the origin answers: compared by their validators.
 */
#include "policy/stored_copy.h"

#include "http/date.h"
#include "http/freshness.h"

enum { BY_ETAG = 1, BY_DATE = 2 };

static uint64_t mixed(uint64_t h, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/*
 * Which content an answer has, by its validators: a strong ETag, or Last-Modified and the length.  In the lowest bits is
 * by which of them, as only alike can be compared; 0 where it has neither.
 */
static uint64_t version_of(const struct message *m)
{
	struct span etag = message_value(m, HEADER_ETAG), modified = message_value(m, HEADER_LAST_MODIFIED);

	if (etag.n && etag.p[0] == '"')
		return mixed(1, etag) << 2 | BY_ETAG;
	if (modified.n && m->framing == FRAMING_LENGTH)
		return mixed(m->content_length + 1, modified) << 2 | BY_DATE;
	return 0;
}

static int64_t last_modified_of(const struct message *m, int64_t now_s)
{
	int64_t s;

	return http_date_parse(message_value(m, HEADER_LAST_MODIFIED), now_s, &s) ? s : TIME_ABSENT;
}

void stored_copy_read(struct stored_copy *c, const struct message *response, const struct verdict *v, int64_t now_s)
{
	*c = (struct stored_copy){
		.version = version_of(response),
		.last_modified_s = last_modified_of(response, now_s),
		.age_s = v->age_s,
	};
	memcpy(c->layer, v->layer, sizeof(c->layer));
}

void stored_copy_compare(struct stored_copy *c, const struct message *response, int64_t now_s)
{
	uint64_t version = version_of(response);
	int64_t modified_s = last_modified_of(response, now_s);
	bool comparable = c->version && version && (c->version & 3) == (version & 3);
	bool older = c->last_modified_s != TIME_ABSENT && c->last_modified_s < modified_s;

	c->worth = COPY_UNKNOWN;
	if (comparable && c->version == version)
		c->worth = COPY_SAME;
	else if (comparable || older)
		c->worth = COPY_CHANGED;
	c->older_s = older && c->worth == COPY_CHANGED ? modified_s - c->last_modified_s : 0;
}

const char *copy_worth_name(enum copy_worth worth)
{
	switch (worth) {
	case COPY_SAME:
		return "same";
	case COPY_CHANGED:
		return "changed";
	case COPY_UNKNOWN:
		break;
	}
	return NULL;
}
