/*
 * The access log's thread: takes the workers' records out of their rings and writes them as lines.
 *
 * A worker never waits for it.  While the sink cannot keep up, records are lost, counted, and the loss is logged.
 * Lines of one worker keep their order; lines of different workers are in order only roughly.
 *
 * Everything but log_writer_ring(), log_writer_lost() and log_writer_wake() is for the main thread.
 */
#ifndef FRESHET_PROXY_LOG_WRITER_H
#define FRESHET_PROXY_LOG_WRITER_H

#include "inspect/access_log.h"
#include "inspect/ring.h"

struct log_writer;

/* It is off and has no thread until it is configured.  NULL when memory is out. */
struct log_writer *log_writer_new(unsigned workers) MUST_CHECK;

/*
 * Writes what is there and ends the thread; the workers have ended before.  A sink that is stuck is given two
 * seconds, then thread and memory are left to the process' end.  NULL is fine.
 */
void log_writer_free(struct log_writer *w);

/* That worker's ring; NULL while the log is off.  This changes with the configuration: ask for each record. */
struct ring *log_writer_ring(struct log_writer *w, unsigned worker);

/* How many records were lost, ever, in all rings.  For any thread. */
uint64_t log_writer_lost(const struct log_writer *w);

/* To be called once per loop pass when ring_should_wake() says so. */
void log_writer_wake(struct log_writer *w);

/*
 * A change in two steps, so that a reload is all or nothing: prepare opens the target ("-", a file, "syslog",
 * "off"; see proxy/log_sink.h) and may fail, with the reason in `why`; commit cannot.  Records that are waiting
 * are still written to the old target.
 */
bool log_writer_prepare(struct log_writer *w, const char *target, enum access_log_format format, char *why,
	size_t why_bytes) MUST_CHECK;
void log_writer_commit(struct log_writer *w);
void log_writer_cancel(struct log_writer *w);

/* Opens the file's path anew, after it was renamed. */
void log_writer_reopen(struct log_writer *w);

#endif
