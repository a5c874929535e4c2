/*
 * Lending: who gets which connection, who waits in line for one, when more are dialled.
 */
#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/exchange.h"
#include "proxy/origin_parts.h"
#include "proxy/worker.h"

static void lend(struct origin_conn *oc, struct exchange *x, int64_t dial_us)
{
	oc->exchange = x;
	exchange_connected(x, oc, dial_us);
}

static bool too_old(const struct origin_conn *oc)
{
	const struct worker *w = oc->worker;

	return oc->opened_us <= w->pools_flushed_us ||
	       w->loop.now_us - oc->opened_us > worker_snapshot(w)->config->pool_lifetime_ms * 1000;
}

/* A reload may have closed the way to where the connection leads. */
static bool leads_astray(struct origin_conn *oc)
{
	const struct snapshot *s = worker_snapshot(oc->worker);

	if (oc->judged == s->serial)
		return false;
	if (access_address(s, oc->guarded, &oc->address) != ACCESS_FREE)
		return true;
	oc->judged = s->serial;
	return false;
}

/*
 * Whether it has spoken or closed: as far as events told, which is nearly always all there is to know.  For requests
 * that could not be repeated the kernel is asked once more; for the others that costs more than the rare repeat.
 */
static bool is_spent(struct origin_conn *oc, bool look)
{
	if (look)
		oc->conn.bytes = BYTES_THERE;
	return conn_has_unread(&oc->conn);
}

static struct origin_conn *take_idle(struct origin *o, const struct exchange *x)
{
	while (!list_empty(&o->idle)) {
		struct origin_conn *oc = LIST_OF(o->idle.next, struct origin_conn, link);

		bool spent = is_spent(oc, !method_is_idempotent(x->request.method_id));
		if (!spent && !too_old(oc) && !leads_astray(oc)) {
			origin_conn_leave_idle(oc);
			return oc;
		}
		o->held++; /* should this have been its last connection */
		if (spent)
			origin_conn_spoke(oc);
		else
			origin_conn_kill(oc);
		o->held--;
	}
	return NULL;
}

static void stand_in_line(struct origin *o, struct exchange *x)
{
	x->waiting_at = o;
	o->waiting_count++;
	if (x->fresh_only)
		list_push_front(&o->waiting, &x->wait_link);
	else
		list_push(&o->waiting, &x->wait_link);
}

void origin_forget(struct exchange *x)
{
	struct origin *o = x->waiting_at;

	list_remove(&x->wait_link);
	x->waiting_at = NULL;
	if (!o)
		return;
	o->waiting_count--;
	origin_let_die(o);
}

/* Makes as many connections as there are exchanges without one, within the limit.  False when none can be made. */
static bool dial_more(struct origin *o)
{
	const struct config *c = worker_snapshot(o->worker)->config;

	while (o->dialling < o->waiting_count && o->conn_count + o->dialling < c->pool_max) {
		if (!dial_start(o->worker, o, NULL, o->route, span_of(o->host, o->host_len), o->port))
			return false;
		o->dialling++;
	}
	return true;
}

void origin_warm(struct worker *w, const struct place *place)
{
	struct origin *o = origin_get(w, place);

	if (!o || !list_empty(&o->idle) || o->dialling || o->conn_count >= worker_snapshot(w)->config->pool_max)
		return;
	if (dial_start(w, o, NULL, o->route, span_of(o->host, o->host_len), o->port))
		o->dialling++;
	else
		origin_let_die(o);
}

void origin_serve_line(struct origin *o)
{
	if (o->worker->phase < PHASE_STOPPED)
		dial_more(o); /* should that fail, they wait for timeout-queue at most */
	origin_let_die(o);
}

bool origin_is_coming(const struct exchange *x)
{
	const struct origin *o = x->waiting_at;
	const struct list *l = o->waiting.next;

	for (unsigned n = o->dialling; n && l != &o->waiting; n--, l = l->next)
		if (l == &x->wait_link)
			return true;
	return false;
}

static enum origin_answer refuse(struct exchange *x, const char *queue_reason)
{
	x->failure = (struct connector_result){ .status = CONNECT_NO_RESOURCES, .fd = -1 };
	x->queue_reason = queue_reason;
	return ORIGIN_REFUSED;
}

enum origin_answer origin_ask(struct exchange *x)
{
	const struct config *c = worker_snapshot(x->worker)->config;
	struct origin *o = origin_get(x->worker, &x->place);

	if (!o)
		return refuse(x, NULL);
	struct origin_conn *oc = x->fresh_only ? NULL : take_idle(o, x);
	if (oc) {
		lend(oc, x, -1);
		return ORIGIN_LENT;
	}
	if (o->conn_count + o->dialling >= c->pool_max && o->waiting_count >= c->pool_queue)
		return refuse(x, "pool-queue exchanges wait for this server already");
	stand_in_line(o, x);
	if (!dial_more(o) && !o->dialling) {
		origin_forget(x);
		return refuse(x, NULL);
	}
	deadline_start(&x->worker->loop, &x->deadline, DEADLINE_QUEUE);
	return ORIGIN_WAIT;
}

/* The first in line for whom this connection will do. */
static struct exchange *next_in_line(struct origin *o, bool fresh)
{
	for (struct list *l = o->waiting.next; l != &o->waiting; l = l->next) {
		struct exchange *x = LIST_OF(l, struct exchange, wait_link);

		if (fresh || !x->fresh_only)
			return x;
	}
	return NULL;
}

/* Lends to the next in line.  False when nobody waits for such a connection. */
static bool lend_next(struct origin_conn *oc, bool fresh, int64_t dial_us)
{
	struct exchange *x = next_in_line(oc->origin, fresh);

	if (!x)
		return false;
	origin_forget(x);
	lend(oc, x, dial_us);
	return true;
}

static void become_idle(struct origin_conn *oc)
{
	struct origin *o = oc->origin;
	const struct config *c = worker_snapshot(oc->worker)->config;

	if (o->idle_count >= c->pool_idle || oc->worker->phase >= PHASE_DRAINING) {
		origin_conn_kill(oc);
		return;
	}
	oc->reused = true;
	list_push_front(&o->idle, &oc->link);
	o->idle_count++;
	count_move(&oc->worker->counters, COUNT_ORIGIN_LENT, COUNT_ORIGIN_IDLE);
	oc->conn.read_wanted = true; /* to notice when the origin closes it */
	oc->conn.write_wanted = false;
	deadline_start(&oc->worker->loop, &oc->conn.deadline, DEADLINE_POOL_IDLE);
	conn_update(&oc->conn);
}

void origin_give_back(struct origin_conn *oc, bool reusable)
{
	struct origin *o = oc->origin;

	oc->exchange = NULL;
	if (!reusable || !o || oc->ahead || too_old(oc) || leads_astray(oc) || origin_is_distrusted(o)) {
		origin_conn_kill(oc);
		return;
	}
	oc->reused = true;
	conn_settle(&oc->conn);
	if (lend_next(oc, false, -1))
		return;
	if (o->waiting_count) /* only for new ones: makes room */
		origin_conn_kill(oc);
	else
		become_idle(oc);
}

/* One dial less for the line: the longest waiting learns why, unless enough others are under way. */
static void tell_first_in_line(struct origin *o, const struct connector_result *result)
{
	if (o->waiting_count <= o->dialling)
		return;
	struct exchange *x = LIST_OF(o->waiting.next, struct exchange, wait_link);

	origin_forget(x);
	exchange_not_connected(x, result);
}

void origin_dialled(struct origin *o, struct dialled *end)
{
	struct origin_conn *oc = NULL;

	o->dialling--;
	if (end->result.status == CONNECT_OK) {
		oc = origin_conn_new(o->worker, o, end);
		if (!oc)
			end->result.status = CONNECT_NO_RESOURCES;
	}
	if (!oc) {
		o->held++;
		tell_first_in_line(o, &end->result);
		o->held--;
		origin_serve_line(o);
	} else if (!lend_next(oc, true, end->took_us)) {
		become_idle(oc);
	}
}
