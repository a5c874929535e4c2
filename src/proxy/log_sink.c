/*
 * Sinks of the access log.
 */
#include "proxy/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

static int open_file(const char *path);
static void write_syslog(struct span lines);
static bool write_lines(struct log_sink *s, struct span *rest);
static bool write_all(int fd, struct span *rest);
static void failed(struct log_sink *s, struct span unwritten, int error);
static void recovered(struct log_sink *s);

bool log_sink_open(struct log_sink *s, const char *target, char *why, size_t why_bytes)
{
	*s = (struct log_sink){ .kind = LOG_SINK_OFF };
	if (strcmp(target, "off") == 0)
		return true;
	if (strcmp(target, "-") == 0) {
		*s = (struct log_sink){ .kind = LOG_SINK_STDOUT, .fd = STDOUT_FILENO };
		return true;
	}
	if (strcmp(target, "syslog") == 0) {
		openlog("freshet", LOG_PID, LOG_DAEMON);
		s->kind = LOG_SINK_SYSLOG;
		return true;
	}
	char *path = strdup(target);
	int fd = path ? open_file(path) : -1;
	if (fd < 0) {
		snprintf(why, why_bytes, "access log %s: %s", target, strerror(errno));
		free(path);
		return false;
	}
	*s = (struct log_sink){ .kind = LOG_SINK_FILE, .fd = fd, .path = path };
	return true;
}

/* A named pipe that nobody reads is an error and not something to wait for; later writes do wait. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

static const char *sink_name(const struct log_sink *s)
{
	return s->kind == LOG_SINK_FILE ? s->path : "on standard output";
}

void log_sink_close(struct log_sink *s)
{
	if (s->dropped)
		log_warn("access log %s: %llu lines were lost", sink_name(s), (unsigned long long)s->dropped);
	if (s->kind == LOG_SINK_FILE)
		close(s->fd);
	free(s->path);
	*s = (struct log_sink){ .kind = LOG_SINK_OFF };
}

static bool is_same_file(int a, int b)
{
	struct stat st[2];

	return fstat(a, &st[0]) == 0 && fstat(b, &st[1]) == 0 && st[0].st_dev == st[1].st_dev &&
		st[0].st_ino == st[1].st_ino;
}

void log_sink_continue(struct log_sink *next, const struct log_sink *last)
{
	if (next->kind == LOG_SINK_FILE && last->kind == LOG_SINK_FILE && last->torn)
		next->torn = is_same_file(next->fd, last->fd);
}

void log_sink_reopen(struct log_sink *s)
{
	if (s->kind != LOG_SINK_FILE)
		return;
	int fd = open_file(s->path);
	if (fd < 0) {
		log_error("access log %s: not reopened: %s", s->path, strerror(errno));
		return;
	}
	s->torn = s->torn && is_same_file(fd, s->fd);
	close(s->fd);
	s->fd = fd;
}

void log_sink_write(struct log_sink *s, struct span lines)
{
	struct span rest = lines;

	switch (s->kind) {
	case LOG_SINK_OFF:
		return;
	case LOG_SINK_SYSLOG:
		write_syslog(lines);
		return;
	case LOG_SINK_STDOUT:
	case LOG_SINK_FILE:
		break;
	}
	if (!write_lines(s, &rest))
		failed(s, rest, errno);
	else if (s->failing)
		recovered(s);
}

/* False, with errno set and the unwritten part in *rest, on failure. */
static bool write_lines(struct log_sink *s, struct span *rest)
{
	struct span end = SPAN("\n");
	size_t whole = rest->n;

	if (s->torn && !write_all(s->fd, &end))
		return false;
	bool written = write_all(s->fd, rest);
	s->torn = rest->n && rest->n < whole && rest->p[-1] != '\n';
	return written;
}

static void write_syslog(struct span lines)
{
	while (lines.n) {
		size_t end = span_find(lines, '\n');

		syslog(LOG_DAEMON | LOG_INFO, "%.*s", SPAN_ARG(span_first(lines, end)));
		lines = span_from(lines, end + 1);
	}
}

static bool write_all(int fd, struct span *rest)
{
	while (rest->n) {
		ssize_t n = write(fd, rest->p, rest->n);

		if (n >= 0) {
			*rest = span_from(*rest, (size_t)n);
		} else if (errno == EAGAIN) { /* whoever we share standard output with made it so */
			struct pollfd writable = { .fd = fd, .events = POLLOUT };

			poll(&writable, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static uint64_t count_lines(struct span s)
{
	uint64_t lines = 0;

	for (size_t end; (end = span_find(s, '\n')) < s.n; s = span_from(s, end + 1))
		lines++;
	return lines;
}

static void failed(struct log_sink *s, struct span unwritten, int error)
{
	uint64_t lines = count_lines(unwritten);

	if (!s->failing)
		log_error("access log %s: %s; lines are dropped until it can be written again", sink_name(s),
			strerror(error));
	s->failing = true;
	s->dropped += lines;
}

static void recovered(struct log_sink *s)
{
	log_warn("access log %s: written again, %llu lines were lost", sink_name(s),
		(unsigned long long)s->dropped);
	s->failing = false;
	s->dropped = 0;
}
