/*
 * References to URLs.
 */
#include "http/url_join.h"

/* ---- what the reference leaves out */

/* The length of "scheme:" in front, 0 where there is none (RFC 3986 section 3.1). */
static size_t scheme_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && ((ascii_lower(s.p[n]) >= 'a' && ascii_lower(s.p[n]) <= 'z') ||
		(n && (ascii_digit(s.p[n]) || s.p[n] == '+' || s.p[n] == '-' || s.p[n] == '.'))))
		n++;
	return n && n < s.n && s.p[n] == ':' ? n + 1 : 0;
}

/* Up to and with the last slash of the path, before any query. */
static struct span directory_of(struct span path)
{
	size_t n = span_find(path, '?');

	while (n && path.p[n - 1] != '/')
		n--;
	return span_first(path, n);
}

/* ---- dot segments */

static bool is_segment(struct span s, struct span name)
{
	return span_eq(span_first(s, span_find(s, '/')), name);
}

/*
 * Removes "." and ".." in place (RFC 3986 section 5.2.4); path[0] is a slash.  Returns the new length.
 */
static size_t remove_dots(char *path, size_t n)
{
	size_t from = 1, to = 1;

	while (from < n) {
		struct span rest = span_of(path + from, n - from);
		size_t segment = span_find(rest, '/') + 1;

		if (segment > rest.n)
			segment = rest.n;
		if (is_segment(rest, SPAN(".."))) {
			while (to > 1 && path[to - 2] != '/')
				to--;
			to -= to > 1;
		} else if (!is_segment(rest, SPAN("."))) {
			memmove(path + to, path + from, segment);
			to += segment;
		}
		from += segment;
	}
	return to;
}

/* ---- together */

static size_t put(char *out, struct span s)
{
	if (s.n)
		memcpy(out, s.p, s.n);
	return s.n;
}

/* scheme and authority of the base, then a path from two pieces, without its dots. */
static struct span compose(const struct target *base, struct span directory, struct span rest, struct arena *a)
{
	struct span scheme = scheme_name(base->scheme);
	char *out = arena_alloc(a, scheme.n + 3 + base->authority.n + directory.n + rest.n);

	if (!out)
		return SPAN_NONE;
	size_t query = span_find(rest, '?'), n = put(out, scheme);
	n += put(out + n, SPAN("://"));
	n += put(out + n, base->authority);
	char *path = out + n;
	size_t path_n = put(path, directory);
	path_n += put(path + path_n, span_first(rest, query));
	path_n = remove_dots(path, path_n);
	n += path_n;
	n += put(out + n, span_from(rest, query));
	return span_of(out, n);
}

static struct span join_authority(const struct target *base, struct span reference, struct arena *a)
{
	struct span scheme = scheme_name(base->scheme);
	char *out = arena_alloc(a, scheme.n + 1 + reference.n);

	if (!out)
		return SPAN_NONE;
	size_t n = put(out, scheme);
	out[n++] = ':';
	n += put(out + n, reference);
	return span_of(out, n);
}

struct span url_join(const struct target *base, struct span path, struct span reference, struct arena *a)
{
	size_t scheme;

	reference = span_first(reference, span_find(reference, '#'));
	scheme = scheme_length(reference);
	if (scheme) {
		bool is_ours = span_istarts(reference, SPAN("http://")) || span_istarts(reference, SPAN("https://"));

		return is_ours ? arena_copy(a, reference) : SPAN_NONE;
	}
	if (span_starts(reference, SPAN("//")))
		return join_authority(base, reference, a);
	if (span_starts(reference, SPAN("/")))
		return compose(base, SPAN_NONE, reference, a);
	if (!reference.n)
		return compose(base, SPAN_NONE, path, a);
	if (span_starts(reference, SPAN("?")))
		return compose(base, span_first(path, span_find(path, '?')), reference, a);
	return compose(base, directory_of(path), reference, a);
}
