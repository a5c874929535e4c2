/*
 * URLs found stale: a list that is looked through, for a probe takes a thousand times longer.
 */
#include "inspect/stale_urls.h"

#include <assert.h>

#include "inspect/redact.h"

static struct span hide_secrets(struct span url, char room[STALE_URL_BYTES])
{
	struct line l = line_of(room, STALE_URL_BYTES);

	redact_url(&l, url);
	return span_of(room, l.n);
}

static struct stale_url *find(struct stale_urls *s, struct span url)
{
	for (unsigned i = 0; i < s->count; i++)
		if (span_eq(span_of(s->items[i].url, s->items[i].url_len), url))
			return &s->items[i];
	return NULL;
}

static struct stale_url *seen_longest_ago(struct stale_urls *s)
{
	struct stale_url *oldest = &s->items[0];

	for (unsigned i = 1; i < s->count; i++)
		if (s->items[i].last_s < oldest->last_s)
			oldest = &s->items[i];
	return oldest;
}

static struct stale_url *begin(struct stale_urls *s, struct span url, int64_t now_s)
{
	struct stale_url *u = s->count < STALE_URLS_MAX ? &s->items[s->count++] : seen_longest_ago(s);

	*u = (struct stale_url){ .url_len = (uint16_t)url.n, .first_s = now_s };
	memcpy(u->url, url.p, url.n);
	return u;
}

void stale_urls_add(struct stale_urls *s, struct span url, const struct probe *p, const struct probe_conclusion *c,
	int64_t now_s)
{
	const struct verdict *plain = &p->sights[PROBE_PLAIN].verdict;
	char room[STALE_URL_BYTES];

	url = hide_secrets(url, room);
	struct stale_url *u = find(s, url);
	if (!u)
		u = begin(s, url, now_s);
	static_assert(sizeof(u->layer) == sizeof(plain->layer), "names of equal length");
	memcpy(u->layer, plain->layer, sizeof(u->layer));
	u->age_s = plain->age_s;
	u->by_s = c->by_s;
	u->measure = c->measure;
	u->last_s = now_s;
	u->count++;
}

/* -- telling -- */

static void put_number(struct json *j, struct span key, int64_t n)
{
	json_key(j, key);
	json_u64(j, n > 0 ? (uint64_t)n : 0);
}

static void put_url(struct json *j, const struct stale_url *u)
{
	json_open(j, '{');
	json_key(j, SPAN("url"));
	json_string(j, span_of(u->url, u->url_len));
	json_key(j, SPAN("layer"));
	json_string(j, span_str(u->layer));
	if (u->age_s >= 0)
		put_number(j, SPAN("age_s"), u->age_s);
	if (u->measure != MEASURE_NONE) {
		put_number(j, SPAN("by_s"), u->by_s);
		json_key(j, SPAN("measure"));
		json_string(j, span_str(probe_measure_name(u->measure)));
	}
	put_number(j, SPAN("first_s"), u->first_s);
	put_number(j, SPAN("last_s"), u->last_s);
	json_key(j, SPAN("count"));
	json_u64(j, u->count);
	json_close(j, '}');
}

/* The latest of those that come after *from, in the order of telling; NULL when all were told. */
static const struct stale_url *next_latest(const struct stale_urls *s, const struct stale_url *from)
{
	const struct stale_url *found = NULL;

	for (const struct stale_url *u = s->items; u < s->items + s->count; u++) {
		bool later_told = !from || u->last_s < from->last_s || (u->last_s == from->last_s && u > from);

		if (later_told && (!found || u->last_s > found->last_s))
			found = u;
	}
	return found;
}

void stale_urls_json(const struct stale_urls *s, struct json *out)
{
	json_open(out, '[');
	for (const struct stale_url *u = next_latest(s, NULL); u; u = next_latest(s, u))
		put_url(out, u);
	json_close(out, ']');
}
