/*
 * Heads as data: received fields, and the edits to them.  Applies nothing: see h1_write.c.
 */
#include "http/message.h"

#include <assert.h>

enum { LINE_EXTRA_BYTES = 4 }; /* of a line that is composed: colon, blank, CRLF */

static void decide(struct message *m, enum edit_op op, enum header id, struct span value, const char *why);

void message_init(struct message *m, struct field *fields, unsigned field_max)
{
	/* Not the edit array: only the first edit_count are ever read. */
	memset(m, 0, offsetof(struct message, edits));
	m->edit_count = 0;
	memset(m->edit_of, 0, sizeof(m->edit_of));
	m->fields = fields;
	m->field_max = field_max;
}

/* The place of the next field, counted as one line more of that identity; NULL where there is none. */
static inline struct field *take_place(struct message *m, enum header id)
{
	uint64_t bit = UINT64_C(1) << (id & 63), *present = &m->present[id >> 6];

	if (m->field_count >= m->field_max)
		return NULL;
	if (*present & bit)
		m->repeated[id >> 6] |= bit;
	else
		m->first[id] = (uint16_t)m->field_count;
	*present |= bit;
	return &m->fields[m->field_count++];
}

bool message_receive(struct message *m, struct span name, struct span value)
{
	enum header id = header_lookup(name);
	struct field *f = take_place(m, id);

	if (!f)
		return false;
	*f = (struct field){ .name = name, .value = value, .id = id };
	m->line_bytes += name.n + value.n + LINE_EXTRA_BYTES;
	return true;
}

bool message_receive_line(struct message *m, struct span name, struct span value)
{
	enum header id = header_lookup(name);
	struct field *f = take_place(m, id);

	if (f)
		*f = (struct field){ .name = name, .value = value, .id = id, .joined = true };
	return f;
}

bool message_receive_known(struct message *m, struct span name, struct span value, enum header id)
{
	struct field *f = take_place(m, id);

	if (f)
		*f = (struct field){ .name = name, .value = value, .id = id, .joined = true, .known = true };
	return f;
}

static void rebase(struct span *s, struct span from, const char *to)
{
	uintptr_t at = (uintptr_t)s->p - (uintptr_t)from.p;

	if (at <= from.n)
		s->p = to + at;
}

bool message_keep(struct message *m, struct span head, struct arena *a)
{
	char *bytes = arena_alloc(a, head.n);
	struct field *fields = arena_alloc(a, m->field_count * sizeof(*fields));

	if (!bytes || !fields)
		return false;
	memcpy(bytes, head.p, head.n);
	rebase(&m->method, head, bytes);
	rebase(&m->target, head, bytes);
	rebase(&m->reason, head, bytes);
	for (unsigned i = 0; i < m->field_count; i++) {
		fields[i] = m->fields[i];
		rebase(&fields[i].name, head, bytes);
		rebase(&fields[i].value, head, bytes);
	}
	m->fields = fields;
	m->field_max = m->field_count;
	m->head = span_of(bytes, head.n);
	return true;
}

const struct field *message_next(const struct message *m, const struct field *f)
{
	const struct field *end = m->fields + m->field_count;
	enum header id = f->id;

	if (!message_repeats(m, id))
		return NULL;
	while (++f < end)
		if (f->id == id)
			return f;
	return NULL;
}

bool message_list_has(const struct message *m, enum header id, struct span token)
{
	for (const struct field *f = message_field(m, id); f; f = message_next(m, f))
		if (span_list_has(f->value, token))
			return true;
	return false;
}

void message_set(struct message *m, enum header id, struct span value, const char *why)
{
	decide(m, EDIT_SET, id, value, why);
}

void message_remove(struct message *m, enum header id, const char *why)
{
	decide(m, EDIT_REMOVE, id, SPAN_NONE, why);
}

void message_add(struct message *m, enum header id, struct span value, const char *why)
{
	assert(m->edit_count < MESSAGE_EDITS_MAX);
	m->edits[m->edit_count++] =
		(struct edit){ .op = EDIT_ADD, .id = id, .value = value, .why = why, .effective = true };
}

/* A SET that says what is there already once, or a REMOVE of nothing, changes nothing. */
static bool changes(const struct message *m, enum edit_op op, enum header id, struct span value)
{
	const struct field *f = message_field(m, id);

	if (!f)
		return op == EDIT_SET;
	return op == EDIT_REMOVE || message_repeats(m, id) || f->dropped || !span_eq(f->value, value);
}

static void decide(struct message *m, enum edit_op op, enum header id, struct span value, const char *why)
{
	assert(id != HEADER_OTHER);
	if (!m->edit_of[id]) {
		assert(m->edit_count < MESSAGE_EDITS_MAX);
		m->edit_of[id] = (uint8_t)++m->edit_count;
	}
	m->edits[m->edit_of[id] - 1] = (struct edit){
		.op = op, .id = id, .value = value, .why = why, .effective = changes(m, op, id, value)
	};
}

enum method method_lookup(struct span token)
{
	static const struct {
		struct span name;
		enum method id;
	} methods[] = {
		{ { "GET", 3 }, METHOD_GET },         { { "POST", 4 }, METHOD_POST },
		{ { "HEAD", 4 }, METHOD_HEAD },       { { "CONNECT", 7 }, METHOD_CONNECT },
		{ { "OPTIONS", 7 }, METHOD_OPTIONS }, { { "PUT", 3 }, METHOD_PUT },
		{ { "DELETE", 6 }, METHOD_DELETE },   { { "PATCH", 5 }, METHOD_PATCH },
		{ { "QUERY", 5 }, METHOD_QUERY },     { { "TRACE", 5 }, METHOD_TRACE },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_eq(methods[i].name, token))
			return methods[i].id;
	return METHOD_OTHER;
}

bool method_is_safe(enum method m)
{
	return method_is_bustable(m) || m == METHOD_OPTIONS || m == METHOD_TRACE;
}

bool method_is_idempotent(enum method m)
{
	return method_is_safe(m) || m == METHOD_PUT || m == METHOD_DELETE;
}

bool method_is_bustable(enum method m)
{
	return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_QUERY;
}
