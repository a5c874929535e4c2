/*
 * Moves large bodies through a proxy for a while, as fast as they go, and counts their bytes.
 *
 *   bodies get | put | tunnel PROXY_PORT ORIGIN_PORT BODY_BYTES CONNECTIONS SECONDS
 *
 * Prints bytes, whole exchanges and errors.  A thread a connection, blocking: what it costs is not measured, and
 * received bytes are thrown away in the kernel (MSG_TRUNC), sent ones come from a file in memory.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_BYTES = 4 * 1024 * 1024, HEAD_MAX = 16 * 1024, TAKE_BYTES = 1024 * 1024 };

static struct job {
	const char *kind;
	unsigned proxy_port, origin_port;
	unsigned long long body_bytes;
} job;

static int file;
static atomic_ullong bytes, exchanges, errors;

static int dial(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	at.sin_port = htons((unsigned short)job.proxy_port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool say(int fd, const char *head)
{
	return send(fd, head, strlen(head), MSG_NOSIGNAL) == (ssize_t)strlen(head);
}

/* Reads a 200's head; *body gets the length that it announces, *early how much of it came along. */
static bool hear_head(int fd, unsigned long long *body, size_t *early)
{
	char head[HEAD_MAX + 1];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, head + n, HEAD_MAX - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = 0;
		char *end = strstr(head, "\r\n\r\n");
		if (!end)
			continue;
		char *length = strcasestr(head, "\r\ncontent-length:");
		*body = length && length < end ? strtoull(length + 17, NULL, 10) : 0;
		*early = n - (size_t)(end + 4 - head);
		return strncmp(head + 8, " 200", 4) == 0;
	}
}

static bool take_body(int fd, unsigned long long left)
{
	char nothing[1]; /* MSG_TRUNC writes nowhere */

	while (left) {
		ssize_t n = recv(fd, nothing, left < TAKE_BYTES ? (size_t)left : TAKE_BYTES, MSG_TRUNC);

		if (n <= 0)
			return false;
		left -= (unsigned long long)n;
		atomic_fetch_add(&bytes, (unsigned long long)n);
	}
	return true;
}

static bool give_body(int fd, unsigned long long left)
{
	while (left) {
		off_t from = 0;
		ssize_t n = sendfile(fd, file, &from, left < FILE_BYTES ? (size_t)left : FILE_BYTES);

		if (n <= 0)
			return false;
		left -= (unsigned long long)n;
		atomic_fetch_add(&bytes, (unsigned long long)n);
	}
	return true;
}

static bool hear_answer(int fd)
{
	unsigned long long body;
	size_t early;

	if (!hear_head(fd, &body, &early))
		return false;
	atomic_fetch_add(&bytes, early);
	return take_body(fd, body - early);
}

static bool open_tunnel(int fd)
{
	unsigned long long body;
	size_t early;
	char head[256];

	snprintf(head, sizeof(head), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", job.origin_port,
		job.origin_port);
	return say(fd, head) && hear_head(fd, &body, &early);
}

static bool exchange(int fd, bool through_tunnel)
{
	char origin[64], head[512];
	bool put = strcmp(job.kind, "put") == 0;

	snprintf(origin, sizeof(origin), "127.0.0.1:%u", job.origin_port);
	if (put)
		snprintf(head, sizeof(head), "POST http://%s/ HTTP/1.1\r\nHost: %s\r\nContent-Length: %llu\r\n\r\n",
			origin, origin, job.body_bytes);
	else
		snprintf(head, sizeof(head), "GET %s%s/%llu HTTP/1.1\r\nHost: %s\r\n\r\n",
			through_tunnel ? "" : "http://", through_tunnel ? "" : origin, job.body_bytes, origin);
	return say(fd, head) && (!put || give_body(fd, job.body_bytes)) && hear_answer(fd);
}

static void *connection(void *arg)
{
	bool tunnel = strcmp(job.kind, "tunnel") == 0;

	for (;;) {
		int fd = dial();
		bool whole = fd >= 0 && (!tunnel || open_tunnel(fd));

		while (whole && (whole = exchange(fd, tunnel)))
			atomic_fetch_add(&exchanges, 1);
		atomic_fetch_add(&errors, 1);
		close(fd);
		usleep(1000);
	}
	return arg;
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fputs("usage: bodies get|put|tunnel PROXY_PORT ORIGIN_PORT BODY_BYTES CONNECTIONS SECONDS\n", stderr);
		return 2;
	}
	job = (struct job){ argv[1], (unsigned)strtoul(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10),
		strtoull(argv[4], NULL, 10) };
	signal(SIGPIPE, SIG_IGN); /* sendfile(2) has no MSG_NOSIGNAL */
	file = memfd_create("body", MFD_CLOEXEC);
	if (file < 0 || fallocate(file, 0, 0, FILE_BYTES))
		return 1;
	for (unsigned long i = strtoul(argv[5], NULL, 10); i; i--) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, connection, NULL))
			return 1;
	}
	usleep((useconds_t)(strtod(argv[6], NULL) * 1e6));
	printf("%llu %llu %llu\n", atomic_load(&bytes), atomic_load(&exchanges), atomic_load(&errors));
	return 0;
}
