/*
 * Heads in: the guard's reading, llhttp's second opinion, and what both mean for the message.
 *
 * The guard fills the message.  llhttp then reads the same bytes once, but for lines that both have read before, and
 * must find the same fields at the same places and the same framing; what only one of the two accepts is refused.
 */
#include "http/guard.h"

/* The loose machine of llhttp before 9 accepts smuggling payloads; it is what its header defaults to. */
#if LLHTTP_VERSION_MAJOR < 9
#if LLHTTP_STRICT_MODE != 1
#error "llhttp must be compiled with -DLLHTTP_STRICT_MODE=1"
#endif
#endif

enum { CONNECTION_OPTIONS_MAX = 100 };

/* ---- the second opinion */

/* llhttp's walk along the fields that the guard found and llhttp has not read before. */
struct witness {
	const struct field *next, *end;
};

static int on_field_name(llhttp_t *parser, const char *at, size_t n)
{
	struct witness *w = parser->data;

	if (w->next == w->end || w->next->name.p != at || w->next->name.n != n)
		return -1;
	w->next++;
	return 0;
}

/* What follows is not llhttp's to read. */
static int on_head_end(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t head_settings = {
	.on_header_field = on_field_name,
	.on_headers_complete = on_head_end,
};

/*
 * Feeds a head up to `end`, leaving out the lines that were read before: between two lines llhttp's machine is in the
 * same state whatever ordinary fields it has seen.  Ends with HPE_OK where not all of what is new was found.
 */
static llhttp_errno_t feed_new(llhttp_t *parser, const struct message *m, const char *start, const char *end)
{
	struct witness *w = parser->data;
	const struct field *f = m->fields, *fields_end = f + m->field_count;

	w->next = f;
	while (f < fields_end) {
		if (!f->known) {
			f++;
			continue;
		}
		w->end = f;
		llhttp_errno_t e = start < f->name.p ? llhttp_execute(parser, start, (size_t)(f->name.p - start)) : HPE_OK;
		if (e != HPE_OK || w->next != w->end)
			return e;
		do
			start = f->value.p + f->value.n + 2;
		while (++f < fields_end && f->known);
		w->next = f;
	}
	w->end = fields_end;
	return llhttp_execute(parser, start, (size_t)(end - start));
}

/*
 * llhttp's list of methods is closed, and some of them change its behaviour.  Those that it need not know are
 * fed to it as POST: the rest of the head means the same.
 */
static llhttp_errno_t feed_request(llhttp_t *parser, const struct message *m, const char *start, const char *end)
{
	if (m->method_id == METHOD_OTHER || m->method_id == METHOD_QUERY) {
		llhttp_errno_t e = llhttp_execute(parser, "POST", 4);

		if (e != HPE_OK)
			return e;
		start += m->method.n;
	}
	return feed_new(parser, m, start, end);
}

/* A status line that was read before leaves llhttp where it was left then. */
static llhttp_errno_t feed_status_line(llhttp_t *parser, struct h1_known_status_line *before, struct span line)
{
	void *data = parser->data;
	llhttp_errno_t e;

	if (span_eq(line, span_of(before->bytes, before->len))) {
		*parser = before->behind;
		parser->data = data;
		return HPE_OK;
	}
	e = llhttp_execute(parser, line.p, line.n);
	if (e == HPE_OK && line.n <= sizeof(before->bytes)) {
		memcpy(before->bytes, line.p, line.n);
		before->len = (uint8_t)line.n;
		before->behind = *parser;
	}
	return e;
}

static llhttp_errno_t feed_response(llhttp_t *parser, struct h1_known *known, const struct message *m, const char *start,
	const char *end)
{
	const char *fields = m->field_count ? m->fields[0].name.p : start;

	if (known && fields > start) {
		llhttp_errno_t e = feed_status_line(parser, &known->status_line, span_of(start, (size_t)(fields - start)));

		if (e != HPE_OK)
			return e;
		start = fields;
	}
	return feed_new(parser, m, start, end);
}

static bool same_framing(const llhttp_t *parser, const struct guard *g)
{
	bool has_length = parser->flags & F_CONTENT_LENGTH;
	bool chunked = parser->flags & F_CHUNKED, coded = parser->flags & F_TRANSFER_ENCODING;

	return has_length == g->has_length && (!has_length || parser->content_length == g->length) &&
		chunked == g->chunked && coded == g->chunked;
}

static enum h1_fault fault_of(llhttp_errno_t e)
{
	if (e == HPE_INVALID_CONTENT_LENGTH || e == HPE_UNEXPECTED_CONTENT_LENGTH || e == HPE_INVALID_TRANSFER_ENCODING)
		return H1_FAULT_FRAMING;
	return e == HPE_INVALID_VERSION ? H1_FAULT_VERSION : H1_FAULT_SYNTAX;
}

/* Whether llhttp came to the end of a head where the guard did, with the same start line; `e` is how it ended. */
static bool reads_alike(const llhttp_t *parser, llhttp_errno_t e, const char *end, const struct message *m,
	struct h1_error *error)
{
	const struct witness *w = parser->data;

	if (e != HPE_PAUSED && e != HPE_OK && e != HPE_USER) {
		*error = (struct h1_error){ .fault = fault_of(e), .reason = llhttp_get_error_reason(parser) };
		return false;
	}
	if (e == HPE_PAUSED && llhttp_get_error_pos(parser) == end && w->next == w->end &&
		parser->http_minor == m->minor && parser->status_code == m->status)
		return true;
	*error = (struct h1_error){ .fault = H1_FAULT_SYNTAX, .reason = "a head that two parsers read differently" };
	return false;
}

enum { F_CONNECTION = F_CONNECTION_KEEP_ALIVE | F_CONNECTION_CLOSE | F_CONNECTION_UPGRADE };

/* True when llhttp reads the head as the guard did; *connection is then its view of that field, of F_CONNECTION. */
static bool llhttp_agrees(enum guard_kind kind, struct span in, const struct guard *g, struct h1_known *known,
	const struct message *m, unsigned *connection, struct h1_error *error)
{
	const char *start = in.p + g->start, *end = in.p + g->len;
	struct witness w = { 0 };
	llhttp_t parser;
	llhttp_errno_t e;

	llhttp_init(&parser, kind == GUARD_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &head_settings);
	parser.data = &w;
	e = kind == GUARD_REQUEST ? feed_request(&parser, m, start, end) :
				    feed_response(&parser, known, m, start, end);
	if (e == HPE_PAUSED && !same_framing(&parser, g))
		e = HPE_OK; /* not the end that the guard saw */
	if (!reads_alike(&parser, e, end, m, error))
		return false;
	*connection = (parser.flags & F_CONNECTION) | g->connection;
	return true;
}

/* Not llhttp_should_keep_alive(): it guesses about bodies without knowing the request. */
static bool llhttp_keeps_alive(const struct message *m, unsigned connection)
{
	return !(connection & F_CONNECTION_CLOSE) && (m->minor || connection & F_CONNECTION_KEEP_ALIVE);
}

/* ---- Connection */

struct options {
	bool close, keep_alive, upgrade;
	unsigned count;
};

/* RFC 9110 section 7.6.1: a field that Connection names is for us alone, unless it must not be. */
static void drop_named(struct message *m, struct span name)
{
	if (header_flags(header_lookup(name)) & (HEADER_FLAG_KEEP | HEADER_FLAG_HOP))
		return; /* hop-by-hop fields go anyway */
	for (unsigned i = 0; i < m->field_count; i++)
		if (span_ieq(m->fields[i].name, name))
			m->fields[i].dropped = "named by Connection";
}

static void take_option(struct message *m, struct span option, struct options *o)
{
	o->count++;
	if (span_ieq(option, SPAN("close")))
		o->close = true;
	else if (span_ieq(option, SPAN("keep-alive")))
		o->keep_alive = true;
	else if (span_ieq(option, SPAN("upgrade")))
		o->upgrade = true;
	else
		drop_named(m, option);
}

/* All lines of Connection (or Proxy-Connection); false when they name more than anybody needs. */
static bool take_options(struct message *m, enum header id, struct options *o)
{
	for (const struct field *f = message_field(m, id); f; f = message_next(m, f)) {
		struct span list = f->value, option;

		while (o->count <= CONNECTION_OPTIONS_MAX && span_list_next(&list, &option))
			take_option(m, option, o);
	}
	return o->count <= CONNECTION_OPTIONS_MAX;
}

static void drop_hop_by_hop(struct message *m)
{
	for (unsigned i = 0; i < m->field_count; i++)
		if (header_flags(m->fields[i].id) & HEADER_FLAG_HOP)
			m->fields[i].dropped = "hop-by-hop";
}

/* Sets persistent and marks what is not passed on; false where Connection is out of bounds. */
static bool apply_connection(struct message *m, enum guard_kind kind, unsigned connection, struct options *o,
	struct h1_error *error)
{
	bool fits = true;

	drop_hop_by_hop(m);
	if (message_has(m, HEADER_CONNECTION))
		fits = take_options(m, HEADER_CONNECTION, o);
	else if (kind == GUARD_REQUEST && message_has(m, HEADER_PROXY_CONNECTION))
		fits = take_options(m, HEADER_PROXY_CONNECTION, o);
	if (!fits)
		*error = (struct h1_error){ .fault = H1_FAULT_SYNTAX, .reason = "Connection names too many fields" };
	m->persistent = llhttp_keeps_alive(m, connection) && !o->close && (m->minor || o->keep_alive);
	return fits;
}

/* ---- requests */

static bool wants_websocket(const struct message *m, const struct options *o)
{
	return o->upgrade && m->method_id == METHOD_GET && m->minor && m->content_length == 0 &&
		m->framing != FRAMING_CHUNKED && message_has(m, HEADER_SEC_WEBSOCKET_KEY) &&
		message_list_has(m, HEADER_UPGRADE, SPAN("websocket"));
}

enum h1_result h1_read_request(struct span in, size_t *scanned, const struct h1_limits *limits, struct h1_known *known,
	struct message *m, size_t *head_len, struct h1_error *error)
{
	struct guard g;
	struct options o = { 0 };
	unsigned connection;
	enum h1_result r = guard_read(GUARD_REQUEST, in, scanned, limits, known, m, &g, error);

	if (r != H1_OK)
		return r;
	m->method_id = method_lookup(m->method);
	if (!llhttp_agrees(GUARD_REQUEST, in, &g, known, m, &connection, error))
		return H1_BAD;
	if (known && g.has_new_lines)
		h1_known_add(known, m, connection);
	if (!apply_connection(m, GUARD_REQUEST, connection, &o, error))
		return H1_BAD;
	m->framing = g.chunked ? FRAMING_CHUNKED : g.has_length ? FRAMING_LENGTH : FRAMING_NONE;
	m->content_length = g.length;
	if (m->method_id == METHOD_CONNECT)
		m->framing = FRAMING_NONE; /* a length of 0 is all the guard lets through */
	m->websocket = wants_websocket(m, &o);
	m->expect_continue = m->minor && message_list_has(m, HEADER_EXPECT, SPAN("100-continue"));
	m->te_trailers = message_list_has(m, HEADER_TE, SPAN("trailers"));
	*head_len = g.len;
	return H1_OK;
}

/* ---- responses */

/* RFC 9112 section 6.3, in its order; the guard has refused what is ambiguous. */
static enum framing response_framing(const struct guard *g, unsigned status, enum method request)
{
	if (request == METHOD_HEAD || status < 200 || status == 204 || status == 304)
		return FRAMING_NONE;
	if (request == METHOD_CONNECT && status < 300)
		return FRAMING_NONE;
	if (g->chunked)
		return FRAMING_CHUNKED;
	return g->has_length ? FRAMING_LENGTH : FRAMING_CLOSE;
}

enum h1_result h1_read_response(struct span in, size_t *scanned, const struct h1_limits *limits, struct h1_known *known,
	enum method request, struct message *m, size_t *head_len, struct h1_error *error)
{
	struct guard g;
	struct options o = { 0 };
	unsigned connection;
	enum h1_result r = guard_read(GUARD_RESPONSE, in, scanned, limits, known, m, &g, error);

	if (r != H1_OK)
		return r;
	if (!llhttp_agrees(GUARD_RESPONSE, in, &g, known, m, &connection, error))
		return H1_BAD;
	if (known && g.has_new_lines)
		h1_known_add(known, m, connection);
	m->framing = response_framing(&g, m->status, request);
	m->content_length = m->framing == FRAMING_LENGTH ? g.length : 0;
	if (!apply_connection(m, GUARD_RESPONSE, connection, &o, error))
		return H1_BAD;
	m->persistent = m->persistent && m->framing != FRAMING_CLOSE;
	m->websocket = m->status == 101 && m->minor && o.upgrade &&
		message_list_has(m, HEADER_UPGRADE, SPAN("websocket"));
	*head_len = g.len;
	return H1_OK;
}
