/*
 * freshet's own pages: the table of them, and those that never change or are no more than a line of text.
 */
#include "proxy/pages.h"

#include "proxy/assets.h"

static enum step serve_text(struct exchange *x, const struct page *page)
{
	return exchange_answered(x, reply_page(x, 200, span_str(page->type), *page->text));
}

static enum step serve_line(struct exchange *x, unsigned status, struct span line)
{
	return exchange_answered(x, reply_page(x, status, SPAN("text/plain; charset=utf-8"), line));
}

static enum step serve_healthy(struct exchange *x, const struct page *page)
{
	(void)page;
	return serve_line(x, 200, SPAN("healthy\n"));
}

static enum step serve_ready(struct exchange *x, const struct page *page)
{
	bool leaving = worker_is_leaving(x->worker);

	(void)page;
	return serve_line(x, leaving ? 503 : 200, leaving ? SPAN("draining\n") : SPAN("ready\n"));
}

#define HTML "text/html; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define PAC "application/x-ns-proxy-autoconfig"
#define COMMON_PART (PAGE_UNLOGGED | PAGE_PART)
#define LIVE_PART (PAGE_UNLOGGED | PAGE_PRIVATE | PAGE_PART)

static const struct page pages[] = {
	{ "/", serve_text, PAGE_PRIVATE, &live_html, HTML },
	{ "/live/about", page_about, LIVE_PART, NULL, NULL },
	{ "/live/page.css", serve_text, COMMON_PART, &page_css, STYLE },
	{ "/live/page.js", serve_text, COMMON_PART, &page_js, SCRIPT },
	{ "/live/live.css", serve_text, LIVE_PART, &live_css, STYLE },
	{ "/live/live.js", serve_text, LIVE_PART, &live_js, SCRIPT },
	{ "/live/stream.js", serve_text, LIVE_PART, &stream_js, SCRIPT },
	{ "/live/rows.js", serve_text, LIVE_PART, &rows_js, SCRIPT },
	{ "/live/filter.js", serve_text, LIVE_PART, &filter_js, SCRIPT },
	{ "/live/detail.js", serve_text, LIVE_PART, &detail_js, SCRIPT },
	{ "/live/picture.js", serve_text, LIVE_PART, &picture_js, SCRIPT },
	{ "/live/sentence.js", serve_text, LIVE_PART, &sentence_js, SCRIPT },
	{ "/live/words.js", serve_text, COMMON_PART, &words_js, SCRIPT },
	{ "/live/element.js", serve_text, COMMON_PART, &element_js, SCRIPT },
	{ "/live/icon.svg", serve_text, COMMON_PART, &icon_svg, "image/svg+xml" },
	{ "/live/copy_view.js", serve_text, LIVE_PART, &copy_view_js, SCRIPT },
	{ "/live/copy_as.js", serve_text, LIVE_PART, &copy_as_js, SCRIPT },
	{ "/live/copy_shell.js", serve_text, LIVE_PART, &copy_shell_js, SCRIPT },
	{ "/live/copy_code.js", serve_text, LIVE_PART, &copy_code_js, SCRIPT },
	{ "/live/export.js", serve_text, LIVE_PART, &export_js, SCRIPT },
	{ "/live/events", page_events, LIVE_PART, NULL, NULL },
	{ "/live/exchange", page_exchange, LIVE_PART, NULL, NULL },
	{ "/live/unread", page_unread, LIVE_PART, NULL, "application/json" },
	{ "/live/forget", page_forget, LIVE_PART | PAGE_ACTION, NULL, NULL },
	{ "/export.har", page_export_har, PAGE_PRIVATE | PAGE_PART, NULL, NULL },
	{ "/export.jsonl", page_export_lines, PAGE_PRIVATE | PAGE_PART, NULL, NULL },
	{ "/check", serve_text, PAGE_PRIVATE, &check_html, HTML },
	{ "/live/check.css", serve_text, LIVE_PART, &check_css, STYLE },
	{ "/live/check.js", serve_text, LIVE_PART, &check_js, SCRIPT },
	{ "/live/check_words.js", serve_text, LIVE_PART, &check_words_js, SCRIPT },
	{ "/check/start", page_check_start, LIVE_PART | PAGE_ACTION, NULL, NULL },
	{ "/check/result", page_check_result, LIVE_PART, NULL, NULL },
	{ "/check/stale", page_check_stale, LIVE_PART, NULL, NULL },
	{ "/live/check_stale.js", serve_text, LIVE_PART, &check_stale_js, SCRIPT },
	{ "/echo", page_echo, PAGE_PRIVATE | PAGE_ANY_METHOD, NULL, NULL },
	{ "/connect", page_connect, PAGE_ASKING, &connect_html, HTML },
	{ "/connect/connect.css", serve_text, COMMON_PART, &connect_css, STYLE },
	{ "/connect/connect.js", serve_text, COMMON_PART, &connect_js, SCRIPT },
	{ "/connect/seen", page_seen, PAGE_UNLOGGED, NULL, "application/json" },
	{ "/connect/kept", page_kept, PAGE_UNLOGGED, NULL, "application/json" },
	{ "/ca.pem", page_ca_pem, PAGE_LOGGED, NULL, "application/x-pem-file" },
	{ "/ca.der", page_ca_der, PAGE_LOGGED, NULL, "application/x-x509-ca-cert" },
	{ "/ca.mobileconfig", page_ca_profile, PAGE_LOGGED, NULL, "application/x-apple-aspen-config" },
	{ "/proxy.pac", page_pac, PAGE_OPEN | PAGE_ANY_NAME, &proxy_pac_js, PAC },
	{ "/wpad.dat", page_pac, PAGE_OPEN | PAGE_ANY_NAME, &proxy_pac_js, PAC },
	{ "/switches", serve_text, PAGE_PRIVATE, &switches_html, HTML },
	{ "/live/switches.css", serve_text, LIVE_PART, &switches_css, STYLE },
	{ "/live/switches.js", serve_text, LIVE_PART, &switches_js, SCRIPT },
	{ "/switches/state", page_switches, LIVE_PART, NULL, NULL },
	{ "/switches/applies", page_applies, LIVE_PART, NULL, NULL },
	{ "/switches/set", page_switch_set, LIVE_PART | PAGE_ACTION, NULL, NULL },
	{ "/switches/undo", page_switch_undo, LIVE_PART | PAGE_ACTION, NULL, NULL },
	{ "/switches/flush", page_switch_flush, LIVE_PART | PAGE_ACTION, NULL, NULL },
	{ "/-/healthy", serve_healthy, PAGE_UNLOGGED | PAGE_OPEN, NULL, NULL },
	{ "/-/ready", serve_ready, PAGE_UNLOGGED | PAGE_OPEN, NULL, NULL },
	{ "/metrics", page_metrics, PAGE_UNLOGGED, NULL, NULL },
};

const struct page *page_find(struct span path)
{
	path = span_first(path, span_find(path, '?'));
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (span_eq(path, span_str(pages[i].path)))
			return &pages[i];
	return NULL;
}
