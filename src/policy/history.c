/*
 * A cookie against the history.
 */
#include "policy/history.h"

#include "policy/elements.h"

/* By https the prefix keeps everybody but this host from setting it (RFC 6265bis section 4.1.3.2). */
#define NAME "freshet-history"
#define SECURE_NAME "__Host-" NAME
#define ATTRIBUTES "; Path=/; Max-Age=1; HttpOnly; SameSite=Strict"

enum { STAMP_HEX_MAX = 16 };

bool history_wants_cookie(const struct message *request)
{
	if (!message_has(request, HEADER_SEC_FETCH_DEST))
		return true;
	return span_eq(message_value(request, HEADER_SEC_FETCH_DEST), SPAN("document")) ||
	       span_eq(message_value(request, HEADER_SEC_FETCH_SITE), SPAN("same-origin"));
}

struct span history_cookie(const struct message *request, uint64_t stamp, struct arena *a)
{
	bool secure = span_istarts(request->target, SPAN("https://"));
	struct span name = secure ? SPAN(SECURE_NAME "=") : SPAN(NAME "=");
	struct span attributes = secure ? SPAN(ATTRIBUTES "; Secure") : SPAN(ATTRIBUTES);
	char *out = arena_alloc(a, name.n + STAMP_HEX_MAX + attributes.n);
	size_t n = 0;

	if (!out)
		return SPAN_NONE;
	memcpy(out, name.p, name.n);
	n += name.n;
	n += span_put_hex(out + n, stamp);
	memcpy(out + n, attributes.p, attributes.n);
	n += attributes.n;
	return span_of(out, n);
}

/* The next of "a=1; b=2", trimmed; false at the end. */
static bool next_cookie(struct span *rest, struct span *cookie)
{
	if (!rest->n)
		return false;
	size_t n = span_find(*rest, ';');
	*cookie = span_trim(span_first(*rest, n));
	*rest = span_from(*rest, n + 1);
	return true;
}

static bool is_ours(struct span cookie)
{
	struct span name = span_trim(span_first(cookie, span_find(cookie, '=')));

	return span_eq(name, SPAN(NAME)) || span_eq(name, SPAN(SECURE_NAME));
}

static bool line_has_ours(struct span line)
{
	struct span cookie;

	while (next_cookie(&line, &cookie))
		if (is_ours(cookie))
			return true;
	return false;
}

bool history_has_cookie(const struct message *request)
{
	for (const struct field *f = message_field(request, HEADER_COOKIE); f; f = message_next(request, f))
		if (line_has_ours(f->value))
			return true;
	return false;
}

struct span history_other_cookies(const struct message *request, struct arena *a)
{
	static const struct elements cookies = { HEADER_COOKIE, next_cookie, is_ours, "; " };
	struct span others;

	return elements_others(request, &cookies, a, &others) ? others : SPAN_NONE;
}
