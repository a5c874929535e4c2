/*
 * Answers made here.  Composes them whole, in the loop's output buffer; nothing here is on the fast path.
 */
#include "proxy/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/date.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/report.h"
#include "proxy/worker.h"

struct reply_info {
	unsigned status;
	const char *type, *title, *text;
};

static const struct reply_info info[] = {
#define REPLY_ERROR(id, code, error_type, heading, meaning) \
	[REPLY_##id] = { .status = (code), .type = (error_type), .title = (heading), .text = (meaning) },
#include "proxy/errors.def"
#undef REPLY_ERROR
};

/* -- text -- */

enum { BODY_MAX = 4096, HEAD_MAX = 1536, PLACE_MAX = 800 };

/* Text being composed; what does not fit is left out. */
struct text {
	char *data;
	size_t n, max;
};

static void put(struct text *t, struct span s)
{
	size_t room = t->max - t->n;

	if (s.n > room)
		s.n = room;
	if (s.n)
		memcpy(t->data + t->n, s.p, s.n);
	t->n += s.n;
}

static void put_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_format(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(t->data + t->n, t->max - t->n, format, args);
	va_end(args);
	if (n > 0)
		t->n += (size_t)n < t->max - t->n ? (size_t)n : t->max - t->n;
}

static void put_html(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '<':
			put(t, SPAN("&lt;"));
			break;
		case '>':
			put(t, SPAN("&gt;"));
			break;
		case '&':
			put(t, SPAN("&amp;"));
			break;
		case '"':
			put(t, SPAN("&quot;"));
			break;
		default:
			put(t, span_of(s.p + i, 1));
		}
	}
}

/* -- errors -- */

bool reply_type_wanted(const struct exchange *x, struct span type)
{
	struct span accept = message_value(&x->request, HEADER_ACCEPT), range;

	while (span_list_next(&accept, &range))
		if (span_ieq(span_trim(span_first(range, span_find(range, ';'))), type))
			return true;
	return false;
}

static void put_error_html(struct text *t, const struct exchange *x, const struct reply_info *e, const char *details)
{
	put_format(t,
		"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>%u %s</title>\n"
		"<style>:root{color-scheme:light dark}body{font:1.1em/1.5 system-ui,sans-serif;max-width:38em;"
		"margin:4em auto;padding:0 1em}h1{font-size:1.5em}small{opacity:.7}</style>\n"
		"<h1>%s</h1>\n",
		e->status, e->title, e->title);
	if (x->target.authority.n) {
		put(t, SPAN("<p><strong>"));
		put_html(t, x->target.authority);
		put(t, SPAN("</strong></p>\n"));
	}
	put_format(t, "<p>%s</p>\n", e->text);
	if (details)
		put_format(t, "<p>In detail: %s.</p>\n", details);
	put_format(t, "<p><small>%u, said by the proxy freshet, not by the site.</small></p>\n</html>\n", e->status);
}

static void put_error_text(struct text *t, const struct exchange *x, const struct reply_info *e, const char *details)
{
	put_format(t, "%u %s\n", e->status, e->title);
	if (x->target.authority.n) {
		put(t, x->target.authority);
		put(t, SPAN("\n"));
	}
	put_format(t, "\n%s\n", e->text);
	if (details)
		put_format(t, "In detail: %s.\n", details);
	put(t, SPAN("(said by the proxy freshet, not by the site)\n"));
}

/* Proxy-Status: an item of a structured list (RFC 9209 section 2); details are constants without quotes. */
static void put_proxy_status(struct text *t, const struct exchange *x, const struct reply_info *e, const char *details)
{
	struct span name = x->view->snapshot->name;

	put(t, SPAN("Proxy-Status: "));
	put(t, name);
	if (e->type[0])
		put_format(t, "; error=%s", e->type);
	put_format(t, "; details=\"%s\"\r\n", details ? details : e->title);
	if (e->status == 429) /* RFC 6585 section 4; a place comes free with any request's end */
		put_format(t, "Retry-After: %u\r\n", x->retry_after_s ? x->retry_after_s : 1u);
	if (e->status == 401) /* RFC 7617 */
		put(t, SPAN("WWW-Authenticate: Basic realm=\"freshet\", charset=\"UTF-8\"\r\n"));
	if (e->status == 407)
		put(t, SPAN("Proxy-Authenticate: Basic realm=\"freshet\", charset=\"UTF-8\"\r\n"));
}

/* -- sending -- */

static const char *reason_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 407:
		return "Proxy Authentication Required";
	case 408:
		return "Request Timeout";
	case 414:
		return "URI Too Long";
	case 421:
		return "Misdirected Request";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	case 508:
		return "Loop Detected";
	default:
		return "";
	}
}

/* For answers that hold nothing but text and the style that goes with it. */
#define NOTHING_ACTIVE_AND(more) "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'" more "\r\n"
#define NOTHING_ACTIVE NOTHING_ACTIVE_AND("")

/* Nobody else may show it as a part of his own, or learn where a link in it was followed. */
#define FOR_ITSELF "Cross-Origin-Resource-Policy: same-origin\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"

/* What is wrong with a request for one of our own pages; that of another's may well be seen in a frame of that site. */
#define NOTHING_OF_OURS NOTHING_ACTIVE_AND("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'") FOR_ITSELF

/*
 * For our own pages: what is ours may run, and nobody else may have any part in it, or it in theirs.  `reach` are further
 * places that may be asked.
 */
#define ONLY_OURS_AND(reach) \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" reach "; " \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n" FOR_ITSELF
#define ONLY_OURS ONLY_OURS_AND("")

/*
 * Sends an answer.  `fields` are further lines, each with its CRLF.  With a body without pointer it is only begun:
 * its end will be its last chunk, or that of the connection.
 */
static bool send_reply(struct exchange *x, unsigned status, struct span content_type, struct span fields, struct span body)
{
	char head_text[HEAD_MAX], date[HTTP_DATE_BYTES];
	struct text head = { .data = head_text, .max = sizeof(head_text) };
	bool silent = x->request.method_id == METHOD_HEAD;

	if (!flow_done(&x->up) || worker_is_leaving(x->worker))
		x->client_persistent = false; /* the former: nobody will read the rest of the request's body */
	http_date_format(clock_wall_us() / 1000000, date);
	put_format(&head, "HTTP/1.1 %u %s\r\nDate: %.*s\r\n", status, reason_phrase(status), HTTP_DATE_BYTES, date);
	if (content_type.n)
		put_format(&head, "Content-Type: %.*s\r\n", SPAN_ARG(content_type));
	if (body.p)
		put_format(&head, "Content-Length: %zu\r\n", body.n);
	put(&head, SPAN("Cache-Control: no-cache, no-store, must-revalidate\r\nPragma: no-cache\r\nExpires: 0\r\n"));
	put(&head, SPAN("X-Content-Type-Options: nosniff\r\n"));
	put(&head, fields);
	if (!x->client_persistent)
		put(&head, SPAN("Connection: close\r\n"));
	else if (!x->request.minor)
		put(&head, SPAN("Connection: keep-alive\r\n"));
	put(&head, SPAN("\r\n"));
	report_head(x, TRACE_RESPONSE_SENT, span_of(head_text, head.n));
	x->facts.status = (uint16_t)status;
	x->down.body_bytes = silent ? 0 : body.n;
	struct iovec iov[] = {
		{ .iov_base = head_text, .iov_len = head.n },
		{ .iov_base = (void *)(uintptr_t)body.p, .iov_len = body.n },
	};
	return conn_send(&x->client->conn, iov, silent || !body.n ? 1 : 2);
}

bool reply_error(struct exchange *x, enum reply_error error, const char *details)
{
	const struct reply_info *e = &info[error];
	char body_text[BODY_MAX], status_text[PLACE_MAX];
	struct text body = { .data = body_text, .max = sizeof(body_text) };
	struct text status = { .data = status_text, .max = sizeof(status_text) };
	bool html = reply_type_wanted(x, SPAN("text/html"));

	x->facts.error = details ? details : e->title;
	x->facts.proxy_error = e->type[0] ? e->type : NULL;
	if (html)
		put_error_html(&body, x, e, details);
	else
		put_error_text(&body, x, e, details);
	put(&status, x->facts.own_page ? SPAN(NOTHING_OF_OURS) : SPAN(NOTHING_ACTIVE));
	put_proxy_status(&status, x, e, details);
	if (error == REPLY_METHOD)
		put(&status, SPAN("Allow: GET, HEAD\r\n")); /* RFC 9110 section 15.5.6 */
	if (error == REPLY_METHOD_ACTION)
		put(&status, SPAN("Allow: POST\r\n"));
	return send_reply(x, e->status, html ? SPAN("text/html; charset=utf-8") : SPAN("text/plain; charset=utf-8"),
		span_of(status.data, status.n), span_of(body.data, body.n));
}

bool reply_page(struct exchange *x, unsigned status, struct span content_type, struct span body)
{
	return send_reply(x, status, content_type, SPAN(ONLY_OURS), body.n ? body : SPAN(""));
}

bool reply_asking_page(struct exchange *x, struct span content_type, struct span body)
{
	return send_reply(x, 200, content_type, SPAN(ONLY_OURS_AND(" http://freshet.internal https://freshet.internal")), body);
}

bool reply_shared(struct exchange *x, struct span content_type, struct span body)
{
	return send_reply(x, 200, content_type, SPAN(NOTHING_ACTIVE "Access-Control-Allow-Origin: *\r\n"), body);
}

/* "inline": told to keep it, Firefox would not offer to trust a certificate. */
bool reply_file(struct exchange *x, struct span content_type, const char *name, struct span body)
{
	char lines[PLACE_MAX];
	struct text fields = { .data = lines, .max = sizeof(lines) };

	put(&fields, SPAN(NOTHING_ACTIVE));
	put_format(&fields, "Content-Disposition: inline; filename=\"%s\"\r\n", name);
	return send_reply(x, 200, content_type, span_of(fields.data, fields.n), body);
}

bool reply_begin(struct exchange *x, struct span content_type)
{
	x->client_persistent = false;
	return send_reply(x, 200, content_type, SPAN(ONLY_OURS), SPAN_NONE);
}

bool reply_begin_file(struct exchange *x, struct span content_type, struct span name)
{
	char text[PLACE_MAX];
	struct text fields = { .data = text, .max = sizeof(text) };

	put(&fields, SPAN(ONLY_OURS));
	put_format(&fields, "Content-Disposition: attachment; filename=\"%.*s\"\r\n", SPAN_ARG(name));
	if (x->down.to == FRAMING_CHUNKED)
		put(&fields, SPAN("Transfer-Encoding: chunked\r\n"));
	else
		x->client_persistent = false;
	return send_reply(x, 200, content_type, span_of(fields.data, fields.n), SPAN_NONE);
}

/* The path's folder is all that a worker may have the care of unless its script's answer says more. */
bool reply_script(struct exchange *x, struct span script)
{
	return send_reply(x, 200, SPAN("text/javascript; charset=utf-8"), SPAN(NOTHING_ACTIVE "Service-Worker-Allowed: /\r\n"), script);
}

bool reply_options(struct exchange *x)
{
	return send_reply(x, 200, SPAN_NONE,
		SPAN(NOTHING_ACTIVE "Allow: GET, HEAD, QUERY, POST, PUT, DELETE, PATCH, OPTIONS, TRACE, CONNECT\r\n"), SPAN(""));
}

bool reply_trace(struct exchange *x)
{
	static const enum header secrets[] = { HEADER_AUTHORIZATION, HEADER_COOKIE };
	struct h1_write w = { .framing = FRAMING_NONE, .target = x->request.target };
	size_t room;
	char *body;

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		message_remove(&x->request, secrets[i], "RFC 9110 section 9.3.8: not for display");
	room = h1_head_room(&x->request, &w);
	body = arena_alloc(&x->arena, room);
	if (!body)
		return reply_error(x, REPLY_INTERNAL, "memory is out");
	return send_reply(x, 200, SPAN("message/http"), SPAN(NOTHING_ACTIVE), span_of(body, h1_write_request(&x->request, &w, body)));
}

bool reply_tunnel(struct exchange *x)
{
	x->facts.status = 200;
	return conn_send_span(&x->client->conn, SPAN("HTTP/1.1 200 Connection established\r\n\r\n"));
}
