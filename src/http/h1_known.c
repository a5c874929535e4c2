/*
 * Field lines that both parsers have read: a table of two places for each, where the latest displaces the older of two.
 */
#include "http/h1_known.h"

/* Blanks behind the value are no part of the field; a line that has some is not worth the trouble. */
static bool ends_behind_its_value(const struct field *f)
{
	return f->joined && f->value.p[f->value.n] == '\r';
}

static void add_line(struct h1_known *k, const struct field *f)
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
	memcpy(l->bytes, line.p, line.n + 2);
}

void h1_known_add(struct h1_known *k, const struct message *m)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *f = &m->fields[i];

		if (!f->known && !(header_flags(f->id) & (HEADER_FLAG_FRAMING | HEADER_FLAG_HOP)) && ends_behind_its_value(f))
			add_line(k, f);
	}
}
