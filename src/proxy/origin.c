/*
 * Origins and their pools: lending, lines, dialling.  Speaks no HTTP.
 */
#include "proxy/origin.h"

#include <assert.h>

#include "proxy/access.h"
#include "proxy/dial.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

static void idle_readable(struct conn *c);
static void conn_writable(struct conn *c);
static void conn_failed(struct conn *c);
static void conn_expired(struct conn *c);
static void origin_on_rested(struct deadline *d);
static void stop_resting(struct origin *o);

static const struct conn_owner origin_owner = {
	.readable = idle_readable,
	.writable = conn_writable,
	.failed = conn_failed,
	.expired = conn_expired,
};

void origins_init(struct origins *o)
{
	for (int i = 0; i < ORIGIN_BUCKETS; i++)
		list_init(&o->buckets[i]);
}

/* FNV-1a over the lower-case host and the port. */
static uint32_t hash_of(const struct place *place)
{
	uint32_t h = 2166136261u ^ place->port;

	for (size_t i = 0; i < place->host.n; i++)
		h = (h ^ (unsigned char)ascii_lower(place->host.p[i])) * 16777619u;
	return h;
}

static bool is_same_tls(const struct tls_way *a, const struct tls_way *b)
{
	if (!a->on || !b->on)
		return a->on == b->on;
	return a->generation == b->generation && a->unverified == b->unverified && a->legacy == b->legacy &&
	       span_ieq(a->name, b->name);
}

static bool is_at(const struct origin *o, const struct place *place)
{
	return o->port == place->port && o->route == place->route && o->guarded == place->guarded &&
	       span_ieq(span_of(o->host, o->host_len), place->host) && is_same_tls(&o->tls, &place->tls);
}

static struct origin *origin_find(struct origins *table, uint32_t hash, const struct place *place)
{
	struct list *bucket = &table->buckets[hash % ORIGIN_BUCKETS];

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct origin *o = LIST_OF(l, struct origin, link);

		if (o->hash == hash && is_at(o, place))
			return o;
	}
	return NULL;
}

/* Hosts and names have at most 255 bytes: target_parse(), hello_read() and the options see to it. */
static void copy_lower(char to[ORIGIN_HOST_MAX], struct span from)
{
	assert(from.n < ORIGIN_HOST_MAX);
	for (size_t i = 0; i < from.n; i++)
		to[i] = ascii_lower(from.p[i]);
}

/* Made if need be; NULL when memory is out. */
static struct origin *origin_get(struct worker *w, const struct place *place)
{
	uint32_t hash = hash_of(place);
	struct origin *o = origin_find(&w->origins, hash, place);

	if (o) {
		stop_resting(o);
		return o;
	}
	o = slab_get(&w->origin_slab);
	if (!o)
		return NULL;
	*o = (struct origin){
		.worker = w,
		.hash = hash,
		.port = place->port,
		.route = place->route,
		.guarded = place->guarded,
		.host_len = (uint16_t)place->host.n,
		.distrusted_until_us = distrust_until(&w->distrust, hash),
		.tls = place->tls,
	};
	copy_lower(o->host, place->host);
	copy_lower(o->name, place->tls.name);
	o->tls.name = span_of(o->name, place->tls.name.n);
	list_init(&o->idle);
	list_init(&o->waiting);
	deadline_init(&o->rest, origin_on_rested);
	list_push_front(&w->origins.buckets[hash % ORIGIN_BUCKETS], &o->link);
	return o;
}

static void origin_bury(struct dead *dead)
{
	struct origin *o = LIST_OF(dead, struct origin, dead);

	tls_memory_fini(&o->sessions);
	slab_put(&o->worker->origin_slab, o);
}

static void origin_die(struct origin *o)
{
	stop_resting(o);
	list_remove(&o->link);
	loop_bury(&o->worker->loop, &o->dead, origin_bury);
}

/* -- resting: the next connection shall cost less, though no other is left -- */

static void stop_resting(struct origin *o)
{
	if (!deadline_running(&o->rest))
		return;
	deadline_stop(&o->worker->loop, &o->rest);
	o->worker->origins.resting--;
}

static void origin_on_rested(struct deadline *d)
{
	struct origin *o = LIST_OF(d, struct origin, rest);

	o->worker->origins.resting--;
	origin_die(o);
}

static void rest(struct origin *o)
{
	struct worker *w = o->worker;

	if (w->origins.resting >= ORIGIN_RESTING_MAX) /* the one that has rested longest makes room */
		origin_die(LIST_OF(w->loop.deadlines[DEADLINE_ORIGIN_REST].next, struct origin, rest.link));
	deadline_start(&w->loop, &o->rest, DEADLINE_ORIGIN_REST);
	w->origins.resting++;
}

static void origin_let_die(struct origin *o)
{
	if (o->conn_count || o->dialling || o->waiting_count || list_empty(&o->link) || deadline_running(&o->rest))
		return; /* in use, or dead already: a link outside of any list */
	if (o->sessions.session && o->worker->phase < PHASE_DRAINING)
		rest(o);
	else
		origin_die(o);
}

/* -- connections -- */

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
	if (o)
		o->conn_count++;
	return oc;
}

static void origin_conn_bury(struct dead *dead)
{
	struct origin_conn *oc = LIST_OF(dead, struct origin_conn, dead);

	slab_put(&oc->worker->origin_conn_slab, oc);
}

static void leave_idle(struct origin_conn *oc)
{
	list_remove(&oc->link);
	oc->origin->idle_count--;
	deadline_stop(&oc->worker->loop, &oc->conn.deadline);
}

/* The connection is closed: counts it out. */
static void origin_conn_gone(struct origin_conn *oc)
{
	struct origin *o = oc->origin;

	if (o && !list_empty(&oc->link))
		leave_idle(oc);
	oc->exchange = NULL;
	loop_bury(&oc->worker->loop, &oc->dead, origin_conn_bury);
	if (!o)
		return;
	o->conn_count--;
	oc->origin = NULL;
	origin_let_die(o);
}

static void origin_conn_kill(struct origin_conn *oc)
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

/* An idle connection has nothing to say: bytes or an end, it is no longer of use. */
static void idle_spoke(struct origin_conn *oc)
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
		idle_spoke(oc);
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

static void close_idle(struct origin *o)
{
	while (!list_empty(&o->idle))
		origin_conn_kill(LIST_OF(o->idle.next, struct origin_conn, link));
}

void origins_flush(struct worker *w)
{
	while (w->origins.resting)
		origin_die(LIST_OF(w->loop.deadlines[DEADLINE_ORIGIN_REST].next, struct origin, rest.link));
	for (int i = 0; i < ORIGIN_BUCKETS; i++) {
		struct list *bucket = &w->origins.buckets[i];

		for (struct list *l = bucket->next, *next; l != bucket; l = next) {
			next = l->next;
			close_idle(LIST_OF(l, struct origin, link));
		}
	}
}

void origins_fini(struct worker *w)
{
	origins_flush(w);
	for (int i = 0; i < ORIGIN_BUCKETS; i++) {
		struct list *bucket = &w->origins.buckets[i];

		while (!list_empty(bucket))
			origin_die(LIST_OF(bucket->next, struct origin, link));
	}
}

/* -- trust -- */

static bool is_distrusted(const struct origin *o)
{
	return o->worker->loop.now_us < o->distrusted_until_us;
}

void origin_distrust(struct origin *o, const char *what)
{
	struct worker *w = o->worker;
	int64_t until_us = w->loop.now_us + worker_snapshot(w)->config->pool_distrust_ms * 1000;

	if (!is_distrusted(o))
		distrust_tell(&w->distrust, w->loop.now_us, span_of(o->host, o->host_len), o->port, what);
	o->distrusted_until_us = until_us;
	distrust_add(&w->distrust, o->hash, until_us);
	if (is_distrusted(o)) /* the others may carry more of it */
		close_idle(o);
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

/* -- lending -- */

static void lend(struct origin_conn *oc, struct exchange *x, int64_t dial_us)
{
	oc->exchange = x;
	exchange_connected(x, oc, dial_us);
}

static bool too_old(const struct origin_conn *oc)
{
	const struct worker *w = oc->worker;

	return w->loop.now_us - oc->opened_us > worker_snapshot(w)->config->pool_lifetime_ms * 1000;
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
			leave_idle(oc);
			return oc;
		}
		o->waiting_count++; /* keeps the origin alive, should this have been its last connection */
		if (spent)
			idle_spoke(oc);
		else
			origin_conn_kill(oc);
		o->waiting_count--;
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

/* Only those for whom no connection is being made have to fear that none comes free. */
static void wait_in_line(struct origin *o, struct exchange *x)
{
	if (o->dialling < o->waiting_count)
		deadline_start(&x->worker->loop, &x->deadline, DEADLINE_QUEUE);
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
	wait_in_line(o, x);
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
	oc->conn.read_wanted = true; /* to notice when the origin closes it */
	oc->conn.write_wanted = false;
	deadline_start(&oc->worker->loop, &oc->conn.deadline, DEADLINE_POOL_IDLE);
	conn_update(&oc->conn);
}

void origin_give_back(struct origin_conn *oc, bool reusable)
{
	oc->exchange = NULL;
	if (!reusable || !oc->origin || oc->ahead || too_old(oc) || leads_astray(oc) || is_distrusted(oc->origin)) {
		struct origin *o = oc->origin;

		if (o)
			o->waiting_count++; /* keeps it alive until the line was looked at */
		origin_conn_kill(oc);
		if (!o)
			return;
		o->waiting_count--;
		dial_more(o);
		origin_let_die(o);
		return;
	}
	oc->reused = true;
	conn_settle(&oc->conn);
	if (!lend_next(oc, false, -1))
		become_idle(oc);
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
	if (oc) {
		if (!lend_next(oc, true, end->took_us))
			become_idle(oc);
		return;
	}
	/* One dial less for the line: the longest waiting learns why, unless enough others are under way. */
	if (o->waiting_count > o->dialling && !list_empty(&o->waiting)) {
		struct exchange *x = LIST_OF(o->waiting.next, struct exchange, wait_link);

		origin_forget(x);
		exchange_not_connected(x, &end->result);
		return;
	}
	origin_let_die(o);
}
