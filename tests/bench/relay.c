/*
 * What passing on costs without reading: bytes from either end to the other, each client with a connection of its own
 * to the origin.  The floor for any proxy that copies.
 *
 *   relay PORT ORIGIN_PORT      both of 127.0.0.1
 *
 * For short messages only, which fit into a socket's buffer; it is no relay for anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 16 * 1024,
	BACKLOG = 4096,
	EVENTS = 256,
};

/* One end of a pair. */
struct end {
	int fd;
	bool dead;
	struct end *peer, *next_dead;
};

static int epoll;
static struct sockaddr_in origin;
/* Freed when no event of the same batch can point to them any more. */
static struct end *dead;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in place(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static struct end *end_new(int fd)
{
	struct end *e = calloc(1, sizeof(*e));

	if (!e)
		die("calloc");
	e->fd = fd;
	return e;
}

static void watch(struct end *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };
	int on = 1;

	setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, e->fd, &event))
		die("epoll_ctl");
}

static void accept_one(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

	if (client < 0)
		return;
	int server = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 || connect(server, (struct sockaddr *)&origin, sizeof(origin)))
		die("connect");
	struct end *a = end_new(client), *b = end_new(server);
	a->peer = b;
	b->peer = a;
	watch(a);
	watch(b);
}

static void bury(struct end *e)
{
	close(e->fd);
	e->dead = true;
	e->next_dead = dead;
	dead = e;
}

static void free_dead(void)
{
	while (dead) {
		struct end *e = dead;

		dead = e->next_dead;
		free(e);
	}
}

/* The end of one direction is the end of both. */
static void pass_on(struct end *from)
{
	char buffer[BUFFER_BYTES];

	if (from->dead)
		return;
	ssize_t n = recv(from->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && send(from->peer->fd, buffer, (size_t)n, MSG_DONTWAIT) == n)
		return;
	bury(from->peer);
	bury(from);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "relay PORT ORIGIN_PORT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	struct sockaddr_in at = place(argv[1]);
	struct end listener = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	int on = 1;
	origin = place(argv[2]);
	epoll = epoll_create1(0);
	if (epoll < 0 || listener.fd < 0 || setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(listener.fd, (struct sockaddr *)&at, sizeof(at)) || listen(listener.fd, BACKLOG))
		die("listen");
	watch(&listener);
	for (;;) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == &listener)
				accept_one(listener.fd);
			else
				pass_on(events[i].data.ptr);
		free_dead();
	}
}
