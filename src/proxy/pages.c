/*
 * freshet's own pages: one that tells people where they are, two that tell machines how it is.
 */
#include "proxy/pages.h"

static const char home[] =
	"<!doctype html>\n"
	"<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>freshet</title>\n"
	"<style>:root{color-scheme:light dark}body{font:1.1em/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;"
	"padding:0 1em}code{font-size:.95em}</style>\n"
	"<h1>freshet</h1>\n"
	"<p>This is a cache-busting HTTP proxy, and it is running.</p>\n"
	"<p>Set this address as HTTP proxy in your browser or system, for http and https. Pages over http then come as "
	"their origin has them now: requests tell every cache on the way to ask the origin, and answers tell your "
	"browser to keep nothing.</p>\n"
	"<p>Pages over https pass through unread, so they are <strong>not busted</strong>. The access log marks "
	"them.</p>\n"
	"</html>\n";

static struct page page_for_machines(unsigned status, struct span body)
{
	return (struct page){
		.status = status,
		.watched = true,
		.content_type = SPAN("text/plain; charset=utf-8"),
		.body = body,
	};
}

bool page_find(struct span path, bool leaving, struct page *out)
{
	path = span_first(path, span_find(path, '?'));
	if (span_eq(path, SPAN("/")))
		*out = (struct page){ .status = 200, .content_type = SPAN("text/html; charset=utf-8"), .body = SPAN(home) };
	else if (span_eq(path, SPAN("/-/healthy")))
		*out = page_for_machines(200, SPAN("healthy\n"));
	else if (span_eq(path, SPAN("/-/ready")))
		*out = leaving ? page_for_machines(503, SPAN("draining\n")) : page_for_machines(200, SPAN("ready\n"));
	else
		return false;
	return true;
}
