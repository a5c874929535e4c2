/*
 * freshet's own pages: the table of them, and those that are no more than a line of text.
 */
#include "proxy/pages.h"

#include "proxy/exchange_steps.h"

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

static bool serve_home(struct exchange *x)
{
	return reply_page(x, 200, SPAN("text/html; charset=utf-8"), SPAN(home));
}

static bool serve_line(struct exchange *x, unsigned status, struct span line)
{
	return reply_page(x, status, SPAN("text/plain; charset=utf-8"), line);
}

static bool serve_healthy(struct exchange *x)
{
	return serve_line(x, 200, SPAN("healthy\n"));
}

static bool serve_ready(struct exchange *x)
{
	bool leaving = worker_is_leaving(x->worker);

	return serve_line(x, leaving ? 503 : 200, leaving ? SPAN("draining\n") : SPAN("ready\n"));
}

static const struct page pages[] = {
	{ "/", serve_home, PAGE_LOGGED },
	{ "/-/healthy", serve_healthy, PAGE_UNLOGGED | PAGE_OPEN },
	{ "/-/ready", serve_ready, PAGE_UNLOGGED | PAGE_OPEN },
	{ "/metrics", page_metrics, PAGE_UNLOGGED },
};

const struct page *page_find(struct span path)
{
	path = span_first(path, span_find(path, '?'));
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (span_eq(path, span_str(pages[i].path)))
			return &pages[i];
	return NULL;
}
