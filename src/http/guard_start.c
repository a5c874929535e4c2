/*
 * Start lines: method, target and version, or version, status and reason.
 */
#include "http/guard_parts.h"

enum {
	METHOD_MAX_LEN = 64,
	VERSION_LEN = 8, /* "HTTP/1.1" */
};

static struct span after_digits(struct span s)
{
	while (s.n && ascii_digit(s.p[0]))
		s = span_from(s, 1);
	return s;
}

/* "HTTP/" in any case and a number, with or without minor: then the complaint can be about the number. */
static bool is_version(struct span text)
{
	struct span number = span_from(text, 5), rest = after_digits(number);

	if (!span_istarts(text, SPAN("HTTP/")) || rest.n == number.n)
		return false;
	return !rest.n || (rest.n > 1 && rest.p[0] == '.' && !after_digits(span_from(rest, 1)).n);
}

static enum h1_result read_version(struct guard_pass *s, struct span text)
{
	if (text.n == VERSION_LEN && memcmp(text.p, "HTTP/1.", VERSION_LEN - 1) == 0 &&
		(text.p[7] == '0' || text.p[7] == '1')) {
		s->m->minor = (unsigned)(text.p[7] - '0');
		return H1_OK;
	}
	if (is_version(text))
		return guard_bad(s, H1_FAULT_VERSION, "an HTTP version other than 1.0 and 1.1");
	return guard_syntax(s, "no HTTP version in the start line");
}

/* `at` is the byte that ends the method, and should be a space. */
static enum h1_result bad_method(struct guard_pass *s, const char *line, const char *at)
{
	if (at == line)
		return guard_syntax(s, *at == '\r' ? "two empty lines before the request" : "no method at the beginning");
	return guard_syntax(s, "a byte in the method that is no token character");
}

/* `at` is the byte that ends the target and should be the space before the version. */
static enum h1_result bad_target(struct guard_pass *s, const char *at, bool empty)
{
	if (*at == '\r')
		return guard_syntax(s, "a request line without HTTP version");
	if (*at == '#')
		return guard_syntax(s, "a fragment in the request target");
	return guard_syntax(s, empty ? "two spaces in the request line" : "a byte in the request target that is not ASCII");
}

enum h1_result guard_request_line(struct guard_pass *s)
{
	const char *line, *eol;
	enum h1_result r = guard_next_line(s, &line, &eol);

	if (r != H1_OK)
		return r;
	const char *method_end = token_end(line, eol), *end;
	if (method_end == line || *method_end != ' ')
		return bad_method(s, line, method_end);
	if (method_end - line > METHOD_MAX_LEN)
		return guard_syntax(s, "a method that is too long");
	s->m->method = span_of(line, (size_t)(method_end - line));

	end = target_end(method_end + 1, s->end); /* not beyond eol: no target has a CR */
	s->m->target = span_of(method_end + 1, (size_t)(end - method_end - 1));
	if (s->m->target.n > s->limits->target_bytes)
		return guard_bad(s, H1_FAULT_TARGET_TOO_LONG, "a request target over the limit");
	if (*end != ' ' || !s->m->target.n)
		return bad_target(s, end, !s->m->target.n);
	return read_version(s, span_of(end + 1, (size_t)(eol - end - 1)));
}

/* Three digits, the first not 0; 0 for anything else. */
static unsigned status_code(const char *p)
{
	if (p[0] < '1' || !ascii_digit(p[0]) || !ascii_digit(p[1]) || !ascii_digit(p[2]))
		return 0;
	return (unsigned)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

static const char not_http[] = "the response does not begin with HTTP/";

enum h1_result guard_status_line(struct guard_pass *s)
{
	const char *start, *eol;
	enum h1_result r = guard_next_line(s, &start, &eol);

	if (r != H1_OK)
		return r;
	struct span line = span_of(start, (size_t)(eol - start));
	r = read_version(s, span_first(line, span_find(line, ' ')));
	if (r != H1_OK)
		return span_starts(line, SPAN("HTTP/")) ? r : guard_syntax(s, not_http);
	s->m->status = line.n < VERSION_LEN + 4 ? 0 : status_code(line.p + VERSION_LEN + 1);
	struct span rest = span_from(line, VERSION_LEN + 4);
	if (!s->m->status || (rest.n && rest.p[0] != ' '))
		return guard_syntax(s, "a status that is not three digits from 100 to 999");
	s->m->reason = span_from(rest, 1);
	return H1_OK;
}

/* ---- lines whose end has not come yet */

enum h1_result guard_partial_request_line(struct guard_pass *s, const char *line)
{
	const char *end = token_end(line, s->end);

	if (*line == '\r')
		return s->end - line > 1 ? guard_syntax(s, "a CR without LF") : H1_MORE;
	if (end - line > METHOD_MAX_LEN)
		return guard_syntax(s, "a method that is too long");
	if (end == s->end)
		return H1_MORE;
	if (end == line || *end != ' ')
		return bad_method(s, line, end);
	if ((size_t)(s->end - end - 1) > s->limits->target_bytes + sizeof(" HTTP/1.1\r"))
		return guard_bad(s, H1_FAULT_TARGET_TOO_LONG, "a request target over the limit");
	return H1_MORE;
}

enum h1_result guard_partial_status_line(struct guard_pass *s)
{
	if (!span_starts(SPAN("HTTP/"), span_first(span_of(s->begin, (size_t)(s->end - s->begin)), 5)))
		return guard_syntax(s, not_http);
	return H1_MORE;
}
