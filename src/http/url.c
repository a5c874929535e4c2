/*
 * Request targets and Host fields.
 *
 * Stricter than RFC 3986 where peers disagree about the meaning: no user information, no percent-encoding in a
 * host, no zone, no fragment.  Paths and queries are passed as written, odd characters and all.
 */
#include "http/url.h"

#include "base/address.h"
#include "http/bytes.h"

enum { HOST_MAX = 255, PORT_MAX = 65535 };

/* An authority taken apart. */
struct authority {
	struct span host;
	uint16_t port; /* 0 when none is given */
	bool is_ipv6;
};

uint16_t scheme_port(enum scheme scheme)
{
	return scheme == SCHEME_HTTPS ? 443 : 80;
}

struct span scheme_name(enum scheme scheme)
{
	return scheme == SCHEME_HTTPS ? SPAN("https") : SPAN("http");
}

static const char *name_problem(struct span name)
{
	const char *end, *odd;

	if (name.n == 0)
		return "host is empty";
	if (name.n > HOST_MAX)
		return "host is longer than 255 bytes";
	end = name.p + name.n;
	odd = bytes_skip(name.p, end, BYTE_HOST);
	if (memchr(name.p, '%', (size_t)(odd - name.p)))
		return "host is percent-encoded";
	return odd < end ? "host holds a character that no host name has" : NULL;
}

static const char *ipv6_problem(struct span inside_brackets)
{
	struct address ignored;

	if (span_find(inside_brackets, '%') < inside_brackets.n)
		return "IPv6 address carries a zone";
	if (span_find(inside_brackets, ':') == inside_brackets.n || !address_parse_ip(inside_brackets, 0, &ignored))
		return "no IPv6 address between the brackets";
	return NULL;
}

/* ":port", ":" or nothing.  The empty port is the default one (RFC 3986 section 3.2.3). */
static const char *port_problem(struct span colon_port, uint16_t *port)
{
	struct span digits = span_from(colon_port, 1);
	uint64_t n = 0;

	if (colon_port.n && colon_port.p[0] != ':')
		return "neither a port nor the end follows the brackets";
	if (digits.n && (!span_u64(digits, PORT_MAX, &n) || n == 0))
		return "port is not a number from 1 to 65535";
	*port = (uint16_t)n;
	return NULL;
}

/* NULL and *out filled, or the reason. */
static const char *authority_problem(struct span text, struct authority *out)
{
	size_t end = span_find(text, ':');
	const char *why;

	*out = (struct authority){ 0 };
	if (span_find(text, '@') < text.n)
		return "authority holds a user name or password";
	if (text.n && text.p[0] == '[') {
		end = span_find(text, ']');
		if (end == text.n)
			return "closing bracket of the IPv6 address is missing";
		out->is_ipv6 = true;
		out->host = span_of(text.p + 1, end - 1);
		why = ipv6_problem(out->host);
		end++;
	} else {
		out->host = span_first(text, end);
		why = name_problem(out->host);
	}
	return why ? why : port_problem(span_from(text, end), &out->port);
}

bool host_parse(struct span host_field, struct span *host, uint16_t *port, bool *is_ipv6, const char **why)
{
	struct authority a;
	const char *problem = authority_problem(host_field, &a);

	if (problem) {
		*why = problem;
		return false;
	}
	*host = a.host;
	*port = a.port;
	*is_ipv6 = a.is_ipv6;
	return true;
}

static const char *target_set_authority(struct target *t, struct span text)
{
	struct authority a;
	const char *why = authority_problem(text, &a);

	t->authority = text;
	t->host = a.host;
	t->host_is_ipv6 = a.is_ipv6;
	t->port_given = a.port != 0;
	t->port = a.port ? a.port : scheme_port(t->scheme);
	return why;
}

static const char *parse_connect(struct span raw, struct target *t)
{
	const char *why = target_set_authority(t, raw);

	t->form = TARGET_AUTHORITY;
	t->path = SPAN_NONE;
	if (!why && !t->port_given)
		return "CONNECT needs a port";
	return why;
}

/* The length of "http://" or "https://" at the front, 0 for anything else. */
static size_t scheme_length(struct span raw, enum scheme *scheme)
{
	if (span_istarts(raw, SPAN("http://"))) {
		*scheme = SCHEME_HTTP;
		return sizeof("http://") - 1;
	}
	if (span_istarts(raw, SPAN("https://"))) {
		*scheme = SCHEME_HTTPS;
		return sizeof("https://") - 1;
	}
	return 0;
}

static size_t authority_end(struct span s)
{
	size_t slash = span_find(s, '/'), question = span_find(s, '?');

	return slash < question ? slash : question;
}

static const char *parse_absolute(struct span raw, struct target *t)
{
	size_t skip = scheme_length(raw, &t->scheme);

	if (!skip)
		return span_find(raw, ':') < raw.n ? "URL begins with neither http:// nor https://"
						   : "request target is neither a path nor a URL";
	struct span rest = span_of(raw.p + skip, raw.n - skip);
	size_t end = authority_end(rest);

	t->form = TARGET_ABSOLUTE;
	t->path_missing = end == rest.n;
	t->path_needs_slash = end < rest.n && rest.p[end] == '?';
	t->path = t->path_missing ? SPAN("/") : span_from(rest, end);
	return target_set_authority(t, span_first(rest, end));
}

static const char *byte_problem(struct span raw)
{
	const char *end, *odd;

	if (raw.n == 0)
		return "request target is empty";
	end = raw.p + raw.n;
	odd = target_end(raw.p, end);
	if (odd == end)
		return NULL;
	return *odd == '#' ? "request target holds a fragment" :
			     "request target holds a blank, a control or a non-ASCII byte";
}

bool target_parse(struct span raw, bool is_connect, struct target *out, const char **why)
{
	struct target t = { .form = TARGET_ORIGIN, .path = raw, .port = scheme_port(SCHEME_HTTP) };
	const char *problem = byte_problem(raw);

	if (!problem && is_connect)
		problem = parse_connect(raw, &t);
	else if (!problem && span_eq(raw, SPAN("*")))
		t.form = TARGET_ASTERISK;
	else if (!problem && raw.p[0] != '/')
		problem = parse_absolute(raw, &t);
	if (problem) {
		*why = problem;
		return false;
	}
	*out = t;
	return true;
}
