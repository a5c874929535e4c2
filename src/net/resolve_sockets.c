/*
 * The sockets of c-ares: the system's calls, but for refusals.
 *
 * All questions to a name server share one UDP socket.  The kernel tells that the server is gone once, with the next
 * call on it, and when that is the sending of another question, c-ares takes it for a failure of that one alone: the
 * first then waits for its retries, for seconds.
 */
#include "net/resolve_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static ares_socket_t socket_open(int domain, int type, int protocol, void *none)
{
	const int on = 1;
	int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	(void)none;
	if (fd >= 0 && type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int socket_close(ares_socket_t fd, void *none)
{
	(void)none;
	return close(fd);
}

static int socket_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t n, void *none)
{
	(void)none;
	return connect(fd, address, n);
}

static ares_ssize_t socket_receive(ares_socket_t fd, void *to, size_t n, int flags, struct sockaddr *from,
	ares_socklen_t *from_bytes, void *none)
{
	(void)none;
	return recvfrom(fd, to, n, flags, from, from_bytes);
}

/* A refusal is of what was sent before: sending again leaves it to reading, where c-ares takes it for all questions. */
static ares_ssize_t socket_send(ares_socket_t fd, const struct iovec *iov, int count, void *none)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count };
	ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);

	(void)none;
	return n < 0 && errno == ECONNREFUSED ? sendmsg(fd, &m, MSG_NOSIGNAL) : n;
}

const struct ares_socket_functions resolve_sockets = {
	.asocket = socket_open,
	.aclose = socket_close,
	.aconnect = socket_connect,
	.arecvfrom = socket_receive,
	.asendv = socket_send,
};
