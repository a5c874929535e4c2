/*
 * One request and its response: life, events, the step function.  What each stage does is in exchange_access.c,
 * exchange_request.c, exchange_response.c and exchange_tunnel.c.
 */
#include "proxy/exchange.h"

#include "proxy/dial.h"
#include "proxy/exchange_steps.h"
#include "proxy/export.h"
#include "proxy/live.h"
#include "proxy/report.h"
#include "proxy/sampling.h"
#include "tls/transport.h"

static void exchange_on_deadline(struct deadline *d);

static void arena_of(struct exchange *x)
{
	size_t at = (sizeof(*x) + 15) & ~(size_t)15;

	arena_init(&x->arena, (char *)x + at, EXCHANGE_BYTES - at, EXCHANGE_ARENA_LIMIT);
}

struct exchange *exchange_new(struct client *c)
{
	struct worker *w = c->worker;
	struct exchange *x = slab_get(&w->exchange_slab);

	_Static_assert(sizeof(*x) <= EXCHANGE_BYTES - 2048, "the arena needs room for an ordinary head");
	if (!x)
		return NULL;
	message_init(&x->request, w->fields, worker_snapshot(w)->limits.fields);
	x->client = c;
	x->worker = w;
	return x;
}

void exchange_discard(struct exchange *x)
{
	slab_put(&x->worker->exchange_slab, x);
}

/* Everything but the request and the arena, which the client filled already. */
static void exchange_start(struct exchange *x)
{
	x->id = EXCHANGE_WITHOUT_ID;
	x->stage = STAGE_ACCESS;
	x->view = snapshot_view_get(x->worker->view);
	x->origin = NULL;
	x->waiting_at = NULL;
	x->dial = NULL;
	x->login = NULL;
	x->viewer = NULL;
	x->export = NULL;
	x->user = NULL;
	x->retry_after_s = 0;
	x->login_failed = false;
	list_init(&x->wait_link);
	deadline_init(&x->deadline, exchange_on_deadline);
	x->target = (struct target){ .form = TARGET_ORIGIN };
	x->policy = (struct policy_state){ .settings = NULL };
	x->pierce = (struct piercing){ .on = false };
	flow_init(&x->up, x->request.framing, x->request.content_length, x->request.framing);
	flow_init(&x->down, FRAMING_NONE, 0, FRAMING_NONE);
	x->digest = (struct digest){ .context = NULL };
	x->failure = (struct connector_result){ .status = CONNECT_OK };
	x->queue_reason = NULL;
	x->head_len = x->response_scanned = 0;
	x->interim_count = 0;
	x->fresh_only = x->head_sent = x->client_gone = x->up_abandoned = false;
	x->tunnel = x->tunnel_told = x->stepping = x->counted = false;
	x->secure_name = SPAN_NONE;
	x->client_persistent = x->request.persistent && !worker_is_leaving(x->worker);
	x->origin_persistent = false;
	/* The edits behind response_edit_count are never read. */
	memset(&x->facts, 0, offsetof(struct exchange_facts, response_edits));
	x->facts.dial_us = -1;
	x->facts.started_us = x->worker->loop.now_us;
	x->client->exchange = x;
	x->client->state = CLIENT_BUSY;
	count_move(&x->worker->counters, COUNT_CLIENT_IDLE, COUNT_CLIENT_BUSY);
}

bool exchange_keep_head(struct exchange *x, struct span head)
{
	arena_of(x);
	if (message_keep(&x->request, head, &x->arena))
		return true;
	arena_reset(&x->arena, EXCHANGE_ARENA_LIMIT);
	return false;
}

void exchange_begin(struct exchange *x)
{
	exchange_start(x);
	exchange_step(x);
}

static enum reply_error error_of_fault(enum h1_fault fault)
{
	switch (fault) {
	case H1_FAULT_SYNTAX:
	case H1_FAULT_FRAMING:
		return REPLY_BAD_REQUEST;
	case H1_FAULT_TARGET_TOO_LONG:
		return REPLY_TARGET_TOO_LONG;
	case H1_FAULT_HEAD_TOO_LARGE:
		return REPLY_HEAD_TOO_LARGE;
	case H1_FAULT_VERSION:
		return REPLY_VERSION;
	case H1_FAULT_TLS:
		break;
	}
	return REPLY_TLS_TO_PLAIN;
}

/* An exchange without a readable request: only there to be answered and recorded. */
static void begin_failed(struct exchange *x, enum reply_error error, const char *details)
{
	arena_of(x);
	message_init(&x->request, NULL, 0);
	x->request.minor = 1;
	exchange_start(x);
	exchange_fail(x, error, details);
	exchange_step(x);
}

void exchange_begin_bad(struct exchange *x, const struct h1_error *error)
{
	begin_failed(x, error_of_fault(error->fault), error->reason);
}

void exchange_begin_slow(struct exchange *x)
{
	begin_failed(x, REPLY_SLOW_REQUEST, "the request's head did not arrive within timeout-client-head");
}

void exchange_begin_refused(struct exchange *x)
{
	begin_failed(x, REPLY_TOO_MANY_CLIENTS, "the client's address has max-clients-per-address connections already");
}

static void exchange_bury(struct dead *dead)
{
	struct exchange *x = LIST_OF(dead, struct exchange, dead);

	arena_reset(&x->arena, EXCHANGE_ARENA_LIMIT);
	slab_put(&x->worker->exchange_slab, x);
}

void exchange_drop_origin(struct exchange *x)
{
	struct origin_conn *oc = x->origin;

	x->origin = NULL;
	if (oc)
		origin_conn_abort(oc);
}

static bool origin_is_reusable(const struct exchange *x)
{
	struct conn *o = &x->origin->conn;

	return x->origin_persistent && flow_done(&x->up) && flow_done(&x->down) && !x->up_abandoned && !o->read_ended &&
	       !conn_stored(o).n && !conn_blocked(o) && !conn_has_unread(o);
}

/* Bytes behind a whole answer: a second one, or the body of one that has none. */
static bool has_leftover(const struct exchange *x)
{
	struct conn *o = &x->origin->conn;
	char byte;

	if (!x->origin_persistent || !flow_done(&x->down))
		return false;
	return conn_stored(o).n || (conn_has_unread(o) && o->io->peek(o, &byte, 1) > 0);
}

static void check_leftover(struct exchange *x)
{
	if (!x->origin || !has_leftover(x))
		return;
	x->origin_persistent = false;
	if (!x->facts.error)
		x->facts.error = "the origin sent bytes behind its answer";
	origin_distrust(x->origin->origin, "sent bytes behind its answer");
}

static void release_origin(struct exchange *x)
{
	struct origin_conn *oc = x->origin;

	if (!oc)
		return;
	bool reusable = origin_is_reusable(x);
	x->origin = NULL;
	origin_give_back(oc, reusable);
}

/* A broken answer whose end only the close would tell must end in a reset; others show it by their framing. */
static struct client_ending ending_of(const struct exchange *x)
{
	bool whole = flow_done(&x->up) && !x->facts.truncated;

	return (struct client_ending){
		.persistent = x->client_persistent && whole,
		.reset = x->client_gone || (x->facts.truncated && x->down.to == FRAMING_CLOSE),
		.unread = !flow_done(&x->up) || x->facts.status >= 400,
	};
}

/* The end: records, returns what was borrowed, and lets the client go on. */
static void exchange_finish(struct exchange *x)
{
	struct client *c = x->client;
	struct client_ending ending = ending_of(x);

	deadline_stop(&x->worker->loop, &x->deadline);
	if (x->counted)
		tally_request_end(c->tally);
	check_leftover(x);
	report_exchange(x);
	sampling_consider(x);
	if (x->tunnel)
		exchange_tunnel_ended(x);
	count_move(&x->worker->counters, COUNT_CLIENT_BUSY, COUNT_CLIENT_IDLE);
	if (!x->facts.unrecorded)
		count_exchange(&x->worker->counters, x);
	if (x->waiting_at)
		origin_forget(x);
	if (x->login)
		login_forget(x);
	viewer_free(x->viewer);
	export_free(x->export);
	dial_cancel(x->dial);
	flow_fini(&x->up, x->worker);
	flow_fini(&x->down, x->worker);
	if (x->digest.context)
		digest_fini(&x->digest);
	release_origin(x);
	snapshot_view_put(x->view);
	c->exchange = NULL;
	loop_bury(&x->worker->loop, &x->dead, exchange_bury);
	client_exchange_done(c, &ending);
}

static enum step step(struct exchange *x)
{
	switch (x->stage) {
	case STAGE_ACCESS:
		return step_access(x);
	case STAGE_LOGIN:
		return step_login(x);
	case STAGE_TARGET:
		return step_target(x);
	case STAGE_HELLO:
		return step_hello(x);
	case STAGE_PROBE:
		return step_probe(x);
	case STAGE_ACCEPT:
		return step_accept(x);
	case STAGE_POLICY:
		return step_policy(x);
	case STAGE_ORIGIN:
		return step_origin(x);
	case STAGE_SEND:
		return step_send(x);
	case STAGE_HEAD:
		return step_head(x);
	case STAGE_RELAY:
		return step_relay(x);
	case STAGE_TUNNEL:
		return step_tunnel(x);
	case STAGE_LIVE:
		return step_live(x);
	case STAGE_EXPORT:
		return step_export(x);
	case STAGE_DONE:
		break;
	}
	return STEP_WAIT; /* over: exchange_step() ends it */
}

/* How much a client may send ahead while its body is not being passed on. */
static bool wants_ahead(const struct exchange *x)
{
	return conn_stored(&x->client->conn).n < x->view->snapshot->config->max_pipeline;
}

/* Whether what the client sends now is for TLS, and so for us. */
static bool shakes_hands(const struct exchange *x)
{
	return x->stage == STAGE_HELLO || x->stage == STAGE_ACCEPT;
}

/* The only place that says for what the two connections are to wake their owners. */
static void update_interest(struct exchange *x)
{
	struct conn *c = &x->client->conn;

	if (!x->origin) {
		c->read_wanted = shakes_hands(x) || wants_ahead(x);
		c->write_wanted = false;
		conn_update(c);
		return;
	}
	struct conn *o = &x->origin->conn;
	bool sending = !flow_done(&x->up) && !x->up_abandoned;

	c->read_wanted = sending ? flow_wants(&x->up, o) : wants_ahead(x);
	c->write_wanted = x->down.pipe.held_bytes > 0;
	o->read_wanted = x->stage == STAGE_HEAD ? !conn_blocked(c) : flow_wants(&x->down, c);
	o->write_wanted = x->up.pipe.held_bytes > 0;
	conn_update(c);
	conn_update(o);
}

void exchange_step(struct exchange *x)
{
	x->stepping = true;
	while (step(x) == STEP_AGAIN)
		;
	x->stepping = false;
	if (x->stage == STAGE_DONE)
		exchange_finish(x);
	else
		update_interest(x);
}

/* -- events -- */

/* Requests that come early wait in the connection's store; an end is remembered there. */
static enum io_result read_ahead(struct client *c)
{
	struct span bytes;
	bool filled;
	enum io_result result = conn_read(&c->conn, &bytes, &filled);

	if (result == IO_OK && !conn_consume(&c->conn, bytes, 0))
		return IO_ERROR;
	return result;
}

void exchange_client_readable(struct exchange *x)
{
	bool sending = x->origin && !flow_done(&x->up) && !x->up_abandoned;

	if (x->stage == STAGE_ACCEPT) {
		exchange_step(x);
		return;
	}
	if (!sending && read_ahead(x->client) == IO_ERROR) {
		exchange_client_broken(x);
		return;
	}
	if (sending || x->stage == STAGE_HELLO || x->stage == STAGE_LIVE)
		exchange_step(x);
	else
		update_interest(x);
}

void exchange_client_broken(struct exchange *x)
{
	exchange_give_up(x, "the client went away");
	exchange_step(x);
}

void exchange_origin_broken(struct exchange *x)
{
	/* Sending failed; an answer may have come before.  The steps read on and see. */
	x->up_abandoned = true;
	x->origin->conn.bytes = BYTES_THERE;
	exchange_step(x);
}

static void note_tls(struct exchange *x, const struct conn *c)
{
	struct tls_facts facts = tls_facts(c);

	x->facts.tls = facts.version;
	x->facts.staple_missing = facts.staple_missing;
}

void exchange_connected(struct exchange *x, struct origin_conn *oc, int64_t dial_us)
{
	deadline_stop(&x->worker->loop, &x->deadline);
	x->origin = oc;
	x->facts.connected_us = x->worker->loop.now_us;
	x->facts.dial_us = dial_us;
	x->facts.reused = oc->reused;
	x->facts.origin = oc->address;
	if (tls_is_on(&oc->conn))
		note_tls(x, &oc->conn);
	if (!x->stepping)
		exchange_step(x);
}

void exchange_not_connected(struct exchange *x, const struct connector_result *result)
{
	deadline_stop(&x->worker->loop, &x->deadline);
	x->failure = *result;
	x->facts.origin = result->address;
	exchange_step(x);
}

void exchange_dialled(struct exchange *x, struct dialled *end)
{
	struct origin_conn *oc = NULL;

	x->dial = NULL;
	if (end->result.status == CONNECT_OK) {
		oc = origin_conn_new(x->worker, NULL, end);
		if (!oc)
			end->result.status = CONNECT_NO_RESOURCES;
	}
	if (!oc) {
		exchange_not_connected(x, &end->result);
		return;
	}
	oc->exchange = x;
	exchange_connected(x, oc, end->took_us);
}

static void exchange_on_deadline(struct deadline *d)
{
	struct exchange *x = LIST_OF(d, struct exchange, deadline);

	exchange_expired(x, d->class);
	exchange_step(x);
}
