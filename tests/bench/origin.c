/*
 * An origin cheap enough not to be what is measured: one thread, epoll, the usual answer made beforehand.
 *
 *   origin            listens on a free port of 127.0.0.1 and prints its number
 *
 *   GET  /N           N bytes, with the caching fields of an ordinary site
 *   GET  /seen        the request's head as it arrived
 *   POST anything     swallows the body (Content-Length only), answers 2 bytes
 *
 * Bodies go out by sendfile(2) and are swallowed with MSG_TRUNC, so that a byte costs it next to nothing.
 * Takes what the proxies of contenders.py send; it is no server for anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEAD_MAX = 8 * 1024,
	ANSWER_MAX = HEAD_MAX + 1024, /* fields, and the head that /seen gives back */
	USUAL_BYTES = 1024,
	FILE_BYTES = 4 * 1024 * 1024,
	SWALLOW_BYTES = 1024 * 1024,
	EVENTS = 256,
};

struct conn {
	int fd;
	bool close_after, wants_room;
	size_t in;          /* bytes in `head` */
	uint64_t swallow;   /* still to come of the request's body; the answer goes out after it */
	const char *out;    /* points into `own` or `usual` */
	size_t out_left;
	uint64_t file_left; /* follows `out` */
	char head[HEAD_MAX], own[ANSWER_MAX];
};

static int epoll, file;
static char usual[ANSWER_MAX];
static size_t usual_len;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static size_t make_head(char *out, uint64_t body_bytes)
{
	int n = snprintf(out, ANSWER_MAX,
		"HTTP/1.1 200 OK\r\n"
		"Server: origin\r\n"
		"Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Last-Modified: Fri, 20 Nov 2026 09:30:00 GMT\r\n"
		"ETag: \"5f2c-62c0a3d1e8f40\"\r\n"
		"Cache-Control: private, max-age=3600, must-revalidate\r\n"
		"Expires: Sun, 22 Nov 2026 13:00:00 GMT\r\n"
		"Age: 12\r\n"
		"Vary: Accept-Encoding\r\n"
		"Content-Length: %llu\r\n\r\n",
		(unsigned long long)body_bytes);

	return (size_t)n;
}

/* The value of a field, or NULL.  `head` is NUL-terminated. */
static const char *field(const char *head, const char *name)
{
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) == 0)
			return line + strlen(name) + strspn(line + strlen(name), " ");
	}
	return NULL;
}

/* The path of a target in either form (RFC 9112 section 3.2). */
static const char *path_of(const char *target)
{
	const char *path = strncmp(target, "http://", 7) == 0 ? strchr(target + 7, '/') : target;

	return path ? path : "/0 ";
}

static void answer(struct conn *c, const char *path, size_t head_len)
{
	uint64_t bytes = c->swallow ? 2 : strtoull(path + 1, NULL, 10);

	c->out = c->own;
	if (strncmp(path, "/seen ", 6) == 0) {
		c->out_left = make_head(c->own, head_len);
		memcpy(c->own + c->out_left, c->head, head_len);
		c->out_left += head_len;
	} else if (bytes == USUAL_BYTES) {
		c->out = usual;
		c->out_left = usual_len;
	} else {
		c->out_left = make_head(c->own, bytes);
		c->file_left = bytes;
	}
}

/* Takes one request off the front of `head`.  False when there is no whole one. */
static bool take_request(struct conn *c)
{
	char *end = memmem(c->head, c->in, "\r\n\r\n", 4);

	if (!end)
		return false;
	size_t head_len = (size_t)(end + 4 - c->head);
	end[3] = 0; /* for strstr() */
	const char *connection = field(c->head, "connection:"), *length = field(c->head, "content-length:");
	const char *target = strchr(c->head, ' ');
	c->close_after = connection && strncasecmp(connection, "close", 5) == 0;
	c->swallow = length ? strtoull(length, NULL, 10) : 0;
	end[3] = '\n';
	answer(c, target ? path_of(target + 1) : "/0 ", head_len);
	c->in -= head_len;
	memmove(c->head, c->head + head_len, c->in);
	return true;
}

/* False when the connection is to be closed. */
static bool give(struct conn *c)
{
	while (c->out_left || c->file_left) {
		off_t start = 0;
		ssize_t n;

		if (c->out_left)
			n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL | (c->file_left ? MSG_MORE : 0));
		else
			n = sendfile(c->fd, file, &start, c->file_left < FILE_BYTES ? c->file_left : FILE_BYTES);
		if (n < 0)
			return errno == EAGAIN;
		if (c->out_left) {
			c->out += n;
			c->out_left -= (size_t)n;
		} else {
			c->file_left -= (uint64_t)n;
		}
	}
	return !c->close_after;
}

/* Reads once.  False at the end. */
static bool take_bytes(struct conn *c)
{
	if (c->swallow) {
		static char nothing[1]; /* MSG_TRUNC writes nowhere */
		size_t most = c->swallow < SWALLOW_BYTES ? (size_t)c->swallow : SWALLOW_BYTES;
		ssize_t n = recv(c->fd, nothing, most, MSG_TRUNC);

		if (n > 0)
			c->swallow -= (uint64_t)n;
		return n > 0 || (n < 0 && errno == EAGAIN);
	}
	ssize_t n = recv(c->fd, c->head + c->in, HEAD_MAX - c->in, 0);
	if (n > 0)
		c->in += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool is_answering(const struct conn *c)
{
	return !c->swallow && (c->out_left || c->file_left);
}

/* Answers whatever has arrived whole.  False when the connection is to be closed. */
static bool serve(struct conn *c)
{
	while (is_answering(c) || (!c->swallow && take_request(c))) {
		size_t body = c->swallow < c->in ? (size_t)c->swallow : c->in;

		c->swallow -= body;
		c->in -= body;
		memmove(c->head, c->head + body, c->in);
		if (c->swallow)
			break;
		if (!give(c))
			return false;
		if (is_answering(c))
			break;
	}
	return true;
}

static void update(struct conn *c)
{
	bool wants_room = is_answering(c);
	struct epoll_event e = { .events = wants_room ? EPOLLOUT : EPOLLIN, .data.ptr = c };

	if (wants_room != c->wants_room)
		epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
	c->wants_room = wants_room;
}

static void on_event(struct conn *c)
{
	if ((is_answering(c) || take_bytes(c)) && serve(c)) {
		update(c);
		return;
	}
	close(c->fd);
	free(c);
}

static void accept_all(int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = malloc(sizeof(*c));
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		if (!c)
			die("origin");
		memset(c, 0, offsetof(struct conn, head));
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 4096) ||
		getsockname(fd, (struct sockaddr *)&at, &len))
		die("origin: listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(void)
{
	struct epoll_event events[EVENTS], e = { .events = EPOLLIN, .data.ptr = NULL };
	int listener = listen_somewhere();

	signal(SIGPIPE, SIG_IGN); /* sendfile(2) has no MSG_NOSIGNAL */
	epoll = epoll_create1(EPOLL_CLOEXEC);
	file = memfd_create("body", MFD_CLOEXEC);
	if (epoll < 0 || file < 0 || fallocate(file, 0, 0, FILE_BYTES))
		die("origin");
	usual_len = make_head(usual, USUAL_BYTES);
	memset(usual + usual_len, 'x', USUAL_BYTES);
	usual_len += USUAL_BYTES;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_event(events[i].data.ptr);
			else
				accept_all(listener);
		}
	}
}
