/*
 * One worker's thread: its loop, its listeners, and the orders of the main thread.
 */
#include "proxy/worker.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/client.h"
#include "proxy/control.h"
#include "proxy/dial.h"
#include "proxy/exchange.h"
#include "proxy/log_writer.h"
#include "proxy/running.h"

enum {
	KEEP_CLIENTS = 4096, /* free objects kept for reuse, by kind */
	KEEP_EXCHANGES = 512,
	KEEP_ORIGINS = 256,
	KEEP_ORIGIN_CONNS = 512,
	KEEP_DIALS = 64,
};

enum {
	DRAIN_IDLE_MS = 500, /* how long a client may be idle while draining */
	HAND_SHAKES_MS = 20, /* how long the kernel may take for connections that are being made when a drain begins */
};

static void worker_on_order(evutil_socket_t fd, short what, void *arg);
static void worker_on_last_look(evutil_socket_t fd, short what, void *arg);
static void *worker_main(void *arg);

static void init_slabs(struct worker *w)
{
	slab_init(&w->client_slab, sizeof(struct client), KEEP_CLIENTS);
	slab_init(&w->exchange_slab, EXCHANGE_BYTES, KEEP_EXCHANGES);
	slab_init(&w->origin_slab, sizeof(struct origin), KEEP_ORIGINS);
	slab_init(&w->origin_conn_slab, sizeof(struct origin_conn), KEEP_ORIGIN_CONNS);
	slab_init(&w->dial_slab, sizeof(struct dial), KEEP_DIALS);
}

static void fini_slabs(struct worker *w)
{
	slab_fini(&w->client_slab);
	slab_fini(&w->exchange_slab);
	slab_fini(&w->origin_slab);
	slab_fini(&w->origin_conn_slab);
	slab_fini(&w->dial_slab);
}

/* How long this worker waits for what, by its snapshot. */
static void apply_timeouts(struct worker *w)
{
	const struct config *c = worker_snapshot(w)->config;
	struct loop *l = &w->loop;

	loop_set_deadline(l, DEADLINE_CLIENT_HEAD, c->timeout_client_head_ms);
	loop_set_deadline(l, DEADLINE_CLIENT_HELLO, c->timeout_client_hello_ms);
	loop_set_deadline(l, DEADLINE_CLIENT_IDLE, c->timeout_client_idle_ms);
	loop_set_deadline(l, DEADLINE_QUEUE, c->timeout_queue_ms);
	loop_set_deadline(l, DEADLINE_CONNECT, c->timeout_connect_ms);
	loop_set_deadline(l, DEADLINE_ORIGIN_HEAD, c->timeout_origin_head_ms);
	loop_set_deadline(l, DEADLINE_BODY, c->timeout_body_ms);
	loop_set_deadline(l, DEADLINE_TUNNEL, c->timeout_tunnel_ms);
	loop_set_deadline(l, DEADLINE_POOL_IDLE, c->pool_idle_timeout_ms);
	loop_set_deadline(l, DEADLINE_LINGER, 2000);
	loop_set_deadline(l, DEADLINE_TLS_REST, 1000);
	loop_set_deadline(l, DEADLINE_ORIGIN_REST, 10 * 60 * 1000);
}

static struct resolver *resolver_for(struct worker *w)
{
	char server[ADDRESS_TEXT_MAX];
	struct resolver_options options = { .server = server, .cache_max = 4096 };

	config_resolver_server(&worker_snapshot(w)->config->resolver, server);
	return resolver_new(&w->loop, &options);
}

/*
 * An equal share of what all workers may remember.  Sized at the start: a reload changes nothing here.  False when memory
 * is out.
 */
static bool make_history(struct worker *w)
{
	const struct config *c = worker_snapshot(w)->config;
	unsigned workers = w->shared->worker_count;
	size_t bytes = c->records_bytes / workers;

	if (!c->records)
		return true;
	w->history = history_new((c->records + workers - 1) / workers, bytes > HISTORY_BYTES_MIN ? bytes : HISTORY_BYTES_MIN);
	w->running = running_new();
	return w->history && w->running;
}

/* Room to parse one head into.  The largest that any reload may ask for, so that it never moves. */
enum { FIELDS_MAX = 1000 };

bool worker_init(struct worker *w, unsigned index, struct shared *shared, struct snapshot *snapshot)
{
	*w = (struct worker){ .index = index, .shared = shared, .order_fd = -1, .die = shared->instance + index + 1 };
	pthread_mutex_init(&w->order_lock, NULL);
	list_init(&w->clients);
	list_init(&w->dials);
	logins_init(&w->logins, w);
	live_init(&w->live, w);
	origins_init(&w->origins);
	init_slabs(w);
	if (!loop_init(&w->loop))
		return false;
	w->view = snapshot_view_new(snapshot);
	w->fields = calloc(FIELDS_MAX, sizeof(*w->fields));
	w->order_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!w->view || !w->fields || w->order_fd < 0)
		return false;
	if (!make_history(w))
		return false;
	apply_timeouts(w);
	w->resolver = resolver_for(w);
	w->woken = event_new(w->loop.base, w->order_fd, EV_READ | EV_PERSIST, worker_on_order, w);
	w->last_look = event_new(w->loop.base, -1, 0, worker_on_last_look, w);
	return w->resolver && w->woken && w->last_look && event_add(w->woken, NULL) == 0;
}

bool worker_start(struct worker *w)
{
	return pthread_create(&w->thread, NULL, worker_main, w) == 0;
}

/* -- accepting -- */

static bool worker_has_room(struct listener *l)
{
	const struct worker *w = l->context;
	unsigned count = atomic_load_explicit(&w->shared->client_count, memory_order_relaxed);

	return count < worker_snapshot(w)->config->max_clients && count < w->shared->clients_most;
}

static bool worker_accepted(struct listener *l, int fd, const struct address *address)
{
	const struct worker_listener *of = LIST_OF(l, struct worker_listener, listener);
	struct worker *w = l->context;
	const struct config *c = worker_snapshot(w)->config;
	bool preceded = c->proxy_protocol.count && config_wants_proxy_header(c, &of->socket.asked);

	if (preceded && !config_trusts_proxy_header(c, address)) {
		client_preface_refused(w, address, "the sender is not in proxy-protocol-from");
		close(fd);
		return true;
	}
	return client_accept(w, fd, address, preceded ? CLIENT_BEHIND_BALANCER : CLIENT_DIRECT);
}

static bool worker_accepted_control(struct listener *l, int fd, const struct address *none)
{
	struct address here = { .port = 0 };

	(void)none;
	if (control_admits(fd) && address_parse_ip(SPAN("127.0.0.1"), 0, &here))
		return client_accept(l->context, fd, &here, CLIENT_IN_CONTROL);
	log_warn("control: user %ld was refused", control_peer(fd));
	close(fd);
	return true;
}

/* Closing a socket of our own resets whoever the kernel has queued there: they are clients, and become ours first. */
static void end_listener(struct worker *w, struct worker_listener *l)
{
	if (!l->socket.held && w->phase != PHASE_STOPPED) {
		listener_refuse_new(&l->listener);
		listener_accept_queued(&l->listener);
	}
	listener_stop(&l->listener);
	close(l->socket.fd);
	free(l);
}

static bool has_socket(const struct worker_socket *sockets, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (sockets[i].fd == fd && !sockets[i].dropped)
			return true;
	return false;
}

static bool listens_on(const struct worker *w, int fd)
{
	for (size_t i = 0; i < w->listener_count; i++)
		if (w->listeners[i]->socket.fd == fd)
			return true;
	return false;
}

/* Ends the listeners whose socket is not among these. */
static void keep_listeners(struct worker *w, const struct worker_socket *sockets, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->listener_count; i++) {
		struct worker_listener *l = w->listeners[i];

		if (has_socket(sockets, count, l->socket.fd))
			w->listeners[kept++] = l;
		else
			end_listener(w, l);
	}
	w->listener_count = kept;
}

static void add_listener(struct worker *w, const struct worker_socket *socket)
{
	struct worker_listener *l = w->listener_count < WORKER_LISTENERS_MAX ? calloc(1, sizeof(*l)) : NULL;

	if (l) {
		l->socket = *socket;
		l->listener.context = w;
		l->listener.is_local = socket->is_control;
		l->listener.has_room = socket->is_control ? NULL : worker_has_room; /* a full proxy is when it is needed */
		l->listener.accepted = socket->is_control ? worker_accepted_control : worker_accepted;
		if (listener_start(&l->listener, &w->loop, socket->fd)) {
			w->listeners[w->listener_count++] = l;
			return;
		}
	}
	log_error("worker %u: out of memory or listeners, so it leaves a socket alone", w->index);
	close(socket->fd);
	free(l);
}

static void listen_on(struct worker *w, const struct worker_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!listens_on(w, sockets[i].fd))
			add_listener(w, &sockets[i]);
	keep_listeners(w, sockets, count);
}

void worker_tell_shortage(struct worker *w, const char *what)
{
	unsigned count;

	if (log_throttle_pass(&w->shortages, w->loop.now_us, &count))
		log_warn("worker %u: %s: requests are not served (%u since last told)", w->index, what, count);
}

/* -- orders -- */

/* Only the main thread makes the list that waits longer, so the room is still enough when this one is posted. */
struct worker_socket *worker_sockets_new(struct worker *w, size_t count)
{
	pthread_mutex_lock(&w->order_lock);
	size_t waiting = w->next_socket_count;
	pthread_mutex_unlock(&w->order_lock);
	return calloc(count + waiting + 1, sizeof(struct worker_socket));
}

/* The lock is held.  What a list had that was not taken up is the worker's already, and for it to close. */
static void post_sockets(struct worker *w, struct worker_socket *next, size_t count)
{
	size_t n = count;

	for (size_t i = 0; i < w->next_socket_count; i++) {
		if (has_socket(next, count, w->next_sockets[i].fd))
			continue;
		next[n] = w->next_sockets[i];
		next[n++].dropped = true;
	}
	free(w->next_sockets);
	w->next_sockets = next;
	w->next_socket_count = n;
}

void worker_post(struct worker *w, unsigned orders, struct snapshot_view *view, struct worker_socket *sockets,
	size_t socket_count)
{
	uint64_t one = 1;

	pthread_mutex_lock(&w->order_lock);
	if (orders & WORKER_RELOAD) {
		snapshot_view_put(w->next_view);
		w->next_view = view;
	}
	if (orders & WORKER_LISTEN)
		post_sockets(w, sockets, socket_count);
	w->orders |= orders;
	pthread_mutex_unlock(&w->order_lock);
	if (write(w->order_fd, &one, sizeof(one)) < 0)
		log_error("worker %u: cannot be woken", w->index);
}

/* What is in flight goes on with what it began with; whatever comes next sees the new snapshot. */
static void reload(struct worker *w, struct snapshot_view *view)
{
	snapshot_view_put(w->view);
	w->view = view;
	apply_timeouts(w);
	resolver_flush(w->resolver);
}

/*
 * Clients that were idle for a while are let go; the others have a moment to ask once more, and are told with the answer
 * that it was the last.  So nobody who keeps asking ever sees a connection end unannounced.
 */
static void drain(struct worker *w)
{
	const struct timeval hand_shakes = { .tv_usec = HAND_SHAKES_MS * 1000 };
	struct loop *l = &w->loop;

	w->phase = PHASE_DRAINING;
	live_end(&w->live);
	if (!l->deadline_us[DEADLINE_CLIENT_IDLE] || l->deadline_us[DEADLINE_CLIENT_IDLE] > DRAIN_IDLE_MS * 1000)
		loop_set_deadline(l, DEADLINE_CLIENT_IDLE, DRAIN_IDLE_MS);
	for (size_t i = 0; i < w->listener_count; i++) {
		if (w->listeners[i]->socket.held)
			continue;
		listener_refuse_new(&w->listeners[i]->listener);
		listener_accept_queued(&w->listeners[i]->listener);
	}
	event_add(w->last_look, &hand_shakes);
	origins_flush(w);
}

/* Whoever was still shaking hands when the drain began is queued by now. */
static void worker_on_last_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	keep_listeners(arg, NULL, 0);
}

static enum worker_phase phase_asked(unsigned orders)
{
	if (orders & WORKER_STOP)
		return PHASE_STOPPED;
	if (orders & WORKER_DRAIN)
		return PHASE_DRAINING;
	return orders & WORKER_LEAVE ? PHASE_LEAVING : PHASE_SERVING;
}

static void enter_phase(struct worker *w, enum worker_phase phase)
{
	if (phase <= w->phase)
		return;
	if (phase == PHASE_DRAINING)
		drain(w);
	w->phase = phase;
}

static void flush(struct worker *w, unsigned orders)
{
	if (orders & WORKER_FLUSH_NAMES)
		resolver_flush(w->resolver);
	if (orders & WORKER_FLUSH_CONNECTIONS)
		origins_flush(w);
}

static void worker_on_order(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t count;

	(void)what;
	w->loop.now_us = clock_us();
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&w->order_lock);
	unsigned orders = w->orders;
	struct snapshot_view *view = w->next_view;
	struct worker_socket *sockets = w->next_sockets;
	size_t socket_count = w->next_socket_count;
	w->orders = 0;
	w->next_view = NULL;
	w->next_sockets = NULL;
	w->next_socket_count = 0;
	pthread_mutex_unlock(&w->order_lock);

	if (view)
		reload(w, view);
	if (sockets && w->phase < PHASE_DRAINING)
		listen_on(w, sockets, socket_count);
	flush(w, orders);
	enter_phase(w, phase_asked(orders));
	free(sockets);
}

/* -- the thread -- */

static bool has_work(struct worker *w)
{
	if (w->phase != PHASE_DRAINING)
		return w->phase < PHASE_DRAINING;
	if (list_empty(&w->clients))
		keep_listeners(w, NULL, 0); /* the last chance for more */
	return !list_empty(&w->clients);
}

static void count_cut(struct worker *w, const struct exchange *x)
{
	if (x->tunnel)
		w->cut_tunnels++;
	else
		w->cut_exchanges++;
}

/* At the end of the thread: what still runs is cut off. */
static void cut_off(struct worker *w)
{
	struct list *link;

	w->phase = PHASE_STOPPED;
	keep_listeners(w, NULL, 0);
	while ((link = w->clients.next) != &w->clients) {
		struct client *c = LIST_OF(link, struct client, link);

		if (c->exchange) {
			count_cut(w, c->exchange);
			exchange_client_broken(c->exchange);
		}
		client_kill(c);
	}
	while ((link = w->dials.next) != &w->dials)
		dial_cancel(LIST_OF(link, struct dial, link));
	origins_fini(w);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (has_work(w)) {
		/* Asked anew each pass: a reload may switch the access log on or off. */
		w->records = w->shared->log_writer ? log_writer_ring(w->shared->log_writer, w->index) : NULL;
		loop_pass(&w->loop);
		running_on_pass(w);
		if (w->records && ring_should_wake(w->records))
			log_writer_wake(w->shared->log_writer);
		atomic_fetch_add_explicit(&w->heartbeat, 1, memory_order_relaxed);
	}
	cut_off(w);
	if (w->records && ring_should_wake(w->records))
		log_writer_wake(w->shared->log_writer);
	atomic_store_explicit(&w->done, true, memory_order_release);
	return NULL;
}

static void worker_fini(struct worker *w)
{
	if (w->resolver)
		resolver_free(w->resolver);
	if (w->woken)
		event_free(w->woken);
	if (w->last_look)
		event_free(w->last_look);
	logins_fini(&w->logins);
	live_fini(&w->live);
	loop_fini(&w->loop); /* buries what cut_off() left, so the slabs come after */
	fini_slabs(w);
	pipe_pool_fini(&w->pipes);
	snapshot_view_put(w->view);
	snapshot_view_put(w->next_view);
	switches_view_fini(&w->switches);
	free(w->next_sockets);
	free(w->fields);
	if (w->order_fd >= 0)
		close(w->order_fd);
	pthread_mutex_destroy(&w->order_lock);
}

void worker_join(struct worker *w)
{
	if (w->thread)
		pthread_join(w->thread, NULL);
	worker_fini(w);
}
