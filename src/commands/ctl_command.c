/*
 * `freshet ctl`: finds the control socket, asks one page, prints it.  What the words mean is config/ctl_request.c, what is
 * done proxy/pages_switches.c.
 */
#include "commands/ctl_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http/h1.h"
#include "proxy/control.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, WAIT_S = 10, ANSWER_MAX = 1024 * 1024, FIELDS_MAX = 64, HEAD_MAX = 16 * 1024 };

static int complain(const char *about, const char *why)
{
	fprintf(stderr, "freshet ctl: %s%s%s\n", about, about[0] ? ": " : "", why);
	return STATUS_FAILED;
}

/* -- connecting -- */

/* -1 with errno. */
static int connect_to(const char *path)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const void *)&sa, sizeof(sa)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static const char *reason_of(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return "no freshet runs that listens there";
	case EACCES:
		return "it belongs to another user: try as that user, or as root";
	default:
		return strerror(error);
	}
}

/* The first of the places where somebody listens.  -1, with the reason told. */
static int connect_anywhere(const struct ctl_request *r, const struct config *config)
{
	char places[CONTROL_PLACES][CONTROL_PATH_BYTES];
	size_t count = r->socket ? 0 : control_places(config, places);
	int error = ENOENT, fd = r->socket ? connect_to(r->socket) : -1;

	if (r->socket && fd < 0)
		complain(r->socket, reason_of(errno));
	if (r->socket)
		return fd;
	for (size_t i = 0; i < count; i++) {
		fd = connect_to(places[i]);
		if (fd >= 0)
			return fd;
		if (i == 0 || errno == EACCES)
			error = errno;
	}
	complain(count ? places[0] : config->control, count ? reason_of(error) : "the option control names no socket");
	return -1;
}

/* -- asking -- */

static bool send_request(int fd, const struct ctl_request *r)
{
	char text[CTL_TARGET_BYTES + 256];
	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: freshet.internal\r\nAccept: %s\r\nConnection: close\r\n\r\n",
		r->changes ? "POST" : "GET", r->target, r->json ? "application/json" : "text/plain");

	return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

/* All until the end; its length, or -1. */
static ssize_t read_answer(int fd, char *room)
{
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, room + n, ANSWER_MAX - n, 0)) > 0)
		n += (size_t)got;
	return got < 0 || n == ANSWER_MAX ? -1 : (ssize_t)n;
}

/* The status and the body; false when it is not a whole answer. */
static bool parse(struct span bytes, enum method method, unsigned *status, struct span *body)
{
	const struct h1_limits limits = { .head_bytes = HEAD_MAX, .target_bytes = HEAD_MAX, .fields = FIELDS_MAX };
	struct field fields[FIELDS_MAX];
	struct message m;
	struct h1_error error;
	size_t scanned = 0, head_len = 0;

	message_init(&m, fields, FIELDS_MAX);
	if (h1_read_response(bytes, &scanned, &limits, NULL, method, &m, &head_len, &error) != H1_OK)
		return false;
	*status = m.status;
	*body = span_from(bytes, head_len);
	return m.framing == FRAMING_LENGTH && body->n == m.content_length;
}

static void print(FILE *out, struct span body)
{
	fwrite(body.p, 1, body.n, out);
	if (body.n && body.p[body.n - 1] != '\n')
		fputc('\n', out);
}

static int tell(const struct ctl_request *r, struct span body, unsigned status)
{
	if (status == 200) {
		print(stdout, body);
		return fflush(stdout) == 0 ? STATUS_OK : complain("", "standard output cannot be written");
	}
	if (!r->json)
		fputs("freshet ctl: ", stderr);
	print(r->json ? stdout : stderr, body);
	return STATUS_FAILED;
}

static int ask(int fd, const struct ctl_request *r, char *room)
{
	struct span body;
	unsigned status;

	if (!send_request(fd, r))
		return complain("the proxy does not listen", strerror(errno));
	ssize_t n = read_answer(fd, room);
	if (n < 0 || !parse(span_of(room, (size_t)n), r->changes ? METHOD_POST : METHOD_GET, &status, &body))
		return complain("", "the proxy gave no answer that can be read");
	return tell(r, body, status);
}

int ctl_command(const struct ctl_request *request, const struct config *config)
{
	int fd = connect_anywhere(request, config);

	if (fd < 0)
		return STATUS_FAILED;
	char *room = malloc(ANSWER_MAX);
	int status = room ? ask(fd, request, room) : complain("", "memory is out");
	free(room);
	close(fd);
	return status;
}
