/*
 * /proxy.pac and /wpad.dat: the script by which programs find us.  What is local goes past us unless "no-local" stands in
 * the query, and where we do not answer everything does, unless "no-fallback" does.
 */
#include "proxy/pages.h"

enum step page_pac(struct exchange *x, const struct page *page)
{
	char room[PAGE_REACHED_MAX];
	struct span reached = page_reached_at(x, room);
	struct page_value values[] = {
		{ SPAN("REACHED"), reached },
		{ SPAN("OTHERWISE"), page_has_parameter(x, SPAN("no-fallback")) ? SPAN("") : SPAN("; DIRECT") },
		{ SPAN("LOCAL"), page_has_parameter(x, SPAN("no-local")) ? SPAN("") : SPAN("DIRECT") },
	};

	if (!reached.n)
		return exchange_fail(x, REPLY_INTERNAL, "the address that was connected to is not known");
	return page_serve_filled(x, page, values, sizeof(values) / sizeof(values[0]));
}
