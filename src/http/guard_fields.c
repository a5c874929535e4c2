/*
 * Field lines: name, colon, value, and what single fields that frame or route must look like.
 */
#include "http/guard_parts.h"

enum { LENGTH_MAX_DIGITS = 18 };

static bool host_is_valid(struct span host)
{
	const char *p = host.p, *end = host.p + host.n;

	if (*p == '[') {
		p++;
		while (p < end && (ascii_hex(*p) >= 0 || *p == ':' || *p == '.'))
			p++;
		if (p == end || *p != ']' || p == host.p + 1)
			return false;
		p++;
	} else {
		p = bytes_skip(p, end, BYTE_HOST);
	}
	if (p == end)
		return true;
	struct span port = span_of(p + 1, (size_t)(end - p - 1));
	uint64_t number;
	return *p == ':' && p > host.p && (!port.n || span_u64(port, UINT16_MAX, &number));
}

static inline enum h1_result one_host_rule(struct guard_pass *s)
{
	return s->g->host_count++ ? guard_syntax(s, "two Host fields") : H1_OK;
}

/* An empty Host is valid only where the target brings the authority. */
static enum h1_result host_rule(struct guard_pass *s, struct span value)
{
	char first = s->m->target.p[0];

	if (one_host_rule(s) != H1_OK)
		return H1_BAD;
	if (value.n ? !host_is_valid(value) : first == '/' || first == '*' || span_eq(s->m->method, SPAN("CONNECT")))
		return guard_syntax(s, "a Host field that is not host or host:port");
	return H1_OK;
}

static enum h1_result length_rule(struct guard_pass *s, struct span value)
{
	if (s->g->has_length)
		return guard_bad(s, H1_FAULT_FRAMING, "two Content-Length fields");
	if (value.n > LENGTH_MAX_DIGITS || !span_u64(value, UINT64_MAX, &s->g->length))
		return guard_bad(s, H1_FAULT_FRAMING, "a Content-Length that is not a number of 1 to 18 digits");
	s->g->has_length = true;
	return H1_OK;
}

static enum h1_result coding_rule(struct guard_pass *s, struct span value)
{
	if (s->g->chunked)
		return guard_bad(s, H1_FAULT_FRAMING, "two Transfer-Encoding fields");
	if (!span_ieq(value, SPAN("chunked")))
		return guard_bad(s, H1_FAULT_FRAMING, "a Transfer-Encoding other than chunked");
	if (s->m->minor == 0)
		return guard_bad(s, H1_FAULT_FRAMING, "Transfer-Encoding in HTTP/1.0");
	s->g->chunked = true;
	return H1_OK;
}

static enum h1_result field_rules(struct guard_pass *s, const struct field *f)
{
	if (s->kind == GUARD_TRAILERS)
		return H1_OK;
	if (f->id == HEADER_CONTENT_LENGTH)
		return length_rule(s, f->value);
	if (f->id == HEADER_TRANSFER_ENCODING)
		return coding_rule(s, f->value);
	if (f->id == HEADER_HOST && s->kind == GUARD_REQUEST)
		return host_rule(s, f->value);
	return H1_OK;
}

/* `at` is the byte where a colon should be. */
static enum h1_result bad_name(struct guard_pass *s, const char *line, const char *at)
{
	if (*at == ' ' || *at == '\t')
		return guard_syntax(s, at == line ? "a line that begins with a blank (folded field)" :
					      "a blank in or behind a field name");
	if (*at == ':')
		return guard_syntax(s, "a field without a name");
	return guard_syntax(s, *at == '\r' ? "a line without a colon" : "a byte in a field name that is no token character");
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands between a colon and a CR, which bound the search for blanks. */
static inline struct span trimmed(const char *colon, const char *eol)
{
	const char *p = colon + 1;

	while (is_blank(*p))
		p++;
	if (p < eol)
		while (is_blank(eol[-1]))
			eol--;
	return span_of(p, (size_t)(eol - p));
}

static enum h1_result too_many(struct guard_pass *s)
{
	return guard_bad(s, H1_FAULT_HEAD_TOO_LARGE, "more fields than the limit");
}

/* A line that was read before has no surprises but for being there twice, which only of Host is an error. */
static inline enum h1_result receive_known(struct guard_pass *s, const char *line, struct h1_known_line *known)
{
	struct span name = span_of(line, known->name_len), value = span_of(line + known->value_at, known->value_len);

	s->last = known;
	s->g->connection |= known->connection;
	if (!message_receive_known(s->m, name, value, (enum header)known->id))
		return too_many(s);
	if (known->id != HEADER_HOST || s->kind != GUARD_REQUEST)
		return H1_OK;
	return value.n ? one_host_rule(s) : host_rule(s, value);
}

static inline enum h1_result receive_new(struct guard_pass *s, const char *line, const char *eol)
{
	const char *colon = token_end(line, s->end); /* not beyond eol: CR is no token character */

	s->last = NULL;
	if (*colon != ':' || colon == line)
		return bad_name(s, line, colon);
	if (!message_receive_line(s->m, span_of(line, (size_t)(colon - line)), trimmed(colon, eol)))
		return too_many(s);
	const struct field *f = &s->m->fields[s->m->field_count - 1];
	s->g->has_new_lines = s->g->has_new_lines || !(header_flags(f->id) & HEADER_FLAG_FRAMING);
	return field_rules(s, f);
}

/* The line between, where nobody foresaw it. */
static inline enum h1_result receive_line(struct guard_pass *s, const char *line, const char *eol)
{
	struct span text = span_of(line, (size_t)(eol - line));
	struct h1_known_line *known = s->known ? h1_known_find(s->known, text) : NULL;

	if (!known)
		return receive_new(s, line, eol);
	if (s->last)
		h1_known_follows(s->known, s->last, known);
	return receive_known(s, line, known);
}

/* Moves behind a line without having searched for its end. */
static inline const char *skip_line(struct guard_pass *s, size_t n)
{
	const char *line = s->at;

	s->at = s->next = line + n;
	s->stops = 0;
	return line;
}

/* Takes one line to be a field; H1_OK with *end where it is the empty one. */
static inline enum h1_result read_field(struct guard_pass *s, bool *end)
{
	struct h1_known_line *foreseen =
		s->last ? h1_known_behind(s->known, s->last, span_of(s->at, (size_t)(s->end - s->at))) : NULL;
	const char *line, *eol;

	if (foreseen)
		return receive_known(s, skip_line(s, foreseen->len + 2U), foreseen);
	enum h1_result r = guard_next_line(s, &line, &eol);
	*end = r == H1_OK && line == eol;
	return r != H1_OK || *end ? r : receive_line(s, line, eol);
}

enum h1_result guard_fields(struct guard_pass *s)
{
	enum h1_result r;
	bool end = false;

	do
		r = read_field(s, &end);
	while (r == H1_OK && !end);
	return r;
}
