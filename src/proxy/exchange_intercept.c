/*
 * CONNECT to a site whose TLS is to be read: stages HELLO, PROBE and ACCEPT.  What the client says inside are requests
 * like any others (client.c); what must not be read goes on as a tunnel (exchange_tunnel.c).
 */
#include "inspect/passing.h"
#include "proxy/exchange_steps.h"
#include "proxy/learned.h"
#include "proxy/unread.h"
#include "tls/hello.h"
#include "tls/transport.h"

#define MINUTE_US (INT64_C(60) * 1000000)
#define FIT_FOR_US (10 * MINUTE_US)
#define PASS_FOR_US (60 * MINUTE_US)
#define PASS_BRIEFLY_US MINUTE_US

/* -- passing through -- */

static struct learned_about about(const struct exchange *x, bool this_client)
{
	return (struct learned_about){
		.host = x->target.host,
		.port = x->target.port,
		.client = this_client ? &x->client->address : NULL,
	};
}

static struct learned *learned_of(const struct exchange *x)
{
	return x->worker->shared->learned;
}

static void mark_passed(struct exchange *x, const char *reason, int64_t left_us)
{
	x->policy.not_busted = reason;
	x->facts.passed_for_us = left_us;
}

/* Unread after all: the client's hello, stored so far, goes to the origin as it came. */
static enum step pass(struct exchange *x, const char *reason, int64_t for_us)
{
	deadline_stop(&x->worker->loop, &x->deadline);
	if (x->policy.settings->intercept == INTERCEPT_STRICT || exchange_is_own_name(x->target.host))
		return exchange_abandon(x, reason);
	mark_passed(x, reason, for_us);
	x->failure.status = CONNECT_OK;
	return exchange_ask_origin(x);
}

/* The same, and remembered for everybody. */
static enum step pass_for(struct exchange *x, enum passing reason, int64_t for_us)
{
	struct learned_about host = about(x, false);

	learned_add(learned_of(x), &host, LESSON_PASS, passing_text(reason), for_us);
	return pass(x, passing_text(reason), for_us);
}

bool exchange_may_intercept(struct exchange *x)
{
	struct learned_about host = about(x, true);
	enum lesson lesson;
	const char *reason;
	int64_t left_us;

	if (x->policy.settings->intercept == INTERCEPT_NO || !snapshot_leaves(x->view->snapshot))
		return false;
	if (x->policy.settings->intercept == INTERCEPT_STRICT)
		return true;
	if (!learned_find(learned_of(x), &host, &lesson, &reason, &left_us) || lesson != LESSON_PASS)
		return true;
	mark_passed(x, reason, left_us);
	return false;
}

/* -- the client's hello -- */

/* Of some protocols it is the server who begins: there the client would wait for ever, and we for it. */
static enum deadline_class silence_of(const struct exchange *x)
{
	return x->policy.settings->intercept == INTERCEPT_STRICT ? DEADLINE_CLIENT_HEAD : DEADLINE_CLIENT_HELLO;
}

void exchange_hello_expired(struct exchange *x)
{
	pass(x, passing_text(PASSING_CLIENT_SILENT), 0);
}

/* It has begun: now it has the time that a head has. */
static void hello_has_begun(struct exchange *x)
{
	if (x->deadline.class == DEADLINE_CLIENT_HELLO)
		deadline_start(&x->worker->loop, &x->deadline, DEADLINE_CLIENT_HEAD);
}

enum step exchange_intercept(struct exchange *x)
{
	if (!reply_tunnel(x))
		return exchange_abandon(x, "the client went away");
	x->tunnel_told = x->head_sent = true;
	x->stage = STAGE_HELLO;
	deadline_start(&x->worker->loop, &x->deadline, silence_of(x));
	x->client->conn.bytes = BYTES_THERE; /* it may have come with the request; asking costs one read */
	return STEP_AGAIN;
}

/* The name that the client believes to talk to. */
static struct span name_of(const struct exchange *x, const struct hello *h)
{
	return h->name_len ? span_of(h->name, h->name_len) : x->target.host;
}

static const char *reason_to_pass(const struct exchange *x, const struct hello *h)
{
	bool is_other = h->name_len && !span_ieq(name_of(x, h), x->target.host);

	if (h->has_alpn && !h->has_alpn_http1)
		return passing_text(PASSING_CLIENT_NOT_HTTP1);
	if (h->version < 0x0303 && !x->policy.settings->tls_legacy)
		return passing_text(PASSING_CLIENT_OLD_TLS);
	if (h->is_encrypted && is_other)
		return passing_text(PASSING_CLIENT_HIDES_NAME);
	if (!leaves_may_sign(snapshot_leaves(x->view->snapshot), name_of(x, h)))
		return passing_text(PASSING_NAME_CONSTRAINED);
	return NULL;
}

/* Where the requests that come will go. */
static void choose_tls_place(struct exchange *x, struct span name)
{
	exchange_choose_place(x);
	x->place.tls.on = true;
	x->place.tls.name = name;
}

static bool is_known_to_be_fit(struct exchange *x)
{
	struct learned_about host = about(x, false);
	enum lesson lesson;
	const char *reason;
	int64_t left_us;

	return learned_find(learned_of(x), &host, &lesson, &reason, &left_us) && lesson == LESSON_FIT;
}

static enum step hello_is_whole(struct exchange *x, const struct hello *h)
{
	const char *reason = reason_to_pass(x, h);

	deadline_stop(&x->worker->loop, &x->deadline);
	if (reason)
		return pass(x, reason, 0);
	struct span name = arena_copy(&x->arena, name_of(x, h));
	if (!name.n)
		return exchange_abandon(x, "memory is out");
	x->secure_name = name;
	if (exchange_is_own_authority(x)) {
		x->stage = STAGE_ACCEPT;
		return STEP_AGAIN;
	}
	choose_tls_place(x, name);
	if (is_known_to_be_fit(x)) {
		origin_warm(x->worker, &x->place);
		x->stage = STAGE_ACCEPT;
		return STEP_AGAIN;
	}
	x->stage = STAGE_PROBE;
	x->facts.asked_us = x->worker->loop.now_us;
	return origin_ask(x) == ORIGIN_WAIT ? STEP_WAIT : STEP_AGAIN;
}

enum step step_hello(struct exchange *x)
{
	struct conn *c = &x->client->conn;
	struct hello hello;
	const char *why;

	switch (hello_read(conn_stored(c), &hello, &why)) {
	case HELLO_WHOLE:
		return hello_is_whole(x, &hello);
	case HELLO_NOT_TLS:
		return pass(x, passing_text(PASSING_CLIENT_NOT_TLS), 0);
	case HELLO_BAD:
		return pass(x, why, 0);
	case HELLO_MORE:
		break;
	}
	if (c->read_ended)
		return exchange_abandon(x, "the client went away");
	if (conn_stored(c).n)
		hello_has_begun(x);
	return STEP_WAIT;
}

/* -- the origin, looked at before the client is promised anything -- */

static enum step accept_next(struct exchange *x)
{
	x->failure.status = CONNECT_OK;
	x->queue_reason = NULL;
	x->stage = STAGE_ACCEPT;
	return STEP_AGAIN;
}

static enum step origin_is_there(struct exchange *x)
{
	struct learned_about host = about(x, false);
	struct origin_conn *oc = x->origin;

	if (tls_facts(&oc->conn).certificate_wanted) {
		exchange_drop_origin(x);
		return pass_for(x, PASSING_ORIGIN_WANTS_CERTIFICATE, PASS_FOR_US);
	}
	learned_add(learned_of(x), &host, LESSON_FIT, NULL, FIT_FOR_US);
	x->origin = NULL;
	origin_give_back(oc, true);
	return accept_next(x);
}

void exchange_probe_expired(struct exchange *x)
{
	origin_forget(x);
	x->queue_reason = "no connection came free within timeout-queue";
}

enum step step_probe(struct exchange *x)
{
	if (x->origin)
		return origin_is_there(x);
	if (x->queue_reason)
		return accept_next(x); /* the requests will be told */
	switch (x->failure.status) {
	case CONNECT_OK:
		return STEP_WAIT;
	case CONNECT_TLS_CERTIFICATE_WANTED:
		return pass_for(x, PASSING_ORIGIN_WANTS_CERTIFICATE, PASS_FOR_US);
	case CONNECT_TLS_NOT:
		return pass_for(x, PASSING_ORIGIN_NOT_TLS, PASS_FOR_US);
	case CONNECT_TLS_ALERT:
	case CONNECT_TLS_FAILED:
		return pass_for(x, PASSING_ORIGIN_NO_HANDSHAKE, PASS_FOR_US);
	case CONNECT_TLS_TROUBLE: /* restarts and overload look like this: what is true now need not be so for an hour */
	case CONNECT_TLS_CUT:
		return pass_for(x, PASSING_ORIGIN_BROKE_OFF, PASS_BRIEFLY_US);
	case CONNECT_TLS_CERTIFICATE:
	case CONNECT_DNS_NOT_FOUND:
	case CONNECT_DNS_TIMEOUT:
	case CONNECT_DNS_FAILED:
	case CONNECT_REFUSED:
	case CONNECT_TIMEOUT:
	case CONNECT_UNREACHABLE:
	case CONNECT_FORBIDDEN:
	case CONNECT_PROHIBITED:
	case CONNECT_NO_RESOURCES:
	case CONNECT_PARENT_FAILED:
		break;
	}
	return accept_next(x); /* the requests will be told, by a page that can be read */
}

/* -- the client, shown our certificate -- */

static bool start_accept(struct exchange *x)
{
	const struct snapshot *s = x->view->snapshot;
	bool forged;
	struct leaf *leaf = leaf_get(snapshot_leaves(s), x->secure_name, &forged);

	if (!leaf)
		return false;
	count_one(&x->worker->counters, METRIC_LEAVES + !forged);
	bool ok = tls_accept(&x->client->conn, s->tls, leaf, x->secure_name, x->policy.settings->tls_legacy);
	leaf_put(leaf);
	if (ok)
		deadline_start(&x->worker->loop, &x->deadline, DEADLINE_CLIENT_HEAD);
	return ok;
}

static enum step accepted(struct exchange *x)
{
	if (!client_become_secure(x->client, x->target.host, x->target.port, x->secure_name))
		return exchange_abandon(x, "memory is out");
	struct tls_facts facts = tls_facts(&x->client->conn);
	count_handshake(&x->worker->counters, COUNT_PEER_CLIENT,
		facts.resumed ? COUNT_HANDSHAKE_RESUMED : COUNT_HANDSHAKE_FULL);
	unread_forget(x->worker->shared->unread, x->target.host, x->target.port);
	x->facts.intercepted = true;
	x->policy.not_busted = NULL;
	x->facts.tls = facts.version;
	x->client_persistent = true;
	x->stage = STAGE_DONE;
	return STEP_AGAIN;
}

static const char *error_type(enum tls_fault fault)
{
	switch (fault) {
	case TLS_FAULT_ALERT:
	case TLS_FAULT_TROUBLE:
		return "tls_alert_received";
	case TLS_FAULT_CLOSED:
		return "connection_terminated";
	case TLS_FAULT_MEMORY:
		return "proxy_internal_error";
	case TLS_FAULT_NONE:
	case TLS_FAULT_CERTIFICATE:
	case TLS_FAULT_NOT_TLS:
	case TLS_FAULT_PROTOCOL:
		break;
	}
	return "tls_protocol_error";
}

/* Programs refuse our certificate in many ways: by any alert, and by closing without a word. */
static bool is_refusal(enum tls_fault fault)
{
	switch (fault) {
	case TLS_FAULT_ALERT:
	case TLS_FAULT_TROUBLE:
	case TLS_FAULT_CLOSED:
		return true;
	case TLS_FAULT_NONE:
	case TLS_FAULT_CERTIFICATE:
	case TLS_FAULT_NOT_TLS:
	case TLS_FAULT_PROTOCOL:
	case TLS_FAULT_MEMORY:
		break;
	}
	return false;
}

/* Who refuses will not be asked again for a while. */
static enum step refused(struct exchange *x, const struct tls_failure *failure)
{
	struct learned_about client = about(x, true);

	count_handshake(&x->worker->counters, COUNT_PEER_CLIENT, COUNT_HANDSHAKE_FAILED);
	x->facts.error = failure->reason;
	x->facts.proxy_error = error_type(failure->fault);
	if (is_refusal(failure->fault) && !exchange_is_own_name(x->target.host)) {
		learned_add(learned_of(x), &client, LESSON_PASS, passing_text(PASSING_CLIENT_REFUSED), PASS_FOR_US);
		unread_begin(x->worker->shared->unread, x->target.host, x->target.port, passing_text(PASSING_CLIENT_REFUSED));
		x->facts.passed_for_us = PASS_FOR_US;
	}
	x->client_persistent = false;
	x->stage = STAGE_DONE;
	return STEP_AGAIN;
}

enum step step_accept(struct exchange *x)
{
	struct conn *c = &x->client->conn;
	bool shown = tls_is_on(c); /* our certificate, before */
	struct tls_failure failure;

	if (c->read_ended)
		return exchange_abandon(x, "the client went away");
	if (!shown && !start_accept(x))
		return exchange_abandon(x, "no certificate could be made for this name");
	switch (tls_handshake(c, &failure)) {
	case TLS_MORE:
		return STEP_WAIT;
	case TLS_DONE:
		return accepted(x);
	case TLS_FAILED:
		break;
	}
	if (!shown && failure.fault == TLS_FAULT_CLOSED)
		return exchange_abandon(x, "the client went away");
	return refused(x, &failure);
}
