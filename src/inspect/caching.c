/*
 * Storing and reusing, by RFC 9111 sections 3 to 5.
 */
#include "inspect/caching.h"

#include "http/date.h"

/* -- reading fields -- */

static void read_times(const struct message *m, const struct caching_circumstances *c, struct caching *out)
{
	struct freshness_facts *f = &out->facts;

	freshness_facts_init(f);
	f->status = (int)m->status;
	f->request_time_s = c->request_time_s;
	f->response_time_s = c->response_time_s;
	out->date_is_valid = http_date_parse(out->date, out->now_s, &f->date_s);
	out->last_modified_is_valid = http_date_parse(out->last_modified, out->now_s, &f->last_modified_s);
	out->expires_is_valid = http_date_parse(out->expires, out->now_s, &f->expires_s);
	if (!out->expires_is_valid && message_has(m, HEADER_EXPIRES))
		f->expires_s = TIME_LONG_AGO;
	out->age_is_valid = delta_seconds_parse(out->age, &f->age_s);
	for (const struct field *line = message_field(m, HEADER_CACHE_CONTROL); line; line = message_next(m, line))
		cache_control_add(&f->cc, line->value);
}

static void read_values(const struct message *m, struct caching *out)
{
	out->age = message_value(m, HEADER_AGE);
	out->cache_control = message_value(m, HEADER_CACHE_CONTROL);
	out->content_encoding = message_value(m, HEADER_CONTENT_ENCODING);
	out->date = message_value(m, HEADER_DATE);
	out->etag = message_value(m, HEADER_ETAG);
	out->expires = message_value(m, HEADER_EXPIRES);
	out->last_modified = message_value(m, HEADER_LAST_MODIFIED);
	out->location = message_value(m, HEADER_LOCATION);
	out->pragma = message_value(m, HEADER_PRAGMA);
	out->set_cookie = message_value(m, HEADER_SET_COOKIE);
	out->surrogate = message_value(m, HEADER_SURROGATE_CONTROL);
	out->accel_expires = message_value(m, HEADER_X_ACCEL_EXPIRES);
	out->vary = message_value(m, HEADER_VARY);
	out->warning = message_value(m, HEADER_WARNING);
}

/* entity-tag of RFC 9110 section 8.8.3: quoted, visible characters but quotes, perhaps weak. */
static void read_etag(struct caching *out)
{
	struct span tag = out->etag;

	out->etag_is_weak = span_starts(tag, SPAN("W/"));
	if (out->etag_is_weak)
		tag = span_from(tag, 2);
	out->etag_is_valid = tag.n >= 2 && tag.p[0] == '"' && span_find(span_from(tag, 1), '"') == tag.n - 2;
	for (size_t i = 0; i < tag.n; i++)
		if ((unsigned char)tag.p[i] <= 0x20 || tag.p[i] == 0x7f)
			out->etag_is_valid = false;
}

static void read_vary(const struct message *m, struct caching *out)
{
	out->vary_any = message_list_has(m, HEADER_VARY, SPAN("*"));
	out->vary_cookie = message_list_has(m, HEADER_VARY, SPAN("cookie"));
	out->vary_user_agent = message_list_has(m, HEADER_VARY, SPAN("user-agent"));
	out->vary_encoding = message_list_has(m, HEADER_VARY, SPAN("accept-encoding"));
}

static void read_targeted(const struct message *m, struct caching *out)
{
	const struct field *f = message_field(m, HEADER_TARGETED_CACHE_CONTROL);

	out->targeted_name = f ? f->name : SPAN_NONE;
	out->targeted = f ? f->value : SPAN_NONE;
}

/* -- odd directives -- */

enum directive_use {
	USE_PLAIN,   /* any value, or none */
	USE_SECONDS, /* a number */
	USE_REQUEST,
	USE_LEGACY,
};

struct directive {
	const char *name;
	enum directive_use use;
};

/* IANA's registry of cache directives, and what browsers once had beside it. */
static const struct directive directives[] = {
	{ "must-revalidate", USE_PLAIN },
	{ "must-understand", USE_PLAIN },
	{ "no-cache", USE_PLAIN },
	{ "no-store", USE_PLAIN },
	{ "no-transform", USE_PLAIN },
	{ "private", USE_PLAIN },
	{ "proxy-revalidate", USE_PLAIN },
	{ "public", USE_PLAIN },
	{ "immutable", USE_PLAIN },
	{ "community", USE_PLAIN },
	{ "max-age", USE_SECONDS },
	{ "s-maxage", USE_SECONDS },
	{ "stale-while-revalidate", USE_SECONDS },
	{ "stale-if-error", USE_SECONDS },
	{ "max-stale", USE_REQUEST },
	{ "min-fresh", USE_REQUEST },
	{ "only-if-cached", USE_REQUEST },
	{ "pre-check", USE_LEGACY },
	{ "post-check", USE_LEGACY },
};

static const struct directive *find_directive(struct span name)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (span_ieq(name, span_str(directives[i].name)))
			return &directives[i];
	return NULL;
}

/* A number, bare or quoted; quotes are tolerated by caches (RFC 9111 section 5.2). */
static bool is_number(struct span s)
{
	int64_t seconds;

	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = span_of(s.p + 1, s.n - 2);
	return delta_seconds_parse(s, &seconds);
}

static void keep_first(struct span *kept, struct span s)
{
	if (!kept->n)
		*kept = s;
}

static void judge_directive(struct odd_directives *odd, struct span element)
{
	struct span name = span_first(element, span_find(element, '='));
	const struct directive *d = find_directive(name);

	if (!d) {
		keep_first(&odd->unknown, element);
		return;
	}
	switch (d->use) {
	case USE_PLAIN:
		return;
	case USE_SECONDS:
		if (!is_number(span_from(element, name.n + 1)))
			keep_first(&odd->malformed, element);
		return;
	case USE_REQUEST:
		keep_first(&odd->request_only, element);
		return;
	case USE_LEGACY:
		keep_first(&odd->legacy, name);
		return;
	}
}

/* Whether a directive of that name with another value stands in the list. */
static bool contradicts(struct span list, struct span element)
{
	struct span name = span_first(element, span_find(element, '=')), other;

	while (span_list_next(&list, &other))
		if (span_ieq(span_first(other, span_find(other, '=')), name) && !span_ieq(other, element))
			return true;
	return false;
}

static void find_doubled(const struct message *m, struct span element, struct odd_directives *odd)
{
	for (unsigned i = 0; i < m->field_count && !odd->doubled.n; i++)
		if (m->fields[i].id == HEADER_CACHE_CONTROL && contradicts(m->fields[i].value, element))
			odd->doubled = span_first(element, span_find(element, '='));
}

enum { DIRECTIVES_COMPARED = 32 }; /* of so many it is looked whether they come twice: time stays bounded */

static void read_odd(const struct message *m, struct odd_directives *odd)
{
	unsigned compared = 0;

	for (const struct field *f = message_field(m, HEADER_CACHE_CONTROL); f; f = message_next(m, f)) {
		struct span rest = f->value, element;

		while (span_list_next(&rest, &element)) {
			judge_directive(odd, element);
			if (compared++ < DIRECTIVES_COMPARED)
				find_doubled(m, element, odd);
		}
	}
}

/* -- concluding -- */

static bool says(const struct caching *c, enum cache_control_flag flag)
{
	return cache_control_has(&c->facts.cc, flag);
}

/* Who understands must-understand ignores a no-store beside it (RFC 9111 section 5.2.2.3). */
static bool is_barred(const struct caching *c)
{
	return says(c, CC_NO_STORE) && !says(c, CC_MUST_UNDERSTAND);
}

/* Section 3.5. */
static bool is_for_one_user(const struct caching *c)
{
	return c->authorized && !says(c, CC_MUST_REVALIDATE) && !says(c, CC_PUBLIC) && c->facts.cc.s_maxage_s < 0;
}

static bool is_allowed_by_field(const struct caching *c, bool is_shared)
{
	return says(c, CC_PUBLIC) || c->facts.cc.max_age_s >= 0 || c->facts.expires_s != TIME_ABSENT ||
	       (is_shared ? c->facts.cc.s_maxage_s >= 0 : says(c, CC_PRIVATE));
}

static enum storing storing_of(const struct caching *c, bool is_shared)
{
	if (is_barred(c))
		return STORING_NO_STORE;
	if (c->status == 206)
		return STORING_PARTIAL;
	if (is_shared && says(c, CC_PRIVATE))
		return STORING_PRIVATE;
	if (is_shared && is_for_one_user(c))
		return STORING_AUTHORIZED;
	if (is_allowed_by_field(c, is_shared))
		return STORING_ALLOWED;
	return status_is_cacheable((int)c->status) ? STORING_BY_STATUS : STORING_STATUS;
}

static void conclude(const struct caching *c, bool is_shared, struct keeping *out)
{
	struct freshness_facts facts = c->facts;

	if (!is_shared)
		facts.cc.s_maxage_s = -1;
	out->storing = storing_of(c, is_shared);
	out->asks_always = says(c, CC_NO_CACHE) || c->vary_any;
	out->strict = says(c, CC_MUST_REVALIDATE) ||
		      (is_shared && (says(c, CC_PROXY_REVALIDATE) || c->facts.cc.s_maxage_s >= 0));
	out->fresh = freshness_at(&facts, c->now_s);
	out->while_revalidating_s = out->strict ? -1 : facts.cc.stale_while_revalidate_s;
	out->if_error_s = out->strict ? -1 : facts.cc.stale_if_error_s;
}

void caching_read(const struct message *response, const struct caching_circumstances *c, struct caching *out)
{
	memset(out, 0, sizeof(*out));
	out->status = response->status;
	out->authorized = c->authorized;
	out->now_s = c->response_time_s;
	read_values(response, out);
	read_times(response, c, out);
	read_etag(out);
	read_vary(response, out);
	read_targeted(response, out);
	read_odd(response, &out->odd);
	conclude(out, false, &out->browser);
	conclude(out, true, &out->shared);
}

const char *lifetime_source_name(enum lifetime_source s)
{
	switch (s) {
	case LIFETIME_S_MAXAGE:
		return "s-maxage";
	case LIFETIME_MAX_AGE:
		return "max-age";
	case LIFETIME_EXPIRES:
		return "Expires";
	case LIFETIME_HEURISTIC:
		return "heuristic";
	case LIFETIME_NONE:
		return "none";
	}
	return "";
}

const char *storing_name(enum storing s)
{
	switch (s) {
	case STORING_NO_STORE:
		return "no-store";
	case STORING_PRIVATE:
		return "private";
	case STORING_AUTHORIZED:
		return "authorized";
	case STORING_PARTIAL:
		return "partial";
	case STORING_STATUS:
		return "status";
	case STORING_ALLOWED:
		return "allowed";
	case STORING_BY_STATUS:
		return "by-status";
	}
	return "";
}
