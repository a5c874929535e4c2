/*
 * The operator's log on standard error.
 *
 * A line is put together on the stack and written at once; nothing is allocated or queued.  Where nobody reads, lines
 * are counted instead of waited with: the flag O_NONBLOCK would not do, as others share standard error with us.
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define ELLIPSIS "\u2026"

enum {
	TEXT_BYTES = 2048,                                      /* a message before escaping */
	LINE_BYTES = TEXT_BYTES,                                /* below PIPE_BUF: pipes keep it whole */
	TEXT_END = LINE_BYTES - (int)sizeof(ELLIPSIS "\n") + 1, /* where escaped text must stop */
	THROTTLE_US = 10 * 1000 * 1000,
	PATIENCE_MS = 200, /* the main thread's, whose lines are few and tell of beginnings and ends */
};

atomic_int log_threshold = LOG_LEVEL_INFO;

/* Between looking for room and the line that takes it, no other thread's may come. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lost; /* lines not written since the last that was; guarded by `lock` */
static bool torn;     /* a line was written in part; the same */

static const struct {
	const char *name;
	char priority; /* syslog's digit; see sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", '3' },
	[LOG_LEVEL_WARN] = { "warn", '4' },
	[LOG_LEVEL_INFO] = { "info", '6' },
	[LOG_LEVEL_DEBUG] = { "debug", '7' },
	[LOG_LEVEL_TRACE] = { "trace", '7' },
};

/* Asked for each line: lines are rare, and standard error may be redirected after start. */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char self[48];

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(self, sizeof(self), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, self) == 0;
}

/* The priority, or the time and the level's name; returns the length. */
static size_t put_head(char *out, size_t room, enum log_level level)
{
	int64_t now_us = clock_wall_us();
	time_t now_s = (time_t)(now_us / 1000000);
	int ms = (int)(now_us / 1000 % 1000);
	struct tm t;
	int n;

	if (to_journal()) {
		n = snprintf(out, room, "<%c>", levels[level].priority);
	} else {
		gmtime_r(&now_s, &t);
		n = snprintf(out, room, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s ", t.tm_year + 1900, t.tm_mon + 1,
			     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ms, levels[level].name);
	}
	return n > 0 ? (size_t)n : 0;
}

/* Appends text at line + at, each byte that could forge or spoil a line as \xNN; false if it did not fit. */
static bool put_escaped(char *line, size_t *at, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= ' ' && c <= '~' && c != '\\';

		if (*at + (plain ? 1 : 4) > TEXT_END)
			return false;
		if (plain) {
			line[(*at)++] = *text;
			continue;
		}
		line[(*at)++] = '\\';
		line[(*at)++] = 'x';
		line[(*at)++] = hex[c >> 4];
		line[(*at)++] = hex[c & 15];
	}
	return true;
}

static bool has_room(int patience_ms)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, patience_ms) != 0;
}

/* A pipe that has room has it for PIPE_BUF bytes (pipe(7)), which no line exceeds. */
static bool write_now(const char *line, size_t len)
{
	ssize_t written;

	do {
		written = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (written < 0 && errno == ENOTSOCK)
			written = has_room(0) ? write(STDERR_FILENO, line, len) : -1;
	} while (written < 0 && errno == EINTR);
	if (written > 0)
		torn = (size_t)written < len;
	return written == (ssize_t)len;
}

/* The lock is held. */
static bool tell_lost(void)
{
	char line[LINE_BYTES];
	size_t len = torn ? 1 : 0;

	if (!lost)
		return true;
	line[0] = '\n';
	len += put_head(line + len, sizeof(line) - len, LOG_LEVEL_WARN);
	int n = snprintf(line + len, sizeof(line) - len, "%" PRIu64 " log lines were lost: standard error could not be "
		"written\n", lost);
	if (n < 0 || !write_now(line, len + (size_t)n))
		return false;
	lost = 0;
	return true;
}

/* Only until the first line was lost, or a hundred mistakes in a configuration would take a hundred times as long. */
static bool is_patient(void)
{
	pthread_mutex_lock(&lock);
	bool patient = !lost;
	pthread_mutex_unlock(&lock);
	return patient && gettid() == getpid();
}

static void put_line(const char *line, size_t len)
{
	if (is_patient())
		has_room(PATIENCE_MS); /* outside of the lock: nobody waits for the main thread's patience */
	pthread_mutex_lock(&lock);
	if (!tell_lost() || !write_now(line, len))
		lost++;
	pthread_mutex_unlock(&lock);
}

void log_write(enum log_level level, const char *format, ...)
{
	int caller_errno = errno;
	char text[TEXT_BYTES], line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	size_t len = put_head(line, TEXT_END, level);
	bool whole = put_escaped(line, &len, n < 0 ? format : text);
	if (!whole) { /* so it is when vsnprintf() cut: text is as long as a line, less its head */
		memcpy(line + len, ELLIPSIS, sizeof(ELLIPSIS) - 1);
		len += sizeof(ELLIPSIS) - 1;
	}
	line[len++] = '\n';
	put_line(line, len);
	errno = caller_errno;
}

bool log_throttle_pass(struct log_throttle *t, int64_t now_us, unsigned *count)
{
	t->count++;
	if (t->told_us && now_us - t->told_us < THROTTLE_US)
		return false;
	*count = t->count;
	t->told_us = now_us;
	t->count = 0;
	return true;
}
