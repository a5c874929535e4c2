/*
 * Site patterns: compiling and matching.
 *
 * Matching never goes back over an earlier "*": the leftmost place for the text between two stars is as good as
 * any later one.  So a hostile path costs time in proportion to its length.
 */
#include "policy/pattern.h"

enum { PORT_MAX = 65535 };

enum glob_kind {
	GLOB_HOST, /* "?" is one character; the text in any case, the pattern in lower case */
	GLOB_PATH, /* "*" only, letter for letter */
};

/* ---- matching */

/* Both hold at least n characters. */
static bool same(enum glob_kind kind, const char *pattern, const char *text, size_t n)
{
	if (kind == GLOB_PATH)
		return n == 0 || memcmp(pattern, text, n) == 0;
	for (size_t i = 0; i < n; i++)
		if (pattern[i] != '?' && pattern[i] != ascii_lower(text[i]))
			return false;
	return true;
}

/* Offset of the leftmost place where `part` stands in text; false when there is none. */
static bool find(enum glob_kind kind, struct span part, struct span text, size_t *at)
{
	*at = 0;
	if (part.n == 0 || part.n > text.n)
		return part.n == 0;
	if (kind == GLOB_PATH) {
		const char *found = memmem(text.p, text.n, part.p, part.n);

		*at = found ? (size_t)(found - text.p) : text.n;
		return found != NULL;
	}
	for (; *at <= text.n - part.n; ++*at)
		if (same(kind, part.p, text.p + *at, part.n))
			return true;
	return false;
}

static bool glob_matches(enum glob_kind kind, struct span pattern, struct span text)
{
	size_t star = span_find(pattern, '*'), at;

	if (star == pattern.n)
		return text.n == pattern.n && same(kind, pattern.p, text.p, text.n);
	if (text.n < star || !same(kind, pattern.p, text.p, star))
		return false;
	pattern = span_from(pattern, star + 1);
	text = span_from(text, star);
	for (; (star = span_find(pattern, '*')) < pattern.n; pattern = span_from(pattern, star + 1)) {
		if (!find(kind, span_first(pattern, star), text, &at))
			return false;
		text = span_from(text, at + star);
	}
	return text.n >= pattern.n && (!pattern.n || same(kind, pattern.p, text.p + text.n - pattern.n, pattern.n));
}

static struct span without_last_dot(struct span host)
{
	return host.n && host.p[host.n - 1] == '.' ? span_first(host, host.n - 1) : host;
}

static bool host_matches(const struct pattern *p, const struct target *t)
{
	struct address a;

	switch (p->kind) {
	case HOST_ANY:
		return true;
	case HOST_NAME:
		return !t->host_is_ipv6 && glob_matches(GLOB_HOST, p->host, without_last_dot(t->host));
	case HOST_IPV6:
		return t->host_is_ipv6 && address_parse_ip(t->host, 0, &a) &&
		       memcmp(a.ip, p->ipv6.ip, sizeof(a.ip)) == 0;
	case HOST_IPV6_GLOB:
		return t->host_is_ipv6 && glob_matches(GLOB_HOST, p->host, t->host);
	}
	return false;
}

static bool path_matches(const struct pattern *p, const struct target *t)
{
	if (!p->path.n)
		return true;
	/* "http://host?query": the slash that belongs before it is in the pattern only. */
	if (t->path_needs_slash)
		return glob_matches(GLOB_PATH, span_from(p->path, 1), t->path);
	return glob_matches(GLOB_PATH, p->path, t->path);
}

bool pattern_matches(const struct pattern *p, const struct target *t)
{
	return (!p->port || p->port == t->port) && host_matches(p, t) && path_matches(p, t);
}

/* ---- compiling */

static bool is_host_char(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || ascii_digit(c) || (c && strchr("-._~!$&'()*+,;=?", c));
}

static bool is_ipv6_glob_char(char c)
{
	return ascii_hex(c) >= 0 || c == ':' || c == '.' || c == '*' || c == '?';
}

static bool has_wildcard(struct span s)
{
	return span_find(s, '*') < s.n || span_find(s, '?') < s.n;
}

static const char *copy_lower(struct arena *arena, struct span s, struct span *out)
{
	char *p = arena_alloc(arena, s.n);

	if (!p)
		return "memory is out";
	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	*out = span_of(p, s.n);
	return NULL;
}

static const char *compile_name(struct span host, struct arena *arena, struct pattern *p)
{
	host = without_last_dot(host);
	if (!host.n)
		return "pattern names no host; \"*\" is every host";
	for (size_t i = 0; i < host.n; i++)
		if (!is_host_char(host.p[i]))
			return "host of the pattern holds a character that no host name has";
	p->kind = span_eq(host, SPAN("*")) ? HOST_ANY : HOST_NAME;
	return copy_lower(arena, host, &p->host);
}

static const char *compile_ipv6(struct span inside_brackets, struct arena *arena, struct pattern *p)
{
	if (!has_wildcard(inside_brackets)) {
		p->kind = HOST_IPV6;
		if (span_find(inside_brackets, ':') == inside_brackets.n ||
			!address_parse_ip(inside_brackets, 0, &p->ipv6))
			return "no IPv6 address between the brackets of the pattern";
		return NULL;
	}
	for (size_t i = 0; i < inside_brackets.n; i++)
		if (!is_ipv6_glob_char(inside_brackets.p[i]))
			return "no IPv6 address between the brackets of the pattern";
	p->kind = HOST_IPV6_GLOB;
	return copy_lower(arena, inside_brackets, &p->host);
}

/* Nothing, ":*" or ":number". */
static const char *compile_port(struct span colon_port, struct pattern *p)
{
	struct span port = span_from(colon_port, 1);
	uint64_t n;

	if (!colon_port.n || span_eq(colon_port, SPAN(":*")))
		return NULL;
	if (colon_port.p[0] != ':')
		return "neither a port nor a path follows the brackets of the pattern";
	if (span_find(port, ':') < port.n)
		return "an IPv6 address in a pattern needs brackets";
	if (!span_u64(port, PORT_MAX, &n) || n == 0)
		return "port of the pattern is neither a number from 1 to 65535 nor \"*\"";
	p->port = (uint16_t)n;
	return NULL;
}

static const char *compile_path(struct span path, struct arena *arena, struct pattern *p)
{
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] < 0x21 || path.p[i] > 0x7e)
			return "path of the pattern holds a blank, a control or a non-ASCII byte: write it as %XX";
		if (path.p[i] == '#')
			return "path of the pattern holds a fragment, which no request shows";
	}
	if (!path.n || span_eq(path, SPAN("/*")))
		return NULL;
	p->path = arena_copy(arena, path);
	return p->path.n ? NULL : "memory is out";
}

static const char *compile(struct span text, struct arena *arena, struct pattern *p)
{
	size_t slash = span_find(text, '/');
	struct span authority = span_first(text, slash), path = span_from(text, slash);
	size_t host_end = span_find(authority, ':');
	const char *why;

	if (host_end + 1 == authority.n && span_starts(path, SPAN("//")))
		return "pattern is a URL: leave the scheme out";
	if (authority.n && authority.p[0] == '[') {
		size_t bracket = span_find(authority, ']');

		if (bracket == authority.n)
			return "closing bracket of the pattern is missing";
		why = compile_ipv6(span_of(authority.p + 1, bracket - 1), arena, p);
		host_end = bracket + 1;
	} else {
		why = compile_name(span_first(authority, host_end), arena, p);
	}
	if (!why)
		why = compile_port(span_from(authority, host_end), p);
	return why ? why : compile_path(path, arena, p);
}

bool pattern_compile(struct span text, struct arena *arena, struct pattern *out, const char **why)
{
	struct pattern p = { .kind = HOST_NAME };
	const char *problem = compile(text, arena, &p);

	if (problem) {
		*why = problem;
		return false;
	}
	*out = p;
	return true;
}
