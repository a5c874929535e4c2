/*
 * The operator's log on standard error.
 *
 * A line is put together on the stack and written at once; nothing is allocated, locked or queued.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define ELLIPSIS "\u2026"

enum {
	TEXT_BYTES = 2048,                                      /* a message before escaping */
	LINE_BYTES = TEXT_BYTES,                                /* below PIPE_BUF: pipes keep it whole */
	TEXT_END = LINE_BYTES - (int)sizeof(ELLIPSIS "\n") + 1, /* where escaped text must stop */
	THROTTLE_US = 10 * 1000 * 1000,
};

enum log_level log_threshold = LOG_LEVEL_INFO;

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

void log_write(enum log_level level, const char *format, ...)
{
	int caller_errno = errno;
	char text[TEXT_BYTES], line[LINE_BYTES];
	ssize_t written;
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
	do {
		written = write(STDERR_FILENO, line, len);
	} while (written < 0 && errno == EINTR); /* other failures have nowhere to be told */
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
