/*
 * Asks through a proxy without a pause and checks every answer, until its standard input ends and REQUESTS were made.
 *
 *   load PROXY_PORT ORIGIN_PORT KEEPING COMING REQUESTS
 *
 * KEEPING clients keep their connection as long as they are not told that it ends; COMING ones make a new one for each
 * request.  Each asks for a path of its own, which the origin answers with that path and a newline, and asks nothing
 * twice: whatever else happens is a failure.  Prints requests, failures and connections, and on standard error what the
 * first failures were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096, CLIENTS_MAX = 64, FAILURES_SHOWN = 20, PATIENCE_S = 10 };

static unsigned proxy_port, origin_port;
static unsigned long wanted;
static atomic_ulong requests, failures, connections;
static atomic_bool input_ended;

struct client {
	unsigned number;
	bool keeps;
	int fd;              /* -1 none */
	unsigned on_it;      /* requests on this connection */
	char answer[ANSWER_MAX];
	size_t got;
};

static void failed(struct client *c, const char *what)
{
	int error = errno;

	if (atomic_fetch_add(&failures, 1) < FAILURES_SHOWN)
		fprintf(stderr, "client %u, request %u of its connection: %s (%s), %zu bytes: %.200s\n", c->number, c->on_it, what,
			strerror(error), c->got, c->answer);
}

static void hang_up(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->on_it = 0;
}

static bool dial(struct client *c)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int on = 1;

	if (c->fd >= 0)
		return true;
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_port = htons((unsigned short)proxy_port);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	atomic_fetch_add(&connections, 1);
	return c->fd >= 0 && connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}

/* Reads one answer whose body is `body`.  NULL, or what is wrong with it. */
static const char *hear(struct client *c, const char *body)
{
	size_t body_len = strlen(body);

	c->got = 0;
	c->answer[0] = '\0';
	for (;;) {
		const char *end = strstr(c->answer, "\r\n\r\n");

		if (end && (size_t)(end + 4 - c->answer) + body_len <= c->got)
			break;
		errno = 0;
		ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);
		if (n <= 0)
			return n ? "cannot receive" : "the connection ended";
		c->got += (size_t)n;
		c->answer[c->got] = '\0';
	}
	if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
		return "not a 200";
	return strcmp(strstr(c->answer, "\r\n\r\n") + 4, body) == 0 ? NULL : "not what was asked for";
}

static void ask(struct client *c, unsigned long n)
{
	char request[256], path[64];
	int len;

	snprintf(path, sizeof(path), "/echo/%u-%lu\n", c->number, n);
	len = snprintf(request, sizeof(request), "GET http://127.0.0.1:%u%.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", origin_port,
		(int)strlen(path) - 1, path, origin_port, c->keeps ? "" : "Connection: close\r\n");
	c->got = 0;
	c->answer[0] = '\0';
	const char *wrong = NULL;
	if (!dial(c))
		wrong = "cannot connect";
	else if (c->on_it++, send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		wrong = "cannot send";
	else
		wrong = hear(c, path);
	if (wrong)
		failed(c, wrong);
	if (wrong || !c->keeps || strstr(c->answer, "\r\nConnection: close\r\n"))
		hang_up(c);
}

static void *run(void *arg)
{
	struct client *c = arg;
	unsigned long n;

	while ((n = atomic_fetch_add(&requests, 1)) < wanted || !atomic_load(&input_ended))
		ask(c, n);
	atomic_fetch_sub(&requests, 1);
	hang_up(c);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct client clients[CLIENTS_MAX];
	pthread_t threads[CLIENTS_MAX];

	if (argc != 6)
		return 2;
	proxy_port = (unsigned)strtoul(argv[1], NULL, 10);
	origin_port = (unsigned)strtoul(argv[2], NULL, 10);
	unsigned keeping = (unsigned)strtoul(argv[3], NULL, 10), coming = (unsigned)strtoul(argv[4], NULL, 10);
	wanted = strtoul(argv[5], NULL, 10);
	if (keeping + coming > CLIENTS_MAX)
		return 2;
	for (unsigned i = 0; i < keeping + coming; i++) {
		clients[i] = (struct client){ .number = i, .keeps = i < keeping, .fd = -1 };
		if (pthread_create(&threads[i], NULL, run, &clients[i]) != 0)
			return 1;
	}
	char byte;
	while (read(0, &byte, 1) > 0)
		;
	atomic_store(&input_ended, true);
	for (unsigned i = 0; i < keeping + coming; i++)
		pthread_join(threads[i], NULL);
	printf("%lu %lu %lu\n", atomic_load(&requests), atomic_load(&failures), atomic_load(&connections));
	return 0;
}
