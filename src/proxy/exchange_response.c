/*
 * The second half of an exchange: the response's head, policy's edits to it, both bodies, and every way it can fail.
 */
#include "config/users.h"
#include "policy/purge.h"
#include "proxy/exchange_steps.h"
#include "proxy/preface.h"
#include "proxy/report.h"
#include "proxy/assets.h"
#include "tls/transport.h"

enum { INTERIM_MAX = 16 }; /* 1xx responses to one request; more is an origin gone mad */

static enum step take_response(struct exchange *x, struct span bytes);
static enum step relay_result(struct exchange *x, enum flow_result result);

/* -- no usable answer -- */

/* Nothing of the request is lost: it can be said again. */
static bool is_repeatable(const struct exchange *x)
{
	return x->facts.reused && !x->fresh_only && method_is_idempotent(x->request.method_id) && !x->up.body_bytes &&
	       (x->request.framing == FRAMING_NONE || x->request.framing == FRAMING_LENGTH);
}

/* The same request again, on a connection made for it. */
static enum step repeat(struct exchange *x)
{
	exchange_drop_origin(x);
	x->fresh_only = true;
	x->up_abandoned = false;
	x->facts.first_byte_us = 0;
	x->response_scanned = 0;
	return exchange_ask_origin(x);
}

/* The origin's connection ended, in order or not, before a whole head came. */
static enum step no_response(struct exchange *x)
{
	bool begun = conn_stored(&x->origin->conn).n > 0 || x->interim_count;
	bool our_fault = x->origin->conn.broken_off;

	if (!begun && is_repeatable(x))
		return repeat(x);
	if (!begun && exchange_pierce_unanswered(x))
		return exchange_ask_origin(x);
	bool wants_certificate = tls_is_on(&x->origin->conn) && tls_facts(&x->origin->conn).certificate_wanted;
	exchange_drop_origin(x);
	if (!begun && wants_certificate) /* in TLS 1.3 that is refused behind the handshake */
		return exchange_fail(x, REPLY_TLS_CERTIFICATE_WANTED, "the origin closed without an answer");
	if (our_fault)
		return exchange_fail(x, REPLY_NO_RESOURCES, "memory is out");
	if (begun)
		return exchange_fail(x, REPLY_INCOMPLETE, "the origin closed in the middle of its answer's head");
	return exchange_fail(x, REPLY_TERMINATED, "the origin closed without an answer");
}

/*
 * Whether the answer was under way before the request arrived, so that it is not the answer to it: what the origin's
 * machine sends confirms what it has received until then, and nothing of the request is confirmed.  It takes a
 * round trip for the confirmation of a request that did arrive to come back, so later there is no use in asking.
 */
static bool is_unasked(const struct exchange *x)
{
	int64_t took_us = x->facts.first_byte_us - x->facts.connected_us;

	if (took_us > 2 * x->origin->round_trip_us || (x->up.from == FRAMING_CHUNKED && x->up.body_bytes))
		return false; /* of chunks we do not know how much went out */
	return conn_unconfirmed(&x->origin->conn) >= x->head_len + x->up.body_bytes;
}

/* Somebody else's answer, unless the connection is new: then the origin had this answer for whoever came. */
static enum step unasked(struct exchange *x, struct span bytes)
{
	x->origin->ahead = true;
	origin_distrust(x->origin->origin, "answered before it was asked");
	if (!x->facts.reused)
		return take_response(x, bytes);
	if (is_repeatable(x))
		return repeat(x);
	return exchange_fail(x, REPLY_BAD_RESPONSE, "an answer that was sent before the request had arrived");
}

static enum step bad_response(struct exchange *x, const struct h1_error *error)
{
	exchange_drop_origin(x);
	switch (error->fault) {
	case H1_FAULT_HEAD_TOO_LARGE:
		return exchange_fail(x, REPLY_RESPONSE_TOO_LARGE, error->reason);
	case H1_FAULT_TLS:
		return exchange_fail(x, REPLY_TLS_ORIGIN, error->reason);
	case H1_FAULT_SYNTAX:
	case H1_FAULT_FRAMING:
	case H1_FAULT_TARGET_TOO_LONG:
	case H1_FAULT_VERSION:
		break;
	}
	return exchange_fail(x, REPLY_BAD_RESPONSE, error->reason);
}

/* -- heads -- */

/* The client's copy of a head; empty when it cannot be written. */
static struct span compose(struct exchange *x, const struct h1_write *w)
{
	struct loop *l = &x->worker->loop;

	if (h1_head_room(&x->worker->response, w) > LOOP_OUT_BYTES)
		return SPAN_NONE;
	return span_of(l->out, h1_write_response(&x->worker->response, w, l->out));
}

static void add_via(struct exchange *x)
{
	struct message *m = &x->worker->response;
	struct span name = x->view->snapshot->via;
	char *via = name.n ? arena_alloc(&x->arena, name.n + 4) : NULL;

	if (!via)
		return;
	memcpy(via, m->minor ? "1.1 " : "1.0 ", 4);
	memcpy(via + 4, name.p, name.n);
	message_add(m, HEADER_VIA, span_of(via, name.n + 4), "RFC 9110 section 7.6.3");
}

/* Passes a 1xx response on, which an HTTP/1.0 client would not understand (RFC 9110 section 15.2). */
static bool pass_interim(struct exchange *x)
{
	struct h1_write w = { .framing = FRAMING_NONE };

	if (!x->request.minor)
		return true;
	struct span head = compose(x, &w);
	return head.n && conn_send_span(&x->client->conn, head);
}

static enum framing framing_for_client(const struct exchange *x, enum framing from)
{
	switch (from) {
	case FRAMING_NONE:
	case FRAMING_LENGTH:
		return from;
	case FRAMING_CHUNKED:
	case FRAMING_CLOSE:
		break;
	}
	/* To 1.1 the end is told by the last chunk, so that a broken answer shows; 1.0 knows only the close. */
	return x->request.minor ? FRAMING_CHUNKED : FRAMING_CLOSE;
}

static enum h1_connection connection_for_client(const struct exchange *x)
{
	if (!x->client_persistent)
		return H1_CONNECTION_CLOSE;
	return x->request.minor ? H1_CONNECTION_DEFAULT : H1_CONNECTION_KEEP_ALIVE;
}

static void note_response(struct exchange *x)
{
	x->facts.status = (uint16_t)x->worker->response.status;
	x->facts.response_edit_count = record_edits(x->facts.response_edits, &x->worker->response);
}

/* Whether this answer is the one that has its client forget what it stored of this origin. */
static bool is_first_contact(const struct exchange *x)
{
	const struct target *t = &x->target;

	if (!purge_can(&x->policy, &x->request, &x->worker->response))
		return false;
	struct contact about = {
		.client = &x->client->address,
		.user = x->user ? span_str(x->user->name) : SPAN_NONE,
		.agent = message_value(&x->request, HEADER_USER_AGENT),
		.scheme = t->scheme,
		.host = t->host,
		.port = t->port,
	};

	return contacts_is_first(&x->worker->shared->contacts, &about, x->worker->loop.now_us);
}

static void apply_policy(struct exchange *x, int64_t now_s)
{
	struct message *m = &x->worker->response;

	if (x->policy.settings->mode != MODE_OFF)
		x->policy.verdict = &x->facts.verdict;
	x->policy.first_contact = is_first_contact(x);
	x->policy.stamp = (uint64_t)x->worker->loop.now_us;
	policy_response(&x->policy, &x->request, m, &x->arena, now_s);
	exchange_unpierce_response(x);
	add_via(x);
}

/* `bytes` begins with the head of a 101. */
static enum step upgrade(struct exchange *x, struct span bytes, size_t head_len)
{
	struct h1_write w = { .framing = FRAMING_NONE, .connection = H1_CONNECTION_UPGRADE };

	if (!x->worker->response.websocket || !x->request.websocket) {
		exchange_drop_origin(x);
		return exchange_fail(x, REPLY_BAD_RESPONSE, "the origin switched protocols unasked");
	}
	add_via(x);
	note_response(x);
	struct span head = compose(x, &w);
	report_response(x, span_first(bytes, head_len), head);
	x->head_sent = true;
	if (!head.n || !conn_send_span(&x->client->conn, head))
		return exchange_give_up(x, "the client went away");
	if (!conn_consume(&x->origin->conn, bytes, head_len))
		return exchange_give_up(x, "memory is out");
	return exchange_become_tunnel(x);
}

/* A script that is wrapped has text in front, of which its length tells.  HEAD may go without (RFC 9110 section 9.3.2). */
static struct preface *wrap(struct exchange *x, struct h1_write *w)
{
	struct preface *preface = NULL;

	if (!x->policy.wraps)
		return NULL;
	if (x->request.method_id == METHOD_HEAD) {
		w->keep_length = false;
		return NULL;
	}
	preface = preface_new(&x->arena, service_worker_prelude_js);
	if (preface)
		w->content_length += preface_len(preface);
	else
		x->policy.service_worker_note = "not wrapped: memory is out";
	return preface;
}

/* Whether anybody wants to know what the body was, to compare it with others. */
static bool wants_digest(const struct exchange *x)
{
	switch (x->view->snapshot->config->records_digest) {
	case CONFIG_RECORDS_DIGEST_AUTO:
		return atomic_load_explicit(&x->worker->shared->viewer_count, memory_order_relaxed) > 0;
	case CONFIG_RECORDS_DIGEST_ALWAYS:
		return true;
	case CONFIG_RECORDS_DIGEST_NEVER:
		break;
	}
	return false;
}

/* The client's answer: decides its framing and ours, and begins to pass its body on. */
static enum step start_relay(struct exchange *x, struct span bytes, size_t head_len, int64_t now_s)
{
	const struct message *m = &x->worker->response;
	enum framing to = framing_for_client(x, m->framing);
	struct loop *l = &x->worker->loop;

	/* An answer before the end of the request means that nobody may read the rest (RFC 9112 section 9.6). */
	x->client_persistent = x->client_persistent && to != FRAMING_CLOSE && !worker_is_leaving(x->worker) && flow_done(&x->up);
	x->origin_persistent = m->persistent && m->framing != FRAMING_CLOSE;
	apply_policy(x, now_s);
	struct h1_write w = {
		.framing = to,
		.content_length = m->content_length,
		.connection = connection_for_client(x),
		.keep_length = x->request.method_id == METHOD_HEAD || m->status == 304,
	};
	struct preface *preface = wrap(x, &w);
	struct span head = compose(x, &w);
	if (!head.n) {
		exchange_drop_origin(x);
		return exchange_fail(x, REPLY_RESPONSE_TOO_LARGE, "no room to write the answer's head");
	}
	note_response(x);
	report_response(x, span_first(bytes, head_len), head);
	flow_init(&x->down, m->framing, m->content_length, to);
	x->down.closes = !x->client_persistent && flow_done(&x->up);
	x->down.prefix = head;
	x->down.preface = preface;
	if (wants_digest(x) && digest_begin(&x->digest))
		x->down.digest = &x->digest;
	x->head_sent = true;
	x->stage = STAGE_RELAY;
	deadline_start(l, &x->deadline, DEADLINE_BODY);
	struct span rest = conn_skip(&x->origin->conn, bytes, head_len);
	enum flow_result result = flow_feed(&x->down, x->worker, &x->origin->conn, &x->client->conn, rest);
	return result == FLOW_WAIT ? STEP_AGAIN : relay_result(x, result);
}

/* A final response, unless a cache gave it and there is a way past. */
static enum step take_final(struct exchange *x, struct span bytes, size_t head_len)
{
	struct loop *l = &x->worker->loop;
	int64_t now_s = loop_wall_us(l, l->now_us) / 1000000;

	if (x->policy.settings->mode != MODE_OFF)
		evidence_judge(&x->worker->response, now_s, &x->facts.verdict);
	if (exchange_pierce_again(x, bytes, head_len))
		return exchange_ask_origin(x);
	return start_relay(x, bytes, head_len, now_s);
}

/* Works through received bytes: any interim responses, then the final head. */
static enum step take_response(struct exchange *x, struct span bytes)
{
	struct worker *w = x->worker;
	struct message *m = &w->response;
	struct h1_error error;
	size_t head_len = 0;

	for (;;) {
		message_init(m, w->fields, x->view->snapshot->limits.fields);
		switch (h1_read_response(bytes, &x->response_scanned, &x->view->snapshot->limits, &w->known,
			x->request.method_id, m, &head_len, &error)) {
		case H1_OK:
			break;
		case H1_MORE:
			if (!conn_consume(&x->origin->conn, bytes, 0))
				return exchange_fail(x, REPLY_INTERNAL, "memory is out");
			return STEP_AGAIN; /* an end may have come with it */
		case H1_BAD:
			return bad_response(x, &error);
		}
		x->response_scanned = 0;
		if (m->status == 101)
			return upgrade(x, bytes, head_len);
		if (m->status == 408 && is_repeatable(x))
			return repeat(x); /* meant for the connection, which it closes (RFC 9110 section 15.5.9) */
		if (m->status >= 200)
			return take_final(x, bytes, head_len);
		if (++x->interim_count > INTERIM_MAX) {
			exchange_drop_origin(x);
			return exchange_fail(x, REPLY_BAD_RESPONSE, "too many 1xx responses");
		}
		if (!pass_interim(x))
			return exchange_give_up(x, "the client went away");
		bytes = conn_skip(&x->origin->conn, bytes, head_len);
		if (!bytes.n)
			return STEP_AGAIN;
	}
}

enum step step_head(struct exchange *x)
{
	struct conn *o = &x->origin->conn;
	struct span bytes = SPAN_NONE;
	bool filled;
	enum step step;

	if (!exchange_send_body(x, &step))
		return step;
	if (conn_blocked(&x->client->conn) || o->bytes == BYTES_NONE)
		return STEP_WAIT; /* the former: interim responses that the client does not read */
	switch (conn_read(o, &bytes, &filled)) {
	case IO_OK:
		break;
	case IO_AGAIN:
		/* After a failed write there is nothing more to wait for. */
		return x->up_abandoned ? no_response(x) : STEP_WAIT;
	case IO_END:
	case IO_ERROR:
		return no_response(x);
	}
	if (!x->facts.first_byte_us) {
		x->facts.first_byte_us = x->worker->loop.now_us;
		if (is_unasked(x))
			return unasked(x, bytes);
	}
	return take_response(x, bytes);
}

/* -- bodies -- */

/* The response broke off: the client must be able to see that. */
static enum step truncated(struct exchange *x, const char *reason)
{
	x->facts.truncated = true;
	x->facts.error = reason;
	x->facts.proxy_error = "http_response_incomplete";
	exchange_drop_origin(x);
	x->stage = STAGE_DONE;
	return STEP_AGAIN;
}

static enum step relay_result(struct exchange *x, enum flow_result result)
{
	switch (result) {
	case FLOW_FINISHED:
		x->stage = STAGE_DONE;
		return STEP_AGAIN;
	case FLOW_WAIT:
		return STEP_WAIT;
	case FLOW_SOURCE_CUT:
		return truncated(x, "the origin closed before its answer was complete");
	case FLOW_SOURCE_BAD:
		return truncated(x, x->down.reason);
	case FLOW_SOURCE_BROKEN:
		return truncated(x, "the origin's connection was reset in the middle of its answer");
	case FLOW_SINK_BROKEN:
		break;
	}
	return exchange_give_up(x, "the client went away");
}

enum step step_relay(struct exchange *x)
{
	uint64_t before = x->down.body_bytes;
	enum step step;

	if (!exchange_send_body(x, &step))
		return step;
	enum flow_result result = flow_run(&x->down, x->worker, &x->origin->conn, &x->client->conn);
	if (result == FLOW_WAIT && x->down.body_bytes != before)
		deadline_start(&x->worker->loop, &x->deadline, DEADLINE_BODY);
	return relay_result(x, result);
}

/* -- endings -- */

enum step exchange_fail(struct exchange *x, enum reply_error error, const char *details)
{
	if (error == REPLY_NO_RESOURCES)
		worker_tell_shortage(x->worker, details);
	if (x->head_sent)
		return truncated(x, details ? details : "the exchange failed after its answer had begun");
	if (x->origin) /* whatever of the request went out is not to be taken for a whole one */
		exchange_drop_origin(x);
	return exchange_answered(x, reply_error(x, error, details));
}

enum step exchange_answered(struct exchange *x, bool sent)
{
	x->head_sent = true;
	if (!sent) {
		x->facts.error = "the client went away";
		x->client_persistent = false;
	}
	x->stage = STAGE_DONE;
	return STEP_AGAIN;
}

enum step exchange_give_up(struct exchange *x, const char *reason)
{
	if (!x->facts.error)
		x->facts.error = reason;
	x->facts.truncated = x->head_sent;
	x->client_persistent = false;
	x->client_gone = true;
	exchange_drop_origin(x);
	x->stage = STAGE_DONE;
	return STEP_AGAIN;
}

enum step exchange_abandon(struct exchange *x, const char *reason)
{
	exchange_give_up(x, reason);
	x->facts.truncated = false;
	return STEP_AGAIN;
}

void exchange_expired(struct exchange *x, enum deadline_class class)
{
	switch (class) {
	case DEADLINE_QUEUE:
		if (origin_is_coming(x))
			deadline_start(&x->worker->loop, &x->deadline, DEADLINE_QUEUE);
		else if (x->stage == STAGE_PROBE)
			exchange_probe_expired(x);
		else
			exchange_fail(x, REPLY_QUEUE_FULL, "no connection came free within timeout-queue");
		return;
	case DEADLINE_ORIGIN_HEAD:
		exchange_fail(x, REPLY_RESPONSE_TIMEOUT, "no answer within timeout-origin-head");
		return;
	case DEADLINE_BODY:
		if (flow_done(&x->up) || x->head_sent)
			exchange_fail(x, REPLY_RESPONSE_TIMEOUT, "nothing moved within timeout-body");
		else if (conn_blocked(&x->origin->conn))
			exchange_fail(x, REPLY_RESPONSE_TIMEOUT, "the origin took no more of the body within timeout-body");
		else
			exchange_fail(x, REPLY_SLOW_REQUEST, "no more of the body came within timeout-body");
		return;
	case DEADLINE_TUNNEL:
		exchange_abandon(x, "nothing moved within timeout-tunnel");
		return;
	case DEADLINE_CLIENT_HEAD:
		exchange_abandon(x, "the client's TLS handshake took longer than timeout-client-head");
		return;
	case DEADLINE_CLIENT_HELLO:
		exchange_hello_expired(x);
		return;
	case DEADLINE_CLIENT_IDLE:
	case DEADLINE_CONNECT:
	case DEADLINE_POOL_IDLE:
	case DEADLINE_ORIGIN_REST:
	case DEADLINE_TLS_REST:
	case DEADLINE_LINGER:
	case DEADLINE_CLASSES:
		break; /* not an exchange's */
	}
}
