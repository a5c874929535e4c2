/*
 * From a host and port to a connected socket.
 *
 * The usual case, one address that answers, costs socket, setsockopt, connect and one look at the result.
 */
#include "net/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	STAGGER_US = 250 * 1000,      /* RFC 8305 section 5, Connection Attempt Delay */
	REPLACE_US = 2 * 1000 * 1000, /* with all attempts taken, the oldest makes room after that */
};

static void on_resolved(struct resolve *r, const struct resolved *answer);
static void stagger_on_event(evutil_socket_t fd, short what, void *arg);
static void attempt_on_event(evutil_socket_t fd, short what, void *arg);
static void on_deadline(struct deadline *d);

/* Results */

const char *connect_status_reason(enum connect_status s)
{
	switch (s) {
	case CONNECT_OK:
		break;
	case CONNECT_DNS_NOT_FOUND:
		return "no such host";
	case CONNECT_DNS_TIMEOUT:
		return "looking up the name took too long";
	case CONNECT_DNS_FAILED:
		return "looking up the name failed";
	case CONNECT_REFUSED:
		return "connection refused";
	case CONNECT_TIMEOUT:
		return "connecting took too long";
	case CONNECT_UNREACHABLE:
		return "host or network unreachable";
	case CONNECT_FORBIDDEN:
		return "connections to this address are not allowed";
	case CONNECT_PROHIBITED:
		return "the address is denied to this client";
	case CONNECT_NO_RESOURCES:
		return "out of descriptors, ports or memory";
	case CONNECT_PARENT_FAILED:
		return "the parent proxy made no way through";
	case CONNECT_TLS_CERTIFICATE:
		return "the certificate did not stand up";
	case CONNECT_TLS_CERTIFICATE_WANTED:
		return "a client certificate is wanted";
	case CONNECT_TLS_ALERT:
		return "the TLS handshake was refused";
	case CONNECT_TLS_TROUBLE:
		return "something went wrong at the other end of the TLS handshake";
	case CONNECT_TLS_CUT:
		return "the TLS handshake was cut off";
	case CONNECT_TLS_NOT:
		return "no TLS is spoken there";
	case CONNECT_TLS_FAILED:
		return "the TLS handshake failed";
	}
	return "connected";
}

static enum connect_status status_of_errno(int error, const struct address *a)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return CONNECT_REFUSED;
	case ETIMEDOUT:
		return CONNECT_TIMEOUT;
	case EADDRNOTAVAIL: /* IPv4: the ports are used up; IPv6, commonly: this machine has no such address */
		return address_is_v4(a) ? CONNECT_NO_RESOURCES : CONNECT_UNREACHABLE;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EAGAIN:
		return CONNECT_NO_RESOURCES;
	default: /* ENETUNREACH, EHOSTUNREACH, EACCES, EPERM, EAFNOSUPPORT… */
		return CONNECT_UNREACHABLE;
	}
}

static enum connect_status status_of_answer(enum resolve_status s)
{
	switch (s) {
	case RESOLVE_OK:
		return CONNECT_OK;
	case RESOLVE_NOT_FOUND:
		return CONNECT_DNS_NOT_FOUND;
	case RESOLVE_TIMEOUT:
		return CONNECT_DNS_TIMEOUT;
	case RESOLVE_NO_RESOURCES:
		return CONNECT_NO_RESOURCES;
	case RESOLVE_FAILED:
		break;
	}
	return CONNECT_DNS_FAILED;
}

/* How much a failure tells about the other side. */
static int weight(enum connect_status s)
{
	switch (s) {
	case CONNECT_REFUSED:
		return 4;
	case CONNECT_TIMEOUT:
		return 3;
	case CONNECT_UNREACHABLE:
		return 2;
	case CONNECT_NO_RESOURCES:
		return 1;
	case CONNECT_OK:
	case CONNECT_DNS_NOT_FOUND:
	case CONNECT_DNS_TIMEOUT:
	case CONNECT_DNS_FAILED:
	case CONNECT_FORBIDDEN:
	case CONNECT_PROHIBITED:
	case CONNECT_PARENT_FAILED:
	case CONNECT_TLS_CERTIFICATE:
	case CONNECT_TLS_CERTIFICATE_WANTED:
	case CONNECT_TLS_ALERT:
	case CONNECT_TLS_TROUBLE:
	case CONNECT_TLS_CUT:
	case CONNECT_TLS_NOT:
	case CONNECT_TLS_FAILED:
		break;
	}
	return 0;
}

static void note_failure(struct connector *c, int error, const struct address *a)
{
	enum connect_status s = status_of_errno(error, a);

	if (weight(s) > weight(c->failure))
		c->failure = s;
}

/* Attempts */

static void attempt_close(struct connect_attempt *t)
{
	event_del(&t->event);
	close(t->fd);
	t->fd = -1;
}

/* The open attempt that started first; NULL without any. */
static struct connect_attempt *attempt_oldest(struct connector *c)
{
	struct connect_attempt *oldest = NULL;

	for (int i = 0; i < CONNECT_ATTEMPTS_MAX; i++) {
		struct connect_attempt *t = &c->attempts[i];

		if (t->fd >= 0 && (!oldest || t->address < oldest->address))
			oldest = t;
	}
	return oldest;
}

/* An unused attempt, or NULL. */
static struct connect_attempt *attempt_unused(struct connector *c)
{
	for (int i = 0; i < CONNECT_ATTEMPTS_MAX; i++)
		if (c->attempts[i].fd < 0)
			return &c->attempts[i];
	return NULL;
}

/* Sends the SYN.  Returns a descriptor, or -1 with errno. */
static int socket_connect(const struct address *a, bool *connected)
{
	struct sockaddr_storage to;
	socklen_t to_bytes = address_to_sockaddr(a, &to);
	int one = 1;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*connected = connect(fd, (const void *)&to, to_bytes) == 0;
	if (*connected || errno == EINPROGRESS)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* False when the address failed at once, which is noted. */
static bool attempt_open(struct connector *c, struct connect_attempt *t, unsigned index)
{
	const struct address *a = &c->resolved.address[index];
	bool connected;

	t->fd = socket_connect(a, &connected);
	if (t->fd < 0) {
		note_failure(c, errno, a);
		return false;
	}
	t->connector = c;
	t->address = index;
	event_assign(&t->event, c->loop->base, t->fd, EV_WRITE, attempt_on_event, t);
	if (connected) {
		event_active(&t->event, EV_WRITE, 0);
	} else if (event_add(&t->event, NULL) != 0) {
		attempt_close(t);
		note_failure(c, ENOMEM, a);
		return false;
	}
	return true;
}

static void stagger_arm(struct connector *c, long delay_us)
{
	struct timeval tv = { .tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000 };

	event_add(&c->stagger, &tv);
}

/* Tries addresses until one does not fail at once; then sees to it that the next has its turn, or gives up. */
static void try_next(struct connector *c)
{
	struct connect_attempt *t = attempt_unused(c);
	bool opened = false;

	while (t && !opened && c->next_address < c->resolved.count)
		opened = attempt_open(c, t, c->next_address++);
	if (c->next_address < c->resolved.count) {
		stagger_arm(c, attempt_unused(c) ? STAGGER_US : REPLACE_US);
	} else if (!opened && !attempt_oldest(c)) {
		c->state = CONNECTOR_FAILED;
		event_active(&c->stagger, EV_TIMEOUT, 0);
	} else {
		event_del(&c->stagger);
	}
}

/* Ends */

static void connector_clear(struct connector *c)
{
	resolver_cancel(&c->resolve);
	for (int i = 0; i < CONNECT_ATTEMPTS_MAX; i++)
		if (c->attempts[i].fd >= 0)
			attempt_close(&c->attempts[i]);
	event_del(&c->stagger);
	deadline_stop(c->loop, &c->deadline);
	c->state = CONNECTOR_IDLE;
}

/* Nothing may touch c after this. */
static void report_failure(struct connector *c, enum connect_status status)
{
	bool own_words = c->resolved.status != RESOLVE_OK && c->resolved.reason;
	struct connector_result result = { .status = status, .fd = -1, .resolve_us = c->resolve_us };

	result.reason = own_words ? c->resolved.reason : connect_status_reason(status);
	if (c->next_address)
		result.address = c->resolved.address[c->next_address - 1];
	connector_clear(c);
	c->done(c, &result);
}

static void report_success(struct connector *c, struct connect_attempt *t)
{
	struct connector_result result = {
		.status = CONNECT_OK,
		.fd = t->fd,
		.address = c->resolved.address[t->address],
		.resolve_us = c->resolve_us,
	};

	event_del(&t->event);
	t->fd = -1;
	connector_clear(c);
	c->done(c, &result);
}

/* Events */

static void attempt_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct connect_attempt *t = arg;
	struct connector *c = t->connector;
	int error = 0;
	socklen_t bytes = sizeof(error);

	(void)what;
	c->loop->now_us = clock_us();
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		error = errno;
	if (!error) {
		report_success(c, t);
		return;
	}
	note_failure(c, error, &c->resolved.address[t->address]);
	attempt_close(t);
	try_next(c);
}

static void stagger_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct connector *c = arg;

	(void)fd;
	(void)what;
	c->loop->now_us = clock_us();
	if (c->state == CONNECTOR_FAILED) {
		report_failure(c, c->failure);
		return;
	}
	if (!attempt_unused(c)) {
		struct connect_attempt *oldest = attempt_oldest(c);

		note_failure(c, ETIMEDOUT, &c->resolved.address[oldest->address]);
		attempt_close(oldest);
	}
	try_next(c);
}

static void on_deadline(struct deadline *d)
{
	struct connector *c = LIST_OF(d, struct connector, deadline);

	switch (c->state) {
	case CONNECTOR_IDLE:
		return;
	case CONNECTOR_RESOLVING:
		report_failure(c, CONNECT_DNS_TIMEOUT);
		return;
	case CONNECTOR_CONNECTING:
		report_failure(c, CONNECT_TIMEOUT);
		return;
	case CONNECTOR_FAILED:
		report_failure(c, c->failure);
		return;
	}
}

/* Start */

/* Drops the addresses that the filter does not let through. */
static void filter_addresses(struct connector *c)
{
	struct resolved *r = &c->resolved;
	unsigned kept = 0;

	for (unsigned i = 0; i < r->count; i++)
		if (!c->allows || c->allows(c, &r->address[i]))
			r->address[kept++] = r->address[i];
	r->count = kept;
}

static void fail_later(struct connector *c, enum connect_status s)
{
	c->state = CONNECTOR_FAILED;
	c->failure = s;
	event_active(&c->stagger, EV_TIMEOUT, 0);
}

/* With c->resolved filled. */
static void begin(struct connector *c)
{
	if (c->resolved.status != RESOLVE_OK) {
		fail_later(c, status_of_answer(c->resolved.status));
		return;
	}
	filter_addresses(c);
	if (!c->resolved.count) {
		fail_later(c, CONNECT_FORBIDDEN);
		return;
	}
	c->state = CONNECTOR_CONNECTING;
	try_next(c);
}

static void on_resolved(struct resolve *r, const struct resolved *answer)
{
	struct connector *c = LIST_OF(r, struct connector, resolve);

	c->resolve_us = c->loop->now_us - c->started_us;
	c->resolved = *answer;
	begin(c);
}

void connector_start(struct connector *c, struct loop *l, struct resolver *resolver, struct span host,
	uint16_t port)
{
	c->state = CONNECTOR_RESOLVING;
	c->loop = l;
	c->resolve = (struct resolve){ .port = port, .done = on_resolved };
	c->resolved.status = RESOLVE_OK;
	c->resolved.count = 0;
	c->next_address = 0;
	for (int i = 0; i < CONNECT_ATTEMPTS_MAX; i++)
		c->attempts[i].fd = -1;
	event_assign(&c->stagger, l->base, -1, 0, stagger_on_event, c);
	deadline_init(&c->deadline, on_deadline);
	deadline_start(l, &c->deadline, DEADLINE_CONNECT);
	c->started_us = l->now_us;
	c->resolve_us = 0;
	c->failure = CONNECT_OK;
	if (resolver_ask(resolver, &c->resolve, host, &c->resolved))
		begin(c);
}

void connector_cancel(struct connector *c)
{
	if (c->state != CONNECTOR_IDLE)
		connector_clear(c);
}
