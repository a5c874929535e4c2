/*
 * Where access log lines go: standard output, a file, syslog, or nowhere.
 *
 * Whole lines in, written as they are.  A sink that fails says so once, counts what it drops, tries again with
 * the next lines, and says when it works again.  Writing may block; only the log's own thread does it.
 */
#ifndef FRESHET_PROXY_LOG_SINK_H
#define FRESHET_PROXY_LOG_SINK_H

#include "base/span.h"

enum log_sink_kind {
	LOG_SINK_OFF,
	LOG_SINK_STDOUT,
	LOG_SINK_FILE,
	LOG_SINK_SYSLOG,
};

/* Zero-initialised it is LOG_SINK_OFF.  May be moved by assignment. */
struct log_sink {
	enum log_sink_kind kind;
	int fd;           /* STDOUT: borrowed; FILE: owned */
	char *path;       /* FILE: owned */
	bool failing;     /* told so, and not yet that it is over */
	bool torn;        /* a failure left a line without its end */
	uint64_t dropped; /* lines, since it began to fail */
};

/*
 * "-" is standard output, "syslog" and "off" are themselves, everything else a file to append to, made when it
 * does not exist.  False, with the reason in `why` and *s off, when it cannot be opened.
 */
bool log_sink_open(struct log_sink *s, const char *target, char *why, size_t why_bytes) MUST_CHECK;

/* Off afterwards. */
void log_sink_close(struct log_sink *s);

/* `next` takes the place of `last`: where it is the same file, and that ended within a line, the line is ended first. */
void log_sink_continue(struct log_sink *next, const struct log_sink *last);

/* Opens a file's path anew, after it was renamed; the old file stays in use where that fails, which is logged. */
void log_sink_reopen(struct log_sink *s);

/* `lines` ends with a newline. */
void log_sink_write(struct log_sink *s, struct span lines);

#endif
