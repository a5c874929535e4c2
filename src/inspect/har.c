/*
 * HAR entries.
 */
#include "inspect/har.h"

#include "inspect/har_parts.h"
#include "inspect/head_lines.h"
#include "inspect/redact.h"

enum {
	URL_MAX = 3 * TRACE_HEAD_MAX, /* redacted, or percent-encoded */
	UNKNOWN = -1000,              /* -1, in thousandths */
};

size_t har_begin(char out[HAR_FRAME_MAX])
{
	struct json j = json_of(out, HAR_FRAME_MAX);

	json_open(&j, '{');
	json_key(&j, SPAN("log"));
	json_open(&j, '{');
	json_key(&j, SPAN("version"));
	json_string(&j, SPAN("1.2"));
	json_key(&j, SPAN("creator"));
	json_open(&j, '{');
	json_key(&j, SPAN("name"));
	json_string(&j, SPAN("freshet"));
	json_key(&j, SPAN("version"));
	json_string(&j, SPAN(FRESHET_VERSION));
	json_close(&j, '}');
	json_key(&j, SPAN("comment"));
	json_string(&j, SPAN("Bodies are passed on, not kept: there are none here. The origin's side is in _freshet."));
	json_key(&j, SPAN("entries"));
	json_open(&j, '[');
	line_put_char(&j.line, '\n');
	return j.line.n;
}

size_t har_end(char out[HAR_FRAME_MAX])
{
	struct line l = line_of(out, HAR_FRAME_MAX);

	line_put(&l, SPAN("\n]}}\n"));
	return l.n;
}

/* -- the request -- */

/* The second word of a request's start line. */
static struct span target_of(struct span head)
{
	struct span start = span_first(head, span_find(head, '\r'));
	struct span rest = span_from(start, span_find(start, ' ') + 1);

	return span_first(rest, span_find(rest, ' '));
}

/* "scheme://host:port" of an absolute URL. */
static struct span site_of(struct span url)
{
	size_t host_at = span_find(url, ':') + 3;

	return span_first(url, host_at + span_find(span_from(url, host_at), '/'));
}

static bool is_absolute(struct span url)
{
	return span_istarts(url, SPAN("http://")) || span_istarts(url, SPAN("https://"));
}

/*
 * The address as it was asked for.  The record cuts long ones, the head hides no password: but one that was understood,
 * and led to a connection, has none.
 */
static void write_raw_url(struct line *l, const struct past *p)
{
	const struct record *r = p->record;
	struct span url = span_of(r->url, r->url_len), target = target_of(p->trace.heads[TRACE_REQUEST_RECEIVED]);

	if (!r->url_cut || !r->origin.port) {
		line_put(l, url);
		return;
	}
	if (!is_absolute(target))
		line_put(l, site_of(url));
	line_put(l, target);
}

/* HAR knows no addresses but URLs. */
static struct span write_url(const struct past *p, bool with_secrets, char out[URL_MAX])
{
	bool is_tunnel = span_eq(span_of(p->record->method, p->record->method_len), SPAN("CONNECT"));
	char raw_text[TRACE_HEAD_MAX + RECORD_URL_MAX], shown_text[URL_MAX];
	struct line raw = line_of(raw_text, sizeof(raw_text)), shown = line_of(shown_text, URL_MAX), l = line_of(out, URL_MAX);

	if (is_tunnel)
		line_put(&raw, SPAN("https://"));
	write_raw_url(&raw, p);
	if (is_tunnel)
		line_put(&raw, SPAN("/"));
	if (!is_absolute(span_of(raw_text, raw.n)))
		return SPAN("about:invalid");
	if (with_secrets)
		line_put(&shown, span_of(raw_text, raw.n));
	else
		redact_url(&shown, span_of(raw_text, raw.n));
	har_write_url(&l, span_of(shown_text, shown.n));
	return span_of(out, l.n);
}

/* The bytes of a head; -1 where it is not known, for there was none or not all of it was kept. */
static void put_head_size(struct json *j, struct span head)
{
	json_key(j, SPAN("headersSize"));
	if (head.n && head.n < TRACE_HEAD_MAX)
		json_u64(j, head.n);
	else
		json_thousandths(j, UNKNOWN);
}

static void put_version(struct json *j, unsigned minor)
{
	json_key(j, SPAN("httpVersion"));
	json_string(j, minor ? SPAN("HTTP/1.1") : SPAN("HTTP/1.0"));
}

static void put_request_comment(struct json *j, const struct record *r, struct span url)
{
	struct span comment = SPAN_NONE;

	if (r->method_len && span_eq(span_of(r->method, r->method_len), SPAN("CONNECT")))
		comment = SPAN("CONNECT: host and port, written as a URL.");
	else if (span_eq(url, SPAN("about:invalid")))
		comment = SPAN("What was asked for is no URL: see url.original in _freshet.");
	else if (r->request_body_bytes)
		comment = SPAN("The body was not kept.");
	if (!comment.n)
		return;
	json_key(j, SPAN("comment"));
	json_string(j, comment);
}

static void put_request(struct json *j, const struct past *p, bool with_secrets)
{
	const struct record *r = p->record;
	struct span head = p->trace.heads[TRACE_REQUEST_RECEIVED];
	char text[URL_MAX];
	struct span url = write_url(p, with_secrets, text);

	json_open(j, '{');
	json_key(j, SPAN("method"));
	json_string(j, span_of(r->method, r->method_len));
	json_key(j, SPAN("url"));
	json_string(j, url);
	put_version(j, r->request_minor);
	json_key(j, SPAN("cookies"));
	har_put_request_cookies(j, head, with_secrets);
	json_key(j, SPAN("headers"));
	har_put_fields(j, head, with_secrets);
	json_key(j, SPAN("queryString"));
	har_put_query(j, url);
	put_head_size(j, head);
	json_key(j, SPAN("bodySize"));
	json_u64(j, r->request_body_bytes);
	put_request_comment(j, r, url);
	json_close(j, '}');
}

/* -- the response -- */

/* What stands behind the status in a start line. */
static struct span reason_of(struct span head)
{
	struct span start = span_first(head, span_find(head, '\r'));
	struct span rest = span_from(start, span_find(start, ' ') + 1);

	return span_from(rest, span_find(rest, ' ') + 1);
}

static void put_content(struct json *j, const struct past *p, bool with_secrets)
{
	struct span head = p->trace.heads[TRACE_RESPONSE_SENT];
	char type[URL_MAX], coding[URL_MAX];
	bool coded = har_field(head, SPAN("Content-Encoding"), with_secrets, coding, sizeof(coding)).n > 0;

	json_open(j, '{');
	json_key(j, SPAN("size"));
	json_u64(j, p->record->response_body_bytes);
	json_key(j, SPAN("mimeType"));
	json_string(j, har_field(head, SPAN("Content-Type"), with_secrets, type, sizeof(type)));
	json_key(j, SPAN("comment"));
	json_string(j, coded ? SPAN("Not kept. The size is that of the coded body: nobody decoded it.") : SPAN("Not kept."));
	json_close(j, '}');
}

static void put_response(struct json *j, const struct past *p, bool with_secrets)
{
	const struct record *r = p->record;
	struct span head = p->trace.heads[TRACE_RESPONSE_SENT];
	int64_t now_s = r->started_us / 1000000;
	char location[URL_MAX];

	json_open(j, '{');
	json_key(j, SPAN("status"));
	json_u64(j, r->status);
	json_key(j, SPAN("statusText"));
	json_string(j, reason_of(head));
	put_version(j, 1);
	json_key(j, SPAN("cookies"));
	har_put_response_cookies(j, head, with_secrets, now_s);
	json_key(j, SPAN("headers"));
	har_put_fields(j, head, with_secrets);
	json_key(j, SPAN("content"));
	put_content(j, p, with_secrets);
	json_key(j, SPAN("redirectURL"));
	json_string(j, har_field(head, SPAN("Location"), with_secrets, location, sizeof(location)));
	put_head_size(j, head);
	json_key(j, SPAN("bodySize"));
	json_u64(j, r->response_body_bytes);
	if (r->error) {
		json_key(j, SPAN("_error")); /* where Chromium's developer tools look for it */
		json_string(j, span_str(r->error));
	}
	json_close(j, '}');
}

/* -- times -- */

/* As much of what is left as there is; -1 where it does not apply. */
static void put_time(struct json *j, struct span key, int64_t us, int64_t *left_us)
{
	json_key(j, key);
	if (us > *left_us)
		us = *left_us;
	if (us > 0)
		*left_us -= us;
	json_thousandths(j, us < 0 ? UNKNOWN : us);
}

/* What a pooled connection had cost before does not belong to this request, and may have been longer than it. */
static void put_timings(struct json *j, const struct record *r)
{
	int64_t left_us = r->total_us;
	int64_t before_us = (r->queue_us > 0 ? r->queue_us : 0) + (r->connect_us > 0 ? r->connect_us : 0);
	int64_t wait_us = r->first_byte_us > before_us ? r->first_byte_us - before_us : 0;

	if (r->first_byte_us < 0 && !r->tunnel)
		wait_us = left_us; /* and nothing came */
	json_open(j, '{');
	put_time(j, SPAN("blocked"), r->queue_us, &left_us);
	put_time(j, SPAN("dns"), -1, &left_us);
	put_time(j, SPAN("connect"), r->connect_us, &left_us);
	put_time(j, SPAN("ssl"), -1, &left_us);
	put_time(j, SPAN("send"), 0, &left_us);
	put_time(j, SPAN("wait"), wait_us, &left_us);
	put_time(j, SPAN("receive"), left_us, &left_us);
	json_key(j, SPAN("comment"));
	json_string(j, SPAN("connect includes names and TLS; wait includes sending the request."));
	json_close(j, '}');
}

/* -- the entry -- */

static void put_origin_head(struct json *j, struct span key, struct span head, bool with_secrets)
{
	if (!head.n)
		return;
	json_key(j, key);
	story_put_head(j, head, with_secrets);
}

/* What HAR has no place for. */
static void put_own(struct json *j, const struct past *p, bool with_secrets)
{
	char id[20];

	json_open(j, '{');
	json_key(j, SPAN("id"));
	json_string(j, span_of(id, span_put_u64(id, p->record->exchange_id)));
	json_key(j, SPAN("facts"));
	story_put_facts(j, p, with_secrets);
	json_key(j, SPAN("edits"));
	story_put_edits(j, &p->trace);
	put_origin_head(j, SPAN("request_sent"), p->trace.heads[TRACE_REQUEST_SENT], with_secrets);
	put_origin_head(j, SPAN("response_received"), p->trace.heads[TRACE_RESPONSE_RECEIVED], with_secrets);
	json_close(j, '}');
}

static void put_connection(struct json *j, const struct record *r)
{
	char text[ADDRESS_TEXT_MAX], port[20];

	if (r->origin.port) {
		json_key(j, SPAN("serverIPAddress"));
		json_string(j, span_of(text, address_format_ip(&r->origin, text)));
	}
	if (r->client.port) {
		json_key(j, SPAN("connection"));
		json_string(j, span_of(port, span_put_u64(port, r->client.port)));
	}
}

static void put_comment(struct json *j, const struct record *r)
{
	if (!r->tunnel && !r->intercepted && !r->truncated)
		return;
	json_key(j, SPAN("comment"));
	if (r->intercepted)
		json_string(j, SPAN("A tunnel that freshet reads: its requests have entries of their own."));
	else if (r->tunnel)
		json_string(j, SPAN("A tunnel: the sizes are of all bytes that passed through it, unread."));
	else
		json_string(j, SPAN("The answer broke off, and the client was shown that."));
}

size_t har_entry(const struct past *p, bool with_secrets, char out[HAR_ENTRY_MAX])
{
	const struct record *r = p->record;
	struct json j = json_of(out, HAR_ENTRY_MAX);
	char time[ACCESS_LOG_TIME_BYTES];

	json_open(&j, '{');
	json_key(&j, SPAN("startedDateTime"));
	json_string(&j, span_of(time, access_log_time(time, r->started_us)));
	json_key(&j, SPAN("time"));
	json_thousandths(&j, r->total_us);
	json_key(&j, SPAN("request"));
	put_request(&j, p, with_secrets);
	json_key(&j, SPAN("response"));
	put_response(&j, p, with_secrets);
	json_key(&j, SPAN("cache"));
	json_open(&j, '{'); /* a proxy keeps nothing, and what the client has it does not say */
	json_close(&j, '}');
	json_key(&j, SPAN("timings"));
	put_timings(&j, r);
	put_connection(&j, r);
	put_comment(&j, r);
	json_key(&j, SPAN("_freshet"));
	put_own(&j, p, with_secrets);
	json_close(&j, '}');
	return j.line.n;
}
