/*
 * The guard: strict reading of heads and trailer sections (RFC 9112), stricter than the RFC where peers disagree.
 *
 * Every line is searched for control bytes 16 at a time; that search also finds the line's end.  Whatever looks
 * wrong is refused with a reason; nothing is repaired.
 */
#include "http/guard.h"

#include "http/bytes.h"

enum {
	METHOD_MAX_LEN = 64,
	LENGTH_MAX_DIGITS = 18,
	VERSION_LEN = 8, /* "HTTP/1.1" */
};

/* ---- lines */

/*
 * One reading from the front.  Line ends are found block by block, ahead of what is done with the lines, so
 * that the processor need not know where one line ends to begin with the next.
 */
struct pass {
	const char *begin, *end; /* the input */
	const char *at;          /* the next line */
	const char *block;       /* the block that is being looked at */
	const char *next;        /* the block behind it */
	uint64_t stops;          /* control bytes of the block that were not looked at yet */
	enum guard_kind kind;
	const struct h1_limits *limits;
	struct h1_known *known;
	struct h1_known_line *last; /* the line before, where that was a known one */
	struct message *m;
	struct guard *g;
	struct h1_error *error;
};

static enum h1_result bad(struct pass *s, enum h1_fault fault, const char *reason)
{
	*s->error = (struct h1_error){ .fault = fault, .reason = reason };
	return H1_BAD;
}

static enum h1_result syntax(struct pass *s, const char *reason)
{
	return bad(s, H1_FAULT_SYNTAX, reason);
}

/* The control bytes among the last, fewer than BYTES_BLOCK, bytes of input. */
static uint64_t stops_at_end(const struct pass *s, size_t left)
{
	uint64_t stops = 0;

	if (s->end - s->begin >= BYTES_BLOCK)
		return stops_text(s->end - BYTES_BLOCK) >> (BYTES_BLOCK - left);
	for (size_t i = 0; i < left; i++)
		stops |= (uint64_t)!byte_is(s->next[i], BYTE_TEXT) << i;
	return stops;
}

/* Moves to the next block with a control byte in it; false at the end of input. */
static __attribute__((noinline)) bool next_stops(struct pass *s)
{
	while (!s->stops) {
		size_t left = (size_t)(s->end - s->next);

		if (!left)
			return false;
		s->block = s->next;
		if (left >= BYTES_WIDE) {
			s->stops = stops_text_wide(s->block);
			s->next += BYTES_WIDE;
		} else if (left >= BYTES_BLOCK) {
			s->stops = stops_text(s->block);
			s->next += BYTES_BLOCK;
		} else {
			s->stops = stops_at_end(s, left);
			s->next += left;
		}
		if (s->at > s->block) /* its first byte is the LF behind the last line's CR */
			s->stops &= ~UINT64_C(1);
	}
	return true;
}

/* What is wrong with the first control byte of a line, which should be the CR of a CRLF. */
static enum h1_result bad_control(struct pass *s, const char *at)
{
	if (*at == '\r')
		return syntax(s, "a CR without LF");
	if (*at == '\n')
		return syntax(s, "a line ends in LF without CR");
	return syntax(s, *at ? "a control byte" : "a NUL byte");
}

/* Finds the CRLF that ends the line at s->at and moves behind it. */
static inline enum h1_result next_line(struct pass *s, const char **line, const char **eol)
{
	if (!s->stops && !next_stops(s))
		return H1_MORE;
	int i = __builtin_ctzll(s->stops);
	const char *c = s->block + i;
	*line = s->at;
	*eol = c;
	if (*c == '\r' && c + 1 == s->end)
		return H1_MORE;
	if (*c != '\r' || c[1] != '\n')
		return bad_control(s, c);
	s->stops &= ~(UINT64_C(3) << i);
	s->at = c + 2;
	return H1_OK;
}

/* ---- start lines */

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

static enum h1_result read_version(struct pass *s, struct span text)
{
	if (text.n == VERSION_LEN && memcmp(text.p, "HTTP/1.", VERSION_LEN - 1) == 0 &&
		(text.p[7] == '0' || text.p[7] == '1')) {
		s->m->minor = (unsigned)(text.p[7] - '0');
		return H1_OK;
	}
	if (is_version(text))
		return bad(s, H1_FAULT_VERSION, "an HTTP version other than 1.0 and 1.1");
	return syntax(s, "no HTTP version in the start line");
}

/* `at` is the byte that ends the method, and should be a space. */
static enum h1_result bad_method(struct pass *s, const char *line, const char *at)
{
	if (at == line)
		return syntax(s, *at == '\r' ? "two empty lines before the request" : "no method at the beginning");
	return syntax(s, "a byte in the method that is no token character");
}

/* `at` is the byte that ends the target and should be the space before the version. */
static enum h1_result bad_target(struct pass *s, const char *at, bool empty)
{
	if (*at == '\r')
		return syntax(s, "a request line without HTTP version");
	if (*at == '#')
		return syntax(s, "a fragment in the request target");
	return syntax(s, empty ? "two spaces in the request line" : "a byte in the request target that is not ASCII");
}

static enum h1_result request_line(struct pass *s)
{
	const char *line, *eol;
	enum h1_result r = next_line(s, &line, &eol);

	if (r != H1_OK)
		return r;
	const char *method_end = token_end(line, eol), *end;
	if (method_end == line || *method_end != ' ')
		return bad_method(s, line, method_end);
	if (method_end - line > METHOD_MAX_LEN)
		return syntax(s, "a method that is too long");
	s->m->method = span_of(line, (size_t)(method_end - line));

	end = target_end(method_end + 1, s->end); /* not beyond eol: no target has a CR */
	s->m->target = span_of(method_end + 1, (size_t)(end - method_end - 1));
	if (s->m->target.n > s->limits->target_bytes)
		return bad(s, H1_FAULT_TARGET_TOO_LONG, "a request target over the limit");
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

static enum h1_result status_line(struct pass *s)
{
	const char *start, *eol;
	enum h1_result r = next_line(s, &start, &eol);

	if (r != H1_OK)
		return r;
	struct span line = span_of(start, (size_t)(eol - start));
	r = read_version(s, span_first(line, span_find(line, ' ')));
	if (r != H1_OK)
		return span_starts(line, SPAN("HTTP/")) ? r : syntax(s, not_http);
	s->m->status = line.n < VERSION_LEN + 4 ? 0 : status_code(line.p + VERSION_LEN + 1);
	struct span rest = span_from(line, VERSION_LEN + 4);
	if (!s->m->status || (rest.n && rest.p[0] != ' '))
		return syntax(s, "a status that is not three digits from 100 to 999");
	s->m->reason = span_from(rest, 1);
	return H1_OK;
}

/* ---- fields */

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

/* An empty Host is valid only where the target brings the authority. */
static enum h1_result host_rule(struct pass *s, struct span value)
{
	char first = s->m->target.p[0];

	if (s->g->host_count++)
		return syntax(s, "two Host fields");
	if (value.n ? !host_is_valid(value) : first == '/' || first == '*' || span_eq(s->m->method, SPAN("CONNECT")))
		return syntax(s, "a Host field that is not host or host:port");
	return H1_OK;
}

static enum h1_result length_rule(struct pass *s, struct span value)
{
	if (s->g->has_length)
		return bad(s, H1_FAULT_FRAMING, "two Content-Length fields");
	if (value.n > LENGTH_MAX_DIGITS || !span_u64(value, UINT64_MAX, &s->g->length))
		return bad(s, H1_FAULT_FRAMING, "a Content-Length that is not a number of 1 to 18 digits");
	s->g->has_length = true;
	return H1_OK;
}

static enum h1_result coding_rule(struct pass *s, struct span value)
{
	if (s->g->chunked)
		return bad(s, H1_FAULT_FRAMING, "two Transfer-Encoding fields");
	if (!span_ieq(value, SPAN("chunked")))
		return bad(s, H1_FAULT_FRAMING, "a Transfer-Encoding other than chunked");
	if (s->m->minor == 0)
		return bad(s, H1_FAULT_FRAMING, "Transfer-Encoding in HTTP/1.0");
	s->g->chunked = true;
	return H1_OK;
}

static enum h1_result field_rules(struct pass *s, const struct field *f)
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
static enum h1_result bad_name(struct pass *s, const char *line, const char *at)
{
	if (*at == ' ' || *at == '\t')
		return syntax(s, at == line ? "a line that begins with a blank (folded field)" :
					      "a blank in or behind a field name");
	if (*at == ':')
		return syntax(s, "a field without a name");
	return syntax(s, *at == '\r' ? "a line without a colon" : "a byte in a field name that is no token character");
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

static enum h1_result too_many(struct pass *s)
{
	return bad(s, H1_FAULT_HEAD_TOO_LARGE, "more fields than the limit");
}

/* A line that was read before has no surprises. */
static inline enum h1_result receive_known(struct pass *s, const char *line, struct h1_known_line *known)
{
	struct span name = span_of(line, known->name_len), value = span_of(line + known->value_at, known->value_len);

	s->last = known;
	return message_receive_known(s->m, name, value, (enum header)known->id) ? H1_OK : too_many(s);
}

static inline enum h1_result receive_new(struct pass *s, const char *line, const char *eol)
{
	const char *colon = token_end(line, s->end); /* not beyond eol: CR is no token character */

	s->last = NULL;
	if (*colon != ':' || colon == line)
		return bad_name(s, line, colon);
	return message_receive_line(s->m, span_of(line, (size_t)(colon - line)), trimmed(colon, eol)) ? H1_OK : too_many(s);
}

/* The line between, where nobody foresaw it. */
static inline enum h1_result receive_line(struct pass *s, const char *line, const char *eol)
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
static inline const char *skip_line(struct pass *s, size_t n)
{
	const char *line = s->at;

	s->at = s->next = line + n;
	s->stops = 0;
	return line;
}

/* Takes one line to be a field; H1_OK with *end where it is the empty one. */
static inline enum h1_result read_field(struct pass *s, bool *end)
{
	struct h1_known_line *foreseen =
		s->last ? h1_known_behind(s->known, s->last, span_of(s->at, (size_t)(s->end - s->at))) : NULL;
	const char *line, *eol;
	enum h1_result r;

	if (foreseen) {
		line = skip_line(s, foreseen->len + 2U);
	} else {
		r = next_line(s, &line, &eol);
		*end = r == H1_OK && line == eol;
		if (r != H1_OK || *end)
			return r;
	}
	if (s->m->field_count >= s->limits->fields)
		return too_many(s);
	r = foreseen ? receive_known(s, line, foreseen) : receive_line(s, line, eol);
	return r == H1_OK ? field_rules(s, &s->m->fields[s->m->field_count - 1]) : r;
}

/* ---- the whole */

/* What no line shows by itself. */
static enum h1_result whole_rules(struct pass *s)
{
	const struct guard *g = s->g;

	if (s->kind == GUARD_TRAILERS)
		return H1_OK;
	if (g->chunked && g->has_length)
		return bad(s, H1_FAULT_FRAMING, "both Content-Length and Transfer-Encoding");
	if (s->kind == GUARD_RESPONSE)
		return H1_OK;
	if (!g->host_count && s->m->minor)
		return syntax(s, "no Host field");
	/* Old Windows clients announce that nothing follows; anything else would be taken for the tunnel. */
	if ((g->chunked || g->length) && span_eq(s->m->method, SPAN("CONNECT")))
		return bad(s, H1_FAULT_FRAMING, "a CONNECT request with a body");
	return H1_OK;
}

/* Field lines up to the empty one. */
static enum h1_result read_fields(struct pass *s)
{
	enum h1_result r;
	bool end = false;

	do
		r = read_field(s, &end);
	while (r == H1_OK && !end);
	return r;
}

static enum h1_result read_all(struct pass *s)
{
	enum h1_result r = s->kind == GUARD_REQUEST ? request_line(s) :
		s->kind == GUARD_RESPONSE ? status_line(s) : H1_OK;

	if (r == H1_OK)
		r = read_fields(s);
	if (r != H1_OK)
		return r;
	s->g->len = (size_t)(s->at - s->begin);
	s->m->line_bytes = s->g->len + s->m->field_count; /* a blank behind each colon, where there was none */
	if (s->g->len > s->limits->head_bytes)
		return bad(s, H1_FAULT_HEAD_TOO_LARGE, "a head over the size limit");
	return whole_rules(s);
}

/* ---- heads that are not complete */

/* A request line without its end yet: what is there must fit so far. */
static enum h1_result partial_request_line(struct pass *s, const char *line)
{
	const char *end = token_end(line, s->end);

	if (*line == '\r')
		return s->end - line > 1 ? syntax(s, "a CR without LF") : H1_MORE;
	if (end - line > METHOD_MAX_LEN)
		return syntax(s, "a method that is too long");
	if (end == s->end)
		return H1_MORE;
	if (end == line || *end != ' ')
		return bad_method(s, line, end);
	if ((size_t)(s->end - end - 1) > s->limits->target_bytes + sizeof(" HTTP/1.1\r"))
		return bad(s, H1_FAULT_TARGET_TOO_LONG, "a request target over the limit");
	return H1_MORE;
}

static enum h1_result partial_status_line(struct pass *s)
{
	if (!span_starts(SPAN("HTTP/"), span_first(span_of(s->begin, (size_t)(s->end - s->begin)), 5)))
		return syntax(s, not_http);
	return H1_MORE;
}

/* What can be said before the head is complete, cheaply and however often. */
static enum h1_result read_partial(struct pass *s)
{
	const char *line = s->begin + s->g->start;
	size_t n = (size_t)(s->end - line);
	enum h1_result r = H1_MORE;

	if (s->kind == GUARD_REQUEST && n && !memchr(line, '\n', n))
		r = partial_request_line(s, line);
	else if (s->kind == GUARD_RESPONSE)
		r = partial_status_line(s);
	if (r == H1_MORE && n > s->limits->head_bytes)
		return bad(s, H1_FAULT_HEAD_TOO_LARGE, "a head over the size limit");
	return r;
}

/* A TLS record, handshake or alert, of version 3.something. */
static enum h1_result tls_rule(struct pass *s)
{
	char type = *s->begin;

	if (s->kind == GUARD_TRAILERS || (type != 0x16 && type != 0x15))
		return H1_OK;
	if (s->end - s->begin < 2)
		return H1_MORE;
	if (s->begin[1] == 0x03)
		return bad(s, H1_FAULT_TLS, "TLS where plain HTTP was expected");
	return H1_OK;
}

/* Lines are read when they are complete, and control bytes judged at once: other new bytes have to wait. */
static bool has_news(struct span in, size_t scanned)
{
	const char *end = in.p + in.n;

	/* From the last byte on: it may have been a CR. */
	return !scanned || text_end(in.p + scanned - 1, end) != end;
}

enum h1_result guard_read(enum guard_kind kind, struct span in, size_t *scanned, const struct h1_limits *limits,
	struct h1_known *known, struct message *m, struct guard *g, struct h1_error *error)
{
	struct pass s = {
		.begin = in.p, .end = in.p + in.n, .kind = kind, .limits = limits, .known = known, .m = m, .g = g, .error = error,
	};

	*g = (struct guard){ 0 };
	if (!in.n)
		return H1_MORE;
	enum h1_result r = tls_rule(&s);
	if (r != H1_OK)
		return r;
	/* RFC 9112 section 2.2: some clients end a body with a CRLF that is not counted. */
	if (kind == GUARD_REQUEST && in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n')
		g->start = 2;
	s.at = s.next = in.p + g->start;
	m->field_count = 0;
	m->line_bytes = 0;
	memset(m->present, 0, sizeof(m->present));
	r = has_news(in, *scanned) ? read_all(&s) : H1_MORE;
	if (r == H1_MORE)
		r = read_partial(&s);
	*scanned = r == H1_MORE ? in.n : 0;
	return r;
}
