/*
 * Connections on their way.  Keeps freshet from calling itself, and clients from where they may not be taken: here it
 * is known what names resolve to, so that an answer which changes between two questions makes no difference.
 */
#include "proxy/dial.h"

#include "proxy/access.h"
#include "proxy/exchange.h"
#include "proxy/origin.h"
#include "proxy/worker.h"
#include "tls/transport.h"

static void dial_connect(struct dial *d);
static void parent_readable(struct conn *c);
static void parent_writable(struct conn *c);
static void parent_failed(struct conn *c);
static void parent_expired(struct conn *c);

static const struct conn_owner parent_owner = {
	.readable = parent_readable,
	.writable = parent_writable,
	.failed = parent_failed,
	.expired = parent_expired,
};

static void tls_readable(struct conn *c);
static void tls_writable(struct conn *c);
static void tls_failed(struct conn *c);
static void tls_expired(struct conn *c);

static const struct conn_owner tls_owner = {
	.readable = tls_readable,
	.writable = tls_writable,
	.failed = tls_failed,
	.expired = tls_expired,
};

static bool dial_allows(struct connector *c, const struct address *a)
{
	struct dial *d = LIST_OF(c, struct dial, connector);

	switch (access_address(d->view->snapshot, d->guarded, a)) {
	case ACCESS_FREE:
		return true;
	case ACCESS_SELF:
		d->own = true;
		return false;
	case ACCESS_PROHIBITED:
		break;
	}
	d->prohibited = true;
	d->left_out = *a;
	return false;
}

static void dial_bury(struct dead *dead)
{
	struct dial *d = LIST_OF(dead, struct dial, dead);

	snapshot_view_put(d->view);
	slab_put(&d->worker->dial_slab, d);
}

static void dial_leave(struct dial *d)
{
	list_remove(&d->link);
	loop_bury(&d->worker->loop, &d->dead, dial_bury);
}

/* -- the end -- */

static void dial_end(struct dial *d, struct dialled *end)
{
	end->took_us = d->worker->loop.now_us - d->started_us;
	end->judged = d->view->snapshot->serial;
	end->guarded = d->guarded;
	dial_leave(d);
	count_one(&d->worker->counters, METRIC_DIALS + (end->result.status != CONNECT_OK));
	if (d->origin)
		origin_dialled(d->origin, end);
	else
		exchange_dialled(d->exchange, end);
}

static void dial_fail(struct dial *d, enum connect_status status, const char *reason)
{
	struct dialled end = {
		.result = { .status = status, .fd = -1, .address = d->address, .reason = reason },
	};

	conn_close(&d->conn);
	dial_end(d, &end);
}

static void dial_succeed(struct dial *d)
{
	struct dialled end = { .result = { .status = CONNECT_OK, .fd = -1, .address = d->address } };

	end.core = conn_detach(&d->conn);
	dial_end(d, &end);
}

/* -- TLS with the origin -- */

/* Why it failed.  Whoever asks for a certificate and then gives up in whatever manner does so for want of one. */
static enum connect_status status_of(const struct dial *d, const struct tls_failure *failure)
{
	bool wanted = tls_facts(&d->conn).certificate_wanted;

	switch (failure->fault) {
	case TLS_FAULT_CERTIFICATE:
		return CONNECT_TLS_CERTIFICATE;
	case TLS_FAULT_NOT_TLS:
		return CONNECT_TLS_NOT;
	case TLS_FAULT_MEMORY:
		return CONNECT_NO_RESOURCES;
	case TLS_FAULT_ALERT:
		return wanted ? CONNECT_TLS_CERTIFICATE_WANTED : CONNECT_TLS_ALERT;
	case TLS_FAULT_TROUBLE:
		return wanted ? CONNECT_TLS_CERTIFICATE_WANTED : CONNECT_TLS_TROUBLE;
	case TLS_FAULT_CLOSED:
		return wanted ? CONNECT_TLS_CERTIFICATE_WANTED : CONNECT_TLS_CUT;
	case TLS_FAULT_PROTOCOL:
	case TLS_FAULT_NONE:
		break;
	}
	return CONNECT_TLS_FAILED;
}

static void shake_hands(struct dial *d)
{
	struct tls_failure failure;

	switch (tls_handshake(&d->conn, &failure)) {
	case TLS_MORE:
		conn_update(&d->conn);
		return;
	case TLS_DONE:
		count_handshake(&d->worker->counters, COUNT_PEER_ORIGIN,
			tls_facts(&d->conn).resumed ? COUNT_HANDSHAKE_RESUMED : COUNT_HANDSHAKE_FULL);
		dial_succeed(d);
		return;
	case TLS_FAILED:
		count_handshake(&d->worker->counters, COUNT_PEER_ORIGIN, COUNT_HANDSHAKE_FAILED);
		dial_fail(d, status_of(d, &failure), failure.reason);
		return;
	}
}

static void start_tls(struct dial *d)
{
	const struct tls_way *way = &d->origin->tls;
	struct tls_peer peer = {
		.name = way->name,
		.memory = &d->origin->sessions,
		.trust = way->unverified ? TLS_TRUST_ANYBODY : TLS_TRUST_VERIFIED,
		.legacy = way->legacy,
	};

	if (conn_stored(&d->conn).n) { /* nothing to do with the handshake: somebody on the way puts words in its mouth */
		dial_fail(d, CONNECT_TLS_NOT, "the origin spoke before TLS began");
		return;
	}
	if (!tls_connect(&d->conn, d->view->snapshot->tls, &peer)) {
		dial_fail(d, CONNECT_NO_RESOURCES, "memory is out");
		return;
	}
	d->conn.owner = &tls_owner;
	d->conn.read_wanted = true;
	deadline_start(&d->worker->loop, &d->conn.deadline, DEADLINE_CONNECT);
	shake_hands(d);
}

static void tls_readable(struct conn *c)
{
	shake_hands(LIST_OF(c, struct dial, conn));
}

static void tls_writable(struct conn *c)
{
	(void)c; /* the handshake goes on when the origin answers */
}

static void tls_failed(struct conn *c)
{
	dial_fail(LIST_OF(c, struct dial, conn), CONNECT_TLS_CUT,
		"the connection was reset in the middle of the TLS handshake");
}

static void tls_expired(struct conn *c)
{
	dial_fail(LIST_OF(c, struct dial, conn), CONNECT_TIMEOUT, "the TLS handshake took longer than timeout-connect");
}

/* -- talking to the parent -- */

static bool send_talk(struct dial *d)
{
	struct span s = parent_handshake_send(&d->talk);

	return !s.n || conn_send_span(&d->conn, s);
}

static void start_talk(struct dial *d, const struct connector_result *result)
{
	struct loop *l = &d->worker->loop;

	conn_init(&d->conn, l, result->fd, &parent_owner);
	d->address = result->address;
	if (!parent_handshake_start(&d->talk, routes_parent(d->view->snapshot->routes), d->host, d->port, l->out)) {
		dial_fail(d, CONNECT_PARENT_FAILED, d->talk.reason);
		return;
	}
	if (!send_talk(d)) {
		dial_fail(d, CONNECT_PARENT_FAILED, parent_handshake_ended(&d->talk));
		return;
	}
	deadline_start(l, &d->conn.deadline, DEADLINE_CONNECT);
	d->conn.read_wanted = true;
	conn_update(&d->conn);
}

static void talk_over(struct dial *d)
{
	if (d->origin && d->origin->tls.on)
		start_tls(d);
	else
		dial_succeed(d);
}

static void talk(struct dial *d, struct span bytes)
{
	size_t used = 0;
	enum parent_progress progress = parent_handshake_feed(&d->talk, bytes, &used);

	if (!conn_consume(&d->conn, bytes, used)) {
		dial_fail(d, CONNECT_NO_RESOURCES, "memory is out");
		return;
	}
	switch (progress) {
	case PARENT_MORE:
		if (!send_talk(d))
			dial_fail(d, CONNECT_PARENT_FAILED, parent_handshake_ended(&d->talk));
		return;
	case PARENT_OK:
		talk_over(d);
		return;
	case PARENT_FAILED:
		dial_fail(d, CONNECT_PARENT_FAILED, d->talk.reason);
		return;
	}
}

/* Reads once.  False when there is nothing more to read, or nobody to read for. */
static bool read_talk(struct dial *d)
{
	struct span bytes;
	bool filled;

	switch (conn_read(&d->conn, &bytes, &filled)) {
	case IO_OK:
		talk(d, bytes);
		return conn_is_open(&d->conn) && d->conn.owner == &parent_owner;
	case IO_AGAIN:
		return false;
	case IO_END:
	case IO_ERROR:
		break;
	}
	dial_fail(d, CONNECT_PARENT_FAILED, parent_handshake_ended(&d->talk));
	return false;
}

static void parent_readable(struct conn *c)
{
	while (read_talk(LIST_OF(c, struct dial, conn)))
		;
}

static void parent_writable(struct conn *c)
{
	(void)c; /* the talk goes on when the parent answers */
}

static void parent_failed(struct conn *c)
{
	struct dial *d = LIST_OF(c, struct dial, conn);

	dial_fail(d, CONNECT_PARENT_FAILED, parent_handshake_ended(&d->talk));
}

static void parent_expired(struct conn *c)
{
	dial_fail(LIST_OF(c, struct dial, conn), CONNECT_TIMEOUT, "the parent proxy took longer than timeout-connect");
}

/* -- connecting -- */

/* Descriptors are out: what is kept in reserve goes, once for each dial. */
static bool make_room(struct dial *d)
{
	bool first = !d->again;

	d->again = true;
	return first && (origins_spare_one(d->worker) || pipe_pool_spare_one(&d->worker->pipes));
}

static void dial_done(struct connector *c, const struct connector_result *result)
{
	struct dial *d = LIST_OF(c, struct dial, connector);
	struct dialled end = { .result = *result, .core = { .fd = result->fd, .io = &io_plain } };

	if (result->status == CONNECT_FORBIDDEN && d->prohibited && !d->own) {
		end.result.status = CONNECT_PROHIBITED;
		end.result.address = d->left_out;
	}
	if (result->status == CONNECT_NO_RESOURCES && make_room(d)) {
		dial_connect(d);
	} else if (result->status != CONNECT_OK) {
		dial_end(d, &end);
	} else if (d->through) {
		start_talk(d, result);
	} else if (d->origin && d->origin->tls.on) {
		conn_init(&d->conn, &d->worker->loop, result->fd, &tls_owner);
		d->address = result->address;
		start_tls(d);
	} else {
		dial_end(d, &end);
	}
}

static bool goes_through(const struct dial *d, enum route_kind route)
{
	switch (route) {
	case ROUTE_DIRECT:
		return false;
	case ROUTE_HTTP_PARENT:
		return d->exchange || d->origin->tls.on;
	case ROUTE_SOCKS_PARENT:
		break;
	}
	return true;
}

/* To the destination, or to the parent on the way there. */
static void dial_connect(struct dial *d)
{
	const struct parent *parent = routes_parent(d->view->snapshot->routes);

	connector_start(&d->connector, &d->worker->loop, d->worker->resolver, d->through ? parent->host : d->host,
		d->through ? parent->port : d->port);
}

struct dial *dial_start(struct worker *w, struct origin *origin, struct exchange *exchange, enum route_kind route,
	struct span host, uint16_t port)
{
	struct dial *d = slab_get(&w->dial_slab);

	if (!d)
		return NULL;
	*d = (struct dial){
		.conn = { .fd = -1 },
		.worker = w,
		.origin = origin,
		.exchange = exchange,
		.view = snapshot_view_get(w->view),
		.host = host,
		.port = port,
		.started_us = w->loop.now_us,
	};
	/* A reload may have taken the parent away since the route was chosen. */
	bool to_destination = route == ROUTE_DIRECT || goes_through(d, route);
	d->through = goes_through(d, route) && routes_parent(d->view->snapshot->routes)->kind != PARENT_NONE;
	/* Where a parent is connected to, that is the operator's will and not the client's. */
	d->guarded = to_destination && !d->through && (exchange ? exchange->place.guarded : origin->guarded);
	list_push(&w->dials, &d->link);
	d->connector.allows = dial_allows;
	d->connector.done = dial_done;
	dial_connect(d);
	return d;
}

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	connector_cancel(&d->connector);
	conn_close(&d->conn);
	dial_leave(d);
}
