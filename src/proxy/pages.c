/*
 * freshet's own pages.  So far the one that tells people where they are.
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

bool page_find(struct span path, struct page *out)
{
	if (!span_eq(span_first(path, span_find(path, '?')), SPAN("/")))
		return false;
	*out = (struct page){ .content_type = SPAN("text/html; charset=utf-8"), .body = SPAN(home) };
	return true;
}
