/*
 * One request and its whole answer.
 */
#include "probe/fetch_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { INTERIMS_MAX = 16 };

static const char out_of_memory[] = "memory is out";

void fetch_fail(struct fetch_run *r, const char *reason)
{
	if (r->stage == FETCH_DONE)
		return;
	r->stage = FETCH_DONE;
	snprintf(r->answer->why, sizeof(r->answer->why), "%s", reason);
}

static void finish(struct fetch_run *r)
{
	if (!digest_end(&r->fetcher->digest, r->answer->hash)) {
		fetch_fail(r, out_of_memory);
		return;
	}
	r->stage = FETCH_DONE;
	r->answer->is_whole = true;
}

/* -- the body -- */

/* Ends it then. */
static bool is_too_long(struct fetch_run *r, uint64_t body_bytes)
{
	uint64_t max = r->question->way->body_max;

	if (!max || body_bytes <= max)
		return false;
	fetch_fail(r, "its body is longer than bodies are read for a comparison");
	return true;
}

static bool keep_body(struct fetch_run *r, struct span body)
{
	r->answer->body_bytes += body.n;
	if (is_too_long(r, r->answer->body_bytes))
		return false;
	if (digest_add(&r->fetcher->digest, body))
		return true;
	fetch_fail(r, out_of_memory);
	return false;
}

/* These take what they can use off `bytes`. */
static void take_trailers(struct fetch_run *r, struct span *bytes)
{
	struct message trailers;
	struct h1_error error;
	size_t n = 0;

	message_init(&trailers, r->fetcher->fields, r->fetcher->limits.fields);
	switch (h1_read_trailers(&r->chunked, *bytes, &r->scanned, &r->fetcher->limits, &trailers, &n, &error)) {
	case H1_OK:
		finish(r);
		return;
	case H1_MORE:
		return;
	case H1_BAD:
		fetch_fail(r, error.reason);
		return;
	}
}

static void take_chunks(struct fetch_run *r, struct span *bytes)
{
	size_t used = 0, body_n = 0;
	const char *reason;
	/* Decoding in place: the bytes are in a buffer of ours, received for this. */
	char *data = (char *)(uintptr_t)bytes->p;

	switch (h1_chunked_read(&r->chunked, data, bytes->n, &used, &body_n, &reason)) {
	case H1_CHUNK_MORE:
		if (keep_body(r, span_of(data, body_n)))
			*bytes = conn_skip(&r->conn, *bytes, bytes->n);
		return;
	case H1_CHUNK_TRAILERS:
		if (!keep_body(r, span_of(data, body_n)))
			return;
		*bytes = conn_skip(&r->conn, *bytes, used);
		r->stage = FETCH_TRAILERS;
		r->scanned = 0;
		take_trailers(r, bytes);
		return;
	case H1_CHUNK_BAD:
		fetch_fail(r, reason);
		return;
	}
}

static void take_plain(struct fetch_run *r, struct span *bytes)
{
	bool is_counted = r->answer->response.framing == FRAMING_LENGTH;
	size_t n = is_counted && r->remaining < bytes->n ? (size_t)r->remaining : bytes->n;

	if (!keep_body(r, span_first(*bytes, n)))
		return;
	r->remaining -= is_counted ? n : 0;
	*bytes = conn_skip(&r->conn, *bytes, n);
	if (is_counted && !r->remaining)
		finish(r);
}

static void take_body(struct fetch_run *r, struct span *bytes)
{
	if (r->stage == FETCH_TRAILERS)
		take_trailers(r, bytes);
	else if (r->answer->response.framing == FRAMING_CHUNKED)
		take_chunks(r, bytes);
	else
		take_plain(r, bytes);
}

/* -- the head -- */

static void start_body(struct fetch_run *r)
{
	const struct message *m = &r->answer->response;

	r->stage = FETCH_BODY;
	r->remaining = m->content_length;
	if (m->framing == FRAMING_LENGTH && is_too_long(r, m->content_length))
		return;
	if (m->framing == FRAMING_CHUNKED)
		h1_chunked_init(&r->chunked);
	if (m->framing == FRAMING_NONE || (m->framing == FRAMING_LENGTH && !m->content_length))
		finish(r);
}

/* The whole head: of an interim answer, or the one that was asked for. */
static void take_head(struct fetch_run *r, struct span *bytes, size_t n)
{
	struct message *m = &r->answer->response;

	r->scanned = 0;
	if (m->status < 200) {
		*bytes = conn_skip(&r->conn, *bytes, n);
		if (m->status == 101 || ++r->interims > INTERIMS_MAX)
			fetch_fail(r, "more interim answers than anybody needs");
		return;
	}
	r->answer->answered_s = clock_wall_us() / 1000000;
	if (!message_keep(m, span_first(*bytes, n), r->arena)) {
		fetch_fail(r, out_of_memory);
		return;
	}
	*bytes = conn_skip(&r->conn, *bytes, n);
	start_body(r);
}

/* True when a head was taken, and more may follow in `bytes`. */
static bool read_head(struct fetch_run *r, struct span *bytes)
{
	struct message *m = &r->answer->response;
	struct h1_error error;
	size_t n = 0;

	message_init(m, r->fetcher->fields, r->fetcher->limits.fields);
	switch (h1_read_response(*bytes, &r->scanned, &r->fetcher->limits, NULL, METHOD_GET, m, &n, &error)) {
	case H1_OK:
		take_head(r, bytes, n);
		return true;
	case H1_MORE:
		m->status = 0;
		return false;
	case H1_BAD:
		m->status = 0;
		fetch_fail(r, error.reason);
		return false;
	}
	return false;
}

/* -- the connection -- */

static void take(struct fetch_run *r, struct span bytes)
{
	while (r->stage == FETCH_HEAD && bytes.n && read_head(r, &bytes))
		;
	if ((r->stage == FETCH_BODY || r->stage == FETCH_TRAILERS) && bytes.n)
		take_body(r, &bytes);
	if (!conn_consume(&r->conn, bytes, 0))
		fetch_fail(r, out_of_memory);
}

static void take_end(struct fetch_run *r)
{
	if (r->stage == FETCH_BODY && r->answer->response.framing == FRAMING_CLOSE)
		finish(r);
	else if (r->stage == FETCH_HEAD)
		fetch_fail(r, "the connection was closed before the answer came");
	else
		fetch_fail(r, "the answer was cut off: the connection was closed in its middle");
}

static void read_answer(struct fetch_run *r)
{
	struct span bytes;
	bool filled;

	while (r->stage != FETCH_DONE) {
		switch (conn_read(&r->conn, &bytes, &filled)) {
		case IO_OK:
			take(r, bytes);
			break;
		case IO_AGAIN:
			return;
		case IO_END:
			take_end(r);
			return;
		case IO_ERROR:
			fetch_fail(r, r->stage == FETCH_HEAD ? "the connection was reset before the answer came" :
							       "the answer was cut off: the connection was reset in its middle");
			return;
		}
	}
}

static struct fetch_run *run_of(struct conn *c)
{
	return LIST_OF(c, struct fetch_run, conn);
}

static void on_readable(struct conn *c)
{
	struct fetch_run *r = run_of(c);

	if (r->stage < FETCH_HEAD)
		fetch_go_on_connecting(r);
	if (r->stage >= FETCH_HEAD)
		read_answer(r);
	conn_update(c);
}

static void on_writable(struct conn *c)
{
	(void)c; /* it goes on when the answer comes */
}

static void on_failed(struct conn *c)
{
	fetch_fail(run_of(c), "the connection was reset");
}

const struct conn_owner fetch_owner = {
	.readable = on_readable,
	.writable = on_writable,
	.failed = on_failed,
	.expired = on_failed, /* never: the limit is the fetch's own */
};

/* -- asking -- */

/* What an HTTP parent is asked for (RFC 9112 section 3.2.2).  Empty when memory is out. */
static struct span absolute_form(struct fetch_run *r)
{
	const struct fetch_question *q = r->question;
	struct span scheme = SPAN("http://"), authority = q->target.authority;
	char *url = arena_alloc(r->arena, scheme.n + authority.n + q->path.n);

	if (!url)
		return SPAN_NONE;
	memcpy(url, scheme.p, scheme.n);
	memcpy(url + scheme.n, authority.p, authority.n);
	memcpy(url + scheme.n + authority.n, q->path.p, q->path.n);
	return span_of(url, scheme.n + authority.n + q->path.n);
}

static void send_request(struct fetch_run *r, const struct message *request, struct span target)
{
	struct h1_write w = { .framing = FRAMING_NONE, .target = target };
	struct loop *l = &r->fetcher->loop;

	if (!target.n || h1_head_room(request, &w) > LOOP_OUT_BYTES) {
		fetch_fail(r, "no room to write the request");
		return;
	}
	size_t n = h1_write_request(request, &w, l->out);
	if (!conn_send_span(&r->conn, span_of(l->out, n)))
		fetch_fail(r, "the connection was reset");
}

static void send_to_parent(struct fetch_run *r)
{
	char credentials[PARENT_AUTHORIZATION_MAX];
	struct message request = *r->question->request;
	size_t n = parent_put_authorization(r->question->way->parent, credentials);

	if (n)
		message_set(&request, HEADER_PROXY_AUTHORIZATION, span_of(credentials, n), "the parent's credentials");
	send_request(r, &request, absolute_form(r));
}

void fetch_connected(struct fetch_run *r)
{
	const struct fetch_question *q = r->question;

	r->stage = FETCH_HEAD;
	r->scanned = 0;
	r->answer->asked_s = clock_wall_us() / 1000000;
	if (fetch_parent_gets_requests(q))
		send_to_parent(r);
	else
		send_request(r, q->request, q->path);
}

static void on_limit(struct deadline *d)
{
	struct fetch_run *r = LIST_OF(d, struct fetch_run, limit);

	fetch_fail(r, r->stage < FETCH_HEAD  ? "it took too long to connect" :
		      r->stage == FETCH_HEAD ? "it took too long to answer" :
					       "its answer did not come to an end in time");
}

/* Looked at every half second at least, for the limit is a running deadline. */
static bool is_over(struct fetch_run *r)
{
	const struct fetcher *f = r->fetcher;

	if (f->stopping && atomic_load_explicit(f->stopping, memory_order_relaxed))
		fetch_fail(r, "the proxy is about to stop");
	else if (f->ends_us && clock_us() > f->ends_us)
		fetch_fail(r, "all answers together took too long");
	return r->stage == FETCH_DONE;
}

void fetch(struct fetcher *f, const struct fetch_question *q, struct arena *arena, struct fetch_answer *out)
{
	struct fetch_run r = { .fetcher = f, .question = q, .arena = arena, .answer = out, .conn = { .fd = -1 } };

	memset(out, 0, sizeof(*out));
	if (!digest_begin(&f->digest)) {
		fetch_fail(&r, out_of_memory);
		return;
	}
	f->loop.now_us = clock_us();
	deadline_init(&r.limit, on_limit);
	deadline_start(&f->loop, &r.limit, DEADLINE_ORIGIN_HEAD);
	fetch_connect(&r);
	while (!is_over(&r) && loop_pass(&f->loop))
		;
	fetch_fail(&r, "there was nothing to wait for");
	deadline_stop(&f->loop, &r.limit);
	connector_cancel(&r.connector);
	conn_close(&r.conn);
}

/* -- what fetches have in common -- */

bool fetcher_init(struct fetcher *f, const struct config *config, int64_t timeout_ms)
{
	char server[ADDRESS_TEXT_MAX];
	struct resolver_options resolver = { .server = server, .cache_max = 64 };

	*f = (struct fetcher){
		.limits = { .head_bytes = (uint32_t)config->max_head, .target_bytes = (uint32_t)config->max_target,
			    .fields = config->max_fields },
	};
	if (!loop_init(&f->loop))
		return false;
	loop_set_deadline(&f->loop, DEADLINE_CONNECT, config->timeout_connect_ms);
	loop_set_deadline(&f->loop, DEADLINE_ORIGIN_HEAD, timeout_ms);
	config_resolver_server(&config->resolver, server);
	f->fields = calloc(f->limits.fields, sizeof(*f->fields));
	f->resolver = f->fields ? resolver_new(&f->loop, &resolver) : NULL;
	return f->resolver != NULL;
}

void fetcher_fini(struct fetcher *f)
{
	if (f->resolver)
		resolver_free(f->resolver);
	if (f->loop.base)
		loop_fini(&f->loop);
	digest_fini(&f->digest);
	free(f->fields);
}
