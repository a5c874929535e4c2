/*
 * A client's connection.  Finds requests in its bytes; how they are served is the exchange's affair.
 */
#include "proxy/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/h1.h"
#include "http/proxy_header.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

static void client_readable(struct conn *conn);
static void client_writable(struct conn *conn);
static void client_failed(struct conn *conn);
static void client_expired(struct conn *conn);
static void read_requests(struct client *c);

static const struct conn_owner client_owner = {
	.readable = client_readable,
	.writable = client_writable,
	.failed = client_failed,
	.expired = client_expired,
};

bool client_accept(struct worker *w, int fd, const struct address *address, enum client_way way)
{
	bool preceded = way == CLIENT_BEHIND_BALANCER;
	struct client *c = slab_get(&w->client_slab);

	if (!c)
		return false;
	*c = (struct client){ .worker = w, .address = *address, .state = preceded ? CLIENT_PREFACE : CLIENT_IDLE };
	c->in_control = way == CLIENT_IN_CONTROL;
	conn_init(&c->conn, &w->loop, fd, &client_owner);
	list_push(&w->clients, &c->link);
	count_one(&w->counters, COUNT_CLIENT_IDLE);
	atomic_fetch_add_explicit(&w->shared->client_count, 1, memory_order_relaxed);
	c->conn.read_wanted = true;
	deadline_start(&w->loop, &c->conn.deadline, preceded ? DEADLINE_CLIENT_HEAD : DEADLINE_CLIENT_IDLE);
	if (preceded || c->in_control || client_set_address(c, address))
		conn_update(&c->conn);
	return true;
}

/* Answers before anything was asked: its client learns why, at little cost. */
static void refuse(struct client *c)
{
	struct worker *w = c->worker;
	struct exchange *x = exchange_new(c);

	tally_warn(&w->shared->tally, &c->address, "max-clients-per-address", w->loop.now_us);
	c->refused = true;
	w->refused_count++;
	if (x)
		exchange_begin_refused(x);
	else
		client_kill(c);
}

bool client_set_address(struct client *c, const struct address *address)
{
	struct tally *tally = &c->worker->shared->tally;
	const struct config *config = worker_snapshot(c->worker)->config;

	tally_leave(tally, c->tally);
	c->tally = NULL;
	c->address = *address;
	c->access = (struct client_access){ .serial = 0 }; /* judged anew */
	if (!config_client_counted(config, address))
		return true;
	switch (tally_enter(tally, address, config->max_clients_per_address, &c->tally)) {
	case TALLY_COUNTED:
		return true;
	case TALLY_OVER:
		refuse(c);
		return false;
	case TALLY_NO_MEMORY:
		break;
	}
	client_kill(c);
	return false;
}

static void client_bury(struct dead *dead)
{
	struct client *c = LIST_OF(dead, struct client, dead);

	free(c->secure);
	slab_put(&c->worker->client_slab, c);
}

void client_kill(struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return;
	c->state = CLIENT_DEAD;
	conn_close(&c->conn);
	list_remove(&c->link);
	count_add(&c->worker->counters, COUNT_CLIENT_IDLE, UINT64_MAX);
	tally_leave(&c->worker->shared->tally, c->tally);
	c->tally = NULL;
	if (c->refused)
		c->worker->refused_count--;
	atomic_fetch_sub_explicit(&c->worker->shared->client_count, 1, memory_order_relaxed);
	loop_bury(&c->worker->loop, &c->dead, client_bury);
}

bool client_become_secure(struct client *c, struct span host, uint16_t port, struct span name)
{
	enum { PORT_BYTES = sizeof("[]:65535") };
	size_t room = host.n + PORT_BYTES;
	bool is_ipv6 = span_find(host, ':') < host.n;
	struct secure *s = malloc(sizeof(*s) + room + name.n);

	if (!s)
		return false;
	int n = snprintf(s->text, room, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARG(host), port);
	s->port = port;
	s->authority = span_of(s->text, (size_t)n);
	s->host = span_of(s->text + is_ipv6, host.n);
	s->name = span_of(memcpy(s->text + room, name.p, name.n), name.n);
	c->secure = s;
	return true;
}

/* -- ending -- */

/* Refused clients whose end is awaited, per worker: beyond that, they may miss what they were told. */
enum { REFUSED_LINGER_MAX = 64 };

/* Waits for the client's next step; first, and at the pace of a body, for it to take the end of its answer. */
static void await(struct client *c, enum deadline_class class)
{
	deadline_start(&c->worker->loop, &c->conn.deadline, conn_blocked(&c->conn) ? DEADLINE_BODY : class);
}

/* Ends the connection so that everything sent still arrives. */
static void client_linger(struct client *c)
{
	c->state = CLIENT_LINGER;
	c->conn.read_wanted = true;
	c->conn.write_wanted = false;
	conn_end_writes(&c->conn);
	if ((c->conn.read_ended && !conn_blocked(&c->conn)) ||
		(c->refused && c->worker->refused_count > REFUSED_LINGER_MAX)) {
		client_kill(c);
		return;
	}
	await(c, DEADLINE_LINGER);
	conn_update(&c->conn);
}

/* Reads the peer out: closing with unread bytes would be a reset, which can overtake our answer. */
static void linger(struct client *c)
{
	struct span bytes;
	bool filled;

	do {
		switch (conn_read(&c->conn, &bytes, &filled)) {
		case IO_OK:
			if (!conn_consume(&c->conn, bytes, bytes.n)) {
				client_kill(c);
				return;
			}
			break;
		case IO_AGAIN:
			return;
		case IO_END:
			if (!conn_blocked(&c->conn))
				client_kill(c);
			return;
		case IO_ERROR:
			client_kill(c);
			return;
		}
	} while (c->conn.bytes == BYTES_UNSURE);
}

void client_exchange_done(struct client *c, const struct client_ending *ending)
{
	bool more_came = conn_stored(&c->conn).n > 0;

	c->state = CLIENT_IDLE;
	c->conn.write_wanted = false;
	conn_settle(&c->conn);
	if (ending->reset) {
		conn_abort(&c->conn);
		client_kill(c);
	} else if (ending->persistent) {
		await(c, DEADLINE_CLIENT_IDLE);
		read_requests(c);
	} else if (ending->unread || more_came || conn_blocked(&c->conn)) {
		client_linger(c);
	} else {
		client_kill(c);
	}
}

/* -- requests -- */

static void head_is_partial(struct client *c, struct span bytes)
{
	if (!conn_consume(&c->conn, bytes, 0)) {
		client_kill(c);
		return;
	}
	c->starving = true;
	if (c->state == CLIENT_HEAD)
		return;
	c->state = CLIENT_HEAD;
	deadline_start(&c->worker->loop, &c->conn.deadline, DEADLINE_CLIENT_HEAD);
}

static void head_is_whole(struct client *c, struct exchange *x, struct span bytes, size_t head_len)
{
	bool kept = exchange_keep_head(x, span_first(bytes, head_len));

	c->scanned = 0;
	deadline_stop(&c->worker->loop, &c->conn.deadline);
	if (!kept || !conn_consume(&c->conn, bytes, head_len)) {
		exchange_discard(x);
		client_kill(c);
		return;
	}
	exchange_begin(x);
}

static void head_is_bad(struct client *c, struct exchange *x, struct span bytes, const struct h1_error *error)
{
	deadline_stop(&c->worker->loop, &c->conn.deadline);
	if (!conn_consume(&c->conn, bytes, bytes.n)) {
		exchange_discard(x);
		client_kill(c);
		return;
	}
	exchange_begin_bad(x, error);
}

static void parse(struct client *c, struct span bytes)
{
	struct exchange *x = exchange_new(c);
	struct h1_error error;
	size_t scanned = c->scanned, head_len = 0;

	if (!x) {
		worker_tell_shortage(c->worker, "memory is out");
		client_kill(c);
		return;
	}
	c->starving = false;
	const struct h1_limits *limits = &worker_snapshot(c->worker)->limits;
	switch (h1_read_request(bytes, &scanned, limits, &c->worker->known, &x->request, &head_len, &error)) {
	case H1_OK:
		head_is_whole(c, x, bytes, head_len);
		return;
	case H1_MORE:
		c->scanned = (uint32_t)scanned;
		exchange_discard(x);
		head_is_partial(c, bytes);
		return;
	case H1_BAD:
		head_is_bad(c, x, bytes, &error);
		return;
	}
}

/* One request, if there are bytes for one.  False when there is nothing to do now. */
static bool read_request(struct client *c)
{
	struct span bytes = conn_stored(&c->conn);
	bool filled;

	if (bytes.n && !c->starving) {
		parse(c, bytes);
		return true;
	}
	if (c->conn.read_ended) {
		client_kill(c);
		return false;
	}
	if (c->conn.bytes == BYTES_NONE)
		return false;
	switch (conn_read(&c->conn, &bytes, &filled)) {
	case IO_OK:
		parse(c, bytes);
		return true;
	case IO_AGAIN:
		return false;
	case IO_END:
	case IO_ERROR:
		break;
	}
	client_kill(c);
	return false;
}

/*
 * Serves requests as long as they are there and the client takes the answers.  An exchange that ends at once comes
 * back here through client_exchange_done(); the flag turns that recursion into this loop.
 */
static void read_requests(struct client *c)
{
	if (c->reading)
		return;
	c->reading = true;
	while ((c->state == CLIENT_IDLE || c->state == CLIENT_HEAD) && !conn_blocked(&c->conn) && read_request(c))
		;
	c->reading = false;
	if (c->state != CLIENT_IDLE && c->state != CLIENT_HEAD)
		return;
	c->conn.read_wanted = !conn_blocked(&c->conn);
	conn_update(&c->conn);
}

/* -- the PROXY protocol's header -- */

void client_preface_refused(struct worker *w, const struct address *sender, const char *why)
{
	char text[ADDRESS_TEXT_MAX];
	unsigned count;

	if (!log_throttle_pass(&w->prefaces, w->loop.now_us, &count))
		return;
	address_format(sender, text);
	log_warn("%s: PROXY protocol header: %s (%u connections closed since last told)", text, why, count);
}

static void preface_is_bad(struct client *c, const char *why)
{
	client_preface_refused(c->worker, &c->address, why);
	client_kill(c);
}

/* From here on it is the client's connection, whose first request may have come along. */
static void preface_is_whole(struct client *c, struct span bytes, const struct proxy_header *h)
{
	struct address address = h->has_client ? h->client : c->address;

	if (!conn_consume(&c->conn, bytes, h->len)) {
		client_kill(c);
		return;
	}
	c->state = CLIENT_IDLE;
	deadline_start(&c->worker->loop, &c->conn.deadline, DEADLINE_CLIENT_IDLE);
	if (client_set_address(c, &address))
		read_requests(c);
}

static void read_preface(struct client *c)
{
	struct proxy_header h;
	struct span bytes;
	const char *why;
	bool filled;

	while (c->state == CLIENT_PREFACE && c->conn.bytes != BYTES_NONE) {
		switch (conn_read(&c->conn, &bytes, &filled)) {
		case IO_OK:
			break;
		case IO_AGAIN:
			return;
		case IO_END:
		case IO_ERROR:
			client_kill(c); /* a load balancer that looks whether the port is open */
			return;
		}
		switch (proxy_header_read(bytes, &h, &why)) {
		case PROXY_HEADER_OK:
			preface_is_whole(c, bytes, &h);
			return;
		case PROXY_HEADER_BAD:
			preface_is_bad(c, why);
			return;
		case PROXY_HEADER_MORE:
			if (!conn_consume(&c->conn, bytes, 0))
				client_kill(c);
			break;
		}
	}
}

/* -- events -- */

static void client_readable(struct conn *conn)
{
	struct client *c = LIST_OF(conn, struct client, conn);

	switch (c->state) {
	case CLIENT_PREFACE:
		read_preface(c);
		return;
	case CLIENT_IDLE:
	case CLIENT_HEAD:
		read_requests(c);
		return;
	case CLIENT_BUSY:
		exchange_client_readable(c->exchange);
		return;
	case CLIENT_LINGER:
		linger(c);
		return;
	case CLIENT_DEAD:
		return;
	}
}

static void client_writable(struct conn *conn)
{
	struct client *c = LIST_OF(conn, struct client, conn);

	switch (c->state) {
	case CLIENT_IDLE:
		await(c, DEADLINE_CLIENT_IDLE);
		read_requests(c);
		return;
	case CLIENT_HEAD:
		read_requests(c);
		return;
	case CLIENT_BUSY:
		exchange_step(c->exchange);
		return;
	case CLIENT_LINGER:
		if (conn->read_ended)
			client_kill(c);
		else
			await(c, DEADLINE_LINGER);
		return;
	case CLIENT_PREFACE:
	case CLIENT_DEAD:
		return;
	}
}

static void client_failed(struct conn *conn)
{
	struct client *c = LIST_OF(conn, struct client, conn);

	if (c->state == CLIENT_BUSY)
		exchange_client_broken(c->exchange);
	else
		client_kill(c);
}

/* Whether bytes have come since events were last looked at: closing then would cost the client its request. */
static bool asked_after_all(struct client *c)
{
	if (conn_blocked(&c->conn))
		return false;
	c->conn.bytes = BYTES_THERE;
	return conn_has_unread(&c->conn);
}

static void client_expired(struct conn *conn)
{
	struct client *c = LIST_OF(conn, struct client, conn);

	if (c->state == CLIENT_PREFACE) {
		preface_is_bad(c, "it did not arrive within timeout-client-head");
		return;
	}
	if (c->state == CLIENT_IDLE && asked_after_all(c)) {
		read_requests(c);
		return;
	}
	struct exchange *x = c->state == CLIENT_HEAD ? exchange_new(c) : NULL;
	if (!x) {
		if (conn_blocked(conn))
			conn_abort(conn); /* shows that what came of the answer is not all */
		client_kill(c);
		return;
	}
	buf_clear(&c->worker->loop.bufs, &conn->in);
	exchange_begin_slow(x);
}
