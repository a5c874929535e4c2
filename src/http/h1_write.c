/*
 * Messages out: heads written again from their parts, with edits, framing and Connection applied.
 *
 * What the writer decides about a field, in this order: framing and connection fields are its own and are made
 * from struct h1_write, whatever the message or its edits say; then edits; then dropped and hop-by-hop fields
 * are left out; the rest goes byte for byte, neighbouring lines in one copy.
 */
#include "http/h1.h"

#include <assert.h>

#include "http/bytes.h"

static const struct span crlf = { "\r\n", 2 };

enum fate {
	FATE_KEEP,
	FATE_LEAVE_OUT,
	FATE_EDIT,
	FATE_FRAMING,
};

/* The head being written. */
struct writer {
	const struct message *m;
	const struct h1_write *w;
	enum framing framing; /* of w, but for statuses that cannot have any; likewise keep_length */
	bool keep_length;
	char *at;             /* where the next byte goes */
	struct span run;      /* received lines that wait to be copied, without the last CRLF */
	uint64_t placed[2];   /* one bit per field whose edit was written in its place */
	bool framed;          /* the framing field was written in its place */
};

/* Names and values are short, and many: a call of the C library for each costs more than the copying. */
static void put(struct writer *o, struct span s)
{
	char *to = o->at;

	o->at += s.n;
	if (s.n > 32) {
		memcpy(to, s.p, s.n);
	} else if (s.n >= 16) {
		memcpy(to, s.p, 16);
		memcpy(to + s.n - 16, s.p + s.n - 16, 16);
	} else if (s.n >= 8) {
		memcpy(to, s.p, 8);
		memcpy(to + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n >= 4) {
		memcpy(to, s.p, 4);
		memcpy(to + s.n - 4, s.p + s.n - 4, 4);
	} else {
		for (size_t i = 0; i < s.n; i++)
			to[i] = s.p[i];
	}
}

/* What is constant, and so copied by an instruction or two. */
static inline void put_constant(struct writer *o, struct span s)
{
	memcpy(o->at, s.p, s.n);
	o->at += s.n;
}

static inline void put_line(struct writer *o, struct span name, struct span value)
{
	put(o, name);
	put_constant(o, SPAN(": "));
	put(o, value);
	put_constant(o, crlf);
}

/* Our own values: one that could end a line early would be a hole in every guard. */
static void assert_text(struct span s)
{
	assert(text_end(s.p, s.p + s.n) == s.p + s.n);
}

static void put_edit(struct writer *o, struct span name, struct span value)
{
	if (value.n)
		assert_text(value);
	put_line(o, name, value);
}

/* Framing, and what is said to the neighbour about the connection, comes from struct h1_write alone. */
static bool is_ours(enum header id)
{
	return header_flags(id) & HEADER_FLAG_FRAMING || id == HEADER_CONNECTION || id == HEADER_PROXY_CONNECTION ||
		id == HEADER_KEEP_ALIVE || id == HEADER_UPGRADE || id == HEADER_TE;
}

/* What most lines are: kept as they were received, with nothing to decide. */
static inline bool is_plain(const struct message *m, const struct field *f)
{
	return f->joined && !f->dropped && !m->edit_of[f->id] &&
		(f->known || !(header_flags(f->id) & (HEADER_FLAG_HOP | HEADER_FLAG_FRAMING)));
}

static enum fate field_fate(const struct message *m, const struct field *f)
{
	if (f->id != HEADER_OTHER) {
		const struct edit *e = message_edit(m, f->id);
		unsigned flags = header_flags(f->id);

		if (flags & HEADER_FLAG_FRAMING)
			return FATE_FRAMING;
		if (e && e->effective && !is_ours(f->id))
			return FATE_EDIT;
		if (flags & HEADER_FLAG_HOP)
			return FATE_LEAVE_OUT;
	}
	return f->dropped ? FATE_LEAVE_OUT : FATE_KEEP;
}

/* ---- received lines */

static void run_flush(struct writer *o)
{
	if (!o->run.n)
		return;
	put(o, o->run);
	put_constant(o, crlf);
	o->run.n = 0;
}

/* A line that stands in the received head; it joins the run when only a CRLF lies between. */
static inline void put_received(struct writer *o, const struct field *f)
{
	const char *end = f->value.p + f->value.n;

	if (o->run.n && f->name.p == o->run.p + o->run.n + crlf.n) {
		o->run.n = (size_t)(end - o->run.p);
		return;
	}
	run_flush(o);
	o->run = span_of(f->name.p, (size_t)(end - f->name.p));
}

/* ---- framing */

static void put_length(struct writer *o, struct span name)
{
	char digits[20];

	put_line(o, name, span_of(digits, span_put_u64(digits, o->w->content_length)));
}

/* The field that the framing needs, under the name as it was spelt or as we spell it. */
static void put_framing(struct writer *o, struct span name)
{
	if (o->framing == FRAMING_LENGTH)
		put_length(o, name);
	else
		put_line(o, name, SPAN("chunked"));
	o->framed = true;
}

static enum header framing_field(enum framing framing)
{
	switch (framing) {
	case FRAMING_LENGTH:
		return HEADER_CONTENT_LENGTH;
	case FRAMING_CHUNKED:
		return HEADER_TRANSFER_ENCODING;
	case FRAMING_NONE:
	case FRAMING_CLOSE:
		break;
	}
	return HEADER_OTHER;
}

static void put_framing_field(struct writer *o, const struct field *f)
{
	if (f->id == framing_field(o->framing) && !o->framed) {
		put_framing(o, f->name);
	} else if (f->id == HEADER_CONTENT_LENGTH && o->framing == FRAMING_NONE && o->keep_length && !o->framed) {
		put_line(o, f->name, f->value);
		o->framed = true;
	}
}

/* ---- fields */

/* The first line of a field that is set; the lines behind it go. */
static void put_edited(struct writer *o, const struct field *f)
{
	const struct edit *e = message_edit(o->m, f->id);
	uint64_t bit = UINT64_C(1) << (f->id & 63);

	if (e->op != EDIT_SET || o->placed[f->id >> 6] & bit)
		return;
	o->placed[f->id >> 6] |= bit;
	put_edit(o, f->name, e->value);
}

static void put_decided(struct writer *o, const struct field *f)
{
	enum fate fate = field_fate(o->m, f);

	if (fate == FATE_KEEP && f->joined) {
		put_received(o, f);
		return;
	}
	run_flush(o);
	if (fate == FATE_KEEP)
		put_line(o, f->name, f->value);
	else if (fate == FATE_EDIT)
		put_edited(o, f);
	else if (fate == FATE_FRAMING)
		put_framing_field(o, f);
}

static void put_fields(struct writer *o)
{
	const struct field *end = o->m->fields + o->m->field_count;

	for (const struct field *f = o->m->fields; f < end; f++) {
		if (is_plain(o->m, f))
			put_received(o, f);
		else
			put_decided(o, f);
	}
	run_flush(o);
}

/* Edits that no received line gave a place. */
static void put_additions(struct writer *o)
{
	for (unsigned i = 0; i < o->m->edit_count; i++) {
		const struct edit *e = &o->m->edits[i];

		if (e->op == EDIT_REMOVE || (e->op == EDIT_SET && message_has(o->m, e->id)) || is_ours(e->id))
			continue;
		put_edit(o, header_display_name(e->id), e->value);
	}
}

/* RFC 9110 section 10.1.4: TE is hop-by-hop, and Connection says so. */
static void put_connection(struct writer *o)
{
	bool te = o->w->te_trailers;

	switch (o->w->connection) {
	case H1_CONNECTION_DEFAULT:
		if (te)
			put_constant(o, SPAN("Connection: TE\r\n"));
		break;
	case H1_CONNECTION_CLOSE:
		put(o, te ? SPAN("Connection: close, TE\r\n") : SPAN("Connection: close\r\n"));
		break;
	case H1_CONNECTION_KEEP_ALIVE:
		put(o, te ? SPAN("Connection: keep-alive, TE\r\n") : SPAN("Connection: keep-alive\r\n"));
		break;
	case H1_CONNECTION_UPGRADE:
		put(o, te ? SPAN("Connection: upgrade, TE\r\n") : SPAN("Connection: upgrade\r\n"));
		put_constant(o, SPAN("Upgrade: websocket\r\n"));
		break;
	}
	if (te)
		put_constant(o, SPAN("TE: trailers\r\n"));
}

static size_t put_rest(struct writer *o, const char *out)
{
	put_fields(o);
	put_additions(o);
	enum header id = framing_field(o->framing);
	if (id != HEADER_OTHER && !o->framed)
		put_framing(o, header_display_name(id));
	put_connection(o);
	put_constant(o, crlf);
	return (size_t)(o->at - out);
}

size_t h1_write_request(const struct message *m, const struct h1_write *w, char *out)
{
	struct writer o = { .m = m, .w = w, .framing = w->framing, .at = out };

	assert_text(w->target);
	assert(w->target.n && span_find(w->target, ' ') == w->target.n);
	put(&o, m->method);
	put_constant(&o, SPAN(" "));
	put(&o, w->target);
	put_constant(&o, SPAN(" HTTP/1.1\r\n"));
	return put_rest(&o, out);
}

size_t h1_write_response(const struct message *m, const struct h1_write *w, char *out)
{
	/* RFC 9110 section 8.6, RFC 9112 section 6.1: no framing there, not even where the origin sent it. */
	bool bare = m->status < 200 || m->status == 204;
	struct writer o = { .m = m, .w = w, .at = out };

	o.framing = bare ? FRAMING_NONE : w->framing;
	o.keep_length = !bare && w->keep_length;
	assert(m->status >= 100 && m->status <= 999);
	put_constant(&o, SPAN("HTTP/1.1 "));
	o.at += span_put_u64(o.at, m->status);
	put_constant(&o, SPAN(" "));
	put(&o, m->reason);
	put_constant(&o, crlf);
	return put_rest(&o, out);
}

size_t h1_write_trailers(const struct message *m, char *out)
{
	struct writer o = { .m = m, .at = out };

	put_constant(&o, SPAN("0\r\n"));
	for (unsigned i = 0; m && i < m->field_count; i++)
		if (!m->fields[i].dropped)
			put_line(&o, m->fields[i].name, m->fields[i].value);
	put_constant(&o, crlf);
	return (size_t)(o.at - out);
}

size_t h1_write_chunk_head(uint64_t n, char out[H1_CHUNK_HEAD_MAX])
{
	size_t len = span_put_hex(out, n);

	assert(n);
	memcpy(out + len, crlf.p, crlf.n);
	return len + crlf.n;
}

/* The start line's fixed parts, a framing field, Connection, Upgrade, TE and the empty line take less. */
enum { FIXED_BYTES = 256 };

size_t h1_head_room(const struct message *m, const struct h1_write *w)
{
	size_t room = FIXED_BYTES + (w ? w->target.n : 0);

	if (!m)
		return room;
	room += m->method.n + m->reason.n + m->line_bytes;
	for (unsigned i = 0; i < m->edit_count; i++)
		room += header_name(m->edits[i].id).n + m->edits[i].value.n + 4;
	return room;
}
