/*
 * Codings that need a dictionary.
 */
#include "policy/dictionary.h"

/* dcb and dcz, with or without a weight (RFC 9842 section 6). */
static bool is_dictionary_coding(struct span element)
{
	struct span coding = span_trim(span_first(element, span_find(element, ';')));

	return span_ieq(coding, SPAN("dcb")) || span_ieq(coding, SPAN("dcz"));
}

/* Cheap, for the many requests that have none. */
static bool may_name_dictionary_coding(struct span list)
{
	return span_find(list, 'c') < list.n || span_find(list, 'C') < list.n;
}

static bool names_dictionary_coding(struct span list)
{
	struct span element;

	if (!may_name_dictionary_coding(list))
		return false;
	while (span_list_next(&list, &element))
		if (is_dictionary_coding(element))
			return true;
	return false;
}

/* Appends the other codings of one line at out[n]; returns the new length, at most 2 * list.n + 2 more. */
static size_t copy_other_codings(struct span list, char *out, size_t n)
{
	struct span element;

	while (span_list_next(&list, &element)) {
		if (is_dictionary_coding(element))
			continue;
		if (n) {
			memcpy(out + n, ", ", 2);
			n += 2;
		}
		memcpy(out + n, element.p, element.n);
		n += element.n;
	}
	return n;
}

bool dictionary_codings_named(const struct message *request)
{
	if (!message_has(request, HEADER_ACCEPT_ENCODING))
		return false;
	for (unsigned i = 0; i < request->field_count; i++)
		if (request->fields[i].id == HEADER_ACCEPT_ENCODING && names_dictionary_coding(request->fields[i].value))
			return true;
	return false;
}

struct span dictionary_other_codings(const struct message *request, struct arena *a)
{
	size_t room = 0, n = 0;

	for (unsigned i = 0; i < request->field_count; i++)
		if (request->fields[i].id == HEADER_ACCEPT_ENCODING)
			room += 2 * request->fields[i].value.n + 2;
	char *out = arena_alloc(a, room);
	if (!out)
		return SPAN("identity");
	for (unsigned i = 0; i < request->field_count; i++)
		if (request->fields[i].id == HEADER_ACCEPT_ENCODING)
			n = copy_other_codings(request->fields[i].value, out, n);
	return span_of(out, n);
}
