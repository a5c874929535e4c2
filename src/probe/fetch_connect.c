/*
 * The way to the destination: connecting, what the parent proxy wants to hear, TLS.
 */
#include "probe/fetch_parts.h"

#include "tls/transport.h"

/* -- TLS -- */

static void shake_hands(struct fetch_run *r)
{
	struct tls_failure failure;

	switch (tls_handshake(&r->conn, &failure)) {
	case TLS_MORE:
		return;
	case TLS_DONE:
		fetch_connected(r);
		return;
	case TLS_FAILED:
		fetch_fail(r, failure.reason);
		return;
	}
}

static void start_tls(struct fetch_run *r)
{
	const struct fetch_question *q = r->question;
	struct tls_peer peer = {
		.name = q->target.host,
		.trust = q->way->is_unverified ? TLS_TRUST_ANYBODY : TLS_TRUST_VERIFIED,
		.legacy = q->way->is_legacy,
	};

	r->stage = FETCH_TLS;
	if (conn_stored(&r->conn).n)
		fetch_fail(r, "it spoke before TLS began");
	else if (!tls_connect(&r->conn, q->way->contexts, &peer))
		fetch_fail(r, "memory is out");
	else
		shake_hands(r);
}

static void way_is_open(struct fetch_run *r)
{
	if (r->question->target.scheme == SCHEME_HTTPS)
		start_tls(r);
	else
		fetch_connected(r);
}

/* -- the parent -- */

static void send_talk(struct fetch_run *r)
{
	struct span s = parent_handshake_send(&r->talk);

	if (s.n && !conn_send_span(&r->conn, s))
		fetch_fail(r, parent_handshake_ended(&r->talk));
}

static void start_talk(struct fetch_run *r)
{
	const struct fetch_question *q = r->question;

	r->stage = FETCH_PARENT;
	if (parent_handshake_start(&r->talk, q->way->parent, q->host, q->port, r->fetcher->loop.out))
		send_talk(r);
	else
		fetch_fail(r, r->talk.reason);
}

static void listen_to_parent(struct fetch_run *r, struct span bytes)
{
	size_t used = 0;
	enum parent_progress progress = parent_handshake_feed(&r->talk, bytes, &used);

	if (!conn_consume(&r->conn, bytes, used)) {
		fetch_fail(r, "memory is out");
		return;
	}
	switch (progress) {
	case PARENT_MORE:
		send_talk(r);
		return;
	case PARENT_OK:
		way_is_open(r);
		return;
	case PARENT_FAILED:
		fetch_fail(r, r->talk.reason);
		return;
	}
}

/* Reads once.  False when there is nothing more to read, or nobody to read for. */
static bool read_parent(struct fetch_run *r)
{
	struct span bytes;
	bool filled;

	switch (conn_read(&r->conn, &bytes, &filled)) {
	case IO_OK:
		listen_to_parent(r, bytes);
		return r->stage == FETCH_PARENT;
	case IO_AGAIN:
		return false;
	case IO_END:
	case IO_ERROR:
		break;
	}
	fetch_fail(r, parent_handshake_ended(&r->talk));
	return false;
}

void fetch_go_on_connecting(struct fetch_run *r)
{
	if (r->stage == FETCH_TLS)
		shake_hands(r);
	while (r->stage == FETCH_PARENT && read_parent(r))
		;
}

/* -- connecting -- */

bool fetch_parent_gets_requests(const struct fetch_question *q)
{
	return q->way->parent && q->way->parent->kind == PARENT_HTTP && q->target.scheme == SCHEME_HTTP;
}

static void on_connected(struct connector *c, const struct connector_result *result)
{
	struct fetch_run *r = LIST_OF(c, struct fetch_run, connector);

	r->answer->address = result->address;
	if (result->status != CONNECT_OK) {
		fetch_fail(r, result->reason);
		return;
	}
	conn_init(&r->conn, &r->fetcher->loop, result->fd, &fetch_owner);
	r->conn.read_wanted = true;
	if (r->question->way->parent && !fetch_parent_gets_requests(r->question))
		start_talk(r);
	else
		way_is_open(r);
	conn_update(&r->conn);
}

static bool connector_allows(struct connector *c, const struct address *a)
{
	const struct fetch_way *way = LIST_OF(c, struct fetch_run, connector)->question->way;

	return !way->allows || way->allows(way, a);
}

void fetch_connect(struct fetch_run *r)
{
	const struct fetch_question *q = r->question;
	const struct parent *parent = q->way->parent;

	r->connector.allows = connector_allows;
	r->connector.done = on_connected;
	connector_start(&r->connector, &r->fetcher->loop, r->fetcher->resolver, parent ? parent->host : q->host,
		parent ? parent->port : q->port);
}
