/*
 * Parts of HAR entries.
 */
#include "inspect/har_parts.h"

#include "http/date.h"
#include "http/percent.h"
#include "inspect/access_log.h"
#include "inspect/head_lines.h"
#include "inspect/redact.h"
#include "inspect/trace.h"

enum { VALUE_MAX = 3 * TRACE_HEAD_MAX }; /* redacted: "***" for a value of one byte */

static void put_pair(struct json *j, struct span name, struct span value)
{
	json_key(j, SPAN("name"));
	json_string(j, name);
	json_key(j, SPAN("value"));
	json_string(j, value);
}

/* -- fields -- */

static struct span value_shown(struct span line, bool with_secrets, char *out, size_t max)
{
	struct line l = line_of(out, max);

	if (with_secrets)
		line_put(&l, line_value(line));
	else
		redact_value(&l, line_name(line), line_value(line));
	return span_of(out, l.n);
}

/* What follows the start line. */
static struct span fields_of(struct span head)
{
	struct span start;

	return head_next_line(&head, &start) ? head : SPAN_NONE;
}

void har_put_fields(struct json *j, struct span head, bool with_secrets)
{
	struct span rest = fields_of(head), line;
	char text[VALUE_MAX];

	json_open(j, '[');
	while (head_next_line(&rest, &line)) {
		json_open(j, '{');
		put_pair(j, line_name(line), value_shown(line, with_secrets, text, sizeof(text)));
		json_close(j, '}');
	}
	json_close(j, ']');
}

struct span har_field(struct span head, struct span name, bool with_secrets, char *out, size_t max)
{
	struct span rest = fields_of(head), line;

	while (head_next_line(&rest, &line))
		if (span_ieq(line_name(line), name))
			return value_shown(line, with_secrets, out, max);
	return SPAN_NONE;
}

/* -- cookies -- */

/* Up to the next ';', without blanks around. */
static struct span next_part(struct span *rest)
{
	size_t n = span_find(*rest, ';');
	struct span part = span_trim(span_first(*rest, n));

	*rest = span_from(*rest, n + 1);
	return part;
}

/* "name=value"; a cookie without '=' is a value without a name (RFC 6265bis section 5.6). */
static void put_cookie_pair(struct json *j, struct span pair)
{
	size_t equals = span_find(pair, '=');

	if (equals == pair.n)
		put_pair(j, SPAN_NONE, pair);
	else
		put_pair(j, span_trim(span_first(pair, equals)), span_trim(span_from(pair, equals + 1)));
}

void har_put_request_cookies(struct json *j, struct span head, bool with_secrets)
{
	struct span rest = fields_of(head), line;
	char text[VALUE_MAX];

	json_open(j, '[');
	while (head_next_line(&rest, &line)) {
		if (!span_ieq(line_name(line), SPAN("Cookie")))
			continue;
		struct span cookies = value_shown(line, with_secrets, text, sizeof(text));
		while (cookies.n) {
			struct span pair = next_part(&cookies);

			if (!pair.n)
				continue;
			json_open(j, '{');
			put_cookie_pair(j, pair);
			json_close(j, '}');
		}
	}
	json_close(j, ']');
}

struct cookie {
	struct span path, domain, expires;
	bool http_only, secure;
};

/* The last of equal attributes counts (RFC 6265 section 5.3). */
static void read_attributes(struct span rest, struct cookie *c)
{
	while (rest.n) {
		struct span part = next_part(&rest), name = span_first(part, span_find(part, '='));
		struct span value = span_trim(span_from(part, name.n + 1));

		name = span_trim(name);
		if (span_ieq(name, SPAN("path")))
			c->path = value;
		else if (span_ieq(name, SPAN("domain")))
			c->domain = value;
		else if (span_ieq(name, SPAN("expires")))
			c->expires = value;
		else if (span_ieq(name, SPAN("httponly")))
			c->http_only = true;
		else if (span_ieq(name, SPAN("secure")))
			c->secure = true;
	}
}

/* HAR wants ISO 8601; what is no date that HTTP knows is left out. */
static void put_expires(struct json *j, struct span expires, int64_t now_s)
{
	char text[ACCESS_LOG_TIME_BYTES];
	int64_t s;

	if (!http_date_parse(expires, now_s, &s) || s < 0 || s > INT64_C(253402300799))
		return;
	json_key(j, SPAN("expires"));
	json_string(j, span_of(text, access_log_time(text, s * 1000000)));
}

static void put_set_cookie(struct json *j, struct span value, int64_t now_s)
{
	struct cookie c = { .http_only = false };
	struct span pair = next_part(&value);

	read_attributes(value, &c);
	json_open(j, '{');
	put_cookie_pair(j, pair);
	if (c.path.n) {
		json_key(j, SPAN("path"));
		json_string(j, c.path);
	}
	if (c.domain.n) {
		json_key(j, SPAN("domain"));
		json_string(j, c.domain);
	}
	put_expires(j, c.expires, now_s);
	json_key(j, SPAN("httpOnly"));
	json_bool(j, c.http_only);
	json_key(j, SPAN("secure"));
	json_bool(j, c.secure);
	json_close(j, '}');
}

void har_put_response_cookies(struct json *j, struct span head, bool with_secrets, int64_t now_s)
{
	struct span rest = fields_of(head), line;
	char text[VALUE_MAX];

	json_open(j, '[');
	while (head_next_line(&rest, &line))
		if (span_ieq(line_name(line), SPAN("Set-Cookie")))
			put_set_cookie(j, value_shown(line, with_secrets, text, sizeof(text)), now_s);
	json_close(j, ']');
}

/* -- URLs -- */

/* As forms encode it; what is not well encoded stays as it is. */
static struct span decode(struct span s, char *out)
{
	size_t n;

	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] == '+' ? ' ' : s.p[i];
	return percent_decode(span_of(out, s.n), out, &n) ? span_of(out, n) : s;
}

void har_put_query(struct json *j, struct span url)
{
	struct span query = span_from(span_first(url, span_find(url, '#')), span_find(url, '?') + 1);
	char name[VALUE_MAX], value[VALUE_MAX];

	json_open(j, '[');
	while (query.n) {
		struct span pair = span_first(query, span_find(query, '&'));
		size_t equals = span_find(pair, '=');

		query = span_from(query, pair.n + 1);
		if (!pair.n || pair.n > VALUE_MAX)
			continue;
		json_open(j, '{');
		put_pair(j, decode(span_first(pair, equals), name), decode(span_from(pair, equals + 1), value));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static bool is_hex(char c)
{
	return ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

/* Whether the byte at i may stand in a URL; brackets only around an address, before the path. */
static bool is_allowed(struct span url, size_t i, size_t path_at)
{
	char c = url.p[i];

	if (c == '%')
		return i + 2 < url.n && is_hex(url.p[i + 1]) && is_hex(url.p[i + 2]);
	if (c == '[' || c == ']')
		return i < path_at;
	if (c == '#')
		return span_find(url, '#') == i;
	return c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

void har_write_url(struct line *l, struct span url)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t host_at = span_find(url, ':') + 3, path_at = host_at + span_find(span_from(url, host_at), '/');

	for (size_t i = 0; i < url.n; i++) {
		unsigned char c = (unsigned char)url.p[i];
		char encoded[] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_allowed(url, i, path_at))
			line_put_char(l, url.p[i]);
		else
			line_put(l, span_of(encoded, sizeof(encoded)));
	}
}
