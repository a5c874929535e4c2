/*
 * Opaque bytes both ways: after CONNECT, and after an Upgrade.  Nothing in them is read, so nothing is busted.
 */
#include "proxy/exchange_steps.h"
#include "proxy/unread.h"

static bool is_connect(const struct exchange *x)
{
	return x->request.method_id == METHOD_CONNECT;
}

enum step exchange_become_tunnel(struct exchange *x)
{
	x->head_sent = true;
	x->tunnel = true;
	x->client_persistent = x->origin_persistent = false;
	flow_fini(&x->up, x->worker);
	flow_init(&x->up, FRAMING_CLOSE, 0, FRAMING_CLOSE);
	flow_init(&x->down, FRAMING_CLOSE, 0, FRAMING_CLOSE);
	/* Either side may have sent ahead; asking costs one read that finds nothing. */
	x->client->conn.bytes = x->origin->conn.bytes = BYTES_THERE;
	x->stage = STAGE_TUNNEL;
	if (is_connect(x))
		unread_begin(x->worker->shared->unread, x->target.host, x->target.port, x->policy.not_busted);
	deadline_start(&x->worker->loop, &x->deadline, DEADLINE_TUNNEL);
	return STEP_AGAIN;
}

/*
 * The source ended without the word that TLS has for it, as is the custom of many.  What it sent is passed on in full,
 * and its end as it came: whether anything is missing, the protocol inside knows.
 */
static void pass_cut(struct flow *f, struct conn *to)
{
	f->state = FLOW_DONE;
	conn_cut_writes(to);
}

/* One direction.  False when the tunnel is broken. */
static bool run(struct exchange *x, struct flow *f, struct conn *from, struct conn *to)
{
	if (flow_done(f))
		return true;
	switch (flow_run(f, x->worker, from, to)) {
	case FLOW_WAIT:
		return true;
	case FLOW_FINISHED:
		conn_end_writes(to);
		return true;
	case FLOW_SOURCE_BROKEN:
		if (!from->read_cut)
			return false;
		pass_cut(f, to);
		return true;
	case FLOW_SOURCE_CUT:
	case FLOW_SOURCE_BAD:
	case FLOW_SINK_BROKEN:
		break;
	}
	return false;
}

enum step step_tunnel(struct exchange *x)
{
	struct conn *c = &x->client->conn, *o = &x->origin->conn;

	if (!run(x, &x->up, c, o) || !run(x, &x->down, o, c)) {
		/* Each side is shown a reset, as it would have been without us. */
		return exchange_abandon(x, "the tunnel broke");
	}
	if (flow_done(&x->up) && flow_done(&x->down) && !conn_blocked(c) && !conn_blocked(o)) {
		x->stage = STAGE_DONE;
		return STEP_AGAIN;
	}
	deadline_start(&x->worker->loop, &x->deadline, DEADLINE_TUNNEL);
	return STEP_WAIT;
}

void exchange_tunnel_ended(const struct exchange *x)
{
	if (is_connect(x))
		unread_end(x->worker->shared->unread, x->target.host, x->target.port, x->up.body_bytes + x->down.body_bytes);
}
