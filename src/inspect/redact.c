/*
 * Secrets, found by name.
 */
#include "inspect/redact.h"

#define HIDDEN SPAN("***")

enum kind { KIND_PLAIN, KIND_WHOLE, KIND_SCHEME, KIND_COOKIES, KIND_SET_COOKIE };

struct secret_field {
	struct span name;
	enum kind kind;
};

static enum kind kind_of(struct span name)
{
	static const struct secret_field fields[] = {
#define SECRET_FIELD(text, how) { { text, sizeof(text) - 1 }, KIND_##how },
#include "inspect/redact.def"
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_ieq(fields[i].name, name))
			return fields[i].kind;
	return KIND_PLAIN;
}

/* -- URLs -- */

static bool is_secret_parameter(struct span name)
{
	static const struct span names[] = {
#define SECRET_PARAMETER(text) { text, sizeof(text) - 1 },
#include "inspect/redact.def"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_ieq(names[i], name))
			return true;
	return false;
}

/* How far a parameter's name or value goes; what a URL stands in may end it, too. */
static size_t parameter_end(struct span s, bool is_name)
{
	size_t n = 0;

	while (n < s.n && !strchr("&;# \t\"'<>", s.p[n]) && !(is_name && (s.p[n] == '=' || s.p[n] == '?')))
		n++;
	return n;
}

/* "name=value" behind a '?' or '&': appends it and returns how long it was. */
static size_t put_parameter(struct line *l, struct span s)
{
	size_t name_n = parameter_end(s, true);

	if (name_n >= s.n || s.p[name_n] != '=' || !is_secret_parameter(span_first(s, name_n))) {
		line_put(l, span_first(s, name_n));
		return name_n;
	}
	size_t value_n = parameter_end(span_from(s, name_n + 1), false);
	line_put(l, span_first(s, name_n + 1));
	if (value_n)
		line_put(l, HIDDEN);
	return name_n + 1 + value_n;
}

/* Fragments hold tokens, too: OAuth's implicit answers. */
void redact_url(struct line *l, struct span url)
{
	size_t i = 0;

	while (i < url.n) {
		char c = url.p[i];

		line_put_char(l, c);
		i++;
		if (c == '?' || c == '&' || c == '#' || c == ';')
			i += put_parameter(l, span_from(url, i));
	}
}

/* -- fields -- */

/* "name=value" up to the next ';'; returns how much that was. */
static size_t put_cookie(struct line *l, struct span s)
{
	size_t n = span_find(s, ';'), name_n = span_find(span_first(s, n), '=');

	if (name_n < n) {
		line_put(l, span_first(s, name_n + 1));
		line_put(l, HIDDEN);
	} else {
		line_put(l, HIDDEN); /* a value without a name, as browsers have it */
	}
	return n;
}

static void put_cookies(struct line *l, struct span value)
{
	for (;;) {
		while (value.n && (value.p[0] == ' ' || value.p[0] == '\t')) {
			line_put_char(l, value.p[0]);
			value = span_from(value, 1);
		}
		if (!value.n)
			return;
		value = span_from(value, put_cookie(l, value));
		if (!value.n)
			return;
		line_put_char(l, ';');
		value = span_from(value, 1);
	}
}

void redact_value(struct line *l, struct span name, struct span value)
{
	switch (kind_of(name)) {
	case KIND_PLAIN:
		redact_url(l, value);
		return;
	case KIND_WHOLE:
		break;
	case KIND_SCHEME:
		if (span_find(value, ' ') < value.n)
			line_put(l, span_first(value, span_find(value, ' ') + 1));
		break;
	case KIND_COOKIES:
		put_cookies(l, value);
		return;
	case KIND_SET_COOKIE:
		line_put(l, span_from(value, put_cookie(l, value)));
		return;
	}
	if (value.n)
		line_put(l, HIDDEN);
}
