/*
 * The first half of an exchange: what is asked for, policy's edits, a connection, the request on its way.
 */
#include "proxy/dial.h"
#include "proxy/exchange_steps.h"
#include "proxy/pages.h"

/* -- target -- */

/* The name under which freshet's own pages are reached through the proxy. */
#define OWN_HOST SPAN("freshet.internal")

bool exchange_is_own_authority(const struct exchange *x)
{
	struct address a;

	if (span_ieq(x->target.host, OWN_HOST))
		return true;
	return snapshot_listens_on(x->view->snapshot, x->target.port) &&
	       address_parse_numeric(x->target.host, x->target.port, &a) && snapshot_is_self(x->view->snapshot, &a);
}

/*
 * A request as to a web server.  Only a literal address, localhost or our own name may be meant for us: any other name
 * is a site whose program did not know that it speaks to a proxy, or a page that tries to reach us under its own.
 */
static bool is_meant_for_us(const struct exchange *x)
{
	struct span host;
	struct address a;
	uint16_t port;
	bool is_ipv6;
	const char *why;

	if (!message_has(&x->request, HEADER_HOST))
		return true;
	if (!host_parse(message_value(&x->request, HEADER_HOST), &host, &port, &is_ipv6, &why))
		return false;
	return address_parse_numeric(host, port, &a) || span_ieq(host, OWN_HOST) || span_ieq(host, SPAN("localhost"));
}

static enum step own_page(struct exchange *x)
{
	x->policy.not_busted = "the proxy's own page";
	if (!is_meant_for_us(x))
		return exchange_fail(x, REPLY_MISDIRECTED, NULL);
	struct page page;
	if (!page_find(x->target.path, worker_is_leaving(x->worker), &page))
		return exchange_fail(x, REPLY_NOT_FOUND, NULL);
	if (x->request.method_id != METHOD_GET && x->request.method_id != METHOD_HEAD)
		return exchange_fail(x, REPLY_METHOD, NULL);
	x->facts.unrecorded = page.watched;
	return exchange_answered(x, reply_page(x, page.status, page.content_type, page.body));
}

/* What the configuration wants for this site. */
static void choose_settings(struct exchange *x)
{
	struct policy_subject subject = {
		.target = &x->target,
		.method = x->request.method,
		.client = &x->client->address,
	};

	x->policy.settings = policy_match(x->view->snapshot->policy, &subject);
}

/* The same for an address that was asked for and for one that a name turned out to have. */
static enum step refuse_destination(struct exchange *x)
{
	return exchange_fail(x, REPLY_DENIED_DESTINATION, "deny-destinations keeps this client from there");
}

static enum step target_connect(struct exchange *x)
{
	choose_settings(x);
	x->policy.not_busted = "opaque tunnel: not busted";
	if (!config_ports_have(&x->view->snapshot->config->connect_ports, x->target.port))
		return exchange_fail(x, REPLY_DENIED_PORT, "CONNECT to a port that connect-ports does not name");
	if (access_refuses_target(x))
		return refuse_destination(x);
	return exchange_may_intercept(x) ? exchange_intercept(x) : exchange_ask_origin(x);
}

/*
 * Max-Forwards of TRACE and OPTIONS (RFC 9110 section 7.6.2): at 0 the answer is ours, otherwise it counts down.  False
 * when the answer is ours.
 */
static bool may_forward(struct exchange *x)
{
	uint64_t hops;
	char *text;

	if (x->request.method_id != METHOD_TRACE && x->request.method_id != METHOD_OPTIONS)
		return true;
	if (!message_has(&x->request, HEADER_MAX_FORWARDS))
		return true;
	if (!span_u64(message_value(&x->request, HEADER_MAX_FORWARDS), INT32_MAX, &hops))
		return true;
	if (!hops)
		return false;
	text = arena_alloc(&x->arena, 20);
	if (text)
		message_set(&x->request, HEADER_MAX_FORWARDS, span_of(text, span_put_u64(text, hops - 1)),
			"RFC 9110: one hop less");
	return true;
}

static enum step final_recipient(struct exchange *x)
{
	x->policy.not_busted = "answered by the proxy itself";
	if (x->request.method_id == METHOD_TRACE)
		return exchange_answered(x, reply_trace(x));
	return exchange_answered(x, reply_options(x));
}

static enum step target_absolute(struct exchange *x)
{
	if (exchange_is_own_authority(x))
		return own_page(x);
	if (access_refuses_target(x))
		return refuse_destination(x);
	if (!may_forward(x))
		return final_recipient(x);
	x->stage = STAGE_POLICY;
	return STEP_AGAIN;
}

/*
 * Inside of an intercepted tunnel: the target becomes absolute, by the tunnel's scheme and the request's Host (RFC 9112
 * section 3.3), and from there on the request is like any other.  False with the error answered.
 */
static bool make_absolute(struct exchange *x, enum step *step)
{
	const struct secure *s = x->client->secure;
	struct span target = x->request.target, authority = message_value(&x->request, HEADER_HOST);
	bool is_asterisk = span_eq(target, SPAN("*"));

	if (x->request.method_id == METHOD_CONNECT) {
		*step = exchange_fail(x, REPLY_BAD_REQUEST, "CONNECT inside of a tunnel");
		return false;
	}
	if (!is_asterisk && (!target.n || target.p[0] != '/'))
		return true;
	if (!authority.n)
		authority = s->authority;
	char *url = arena_alloc(&x->arena, sizeof("https://") + authority.n + target.n);
	if (!url) {
		*step = exchange_fail(x, REPLY_INTERNAL, "memory is out");
		return false;
	}
	size_t n = sizeof("https://") - 1;
	memcpy(url, "https://", n);
	memcpy(url + n, authority.p, authority.n);
	n += authority.n;
	if (!is_asterisk) {
		memcpy(url + n, target.p, target.n);
		n += target.n;
	}
	x->request.target = span_of(url, n);
	return true;
}

/*
 * Another site's request does not belong into this tunnel: neither its name nor its certificate were looked at.  Who
 * names no port means the tunnel's.
 */
static bool belongs_here(struct exchange *x)
{
	const struct secure *s = x->client->secure;

	if (!s)
		return true;
	if (!x->target.port_given)
		x->target.port = s->port;
	return x->target.scheme == SCHEME_HTTPS && x->target.port == s->port &&
	       (span_ieq(x->target.host, s->host) || span_ieq(x->target.host, s->name));
}

enum step step_target(struct exchange *x)
{
	const char *why;
	enum step step;

	if (x->client->secure && !make_absolute(x, &step))
		return step;
	if (!target_parse(x->request.target, x->request.method_id == METHOD_CONNECT, &x->target, &why)) {
		x->client_persistent = false; /* who errs here may have meant something else by what follows, too */
		return exchange_fail(x, REPLY_BAD_REQUEST, why);
	}
	if (!belongs_here(x))
		return exchange_fail(x, REPLY_OTHER_SITE, NULL);
	switch (x->target.form) {
	case TARGET_ORIGIN:
		return own_page(x);
	case TARGET_ABSOLUTE:
		return target_absolute(x);
	case TARGET_AUTHORITY:
		return target_connect(x);
	case TARGET_ASTERISK:
		break;
	}
	if (x->request.method_id != METHOD_OPTIONS) {
		x->client_persistent = false;
		return exchange_fail(x, REPLY_BAD_REQUEST, "the target * belongs to OPTIONS only");
	}
	return final_recipient(x);
}

/* -- policy -- */

enum { LOOP_MARK_LEN = 8 };

/*
 * What our Via says to us alone: the same for the same place, different for different places, so that it tells an
 * origin nothing about where else its visitors go.
 */
static void loop_mark(const struct exchange *x, char out[LOOP_MARK_LEN])
{
	uint64_t h = x->worker->shared->instance ^ x->target.port;

	for (size_t i = 0; i < x->target.host.n; i++) {
		h ^= (unsigned char)ascii_lower(x->target.host.p[i]);
		h *= UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
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
	if (!message_has(&x->request, HEADER_VIA))
		return false;
	for (unsigned i = 0; i < x->request.field_count; i++)
		if (x->request.fields[i].id == HEADER_VIA && holds_mark(x->request.fields[i].value, mark))
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

enum step step_policy(struct exchange *x)
{
	char mark_text[LOOP_MARK_LEN];
	struct span mark = span_of(mark_text, LOOP_MARK_LEN);
	const char *refusal;

	choose_settings(x);
	refusal = policy_refuses(x->policy.settings, &x->request);
	if (refusal)
		return exchange_fail(x, REPLY_SPECULATION, refusal);
	loop_mark(x, mark_text);
	if (has_been_here(x, mark))
		return exchange_fail(x, REPLY_LOOP, "our own mark is in the request's Via");
	policy_request(&x->policy, x->policy.settings, &x->request, &x->arena);
	message_set(&x->request, HEADER_HOST, x->target.authority, "RFC 9112 section 3.2.2: the target decides");
	if (!x->request.minor)
		message_remove(&x->request, HEADER_EXPECT, "RFC 9110 section 10.1.1: not from HTTP/1.0");
	add_via(x, mark);
	return exchange_ask_origin(x);
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
		return REPLY_TLS_ALERT;
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
		return refuse_destination(x);
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

/* The target in origin-form (RFC 9112 section 3.2.1); empty when memory is out. */
static struct span origin_form(struct exchange *x)
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

enum step step_send(struct exchange *x)
{
	struct loop *l = &x->worker->loop;
	struct h1_write w = {
		.framing = x->request.framing,
		.content_length = x->request.content_length,
		.connection = x->request.websocket ? H1_CONNECTION_UPGRADE : H1_CONNECTION_DEFAULT,
		.target = x->place.route == ROUTE_HTTP_PARENT && !x->place.tls.on ? x->request.target : origin_form(x),
		.te_trailers = x->request.te_trailers,
	};

	if (!w.target.n || h1_head_room(&x->request, &w) > LOOP_OUT_BYTES)
		return exchange_fail(x, REPLY_INTERNAL, "no room to write the request's head");
	x->up.prefix = span_of(l->out, h1_write_request(&x->request, &w, l->out));
	x->head_len = x->up.prefix.n;
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
