/*
 * Origins: the table of them, how long they live, whether they are trusted.
 */
#include <assert.h>

#include "proxy/origin_parts.h"
#include "proxy/worker.h"

static void origin_on_rested(struct deadline *d);
static void stop_resting(struct origin *o);

void origins_init(struct origins *o)
{
	for (int i = 0; i < ORIGIN_BUCKETS; i++)
		list_init(&o->buckets[i]);
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

struct origin *origin_get(struct worker *w, const struct place *place)
{
	uint32_t hash = span_ihash(place->host, place->port);
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

void origin_let_die(struct origin *o)
{
	if (o->conn_count || o->dialling || o->waiting_count || o->held || list_empty(&o->link) || deadline_running(&o->rest))
		return; /* in use, or dead already: a link outside of any list */
	if (o->sessions.session && o->worker->phase < PHASE_DRAINING)
		rest(o);
	else
		origin_die(o);
}

static void close_idle(struct origin *o)
{
	while (!list_empty(&o->idle))
		origin_conn_kill(LIST_OF(o->idle.next, struct origin_conn, link));
}

void origins_flush(struct worker *w)
{
	w->pools_flushed_us = w->loop.now_us;
	for (int i = 0; i < ORIGIN_BUCKETS; i++) {
		struct list *bucket = &w->origins.buckets[i];

		for (struct list *l = bucket->next, *next; l != bucket; l = next) {
			next = l->next;
			close_idle(LIST_OF(l, struct origin, link));
		}
	}
	while (w->origins.resting) /* those that have lost their last connection just now among them */
		origin_die(LIST_OF(w->loop.deadlines[DEADLINE_ORIGIN_REST].next, struct origin, rest.link));
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

bool origin_is_distrusted(const struct origin *o)
{
	return o->worker->loop.now_us < o->distrusted_until_us;
}

void origin_distrust(struct origin *o, const char *what)
{
	struct worker *w = o->worker;
	int64_t until_us = w->loop.now_us + worker_snapshot(w)->config->pool_distrust_ms * 1000;

	if (!origin_is_distrusted(o))
		distrust_tell(&w->distrust, w->loop.now_us, span_of(o->host, o->host_len), o->port, what);
	o->distrusted_until_us = until_us;
	distrust_add(&w->distrust, o->hash, until_us);
	if (origin_is_distrusted(o)) /* the others may carry more of it */
		close_idle(o);
}
