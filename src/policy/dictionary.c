/*
 * Codings that need a dictionary.
 */
#include "policy/dictionary.h"

#include "policy/elements.h"

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

bool dictionary_codings_named(const struct message *request)
{
	for (const struct field *f = message_field(request, HEADER_ACCEPT_ENCODING); f; f = message_next(request, f))
		if (names_dictionary_coding(f->value))
			return true;
	return false;
}

struct span dictionary_other_codings(const struct message *request, struct arena *a)
{
	static const struct elements codings = { HEADER_ACCEPT_ENCODING, span_list_next, is_dictionary_coding, ", " };
	struct span others;

	return elements_others(request, &codings, a, &others) ? others : SPAN("identity");
}
