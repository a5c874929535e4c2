/*
 * The operator's log: one line per event, on standard error.
 *
 * Any thread may log.  A line is written with one call and control bytes are escaped, so lines cannot be forged
 * or torn.  Logging does not wait: what standard error does not take, as nobody reads it or a disk is full, is lost and
 * counted, and the next line that is taken is preceded by one that tells so.  When standard error goes to the systemd journal, lines carry its priority prefix instead of a time.
 * What people exchanged goes to the access log (inspect/), not here.  Never pass values of credentials.
 */
#ifndef FRESHET_BASE_LOG_H
#define FRESHET_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR, /* somebody has to act */
	LOG_LEVEL_WARN,  /* odd, and served all the same */
	LOG_LEVEL_INFO,  /* life cycle */
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE,
};

extern atomic_int log_threshold; /* an enum log_level: set at the start and at reloads, looked at by all threads */

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_at(level, ...) \
	do { \
		if (__builtin_expect((int)(level) <= atomic_load_explicit(&log_threshold, memory_order_relaxed), 0)) \
			log_write((level), __VA_ARGS__); \
	} while (0)

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_LEVEL_TRACE, __VA_ARGS__)

/*
 * For what happens a million times when it happens: one kind of line, told at most once in ten seconds.  All zero it
 * has told nothing.  One thread.
 */
struct log_throttle {
	int64_t told_us;
	unsigned count; /* since last told */
};

/* Counts one.  Whether to tell now; *count is then how many it is told of. */
bool log_throttle_pass(struct log_throttle *t, int64_t now_us, unsigned *count);

#endif
