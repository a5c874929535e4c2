/*
 * Whether the URL of a request may be written differently: its marks are signature.def.
 *
 * Errs on the careful side: a mark is enough, nothing is verified, and a scheme of Authorization that is not known is
 * believed to cover the URL.
 */
#include "policy/signature.h"

#define SIGNED "the URL is signed: "

struct mark {
	struct span name;
	const char *reason; /* constant */
};

#define MARK(text, whose) { { text, sizeof(text) - 1 }, SIGNED whose },

#define QUERY_MARK(text, whose)
#define COOKIE_MARK(text, whose)
#define SCHEME_MARK(text, whose)
#define SCHEME_FREE(text)

static const struct mark query_marks[] = {
#undef QUERY_MARK
#define QUERY_MARK MARK
#include "policy/signature.def"
#undef QUERY_MARK
#define QUERY_MARK(text, whose)
};

static const struct mark cookie_marks[] = {
#undef COOKIE_MARK
#define COOKIE_MARK MARK
#include "policy/signature.def"
#undef COOKIE_MARK
#define COOKIE_MARK(text, whose)
};

static const struct mark scheme_marks[] = {
#undef SCHEME_MARK
#define SCHEME_MARK MARK
#undef SCHEME_FREE
#define SCHEME_FREE(text) { { text, sizeof(text) - 1 }, NULL },
#include "policy/signature.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Base64url of '{"', with which the header of every token begins. */
static const struct span jwt_begin = { "eyJ", 3 };

static bool is_base64url(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_digit(c) || c == '-' || c == '_';
}

/* Three runs of base64url joined by dots (RFC 7515 section 3.1) at the front of s. */
static bool begins_with_jwt(struct span s)
{
	size_t dots = 0, i;

	if (!span_starts(s, jwt_begin))
		return false;
	for (i = 0; i < s.n && (is_base64url(s.p[i]) || (s.p[i] == '.' && dots < 2)); i++)
		dots += s.p[i] == '.';
	return dots == 2 && s.p[i - 1] != '.';
}

/* At the beginning of a path's segment or a parameter's value. */
static const char *forbidden_by_jwt(struct span target)
{
	for (size_t i = 0; i + 1 < target.n; i++)
		if ((target.p[i] == '/' || target.p[i] == '=') && target.p[i + 1] == 'e' &&
			begins_with_jwt(span_from(target, i + 1)))
			return SIGNED "a token (JWT) in it";
	return NULL;
}

static const char *forbidden_by_query(struct span target)
{
	struct span query = span_from(target, span_find(target, '?') + 1);

	while (query.n) {
		size_t end = span_find(query, '&');
		struct span pair = span_first(query, end), key = span_first(pair, span_find(pair, '='));

		for (size_t i = 0; i < COUNT(query_marks); i++)
			if (key.n == query_marks[i].name.n && span_ieq(key, query_marks[i].name))
				return query_marks[i].reason;
		query = span_from(query, end + 1);
	}
	return NULL;
}

static const char *forbidden_by_cookies(struct span cookies)
{
	while (cookies.n) {
		size_t end = span_find(cookies, ';');
		struct span pair = span_trim(span_first(cookies, end)), name = span_first(pair, span_find(pair, '='));

		for (size_t i = 0; i < COUNT(cookie_marks); i++)
			if (span_eq(name, cookie_marks[i].name))
				return cookie_marks[i].reason;
		cookies = span_from(cookies, end + 1);
	}
	return NULL;
}

static bool is_scheme(struct span scheme, struct span name)
{
	if (name.p[name.n - 1] == '*')
		return span_istarts(scheme, span_first(name, name.n - 1));
	return span_ieq(scheme, name);
}

static const char *forbidden_by_authorization(struct span value)
{
	struct span scheme = span_first(value, span_find(value, ' '));

	for (size_t i = 0; i < COUNT(scheme_marks); i++)
		if (is_scheme(scheme, scheme_marks[i].name))
			return scheme_marks[i].reason;
	return "the URL may be signed: an unknown scheme of Authorization";
}

static const char *forbidden_by_field(const struct field *f)
{
	if (f->id == HEADER_AUTHORIZATION)
		return forbidden_by_authorization(f->value);
	if (f->id == HEADER_COOKIE)
		return forbidden_by_cookies(f->value);
	if (f->id == HEADER_SIGNATURE || f->id == HEADER_SIGNATURE_INPUT)
		return SIGNED "HTTP message signature";
	return NULL;
}

const char *signature_forbids_url(const struct message *request)
{
	const char *reason = forbidden_by_query(request->target);

	if (!reason)
		reason = forbidden_by_jwt(request->target);
	for (unsigned i = 0; i < request->field_count && !reason; i++)
		reason = forbidden_by_field(&request->fields[i]);
	return reason;
}
