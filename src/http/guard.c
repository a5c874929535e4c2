/*
 * The guard: strict reading of heads and trailer sections (RFC 9112), stricter than the RFC where peers disagree.
 *
 * Whatever looks wrong is refused with a reason; nothing is repaired.  Lines are found in guard_lines.c, start lines
 * read in guard_start.c, fields in guard_fields.c.
 */
#include "http/guard_parts.h"

enum h1_result guard_bad(struct guard_pass *s, enum h1_fault fault, const char *reason)
{
	*s->error = (struct h1_error){ .fault = fault, .reason = reason };
	return H1_BAD;
}

enum h1_result guard_syntax(struct guard_pass *s, const char *reason)
{
	return guard_bad(s, H1_FAULT_SYNTAX, reason);
}

/* What no line shows by itself. */
static enum h1_result whole_rules(struct guard_pass *s)
{
	const struct guard *g = s->g;

	if (s->kind == GUARD_TRAILERS)
		return H1_OK;
	if (g->chunked && g->has_length)
		return guard_bad(s, H1_FAULT_FRAMING, "both Content-Length and Transfer-Encoding");
	if (s->kind == GUARD_RESPONSE)
		return H1_OK;
	if (!g->host_count && s->m->minor)
		return guard_syntax(s, "no Host field");
	/* Old Windows clients announce that nothing follows; anything else would be taken for the tunnel. */
	if ((g->chunked || g->length) && span_eq(s->m->method, SPAN("CONNECT")))
		return guard_bad(s, H1_FAULT_FRAMING, "a CONNECT request with a body");
	return H1_OK;
}

static enum h1_result read_all(struct guard_pass *s)
{
	enum h1_result r = s->kind == GUARD_REQUEST ? guard_request_line(s) :
		s->kind == GUARD_RESPONSE ? guard_status_line(s) : H1_OK;

	if (r == H1_OK)
		r = guard_fields(s);
	if (r != H1_OK)
		return r;
	s->g->len = (size_t)(s->at - s->begin);
	s->m->line_bytes = s->g->len + s->m->field_count; /* a blank behind each colon, where there was none */
	if (s->g->len > s->limits->head_bytes)
		return guard_bad(s, H1_FAULT_HEAD_TOO_LARGE, "a head over the size limit");
	return whole_rules(s);
}

/* What can be said before the head is complete, cheaply and however often. */
static enum h1_result read_partial(struct guard_pass *s)
{
	const char *line = s->begin + s->g->start;
	size_t n = (size_t)(s->end - line);
	enum h1_result r = H1_MORE;

	if (s->kind == GUARD_REQUEST && n && !memchr(line, '\n', n))
		r = guard_partial_request_line(s, line);
	else if (s->kind == GUARD_RESPONSE)
		r = guard_partial_status_line(s);
	if (r == H1_MORE && n > s->limits->head_bytes)
		return guard_bad(s, H1_FAULT_HEAD_TOO_LARGE, "a head over the size limit");
	return r;
}

/* A TLS record, handshake or alert, of version 3.something. */
static enum h1_result tls_rule(struct guard_pass *s)
{
	char type = *s->begin;

	if (s->kind == GUARD_TRAILERS || (type != 0x16 && type != 0x15))
		return H1_OK;
	if (s->end - s->begin < 2)
		return H1_MORE;
	if (s->begin[1] == 0x03)
		return guard_bad(s, H1_FAULT_TLS, "TLS where plain HTTP was expected");
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
	struct guard_pass s = {
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
	m->field_max = m->field_max < limits->fields ? m->field_max : limits->fields;
	m->line_bytes = 0;
	memset(m->present, 0, sizeof(m->present));
	memset(m->repeated, 0, sizeof(m->repeated));
	r = has_news(in, *scanned) ? read_all(&s) : H1_MORE;
	if (r == H1_MORE)
		r = read_partial(&s);
	*scanned = r == H1_MORE ? in.n : 0;
	return r;
}
