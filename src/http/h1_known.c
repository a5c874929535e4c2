/*
 * Field lines that both parsers have read: a table of two places for each, where the latest displaces the older of two.
 */
#include "http/h1_known.h"

/* Blanks behind the value are no part of the field; a line that has some is not worth the trouble. */
static bool ends_behind_its_value(const struct field *f)
{
	return f->joined && f->value.p[f->value.n] == '\r';
}

/* Whether what llhttp says of the head it says of this line alone. */
static bool is_only_connection(const struct message *m, const struct field *f)
{
	return f->id == HEADER_CONNECTION ? !message_has(m, HEADER_PROXY_CONNECTION) && !message_repeats(m, f->id) :
	       f->id == HEADER_PROXY_CONNECTION ? !message_has(m, HEADER_CONNECTION) && !message_repeats(m, f->id) : false;
}

static bool may_be_known(const struct message *m, const struct field *f)
{
	if (f->id == HEADER_HOST && m->status)
		return false; /* nobody has judged it there */
	return !(header_flags(f->id) & (HEADER_FLAG_FRAMING | HEADER_FLAG_HOP)) || is_only_connection(m, f);
}

static void add_line(struct h1_known *k, const struct field *f, unsigned connection)
{
	struct span line = span_of(f->name.p, (size_t)(f->value.p + f->value.n - f->name.p));

	if (line.n < H1_KNOWN_MIN || line.n > H1_KNOWN_MAX)
		return;
	struct h1_known_line *l = &k->lines[h1_known_place(line)];
	l[1] = l[0];
	l->len = (uint8_t)line.n;
	l->name_len = (uint8_t)f->name.n;
	l->value_at = (uint8_t)(f->value.p - line.p);
	l->value_len = (uint8_t)f->value.n;
	l->id = (uint8_t)f->id;
	l->connection = (uint8_t)connection;
	memcpy(l->bytes, line.p, line.n + 2);
}

void h1_known_add(struct h1_known *k, const struct message *m, unsigned connection)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *f = &m->fields[i];

		if (!f->known && may_be_known(m, f) && ends_behind_its_value(f))
			add_line(k, f, header_flags(f->id) & HEADER_FLAG_HOP ? connection : 0);
	}
}
