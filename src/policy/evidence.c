/*
 * The verdict on a response, from Cache-Status (RFC 9211), Age, Warning, and X-Cache in Squid's form.
 *
 * A cache that says nothing can hide behind every verdict but "stale" and "from-cache".
 */
#include "policy/evidence.h"

#include <stdio.h>

#include "http/date.h"
#include "http/freshness.h"

/* What the fields prove, gathered before judging. */
struct findings {
	bool hit;               /* a cache says that it answered from store */
	bool forwarded;         /* a cache says that it asked further on */
	bool revalidated;       /* a cache says that its copy was confirmed just now */
	bool warned_stale;
	bool ttl_given, age_given;
	int64_t ttl_s;          /* what was left of the lifetime, as the cache that hit computed it */
	int64_t age_s;          /* the Age field; 0 when not given */
	struct span layer;      /* the cache nearest the client that hit; points into the response */
};

/* ---- Cache-Status */

/* Takes what stands before the next ';' outside quotes off *rest, trimmed. */
static struct span part_next(struct span *rest)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->n && (quoted || rest->p[i] != ';'); i++) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->p[i] == '\\')
			i++;
	}
	struct span part = span_trim(span_first(*rest, i));
	*rest = span_from(*rest, i + 1);
	return part;
}

static struct span unquote(struct span s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return span_of(s.p + 1, s.n - 2);
	return s;
}

/* An integer of structured fields, as far as delta-seconds reach. */
static bool integer_parse(struct span s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';

	if (!delta_seconds_parse(negative ? span_from(s, 1) : s, out))
		return false;
	if (negative)
		*out = -*out;
	return true;
}

static void read_member(struct findings *f, struct span member)
{
	struct span name = unquote(part_next(&member)), ttl = SPAN_NONE;
	bool hit = false;

	/* A freshet on the way stores nothing, so that it forwarded proves nothing. */
	if (span_ieq(name, SPAN("freshet")))
		return;
	while (member.n) {
		struct span parameter = part_next(&member);
		size_t equals = span_find(parameter, '=');
		struct span key = span_first(parameter, equals), value = span_from(parameter, equals + 1);

		hit = hit || (span_eq(key, SPAN("hit")) && !span_eq(value, SPAN("?0")));
		f->forwarded = f->forwarded || span_eq(key, SPAN("fwd"));
		f->revalidated = f->revalidated || span_eq(parameter, SPAN("fwd-status=304"));
		if (span_eq(key, SPAN("ttl")))
			ttl = value;
	}
	if (!hit)
		return;
	f->hit = true;
	f->layer = name;
	f->ttl_given = integer_parse(ttl, &f->ttl_s);
}

/* ---- the other fields */

/* "HIT from host".  Others' "HIT" may mean passed, synthetic or stale. */
static void read_x_cache(struct findings *f, struct span value)
{
	struct span hit = SPAN("HIT from "), element;

	while (span_list_next(&value, &element)) {
		if (!span_istarts(element, hit))
			continue;
		f->hit = true;
		f->layer = span_trim(span_from(element, hit.n));
	}
}

/* 110 "Response is Stale" and 111 "Revalidation Failed", with the warning agent's name (RFC 7234 section 5.5). */
static void read_warning(struct findings *f, struct span value)
{
	struct span warning;

	while (span_list_next(&value, &warning)) {
		if (!span_starts(warning, SPAN("110 ")) && !span_starts(warning, SPAN("111 ")))
			continue;
		struct span agent = span_from(warning, 4);
		agent = span_first(agent, span_find(agent, ' '));
		f->warned_stale = true;
		if (!f->layer.n && !span_eq(agent, SPAN("-")))
			f->layer = agent;
	}
}

static void read_age(struct findings *f, struct span value)
{
	if (!f->age_given)
		f->age_given = delta_seconds_parse(span_first(value, span_find(value, ',')), &f->age_s);
}

static void read_cache_status(struct findings *f, struct span value)
{
	struct span member;

	while (span_list_next(&value, &member))
		read_member(f, member);
}

static bool says_something(const struct message *m)
{
	return message_has(m, HEADER_CACHE_STATUS) || message_has(m, HEADER_AGE) || message_has(m, HEADER_WARNING) ||
	       message_has(m, HEADER_X_CACHE);
}

static void read_all(struct findings *f, const struct message *m)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		struct span value = m->fields[i].value;

		if (m->fields[i].id == HEADER_CACHE_STATUS)
			read_cache_status(f, value);
		else if (m->fields[i].id == HEADER_AGE)
			read_age(f, value);
	}
	/* The layer is named by the standard's field where there is one. */
	bool named = f->layer.n != 0;
	for (unsigned i = 0; i < m->field_count && !named; i++)
		if (m->fields[i].id == HEADER_X_CACHE)
			read_x_cache(f, m->fields[i].value);
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].id == HEADER_WARNING)
			read_warning(f, m->fields[i].value);
}

/* ---- judging */

/* Without Last-Modified: a lifetime guessed from it proves nothing. */
static void gather_facts(const struct message *m, const struct findings *f, int64_t now_s,
	struct freshness_facts *facts)
{
	freshness_facts_init(facts);
	facts->status = (int)m->status;
	facts->age_s = f->age_s;
	facts->request_time_s = facts->response_time_s = now_s;
	if (!http_date_parse(message_value(m, HEADER_DATE), now_s, &facts->date_s))
		facts->date_s = TIME_ABSENT;
	if (message_has(m, HEADER_EXPIRES) &&
		!http_date_parse(message_value(m, HEADER_EXPIRES), now_s, &facts->expires_s))
		facts->expires_s = TIME_LONG_AGO;
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].id == HEADER_CACHE_CONTROL)
			cache_control_add(&facts->cc, m->fields[i].value);
}

/* Whether Cache-Control and Expires were the last word: these fields outrank them in the caches they address. */
static bool lifetime_is_known(const struct message *m, const struct freshness *fresh)
{
	return fresh->source != LIFETIME_NONE && !message_has(m, HEADER_TARGETED_CACHE_CONTROL) &&
	       !message_has(m, HEADER_SURROGATE_CONTROL) && !message_has(m, HEADER_EDGE_CONTROL) &&
	       !message_has(m, HEADER_X_ACCEL_EXPIRES);
}

/* Seconds beyond its lifetime: by the cache's own count, else by ours; 0 when not proven. */
static int64_t stale_by(const struct message *m, const struct findings *f, const struct freshness *fresh)
{
	if (f->ttl_given)
		return f->ttl_s < 0 ? -f->ttl_s : 0;
	return lifetime_is_known(m, fresh) ? freshness_stale_by(fresh) : 0;
}

/* Cut where it is long; the name is the peer's choice, so only visible ASCII gets through. */
static void copy_layer(struct span name, struct verdict *out)
{
	size_t n = name.n < sizeof(out->layer) - 1 ? name.n : sizeof(out->layer) - 1;

	for (size_t i = 0; i < n; i++)
		out->layer[i] = (char)(name.p[i] > 0x20 && name.p[i] < 0x7f ? name.p[i] : '?');
	out->layer[n] = '\0';
}

static void judge_stored(const struct message *m, const struct findings *f, int64_t now_s, struct verdict *out)
{
	struct freshness_facts facts;

	gather_facts(m, f, now_s, &facts);
	struct freshness fresh = freshness_at(&facts, now_s);
	int64_t beyond_s = stale_by(m, f, &fresh);
	bool stale = beyond_s > 0 || f->warned_stale;

	copy_layer(f->layer, out);
	out->kind = stale ? VERDICT_STALE : VERDICT_FROM_CACHE;
	if (f->age_given || facts.date_s != TIME_ABSENT)
		out->age_s = fresh.age_s;
	if (stale)
		out->stale_by_s = beyond_s > 0 ? beyond_s : -1;
}

void evidence_judge(const struct message *response, int64_t now_s, struct verdict *out)
{
	struct findings f = { 0 };

	*out = (struct verdict){ .kind = VERDICT_UNKNOWN, .age_s = -1 };
	if (!says_something(response))
		return;
	read_all(&f, response);
	if (f.hit || f.age_s > 0 || f.warned_stale)
		judge_stored(response, &f, now_s, out);
	else if (f.revalidated)
		out->kind = VERDICT_REVALIDATED;
	else if (f.forwarded)
		out->kind = VERDICT_FRESH;
}

/* ---- writing */

static size_t format_stored(const char *kind, const char *layer, int64_t seconds, char out[VERDICT_TEXT_MAX])
{
	int n;

	if (seconds < 0 && !layer[0])
		n = snprintf(out, VERDICT_TEXT_MAX, "%s", kind);
	else if (seconds < 0)
		n = snprintf(out, VERDICT_TEXT_MAX, "%s(%s)", kind, layer);
	else
		n = snprintf(out, VERDICT_TEXT_MAX, "%s(%s%s%jd s)", kind, layer, layer[0] ? ", " : "",
			(intmax_t)seconds);
	return (size_t)n;
}

static size_t format_word(const char *word, char out[VERDICT_TEXT_MAX])
{
	return (size_t)snprintf(out, VERDICT_TEXT_MAX, "%s", word);
}

size_t verdict_format(const struct verdict *v, char out[VERDICT_TEXT_MAX])
{
	switch (v->kind) {
	case VERDICT_NONE:
		break;
	case VERDICT_UNKNOWN:
		return format_word("unknown", out);
	case VERDICT_FRESH:
		return format_word("fresh", out);
	case VERDICT_REVALIDATED:
		return format_word("revalidated", out);
	case VERDICT_FROM_CACHE:
		return format_stored("from-cache", v->layer, v->age_s, out);
	case VERDICT_STALE:
		return format_stored("stale", v->layer, v->stale_by_s, out);
	}
	return format_word("", out);
}
