/*
 * Pages with places to be filled in: "@NAME@" in their text becomes a value, as text, never as markup.
 */
#include <stdlib.h>

#include "inspect/line.h"
#include "proxy/pages.h"

enum { VALUES_MAX = 16 * 1024 };

static void put_escaped(struct line *l, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		switch (value.p[i]) {
		case '<':
			line_put(l, SPAN("&lt;"));
			break;
		case '>':
			line_put(l, SPAN("&gt;"));
			break;
		case '&':
			line_put(l, SPAN("&amp;"));
			break;
		case '"':
			line_put(l, SPAN("&quot;"));
			break;
		default:
			line_put_char(l, value.p[i]);
		}
	}
}

/* The value whose name stands, between two "@", at the beginning of the text; NULL: an "@" that means itself. */
static const struct page_value *value_at(struct span text, const struct page_value *values, size_t count)
{
	struct span name = span_first(span_from(text, 1), span_find(span_from(text, 1), '@'));

	for (size_t i = 0; i < count; i++)
		if (span_eq(name, values[i].name))
			return &values[i];
	return NULL;
}

static void fill(struct line *l, struct span text, const struct page_value *values, size_t count)
{
	while (text.n) {
		struct span before = span_first(text, span_find(text, '@'));
		line_put(l, before);
		text = span_from(text, before.n);
		if (!text.n)
			return;
		const struct page_value *value = value_at(text, values, count);
		if (value)
			put_escaped(l, value->text);
		else
			line_put_char(l, '@');
		text = span_from(text, value ? value->name.n + 2 : 1);
	}
}

enum step page_serve_filled(struct exchange *x, const struct page *page, const struct page_value *values, size_t count)
{
	size_t max = page->text->n + VALUES_MAX;
	char *room = malloc(max); /* somebody opened a page */
	struct line l = line_of(room, room ? max : 0);

	if (room)
		fill(&l, *page->text, values, count);
	bool filled = room && !l.cut, sent = filled && (page->flags & PAGE_ASKING ?
		reply_asking_page(x, span_str(page->type), span_of(room, l.n)) :
		reply_page(x, 200, span_str(page->type), span_of(room, l.n)));
	free(room);
	return filled ? exchange_answered(x, sent) : exchange_fail(x, REPLY_INTERNAL, "memory is out");
}
