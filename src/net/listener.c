/*
 * Listening sockets: opening them, and accepting with measure.
 */
#include "net/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	BACKLOG = 4096,             /* the kernel lowers it to net.core.somaxconn */
	BATCH = 16,                 /* accepted before those already connected have their turn */
	PAUSE_US = 100 * 1000,
};

/* Opening */

static bool option_on(int fd, int level, int name)
{
	int one = 1;

	return setsockopt(fd, level, name, &one, sizeof(one)) == 0;
}

/* NULL, or why not, with errno. */
static const char *socket_prepare(int fd, const struct address *at, bool shared)
{
	struct sockaddr_storage sa;
	socklen_t bytes = address_to_sockaddr(at, &sa);

	if (!option_on(fd, SOL_SOCKET, SO_REUSEADDR))
		return "cannot set SO_REUSEADDR";
	if (shared && !option_on(fd, SOL_SOCKET, SO_REUSEPORT))
		return "cannot set SO_REUSEPORT";
	if (sa.ss_family == AF_INET6 && !option_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return "cannot set IPV6_V6ONLY";
	if (!option_on(fd, IPPROTO_TCP, TCP_NODELAY)) /* accepted sockets inherit it on Linux: a call less for each */
		return "cannot set TCP_NODELAY";
	if (bind(fd, (const void *)&sa, bytes) != 0)
		return "cannot bind";
	if (listen(fd, BACKLOG) != 0)
		return "cannot listen";
	return NULL;
}

static bool socket_address(int fd, struct address *out)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(sa);

	return getsockname(fd, (void *)&sa, &bytes) == 0 && address_from_sockaddr((const void *)&sa, out);
}

int listener_open(const struct address *at, bool shared, struct address *bound, const char **why)
{
	int family = address_is_v4(at) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0) {
		*why = "cannot open a socket";
		return -1;
	}
	*why = socket_prepare(fd, at, shared);
	if (!*why && !socket_address(fd, bound))
		*why = "cannot find out the address";
	if (!*why)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool listener_is_own_address(const struct address *a)
{
	struct sockaddr_storage sa;
	socklen_t bytes = address_to_sockaddr(a, &sa);
	struct address source;
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own = fd >= 0 && connect(fd, (const void *)&sa, bytes) == 0 && socket_address(fd, &source) &&
		   memcmp(source.ip, a->ip, sizeof(source.ip)) == 0;

	if (fd >= 0)
		close(fd);
	return own;
}

/* Accepting */

static bool resume_later(struct listener *l)
{
	const struct timeval pause = { .tv_usec = PAUSE_US };

	return event_add(&l->resume, &pause) == 0;
}

/* The kernel queues clients meanwhile.  Without memory for the timer there is no pause: it would have no end. */
static void listener_pause(struct listener *l, const char *cause)
{
	unsigned count;

	if (resume_later(l))
		event_del(&l->event);
	if (log_throttle_pass(&l->pauses, l->loop->now_us, &count))
		log_warn("listener: %s: pausing (%u pauses since last told)", cause, count);
}

/* What epoll has no memory for is tried again. */
static bool listen_now_or_later(struct listener *l)
{
	return event_add(&l->event, NULL) == 0 || resume_later(l);
}

static void resume_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (!listen_now_or_later(l))
		log_error("listener: memory is out, and so one address is not served any more");
}

/* Whether the failure is of that one connection, so that the next is worth a try (accept(2), error handling). */
static bool is_connections_own(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPERM: /* the firewall's */
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/* Accepts one.  False when there is no more to do now. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(sa);
	struct address client = { .port = 0 };

	if (l->has_room && !l->has_room(l)) {
		listener_pause(l, "as many clients as are allowed");
		return false;
	}
	int fd = accept4(l->fd, (void *)&sa, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (is_connections_own(errno))
			return true;
		if (errno != EAGAIN)
			listener_pause(l, strerror(errno));
		return false;
	}
	bool known = l->is_local || address_from_sockaddr((const void *)&sa, &client);
	if (known && l->accepted(l, fd, &client))
		return l->fd >= 0;
	close(fd);
	if (l->fd >= 0)
		listener_pause(l, "no room for another client");
	return false;
}

static void accept_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	l->loop->now_us = clock_us();
	for (int i = 0; i < BATCH; i++)
		if (!accept_one(l))
			return;
}

bool listener_start(struct listener *l, struct loop *loop, int fd)
{
	l->loop = loop;
	l->fd = fd;
	event_assign(&l->event, loop->base, fd, EV_READ | EV_PERSIST, accept_on_event, l);
	event_assign(&l->resume, loop->base, -1, 0, resume_on_event, l);
	return listen_now_or_later(l);
}

/* The kernel drops what asks for a connection: SYN without ACK; a filter sees a segment from its TCP header on. */
void listener_refuse_new(struct listener *l)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
		log_debug("listener: cannot refuse new clients: %s", strerror(errno));
}

void listener_accept_queued(struct listener *l)
{
	l->loop->now_us = clock_us();
	for (int i = 0; i < BACKLOG && accept_one(l); i++)
		;
}

void listener_stop(struct listener *l)
{
	if (l->fd < 0)
		return;
	event_del(&l->event);
	event_del(&l->resume);
	l->fd = -1;
}
