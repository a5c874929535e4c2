/*
 * The first half of an exchange: policy's edits, a connection, the request on its way.
 */
#include "proxy/dial.h"
#include "proxy/exchange_steps.h"
#include "proxy/report.h"
#include "proxy/assets.h"

/* -- policy -- */

enum { LOOP_MARK_LEN = 8 };

static uint64_t mix(uint64_t h, uint64_t with)
{
	h = (h ^ with) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/*
 * What our Via says to us alone: the same for the same place, different for different places, so that it tells an
 * origin nothing about where else its visitors go.
 */
static void loop_mark(const struct exchange *x, char out[LOOP_MARK_LEN])
{
	uint64_t h = x->worker->shared->instance ^ x->target.port;
	struct span rest = x->target.host;

	for (; rest.n >= 8; rest = span_from(rest, 8)) {
		uint64_t eight;

		memcpy(&eight, rest.p, sizeof(eight));
		h = mix(h, eight | UINT64_C(0x2020202020202020)); /* in any case */
	}
	for (size_t i = 0; i < rest.n; i++)
		h = mix(h, (unsigned char)rest.p[i] | 0x20);
	h ^= x->worker->shared->instance * UINT64_C(0xbf58476d1ce4e5b9);
	h *= UINT64_C(0x94d049bb133111eb);
	h ^= h >> 31;
	for (int i = 0; i < LOOP_MARK_LEN; i++, h >>= 4)
		out[i] = "0123456789abcdef"[h & 15];
}

static bool holds_mark(struct span via, struct span mark)
{
	return via.n >= mark.n && memmem(via.p, via.n, mark.p, mark.n) != NULL;
}

static bool has_been_here(const struct exchange *x, struct span mark)
{
	for (const struct field *f = message_field(&x->request, HEADER_VIA); f; f = message_next(&x->request, f))
		if (holds_mark(f->value, mark))
			return true;
	return false;
}

/* "1.1 freshet (5f3c09d2)" */
static void add_via(struct exchange *x, struct span mark)
{
	struct span name = x->view->snapshot->via;
	char *via = name.n ? arena_alloc(&x->arena, name.n + LOOP_MARK_LEN + 8) : NULL;
	size_t n = 0;

	if (!via)
		return;
	memcpy(via, x->request.minor ? "1.1 " : "1.0 ", 4);
	n += 4;
	memcpy(via + n, name.p, name.n);
	n += name.n;
	memcpy(via + n, " (", 2);
	n += 2;
	memcpy(via + n, mark.p, mark.n);
	n += mark.n;
	via[n++] = ')';
	message_add(&x->request, HEADER_VIA, span_of(via, n), "RFC 9110 section 7.6.3");
}

/* Answers the request where it is not to be passed on. */
static bool is_answered_here(struct exchange *x, struct span mark, enum step *step)
{
	const char *refusal = policy_refuses(x->policy.settings, &x->request);

	if (refusal)
		*step = exchange_fail(x, REPLY_SPECULATION, refusal);
	else if (policy_kills_worker(&x->policy, x->policy.settings, &x->request))
		*step = exchange_answered(x, reply_script(x, service_worker_kill_js));
	else if (has_been_here(x, mark))
		*step = exchange_fail(x, REPLY_LOOP, "our own mark is in the request's Via");
	else
		return false;
	return true;
}

bool exchange_edit_request(struct exchange *x, enum step *step)
{
	char mark_text[LOOP_MARK_LEN];
	struct span mark = span_of(mark_text, LOOP_MARK_LEN);

	exchange_choose_settings(x);
	exchange_unpierce_target(x);
	loop_mark(x, mark_text);
	if (is_answered_here(x, mark, step))
		return false;
	policy_request(&x->policy, x->policy.settings, &x->request, &x->arena);
	message_set(&x->request, HEADER_HOST, x->target.authority, "RFC 9112 section 3.2.2: the target decides");
	if (!x->request.minor)
		message_remove(&x->request, HEADER_EXPECT, "RFC 9110 section 10.1.1: not from HTTP/1.0");
	add_via(x, mark);
	exchange_pierce_begin(x);
	return true;
}

enum step step_policy(struct exchange *x)
{
	enum step step;

	return exchange_edit_request(x, &step) ? exchange_ask_origin(x) : step;
}

/* -- origin -- */

void exchange_choose_place(struct exchange *x)
{
	const struct policy_settings *settings = x->policy.settings;

	x->place = (struct place){
		.host = x->target.host,
		.port = x->target.port,
		.route = routes_for(x->view->snapshot->routes, &x->target),
		.guarded = !x->client->access.local,
		.tls = {
			.unverified = settings->tls_unverified,
			.legacy = settings->tls_legacy,
			.generation = x->view->snapshot->serial,
			.name = x->target.host,
		},
	};
}

/* Inside of an intercepted tunnel it is the tunnel that says where to. */
static void choose_secure_place(struct exchange *x)
{
	const struct secure *s = x->client->secure;

	x->place.tls.on = true;
	x->facts.unverified = x->place.tls.unverified;
	if (!s)
		return;
	x->place.host = s->host;
	x->place.port = s->port;
	x->place.tls.name = s->name;
}

/* An HTTP parent gets whole requests; by any other way, and for tunnels, the destination itself is the place. */
static void choose_place(struct exchange *x)
{
	const struct routes *routes = x->view->snapshot->routes;

	exchange_choose_place(x);
	if (x->target.scheme == SCHEME_HTTPS)
		choose_secure_place(x);
	if (x->place.route != ROUTE_HTTP_PARENT || x->request.method_id == METHOD_CONNECT || x->place.tls.on)
		return;
	x->place.host = routes_parent(routes)->host;
	x->place.port = routes_parent(routes)->port;
	if (routes_authorization(routes).n)
		message_set(&x->request, HEADER_PROXY_AUTHORIZATION, routes_authorization(routes), "the parent's credentials");
}

enum step exchange_ask_origin(struct exchange *x)
{
	x->stage = STAGE_ORIGIN;
	x->facts.asked_us = x->worker->loop.now_us;
	choose_place(x);
	if (x->request.method_id == METHOD_CONNECT) {
		x->dial = dial_start(x->worker, NULL, x, x->place.route, x->place.host, x->place.port);
		if (x->dial)
			return STEP_WAIT;
		x->failure.status = CONNECT_NO_RESOURCES;
		return STEP_AGAIN;
	}
	return origin_ask(x) == ORIGIN_WAIT ? STEP_WAIT : STEP_AGAIN;
}

static enum reply_error error_of_connect(enum connect_status status)
{
	switch (status) {
	case CONNECT_DNS_NOT_FOUND:
		return REPLY_DNS_NOT_FOUND;
	case CONNECT_DNS_TIMEOUT:
		return REPLY_DNS_TIMEOUT;
	case CONNECT_DNS_FAILED:
		return REPLY_DNS_FAILED;
	case CONNECT_REFUSED:
		return REPLY_REFUSED;
	case CONNECT_TIMEOUT:
		return REPLY_CONNECT_TIMEOUT;
	case CONNECT_UNREACHABLE:
		return REPLY_UNREACHABLE;
	case CONNECT_FORBIDDEN:
		return REPLY_LOOP;
	case CONNECT_PROHIBITED:
		return REPLY_DENIED_DESTINATION;
	case CONNECT_PARENT_FAILED:
		return REPLY_PARENT_FAILED;
	case CONNECT_TLS_CERTIFICATE:
		return REPLY_TLS_CERTIFICATE;
	case CONNECT_TLS_CERTIFICATE_WANTED:
		return REPLY_TLS_CERTIFICATE_WANTED;
	case CONNECT_TLS_ALERT:
	case CONNECT_TLS_TROUBLE:
		return REPLY_TLS_ALERT;
	case CONNECT_TLS_CUT:
	case CONNECT_TLS_NOT:
	case CONNECT_TLS_FAILED:
		return REPLY_TLS_FAILED;
	case CONNECT_OK:
	case CONNECT_NO_RESOURCES:
		break;
	}
	return REPLY_NO_RESOURCES;
}

enum step step_origin(struct exchange *x)
{
	if (x->tunnel_told && x->failure.status != CONNECT_OK) /* too late for an answer: the client sees the close */
		return exchange_abandon(x, x->failure.reason ? x->failure.reason : connect_status_reason(x->failure.status));
	if (x->queue_reason)
		return exchange_fail(x, REPLY_QUEUE_FULL, x->queue_reason);
	if (x->failure.status == CONNECT_PROHIBITED)
		return exchange_refuse_destination(x);
	if (x->failure.status != CONNECT_OK)
		return exchange_fail(x, error_of_connect(x->failure.status),
			x->failure.reason ? x->failure.reason : connect_status_reason(x->failure.status));
	if (!x->origin)
		return STEP_WAIT;
	if (x->request.method_id == METHOD_CONNECT) {
		if (!x->tunnel_told && !reply_tunnel(x))
			return exchange_give_up(x, "the client went away");
		return exchange_become_tunnel(x);
	}
	x->stage = STAGE_SEND;
	return STEP_AGAIN;
}

/* -- send -- */

struct span exchange_origin_form(struct exchange *x)
{
	const struct target *t = &x->target;

	if (t->path_missing && x->request.method_id == METHOD_OPTIONS)
		return SPAN("*");
	if (!t->path_needs_slash)
		return t->path;
	char *path = arena_alloc(&x->arena, t->path.n + 1);
	if (!path)
		return SPAN_NONE;
	path[0] = '/';
	memcpy(path + 1, t->path.p, t->path.n);
	return span_of(path, t->path.n + 1);
}

/* The same for a parent proxy, with a path of ours. */
static struct span absolute_form(struct exchange *x, struct span path)
{
	struct span scheme = scheme_name(x->target.scheme), authority = x->target.authority;
	char *url = arena_alloc(&x->arena, scheme.n + 3 + authority.n + path.n);
	size_t n = scheme.n;

	if (!url)
		return SPAN_NONE;
	memcpy(url, scheme.p, n);
	memcpy(url + n, "://", 3);
	n += 3;
	memcpy(url + n, authority.p, authority.n);
	n += authority.n;
	memcpy(url + n, path.p, path.n);
	return span_of(url, n + path.n);
}

static struct span target_to_send(struct exchange *x)
{
	bool absolute = x->place.route == ROUTE_HTTP_PARENT && !x->place.tls.on;
	struct span path = x->pierce.path;

	if (!path.n)
		return absolute ? x->request.target : exchange_origin_form(x);
	return absolute ? absolute_form(x, path) : path;
}

struct span exchange_compose_request(struct exchange *x, struct span target)
{
	struct loop *l = &x->worker->loop;
	struct h1_write w = {
		.framing = x->request.framing,
		.content_length = x->request.content_length,
		.connection = x->request.websocket ? H1_CONNECTION_UPGRADE : H1_CONNECTION_DEFAULT,
		.target = target,
		.te_trailers = x->request.te_trailers,
	};

	if (!target.n || h1_head_room(&x->request, &w) > LOOP_OUT_BYTES)
		return SPAN_NONE;
	return span_of(l->out, h1_write_request(&x->request, &w, l->out));
}

enum step step_send(struct exchange *x)
{
	struct loop *l = &x->worker->loop;

	x->up.prefix = exchange_compose_request(x, target_to_send(x));
	if (!x->up.prefix.n)
		return exchange_fail(x, REPLY_INTERNAL, "no room to write the request's head");
	x->head_len = x->up.prefix.n;
	report_head(x, TRACE_REQUEST_SENT, x->up.prefix);
	x->stage = STAGE_HEAD;
	deadline_start(l, &x->deadline, flow_done(&x->up) ? DEADLINE_ORIGIN_HEAD : DEADLINE_BODY);
	return STEP_AGAIN;
}

/* The client broke its own request: where nothing was answered yet, it is told. */
static enum step bad_body(struct exchange *x, const char *reason)
{
	exchange_drop_origin(x);
	x->client_persistent = false;
	return exchange_fail(x, REPLY_BAD_REQUEST, reason);
}

bool exchange_send_body(struct exchange *x, enum step *step)
{
	uint64_t before = x->up.body_bytes;

	if (x->up_abandoned || (flow_done(&x->up) && !x->up.prefix.n))
		return true;
	switch (flow_run(&x->up, x->worker, &x->client->conn, &x->origin->conn)) {
	case FLOW_FINISHED:
		if (x->stage == STAGE_HEAD)
			deadline_start(&x->worker->loop, &x->deadline, DEADLINE_ORIGIN_HEAD);
		return true;
	case FLOW_WAIT:
		if (x->up.body_bytes != before)
			deadline_start(&x->worker->loop, &x->deadline, DEADLINE_BODY);
		return true;
	case FLOW_SINK_BROKEN:
		/* The origin may have answered before it closed: read on and see. */
		x->up_abandoned = true;
		x->origin->conn.bytes = BYTES_THERE;
		return true;
	case FLOW_SOURCE_CUT:
		*step = bad_body(x, "the client ended in the middle of its request's body");
		return false;
	case FLOW_SOURCE_BAD:
		*step = bad_body(x, x->up.reason);
		return false;
	case FLOW_SOURCE_BROKEN:
		break;
	}
	*step = exchange_give_up(x, "the client went away");
	return false;
}
