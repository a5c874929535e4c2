/*
 * Secrets, found by name.
 */
#include "inspect/redact.h"

#include "http/percent.h"

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

enum { NAME_MAX_BYTES = 128 }; /* longer ones are nobody's */

/* The byte at the front of s, read through percent-encoding; *n is how many it takes. */
static char first_byte(struct span s, size_t *n)
{
	char byte;

	*n = s.p[0] == '%' && s.n >= 3 ? 3 : 1;
	if (*n == 3 && percent_decode(span_first(s, 3), &byte, n)) {
		*n = 3;
		return byte;
	}
	*n = 1;
	return s.p[0];
}

static bool is_among(const char *bytes, char byte)
{
	return byte && strchr(bytes, byte);
}

static bool is_secret_name(struct span name)
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

/* Such as csrf_token, accessToken and newPassword. */
static bool ends_like_a_secret(struct span name)
{
	static const struct span ends[] = {
#define SECRET_ENDING(text) { text, sizeof(text) - 1 },
#include "inspect/redact.def"
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (name.n > ends[i].n && span_ieq(span_from(name, name.n - ends[i].n), ends[i]))
			return true;
	return false;
}

/* "token", "%74oken", "user[token]". */
static bool is_secret_parameter(struct span encoded)
{
	char decoded[NAME_MAX_BYTES];
	struct span name = encoded;
	size_t n;

	if (encoded.n <= sizeof(decoded) && percent_decode(encoded, decoded, &n))
		name = span_of(decoded, n);
	if (name.n && name.p[name.n - 1] == ']') {
		name = span_first(name, name.n - 1);
		while (span_find(name, '[') < name.n)
			name = span_from(name, span_find(name, '[') + 1);
	}
	return is_secret_name(name) || ends_like_a_secret(name);
}

/* How far a parameter's name goes. */
static size_t name_end(struct span s)
{
	size_t n = 0, step;

	while (n < s.n && !is_among("&;#=? \t\"'<>", first_byte(span_from(s, n), &step)))
		n += step;
	return n < s.n ? n : s.n;
}

/* How far its value goes.  What a URL stands in may end it, too; inside of another's value, an encoded delimiter does. */
static size_t value_end(struct span s, bool is_inside)
{
	size_t n = 0, step;

	while (n < s.n) {
		char byte = first_byte(span_from(s, n), &step);

		if ((step == 1 || is_inside) && is_among("&;# \t\"'<>", byte))
			break;
		n += step;
	}
	return n < s.n ? n : s.n;
}

/* "name=value" behind a '?' or '&': appends it and returns how long it was. */
static size_t put_parameter(struct line *l, struct span s)
{
	size_t name_n = name_end(s), equals_n = 0;

	if (name_n == s.n || first_byte(span_from(s, name_n), &equals_n) != '=' || !is_secret_parameter(span_first(s, name_n))) {
		line_put(l, span_first(s, name_n));
		return name_n;
	}
	size_t value_at = name_n + equals_n, value_n = value_end(span_from(s, value_at), equals_n > 1);
	line_put(l, span_first(s, value_at));
	if (value_n)
		line_put(l, HIDDEN);
	return value_at + value_n;
}

/* A user and password behind "//", with the '@', appended as "***@"; returns how long they were, 0 where there are none. */
static size_t put_credentials(struct line *l, struct span s)
{
	size_t n = 0, step, end = 0;

	while (n < s.n) {
		char byte = first_byte(span_from(s, n), &step);

		if (is_among("/?# \t\"'<>,", byte))
			break;
		n += step;
		if (byte == '@')
			end = n;
	}
	if (end)
		line_put(l, SPAN("***@"));
	return end;
}

/* Fragments hold tokens, too: OAuth's implicit answers.  A URL in another's parameter is looked into as well. */
void redact_url(struct line *l, struct span url)
{
	char byte = '\0', before = '\0', first;
	size_t i = 0, n;

	while (i < url.n) {
		first = before;
		before = byte;
		byte = first_byte(span_from(url, i), &n);
		line_put(l, span_of(url.p + i, n));
		i += n;
		if (byte == '/' && before == '/' && (first == ':' || !first))
			i += put_credentials(l, span_from(url, i));
		else if (is_among("?&#;", byte))
			i += put_parameter(l, span_from(url, i));
	}
}

/* Whether there is anything of what parameters and users show themselves by, encoded or not. */
static bool may_hold_secrets(struct span url)
{
	return memchr(url.p, '=', url.n) || memchr(url.p, '@', url.n) || memchr(url.p, '%', url.n);
}

void redact_record(struct record *r)
{
	char text[3 * RECORD_URL_MAX];
	struct line l = line_of(text, sizeof(text));

	if (!may_hold_secrets(span_of(r->url, r->url_len)))
		return;
	redact_url(&l, span_of(r->url, r->url_len));
	r->url_cut = r->url_cut || l.n > RECORD_URL_MAX;
	r->url_len = (uint16_t)(l.n < RECORD_URL_MAX ? l.n : RECORD_URL_MAX);
	memcpy(r->url, text, r->url_len);
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
