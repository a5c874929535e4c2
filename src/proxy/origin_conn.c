/*
 * Connections to origins: their life, and what they are told by the loop.
 */
#include "proxy/dial.h"
#include "proxy/exchange.h"
#include "proxy/origin_parts.h"
#include "proxy/worker.h"

static void idle_readable(struct conn *c);
static void conn_writable(struct conn *c);
static void conn_failed(struct conn *c);
static void conn_expired(struct conn *c);

static const struct conn_owner origin_owner = {
	.readable = idle_readable,
	.writable = conn_writable,
	.failed = conn_failed,
	.expired = conn_expired,
};

struct origin_conn *origin_conn_new(struct worker *w, struct origin *o, struct dialled *end)
{
	struct origin_conn *oc = slab_get(&w->origin_conn_slab);

	if (!oc) {
		struct conn unwanted;

		conn_adopt(&unwanted, &w->loop, &end->core, &origin_owner);
		conn_close(&unwanted);
		return NULL;
	}
	*oc = (struct origin_conn){
		.worker = w,
		.origin = o,
		.address = end->result.address,
		.opened_us = w->loop.now_us,
		.judged = end->judged,
		.guarded = end->guarded,
	};
	conn_adopt(&oc->conn, &w->loop, &end->core, &origin_owner);
	oc->round_trip_us = conn_round_trip_us(&oc->conn);
	list_init(&oc->link);
	count_one(&w->counters, COUNT_ORIGIN_LENT);
	if (o)
		o->conn_count++;
	return oc;
}

static void origin_conn_bury(struct dead *dead)
{
	struct origin_conn *oc = LIST_OF(dead, struct origin_conn, dead);

	slab_put(&oc->worker->origin_conn_slab, oc);
}

void origin_conn_leave_idle(struct origin_conn *oc)
{
	list_remove(&oc->link);
	oc->origin->idle_count--;
	count_move(&oc->worker->counters, COUNT_ORIGIN_IDLE, COUNT_ORIGIN_LENT);
	deadline_stop(&oc->worker->loop, &oc->conn.deadline);
}

/* The connection is closed: counts it out. */
static void origin_conn_gone(struct origin_conn *oc)
{
	struct origin *o = oc->origin;

	if (o && !list_empty(&oc->link))
		origin_conn_leave_idle(oc);
	oc->exchange = NULL;
	count_add(&oc->worker->counters, COUNT_ORIGIN_LENT, UINT64_MAX);
	loop_bury(&oc->worker->loop, &oc->dead, origin_conn_bury);
	if (!o)
		return;
	o->conn_count--;
	oc->origin = NULL;
	origin_serve_line(o);
}

void origin_conn_kill(struct origin_conn *oc)
{
	conn_close(&oc->conn);
	origin_conn_gone(oc);
}

void origin_conn_abort(struct origin_conn *oc)
{
	conn_abort(&oc->conn);
	origin_conn_gone(oc);
}

/* Servers announce so that they close an idle connection (RFC 9110 section 15.5.9); it is nobody's answer. */
static bool is_farewell(struct span s)
{
	struct span version = SPAN("HTTP/1.x "), status = SPAN("408 ");

	return s.n > version.n && span_starts(span_from(s, version.n), status);
}

void origin_conn_spoke(struct origin_conn *oc)
{
	char text[16];
	ssize_t n = oc->conn.io->peek(&oc->conn, text, sizeof(text));

	if (n > 0 && !is_farewell(span_of(text, (size_t)n)))
		origin_distrust(oc->origin, "sent bytes on a connection on which nothing was asked");
	if (conn_is_open(&oc->conn))
		origin_conn_kill(oc);
}

static void idle_readable(struct conn *c)
{
	struct origin_conn *oc = LIST_OF(c, struct origin_conn, conn);

	if (oc->exchange)
		exchange_step(oc->exchange);
	else if (conn_has_unread(c))
		origin_conn_spoke(oc);
}

static void conn_writable(struct conn *c)
{
	struct origin_conn *oc = LIST_OF(c, struct origin_conn, conn);

	if (oc->exchange)
		exchange_step(oc->exchange);
}

static void conn_failed(struct conn *c)
{
	struct origin_conn *oc = LIST_OF(c, struct origin_conn, conn);

	if (oc->exchange)
		exchange_origin_broken(oc->exchange);
	else
		origin_conn_kill(oc);
}

static void conn_expired(struct conn *c)
{
	origin_conn_kill(LIST_OF(c, struct origin_conn, conn));
}

bool origins_spare_one(struct worker *w)
{
	struct list *idle = &w->loop.deadlines[DEADLINE_POOL_IDLE]; /* oldest first, and of nobody else */

	if (list_empty(idle))
		return false;
	struct deadline *d = LIST_OF(idle->next, struct deadline, link);
	conn_expired(LIST_OF(d, struct conn, deadline));
	return true;
}
