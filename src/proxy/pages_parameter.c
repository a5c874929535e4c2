/*
 * Parameters of requests for our own pages: "name=value&name=value" in the query, as forms and URLSearchParams write them.
 */
#include "http/percent.h"
#include "proxy/pages.h"

/* As it is written. */
static struct span find(struct span query, struct span name)
{
	while (query.n) {
		struct span pair = span_first(query, span_find(query, '&'));
		size_t equals = span_find(pair, '=');

		query = span_from(query, pair.n + 1);
		if (span_eq(span_first(pair, equals), name))
			return span_from(pair, equals + 1);
	}
	return SPAN_NONE;
}

bool page_has_parameter(const struct exchange *x, struct span name)
{
	struct span path = x->target.path, query = span_from(path, span_find(path, '?') + 1);

	while (query.n) {
		struct span pair = span_first(query, span_find(query, '&'));

		if (span_eq(span_first(pair, span_find(pair, '=')), name))
			return true;
		query = span_from(query, pair.n + 1);
	}
	return false;
}

struct span page_parameter(struct exchange *x, struct span name)
{
	struct span path = x->target.path, raw = find(span_from(path, span_find(path, '?') + 1), name);
	char *out = raw.n ? arena_alloc(&x->arena, raw.n) : NULL;
	size_t n;

	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < raw.n; i++)
		out[i] = raw.p[i] == '+' ? ' ' : raw.p[i];
	return percent_decode(span_of(out, raw.n), out, &n) ? span_of(out, n) : SPAN_NONE;
}
