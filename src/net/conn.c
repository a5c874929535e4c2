/*
 * A connected socket on a loop.  Moves bytes, decides nothing about them.
 */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/transfer.h"

enum { READ_MIN_BYTES = 1024 };

static void conn_on_event(evutil_socket_t fd, short what, void *arg);
static void conn_on_deadline(struct deadline *d);
static void conn_serve_ready(struct list *link);

static ssize_t plain_read(struct conn *c, char *to, size_t n)
{
	return transfer_recv(c->fd, to, n, 0);
}

static ssize_t plain_peek(struct conn *c, char *to, size_t n)
{
	return transfer_recv(c->fd, to, n, MSG_PEEK | MSG_DONTWAIT);
}

const struct io_ops io_plain = {
	.read = plain_read,
	.peek = plain_peek,
};

void conn_init(struct conn *c, struct loop *l, int fd, const struct conn_owner *owner)
{
	*c = (struct conn){ .loop = l, .owner = owner, .io = &io_plain, .fd = fd };
	deadline_init(&c->deadline, conn_on_deadline);
	list_init(&c->ready_link);
	l->serve_ready = conn_serve_ready;
}

void conn_set_transport(struct conn *c, const struct io_ops *io, void *transport)
{
	c->io = io;
	c->transport = transport;
	c->bytes = BYTES_THERE;
}

void conn_adopt(struct conn *c, struct loop *l, const struct conn_core *core, const struct conn_owner *owner)
{
	conn_init(c, l, core->fd, owner);
	c->io = core->io;
	c->transport = core->transport;
	c->in = core->in;
	c->out = core->out;
	if (c->transport)
		c->bytes = BYTES_THERE; /* in the transport, perhaps; of the kernel's we are told anew */
	if (c->io->moved)
		c->io->moved(c);
}

static void disarm(struct conn *c)
{
	if (c->armed)
		event_del(&c->event);
	c->armed = false;
	list_remove(&c->ready_link);
}

/* Tells the peer that nothing was cut off; whether that gets through is of no importance any more. */
static void say_goodbye(struct conn *c)
{
	struct span wire;

	if (c->io->seal_end && !c->write_ended && !conn_blocked(c) && c->io->seal_end(c, &wire) && wire.n)
		transfer_send(c->fd, wire.p, wire.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void conn_close(struct conn *c)
{
	if (c->fd < 0)
		return;
	disarm(c);
	say_goodbye(c);
	if (c->io->fini)
		c->io->fini(c);
	if (c->ends_next && !c->write_ended)
		shutdown(c->fd, SHUT_WR); /* with bytes unread, closing would drop what waits for the end */
	close(c->fd);
	c->fd = -1;
	buf_clear(&c->loop->bufs, &c->in);
	buf_clear(&c->loop->bufs, &c->out);
	deadline_stop(c->loop, &c->deadline);
}

struct conn_core conn_detach(struct conn *c)
{
	struct conn_core core = { .fd = c->fd, .io = c->io, .transport = c->transport, .in = c->in, .out = c->out };

	c->in = c->out = (struct buf){ .data = NULL };
	disarm(c);
	c->fd = -1;
	deadline_stop(c->loop, &c->deadline);
	return core;
}

void conn_abort(struct conn *c)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (c->fd >= 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	c->write_ended = true; /* no orderly word before it */
	conn_close(c);
}

/* Where the next read goes: behind what is stored, or to scratch when nothing is. */
static char *read_room(struct conn *c, size_t *room)
{
	size_t stored = buf_len(&c->in);

	if (!stored) {
		*room = LOOP_READ_BYTES;
		return c->loop->scratch;
	}
	*room = stored + READ_MIN_BYTES <= BUF_SMALL_BYTES ? BUF_SMALL_BYTES - stored : LOOP_READ_BYTES;
	return buf_room(&c->loop->bufs, &c->in, *room);
}

enum io_result conn_read(struct conn *c, struct span *bytes, bool *filled)
{
	size_t room;
	char *to = read_room(c, &room);

	if (!to) {
		errno = ENOBUFS;
		return IO_ERROR;
	}
	ssize_t n = c->io->read(c, to, room);
	c->bytes = n <= 0 ? BYTES_NONE : (size_t)n == room || c->hung_up || c->write_ended ? BYTES_THERE : BYTES_UNSURE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_ERROR;
	if (n == 0) {
		c->read_ended = true;
		return IO_END;
	}
	*filled = (size_t)n == room;
	if (to == c->loop->scratch) {
		*bytes = span_of(to, (size_t)n);
	} else {
		buf_added(&c->in, (size_t)n);
		*bytes = buf_span(&c->in);
	}
	return IO_OK;
}

bool conn_has_unread(struct conn *c)
{
	char byte;

	if (c->bytes == BYTES_THERE && c->io->peek(c, &byte, 1) < 0 && errno == EAGAIN)
		c->bytes = BYTES_NONE;
	return c->bytes == BYTES_THERE;
}

size_t conn_unconfirmed(const struct conn *c)
{
	int queued;

	if (c->io->seal || ioctl(c->fd, SIOCOUTQ, &queued) < 0 || queued < 0)
		return 0;
	return (size_t)queued + buf_len(&c->out);
}

int64_t conn_round_trip_us(const struct conn *c)
{
	struct tcp_info info = { .tcpi_rtt = 0 };
	socklen_t n = sizeof(info);

	return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0 ? 0 : info.tcpi_rtt;
}

static bool in_scratch(const struct loop *l, struct span bytes)
{
	return bytes.p >= l->scratch && bytes.p <= l->scratch + LOOP_SCRATCH_BYTES;
}

bool conn_consume(struct conn *c, struct span bytes, size_t n)
{
	assert(n <= bytes.n);
	if (in_scratch(c->loop, bytes))
		return buf_append(&c->loop->bufs, &c->in, span_from(bytes, n));
	if (n)
		buf_consume(&c->loop->bufs, &c->in, n);
	return true;
}

struct span conn_skip(struct conn *c, struct span bytes, size_t n)
{
	assert(n <= bytes.n);
	if (n && !in_scratch(c->loop, bytes))
		buf_consume(&c->loop->bufs, &c->in, n);
	return span_from(bytes, n);
}

/* Stores what the socket did not take: everything after the first `sent` bytes. */
static bool store_rest(struct conn *c, const struct iovec *iov, int count, size_t sent)
{
	for (int i = 0; i < count; i++) {
		struct span part = span_of(iov[i].iov_base, iov[i].iov_len);
		size_t skip = sent < part.n ? sent : part.n;

		sent -= skip;
		if (!buf_append(&c->loop->bufs, &c->out, span_from(part, skip)))
			return false;
	}
	return true;
}

static ssize_t send_now(struct conn *c, const struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count };
	int flags = MSG_NOSIGNAL | (c->ends_next ? MSG_MORE : 0);

	if (count == 1)
		return transfer_send(c->fd, iov->iov_base, iov->iov_len, flags);
	return transfer_sendmsg(c->fd, &m, flags);
}

static bool send_or_store(struct conn *c, const struct iovec *iov, int count)
{
	ssize_t sent = 0;
	size_t total = 0;

	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (!conn_blocked(c)) {
		sent = send_now(c, iov, count);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent < 0)
			sent = 0;
	}
	return (size_t)sent == total || store_rest(c, iov, count, (size_t)sent);
}

bool conn_send_wire(struct conn *c, struct span wire)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)wire.p, .iov_len = wire.n };

	return !wire.n || send_or_store(c, &iov, 1);
}

bool conn_send(struct conn *c, const struct iovec *iov, int count)
{
	struct span wire;

	if (conn_is_raw(c))
		return send_or_store(c, iov, count);
	return c->io->seal(c, iov, count, &wire) && conn_send_wire(c, wire);
}

bool conn_send_span(struct conn *c, struct span s)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)s.p, .iov_len = s.n };

	return conn_send(c, &iov, 1);
}

void conn_end_writes(struct conn *c)
{
	struct span wire;

	if (c->write_ended)
		return;
	if (c->io->seal_end && (!c->io->seal_end(c, &wire) || !conn_send_wire(c, wire))) {
		c->write_ended = true;
		return; /* broken: reading will find out */
	}
	conn_cut_writes(c);
}

void conn_cut_writes(struct conn *c)
{
	if (c->write_ended)
		return;
	c->write_ended = true;
	if (!conn_blocked(c))
		shutdown(c->fd, SHUT_WR);
}

/* Sends what is stored.  False when the connection is broken. */
static bool flush(struct conn *c)
{
	struct span s = buf_span(&c->out);
	struct iovec iov = { .iov_base = (void *)(uintptr_t)s.p, .iov_len = s.n };
	ssize_t n = send_now(c, &iov, 1);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&c->loop->bufs, &c->out, (size_t)n);
	if (!conn_blocked(c) && c->write_ended)
		shutdown(c->fd, SHUT_WR);
	return true;
}

static void on_writable(struct conn *c)
{
	if (conn_blocked(c)) {
		if (!flush(c)) {
			c->owner->failed(c);
			return;
		}
		if (conn_blocked(c))
			return;
	}
	c->owner->writable(c);
}

static void make_ready(struct conn *c)
{
	if (list_empty(&c->ready_link))
		list_push(&c->loop->ready, &c->ready_link);
}

/* Only remembers; see conn.h. */
static void conn_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & EV_CLOSED)
		c->hung_up = true;
	if (what & (EV_READ | EV_CLOSED))
		c->bytes = BYTES_THERE;
	if (what & EV_WRITE)
		c->has_room = true;
	make_ready(c);
}

static void conn_serve_ready(struct list *link)
{
	struct conn *c = LIST_OF(link, struct conn, ready_link);
	bool has_room = c->has_room;

	c->loop->now_us = clock_us();
	c->has_room = false;
	if (has_room && (conn_blocked(c) || c->write_wanted))
		on_writable(c);
	if (conn_is_open(c) && c->bytes == BYTES_THERE && c->read_wanted && !c->read_ended)
		c->owner->readable(c);
	conn_update(c);
}

static void conn_on_deadline(struct deadline *d)
{
	struct conn *c = LIST_OF(d, struct conn, deadline);

	c->owner->expired(c);
	conn_update(c);
}

/* Memory is out, ours or the kernel's: nobody would ever wake the owner.  So it sees an end, from the ready list. */
static void break_off(struct conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
	c->broken_off = c->hung_up = c->has_room = true;
	c->bytes = BYTES_THERE;
	make_ready(c);
}

static void arm(struct conn *c, short what)
{
	if (c->armed)
		event_del(&c->event);
	event_assign(&c->event, c->loop->base, c->fd, what | EV_CLOSED | EV_ET | EV_PERSIST, conn_on_event, c);
	c->armed = event_add(&c->event, NULL) == 0;
	if (!c->armed)
		break_off(c);
}

static void arm_for_state(struct conn *c)
{
	if (!c->armed_write && (conn_blocked(c) || c->write_wanted)) {
		c->armed_write = true;
		arm(c, EV_READ | EV_WRITE);
	} else if (!c->armed) {
		arm(c, EV_READ);
	}
}

void conn_update(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	if (!c->broken_off)
		arm_for_state(c);
	if (c->bytes == BYTES_THERE && c->read_wanted && !c->read_ended)
		make_ready(c);
}
