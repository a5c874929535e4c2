/*
 * Lists without some of their elements.
 */
#include "policy/elements.h"

enum { SEPARATOR_LEN = 2 };

/* Appends one line's others at out[n]; returns the new length, at most twice the line's and a separator more. */
static size_t copy_others(const struct elements *e, struct span line, char *out, size_t n)
{
	struct span element;

	while (e->next(&line, &element)) {
		if (!element.n || e->is_meant(element))
			continue;
		if (n) {
			memcpy(out + n, e->separator, SEPARATOR_LEN);
			n += SEPARATOR_LEN;
		}
		memcpy(out + n, element.p, element.n);
		n += element.n;
	}
	return n;
}

bool elements_others(const struct message *m, const struct elements *e, struct arena *a, struct span *others)
{
	size_t room = 0, n = 0;

	for (const struct field *f = message_field(m, e->id); f; f = message_next(m, f))
		room += 2 * f->value.n + SEPARATOR_LEN;
	char *out = arena_alloc(a, room);
	if (!out)
		return false;
	for (const struct field *f = message_field(m, e->id); f; f = message_next(m, f))
		n = copy_others(e, f->value, out, n);
	*others = span_of(out, n);
	return true;
}
